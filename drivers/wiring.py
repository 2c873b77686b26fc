"""Is a power meter wired right? Judges live readings: phases, directions, transformers, sums. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from drivers._wiring_angles import Cause, Element, causes_of_three, causes_of_two
from drivers._wiring_sums import energy, phase_sum
from drivers._wiring_types import Check, Known, Moment, Status, factor_text, phases

__all__ = ["Check", "Known", "Moment", "Status", "diagnose"]

_PLATES: Final = (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 8, 10)
"""First digits of the primary currents that transformers are made for (IEC 61869-2, and 8)."""
SMALL_LOAD: Final = 0.05
"""Below this share of the rated current no direction is judged: errors of angle grow without bound there."""
_LEADING: Final = -30.0
_LAGGING: Final = 80.0
"""Degrees: a load that lags more has hardly any power; transformers a phase off and turned round show the same."""
_OF_VOLTAGE_TRANSFORMERS: Final = (52.0, 75.0)
"""Volts to neutral behind voltage transformers of 100 to 120 V; no mains has them."""
_APART: Final = 80.0


def diagnose(moments: Sequence[Moment], known: Known) -> list[Check]:
    """Everything that can be said about the wiring from a few readings, in the order of looking."""
    if not moments:
        return [Check("readings", Status.OPEN, "no_readings")]
    mean = _middle(moments)
    elements = _elements(mean, known)
    return [
        *_voltages(mean, known),
        *_frequency(mean),
        *_scales(mean, elements, known),
        *_transformers(mean, known),
        *_directions(elements, known),
        *phase_sum(moments, known),
        *energy(moments, known),
    ]


def _middle(moments: Sequence[Moment]) -> dict[str, float]:
    names = {name for moment in moments for name in moment.values}
    return {
        name: median(moment.values[name] for moment in moments if name in moment.values)
        for name in sorted(names)
    }


def _elements(mean: Mapping[str, float], known: Known) -> dict[int, Element]:
    """The measuring elements that have voltage, current and power, with what they see."""
    volts, amps = phases(mean, "voltage", "v"), phases(mean, "current", "a")
    powers = phases(mean, "power", "w")
    if not powers and set(amps) == {1} and "power_w" in mean:
        powers = {1: mean["power_w"]}
    reactive = phases(mean, "reactive_power", "var")
    found = {}
    for n in sorted(set(volts) & set(amps) & set(powers)):
        if known.wires == 3 and n == 2:
            continue
        size = volts[n] * amps[n]
        if (
            known.wires == 3 and n in reactive
        ):  # which voltages a meter shows here differs: take its own powers
            size = math.hypot(powers[n], reactive[n])
        signed = n in reactive and size > 0 and abs(math.hypot(powers[n], reactive[n]) / size - 1) < 0.25
        found[n] = Element(n, volts[n], amps[n], powers[n], reactive[n] if signed else None, size)
    return found


def _voltages(mean: Mapping[str, float], known: Known) -> list[Check]:
    volts = phases(mean, "voltage", "v")
    if not volts:
        return [Check("voltage", Status.OPEN, "voltage_unread")]
    usual = median(volts.values()) if len(volts) > 2 else max(volts.values())
    lost = [n for n, value in volts.items() if value < 0.5 * usual or value < 10]
    if known.wires == 3 and lost == [2]:
        lost = []  # two elements: the middle one has no voltage of its own
    shown = {"volts": " / ".join(f"{value:.1f}" for value in volts.values())}
    if lost:
        return [Check("voltage", Status.FINDING, "voltage_lost", {**shown, "phases": _list(lost)})]
    present = [value for value in volts.values() if value >= 0.5 * usual]
    spread = 100 * (max(present) - min(present)) / (sum(present) / len(present))
    if spread > 6:
        return [Check("voltage", Status.FINDING, "voltage_uneven", {**shown, "spread": round(spread, 1)})]
    pairs = {pair: mean[f"voltage_l{pair}_v"] for pair in ("12", "23", "31") if f"voltage_l{pair}_v" in mean}
    if pairs and min(pairs.values()) < 0.3 * max(volts.values()):
        worst = min(pairs, key=pairs.__getitem__)
        words: dict[str, str | float] = {
            **shown,
            "pair": f"{worst[0]}-{worst[1]}",
            "between": round(pairs[worst], 1),
        }
        return [Check("voltage", Status.FINDING, "voltage_same", words)]
    low, high = _OF_VOLTAGE_TRANSFORMERS
    if all(low <= value <= high for value in present):
        return [Check("voltage", Status.OPEN, "voltage_secondary", shown)]
    return [Check("voltage", Status.OK, "voltage_ok", shown)]


def _frequency(mean: Mapping[str, float]) -> list[Check]:
    hertz = mean.get("frequency_hz")
    if hertz is None:
        return []
    good = 49 <= hertz <= 51 or 59 <= hertz <= 61
    text = "frequency_ok" if good else "frequency_odd"
    return [Check("frequency", Status.OK if good else Status.FINDING, text, {"hertz": round(hertz, 2)})]


def _scales(mean: Mapping[str, float], elements: Mapping[int, Element], known: Known) -> list[Check]:
    """No phase can have more power than its volts times its amperes; its own apparent power must agree."""
    # with two transformers some meters show volts to neutral beside powers of whole lines: up to 1.73
    most = 1.9 if known.wires == 3 else 1.3
    found = []
    apparent = phases(mean, "apparent_power", "va")
    for n, e in elements.items():
        product = e.volts * e.amps
        if product < 30:
            continue
        if abs(e.watts) > most * product:
            found.append((n, abs(e.watts) / product))
        elif n in apparent and apparent[n] > 0 and not 0.5 < apparent[n] / product < 2:
            found.append((n, apparent[n] / product))
    if not found:
        return []
    n, factor = found[0]
    words: dict[str, str | float] = {"phases": _list([n for n, _ in found]), "factor": factor_text(factor)}
    return [Check("scale", Status.FINDING, "scale_apart", words)]


def _transformers(mean: Mapping[str, float], known: Known) -> list[Check]:
    amps = phases(mean, "current", "a")
    if not amps:
        return []
    found: list[Check] = []
    for n, clamp in sorted(known.clamp.items()):
        if n not in amps or clamp <= 0:
            found.append(Check("ratio", Status.OPEN, "clamp_unread", {"phase": n}))
            continue
        factor = amps[n] / clamp
        words: dict[str, str | float] = {
            "phase": n, "amps": round(amps[n], 3), "clamp": clamp, "factor": factor_text(factor),
        }  # fmt: skip
        ratio = known.ratio
        if 0.9 <= factor <= 1.1:
            found.append(Check("ratio", Status.OK, "clamp_ok", words))
        elif ratio is not None and ratio > 1.5 and known.multiplied and _near(factor, ratio):
            found.append(Check("ratio", Status.FINDING, "scaled_twice", {**words, "ratio": f"{ratio:g}"}))
        elif ratio is not None and ratio > 1.5 and _near(factor, 1 / ratio):
            found.append(Check("ratio", Status.FINDING, "not_scaled", {**words, "ratio": f"{ratio:g}"}))
        elif ratio is not None and known.multiplied:
            right = {"ratio": f"{ratio:g}", "right": f"{ratio / factor:.3g}", "plate": _plate(ratio / factor)}
            found.append(Check("ratio", Status.FINDING, "ratio_apart", {**words, **right}))
        else:
            found.append(Check("ratio", Status.FINDING, "clamp_apart", words))
    if found:
        return found
    most = max(amps.values())
    if known.rated_a is not None and most > 1.25 * known.rated_a:
        words = {"amps": round(most, 1), "rated": f"{known.rated_a:g}"}
        text = "scaled_twice_seen" if known.multiplied else "above_rating"
        return [Check("ratio", Status.FINDING, text, words)]
    if known.secondary_side and known.ratio is None:
        return [Check("ratio", Status.OPEN, "ratio_missing", {"amps": round(most, 2)})]
    if known.ratio is not None and known.ratio > 1.5:
        words = {"ratio": f"{known.ratio:g}", "amps": round(most, 2)}
        return [Check("ratio", Status.OPEN, "clamp_wanted" if known.multiplied else "ratio_unused", words)]
    return []


def _directions(elements: Mapping[int, Element], known: Known) -> list[Check]:
    if not elements:
        return [Check("direction", Status.OPEN, "direction_unread")]
    most = max(e.amps for e in elements.values())
    least = SMALL_LOAD * known.rated_a if known.rated_a else 0.1
    loaded = {
        n: e
        for n, e in elements.items()
        if e.amps >= max(least, 0.02 * most) and e.size >= 20 and e.volts >= 10
    }
    idle = [n for n in elements if n not in loaded]
    found = []
    if not loaded:
        words = {"amps": round(most, 3), "least": round(least, 3)}
        return [Check("direction", Status.OPEN, "load_small", words)]
    if idle:
        found.append(Check("current", Status.OPEN, "current_idle", {"phases": _list(idle)}))
    if known.wires == 3:
        return [*found, _two(loaded, known)]
    middle = elements.get(2)
    if middle is not None and _absent(middle, elements) and known.wires == 4:
        return [*found, Check("direction", Status.OPEN, "looks_like_two", {})]
    return [*found, _three(loaded, known)]


def _absent(middle: Element, elements: Mapping[int, Element]) -> bool:
    """True when the second element measures no power at all though current flows: two transformers."""
    others = [e for n, e in elements.items() if n != 2]
    return (
        len(others) == 2
        and middle.amps > 0.05 * max(e.amps for e in others)
        and abs(middle.watts) < 0.005 * middle.size
        and middle.var is None
        and min(e.factor for e in others) >= -0.02  # else two crossed transformers could look the same
    )


def _three(loaded: Mapping[int, Element], known: Known) -> Check:
    """Four wires: each element sees its own phase."""
    factors = {"factors": ", ".join(f"L{n} {e.factor:+.2f}" for n, e in loaded.items())}
    negative = [n for n, e in loaded.items() if e.factor < -0.02]
    if not negative:
        angles = [e.angle for e in loaded.values() if e.var is not None]
        if all(e.factor < math.cos(math.radians(_LAGGING)) for e in loaded.values()):
            return Check("direction", Status.OPEN, "no_power", factors)
        if len(angles) >= 2 and max(angles) < _LEADING:
            return Check("direction", Status.OPEN, "all_leading", factors)
        if len(angles) >= 2 and max(angles) - min(angles) > _APART:
            return Check("direction", Status.OPEN, "angles_apart", factors)
        return Check("direction", Status.OK, "direction_ok", factors)
    causes = causes_of_three(loaded)
    if len(negative) == len(loaded):
        if known.generation:
            return Check("direction", Status.OK, "export_ok", factors)
        if known.generation is None:
            return Check("direction", Status.OPEN, "all_negative", {**factors, **_named(causes)})
        return Check("direction", Status.FINDING, "wired_wrong", {**factors, **_named(causes)})
    words = {**factors, "phases": _list(negative), **_named(causes)}
    if known.generation:
        return Check("direction", Status.OPEN, "mixed_generation", words)
    return Check("direction", Status.FINDING, "mixed_signs", words)


def _two(loaded: Mapping[int, Element], known: Known) -> Check:
    """Three wires, two transformers: one element sees the load's angle plus 30 degrees, the other less 30."""
    factors = {"factors": ", ".join(f"L{n} {e.factor:+.2f}" for n, e in loaded.items())}
    if len(loaded) < 2:
        return Check("direction", Status.OPEN, "one_element", factors)
    causes = causes_of_two(loaded)
    if causes and not causes[0].faults:
        return Check("direction", Status.OK, "two_ok", factors)
    total = sum(e.watts for e in loaded.values())
    all_turned = [cause for cause in causes if cause.faults == ("reversed 1", "reversed 3")]
    if total < 0 and all_turned and causes[0] is all_turned[0] and known.generation is not False:
        if known.generation:
            return Check("direction", Status.OK, "export_ok", factors)
        return Check("direction", Status.OPEN, "all_negative", {**factors, **_named(causes)})
    if not causes:
        return Check("direction", Status.OPEN, "two_unclear", factors)
    return Check("direction", Status.FINDING, "wired_wrong", {**factors, **_named(causes)})


def _named(causes: Sequence[Cause]) -> dict[str, str]:
    """The likeliest causes as codes for the words: "reversed 1+crossed 1-2|…"."""
    if not causes:
        return {"causes": ""}
    likely = [cause for cause in causes if cause.weight <= causes[0].weight + 1][:3]
    return {"causes": "|".join("+".join(cause.faults) for cause in likely)}


def _plate(ratio: float) -> str:
    """The plate that a measured ratio comes nearest to, with a secondary of 5 A."""
    size = 10.0 ** math.floor(math.log10(ratio * 5))
    primary = min((size * step for step in _PLATES), key=lambda amps: abs(amps / (ratio * 5) - 1))
    return f"{primary:g}/5"


def _near(value: float, wanted: float) -> bool:
    return abs(value / wanted - 1) <= 0.12


def _list(phases: Sequence[int]) -> str:
    return ", ".join(f"L{n}" for n in phases)
