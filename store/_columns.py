"""Journal rows and blocks to arrays: whole groups of full rows at once, the others one by one."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from dodac.samples import Layout
from store import _blocks as blocks
from store import _blocks_read as history
from store import _codec as codec
from store._accounts import Read
from store._frames import empty_readings, without_corrected

if TYPE_CHECKING:
    from store._blocks import Arrays, Floats
    from store._frames import Readings

_SELECT: Final = (
    "SELECT time_ns, part, span_ns, layout, present, flags, body FROM samples "
    "WHERE instrument = ? AND (time_ns, part) > (?, ?) AND time_ns < ? ORDER BY time_ns, part LIMIT ?"
)
_PAGE: Final = 4096  # rows at a time: their objects stay in the processor's cache


def readings_of(
    read: Read, layouts: Mapping[int, Layout], instrument: int, channels: tuple[str, ...], start_ns: int,
    end_ns: int, *, spans: bool = True,
) -> Readings:  # fmt: skip
    """Readings in a window, NaN where a channel is absent or flagged; corrected ones are left out.

    spans: False where nobody looks at them. read: of one moment. layouts: by the journal's own number. Raises IntegrityError for a row that does not
    fit its layout and for a damaged block.
    """
    import numpy as np

    found = [
        _inside(
            blocks.arrays_of(some, history.layout_of(some[0], layouts), channels, spans=spans),
            start_ns,
            end_ns,
        )
        for page in history.in_pages(read, instrument, start_ns, end_ns)
        for some in (list(alike) for _, alike in groupby(page, key=lambda block: block.layout))
    ]
    after: tuple[int, int] = (start_ns, -1)
    while rows := read(_SELECT, (instrument, *after, end_ns, _PAGE)):
        found.append(_unpack(rows, channels, layouts, spans=spans))
        if len(rows) < _PAGE:
            break
        after = rows[-1][:2]
    if not found:
        return empty_readings(len(channels))
    times, span_ns, parts, values = (
        found[0] if len(found) == 1 else (np.concatenate(some) for some in zip(*found, strict=True))
    )
    steps = np.diff(times)
    if (steps <= 0).any():  # a sample that came late, or several parts of one time
        order = np.lexsort((parts, times))
        times, span_ns, parts, values = times[order], span_ns[order], parts[order], values[order]
    return without_corrected((times, span_ns, values), parts)


def _inside(arrays: Arrays, start_ns: int, end_ns: int) -> Arrays:
    times, spans, parts, values = arrays
    here = (times >= start_ns) & (times < end_ns)
    if here.all():
        return arrays
    return times[here], spans[here], parts[here], values[here]


def _unpack(
    rows: Sequence[tuple[Any, ...]], channels: tuple[str, ...], layouts: Mapping[int, Layout], *, spans: bool
) -> Arrays:
    import numpy as np

    times, parts, span_ns, numbers, present, flags, bodies = zip(*rows, strict=True)
    count = len(rows)
    layout = layouts[numbers[0]]
    if present.count(None) == flags.count(None) == numbers.count(numbers[0]) == count:
        whole = np.frombuffer(b"".join(bodies), dtype="<f8").reshape(count, len(layout.channels))
        if channels == layout.channels:
            values = whole
        else:
            values = np.full((count, len(channels)), np.nan)
            for col, name in enumerate(channels):
                if name in layout.index:
                    values[:, col] = whole[:, layout.index[name]]
    else:
        values = _mixed(channels, layouts, numbers, present, flags, bodies)
    return (
        np.frombuffer(array("q", times), np.int64),
        np.frombuffer(array("q", span_ns), np.int64) if spans else np.zeros(count, np.int64),
        np.zeros(count, np.int64) if parts.count(0) == count else np.frombuffer(array("q", parts), np.int64),
        values,
    )


def _mixed(
    channels: tuple[str, ...], layouts: Mapping[int, Layout], numbers: Sequence[int],
    present: Sequence[bytes | None], flags: Sequence[bytes | None], bodies: Sequence[bytes],
) -> Floats:  # fmt: skip
    """Values of rows of several layouts, or with absent or flagged channels."""
    import numpy as np

    values = np.full((len(numbers), len(channels)), np.nan)
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
    return values
