"""Word and byte orders: a profile with its words turned, and U and f under all four orders; pure."""

from __future__ import annotations

from typing import Final, TypeVar

from dodac.quantities import CHANNELS
from drivers.profile import ModbusChannel, ModbusProfile, Order, Register
from drivers.protocols.modbus_map import Image, ModbusMap
from drivers.protocols.modbus_values import WORDS

ORDERS: Final[tuple[Order, ...]] = ("ABCD", "CDAB", "BADC", "DCBA")
_PARTS: Final[dict[Order, tuple[bool, bool]]] = {
    "ABCD": (False, False),
    "CDAB": (True, False),
    "BADC": (False, True),
    "DCBA": (True, True),
}  # words exchanged, bytes of each word exchanged
_BY_PARTS: Final = {parts: order for order, parts in _PARTS.items()}
_Spec = TypeVar("_Spec", Register, ModbusChannel)


def turned(profile: ModbusProfile, by: Order) -> ModbusProfile:
    """The profile with the order of all its wider numbers turned; ABCD leaves it as it is.

    Registers that hold a model's name or number keep their order: meters turn measured values only.
    """
    if by == "ABCD":
        return profile
    channels = {}
    for name, spec in profile.channels.items():
        parts = tuple(_turned(part, by) for part in spec.add)
        channels[name] = _turned(spec, by).model_copy(update={"add": parts})
    identify = tuple(item if item.values else _turned(item, by) for item in profile.identify)
    return profile.model_copy(update={"channels": channels, "identify": identify})


def _turned(spec: _Spec, by: Order) -> _Spec:
    if WORDS[spec.type] == 1:
        return spec
    words, swapped = _PARTS[spec.order]
    by_words, by_bytes = _PARTS[by]
    return spec.model_copy(update={"order": _BY_PARTS[words != by_words, swapped != by_bytes]})


def under_all_orders(profile: ModbusProfile, image: Image) -> dict[Order, dict[str, float]]:
    """The profile's first voltage and its frequency, order by order of the bytes on the wire.

    Only numbers of two registers and more have an order; a profile without such gives nothing.
    """
    wanted = [
        next((n for n in profile.channels if CHANNELS[n].quantity == quantity), None)
        for quantity in ("voltage", "frequency")
    ]
    names = [n for n in wanted if n is not None and WORDS[profile.channels[n].type] > 1]
    found: dict[Order, dict[str, float]] = {}
    for by in ORDERS:
        other = turned(profile, by)
        values, flags = ModbusMap(other).decode(image, names)
        for flag in flags:
            if flag.value is not None:
                values[flag.channel] = flag.value
        if values:
            found[other.channels[names[0]].order] = values
    return found
