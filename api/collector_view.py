"""The running collector as the page sees it: asked at most once a second, however many ask."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from collector.health import Health, Seen, health_of, look
from dodac.clock import SECOND_NS, Clock

_KEPT_NS: Final = SECOND_NS


class CollectorView:
    """Looks at the collector of a journal."""

    def __init__(self, journal: Path, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._lock = threading.Lock()
        self._seen = Seen()
        self._next_ns = 0

    def seen(self) -> Seen:
        """What was seen, at most a second ago."""
        with self._lock:
            if self._clock.monotonic_ns() >= self._next_ns:
                self._seen = look(self._journal)
                self._next_ns = self._clock.monotonic_ns() + _KEPT_NS
            return self._seen

    def health(self) -> Health:
        """Whether it is well, and what is wrong."""
        return health_of(self.seen())
