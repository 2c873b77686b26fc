"""Whose turn it is on a line: reads by deadline; what can wait, when the line is idle for long enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from dodac.clock import SECOND_NS

PATIENCE_NS: Final = 10 * SECOND_NS
"""What can wait takes a pause that is too short after this time, and a line that has none after three times it."""

Kind = Literal["read", "probe", "slow"]


@dataclass(frozen=True, slots=True)
class Turn:
    """Serve this instrument: read it, see whether it is back, or read its slow channels."""

    instrument: str
    kind: Kind


@dataclass(slots=True)
class _Wanted:
    """A read that waits: for which time, since which one, and whether it was moved to a later round."""

    due_ns: int
    first_ns: int
    moved: bool = False


class Turns:
    """What waits to be done on a line; not safe for several threads by itself."""

    def __init__(self) -> None:
        self._reads: dict[str, _Wanted] = {}
        self._later: dict[Turn, int] = {}  # since when it waits (monotonic), the longest first
        self._forced_ns = -PATIENCE_NS

    def read(self, due_ns: int, instrument: str) -> None:
        """A read that is wanted at a time.

        One that still waits for its last time takes its place in the new round, so that a delay ends with
        the round it fell into; on a line with more reads than time it then keeps its place.
        """
        waits = self._reads.get(instrument)
        if waits is None:
            self._reads[instrument] = _Wanted(due_ns, due_ns)
        else:
            waits.due_ns = waits.first_ns if waits.moved else due_ns
            waits.moved = True

    def slow(self, instrument: str, now_ns: int) -> None:
        """Slow channels that are due; asked for again while it waits, it waits once."""
        self._later.setdefault(Turn(instrument, "slow"), now_ns)

    def next(
        self,
        silent: Callable[[str], bool],
        takes_ns: Callable[[Turn], int],
        idle_ns: int | None,
        now_ns: int,
    ) -> Turn | None:
        """The next to be served; None: nothing waits, or not long enough to disturb the reads to come.

        silent: it did not answer last time and is to be probed, which may cost a timeout. takes_ns: how
        long a probe or slow channels may take. idle_ns: until the next read is expected, None when unknown.
        """
        overdue = next((t for t, since in self._later.items() if now_ns - since >= PATIENCE_NS), None)
        never_idle = overdue is not None and self._reads and now_ns - self._later[overdue] >= 3 * PATIENCE_NS
        if overdue is not None and never_idle and now_ns - self._forced_ns >= PATIENCE_NS:
            self._forced_ns = now_ns  # one of them now and then
            return self._done(overdue)
        while self._reads:
            instrument = min(self._reads, key=lambda name: (self._reads[name].due_ns, name))
            del self._reads[instrument]
            if not silent(instrument):
                return Turn(instrument, "read")
            self._later.setdefault(Turn(instrument, "probe"), now_ns)
        for turn in self._later:
            if idle_ns is None or takes_ns(turn) <= idle_ns:
                return self._done(turn)
        if overdue is None or now_ns - self._forced_ns < SECOND_NS:
            return None
        self._forced_ns = now_ns  # no pause is long enough: one that waits too long takes a short one
        return self._done(overdue)

    def _done(self, turn: Turn) -> Turn:
        del self._later[turn]
        return turn
