"""Whose turn it is on a line: reads by deadline, and what was silent only when nobody else waits."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final

from dodac.clock import SECOND_NS

PATIENCE_NS: Final = 30 * SECOND_NS
"""A silent unit waits at most this long for its probe where the line never falls idle."""


class Turns:
    """Reads that wait, by deadline; not safe for several threads by itself."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, str]] = []
        self._silent: list[tuple[int, str, int]] = []  # deadline, instrument, since when (monotonic)

    def __bool__(self) -> bool:
        return bool(self._waiting or self._silent)

    def push(self, due_ns: int, instrument: str) -> None:
        """A read that is wanted at a time."""
        heapq.heappush(self._waiting, (due_ns, instrument))

    def pop(self, silent: Callable[[str], bool], now_ns: int) -> str:
        """The next to be served; silent: it did not answer last time and is to be probed now.

        now_ns: monotonic. A probe may cost a timeout, so those that answer go first. Raises IndexError
        when nobody waits.
        """
        if self._silent and now_ns - self._silent[0][2] >= PATIENCE_NS:
            return heapq.heappop(self._silent)[1]
        while self._waiting:
            due_ns, instrument = heapq.heappop(self._waiting)
            if not silent(instrument):
                return instrument
            heapq.heappush(self._silent, (due_ns, instrument, now_ns))
        return heapq.heappop(self._silent)[1]
