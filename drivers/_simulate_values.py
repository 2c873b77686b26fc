"""What a simulated instrument shows: a swinging load for power meters, plausible middles for others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from dodac.errors import ConfigError
from dodac.quantities import CHANNELS, Kind, Measurement, nearest
from drivers.profile import ModbusProfile, Profile
from drivers.rollover import rollover

if TYPE_CHECKING:
    from drivers._simulate import Options


def values_of(
    profile: ModbusProfile, options: Options, now: Callable[[], float]
) -> Callable[[], dict[str, float]]:
    """What it shows: a swinging load for power meters, plausible middles for others; fixed ones win."""
    wiring_words = [word for word in options.faults if _is_wiring(word)]
    electric: Callable[[], dict[str, float]] | None = None
    ratio, primary_a = 1.0, 0.0
    if options.ct:
        primary, _, secondary = options.ct.partition("/")
        try:
            primary_a = float(primary)
            ratio = primary_a / float(secondary)
        except (ValueError, ZeroDivisionError):
            raise ConfigError(f'--ct "{options.ct}" is no ratio.', None, "Write e.g. --ct 400/5") from None
    if profile.kind is Measurement.ELECTRICITY:
        from drivers.simulator.electric import Load, Wiring, meter, wiring_fault

        wiring = Wiring(wires=options.wires)
        for word in wiring_words:
            wiring = wiring_fault(word, wiring)
        if wiring.scaled_twice and not options.ct:
            raise ConfigError("scaled_twice needs the ratio.", None, "Add e.g. --ct 400/5")
        # well above the 5 % below which nothing can be told; little enough that a meter's 16 bits hold it
        # when it multiplies by the ratio itself
        amps = 25.0 if not options.ct else primary_a * (0.1 if wiring.scaled_twice else 0.4)
        load = Load(current_a=(amps, amps * 0.96, amps * 1.04))
        electric = meter(profile, now, load=load, wiring=wiring, ct=ratio)
    elif wiring_words:
        raise ConfigError(f'"{wiring_words[0]}" is a fault of power meters; {profile.id} is none.')
    turns = {
        name: top for name, spec in profile.channels.items() if (top := rollover(name, spec)) is not None
    }
    roll = "rollover" in options.faults
    if roll and not turns:
        raise ConfigError(f"no counter of {profile.id} is known to begin again from 0.")

    def values() -> dict[str, float]:
        seconds = now()
        shown = plausible(profile, seconds)
        if electric is not None:
            shown |= {name: value for name, value in electric().items() if name in profile.channels}
        if roll:
            shown |= {name: (top - 0.5 + seconds / 10) % top for name, top in turns.items()}
        return {**shown, **options.values}

    return values


_MIDDLES: Final = {
    "voltage": 230.0, "current": 25.0, "power": 15_000.0, "apparent power": 16_000.0, "reactive power": 4_000.0,
    "power factor": 0.95, "frequency": 50.0, "oxygen": 6.0, "carbon dioxide": 12.0, "carbon monoxide": 80.0,
    "temperature": 60.0, "flow": 12.0, "quality": 85.0, "pressure": 6.0,
}  # fmt: skip


def plausible(profile: Profile, seconds: float) -> dict[str, float]:
    """Plausible values: gauges swing by 1 %, counters rise."""
    values = {}
    for name, spec in profile.channels.items():
        channel = CHANNELS[name]
        if channel.kind == Kind.COUNTER:
            values[name] = 10_000.0 + seconds / 100
            continue
        low, high = spec.range or (channel.low, channel.high)
        middle = 180.0 if name == "t_flue_c" else _MIDDLES.get(channel.quantity, min(high, max(low, 1.0)))
        values[name] = min(high, max(low, middle * (1 + 0.01 * math.sin(seconds / 5))))
    return values


def fixed(word: str, profile: Profile) -> tuple[str, float]:
    """ "CHANNEL=NUMBER" as a pair; ConfigError with the nearest channel."""
    name, _, number = word.partition("=")
    if name not in profile.channels:
        near = nearest(name, profile.channels)
        hint = f'Did you mean "{near}"?' if near else f"It has: {', '.join(profile.channels)}."
        raise ConfigError(f'{profile.id} has no channel "{name}".', None, hint)
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f'"{word}" is no value.', None, f"Write e.g. {name}=12.5")
    return name, value


def _is_wiring(word: str) -> bool:
    from drivers.simulator.electric import WIRING_FAULTS

    return word.partition(":")[0] in WIRING_FAULTS
