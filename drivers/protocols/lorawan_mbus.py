"""Bare M-Bus records behind one type byte (Elvaco CMi4160 and its family).

Fields: energy_kwh, volume_m3, power_w, volume_flow_m3h, flow_temperature_c, return_temperature_c.
"""

from __future__ import annotations

from typing import Final

from dodac.samples import Reason
from dodac.units import conversion
from drivers.protocols.lorawan_points import Point
from drivers.protocols.mbus_frame import MbusRefusal
from drivers.protocols.mbus_records import Function, Record, decode_records
from drivers.protocols.message import MqttRefusal

# quantity of the record → field and its unit
_FIELDS: Final[dict[str, tuple[str, str]]] = {
    "energy": ("energy_kwh", "kWh"),
    "volume": ("volume_m3", "m3"),
    "power": ("power_w", "W"),
    "volume_flow": ("volume_flow_m3h", "m3/h"),
    "flow_temperature": ("flow_temperature_c", "degC"),
    "return_temperature": ("return_temperature_c", "degC"),
}
_PER_HOUR: Final = {"J/h": 1 / 3600, "kJ/h": 1 / 3.6}  # to W


def decode(data: bytes) -> tuple[Point, ...]:
    """The values of now; those of other storages, tariffs and subunits are left out.

    A value sent "during error state" is flagged as the meter's own sign of no value. Raises MqttRefusal
    for records that are none, or none of a field above.
    """
    try:
        records, _, _ = decode_records(data[1:])
    except MbusRefusal as refusal:
        raise MqttRefusal(f"no M-Bus records: {refusal.text}") from None
    values: dict[str, float] = {}
    faults: dict[str, Reason] = {}
    # a value held back is looked at where there is no present one
    for record in sorted(records, key=lambda r: r.function == Function.ERROR):
        if record.quantity not in _FIELDS or record.storage or record.tariff or record.subunit:
            continue
        if record.modifiers or record.function not in (Function.INSTANTANEOUS, Function.ERROR):
            continue
        name, unit = _FIELDS[record.quantity]
        if name in values or name in faults:
            continue
        value = _value(record, unit)
        if value is not None:
            values[name] = value
        if record.function == Function.ERROR or record.fault is not None:
            faults[name] = Reason.SENTINEL
        elif value is None:
            faults[name] = Reason.DECODE
    if not values and not faults:
        raise MqttRefusal("no record of a known quantity is in it")
    return (Point(values, faults),)


def _value(record: Record, unit: str) -> float | None:
    if record.value is None:
        return None
    if record.unit in _PER_HOUR:
        return record.value * _PER_HOUR[record.unit]
    try:
        return conversion(record.unit, unit)(record.value)
    except ValueError:
        return None
