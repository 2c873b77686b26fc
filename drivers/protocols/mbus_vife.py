"""What the combinable value information of M-Bus (EN 13757-3) makes of a value: factors, limits, dates, errors."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

_TIMES: Final = (1, 60, 3600, 86_400)
_EXTENSION, _MAKERS = 0x7C, 0x7F


@dataclass(frozen=True, slots=True)
class Meaning:
    """A quantity, the unit its value is in after multiplying by factor, and whether it is a date, or bits."""

    quantity: str
    unit: str = ""
    factor: Fraction = Fraction(1)
    date: bool = False
    bits: bool = False


@dataclass(frozen=True, slots=True)
class ValueInformation:
    """A record's meaning with all its extension bytes taken in.

    modifiers: combinable codes that change what the value is (corrections of the factor don't).
    unsigned: integers have no sign. offset: to be added before the factor. error: what the meter itself says is wrong with the value.
    """

    meaning: Meaning
    modifiers: bytes = b""
    offset: Fraction = Fraction(0)
    error: str | None = None
    unsigned: bool = False


# codes that say "date (and time) of …", and those that count
_DATE_CODES: Final = frozenset((0x39, 0x42, 0x43, 0x46, 0x47, 0x4A, 0x4B, 0x4E, 0x4F, 0x6A, 0x6B, 0x6E, 0x6F))
_COUNT_CODES: Final = frozenset((0x41, 0x49))
# values of several readings in one field
_UNSIGNED: Final = frozenset((0x11, 0x12))  # second bytes of 7C: data of type C, of type D
_PROFILES: Final = frozenset((0x13, 0x1E, 0x1F))

_ERRORS: Final = {
    0x01: "too many DIFE", 0x02: "storage number not implemented", 0x03: "unit number not implemented",
    0x04: "tariff number not implemented", 0x05: "function not implemented", 0x06: "data class not implemented",
    0x07: "data size not implemented", 0x0B: "too many VIFE", 0x0C: "illegal VIF group",
    0x0D: "illegal VIF exponent", 0x0E: "VIF and DIF do not match", 0x0F: "action not implemented",
    0x15: "no data", 0x16: "overflow", 0x17: "underflow", 0x18: "data error", 0x1C: "premature end of record",
}  # fmt: skip

_WORDS: Final = {
    0x12: "average", 0x13: "inverse compact profile", 0x14: "relative deviation",
    0x1D: "data content after a standard", 0x1E: "compact profile with register numbers", 0x1F: "compact profile",
    0x20: "per second", 0x21: "per minute", 0x22: "per hour", 0x23: "per day", 0x24: "per week",
    0x25: "per month", 0x26: "per year", 0x27: "per revolution or measurement",
    0x28: "per pulse of input 0", 0x29: "per pulse of input 1", 0x2A: "per pulse of output 0",
    0x2B: "per pulse of output 1", 0x2C: "per litre", 0x2D: "per m3", 0x2E: "per kg", 0x2F: "per K",
    0x30: "per kWh", 0x31: "per GJ", 0x32: "per kW", 0x33: "per K and litre", 0x34: "per V", 0x35: "per A",
    0x36: "times s", 0x37: "times s per V", 0x38: "times s per A", 0x39: "start of", 0x3A: "uncorrected unit",
    0x3B: "forward only", 0x3C: "backward only", 0x3D: "not metric", 0x3E: "at base conditions",
    0x3F: "OBIS declaration", 0x40: "lower limit", 0x41: "times below the lower limit", 0x48: "upper limit",
    0x49: "times above the upper limit", 0x68: "while below the lower limit", 0x69: "leakage",
    0x6C: "while above the upper limit", 0x6D: "overflow", 0x7E: "future",
    0x7F: "the maker's own code", 0x42: "begin of first time below the limit",
    0x43: "end of first time below the limit", 0x46: "begin of last time below the limit",
    0x47: "end of last time below the limit", 0x4A: "begin of first time above the limit",
    0x4B: "end of first time above the limit", 0x4E: "begin of last time above the limit",
    0x4F: "end of last time above the limit", 0x6A: "begin of first", 0x6B: "end of first", 0x6E: "begin of last",
    0x6F: "end of last",
}  # fmt: skip
_OF_TIME: Final = {0x50: "below the limit", 0x58: "above the limit", 0x60: "of it"}
_EXTENDED: Final = {
    0x01: "phase L1", 0x02: "phase L2", 0x03: "phase L3", 0x04: "neutral", 0x05: "L1 to L2", 0x06: "L2 to L3",
    0x07: "L3 to L1", 0x08: "quadrant 1", 0x09: "quadrant 2", 0x0A: "quadrant 3", 0x0B: "quadrant 4",
    0x0C: "import less export", 0x10: "sum of absolute values",
}  # fmt: skip


def ten(exponent: int) -> Fraction:
    """A power of ten, exactly."""
    return Fraction(10) ** exponent


def combine(meaning: Meaning, codes: bytes) -> ValueInformation:
    """A meaning with its combinable codes (without their extension bits) taken in; never raises."""
    if not codes:
        return ValueInformation(meaning)
    modifiers = bytearray()
    offset = Fraction(0)
    error = None
    unsigned = False
    quantity, unit, factor = meaning.quantity, meaning.unit, meaning.factor
    date, bits = meaning.date, meaning.bits
    place = 0
    while place < len(codes):
        code = codes[place]
        place += 1
        if code == _MAKERS:  # what follows is the maker's own
            modifiers += codes[place - 1 :]
            break
        if code == _EXTENSION:  # a second byte completes this code
            if place < len(codes) and codes[place] in _UNSIGNED:
                unsigned = True
            else:
                modifiers += codes[place - 1 : place + 1]
            place += 1
        elif 0x70 <= code <= 0x77:
            factor *= ten((code & 7) - 6)
        elif 0x78 <= code <= 0x7B:
            offset += ten((code & 3) - 3)
        elif code == 0x7D:
            factor *= 1000
        elif code >= 0x20 or code in _WORDS:
            modifiers.append(code)
            bits = bits or code in _PROFILES
            date = date or code in _DATE_CODES
            if code in _COUNT_CODES:
                unit, factor = "", Fraction(1)
            elif 0x50 <= code <= 0x67:
                unit, factor = "s", Fraction(_TIMES[code & 3])
        elif code:
            error = _ERRORS.get(code, f"error {code:02X}")
    changed = Meaning(quantity, unit, factor, date, bits)
    return ValueInformation(changed, bytes(modifiers), offset, error, unsigned)


def words(modifiers: bytes) -> tuple[str, ...]:
    """A record's modifiers for people: ("per hour",) for 22, ("phase L1",) for 7C01."""
    found = []
    place = 0
    while place < len(modifiers):
        code = modifiers[place]
        place += 1
        if code == _MAKERS:
            found.append(f"{_WORDS[_MAKERS]} {modifiers[place:].hex().upper()}")
            break
        if code == _EXTENSION:
            second = modifiers[place] if place < len(modifiers) else 0
            found.append(_EXTENDED.get(second, f"code 7C{second:02X}"))
            place += 1
        elif 0x50 <= code <= 0x67:
            which = "last" if code & 4 else "first"
            found.append(f"duration of the {which} time {_OF_TIME[code & 0x78]}")
        else:
            found.append(_WORDS.get(code, f"code {code:02X}"))
    return tuple(found)
