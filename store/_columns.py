"""Journal rows to arrays: whole groups of full rows at once, the others one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from dodac.samples import Layout
from store import _codec as codec
from store._frames import empty_readings, without_corrected

if TYPE_CHECKING:
    from store._frames import Readings

SELECT_PACKED: Final = (
    "SELECT time_ns, span_ns, layout, present, flags, body, part FROM samples WHERE instrument = ? AND "
)


def unpack(
    rows: Sequence[tuple[Any, ...]], channels: tuple[str, ...], layouts: Mapping[int, Layout]
) -> Readings:
    """Arrays of rows of SELECT_PACKED, NaN where a channel is absent or flagged; corrected rows are left out.

    layouts: by the journal's own number. Raises IntegrityError for a row that does not fit its layout.
    """
    import numpy as np

    if not rows:
        return empty_readings(len(channels))
    times, spans, numbers, present, flags, bodies, parts = zip(*rows, strict=True)
    values = np.full((len(rows), len(channels)), np.nan)
    number_of = np.array(numbers, dtype=np.int64)
    full = np.array([a is None and b is None for a, b in zip(present, flags, strict=True)])
    for number in np.unique(number_of).tolist():
        layout = layouts[number]
        wanted = [(col, layout.index[c]) for col, c in enumerate(channels) if c in layout.index]
        if not wanted:
            continue
        mine = number_of == number
        whole = np.flatnonzero(mine & full)
        if len(whole):
            packed = b"".join([bodies[row] for row in whole.tolist()])
            block = np.frombuffer(packed, dtype="<f8").reshape(len(whole), len(layout.channels))
            for col, place in wanted:
                values[whole, col] = block[:, place]
        for row in np.flatnonzero(mine & ~full).tolist():
            got = codec.decode(
                (0, 0, 0, 0, 0, 0, 0, present[row], bodies[row], flags[row], None, 0), layout
            ).values
            for col, place in wanted:
                values[row, col] = got[place]
    found = np.array(times, dtype=np.int64), np.array(spans, dtype=np.int64), values
    return without_corrected(found, np.array(parts, dtype=np.int64))
