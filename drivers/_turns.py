"""Whose turn it is on a line: reads by deadline; what can wait, when the line is idle for long enough."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from dodac.clock import SECOND_NS

PATIENCE_NS: Final = 10 * SECOND_NS
"""What can wait is done at the latest then, on a line that is never idle for long enough."""

Kind = Literal["read", "probe", "slow"]


@dataclass(frozen=True, slots=True)
class Turn:
    """Serve this instrument: read it, see whether it is back, or read its slow channels."""

    instrument: str
    kind: Kind


class Turns:
    """What waits to be done on a line; not safe for several threads by itself."""

    def __init__(self) -> None:
        self._reads: list[tuple[int, str]] = []
        self._later: dict[Turn, int] = {}  # since when it waits (monotonic), the longest first

    def read(self, due_ns: int, instrument: str) -> None:
        """A read that is wanted at a time."""
        heapq.heappush(self._reads, (due_ns, instrument))

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
        if self._later:
            first = next(iter(self._later))
            if now_ns - self._later[first] >= PATIENCE_NS:
                return self._done(first)
        while self._reads:
            _, instrument = heapq.heappop(self._reads)
            if not silent(instrument):
                return Turn(instrument, "read")
            self._later.setdefault(Turn(instrument, "probe"), now_ns)
        for turn in self._later:
            if idle_ns is None or takes_ns(turn) <= idle_ns:
                return self._done(turn)
        return None

    def _done(self, turn: Turn) -> Turn:
        del self._later[turn]
        return turn
