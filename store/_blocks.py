"""A block: samples of one instrument and layout, column by column, and the rows that come back from it."""

from __future__ import annotations

import struct
import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from dodac.errors import IntegrityError, Where
from dodac.samples import Layout
from store import _blocks_ints as ints
from store import _blocks_values as columns
from store import _codec as codec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Arrays = tuple[Ints, Ints, Ints, Floats]
    """time_ns, span_ns, part, and values (rows × channels, NaN where not good)."""

FORM: Final = 1
"""The way a body is laid out; a body of a later form is not read."""

_HEAD = struct.Struct("<qqqqqqqq")
_UNREADABLE: Final = (struct.error, zlib.error, IndexError, KeyError, ValueError, OverflowError)
_LENGTHS: Final = {ord("H"): "H", ord("I"): "I"}
_NOTHING, _ALL = 0, 1  # which samples carry a channel: none, all, or 2 + the place of a bitmap


class Block(NamedTuple):
    """A row of the table blocks; instrument and layout are the journal's small ids."""

    id: int
    instrument: int
    layout: int
    first_ns: int
    last_ns: int
    first_seq: int
    last_seq: int
    samples: int
    present: bytes | None
    form: int
    body: bytes
    crc: int

    def is_sound(self) -> bool:
        """True when the row matches its check sum; columns of a damaged file may hold anything."""
        try:
            return block_crc(self) == self.crc
        except (struct.error, TypeError):
            return False


def block_crc(block: Block) -> int:
    """CRC32C over every column of a block but its id, which says nothing."""
    present = block.present
    return codec.crc32c(
        _HEAD.pack(*block[1:8], block.form)
        + (b"-" if present is None else b"%d:" % len(present) + present)
        + block.body
    )


def encode(rows: Sequence[codec.Row], layout: Layout) -> Block:
    """The block of rows of one instrument and layout in the order of (time, part); its id is 0.

    Raises ValueError when the rows would not come back just as they are.
    """
    body, carried = _body(rows, len(layout.channels))
    seqs = [row[0] for row in rows]
    full = (1 << len(layout.channels)) - 1
    block = Block(
        0, rows[0][1], rows[0][4], rows[0][2], rows[-1][2], min(seqs), max(seqs), len(rows),
        None if carried == full else carried.to_bytes((len(layout.channels) + 7) // 8, "little"),
        FORM, body, 0,
    )  # fmt: skip
    block = block._replace(crc=block_crc(block))
    if rows_of(block, layout) != list(rows):
        raise ValueError("rows that do not come back from a block as they were")
    return block


def rows_of(block: Block, layout: Layout) -> list[codec.Row]:
    """The rows of a block as they stood in the table samples, in the order of (time, part).

    Raises IntegrityError for a block that does not match its check sum or its layout.
    """
    try:
        return _rows(_checked(block, layout), block, layout)
    except _UNREADABLE as error:
        raise damaged(block, layout.instrument) from error


def seqs_of(block: Block, layout: Layout) -> list[int]:
    """The seqs of a block's rows, in the same order."""
    try:
        return ints.decode(_checked(block, layout)[1], block.samples)
    except _UNREADABLE as error:
        raise damaged(block, layout.instrument) from error


def flags_of(block: Block, layout: Layout) -> list[tuple[int, int, bytes]]:
    """time, part and packed flags of the rows that have flags."""
    try:
        parts = _checked(block, layout)
        flags = _blobs(parts[6])
        if not flags:
            return []
        times = ints.decode(parts[0], block.samples)
        of_part = ints.decode(parts[3], block.samples)
        return [(times[row], of_part[row], blob) for row, blob in flags.items()]
    except _UNREADABLE as error:
        raise damaged(block, layout.instrument) from error


def arrays_of(
    some: Sequence[Block], layout: Layout, channels: Sequence[str], *, spans: bool = True
) -> Arrays:
    """time, span, part and values (rows × channels, NaN where not good) of blocks, one after the other.

    spans: False gives 0s, where nobody looks at them.
    """
    import numpy as np

    block = some[0]
    try:
        opened = []
        for block in some:
            opened.append((_checked(block, layout), block.samples))
        total = sum(count for _, count in opened)
        values = np.empty((len(channels), total))
        for place, name in enumerate(channels):
            if name in layout.index:
                _put_values(values[place], opened, 8 + layout.index[name])
            else:
                values[place] = np.nan
        times, of_part = (
            ints.decode_arrays([(sections[number], count, 0) for sections, count in opened])
            for number in (0, 3)
        )
        span_ns = (
            ints.decode_arrays([(sections[2], count, 0) for sections, count in opened])
            if spans
            else np.zeros(total, np.int64)
        )
    except _UNREADABLE as error:
        raise damaged(block, layout.instrument) from error
    return times, span_ns, of_part, values.T


def _put_values(out: Floats, opened: Sequence[tuple[list[bytes], int]], number: int) -> None:
    """One channel's values of several blocks, NaN where not good."""
    import numpy as np

    places = [_opened(sections[number]) for sections, _ in opened]
    if all(which == _ALL for which, _ in places):
        out[:] = columns.decode_arrays(
            [(sections[number], count, at) for (sections, count), (_, at) in zip(opened, places, strict=True)]
        )
        return
    out.fill(np.nan)
    begin = 0
    for (sections, count), (which, at) in zip(opened, places, strict=True):
        mine = out[begin : begin + count]
        begin += count
        if which == _ALL:
            mine[:] = columns.decode_array(sections[number], count, at)
        elif which != _NOTHING:
            mask = np.frombuffer(_bits(sections[5], which, count), np.uint8)
            here = np.unpackbits(mask, count=count, bitorder="little").view(bool)
            mine[here] = columns.decode_array(sections[number], int(here.sum()), at)


def damaged(block: Block, instrument: str) -> IntegrityError:
    """What is told of a block that can't be read."""
    return IntegrityError(
        f"a stored block of {block.samples} samples (seq {block.first_seq}–{block.last_seq}) "
        "does not match its check sum.",
        Where(instrument=instrument),
        "Start dodac run again: it saves what can be read.",
    )


# inside: sections are times, seqs, spans, parts, sources, bitmaps, flags, raw, then one for each channel


def _body(rows: Sequence[codec.Row], width: int) -> tuple[bytes, int]:
    """The body of rows, and the channels that any of them carries."""
    seqs, _, times, parts, _, spans, sources, present, bodies, flags, raws, _ = zip(*rows, strict=True)
    sections = [
        ints.encode(times, (0, 1, 2)),
        ints.encode(seqs, (0, 1)),
        *map(ints.encode, (spans, parts, sources)),
    ]
    full = (1 << width) - 1
    carried = 0
    bitmaps: list[bytes] = []
    made: list[bytes] = []
    if not any(flags) and present.count(None) == len(rows):
        values = array("d", b"".join(bodies))
        if len(values) != width * len(rows):
            raise ValueError("rows of another length than their layout's")
        carried = full
        made = [bytes((_ALL,)) + columns.encode(values[place::width]) for place in range(width)]
    else:
        kept = [array("d") for _ in range(width)]
        masks = [bytearray((len(rows) + 7) // 8) for _ in range(width)]
        for row, (mask, packed, body) in enumerate(zip(present, flags, bodies, strict=True)):
            here = full if mask is None else int.from_bytes(mask, "little")
            carried |= here
            good = here & ~codec.flagged(packed)
            values = array("d", body)
            if len(values) != good.bit_count():
                raise ValueError("a row of another length than its presence says")
            at = 0
            for place in range(width):
                if good >> place & 1:
                    kept[place].append(values[at])
                    masks[place][row >> 3] |= 1 << (row & 7)
                    at += 1
        for column, mask in zip(kept, masks, strict=True):
            made.append(_column(column, bytes(mask), len(rows), bitmaps))
    sections.append(b"".join(bitmaps))
    sections += [_put_blobs(flags), _put_blobs(raws), *made]
    lengths = [len(section) for section in sections]
    code = "H" if max(lengths) < 1 << 16 else "I"
    return code.encode() + struct.pack(f"<{len(lengths)}{code}", *lengths) + b"".join(sections), carried


def _column(values: array[float], mask: bytes, count: int, bitmaps: list[bytes]) -> bytes:
    if not values:
        return b""
    if len(values) == count:
        return bytes((_ALL,)) + columns.encode(values)
    if mask not in bitmaps:
        bitmaps.append(mask)
    out = bytearray()
    ints.put_number(out, 2 + bitmaps.index(mask))
    return bytes(out) + columns.encode(values)


def _opened(column: bytes) -> tuple[int, int]:
    """Which samples carry a channel, and where its values begin."""
    if not column:
        return _NOTHING, 0
    if column[0] == _ALL:
        return _ALL, 1
    reading = ints.Reading(column)
    return reading.number(), reading.at


def _bits(bitmaps: bytes, which: int, count: int) -> bytes:
    size = (count + 7) // 8
    mask = bitmaps[(which - 2) * size : (which - 1) * size]
    if len(mask) != size:
        raise IndexError("a bitmap is missing")
    return mask


def _put_blobs(blobs: Sequence[bytes | None]) -> bytes:
    some = [(row, blob) for row, blob in enumerate(blobs) if blob is not None]
    if not some:
        return b""
    out = bytearray()
    ints.put_number(out, len(some))
    for numbers in ([row for row, _ in some], [len(blob) for _, blob in some]):
        packed = ints.encode(numbers)
        ints.put_number(out, len(packed))
        out += packed
    joined = b"".join([blob for _, blob in some])
    small = ints.deflated(joined)
    return bytes(out) + (b"\x00" + joined if small is None else b"\x01" + small)


def _blobs(section: bytes) -> dict[int, bytes]:
    """Row → its blob."""
    if not section:
        return {}
    reading = ints.Reading(section)
    count = reading.number()
    rows, lengths = (ints.decode(reading.take(reading.number()), count) for _ in range(2))
    small = reading.take(1) == b"\x01"
    joined = ints.inflated(reading.rest()) if small else reading.rest()
    found: dict[int, bytes] = {}
    at = 0
    for row, length in zip(rows, lengths, strict=True):
        found[row] = joined[at : at + length]
        at += length
    if at != len(joined):
        raise IndexError("bytes of flags or raw are missing")
    return found


def _checked(block: Block, layout: Layout) -> list[bytes]:
    """The sections of a sound block of this layout."""
    if not block.is_sound() or block.form != FORM:
        raise damaged(block, layout.instrument)
    body = block.body
    code = _LENGTHS[body[0]]
    lengths = struct.Struct(f"<{8 + len(layout.channels)}{code}")
    ends = list(accumulate(lengths.unpack_from(body, 1), initial=1 + lengths.size))
    if ends[-1] != len(body):
        raise IndexError("a block of another layout")
    return [body[begin:end] for begin, end in pairwise(ends)]


def _rows(sections: list[bytes], block: Block, layout: Layout) -> list[codec.Row]:
    count, width = block.samples, len(layout.channels)
    times, seqs, spans, parts, sources = (ints.decode(section, count) for section in sections[:5])
    flags, raws = _blobs(sections[6]), _blobs(sections[7])
    full = (1 << width) - 1
    whole: list[Sequence[float]] = []
    good: list[int] | None = None
    opened = [(column, *_opened(column)) for column in sections[8:]]
    if all(which == _ALL for _, which, _ in opened):
        whole = [columns.decode(column, count, at) for column, _, at in opened]
        pack = struct.Struct(f"<{width}d").pack
        bodies = [pack(*row) for row in zip(*whole, strict=True)]
    else:
        good = [0] * count
        kept: list[list[float]] = [[] for _ in range(count)]
        for place, (column, which, at) in enumerate(opened):
            if which == _NOTHING:
                continue
            if which == _ALL:
                here: Sequence[int] = range(count)
            else:
                mask = int.from_bytes(_bits(sections[5], which, count), "little")
                here = [row for row in range(count) if mask >> row & 1]
            for row, value in zip(here, columns.decode(column, len(here), at), strict=True):
                good[row] |= 1 << place
                kept[row].append(value)
        bodies = [struct.pack(f"<{len(row)}d", *row) for row in kept]
    rows: list[codec.Row] = []
    size = (width + 7) // 8
    for row in range(count):
        carried = (full if good is None else good[row]) | (codec.flagged(flags[row]) if row in flags else 0)
        head = (
            seqs[row], block.instrument, times[row], parts[row], block.layout, spans[row], sources[row],
            None if carried == full else carried.to_bytes(size, "little"),
            bodies[row], flags.get(row), raws.get(row),
        )  # fmt: skip
        rows.append((*head, codec.row_crc(*head)))
    return rows
