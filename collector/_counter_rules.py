"""What a live counter may do: falls and rises that can't be are held until the next reading confirms or belies them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from dodac.clock import HOUR_NS, SECOND_NS
from dodac.contracts import Event, EventKind
from dodac.quantities import CHANNELS, Kind
from dodac.samples import FIRST_REVISION, Flag, Layout, Reason, Sample

_STEP: Final = 1e-6  # single-precision totals may come back one step of their mantissa lower
_OUTRUNS: Final = 20.0  # a rise so many times faster than any before is held, where no limit is known
_ENOUGH: Final = 3  # rises that must have been seen before they say what is fast
_NEAR_TOP: Final = 0.01  # how far from its end a counter may roll over while its pace is not known yet


@dataclass(slots=True)
class _Kept:
    """A sample that was passed on with held readings, as it stands after what was promoted since."""

    sample: Sample
    alone: bool  # nothing else came for its moment: a correction would hide it


@dataclass(frozen=True, slots=True)
class _Held:
    value: float
    time_ns: int
    reason: Reason
    kept: _Kept


@dataclass(slots=True)
class _Counter:
    """One counter: its last good reading, how fast it has risen (per ns), and what is held.

    limit: how fast it can rise at all, per ns; top: where it begins again from 0. None: not known.
    changed_ns: since when it shows its value; step: its smallest rise so far, for a counter that shows
    whole units may rise by one of them at any reading.
    """

    limit: float | None = None
    top: float | None = None
    value: float | None = None
    time_ns: int = 0
    changed_ns: int = 0
    step: float = math.inf
    fastest: float = 0.0
    rises: int = 0
    pace: float = math.inf
    held: _Held | None = None

    def room(self, time_ns: int) -> float:
        """The most that it may have risen by a time."""
        if self.rises:
            return self.pace * (time_ns - self.time_ns) + self.step
        return self.pace * (time_ns - self.changed_ns)

    def take(self, value: float, time_ns: int) -> None:
        """Believes a reading."""
        if self.value is not None and value > self.value and time_ns > self.time_ns:
            self.rises += 1
            self.step = min(self.step, value - self.value)
            self.fastest = max(self.fastest, (value - self.value) / (time_ns - self.time_ns))
            if self.limit is not None:
                self.pace = self.limit
            elif self.rises >= _ENOUGH:
                self.pace = _OUTRUNS * self.fastest
        if value != self.value:
            self.changed_ns = time_ns
        self.value, self.time_ns, self.held = value, time_ns, None

    def start_at(self, value: float, time_ns: int) -> None:
        """Believes a reading of another count: it says nothing about how fast this one rises."""
        self.value, self.time_ns, self.changed_ns, self.held = value, time_ns, time_ns, None


@dataclass
class Judged:
    """What a sample became: corrections of earlier ones to pass on first, then the sample, then events."""

    sample: Sample
    corrections: list[Sample] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


class CounterRules:
    """The counters of one instrument's layout; one thread at a time.

    limits: most that a counter can rise in an hour; tops: where it begins again from 0; both by channel,
    canonical unit. Rules after what meters do (knowledge: meters.md §3.5):
    a fall is held; the next reading is back (a transient zero: the held one stays flagged counter_fall), or
    it goes on from there: then it was a rollover where the top is known and near, else a reset.
    A rise faster than the limit (without one: than twenty times the fastest so far) is held; the next reading
    is below (a spike: it stays flagged rate) or goes on from there. A held reading that is confirmed is
    promoted by a correction of its sample; its raw bytes and the flagged original stay.
    """

    def __init__(
        self,
        layout: Layout,
        limits: Mapping[str, float] | None = None,
        tops: Mapping[str, float] | None = None,
    ) -> None:
        self._layout = layout
        self._counters: list[tuple[int, str, _Counter]] = []
        for place, name in enumerate(layout.channels):
            if CHANNELS[name].kind is Kind.COUNTER:
                hourly = (limits or {}).get(name)
                counter = _Counter(None if hourly is None else hourly / HOUR_NS, (tops or {}).get(name))
                if counter.limit is not None:
                    counter.pace = counter.limit
                self._counters.append((place, name, counter))
        self._newest_ns = 0

    @property
    def instrument(self) -> str:
        """Whose counters these are."""
        return self._layout.instrument

    @property
    def any(self) -> bool:
        """True when the layout has counters."""
        return bool(self._counters)

    def forget(self) -> None:
        """The next reading begins a new count, e.g. of another meter."""
        for _, _, counter in self._counters:
            counter.value, counter.held = None, None

    def judged(self, sample: Sample) -> Judged | None:
        """What the sample becomes; None when it may pass as it is.

        Samples older than one that was seen (from a device's memory, late) pass as they are: what they
        say between two others is judged where amounts are made.
        """
        time_ns, values = sample.time_ns, sample.values
        if time_ns < self._newest_ns or sample.part >= FIRST_REVISION:
            return None
        again = time_ns == self._newest_ns
        self._newest_ns = time_ns
        found: Judged | None = None
        holds: dict[str, tuple[_Counter, Reason]] = {}
        for place, name, counter in self._counters:
            value = values[place]
            if value != value or (again and counter.time_ns == time_ns):
                continue
            last = counter.value
            if counter.held is None and last is not None and 0 <= value - last <= counter.room(time_ns):
                if value > last:
                    counter.take(value, time_ns)
                else:
                    counter.time_ns = time_ns
                continue
            if found is None:
                found = Judged(sample)
            reason = self._judge(name, counter, value, time_ns, found)
            if reason is not None:
                holds[name] = (counter, reason)
        if found is None:
            return None
        if holds:
            reasons = {name: reason for name, (_, reason) in holds.items()}
            found.sample = _flagged(sample, self._layout, reasons)
            kept = _Kept(found.sample, not again and sample.part == 0)
            for name, (counter, reason) in holds.items():
                counter.held = _Held(values[self._layout.index[name]], time_ns, reason, kept)
        return found

    def _judge(
        self, name: str, counter: _Counter, value: float, time_ns: int, found: Judged
    ) -> Reason | None:
        """Why a reading is held, or None when it is believed; what it says of an earlier one goes to `found`."""
        last, held = counter.value, counter.held
        if last is None:
            counter.start_at(value, time_ns)
            return None
        slack = abs(last) * _STEP
        back = -slack <= value - last <= max(counter.room(time_ns), slack)
        if held is None:
            if back:
                counter.take(value, time_ns)
                return None
            return Reason.COUNTER_FALL if value < last else Reason.RATE
        if (
            held.reason is Reason.RATE
            and value >= last - slack
            and value < held.value - abs(held.value) * _STEP
        ):
            if back:  # it was a spike
                counter.take(value, time_ns)
                return None
            return Reason.RATE
        if back and held.reason is Reason.COUNTER_FALL:  # it was a dip
            counter.take(value, time_ns)
            return None
        if self._goes_on(counter, held, value, time_ns):
            self._confirm(name, counter, held, (value, time_ns), found)
            counter.take(value, time_ns)
            return None
        return Reason.COUNTER_FALL if value < last else Reason.RATE

    @staticmethod
    def _goes_on(counter: _Counter, held: _Held, value: float, time_ns: int) -> bool:
        """True when a reading goes on from the held one as a counter can."""
        gap = time_ns - held.time_ns
        if gap <= 0 or value < held.value - abs(held.value) * _STEP:
            return False
        pace = counter.pace
        if held.reason is Reason.RATE and counter.limit is None and counter.value is not None:
            # a load that was switched on goes on as fast
            pace = max(pace, _OUTRUNS * (held.value - counter.value) / max(held.time_ns - counter.time_ns, 1))
        return value - held.value <= pace * gap + (counter.step if counter.rises else 0.0)

    def _confirm(
        self, name: str, counter: _Counter, held: _Held, now: tuple[float, int], found: Judged
    ) -> None:
        """The held reading was right: it is promoted, and what it means is told."""
        last, since_ns = counter.value, counter.time_ns
        assert last is not None  # noqa: S101  (nothing is held before a first reading)
        event = self._meaning(name, counter, last, since_ns, held, now)
        if held.reason is Reason.RATE and event is None:
            counter.take(held.value, held.time_ns)
        else:
            counter.start_at(held.value, held.time_ns)
        if event is not None:
            found.events.append(event)
        if held.kept.alone:
            held.kept.sample = _promoted(held.kept.sample, self._layout, name)
            found.corrections = [one for one in found.corrections if one.time_ns != held.time_ns] + [
                held.kept.sample
            ]

    def _meaning(
        self, name: str, counter: _Counter, last: float, since_ns: int, held: _Held, now: tuple[float, int]
    ) -> Event | None:
        """What a confirmed reading says of the meter; None when it only works harder."""
        instrument = self._layout.instrument
        seconds = (held.time_ns - since_ns) / SECOND_NS
        unit = CHANNELS[name].unit
        step = f"from {last:.10g} to {held.value:.10g} {unit} within {seconds:.0f} s"
        data: dict[str, str | int | float] = {"channel": name, "before": last, "after": held.value}
        if held.reason is Reason.RATE:
            speed = (held.value - last) / max(held.time_ns - since_ns, 1)
            if counter.limit is None and speed * (now[1] - held.time_ns) <= _OUTRUNS * (now[0] - held.value):
                return None
            limit = "than it ever did" if counter.limit is None else "than max_rate allows"
            text = (
                f"{name} rose {step}, faster {limit}, and stays there: it counts as consumption. "
                "If the meter was exchanged or set: dodac exchange."
            )
            return Event(held.time_ns, EventKind.ALARM, text, "counters", instrument, data=data)
        if self._rolled_over(counter, last, since_ns, held):
            top = float(counter.top or 0.0)
            text = f"{name} began again from 0 at {top:.10g} {unit}: {step}"
            data |= {f"end.{name}": top, f"start.{name}": 0.0}
            return Event(held.time_ns, EventKind.ROLLOVER, text, "counters", instrument, data=data)
        text = (
            f"{name} fell {step} and stays there: it was set back, or the meter was exchanged. "
            "What was consumed across it is not known until it is told: dodac exchange."
        )
        return Event(held.time_ns, EventKind.ALARM, text, "counters", instrument, data=data)

    @staticmethod
    def _rolled_over(counter: _Counter, last: float, since_ns: int, held: _Held) -> bool:
        top = counter.top
        if top is None or last > top * (1 + _STEP) or held.value < 0:
            return False
        rise = held.value + top - last
        gap = held.time_ns - since_ns
        return rise <= (counter.pace * gap if math.isfinite(counter.pace) else _NEAR_TOP * top)


def _flagged(sample: Sample, layout: Layout, reasons: Mapping[str, Reason]) -> Sample:
    """The sample with some good readings held: NaN, and a flag that keeps the value as read."""
    index = layout.index
    values = list(sample.values)
    flags = list(sample.flags)
    for name, reason in reasons.items():
        flags.append(Flag(name, reason, values[index[name]]))
        values[index[name]] = math.nan
    flags.sort(key=lambda flag: index[flag.channel])
    return replace(sample, values=tuple(values), flags=tuple(flags))


def _promoted(sample: Sample, layout: Layout, name: str) -> Sample:
    """A correction of a sample in which one held reading is good."""
    place = layout.index[name]
    values = list(sample.values)
    for flag in sample.flags:
        if flag.channel == name and flag.value is not None:
            values[place] = flag.value
    part = max(FIRST_REVISION, sample.part + 1)
    flags = tuple(flag for flag in sample.flags if flag.channel != name)
    return replace(sample, values=tuple(values), flags=flags, part=part)
