"""A form for one instrument: what is typed becomes values, a question, or a refusal with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from dodac.clock import DAY_NS, MINUTE_NS
from dodac.quantities import CHANNELS, Kind
from dodac.samples import Layout
from dodac.units import Conversion, canonical_unit, conversion
from drivers._profile_manual import ManualChannel, ManualProfile
from drivers.protocols.manual_numbers import Number, parse_number, plain
from drivers.protocols.modbus_map import Ratios

AHEAD_NS: Final = 5 * MINUTE_NS
OLD_NS: Final = 100 * DAY_NS
OLDEST_NS: Final = 20 * 366 * DAY_NS
_LEAP: Final = 10.0
_SUM_OFF: Final = 0.005


@dataclass(frozen=True, slots=True)
class Typed:
    """One field as typed, and the unit chosen beside it (empty: the one offered)."""

    text: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Why an entry is not taken (refused), or what is asked before it is.

    channel: empty for the whole form. code: what it is, see drivers/manual_words.py; facts fill its
    words. choices: texts that mean one thing each, where the text typed may mean several.
    """

    code: str
    channel: str = ""
    refused: bool = False
    facts: Mapping[str, str | float] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    about: str = ""

    @property
    def key(self) -> str:
        """What a person confirms: this question about this value, and no other."""
        return f"{self.code}:{self.channel}:{self.about}"


@dataclass(frozen=True, slots=True)
class Read:
    """One field as understood: its number, the unit it is in, and the canonical value."""

    number: Decimal
    unit: str
    value: float


@dataclass(frozen=True)
class Known:
    """What is known already of the instrument, from journal and spool.

    before, after: up to two (time_ns, value) next to the moment by channel, the nearer first.
    moments: start and end of entries that may collide, with their ids.
    """

    before: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    after: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    moments: Sequence[tuple[int, int, str]] = ()


@dataclass(frozen=True)
class Checked:
    """Fields as understood, and everything that speaks against taking them."""

    read: Mapping[str, Read]
    findings: tuple[Finding, ...]

    def open(self, confirmed: frozenset[str]) -> tuple[Finding, ...]:
        """What still stands in the way: refusals, and questions not confirmed."""
        return tuple(one for one in self.findings if one.refused or one.choices or one.key not in confirmed)


class Form:
    """A profile's form for one installed instrument."""

    def __init__(self, instrument: str, profile: ManualProfile, ratios: Ratios | None = None) -> None:
        self.instrument = instrument
        self.profile = profile
        self.layout = Layout(instrument, tuple(profile.channels))
        self._ratios = ratios or Ratios()

    @property
    def period(self) -> bool:
        """True when amounts of a period are asked, not the state of a moment."""
        return self.profile.form.period != "none"

    def ratio(self, channel: str) -> float:
        """What turns the value on the face into the value of the plant (CT, VT)."""
        if self.profile.channels[channel].side != "secondary":
            return 1.0
        return self._ratios.of(CHANNELS[channel].quantity)

    def unit(self, channel: str) -> str:
        """The unit that is offered."""
        return self.profile.channels[channel].unit or CHANNELS[channel].unit

    def range(self, channel: str) -> tuple[float, float]:
        """What is refused outside; canonical unit, on the instrument's face."""
        spec, known = self.profile.channels[channel], CHANNELS[channel]
        low, high = spec.range or (known.low, known.high)
        return max(low, known.low), min(high, known.high)

    def on_face(self, channel: str, face: float) -> float:
        """A canonical value on the instrument's face as the number that is typed in the offered unit."""
        spec = self.profile.channels[channel]
        convert = conversion(self.unit(channel), CHANNELS[channel].unit)
        return ((face - convert.offset) / convert.scale - spec.offset) / spec.scale

    def shown(self, channel: str, value: float) -> float:
        """A stored value as the number that is typed in the offered unit."""
        return self.on_face(channel, value / self.ratio(channel))

    def check(
        self,
        entry: Mapping[str, Typed],
        start_ns: int,
        end_ns: int,
        now_ns: int,
        known: Known | None = None,
        id: str = "",
    ) -> Checked:
        """Understands what was typed; pure. Fields left empty are absent."""
        known = known or Known()
        findings = [*self._times(start_ns, end_ns, now_ns, known, id)]
        read: dict[str, Read] = {}
        strange = [name for name in entry if name not in self.profile.channels]
        findings += [Finding("unknown", name[:64], refused=True) for name in strange]
        for channel, spec in self.profile.channels.items():
            typed = entry.get(channel, Typed(""))
            if not typed.text.strip():
                if spec.required:
                    findings.append(Finding("missing", channel, refused=True))
                continue
            found = self._field(channel, spec, typed)
            if isinstance(found, Finding):
                findings.append(found)
                continue
            read[channel] = found
            findings += self._doubts(channel, spec, found, start_ns, known)
        if not read and not findings:
            findings.append(Finding("empty", refused=True))
        findings += self._sums(read)
        return Checked(read, tuple(findings))

    def _field(self, channel: str, spec: ManualChannel, typed: Typed) -> Read | Finding:
        """A field that can be understood in one way and may be true."""
        number = parse_number(typed.text)
        if number is None:
            return Finding("not_a_number", channel, refused=True, facts={"text": typed.text.strip()[:40]})
        word = number.unit or typed.unit or self.unit(channel)
        try:
            unit = canonical_unit(word)
            convert = conversion(unit, CHANNELS[channel].unit)
            plain_scale = spec.scale == 1 and spec.offset == 0
            if unit != self.unit(channel) and not plain_scale:
                raise ValueError
        except ValueError:
            return Finding(
                "unit", channel, refused=True, facts={"text": word[:20], "unit": self.unit(channel)}
            )
        return self._meant(channel, spec, number, unit, convert)

    def _meant(
        self, channel: str, spec: ManualChannel, number: Number, unit: str, convert: Conversion
    ) -> Read | Finding:
        low, high = self.range(channel)
        possible: list[Read] = []
        for meaning in number.meanings:
            face = convert(float(meaning) * spec.scale + spec.offset)
            if low - 1e-9 * abs(low) <= face <= high + 1e-9 * abs(high) and math.isfinite(face):
                possible.append(Read(meaning, unit, face * self.ratio(channel)))
        if not possible:
            facts = {"low": self.on_face(channel, low), "high": self.on_face(channel, high)}
            return Finding(
                "out_of_range", channel, refused=True,
                facts={**facts, "unit": self.unit(channel), "value": float(number.meanings[0])},
            )  # fmt: skip
        if len(possible) > 1:
            return Finding("ambiguous", channel, choices=tuple(plain(one.number) for one in possible))
        return possible[0]

    def _doubts(
        self, channel: str, spec: ManualChannel, read: Read, start_ns: int, known: Known
    ) -> list[Finding]:
        found: list[Finding] = []
        about, unit = plain(read.number), self.unit(channel)
        face = read.value / self.ratio(channel)
        if spec.expected is not None and not spec.expected[0] <= face <= spec.expected[1]:
            low, high = (self.on_face(channel, bound) for bound in spec.expected)
            facts: dict[str, str | float] = {
                "low": low, "high": high, "unit": unit, "value": self.shown(channel, read.value),
            }  # fmt: skip
            found.append(Finding("unusual", channel, facts=facts, about=about))
        if spec.resolution is not None:
            steps = face / spec.resolution
            if abs(steps - round(steps)) > 1e-6 * max(1.0, abs(steps)):
                step = self.on_face(channel, spec.resolution) - self.on_face(channel, 0.0)
                found.append(Finding("finer", channel, facts={"step": step, "unit": unit}, about=about))
        if CHANNELS[channel].kind is Kind.COUNTER:
            found += self._counter(channel, read.value, start_ns, known, about)
        return found

    def _counter(self, channel: str, value: float, time_ns: int, known: Known, about: str) -> list[Finding]:
        before, after = known.before.get(channel, ()), known.after.get(channel, ())
        facts: dict[str, str | float] = {"value": self.shown(channel, value), "unit": self.unit(channel)}
        if before and value < before[0][1]:
            facts |= {"other": self.shown(channel, before[0][1]), "time_ns": before[0][0]}
            return [Finding("fell", channel, facts=facts, about=about)]
        if after and value > after[0][1]:
            facts |= {"other": self.shown(channel, after[0][1]), "time_ns": after[0][0]}
            return [Finding("above_later", channel, facts=facts, about=about)]
        if len(before) == 2 and time_ns > before[0][0] > before[1][0]:
            usual = (before[0][1] - before[1][1]) / (before[0][0] - before[1][0])
            now = (value - before[0][1]) / (time_ns - before[0][0])
            if usual > 0 and now > _LEAP * usual:
                facts |= {"other": self.shown(channel, before[0][1]), "times": now / usual}
                facts["time_ns"] = before[0][0]
                return [Finding("leap", channel, facts=facts, about=about)]
        return []

    def _sums(self, read: Mapping[str, Read]) -> list[Finding]:
        found = []
        for total, parts in self.profile.sums.items():
            if total not in read or not all(part in read for part in parts):
                continue
            whole, together = read[total].value, math.fsum(read[part].value for part in parts)
            if abs(whole - together) > _SUM_OFF * max(abs(whole), abs(together)):
                facts: dict[str, str | float] = {
                    "value": self.shown(total, whole), "other": self.shown(total, together), "unit": self.unit(total)
                }  # fmt: skip
                about = "+".join(plain(read[name].number) for name in (total, *parts))
                found.append(Finding("sum", total, facts=facts, about=about))
        return found

    def _times(self, start_ns: int, end_ns: int, now_ns: int, known: Known, id: str) -> list[Finding]:
        found: list[Finding] = []
        if end_ns > now_ns + AHEAD_NS:
            found.append(Finding("future", refused=True, facts={"time_ns": end_ns}))
        if start_ns < now_ns - OLDEST_NS:
            found.append(Finding("too_old", refused=True, facts={"time_ns": start_ns}))
        elif end_ns < now_ns - OLD_NS - (self.profile.form.longest_days * DAY_NS if self.period else 0):
            found.append(Finding("old", facts={"time_ns": end_ns}, about=str(end_ns)))
        if self.period and end_ns <= start_ns:
            found.append(Finding("order", refused=True))
        elif self.period and end_ns - start_ns > self.profile.form.longest_days * DAY_NS + DAY_NS // 12:
            found.append(Finding("long", refused=True, facts={"days": self.profile.form.longest_days}))
        for other_start, other_end, other in known.moments:
            if other == id:
                continue
            if self.period and start_ns < other_end and other_start < end_ns:
                facts: dict[str, str | float] = {"time_ns": other_start, "until_ns": other_end}
                return [*found, Finding("overlap", refused=True, facts=facts)]
            if not self.period and start_ns == other_start:
                return [*found, Finding("taken", refused=True, facts={"time_ns": other_start})]
        return found
