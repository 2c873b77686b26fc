"""The doctor at the times of readings: what the last run knew of this computer's clock, and of those of instruments."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from collector._clock_keeper import FACTS
from collector._doctor import Line
from dodac.clock import DAY_NS
from dodac.contracts import Event, EventKind

_BACK_NS: Final = 30 * DAY_NS
_AHEAD_NS: Final = 1 << 62


def times(path: Path) -> Sequence[Line]:
    """A fault of the host's clock that stood at the end of the last run, and instruments whose clock is off."""
    if not path.exists() or path.stat().st_size == 0:
        return []
    from store import JournalStore

    store = JournalStore(path)
    try:
        fault = store.facts().get(FACTS, {}).get("fault", "")
        events = store.events(time.time_ns() - _BACK_NS, _AHEAD_NS)
    finally:
        store.close()
    lines = [Line("clock", path.name, "bad", "clock_unfixed", {"words": fault})] if fault else []
    for instrument, seconds in off_clocks(events).items():
        lines.append(Line("clock", instrument, "warn", "clock_device", {"seconds": f"{seconds:+.0f}"}))
    return lines


def off_clocks(events: Iterable[Event]) -> dict[str, float]:
    """By how many seconds instruments' clocks are off that were told and are not right again; ahead is positive."""
    off: dict[str, float] = {}
    for event in events:
        if event.instrument is None:
            continue
        if "clock_off_s" in event.data:
            off[event.instrument] = float(event.data["clock_off_s"])
        elif event.kind is EventKind.FAULT_END or event.text.endswith("own time is right again"):
            off.pop(event.instrument, None)
    return off
