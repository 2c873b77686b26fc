"""M-Bus records as canonical channels: matched by the profile, converted by the record's own unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from dodac.quantities import CHANNELS
from dodac.samples import Flag, Reason
from dodac.units import conversion
from drivers.profile import MbusChannel, MbusIdentify, MbusMatch
from drivers.protocols.mbus_frame import MbusRefusal, Refusal
from drivers.protocols.mbus_records import Function, Header, Record, Telegram

PERMANENT_ERROR: Final = 0x08  # status bit 3 of the header (EN 13757-3)

# units of the wire that dodac.units does not have: the known one and the scale to it
_GALLON_M3: Final = 0.003785411784
_KNOWN: Final[dict[str, tuple[str, float]]] = {
    "J/h": ("W", 1 / 3600),
    "kJ/h": ("W", 1 / 3.6),
    "MJ/h": ("kW", 1 / 3.6),
    "GJ/h": ("MW", 1 / 3.6),
    "kJ": ("J", 1e3),
    "cal": ("J", 4.1868),
    "m3/min": ("m3/h", 60.0),
    "m3/s": ("m3/h", 3600.0),
    "ml": ("l", 1e-3),
    "ml/h": ("l/h", 1e-3),
    "ft3": ("m3", 0.028316846592),
    "gal": ("m3", _GALLON_M3),
    "gal/h": ("m3/h", _GALLON_M3),
    "gal/min": ("m3/h", 60 * _GALLON_M3),
}


def fits(match: MbusMatch, record: Record) -> bool:
    """True when a record is what a profile's match asks for.

    quantity is the record's, or with modifiers "power/7F01" (the combinable VIFE codes in hexadecimal);
    a record with modifiers never passes for the plain quantity. A value that the meter held back
    ("during error state") stands for the instantaneous one.
    """
    quantity, _, modifiers = match.quantity.partition("/")
    function = record.function == match.function or (
        record.function == Function.ERROR and match.function == Function.INSTANTANEOUS.value
    )
    return (
        function
        and record.quantity.casefold() == quantity.casefold()
        and record.modifiers.hex().upper() == modifiers.upper()
        and (record.storage, record.tariff, record.subunit) == (match.storage, match.tariff, match.subunit)
        and (match.unit is None or match.unit == record.unit)
    )


def readings(
    channels: Mapping[str, MbusChannel], telegrams: Sequence[Telegram]
) -> tuple[dict[str, float], list[Flag]]:
    """Good values by channel, and flags for those that are not good; what is not sent is absent."""
    records = [record for telegram in telegrams for record in telegram.records]
    broken = any(t.header is not None and t.header.status & PERMANENT_ERROR for t in telegrams)
    values: dict[str, float] = {}
    flags: list[Flag] = []
    for name, spec in channels.items():
        record = record_of(spec.match, records)
        if record is None:
            continue
        found = _reading(name, spec, record)
        if isinstance(found, Flag):
            flags.append(found)
        elif broken:
            flags.append(Flag(name, Reason.DEVICE_STATUS, found))
        else:
            values[name] = found
    return values, flags


def record_of(match: MbusMatch, records: Sequence[Record]) -> Record | None:
    """The record that a profile's match asks for, by its occurrence; None when the meter does not send it."""
    fitting = [record for record in records if fits(match, record)]
    # a value held back is looked at where there is no present one
    present = [record for record in fitting if record.function == match.function]
    if len(present) > match.occurrence:
        fitting = present
    return fitting[match.occurrence] if len(fitting) > match.occurrence else None


def _reading(name: str, spec: MbusChannel, record: Record) -> float | Flag:
    if record.value is None:
        return Flag(name, Reason.SENTINEL if record.fault else Reason.DECODE)
    value = record.value * spec.scale + spec.offset
    unit, scale = (spec.unit, 1.0) if spec.unit else _KNOWN.get(record.unit, (record.unit, 1.0))
    try:
        value = conversion(unit, CHANNELS[name].unit)(value * scale)
    except ValueError:
        return Flag(name, Reason.DECODE, record.value)
    if record.fault is not None:
        return Flag(name, Reason.SENTINEL)
    if record.function == Function.ERROR and spec.match.function != Function.ERROR.value:
        return Flag(name, Reason.SENTINEL, value)
    low, high = spec.range or (CHANNELS[name].low, CHANNELS[name].high)
    if not (low <= value <= high and CHANNELS[name].in_range(value)):
        return Flag(name, Reason.OUT_OF_RANGE, value)
    return value


def check_identity(identify: MbusIdentify, header: Header | None) -> None:
    """Raises MbusRefusal when another model answers than the profile is for."""
    if header is None:
        return
    wanted, is_maker = identify.manufacturer, header.manufacturer
    if wanted is not None and is_maker and is_maker != wanted:
        raise MbusRefusal(
            Refusal.NOT_AN_ANSWER, f"a meter of {is_maker} answers, the profile is for {wanted}"
        )
    if identify.versions and is_maker and header.version not in identify.versions:
        raise MbusRefusal(Refusal.NOT_AN_ANSWER, f"the meter's version {header.version} is not the profile's")
    if identify.media and header.medium not in identify.media:
        raise MbusRefusal(Refusal.NOT_AN_ANSWER, f"the meter measures {header.medium_name}")
