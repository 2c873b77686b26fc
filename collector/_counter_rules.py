"""What a live counter may do: falls and rises that can't be are held until the next reading confirms or belies them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from collector._counter_state import STEP, Counter, Held, Kept, Lost, Swap
from collector._counter_words import DOUBTFUL, came_back, meaning, stays_doubtful
from dodac.clock import HOUR_NS
from dodac.contracts import Event, EventKind
from dodac.quantities import CHANNELS, Kind
from dodac.samples import FIRST_REVISION, Flag, Layout, Reason, Sample

_OURS: Final = (Reason.COUNTER_FALL, Reason.RATE)
_SWAP_NS: Final = HOUR_NS  # how far the time a technician wrote down may be from when it was done
_AGAIN: Final = 64  # samples with held readings that are known again when a broker sends them twice


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
    it goes on from there: then it was a rollover where the top is known and near, else a reset; when the old
    count is back after all, that is taken back. A rise faster than the limit (without one: than twenty times the
    fastest so far) is held; the next reading is below (a spike: it stays flagged rate) or goes on from there. A
    held reading that is confirmed is promoted by a correction of its sample; its raw bytes and the flagged
    original stay.
    """

    def __init__(
        self,
        layout: Layout,
        limits: Mapping[str, float] | None = None,
        tops: Mapping[str, float] | None = None,
    ) -> None:
        self._layout = layout
        self._counters: list[tuple[int, str, Counter]] = []
        for place, name in enumerate(layout.channels):
            if CHANNELS[name].kind is Kind.COUNTER:
                hourly = (limits or {}).get(name)
                counter = Counter(None if hourly is None else hourly / HOUR_NS, (tops or {}).get(name))
                if counter.limit is not None:
                    counter.pace = counter.limit
                self._counters.append((place, name, counter))
        self._newest_ns = 0
        self._again: dict[tuple[int, int], tuple[Flag, ...]] = {}

    @property
    def instrument(self) -> str:
        """Whose counters these are."""
        return self._layout.instrument

    @property
    def any(self) -> bool:
        """True when the layout has counters."""
        return bool(self._counters)

    @property
    def lost(self) -> bool:
        """True while nothing is known of where some counter stands."""
        return any(counter.value is None for _, _, counter in self._counters)

    def remember(self, samples: Iterable[tuple[Sample, Layout]]) -> None:
        """Takes in what was stored before, oldest first, under whatever layout: held readings are held again."""
        index = self._layout.index
        for stored, layout in samples:
            values = {
                n: v for n, v in zip(layout.channels, stored.values, strict=True) if n in index and v == v
            }
            flags = tuple(flag for flag in stored.flags if flag.channel in index)
            plain = replace(
                stored, layout=self._layout.id, part=stored.part % FIRST_REVISION, flags=flags,
                values=tuple(values.get(name, math.nan) for name in self._layout.channels),
            )  # fmt: skip
            self.judged(plain)
            ours = tuple(flag for flag in flags if flag.reason in _OURS and flag.value is not None)
            if not ours:
                continue
            # a correction needs the sample's own layout
            kept = Kept(plain, plain.part, layout.id == self._layout.id and stored.part == 0)
            self._note(plain, ours)
            for _, name, counter in self._counters:
                for flag in ours:
                    if flag.channel == name and flag.value is not None and counter.value is not None:
                        counter.held = Held(flag.value, plain.time_ns, flag.reason, kept)

    def tell(self, event: Event) -> None:
        """Takes in an exchange that was recorded: a fall to the new meter's first reading needs no proof then."""
        if event.kind is not EventKind.EXCHANGE:
            return
        for _, name, counter in self._counters:
            start = event.data.get(f"start.{name}")
            if not isinstance(start, int | float):
                continue
            if event.data.get("withdrawn"):
                if counter.swap is not None and counter.swap.time_ns == event.time_ns - _SWAP_NS:
                    counter.swap = None
            elif counter.began_ns < event.time_ns - _SWAP_NS:
                counter.swap = Swap(event.time_ns - _SWAP_NS, float(start))

    def judged(self, sample: Sample) -> Judged | None:
        """What the sample becomes; None when it may pass as it is.

        Samples older than one that was seen (from a device's memory, late) pass as they are: what they
        say between two others is judged where amounts are made.
        """
        time_ns, values = sample.time_ns, sample.values
        if time_ns < self._newest_ns or sample.part >= FIRST_REVISION:
            return self._late(sample)
        again = time_ns == self._newest_ns
        if again and (time_ns, sample.part) in self._again:
            return self._late(sample)
        self._newest_ns = time_ns
        found: Judged | None = None
        holds: dict[str, tuple[Counter, Reason]] = {}
        for place, name, counter in self._counters:
            value = values[place]
            if value != value or (again and counter.time_ns == time_ns):
                continue
            last = counter.value
            if (
                counter.held is None
                and last is not None
                and counter.lost is None
                and 0 <= value - last <= counter.room(time_ns)
            ):
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
        if again:
            self._shared(sample)
        if found is None:
            return None
        if holds:
            reasons = {name: reason for name, (_, reason) in holds.items()}
            found.sample = _flagged(sample, self._layout, reasons)
            self._note(sample, tuple(flag for flag in found.sample.flags if flag.channel in reasons))
            kept = Kept(found.sample, sample.part, not again and sample.part == 0)
            for name, (counter, reason) in holds.items():
                value = values[self._layout.index[name]]
                counter.held = Held(value, time_ns, reason, kept)
                counter.doubtful += 1
                if counter.doubtful == DOUBTFUL:
                    found.events.append(stays_doubtful(self.instrument, name, counter, value, time_ns))
        return found

    def _note(self, sample: Sample, flags: tuple[Flag, ...]) -> None:
        self._again[sample.time_ns, sample.part] = flags
        if len(self._again) > _AGAIN:
            del self._again[next(iter(self._again))]

    def _late(self, sample: Sample) -> Judged | None:
        """A sample of the past; one that was held before, and comes again, is told by what was held."""
        if sample.part >= FIRST_REVISION:
            return None
        self._shared(sample)
        flags = self._again.get((sample.time_ns, sample.part), ())
        index, values = self._layout.index, sample.values
        same = {flag.channel: flag.reason for flag in flags if values[index[flag.channel]] == flag.value}
        return Judged(_flagged(sample, self._layout, same)) if same else None

    def _shared(self, sample: Sample) -> None:
        """Another part came for a moment: a correction of the sample that is held there would hide it."""
        for _, _, counter in self._counters:
            held = counter.held
            if held is not None and held.time_ns == sample.time_ns and held.kept.part != sample.part:
                held.kept.alone = False

    def _judge(self, name: str, counter: Counter, value: float, time_ns: int, found: Judged) -> Reason | None:
        """Why a reading is held, or None when it is believed; what it says of an earlier one goes to `found`."""
        last, held = counter.value, counter.held
        if last is None:
            counter.start_at(value, time_ns)
            return None
        if (lost := counter.lost) is not None and counter.returns(value, time_ns):
            found.events.append(came_back(self.instrument, name, lost, value, time_ns))
            counter.start_at(value, time_ns)
            counter.lost = None
            return None
        slack = abs(last) * STEP
        back = -slack <= value - last <= max(counter.room(time_ns), slack)
        if not back and counter.swapped(value, time_ns):
            self._begin(name, counter, value, time_ns, found)
            return None
        if held is None:
            if back:
                counter.take(value, time_ns)
                return None
            return Reason.COUNTER_FALL if value < last else Reason.RATE
        if (
            held.reason is Reason.RATE
            and value >= last - slack
            and value < held.value - abs(held.value) * STEP
        ):
            if back:  # it was a spike
                counter.take(value, time_ns)
                return None
            return Reason.RATE
        if back and held.reason is Reason.COUNTER_FALL:  # it was a dip
            counter.take(value, time_ns)
            return None
        if counter.goes_on(value, time_ns):
            self._confirm(name, counter, held, (value, time_ns), found)
            counter.take(value, time_ns)
            return None
        return Reason.COUNTER_FALL if value < last else Reason.RATE

    def _begin(self, name: str, counter: Counter, value: float, time_ns: int, found: Judged) -> None:
        """The new count of an exchange that was told begins, with the held reading if that was its first."""
        held = counter.held
        if held is not None and held.value <= value and counter.swapped(held.value, held.time_ns):
            self._promote(name, held, found)
        counter.start_at(value, time_ns)
        counter.began_ns, counter.swap, counter.lost = time_ns, None, None

    def _confirm(
        self, name: str, counter: Counter, held: Held, now: tuple[float, int], found: Judged
    ) -> None:
        """The held reading was right: it is promoted, and what it means is told."""
        last, since_ns = counter.value, counter.time_ns
        event = meaning(self.instrument, name, counter, now)
        if held.reason is Reason.RATE and event is None:
            counter.take(held.value, held.time_ns)
        else:
            counter.start_at(held.value, held.time_ns)
        if event is not None:
            found.events.append(event)
        if held.reason is Reason.COUNTER_FALL and last is not None:
            top = counter.top if event is not None and event.kind is EventKind.ROLLOVER else None
            counter.lost = Lost(last, since_ns, held.value, held.time_ns, top)
            counter.began_ns = held.time_ns
        self._promote(name, held, found)

    def _promote(self, name: str, held: Held, found: Judged) -> None:
        if held.kept.alone:
            held.kept.sample = _promoted(held.kept.sample, self._layout, name)
            found.corrections = [one for one in found.corrections if one.time_ns != held.time_ns] + [
                held.kept.sample
            ]


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
