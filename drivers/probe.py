"""Which Modbus profile fits what a unit answers: evidence for and against each, pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dodac.quantities import CHANNELS
from dodac.samples import Reason
from drivers.probe_orders import ORDERS, turned
from drivers.profile import ModbusProfile, Order, Table
from drivers.protocols.modbus_identity import Identity, doubts
from drivers.protocols.modbus_map import Image, ModbusMap, number, place

_CLOSE: Final = 1.0  # nearer than this two scores tell nothing
_MOST_VOLTS: Final = 1000.0  # between the lines of a 690 V network, with room
_PHASES: Final = ("l1", "l2", "l3")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A profile held against what was read.

    order: how its words were turned for this, "" for as the profile says. score: the higher the better;
    below zero it does not fit. strong: what speaks for it by itself (the device's own words, a register
    with a model number). values: what it reads, canonical units. good of channels: how many gave one.
    """

    profile: str
    score: float
    order: str = ""
    strong: tuple[str, ...] = ()
    supports: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    channels: int = 0


@dataclass(slots=True)
class _Weighing:
    score: float = 0.0
    strong: list[str] = field(default_factory=list)
    supports: list[str] = field(default_factory=list)
    against: list[str] = field(default_factory=list)

    def pro(self, points: float, words: str, *, strong: bool = False) -> None:
        self.score += points
        (self.strong if strong else self.supports).append(words)

    def contra(self, points: float, words: str) -> None:
        self.score -= points
        self.against.append(words)


def weigh(
    profile: ModbusProfile,
    image: Image,
    refused: Iterable[str] = (),
    identity: Identity | None = None,
) -> Candidate:
    """The best of a profile's readings of an image: as its profile says, or with its words turned.

    refused: words about what could not be read. A turned order must read clearly better to count.
    """
    refused = tuple(refused)
    found = [
        _weigh(turned(profile, order), image, refused, identity, order)
        for order in (ORDERS if _wide(profile) else ORDERS[:1])
    ]
    straight, others = found[0], found[1:]
    best = max(others, key=lambda c: c.score, default=straight)
    return best if best.score > straight.score + 2.0 and best.score > 0 else straight


def rank(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The best first; those that do not fit are left out."""
    fitting = [c for c in candidates if c.score > 0 and (c.values or c.strong)]
    return sorted(fitting, key=lambda c: (-c.score, c.profile))


def inseparable(ranked: Sequence[Candidate]) -> list[Candidate]:
    """Those after the first that fit as well as it does."""
    return [
        c for c in ranked[1:] if c.score > ranked[0].score - _CLOSE and len(c.strong) >= len(ranked[0].strong)
    ]


def deciding(first: Candidate, other: Candidate) -> str:
    """Which reading would tell two candidates apart."""
    for name, value in first.values.items():
        second = other.values.get(name)
        if second is not None and not math.isclose(value, second, rel_tol=0.01, abs_tol=1e-6):
            unit = CHANNELS[name].unit
            return (
                f"{name} is {value:.5g} {unit} as {first.profile}, {second:.5g} {unit} as {other.profile}: "
                "compare with the display"
            )
    more, less = set(first.values) - set(other.values), set(other.values) - set(first.values)
    if more or less:
        parts = [
            f"{c.profile} also reads {', '.join(sorted(names)[:4])}"
            for c, names in ((first, more), (other, less))
            if names
        ]
        return f"both give the same values; {'; '.join(parts)}"
    return (
        "both give the same values: only the type plate tells the model, the readings are right with either"
    )


def _weigh(
    profile: ModbusProfile, image: Image, refused: tuple[str, ...], identity: Identity | None, order: Order
) -> Candidate:
    seen = _Weighing()
    _by_words(seen, profile, identity)
    _by_registers(seen, profile, image)
    values = _by_channels(seen, profile, image)
    _by_physics(seen, values)
    for words in refused[:3]:
        seen.contra(0.5, words)
    if profile.id.startswith("generic."):
        seen.score -= 1.5  # fits much, says little
    return Candidate(
        profile.id,
        round(seen.score, 2),
        "" if order == "ABCD" else _told(order),
        tuple(seen.strong),
        tuple(seen.supports),
        tuple(seen.against),
        values,
        len(profile.channels),
    )


def _by_words(seen: _Weighing, profile: ModbusProfile, identity: Identity | None) -> None:
    """What the device says of itself (43/14, 17)."""
    if identity is None:
        return
    text = str(identity)
    if profile.device_id:
        wrong = doubts(identity, profile.device_id)
        if wrong:
            seen.contra(10.0, f"it says of itself: {wrong[0]}")
        elif set(profile.device_id) & set(identity.texts):
            seen.pro(6.0, f"it says of itself: {text}", strong=True)
    elif text and profile.maker.split()[0].casefold() in text.casefold():
        seen.pro(3.0, f"it names its maker: {text}", strong=True)


def _by_registers(seen: _Weighing, profile: ModbusProfile, image: Image) -> None:
    """The identification registers."""
    for item in profile.identify:
        table: Table = item.table or "holding"
        span = place(item, table)
        where = f"register {item.address} ({table})"
        if not all((table, address) in image for address in range(span.address, span.end)):
            seen.contra(3.0, f"{where} can't be read")
            continue
        value = number(image, item, table)
        if item.values:
            if value in item.values and value in (0, 0xFFFF):
                seen.pro(0.5, f"{where} reads {value:g}, as this model's may")  # empty registers read so too
            elif value in item.values:
                seen.pro(5.0, f"{where} reads {value:g}, as this model's does", strong=True)
            else:
                seen.contra(
                    6.0, f"{where} reads {value:g}, not {' or '.join(f'{v:g}' for v in item.values[:4])}"
                )
        elif item.range is not None:
            low, high = item.range
            if low <= value <= high:
                seen.pro(1.0 if value else 0.25, f"{where} reads {value:g}, within {low:g} to {high:g}")
            else:
                seen.contra(5.0, f"{where} reads {value:g}, not {low:g} to {high:g}")


def _by_channels(seen: _Weighing, profile: ModbusProfile, image: Image) -> dict[str, float]:
    """How many channels read as numbers that can be; zeros count little, for empty registers read so."""
    values, flags = ModbusMap(profile).decode(image, profile.channels)
    total = len(profile.channels)
    wrong = [f.channel for f in flags if f.reason in (Reason.OUT_OF_RANGE, Reason.DECODE)]
    absent = total - len(values) - len(flags)
    telling = sum(1.0 if abs(value) > 1e-6 else 0.2 for value in values.values())
    answered = total - absent - len(wrong)
    if values:
        seen.pro(
            # one channel that reads as a number says little, ten say much; zeros are half a word. Of two
            # maps that agree, the larger one that is answered wholly is the instrument's
            2.0 * (answered + telling) / total * (1 - 0.5**total)
            + 0.4 * math.log2(1 + telling)
            + 0.02 * answered,
            f"{len(values)} of {total} channels give a value",
        )
    if wrong:
        seen.contra(4.0 * len(wrong) / total + 0.5, f"out of every bound: {', '.join(wrong[:4])}")
    if absent:
        seen.contra(3.0 * absent / total, f"{absent} of {total} channels are not there")
    return values


def _by_physics(seen: _Weighing, values: Mapping[str, float]) -> None:
    """Mains voltage, frequency, power factor, and power from them."""
    voltages = {n: v for n, v in values.items() if CHANNELS[n].quantity == "voltage"}
    if voltages:
        odd = {n: v for n, v in voltages.items() if v and not 80 <= v <= _MOST_VOLTS}
        live = [v for v in voltages.values() if 80 <= v <= _MOST_VOLTS]
        if odd:
            name, value = next(iter(odd.items()))
            seen.contra(2.0, f"{name} would be {value:.5g} V")
        elif live:
            seen.pro(1.5, f"voltages are plausible ({live[0]:.4g} V)")
        else:
            seen.contra(0.5, "no voltage is there")
    frequency = values.get("frequency_hz")
    if frequency is not None:
        if 45 <= frequency <= 65:
            seen.pro(1.5, f"{frequency:.4g} Hz is a mains frequency")
        else:  # what is further off, 0 Hz too, is out of the channel's own bounds
            seen.contra(3.0, f"{frequency:.5g} Hz is no mains frequency")
    factors = [v for n, v in values.items() if CHANNELS[n].quantity == "power factor"]
    if any(abs(v) > 1.001 for v in factors):
        seen.contra(2.0, "a power factor above 1")
    _by_power(seen, values)


def _by_power(seen: _Weighing, values: Mapping[str, float]) -> None:
    """P ≈ Σ U·I·PF within 10 %, whichever way round the transformers of the phases are."""
    power = values.get("power_w")
    if power is None or abs(power) < 20:
        return
    parts: list[float] = []
    for phase in _PHASES:
        u, i = values.get(f"voltage_{phase}_v"), values.get(f"current_{phase}_a")
        pf = values.get(f"power_factor_{phase}", values.get("power_factor"))
        if u is not None and i is not None and pf is not None:
            parts.append(abs(u * i * pf))
    total = sum(parts)
    if not total:
        return
    sums = [abs(sum(p * s for p, s in zip(parts, signs, strict=True))) for signs in _signs(len(parts))]
    fitting = [one for one in sums if abs(abs(power) - one) <= 0.1 * one]
    if not fitting:
        seen.contra(0.75, f"power {power:.5g} W does not fit U·I·PF ({total:.5g} W)")
        return
    words = "" if fitting[0] == sums[0] else ", one phase the other way round: see dodac wiring"
    seen.pro(2.0, f"power {power:.5g} W fits U·I·PF ({fitting[0]:.5g} W{words})")


def _signs(count: int) -> Iterator[tuple[int, ...]]:
    """Directions of so many phases: all alike first, then one against the others."""
    yield (1,) * count
    for other in range(count if count > 2 else 0):
        yield tuple(-1 if n == other else 1 for n in range(count))


def _wide(profile: ModbusProfile) -> bool:
    return any(not spec.type.endswith("16") for spec in profile.channels.values())


def _told(order: Order) -> str:
    return {
        "CDAB": "words exchanged",
        "BADC": "bytes of each word exchanged",
        "DCBA": "words and bytes exchanged",
    }[order]
