"""What the readings of a file themselves make doubtful: meters, clamps, clocks, zones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from dodac.clock import HOUR_NS, MINUTE_NS
from dodac.errors import DataError, Where
from dodac.quantities import CHANNELS, Kind, channel
from drivers.protocols.files_time import Stamps, Walls

if TYPE_CHECKING:
    from drivers.protocols.files_rows import Rows

_ZONE: Final = re.compile(
    r"\b(?:UTC|GMT)\s*(?:(?P<sign>[+−-])\s*(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?)?(?!\w)", re.IGNORECASE
)


def check_zone(names: Sequence[str], stamps: Stamps, walls: Walls, path: Path) -> None:
    """Raises DataError when the header names another offset from UTC than the times are read with."""
    found = next((match for name in names if (match := _ZONE.search(name))), None)
    good = np.flatnonzero(stamps.good)
    if found is None or not len(good):
        return
    said = int(found["hours"] or 0) * HOUR_NS + int(found["minutes"] or 0) * MINUTE_NS
    said = said if found["sign"] in (None, "+") else -said
    offsets = {int(stamps.wall[place]) - int(stamps.utc[place]) for place in (good[0], good[-1])}
    if offsets != {said}:
        hours = said / HOUR_NS
        zone = f"Etc/GMT{-hours:+.0f}" if hours and hours % 1 == 0 else "UTC" if not hours else "ZONE"
        raise DataError(
            f'the header says that times are in "{found[0].strip()}", they would be read in {walls.zone.key}.',
            Where(file=str(path)),
            f"Say --timezone {zone}.",
        )


def doubts(rows: Rows, stamps: Stamps, blocks: int) -> Iterator[str]:
    """What to look at before the readings are believed, in words."""
    steps = np.diff(stamps.utc[stamps.good])
    back = min(int((steps < 0).sum()), int((steps > 0).sum()))
    if back and blocks == 1:
        yield (
            f"{back} times a row is earlier than the row before it: was the clock set, or does the date stay behind "
            "after midnight? Rows are kept with the times they have"
        )
    for name, amounts in rows.rising.items():
        if amounts.is_meter:
            unit = channel(name).unit
            counters = [c.name for c in CHANNELS.values() if c.kind is Kind.COUNTER and c.unit == unit]
            yield (
                f"{name} rises from row to row and never falls: are these the readings of a meter and not what "
                "was used in each interval? If so, map the column to a counter"
                + (f" such as {counters[0]}" if counters else "")
            )
    for name, count in rows.negative.items():
        if name.startswith("power_") and name.endswith("_w") and count * 2 > rows.numbers_of[name]:
            yield (
                f"{name} is below zero in {count} of {rows.numbers_of[name]} rows: does the plant feed in, or is "
                "a current transformer the wrong way round? The values are kept as they are"
            )
