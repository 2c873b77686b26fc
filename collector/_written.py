"""Bytes this process made the disk write, day by day: what an SD card wears out by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dodac.clock import Clock, local_text

PROC_IO: Final = Path("/proc/self/io")
DAYS: Final = 31


class Written:
    """Adds up what the kernel counts for this process (write_bytes of /proc/self/io), by local day.

    kept: what an earlier run noted, as_text() of it. Where the kernel does not count, nothing is known
    and `known` is False.
    """

    def __init__(self, clock: Clock, zone: str, kept: str = "", io: Path = PROC_IO) -> None:
        self._clock = clock
        self._zone = zone
        self._io = io
        self._last = self._read()
        self.days = of_text(kept)

    @property
    def known(self) -> bool:
        """True where the kernel counts."""
        return self._last is not None

    def count(self) -> int:
        """Takes in what was written since the last call; gives today's bytes."""
        now = self._read()
        today = local_text(self._clock.now_ns(), self._zone, "%Y-%m-%d")
        if now is not None and self._last is not None:
            self.days[today] = self.days.get(today, 0) + max(0, now - self._last)
            for day in sorted(self.days)[:-DAYS]:
                del self.days[day]
        self._last = now
        return self.days.get(today, 0)

    def today(self) -> str:
        """The local day."""
        return local_text(self._clock.now_ns(), self._zone, "%Y-%m-%d")

    def as_text(self) -> str:
        """For keeping."""
        return json.dumps(self.days)

    def _read(self) -> int | None:
        try:
            text = self._io.read_text(encoding="ascii")
            return int(text.split("\nwrite_bytes:")[1].split()[0])
        except (OSError, IndexError, ValueError):
            return None


def of_text(kept: str) -> dict[str, int]:
    """Day → bytes of a kept text; nothing where it is none of ours."""
    try:
        found = json.loads(kept)
    except ValueError:
        return {}
    if not isinstance(found, Mapping):
        return {}
    return {str(day): count for day, count in found.items() if isinstance(count, int)}
