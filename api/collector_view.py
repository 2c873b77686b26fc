"""The running collector as the page sees it: asked at most once a second, however many ask.

One that hangs keeps nobody: while one request waits for it, the others get what was seen last.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from collector.health import Health, Seen, health_of, look
from dodac.clock import SECOND_NS, Clock

_KEPT_NS: Final = SECOND_NS
_SILENT_NS: Final = 10 * SECOND_NS
"""One that did not answer is asked again after this time: each look at it takes seconds."""


class CollectorView:
    """Looks at the collector of a journal."""

    def __init__(self, journal: Path, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._lock = threading.Lock()
        self._seen = Seen()
        self._next_ns = 0

    def seen(self) -> Seen:
        """What was seen, at most a second ago; of a collector that hangs, some seconds ago."""
        waits = not self._next_ns or self._clock.monotonic_ns() - self._next_ns > _SILENT_NS
        if not self._lock.acquire(blocking=waits):
            return self._seen
        try:
            if self._clock.monotonic_ns() >= self._next_ns:
                self._seen = look(self._journal)
                kept_ns = _SILENT_NS if self._seen.silent else _KEPT_NS
                self._next_ns = self._clock.monotonic_ns() + kept_ns
            return self._seen
        finally:
            self._lock.release()

    def health(self) -> Health:
        """Whether it is well, and what is wrong."""
        return health_of(self.seen())
