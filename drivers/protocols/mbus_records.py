"""M-Bus application layer (EN 13757-3): headers, data records, fixed data; pure, from bytes to values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from drivers.protocols.mbus_frame import MbusRefusal, Refusal, parse_long
from drivers.protocols.mbus_values import LENGTHS, Value, bcd, bits, moment, number, variable, variable_length
from drivers.protocols.mbus_vif import FIXED_UNITS, MEDIA, RESERVED, SAME_BUT_HISTORIC, interpret
from drivers.protocols.mbus_vife import Meaning

_MOST = 10  # extension bytes a record may have
_FILLER, _MAKERS, _MAKERS_AND_MORE = 0x2F, 0x0F, 0x1F


class Function(StrEnum):
    """What a record's value is of."""

    INSTANTANEOUS = "instantaneous"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    ERROR = "error"


_FUNCTIONS: Final = tuple(Function)


@dataclass(frozen=True, slots=True)
class Record:
    """One value of an answer.

    value: in `unit` (SI of the quantity: Wh, J, m3, kg, s, W, J/h, m3/h, degC, K, bar, V, A …); None
    for texts and dates. modifiers: combinable VIFE codes that change what the value is, as bytes.
    fault: why the value is no reading (digits that are not decimal, no date set, overflow …). summer: a
    date and time that the meter tells in summer time.
    """

    function: Function
    storage: int
    tariff: int
    subunit: int
    quantity: str
    unit: str
    value: float | None = None
    text: str | None = None
    modifiers: bytes = b""
    fault: str | None = None
    raw: bytes = b""
    summer: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """Who answers: identification as its 8 digits, manufacturer's three letters, version, medium."""

    identification: str
    manufacturer: str
    version: int
    medium: int
    access: int
    status: int
    signature: int = 0

    @property
    def medium_name(self) -> str:
        """The medium in words."""
        return MEDIA.get(self.medium, f"medium {self.medium:02X}")


@dataclass(frozen=True, slots=True)
class Telegram:
    """One answer of a meter, decoded.

    more: further telegrams follow. makers: the maker's own data at the end, not decoded.
    """

    address: int
    header: Header | None
    records: tuple[Record, ...]
    more: bool = False
    makers: bytes = b""


_APPLICATION_ERRORS: Final = {
    0: "unspecified", 1: "control information not implemented", 2: "buffer too long", 3: "too many records",
    4: "premature end of record", 5: "more than ten DIFE", 6: "more than ten VIFE", 8: "application busy",
    9: "too many readouts",
}  # fmt: skip
# application errors and alarms by their control information: bytes of header before the code
_REPORTS: Final = {0x70: 0, 0x6E: 4, 0x6F: 12, 0x71: 0, 0x74: 4, 0x75: 12}
_ALARMS: Final = frozenset((0x71, 0x74, 0x75))


# security modes that hide the records (EN 13757-7, table 19); meters from before it leave noise here
_ENCRYPTED: Final = frozenset((2, 3, 4, 5, 7, 8, 9, 10, 13))
# media of the fixed structure that tell the byte order too; records have other meanings for them
_FIXED_MEDIA: Final = {0x0A: 0x03, 0x0B: 0x04, 0x0C: 0x06, 0x0D: 0x07, 0x0E: 0x08}


def decode_frame(frame: bytes) -> Telegram:
    """Decodes one whole answer frame (68 … 16).

    Raises MbusRefusal, and nothing else, for bytes that are no good answer.
    """
    long = parse_long(frame)
    if long.control & 0xCF != 0x08:
        raise MbusRefusal(Refusal.NOT_AN_ANSWER, f"control field {long.control:02X} is no answer of a meter")
    data, ci = long.data, long.ci
    if ci in _REPORTS:
        raise _report(ci, data[_REPORTS[ci] :])
    if ci in (0x73, 0x77):
        return _fixed(long.address, data, "big" if ci == 0x77 else "little")
    if ci in (0x72, 0x76):
        header, rest = _long_header(data, big=ci == 0x76), data[12:]
    elif ci == 0x7A:
        header, rest = _short_header(data), data[4:]
    elif ci == 0x78:
        header, rest = None, data
    else:
        raise MbusRefusal(Refusal.UNKNOWN_CI, f"control information {ci:02X} is not known")
    mode = (header.signature >> 8) & 0x1F if header is not None else 0
    if mode in _ENCRYPTED:
        raise MbusRefusal(Refusal.ENCRYPTED, f"the answer is encrypted (mode {mode}); its key is needed")
    records, more, makers = decode_records(rest, big_endian=ci == 0x76)
    return Telegram(long.address, header, records, more, makers)


def _report(ci: int, data: bytes) -> MbusRefusal:
    code = data[0] if data else 0
    if ci in _ALARMS:
        return MbusRefusal(Refusal.ALARM, f"the meter reports the alarm {code:02X}")
    reason = Refusal.APPLICATION_BUSY if code == 8 else Refusal.APPLICATION_ERROR
    return MbusRefusal(reason, f"the meter reports: {_APPLICATION_ERRORS.get(code, f'error {code}')}")


def header_of(frame: bytes) -> Header | None:
    """Who sent an answer frame, whatever its records are; None when it does not say. Raises MbusRefusal."""
    long = parse_long(frame)
    if long.ci in (0x72, 0x76):
        return _long_header(long.data, big=long.ci == 0x76)
    if long.ci in (0x73, 0x77):
        return _fixed(long.address, long.data, "big" if long.ci == 0x77 else "little").header
    return _short_header(long.data) if long.ci == 0x7A else None


def decode_records(data: bytes, *, big_endian: bool = False) -> tuple[tuple[Record, ...], bool, bytes]:
    """Decodes a run of records: (records, more follow, the maker's own data).

    Serves wired and wireless frames and radio payloads that hold bare records. Raises MbusRefusal.
    """
    records: list[Record] = []
    place = 0
    while place < len(data):
        dif = data[place]
        if dif == _FILLER:
            place += 1
            continue
        if dif in (_MAKERS, _MAKERS_AND_MORE):
            return tuple(records), dif == _MAKERS_AND_MORE, bytes(data[place + 1 :])
        record, place = decode_record(data, place, big_endian=big_endian)
        records.append(record)
    return tuple(records), False, b""


def decode_record(data: bytes, start: int, *, big_endian: bool = False) -> tuple[Record, int]:
    """The record that begins at a place, and where the next one does; raises MbusRefusal."""
    dif = data[start]
    kind = dif & 0xF
    if kind not in LENGTHS:
        raise MbusRefusal(Refusal.RESERVED, f"the data information {dif:02X} is reserved")
    difes, place = _extensions(data, start, Refusal.TOO_MANY_DIFE)
    storage, tariff, subunit = (dif >> 6) & 1, 0, 0
    for n, dife in enumerate(difes):
        storage |= (dife & 0xF) << (1 + 4 * n)
        tariff |= ((dife >> 4) & 3) << (2 * n)
        subunit |= ((dife >> 6) & 1) << n
    if place >= len(data):
        raise MbusRefusal(Refusal.PREMATURE_END, "the answer ends before the value information")
    vif_place = place
    vif = data[place]
    text = None
    if vif & 0x7F == 0x7C:  # the unit as text, its length first, before any extension
        if place + 1 >= len(data) or place + 2 + data[place + 1] > len(data):
            raise MbusRefusal(Refusal.PREMATURE_END, "the answer ends within a unit's text")
        length = data[place + 1]
        text = data[place + 2 : place + 2 + length][::-1].decode("latin-1").strip()
        vif_place = place + 1 + length
        vifes, place = _more_extensions(data, vif_place, vif, Refusal.TOO_MANY_VIFE)
    else:
        vifes, place = _extensions(data, vif_place, Refusal.TOO_MANY_VIFE)
    information = interpret(vif, vifes, text)
    length_code = LENGTHS[kind]
    code = 0
    if length_code is None:
        if place >= len(data):
            raise MbusRefusal(Refusal.PREMATURE_END, "the answer ends before a variable length")
        code = data[place]
        place += 1
        length_code = variable_length(code)
    end = place + length_code
    if end > len(data):
        missing = end - len(data)
        raise MbusRefusal(Refusal.PREMATURE_END, f"the answer ends {missing} bytes before its value does")
    raw = bytes(data[place:end])
    field = raw[::-1] if big_endian else raw
    meaning = information.meaning
    if meaning.bits and field:
        value = bits(field)
    elif kind == 0xD:
        value = variable(code, field)
    elif meaning.date and 0 < kind < 8:
        value = moment(field)
    else:
        value = number(kind, field, unsigned=information.unsigned)
    record = Record(
        function=_FUNCTIONS[(dif >> 4) & 3],
        storage=storage,
        tariff=tariff,
        subunit=subunit,
        quantity=meaning.quantity,
        unit=meaning.unit,
        value=_scaled(value, meaning, information.offset),
        text=value.text,
        modifiers=information.modifiers,
        fault=information.error or value.fault,
        raw=raw,
        summer=value.summer,
    )
    return record, end


def _extensions(data: bytes, start: int, too_many: Refusal) -> tuple[bytes, int]:
    return _more_extensions(data, start, data[start], too_many)


def _more_extensions(data: bytes, start: int, first: int, too_many: Refusal) -> tuple[bytes, int]:
    """The extension bytes after `start` while the byte before says that one follows."""
    found = bytearray()
    last, place = first, start + 1
    while last & 0x80:
        if place >= len(data):
            raise MbusRefusal(Refusal.PREMATURE_END, "the answer ends within the information of a record")
        if len(found) == _MOST:
            raise MbusRefusal(too_many, f"a record has more than {_MOST} extension bytes")
        last = data[place]
        found.append(last)
        place += 1
    return bytes(found), place


def _scaled(value: Value, meaning: Meaning, offset: Fraction) -> float | None:
    if value.number is None:
        return None
    if isinstance(value.number, int) and not offset:
        return value.number * meaning.factor.numerator / meaning.factor.denominator  # one correct rounding
    if isinstance(value.number, int):
        exact = (value.number + offset) * meaning.factor
        return exact.numerator / exact.denominator
    return (value.number + float(offset)) * meaning.factor.numerator / meaning.factor.denominator


def _long_header(data: bytes, *, big: bool) -> Header:
    if len(data) < 12:
        raise MbusRefusal(Refusal.PREMATURE_END, f"the header has {len(data)} bytes, not 12")
    order = 1 if big else -1
    maker = int.from_bytes(data[4:6], "big" if big else "little")
    signature = int.from_bytes(data[10:12], "big" if big else "little")
    return Header(
        identification=data[:4][::order].hex().upper(),
        manufacturer="".join(chr(64 + ((maker >> shift) & 0x1F)) for shift in (10, 5, 0)),
        version=data[6],
        medium=data[7],
        access=data[8],
        status=data[9],
        signature=signature,
    )


def _short_header(data: bytes) -> Header:
    if len(data) < 4:
        raise MbusRefusal(Refusal.PREMATURE_END, f"the header has {len(data)} bytes, not 4")
    return Header("", "", 0, 0x0F, data[0], data[1], int.from_bytes(data[2:4], "little"))


def _fixed(address: int, data: bytes, order: str) -> Telegram:
    """Fixed data structure: two counters, their units and the medium."""
    if len(data) != 16:
        raise MbusRefusal(Refusal.PREMATURE_END, f"fixed data have {len(data)} bytes, not 16")
    step = -1 if order == "little" else 1
    status, units = data[5], (data[6], data[7])
    medium = (units[0] >> 6) | (units[1] >> 6) << 2
    medium = _FIXED_MEDIA.get(medium, medium)
    header = Header(data[:4][::step].hex().upper(), "", 0, medium, data[4], status)
    stored = 1 if status & 0x02 else 0
    codes = [unit & 0x3F for unit in units]
    records = []
    for place, code in enumerate(codes):
        raw = data[8 + 4 * place : 12 + 4 * place]
        field = raw if order == "little" else raw[::-1]
        value = Value(int.from_bytes(field, "little", signed=True)) if status & 0x01 else bcd(field)
        historic = code == SAME_BUT_HISTORIC
        meaning = FIXED_UNITS.get(codes[1 - place] if historic else code)
        if meaning is None:
            meaning = Meaning(f"reserved_{code:02x}", RESERVED)
        records.append(
            Record(
                function=Function.INSTANTANEOUS,
                storage=1 if historic else stored,
                tariff=0,
                subunit=0,
                quantity=meaning.quantity,
                unit=meaning.unit,
                value=_scaled(value, meaning, Fraction(0)),
                fault=value.fault,
                raw=bytes(raw),
            )
        )
    return Telegram(address, header, tuple(records))
