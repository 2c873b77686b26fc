"""Where counters begin again from 0: as the profile says, or by the width of an integer register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dodac.errors import ConfigError
from dodac.quantities import CHANNELS, Kind
from dodac.units import conversion
from drivers.catalogue import load_profile
from drivers.connection_open import own_profiles
from drivers.profile import ChannelSpec, ModbusChannel, Profile, unit_of
from drivers.protocols.modbus_map import Ratios
from drivers.protocols.modbus_values import BOUNDS

if TYPE_CHECKING:
    from dodac.site import InstrumentConfig, Site


def rollover(name: str, spec: ChannelSpec, ratio: float = 1.0) -> float | None:
    """Where this counter begins again from 0, canonical unit; None when nothing says so.

    ratio: of the transformers that the reading is multiplied by. Floats, 64 bits, masked registers and
    totals of several parts say nothing by their width.
    """
    if CHANNELS[name].kind is not Kind.COUNTER:
        return None
    if spec.rollover is not None:
        return spec.rollover * ratio
    if not isinstance(spec, ModbusChannel) or spec.type not in BOUNDS or spec.type in ("u64", "i64"):
        return None
    if spec.mask is not None or spec.add or spec.exponent or spec.unit_code:
        return None
    steps = BOUNDS[spec.type][1] + 1
    return abs(steps * spec.scale * conversion(unit_of(name, spec), CHANNELS[name].unit).scale) * ratio


def rollovers(profile: Profile, ratios: Ratios) -> dict[str, float]:
    """Where the counters of an installed instrument begin again from 0, for those of which it is known."""
    found = {}
    for name, spec in profile.channels.items():
        ratio = ratios.of(CHANNELS[name].quantity) if spec.side == "secondary" else 1.0
        if (top := rollover(name, spec, ratio)) is not None:
            found[name] = top
    return found


def rollover_facts(site: Site, item: InstrumentConfig) -> Mapping[str, str]:
    """The fact `rollovers` of an instrument of the site file: "CHANNEL=NUMBER …", canonical units."""
    if item.profile is None:
        return {}
    try:
        profile = load_profile(item.profile, own_profiles(site))
    except ConfigError:
        return {}  # told where its connection is opened
    found = rollovers(profile, Ratios.stated(item.ct_ratio, item.vt_ratio))
    return {"rollovers": " ".join(f"{name}={top!r}" for name, top in found.items())} if found else {}
