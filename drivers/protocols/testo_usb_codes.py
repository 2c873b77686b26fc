"""What numbers in a testo's list of values are known to mean: names of idents, codes in place of a value.

Facts: tables of an app for the testo 330 (github aes-multimedia/Gestnet_jelpin at c813fae, enums Idents, Units
and InvalidValues). The one measured ident that a 350 was captured with, 901h in the unit 82h, is O2 in % there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dodac.samples import Reason

NAMES: Final[Mapping[int, str]] = {
    0x0101: "flue gas temperature",
    0x0102: "combustion air temperature",
    0x0103: "temperature inside the instrument",
    0x0109: "dew point",
    0x0301: "draught",
    0x0302: "pressure difference",
    0x0303: "absolute pressure",
    0x0401: "gas speed",
    0x0501: "pump",
    0x0601: "battery",
    0x0901: "O2",
    0x0902: "CO",
    0x0903: "CO in the room",
    0x0904: "undiluted CO",
    0x0905: "H2",
    0x0906: "NO",
    0x0907: "NO2",
    0x0908: "SO2",
    0x0909: "CO2",
    0x090A: "hydrocarbons",
    0x090B: "H2S",
    0x0911: "CO2 by infrared",
    0x1F03: "dilution",
    0x20400: "gas speed",
    0x20500: "volume flow",
    0x20915: "NOx",
    0x20A02: "mass flow of CO",
    0x20A08: "mass flow of SO2",
    0x20A15: "mass flow of NOx",
    0x20B01: "flue gas loss (on which heating value depends on the display's language)",
    0x20B02: "flue gas loss (on which heating value depends on the display's language)",
    0x20B03: "efficiency (on which heating value depends on the display's language)",
    0x20B04: "efficiency (on which heating value depends on the display's language)",
    0x21281: "excess air",
    0x21282: "excess air ratio",
}
"""Names of idents, for people who compare a list with the display."""

_REASONS: Final[Mapping[int, Reason]] = {
    0x81: Reason.OUT_OF_RANGE,
    0x82: Reason.OUT_OF_RANGE,
    0x83: Reason.OUT_OF_RANGE,
    0x8A: Reason.DEVICE_STATUS,
}


def reason_of(code: int | None) -> Reason:
    """Why a code stands in place of a value: beyond the sensor's range, a sensor that wakes up, else none."""
    return _REASONS.get(code or 0, Reason.SENTINEL)
