"""How long each unit of a line takes to answer: smallest, median and largest, of all and of the latest."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Final

_LATEST: Final = 501


@dataclass(frozen=True, slots=True)
class Turnaround:
    """Milliseconds from the end of a request to the start of its answer, of one unit since the start.

    median_ms: of the latest 501 answers. late: answers of this unit that came after their time.
    """

    answers: int
    min_ms: float
    median_ms: float
    max_ms: float
    late: int = 0

    def as_dict(self) -> dict[str, float]:
        """Plain data for JSON, rounded to a tenth of a millisecond."""
        return {name: round(value, 1) for name, value in asdict(self).items()}

    def __str__(self) -> str:
        return f"{self.min_ms:.0f}/{self.median_ms:.0f}/{self.max_ms:.0f} ms"


@dataclass
class Turnarounds:
    """Collects one unit's times; written by the line's thread, read by others."""

    answers: int = 0
    late: int = 0
    _min_s: float = float("inf")
    _max_s: float = 0.0
    _latest: deque[float] = field(default_factory=lambda: deque(maxlen=_LATEST))

    def add(self, seconds: float) -> None:
        """One answer's time."""
        self.answers += 1
        self._min_s, self._max_s = min(self._min_s, seconds), max(self._max_s, seconds)
        self._latest.append(seconds)

    def summary(self) -> Turnaround | None:
        """The statistics now; None before the first answer."""
        latest = list(self._latest)
        if not latest:
            return None
        ms = 1000 * self._min_s, 1000 * statistics.median(latest), 1000 * self._max_s
        return Turnaround(self.answers, *ms, late=self.late)
