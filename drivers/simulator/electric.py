"""What a power meter shows for a given load and wiring: coherent U, I, P, Q, S and PF from phasors."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from dodac.errors import ConfigError
from dodac.quantities import CHANNELS
from drivers.profile import Profile
from drivers.protocols.modbus_map import Ratios

Triple = tuple[float, float, float]

WIRING_FAULTS: Final[dict[str, str]] = {
    "ct_reversed": "the current transformer of a phase is turned round (ct_reversed:2 for phase 2)",
    "ct_all_reversed": "all three current transformers are turned round",
    "ct_crossed": "the current transformers of two phases are exchanged (ct_crossed:12)",
    "ct_rotated": "every current transformer is on the next phase",
    "ct_open": "a current transformer gives nothing (ct_open:3)",
    "voltage_missing": "a voltage lead is off, or its fuse blown (voltage_missing:1)",
    "scaled_twice": "the meter multiplies by the ratio itself, though its profile says secondary values",
}
"""Every fault of wiring that can be simulated, and what it means."""


@dataclass(frozen=True)
class Load:
    """What really flows: phase to neutral volts, amperes, and degrees by which each current lags."""

    voltage_v: Triple = (230.0, 231.0, 229.5)
    current_a: Triple = (25.0, 24.0, 26.0)
    angle_deg: Triple = (18.0, 18.0, 18.0)
    frequency_hz: float = 50.0


@dataclass(frozen=True)
class Wiring:
    """How the meter is connected; phases count from 1.

    wires: 4, or 3 for two current transformers (Aron). ct: the phase that each current input sees.
    reversed, open_ct, no_voltage: inputs. sequence: -1 when the voltages rotate the other way.
    """

    wires: int = 4
    ct: tuple[int, int, int] = (1, 2, 3)
    reversed: frozenset[int] = frozenset()
    open_ct: frozenset[int] = frozenset()
    no_voltage: frozenset[int] = frozenset()
    sequence: int = 1
    scaled_twice: bool = False


def readings(load: Load, wiring: Wiring | None = None) -> dict[str, float]:
    """Every electrical gauge that a meter could show, by channel name (primary side)."""
    wired = wiring or Wiring()
    turn = [cmath.rect(1.0, math.radians(-120.0 * wired.sequence * n)) for n in range(3)]
    volts = [load.voltage_v[n] * turn[n] for n in range(3)]
    flows = [
        load.current_a[n] * turn[n] * cmath.rect(1.0, math.radians(-load.angle_deg[n])) for n in range(3)
    ]
    if wired.wires == 3:  # no neutral: the three currents end at nothing
        flows[1] = -(flows[0] + flows[2])
    seen_u = [0j if n + 1 in wired.no_voltage else volts[n] for n in range(3)]
    seen_i = [
        0j if n + 1 in wired.open_ct else flows[wired.ct[n] - 1] * (-1 if n + 1 in wired.reversed else 1)
        for n in range(3)
    ]
    lines = {"l12": seen_u[0] - seen_u[1], "l23": seen_u[1] - seen_u[2], "l31": seen_u[2] - seen_u[0]}
    if wired.wires == 3:
        seen_i[1] = -(seen_i[0] + seen_i[2])
        powers = [lines["l12"] * seen_i[0].conjugate(), 0j, -lines["l23"] * seen_i[2].conjugate()]
        seen_u = [lines["l12"], lines["l23"], lines["l31"]]
    else:
        powers = [u * i.conjugate() for u, i in zip(seen_u, seen_i, strict=True)]
    shown: dict[str, float] = {"frequency_hz": load.frequency_hz, "current_n_a": abs(sum(seen_i))}
    for n, (u, i, s) in enumerate(zip(seen_u, seen_i, powers, strict=True), start=1):
        shown |= {
            f"voltage_l{n}_v": abs(u), f"current_l{n}_a": abs(i), f"power_l{n}_w": s.real,
            f"reactive_power_l{n}_var": s.imag, f"apparent_power_l{n}_va": abs(s),
            f"power_factor_l{n}": s.real / abs(s) if abs(s) else 1.0,
            f"voltage_thd_l{n}_pct": 2.1, f"current_thd_l{n}_pct": 11.5,
        }  # fmt: skip
    shown |= {f"voltage_{name}_v": abs(u) for name, u in lines.items()}
    total = sum(powers)
    size = abs(total)
    shown |= {
        "power_w": total.real, "reactive_power_var": total.imag, "apparent_power_va": size,
        "power_factor": total.real / size if size else 1.0,
        "power_demand_w": total.real, "power_demand_max_w": total.real * 1.1,
    }  # fmt: skip
    return shown


def totals(shown: Mapping[str, float], seconds: float, start_kwh: float = 10_000.0) -> dict[str, float]:
    """Energy counters after so many seconds of the same power, from a start of their own."""
    hours = seconds / 3600

    def counted(power: float, begin: float) -> tuple[float, float]:
        kwh = power * hours / 1000
        return begin + max(kwh, 0.0), begin / 1000 + max(-kwh, 0.0)

    found: dict[str, float] = {}
    found["energy_import_kwh"], found["energy_export_kwh"] = counted(shown["power_w"], start_kwh)
    found["reactive_import_kvarh"], found["reactive_export_kvarh"] = counted(
        shown["reactive_power_var"], start_kwh / 4
    )
    for n in (1, 2, 3):
        found[f"energy_import_l{n}_kwh"], found[f"energy_export_l{n}_kwh"] = counted(
            shown[f"power_l{n}_w"], start_kwh / 3
        )
    found["energy_total_kwh"] = found["energy_import_kwh"] + found["energy_export_kwh"]
    found["apparent_energy_kvah"] = start_kwh * 1.1 + shown["apparent_power_va"] * hours / 1000
    return found


def wiring_fault(text: str, wiring: Wiring | None = None) -> Wiring:
    """The wiring with a fault added, from its name and phases as in "ct_reversed:2" or "ct_crossed:13".

    Raises ConfigError for an unknown fault or phase.
    """
    name, _, words = text.partition(":")
    wired = wiring or Wiring()
    if name not in WIRING_FAULTS:
        raise ConfigError(f'"{name}" is no fault of wiring.', None, f"Known: {', '.join(WIRING_FAULTS)}.")
    wanted = {"ct_crossed": 2, "ct_reversed": 1, "ct_open": 1, "voltage_missing": 1}.get(name, 0)
    given = words or "12"[:wanted]
    phases = [int(sign) for sign in given if sign in "123"]
    if len(phases) != wanted or len(given) != wanted or len(set(phases)) != wanted:
        raise ConfigError(f'"{text}" has other phases.', None, f"{WIRING_FAULTS[name]}.")
    match name:
        case "ct_reversed":
            return replace(wired, reversed=wired.reversed ^ {phases[0]})
        case "ct_all_reversed":
            return replace(wired, reversed=wired.reversed ^ {1, 2, 3})
        case "ct_open":
            return replace(wired, open_ct=wired.open_ct | {phases[0]})
        case "voltage_missing":
            return replace(wired, no_voltage=wired.no_voltage | {phases[0]})
        case "ct_rotated":
            first, second, third = wired.ct
            return replace(wired, ct=(second, third, first))
        case "ct_crossed":
            order = list(wired.ct)
            one, other = phases[0] - 1, phases[1] - 1
            order[one], order[other] = order[other], order[one]
            return replace(wired, ct=(order[0], order[1], order[2]))
        case _:
            return replace(wired, scaled_twice=True)


def shown_by(
    profile: Profile, values: Mapping[str, float], wiring: Wiring, ct: float = 1.0
) -> dict[str, float]:
    """The values as they stand on the wire: secondary ones where the profile says so."""
    ratio = Ratios(ct=1.0 if wiring.scaled_twice else ct)
    return {
        name: value / ratio.of(CHANNELS[name].quantity)
        if name in profile.channels and profile.channels[name].side == "secondary"
        else value
        for name, value in values.items()
    }


def _one_phase(profile: Profile) -> bool:
    """True for a meter with one voltage: all that it shows is of the first phase."""
    return "voltage_l1_v" in profile.channels and not any("_l2" in name for name in profile.channels)


def meter(
    profile: Profile,
    seconds: Callable[[], float],
    *,
    load: Load | None = None,
    wiring: Wiring | None = None,
    ct: float = 1.0,
) -> Callable[[], dict[str, float]]:
    """What a meter of that profile shows from now on: the load swings by 1 %, its counters rise with it."""
    steady, wired = load or Load(), wiring or Wiring()
    if _one_phase(profile):
        rest = frozenset({2, 3})
        wired = replace(wired, open_ct=wired.open_ct | rest, no_voltage=wired.no_voltage | rest)

    def values() -> dict[str, float]:
        now = seconds()
        swing = 1 + 0.01 * math.sin(now / 5)
        one, two, three = (amperes * swing for amperes in steady.current_a)
        shown = readings(replace(steady, current_a=(one, two, three)), wired)
        shown |= totals(readings(steady, wired), now)
        return shown_by(profile, shown, wired, ct)

    return values
