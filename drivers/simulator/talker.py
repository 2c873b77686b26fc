"""A simulated instrument that prints lines, by itself or when asked, on a pseudo-terminal at real line speed."""

from __future__ import annotations

import contextlib
import os
import select
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from dodac.samples import Reason
from drivers.profile import LineProfile
from drivers.simulator._own_line import OwnLine

TALKER_FAULTS: Final[dict[str, str]] = {
    "torn": "the line breaks off, without its end",
    "checksum": "one digit of the line is another",
    "status": "the line says that the instrument is not well",
    "dead": "nothing is printed",
}
"""Every kind of fault and what it means."""


class SimulatedTalker(OwnLine):
    """Prints the golden lines of a profile that flag nothing, one after another, every `every_s`.

    A profile with a query prints one when it is asked with just that, and nothing before; `heard` holds all
    that was sent to it. baud: the speed at which each byte comes. zone: lines that say their time say that of
    now there, unless a check sum covers it; None: the golden line's. `status` takes a golden line that is
    flagged device_status: ValueError when the profile has none.
    """

    def __init__(
        self, profile: LineProfile, *, every_s: float = 1.0, baud: int | None = None, zone: str | None = None
    ) -> None:
        super().__init__()
        shape = profile.line
        self._profile = profile
        self._zone = ZoneInfo(zone) if zone is not None and shape.checksum is None else None
        self._lines = [test.line.encode("latin-1") for test in profile.tests if not test.flags]
        self._unwell = [
            test.line.encode("latin-1")
            for test in profile.tests
            if Reason.DEVICE_STATUS in test.flags.values()
        ]
        if not self._lines:
            raise ValueError(f"{profile.id} has no golden line without flags.")
        self._end = (shape.terminator or "\r\n").encode("latin-1")
        link = profile.link
        self._query = f"{link.query}{link.query_end}".encode("ascii") if link.query is not None else b""
        self.heard = b""
        self.baud = baud or profile.link.baud[0]
        self.every_s = every_s
        self.printed = 0

    def fault(self, kind: str, count: int = 1) -> None:
        """Makes the next `count` lines show a fault; ValueError for an unknown kind."""
        if kind not in TALKER_FAULTS:
            raise ValueError(f'"{kind}" is not a fault; known are: {", ".join(TALKER_FAULTS)}.')
        if kind == "status" and not self._unwell:
            raise ValueError("the profile has no golden line that is flagged device_status.")
        with self._lock:
            self._faults[kind] += count

    def next_line(self) -> bytes:
        """What is printed next, with its terminator; empty when the instrument is silent."""
        struck = self._struck()
        if "dead" in struck:
            return b""
        source = self._unwell if "status" in struck else self._lines
        line = source[self.printed % len(source)]
        self.printed += 1
        line = self._of_now(line)
        if "checksum" in struck:
            place = next(n for n, byte in enumerate(line) if chr(byte).isdigit())
            line = line[:place] + bytes((ord("0") + (line[place] - ord("0") + 1) % 10,)) + line[place + 1 :]
        return line[: len(line) // 2] if "torn" in struck else line + self._end

    def _of_now(self, line: bytes) -> bytes:
        """The line with the time of now in its time fields."""
        told, shape = self._profile.time, self._profile.line
        if self._zone is None or told is None:
            return line
        # the fields are read joined by a blank, so the format has as many words as there are fields
        words = datetime.now(self._zone).strftime(told.format).split(" ", len(told.fields) - 1)
        start = shape.start.encode("latin-1")
        delimiter = shape.delimiter.encode("latin-1")
        fields = line.removeprefix(start).split(delimiter)
        if len(words) == len(told.fields) and max(told.fields) < len(fields):
            for place, word in zip(told.fields, words, strict=True):
                fields[place] = word.encode("latin-1")
        return (start if line.startswith(start) else b"") + delimiter.join(fields)

    def _run(self) -> None:
        # a piece of the line every 10 ms, as many bytes as the wire takes in that time
        piece = max(1, round(self.baud / 10 / 100))
        while not self._stopping.is_set():
            if not self._asked():
                continue
            line = self.next_line()
            spent_s = 0.0
            for start in range(0, len(line), piece):
                step = line[start : start + piece]
                with contextlib.suppress(BlockingIOError, OSError):
                    os.write(self._master, step)
                step_s = len(step) * 10 / self.baud
                spent_s += step_s
                if self._stopping.wait(step_s):
                    return
            self._stopping.wait(0.0 if self._query else max(0.0, self.every_s - spent_s))

    def _asked(self) -> bool:
        """True when there is something to print: always, or when the query has come."""
        if not self._query:
            return True
        if select.select([self._master], [], [], 0.05)[0]:
            with contextlib.suppress(OSError):
                self.heard = (self.heard + os.read(self._master, 256))[-4096:]
                return self.heard.endswith(self._query)
        return False
