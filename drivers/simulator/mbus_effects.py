"""What a simulated M-Bus meter does to its own telegrams: values held back, counters that read 0."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from drivers.protocols.mbus_frame import long_frame, parse_long
from drivers.protocols.mbus_records import decode_record

EFFECTS: Final = frozenset({"sentinel", "counter_zero_once"})
_FILLER: Final = 0x2F
_MAKERS: Final = (0x0F, 0x1F)  # the maker's own data follow
_DURING_AN_ERROR: Final = 0x30  # bits of the data information: a value during error state
_HEADERS: Final = {0x72: 12, 0x76: 12, 0x7A: 4, 0x78: 0}
_FIXED: Final = (0x73, 0x77)
_COUNTERS: Final = frozenset({"energy", "volume", "mass"})


def altered(telegram: bytes, effects: Collection[str]) -> bytes:
    """The same telegram with its records marked as held back (sentinel), or its counters at 0; whole again."""
    wanted = EFFECTS & set(effects)
    frame = parse_long(telegram)
    if not wanted or (frame.ci not in _HEADERS and frame.ci not in _FIXED):
        return telegram
    data = bytearray(frame.data)
    if frame.ci in _FIXED:
        data[8:16] = bytes(8) if "counter_zero_once" in wanted else b"\xff" * 8
        return long_frame(frame.control, frame.address, frame.ci, bytes(data))
    place = _HEADERS[frame.ci]
    while place < len(data) and data[place] not in _MAKERS:
        if data[place] == _FILLER:
            place += 1
            continue
        record, end = decode_record(bytes(data), place, big_endian=frame.ci == 0x76)
        if "counter_zero_once" in wanted and record.quantity.casefold() in _COUNTERS:
            data[end - len(record.raw) : end] = bytes(len(record.raw))
        if "sentinel" in wanted:
            data[place] |= _DURING_AN_ERROR
        place = end
    return long_frame(frame.control, frame.address, frame.ci, bytes(data))
