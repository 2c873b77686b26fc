"""Work that a loop does again and again: what fails is told once until it works, and stops nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

log: Final = logging.getLogger("dodac.collector")


class Chores:
    """Remembers which chores fail, so that each fault is one entry in the log; one thread may use it."""

    def __init__(self) -> None:
        self._failing: set[str] = set()

    def do(self, chore: Callable[[], None]) -> None:
        """Does a chore; never raises."""
        name = getattr(chore, "__qualname__", repr(chore))
        try:
            chore()
        except Exception:
            if name not in self._failing:
                self._failing.add(name)
                log.exception("%s failed", name)
        else:
            self._failing.discard(name)
