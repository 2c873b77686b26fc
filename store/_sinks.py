"""Which rows each sink has, was refused, or still waits for: ranges of seq in memory and in the table marks."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from store._ranges import Range, Ranges
from store._sums import insert

# under the sink named "": rows that damage took, and rows that the limits of size and age took
_LOST = "lost"
_DROPPED = "dropped"
GONE = f"SELECT first, last FROM marks WHERE sink = '' AND state IN ('{_LOST}', '{_DROPPED}')"  # noqa: S608 - ours
_PUT = insert("marks", "INSERT OR REPLACE")
_DROP = "DELETE FROM marks WHERE sink = ? AND state = ? AND first = ?"


class SinkState(StrEnum):
    """What became of a sample at a sink."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class SinkCounts:
    """Rows by what became of them at one sink; they add up to Counts.samples + Counts.dropped.

    dropped: those that the limits took before the sink had them; what it had counts as before.
    """

    delivered: int
    rejected: int
    expired: int
    waiting: int
    dropped: int = 0


@dataclass(frozen=True)
class Change:
    """Ranges of one sink and state after a mark; write() puts them into the table, apply() into memory."""

    sink: str
    state: str
    after: Ranges
    steps: tuple[tuple[list[Range], Range], ...]
    reason: str

    def write(self, db: sqlite3.Connection) -> None:
        """Writes the change; the caller holds the transaction."""
        for swallowed, (first, last) in self.steps:
            db.executemany(_DROP, [(self.sink, self.state, old) for old, _ in swallowed])
            db.execute(_PUT, (self.sink, self.state, first, last, self.reason))


class Sinks:
    """The marks of all sinks, and the rows that are lost or dropped."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._sinks: dict[str, dict[SinkState, Ranges]] = {}
        self._done: dict[str, Ranges] = {}  # sink → what it does not wait for, made when first asked
        found: dict[tuple[str, str], list[Range]] = {}
        for sink, state, first, last in db.execute("SELECT sink, state, first, last FROM marks"):
            found.setdefault((sink if state not in (_LOST, _DROPPED) else "", state), []).append(
                (first, last)
            )
        self.lost = Ranges(found.pop(("", _LOST), ()))
        self.dropped = Ranges(found.pop(("", _DROPPED), ()))
        for (sink, state), ranges in found.items():
            self._of(sink)[SinkState(state)] = Ranges(ranges)

    def names(self) -> list[str]:
        """Sinks that rows were marked for, sorted."""
        return sorted(self._sinks)

    def top(self) -> int:
        """The last lost or dropped seq, 0 when none is."""
        return max((last for known in (self.lost, self.dropped) for _, last in known), default=0)

    def mark(self, sink: str, ranges: Sequence[Range], state: SinkState, reason: str) -> Change:
        """What a mark changes; rows that have another state keep it."""
        states = self._of(sink)
        after = Ranges(states[state])
        steps = []
        for whole in ranges:
            free = [whole]
            for other, known in states.items():
                if other is not state:
                    free = [gap for first, last in free for gap in known.gaps(first, last)]
            steps += [after.add(first, last) for first, last in free]
        return Change(sink, state.value, after, tuple(steps), reason)

    def lose(self, ranges: Sequence[Range], reason: str) -> Change:
        """What the loss of rows changes."""
        after = Ranges(self.lost)
        steps = tuple(after.add(first, last) for first, last in ranges)
        return Change("", _LOST, after, steps, reason)

    def drop(self, ranges: Sequence[Range], reason: str) -> Change:
        """What it changes that the limits take rows."""
        after = Ranges(self.dropped)
        steps = tuple(after.add(first, last) for first, last in ranges)
        return Change("", _DROPPED, after, steps, reason)

    def forget(self, sink: str) -> None:
        """Keeps no account of a sink any more."""
        self._sinks.pop(sink, None)
        self._done.pop(sink, None)

    def apply(self, change: Change) -> None:
        """Takes a written change into memory."""
        if change.state == _LOST:
            self.lost = change.after
        elif change.state == _DROPPED:
            self.dropped = change.after
        else:
            self._of(change.sink)[SinkState(change.state)] = change.after
            done = self._done.get(change.sink)
            if done is not None:
                for _, (first, last) in change.steps:
                    done.add(first, last)
            return
        self._done.clear()

    def counts(self, sink: str, last_seq: int) -> SinkCounts:
        """Rows by their state at a sink."""
        kept = {state: len(known) - known.overlap(self.lost) for state, known in self._of(sink).items()}
        had = sum(known.overlap(self.dropped) for known in self._of(sink).values())
        dropped = len(self.dropped) - had
        return SinkCounts(
            kept[SinkState.DELIVERED],
            kept[SinkState.REJECTED],
            kept[SinkState.EXPIRED],
            last_seq - len(self.lost) - dropped - sum(kept.values()),
            dropped,
        )

    def waiting(self, sink: str, last_seq: int) -> list[Range]:
        """Ranges that a sink has no mark for, oldest first."""
        done = self._done.get(sink)
        if done is None:
            done = self._done[sink] = self.settled([sink])
            for known in (self.lost, self.dropped):
                for first, last in known:
                    done.add(first, last)
        return done.gaps(1, last_seq)

    def settled(self, sinks: Sequence[str]) -> Ranges:
        """Rows that every one of these sinks has, refused or let expire; none when no sink is named."""
        found: Ranges | None = None
        for sink in sinks:
            mine = Ranges(span for known in self._of(sink).values() for span in known)
            found = mine if found is None else found.common(mine)
        return found if found is not None else Ranges()

    def delivered(self, sinks: Sequence[str]) -> Ranges:
        """Rows that at least one of these sinks took."""
        return Ranges(span for sink in sinks for span in self._of(sink)[SinkState.DELIVERED])

    def _of(self, sink: str) -> dict[SinkState, Ranges]:
        return self._sinks.setdefault(sink, {state: Ranges() for state in SinkState})
