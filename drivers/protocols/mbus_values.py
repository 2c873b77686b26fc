"""M-Bus data fields as values: integers, BCD, floats, dates, text of variable length."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from datetime import date
from typing import Final

from drivers.protocols.mbus_frame import MbusRefusal, Refusal

# data field nibble → bytes; None: the length stands in the data (LVAR); 8 asks for a readout, no data
LENGTHS: Final[dict[int, int | None]] = {
    0x0: 0, 0x1: 1, 0x2: 2, 0x3: 3, 0x4: 4, 0x5: 4, 0x6: 6, 0x7: 8,
    0x8: 0, 0x9: 1, 0xA: 2, 0xB: 3, 0xC: 4, 0xD: None, 0xE: 6,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Value:
    """A number, or a text, and what is wrong with it if anything.

    number: int where the wire has one. text: characters, hexadecimal of long binaries, or an ISO
    date in the meter's own time. summer: that time is summer time.
    """

    number: int | float | None = None
    text: str | None = None
    fault: str | None = None
    summer: bool = False


def bcd(data: bytes) -> Value:
    """Packed decimal, least significant byte first; F in front is a minus sign.

    A digit above 9 elsewhere is a fault; the number is then what rscada/libmbus makes of the digits
    (a bad left digit of a byte counts 0), so that both show the same, and is no reading.
    """
    number = 0
    fault = None
    for place, byte in enumerate(reversed(data)):
        high, low = byte >> 4, byte & 0xF
        minus = place == 0 and high == 0xF
        if low > 9 or (high > 9 and not minus):
            fault = "digits that are not decimal"
        number = number * 100 + (high if high < 10 else 0) * 10 + low
    return Value(-number if data and data[-1] >> 4 == 0xF else number, None, fault)


def number(kind: int, data: bytes, *, unsigned: bool = False) -> Value:
    """The value of a data field of fixed length; kind: the low nibble of the DIF."""
    if kind in (0x0, 0x8):
        return Value()
    if kind == 0x5:
        (real,) = struct.unpack("<f", data)
        if not math.isfinite(real):
            return Value(None, None, "not a number")
        return Value(float(real))
    if kind < 0x8:
        whole = int.from_bytes(data, "little", signed=not unsigned)
        # the least number of type B says that there is none (EN 13757-3, annex A; seen in meters' stored values)
        lowest = not unsigned and len(data) > 1 and whole == -1 << (8 * len(data) - 1)
        return Value(whole, None, "the sign for no value" if lowest else None)
    return bcd(data)


def bits(data: bytes) -> Value:
    """A field that is no number: its bytes, the most significant first."""
    return Value(None, data[::-1].hex(" ").upper())


def variable_length(code: int) -> int:
    """Bytes that follow an LVAR; MbusRefusal for reserved codes."""
    if code <= 0xBF:
        return code
    if code <= 0xEF:
        return code & 0xF
    if code <= 0xF4:
        return 4 * (code - 0xEC)
    if code in (0xF5, 0xF6):
        return 48 if code == 0xF5 else 64
    raise MbusRefusal(Refusal.RESERVED, f"the variable length {code:02X} is reserved")


def variable(code: int, data: bytes) -> Value:
    """The value of a field of variable length: text, decimal, binary."""
    if code <= 0xBF:
        text = data[::-1].decode("latin-1")
        return Value(None, text) if text.isprintable() else bits(data)
    if code <= 0xCF:
        return bcd(data) if data else Value()
    if code <= 0xDF:
        value = bcd(data) if data else Value()
        return Value(None if value.number is None else -value.number, None, value.fault)
    if code <= 0xEF:
        return Value(int.from_bytes(data, "little", signed=True)) if data else Value()
    return Value(None, data[::-1].hex(" ").upper())


_NO_DATE: Final = Value(None, None, "no date set")
_NOT_VALID: Final = Value(None, None, "the meter's clock is not valid")


def moment(data: bytes) -> Value:
    """A date or time by its length: 2 bytes type G, 3 type J, 4 type F, 6 or more type I."""
    match len(data):
        case 2:
            return _date(data[0], data[1], None)
        case 3:
            second, minute, hour = data[0] & 0x3F, data[1] & 0x3F, data[2] & 0x1F
            if second > 59 or minute > 59 or hour > 23:
                return _NO_DATE
            return Value(None, f"{hour:02d}:{minute:02d}:{second:02d}")
        case 4:
            if data[0] & 0x80:
                return _NOT_VALID
            found = _date(data[2], data[3], (data[1] >> 5) & 3)
            return _with_time(found, data[1] & 0x1F, data[0] & 0x3F, 0, summer=bool(data[1] & 0x80))
        case 6 | 7 | 8:
            if data[1] & 0x80:
                return _NOT_VALID
            found = _date(data[3], data[4], None)
            summer = bool(data[0] & 0x40)
            return _with_time(found, data[2] & 0x1F, data[1] & 0x3F, data[0] & 0x3F, summer=summer)
        case _:
            return Value(None, None, f"a date can't have {len(data)} bytes")


def _date(low: int, high: int, century: int | None) -> Value:
    day, month = low & 0x1F, high & 0x0F
    year = ((low & 0xE0) >> 5) | ((high & 0xF0) >> 1)
    every_year = year == 127
    if every_year:
        year = 2027  # as rscada/libmbus shows it; no single date all the same
    elif century == 1:
        year += 2000
    else:
        # two digits: up to 80 is 20xx (EN 13757-3, type F). A century of 2 or 3 would be after 2099: meters
        # are known that set it by mistake
        year += 2000 if year <= 80 or century else 1900
    try:
        return Value(
            None, date(year, month, day).isoformat(), "this day of every year" if every_year else None
        )
    except ValueError:
        return _NO_DATE


def _with_time(day: Value, hour: int, minute: int, second: int, *, summer: bool) -> Value:
    if day.text is None or hour > 23 or minute > 59 or second > 59:
        return _NO_DATE
    return Value(None, f"{day.text}T{hour:02d}:{minute:02d}:{second:02d}", day.fault, summer)
