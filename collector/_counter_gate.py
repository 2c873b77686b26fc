"""Between the connections and the journal: counters are held against the rules, whatever road they came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final

from collector._counter_rules import CounterRules
from dodac.contracts import DeadLetter, Event, EventKind, Inbox
from dodac.samples import Layout, Sample

if TYPE_CHECKING:
    from dodac.site import Site
    from store import Journal

_SEEN: Final = (12, 1000)
"""Samples from before the start that tell where a counter stands, and how fast it rises; more where it is seldom read."""


class CounterGate:
    """An Inbox in front of another one; any thread may call it.

    Samples of layouts without counters pass untouched. limits and tops: by instrument, then channel (see
    CounterRules). before: so many of the last samples of an instrument with their layouts, oldest first, which tell
    where its counters stand; recorded: its exchanges.
    """

    def __init__(
        self,
        inbox: Inbox,
        limits: Mapping[str, Mapping[str, float]],
        tops: Mapping[str, Mapping[str, float]],
        before: Callable[[str, int], Iterable[tuple[Sample, Layout]]] = lambda *_: (),
        recorded: Callable[[str], Iterable[Event]] = lambda _: (),
    ) -> None:
        self._inbox = inbox
        self._limits, self._tops, self._before, self._recorded = limits, tops, before, recorded
        self._lock = threading.Lock()
        self._rules: dict[int, tuple[threading.Lock, CounterRules] | None] = {}

    def layout(self, layout: Layout) -> None:
        """Announces a layout; telling it again is free."""
        self._inbox.layout(layout)
        if layout.id in self._rules:
            return
        rules = self._rules_of(layout)
        with self._lock:
            self._rules.setdefault(layout.id, (threading.Lock(), rules) if rules.any else None)

    def _rules_of(self, layout: Layout) -> CounterRules:
        name = layout.instrument
        for count in _SEEN:
            rules = CounterRules(layout, self._limits.get(name), self._tops.get(name))
            if rules.any:
                rules.remember(self._before(name, count))
            if not rules.lost:
                break
        if rules.any:
            for event in self._recorded(name):
                rules.tell(event)
        return rules

    def sample(self, sample: Sample, *, source: str, done: Callable[[], None] | None = None) -> None:
        """Passes one sample on, its counters judged."""
        *corrections, judged = self._judged(sample)
        for correction in corrections:
            self._inbox.sample(correction, source=source)
        self._inbox.sample(judged, source=source, done=done)

    def samples(
        self, samples: Iterable[Sample], *, source: str, done: Callable[[], None] | None = None
    ) -> None:
        """Passes many samples on; `done` is called once, after the commit that holds the last of them."""
        self._inbox.samples(chain.from_iterable(map(self._judged, samples)), source=source, done=done)

    def _judged(self, sample: Sample) -> Sequence[Sample]:
        """What a sample becomes: corrections of earlier ones, then itself; events are told."""
        known = self._rules.get(sample.layout)
        if known is None:
            return (sample,)
        lock, rules = known
        with lock:
            found = rules.judged(sample)
        if found is None:
            return (sample,)
        for event in found.events:
            self._inbox.event(event)
        return (*found.corrections, found.sample)

    def dead_letter(self, letter: DeadLetter, *, done: Callable[[], None] | None = None) -> None:
        """Passes a payload on that could not become samples."""
        self._inbox.dead_letter(letter, done=done)

    def event(self, event: Event) -> None:
        """Passes an event on."""
        self._inbox.event(event)

    def heard(self, event: Event) -> None:
        """Takes note of what was committed: after an exchange the readings may begin a new count."""
        if event.kind is not EventKind.EXCHANGE:
            return
        with self._lock:
            known = [one for one in self._rules.values() if one is not None]
        for lock, rules in known:
            with lock:
                if rules.instrument == event.instrument:
                    rules.tell(event)


def counter_gate(
    site: Site, facts: Mapping[str, Mapping[str, str]], inbox: Inbox, journal: Journal
) -> CounterGate:
    """The gate of a site: limits from the site file, tops from the fact `rollovers`, the rest from the journal."""

    def before(instrument: str, count: int) -> list[tuple[Sample, Layout]]:
        layouts = journal.layouts()
        return [(sample, layouts[sample.layout]) for sample in journal.last_samples(instrument, count)]

    return CounterGate(
        inbox,
        limits={item.id: item.max_rate for item in site.instruments},
        tops={name: _tops(known.get("rollovers", "")) for name, known in facts.items()},
        before=before,
        recorded=journal.counter_events,
    )


def _tops(text: str) -> dict[str, float]:
    pairs = (word.partition("=") for word in text.split())
    return {name: float(top) for name, _, top in pairs}
