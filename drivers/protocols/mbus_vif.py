"""What an M-Bus value is: the value information tables of EN 13757-3 (main, FB, FD)."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Final

from drivers.protocols.mbus_vife import Meaning, ValueInformation, combine, ten

RESERVED: Final = "Reserved"  # the unit of values whose code has no meaning yet
_TIMES: Final = (1, 60, 3600, 86_400)
_MONTH, _YEAR = 2_629_746, 31_556_952  # seconds of a mean Gregorian month and year


def _reserved(code: str) -> Meaning:
    """A code without meaning: its unit is not known, which is not the same as no unit."""
    return Meaning(f"reserved_{code}", RESERVED)


def _powers(quantity: str, unit: str, first: int, count: int) -> list[Meaning]:
    return [Meaning(quantity, unit, ten(first + n)) for n in range(count)]


def _times(quantity: str, sizes: tuple[int, ...] = _TIMES) -> list[Meaning]:
    return [Meaning(quantity, "s", Fraction(size)) for size in sizes]


def _table(*parts: tuple[int, list[Meaning]]) -> dict[int, Meaning]:
    return {first + n: meaning for first, meanings in parts for n, meaning in enumerate(meanings)}


_MAIN: Final = _table(
    (0x00, _powers("energy", "Wh", -3, 8)),
    (0x08, _powers("energy", "J", 0, 8)),
    (0x10, _powers("volume", "m3", -6, 8)),
    (0x18, _powers("mass", "kg", -3, 8)),
    (0x20, _times("on_time")),
    (0x24, _times("operating_time")),
    (0x28, _powers("power", "W", -3, 8)),
    (0x30, _powers("power", "J/h", 0, 8)),
    (0x38, _powers("volume_flow", "m3/h", -6, 8)),
    (0x40, _powers("volume_flow", "m3/min", -7, 8)),
    (0x48, _powers("volume_flow", "m3/s", -9, 8)),
    (0x50, _powers("mass_flow", "kg/h", -3, 8)),
    (0x58, _powers("flow_temperature", "degC", -3, 4)),
    (0x5C, _powers("return_temperature", "degC", -3, 4)),
    (0x60, _powers("temperature_difference", "K", -3, 4)),
    (0x64, _powers("external_temperature", "degC", -3, 4)),
    (0x68, _powers("pressure", "bar", -3, 4)),
    (0x6C, [Meaning("date", date=True), Meaning("date_time", date=True)]),
    (0x6E, [Meaning("heat_cost", "HCA"), _reserved("6f")]),
    (0x70, _times("averaging_duration")),
    (0x74, _times("actuality_duration")),
    (0x78, [Meaning(word) for word in ("fabrication_number", "identification", "bus_address")]),
    (0x7E, [Meaning("any"), Meaning("manufacturer_specific")]),
)

_FD: Final = _table(
    (0x00, _powers("credit", "currency", -3, 4)),
    (0x04, _powers("debit", "currency", -3, 4)),
    (
        0x08,
        [
            Meaning(word)
            for word in (
                "access_number", "medium", "manufacturer", "parameter_set", "model_version",
                "hardware_version", "firmware_version", "software_version", "customer_location", "customer",
                "access_code_user", "access_code_operator", "access_code_system_operator",
                "access_code_developer", "password", "error_flags", "error_mask", "security_key",
                "digital_output", "digital_input",
            )
        ],
    ),
    (0x1C, [Meaning("baud_rate", "Bd"), Meaning("response_delay", "bit times"), Meaning("retry")]),
    (0x1F, [Meaning("remote_control"), Meaning("first_storage"), Meaning("last_storage"), Meaning("storage_size")]),
    (0x23, [Meaning("tariff_and_subunit")]),
    (0x24, _times("storage_interval", (*_TIMES, _MONTH, _YEAR))),
    (0x2A, [Meaning("operator_data"), Meaning("second_of_minute", "s")]),
    (0x2C, _times("duration_since_readout")),
    (0x30, [Meaning("tariff_start", date=True), *_times("tariff_duration", _TIMES[1:])]),
    (0x34, _times("tariff_period", (*_TIMES, _MONTH, _YEAR))),
    (0x3A, [Meaning("dimensionless"), Meaning("radio_container", bits=True)]),
    (0x3C, _times("transmission_period")),
    (0x40, _powers("voltage", "V", -9, 16)),
    (0x50, _powers("current", "A", -12, 16)),
    (
        0x60,
        [
            Meaning(word)
            for word in (
                "reset_counter", "cumulation_counter", "control_signal", "day_of_week", "week_number",
                "day_change", "parameter_activation", "supplier_information",
            )
        ],
    ),
    (0x68, _times("duration_since_cumulation", (3600, 86_400, _MONTH, _YEAR))),
    (0x6C, _times("battery_operating_time", (3600, 86_400, _MONTH, _YEAR))),
    (0x70, [Meaning("battery_change", date=True), Meaning("rf_level", "dBm"), Meaning("daylight_saving", bits=True)]),
    (
        0x73,
        [
            Meaning("listening_window", bits=True), Meaning("battery_remaining", "s", Fraction(86_400)),
            Meaning("stops"), Meaning("maker_container", bits=True),
        ],
    ),
)  # fmt: skip

_FB: Final = _table(
    (0x00, _powers("energy", "Wh", 5, 2)),
    (0x02, _powers("reactive_energy", "kvarh", 0, 2)),
    (0x04, _powers("apparent_energy", "kVAh", 0, 2)),
    (0x08, _powers("energy", "J", 8, 2)),
    (0x0C, _powers("energy", "cal", 5, 4)),
    (0x10, _powers("volume", "m3", 2, 2)),
    (0x14, _powers("reactive_power", "var", 0, 4)),
    (0x18, _powers("mass", "kg", 5, 2)),
    (0x1A, _powers("relative_humidity", "%", -1, 2)),
    (0x20, [Meaning("volume", "ft3"), Meaning("volume", "ft3", ten(-1))]),
    (0x22, [Meaning("volume", "gal", ten(-1)), Meaning("volume", "gal")]),
    (0x24, [Meaning("volume_flow", "gal/min", ten(-3)), Meaning("volume_flow", "gal/min")]),
    (0x26, [Meaning("volume_flow", "gal/h")]),
    (0x28, _powers("power", "W", 5, 2)),
    (0x2A, [Meaning("phase_voltages", "deg", ten(-1)), Meaning("phase_current", "deg", ten(-1))]),
    (0x2C, _powers("frequency", "Hz", -3, 4)),
    (0x30, _powers("power", "J/h", 8, 2)),
    (0x34, _powers("apparent_power", "VA", 0, 4)),
    (0x58, _powers("flow_temperature", "degF", -3, 4)),
    (0x5C, _powers("return_temperature", "degF", -3, 4)),
    (0x60, _powers("temperature_difference", "degF difference", -3, 4)),
    (0x64, _powers("external_temperature", "degF", -3, 4)),
    (0x70, _powers("temperature_limit", "degF", -3, 4)),
    (0x74, _powers("temperature_limit", "degC", -3, 4)),
    (0x78, _powers("maximum_power_count", "W", -3, 8)),
)

FIXED_UNITS: Final[dict[int, Meaning]] = _table(
    (0x00, [Meaning("time_of_day", "h:m:s"), Meaning("date", "D.M.Y")]),
    (
        0x02,
        [*_powers("energy", "Wh", 0, 3), *_powers("energy", "kWh", 0, 3), *_powers("energy", "MWh", 0, 3)],
    ),
    (0x0B, [*_powers("energy", "kJ", 0, 3), *_powers("energy", "MJ", 0, 3), *_powers("energy", "GJ", 0, 3)]),
    (0x14, [*_powers("power", "W", 0, 3), *_powers("power", "kW", 0, 3), *_powers("power", "MW", 0, 3)]),
    (
        0x1D,
        [*_powers("power", "kJ/h", 0, 3), *_powers("power", "MJ/h", 0, 3), *_powers("power", "GJ/h", 0, 3)],
    ),
    (0x26, [*_powers("volume", "ml", 0, 3), *_powers("volume", "l", 0, 3), *_powers("volume", "m3", 0, 3)]),
    (
        0x2F,
        [
            *_powers("volume_flow", "ml/h", 0, 3),
            *_powers("volume_flow", "l/h", 0, 3),
            *_powers("volume_flow", "m3/h", 0, 3),
        ],
    ),
    (0x38, [Meaning("temperature", "degC", ten(-3)), Meaning("heat_cost", "HCA")]),
    (0x3F, [Meaning("dimensionless")]),
)
SAME_BUT_HISTORIC: Final = 0x3E

MEDIA: Final[dict[int, str]] = {
    0x00: "other", 0x01: "oil", 0x02: "electricity", 0x03: "gas", 0x04: "heat (return)", 0x05: "steam",
    0x06: "warm water", 0x07: "water", 0x08: "heat cost allocator", 0x09: "compressed air",
    0x0A: "cooling (return)", 0x0B: "cooling (flow)", 0x0C: "heat (flow)", 0x0D: "heat and cooling",
    0x0E: "bus or system", 0x0F: "unknown", 0x15: "hot water", 0x16: "cold water",
    0x17: "hot and cold water", 0x18: "pressure", 0x19: "A/D converter", 0x1A: "smoke detector",
    0x1B: "room sensor", 0x1C: "gas detector", 0x20: "breaker", 0x21: "valve", 0x25: "customer unit",
    0x28: "waste water", 0x29: "garbage", 0x2A: "carbon dioxide",
}  # fmt: skip


@lru_cache(maxsize=1024)  # a meter says the same in every answer
def interpret(vif: int, vifes: bytes, text: str | None) -> ValueInformation:
    """The meaning of a VIF with its extension bytes and, for VIF 7C, its plain text; never raises."""
    rest = bytes(code & 0x7F for code in vifes)
    code = vif & 0x7F
    if vif in (0xFD, 0xFB) and rest:
        table, word = (_FD, "fd") if vif == 0xFD else (_FB, "fb")
        meaning = table.get(rest[0], _reserved(f"{word}_{rest[0]:02x}"))
        rest = rest[1:]
    elif code == 0x7C:
        meaning = Meaning(text or "text")
    elif code == 0x7F:
        return ValueInformation(_MAIN[0x7F], rest)
    else:
        meaning = _MAIN.get(code, _reserved(f"{code:02x}"))
    return combine(meaning, rest)
