"""The mains: a file that says whether it is there, and a clean stop before a UPS is empty."""

from __future__ import annotations

import glob
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from dodac.clock import SECOND_NS, Clock, duration_ns
from dodac.contracts import Event, EventKind

if TYPE_CHECKING:
    from dodac.site import Site

log = logging.getLogger("dodac.collector")

SOURCE: Final = "power"
_EVERY_S: Final = 1.0


def watch_of_site(
    site: Site, clock: Clock, report: Callable[[Event], None], stop: Callable[[], None]
) -> PowerWatch | None:
    """Starts watching the mains as [collector] power_file and power_grace say; None without a file."""
    told = site.collector
    if told.power_file is None:
        return None
    pattern = str(site.folder.absolute() / told.power_file)
    watch = PowerWatch(pattern, duration_ns(told.power_grace), clock, report, stop)
    watch.start()
    return watch


class PowerWatch:
    """Looks every second at a file that holds 0 while the mains is away; its path may have "*" in it.

    With several files the mains is there while any of them says so. One event tells that the mains went
    and one that it came back; when it stays away for `grace_ns`, stop() is called once. A file that can't
    be read says nothing: collecting goes on, and one alarm tells it.
    """

    def __init__(
        self,
        pattern: str,
        grace_ns: int,
        clock: Clock,
        report: Callable[[Event], None],
        stop: Callable[[], None],
    ) -> None:
        self._pattern = pattern
        self._grace_ns = grace_ns
        self._clock = clock
        self._report = report
        self._stop_all = stop
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._away_ns: int | None = None  # monotonic
        self._asked = False
        self._blind = False
        self.turned_ns = 0

    @property
    def thread(self) -> threading.Thread | None:
        """The thread, once it was started."""
        return self._thread

    def start(self) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._run, name="power", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2.0)

    def look(self) -> None:
        """One look at the file, and what follows from it."""
        self.turned_ns = self._clock.monotonic_ns()
        there = self._read()
        now_ns = self._clock.monotonic_ns()
        if there is None:
            return
        if there:
            if self._away_ns is not None:
                seconds = (now_ns - self._away_ns) / SECOND_NS
                self._tell(EventKind.FAULT_END, f"the mains is back after {seconds:.0f} s")
            self._away_ns = None
            return
        if self._away_ns is None:
            self._away_ns = now_ns
            grace_s = self._grace_ns / SECOND_NS
            self._tell(
                EventKind.FAULT_START,
                f"the mains is away; everything is stored and dodac run ends in {grace_s:.0f} s unless it comes back",
            )
        if now_ns - self._away_ns >= self._grace_ns and not self._asked:
            self._asked = True
            self._tell(EventKind.NOTE, "the mains stayed away: dodac run ends")
            self._stop_all()

    def _run(self) -> None:
        while not self._clock.wait(self._stop, _EVERY_S):
            self.look()

    def _read(self) -> bool | None:
        """True with mains, False without, None when no file tells."""
        said: list[bool] = []
        why = "there is no such file"
        for path in sorted(glob.glob(self._pattern)):  # noqa: PTH207  (the pattern is absolute)
            try:
                with open(path, encoding="ascii") as file:  # noqa: PTH123  (a name from glob)
                    text = file.read(64).strip()
            except (OSError, UnicodeDecodeError) as error:
                why = str(error)
                continue
            if text in ("0", "1"):
                said.append(text == "1")
            else:
                why = f'{path} holds "{text}", not 0 or 1'
        if not said:
            if not self._blind:
                self._blind = True
                self._tell(
                    EventKind.ALARM,
                    f"nothing tells whether the mains is there ({self._pattern}: {why}): a power cut will not be "
                    "seen in time. Check [collector] power_file and the UPS.",
                )
            return None
        if self._blind:
            self._blind = False
            self._tell(EventKind.NOTE, "the mains is watched again")
        return any(said)

    def _tell(self, kind: EventKind, text: str) -> None:
        self._report(Event(self._clock.now_ns(), kind, text, SOURCE))
