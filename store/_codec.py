"""How a sample is packed into a journal row and back, and what is checked on the way in."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from functools import lru_cache
from math import isfinite
from typing import Final

import google_crc32c

from dodac.errors import DataError, IntegrityError, Where
from dodac.samples import Flag, Layout, Reason, Sample, TimeSource

# Codes are stored: append to these, never reorder.
REASONS: Final[tuple[Reason, ...]] = (
    Reason.NO_ANSWER, Reason.CRC, Reason.LATE_ANSWER, Reason.EXCEPTION, Reason.SENTINEL,
    Reason.OUT_OF_RANGE, Reason.RATE, Reason.COUNTER_FALL, Reason.DEVICE_STATUS, Reason.CLOCK,
    Reason.TIME_UNKNOWN, Reason.STALE, Reason.DECODE, Reason.CONFLICT,
    Reason.WITHDRAWN,
)  # fmt: skip
SOURCES: Final[tuple[TimeSource, ...]] = (
    TimeSource.HOST, TimeSource.DEVICE, TimeSource.NETWORK, TimeSource.UNKNOWN,
)  # fmt: skip
_REASON_CODE = {reason: code for code, reason in enumerate(REASONS)}
_SOURCE_CODE = {source: code for code, source in enumerate(SOURCES)}

PART_LIMIT: Final = 1 << 12
"""Parts given by sources stay below this; a conflict's part is part + k · PART_LIMIT, k ≥ 1."""

_HEAD = struct.Struct("<qqqqqqq")
_FLAG = struct.Struct("<HBBd")
_MAX_NS = 1 << 62

# seq, instrument, time_ns, part, layout, span_ns, source, present, body, flags, raw, crc
Row = tuple[int, int, int, int, int, int, int, bytes | None, bytes, bytes | None, bytes | None, int]

crc32c: Callable[[bytes], int] = google_crc32c.value


@lru_cache(maxsize=256)
def _packer(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}d")


def check(sample: Sample, layout: Layout) -> None:
    """Raises DataError, with the instrument and channel, when a sample can't be what its layout says."""
    values = sample.values
    count = len(layout.channels)
    if (
        sample.present == (1 << count) - 1
        and not sample.flags
        and len(values) == count
        and sample.instrument == layout.instrument
        and -_MAX_NS < sample.time_ns < _MAX_NS
        and 0 <= sample.span_ns < _MAX_NS
        and 0 <= sample.part < PART_LIMIT
        # a finite sum means every value is finite: one call instead of a loop
        and isfinite(sum(values))
    ):
        return
    where = Where(instrument=sample.instrument)
    if sample.instrument != layout.instrument:
        raise DataError(f"a sample names a layout of {layout.instrument}.", where)
    if len(values) != count:
        raise DataError(f"a sample has {len(values)} values where its layout has {count} channels.", where)
    if not (-_MAX_NS < sample.time_ns < _MAX_NS and 0 <= sample.span_ns < _MAX_NS):
        raise DataError(f"time {sample.time_ns} ns or span {sample.span_ns} ns can't be.", where)
    if not 0 <= sample.part < PART_LIMIT:
        raise DataError(f"part {sample.part} is outside 0…{PART_LIMIT - 1}.", where)
    full = (1 << count) - 1
    if not 0 <= sample.present <= full:
        raise DataError("presence names channels that the layout does not have.", where)
    flagged = set()
    for flag in sample.flags:
        if flag.channel not in layout.index:
            raise DataError("a flag names a channel that the layout does not have.", _at(where, flag.channel))
        if flag.value is not None and not isinstance(flag.value, float):
            raise DataError("a flag's value must be a float or None.", _at(where, flag.channel))
        flagged.add(flag.channel)
    for place, (name, value) in enumerate(zip(layout.channels, values, strict=True)):
        here = bool(sample.present >> place & 1)
        if name in flagged and not here:
            raise DataError("a flagged reading must be present.", _at(where, name))
        if here and name not in flagged:
            if not math.isfinite(value):
                raise DataError(f"{value} is not finite and has no flag.", _at(where, name))
        elif not math.isnan(value):
            raise DataError("an absent or flagged reading must be NaN.", _at(where, name))


def _at(where: Where, channel: str) -> Where:
    return Where(instrument=where.instrument, channel=channel)


def encode(sample: Sample, layout: Layout, seq: int, instrument: int, number: int) -> Row:
    """A journal row of a checked sample; instrument and number are the journal's small ids."""
    values = sample.values
    count = len(values)
    present = flags = None
    if sample.present == (1 << count) - 1 and not sample.flags:
        body = _packer(count).pack(*values)
    else:
        good = [value for value in values if value == value]
        body = _packer(len(good)).pack(*good)
        if sample.present != (1 << count) - 1:
            present = sample.present.to_bytes((count + 7) // 8, "little")
        if sample.flags:
            index = layout.index
            flags = b"".join(
                _FLAG.pack(
                    index[flag.channel],
                    _REASON_CODE[flag.reason],
                    flag.value is not None,
                    0.0 if flag.value is None else flag.value,
                )
                for flag in sample.flags
            )
    source = _SOURCE_CODE[sample.time_source]
    crc = row_crc(
        seq, instrument, sample.time_ns, sample.part, number, sample.span_ns, source,
        present, body, flags, sample.raw,
    )  # fmt: skip
    return (
        seq, instrument, sample.time_ns, sample.part, number, sample.span_ns, source,
        present, body, flags, sample.raw, crc,
    )  # fmt: skip


def row_crc(
    seq: int, instrument: int, time_ns: int, part: int, number: int, span_ns: int, source: int,
    present: bytes | None, body: bytes, flags: bytes | None, raw: bytes | None,
) -> int:  # fmt: skip
    """CRC32C over every column of a row; blobs are told apart by their lengths."""
    data = _HEAD.pack(seq, instrument, time_ns, part, number, span_ns, source) + body
    if present is not None or flags is not None or raw is not None:
        for blob in (present, flags, raw):
            data += b"-" if blob is None else b"%d:" % len(blob) + blob
    return crc32c(data)


def decode(row: Row, layout: Layout) -> Sample:
    """The sample of a row.

    Raises IntegrityError when the row's bytes do not fit its layout.
    """
    _, _, time_ns, part, _, span_ns, source, present, body, packed, raw, _ = row
    count = len(layout.channels)
    carried = full = (1 << count) - 1
    flags: tuple[Flag, ...] = ()
    try:
        if present is None and packed is None:
            values = _packer(count).unpack(body)
        else:
            carried = full if present is None else int.from_bytes(present, "little")
            flags = decode_flags(packed, layout) if packed is not None else ()
            good = iter(_packer(len(body) // 8).unpack(body))
            flagged = {flag.channel for flag in flags}
            values = tuple(
                next(good) if carried >> place & 1 and name not in flagged else math.nan
                for place, name in enumerate(layout.channels)
            )
        time_source = SOURCES[source]
    except (struct.error, IndexError, RuntimeError) as error:
        # RuntimeError: fewer values than presence says (StopIteration inside the generator)
        raise IntegrityError(
            "a stored row does not fit its layout.",
            Where(instrument=layout.instrument),
            "Start dodac run: it checks the journal and saves what can be read.",
        ) from error
    return Sample(
        layout.instrument, time_ns, span_ns, time_source, layout.id, values, carried, flags, raw, part
    )


def decode_flags(packed: bytes, layout: Layout) -> tuple[Flag, ...]:
    """The flags of a row's flag blob."""
    return tuple(
        Flag(layout.channels[place], REASONS[reason], value if has_value else None)
        for place, reason, has_value, value in _FLAG.iter_unpack(packed)
    )


def flagged(packed: bytes | None) -> int:
    """The channels of a row's flag blob as a mask like its presence."""
    mask = 0
    for place, _, _, _ in _FLAG.iter_unpack(packed or b""):
        mask |= 1 << place
    return mask


def conflicted(sample: Sample, layout: Layout, part: int) -> Sample:
    """The sample under another part, every channel it carries flagged as in conflict, value as read kept.

    A reading that had a flag keeps it beside the new one.
    """
    as_read = {flag.channel: flag.value for flag in sample.flags}
    extra = tuple(
        Flag(name, Reason.CONFLICT, as_read.get(name) if name in as_read else sample.values[place])
        for place, name in enumerate(layout.channels)
        if sample.present >> place & 1
    )
    return Sample(
        sample.instrument, sample.time_ns, sample.span_ns, sample.time_source, sample.layout,
        (math.nan,) * len(sample.values), sample.present, sample.flags + extra, sample.raw, part,
    )  # fmt: skip
