"""Holds the running ledger, the stored tallies and the rows against one another; an alarm while they differ."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from collector.ledger import SourceCount
from dodac.clock import Clock
from dodac.contracts import Event, EventKind
from dodac.errors import StorageError
from store import Accounts, JournalStore, SinkCounts

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("dodac.collector")

SOURCE: Final = "ledger"
_OUTCOMES: Final = ("committed", "duplicate", "conflict", "dead_letter")
_AT_SINKS: Final = ("delivered", "rejected", "expired", "dropped")
_TRIES: Final = 5
_SHARE: Final = 100
"""Counting the rows of a large journal may take one part in so many of the time."""

Tallies = Mapping[tuple[str, str], Mapping[str, int]]
Counts = Callable[[], Iterable[SourceCount]]
AtSinks = Callable[[], Mapping[str, SinkCounts]]


class LedgerCheck:
    """Looks at the accounts when asked to; tells once when they begin to differ, and once when they agree again.

    base: the stored tallies before this process stored anything. counts: the running ledger, since the
    start. sinks: what became of the rows at each sink, as this process has it. A journal that was damaged once may hold tallies that never add up to its rows: what differed
    at the start because of it is taken as known.
    """

    def __init__(
        self,
        journal: Path,
        base: Tallies,
        counts: Counts,
        clock: Clock,
        report: Callable[[Event], None],
        sinks: AtSinks = dict,
    ) -> None:
        self._path = journal
        self._base = base
        self._counts = counts
        self._sinks = sinks
        self._clock = clock
        self._report = report
        self._store: JournalStore | None = None
        self._damaged: int | None = None
        self._next_ns = 0
        self._wrong = ""

    @property
    def finding(self) -> str:
        """What does not add up, "" when all does."""
        return self._wrong

    def run(self) -> None:
        """Checks once; a journal that can't be read now is ingest's to tell."""
        started = self._clock.monotonic_ns()
        if started < self._next_ns:
            return
        try:
            found = self.check()
        except StorageError as error:
            log.debug("the ledger could not be checked: %s", error)
            self.close()
            return
        finally:
            took = self._clock.monotonic_ns() - started
            self._next_ns = started + took * _SHARE
        if found and not self._wrong:
            words = f"the ledger does not add up: {found}"
            self._report(Event(self._clock.now_ns(), EventKind.ALARM, words, SOURCE, data={"state": "start"}))
        elif self._wrong and not found:
            words = "the ledger adds up again"
            self._report(Event(self._clock.now_ns(), EventKind.FAULT_END, words, SOURCE))
        self._wrong = found

    def check(self) -> str:
        """The first row that is off, in words; "" when everything adds up. Raises StorageError."""
        found = ""
        for _ in range(_TRIES):
            # what is committed while the journal is read stands between the two counts
            before = {(row.instrument, row.source): row for row in self._counts()}
            sent = self._sinks()
            accounts, last_seq = self._accounts()
            sent_after = self._sinks()
            after = {(row.instrument, row.source): row for row in self._counts()}
            found = (
                _balanced(after.values())
                or self._tallied(before, accounts.tallies, after)
                or self._standing(accounts, last_seq)
                or _marked(sent, accounts.sinks, sent_after)
            )
            if not found:
                return ""
        return found

    def close(self) -> None:
        """Lets go of the journal."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def _accounts(self) -> tuple[Accounts, int]:
        if self._store is not None and not self._store.in_place:
            self.close()
        if self._store is None:
            self._store = JournalStore(self._path)
        for _ in range(100):
            last_seq = self._store.last_seq()
            accounts = self._store.accounts()
            if self._store.last_seq() == last_seq:
                break
        return accounts, last_seq

    def _tallied(
        self,
        before: Mapping[tuple[str, str], SourceCount],
        stored: Tallies,
        after: Mapping[tuple[str, str], SourceCount],
    ) -> str:
        for key in sorted({*stored, *self._base, *before}):
            first, last = before.get(key, SourceCount(*key)), after.get(key, SourceCount(*key))
            for name in _OUTCOMES:
                told = stored.get(key, {}).get(name, 0) - self._base.get(key, {}).get(name, 0)
                # a group that is on the disk is in flight until its source has been told
                least, most = getattr(first, name), getattr(last, name) + last.in_flight
                if not least <= told <= most:
                    seen = f"{least}" if least == most else f"{least} to {most}"
                    return (
                        f"{key[0] or '(unknown)'} from {key[1]}: {name.replace('_', ' ')} {told} in the journal, "
                        f"{seen} counted by this process since its start"
                    )
        return ""

    def _standing(self, accounts: Accounts, last_seq: int) -> str:
        counts = accounts.counts
        stored: Counter[str] = Counter()
        for (instrument, _), tally in accounts.tallies.items():
            stored[instrument] += tally.get("committed", 0) + tally.get("conflict", 0)
        total = sum(stored.values())
        if counts.lost and self._damaged is None:
            self._damaged = last_seq - total
        if not counts.lost and not counts.dropped:
            for instrument in sorted({*stored, *counts.per_instrument}):
                rows = counts.per_instrument.get(instrument, 0)
                if rows != stored[instrument]:
                    return f"{instrument}: {stored[instrument]} samples are tallied, {rows} rows stand"
        if total + (self._damaged or 0) != last_seq:
            return f"{total} samples are tallied, {last_seq} rows were given out"
        standing = counts.samples + counts.lost + counts.dropped
        if standing != last_seq:
            return (
                f"{counts.samples} rows stand, {counts.lost} are lost, {counts.dropped} dropped: "
                f"{standing} of {last_seq}"
            )
        for name, sink in sorted(accounts.sinks.items()):
            if sink.waiting < 0:
                return f"sink {name}: {-sink.waiting} samples more than the journal has"
        return ""


def _marked(
    before: Mapping[str, SinkCounts], stored: Mapping[str, SinkCounts], after: Mapping[str, SinkCounts]
) -> str:
    """What the journal's marks say of a sink against what this process knows; the first that differs."""
    for name in sorted(before.keys() & after.keys()):
        # a sink without a mark has nothing; what the limits took before it had it is no mark of its own
        known = stored.get(name, SinkCounts(0, 0, 0, 0, before[name].dropped))
        for state in _AT_SINKS:
            told = getattr(known, state)
            least, most = sorted((getattr(before[name], state), getattr(after[name], state)))
            if not least <= told <= most:
                seen = f"{least}" if least == most else f"{least} to {most}"
                return f"sink {name}: {told} {state} by the journal's marks, {seen} counted by this process"
    return ""


def _balanced(rows: Iterable[SourceCount]) -> str:
    return next(
        (f"{row.instrument or '(unknown)'} from {row.source}: {row}" for row in rows if not row.balanced), ""
    )
