"""Watches the collector's loops: each must turn again within its own time; one that hangs is told and restarted."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

from collector._chores import Chores
from collector._notify import Notify
from dodac.clock import SECOND_NS, Clock
from dodac.contracts import Event, EventKind

log = logging.getLogger("dodac.collector")

TURN_S: Final = 1.0
_LATE_S: Final = 5.0
"""A watch that was itself kept away longer than this (a suspended machine) judges nobody by that time."""
_LONGEST_S: Final = 1800.0
"""After a restart a loop is given twice the time, up to this: threads left behind stay few."""


@dataclass(slots=True)
class Loop:
    """One loop: when it last turned (monotonic ns), and how long it may take for one turn.

    held: True when it waits for a reason that another loop tells (a full window); it is not stuck then.
    restart: puts a fresh one in its place; None when only a new process can.
    """

    name: str
    patience_s: float
    turned_ns: Callable[[], int]
    thread: Callable[[], threading.Thread | None]
    held: Callable[[FrameType], bool] | None = None
    restart: Callable[[], None] | None = None
    since_ns: int = 0
    stuck: bool = False
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class LoopState:
    """A loop for people: state is "turns", "held up" or "stuck"; silent_s: since its last turn."""

    name: str
    state: str
    silent_s: float
    patience_s: float
    restarts: int


@dataclass(slots=True)
class _Known:
    loops: dict[str, Loop] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)


class Watch:
    """Looks at every loop each second, from a thread of its own.

    The service manager hears WATCHDOG=1 only while no loop is stuck. A stuck loop gives one alarm with
    its stack in the log; where it can be replaced it is, else the manager ends the process and starts
    it again. `chores` run in the same thread, each turn.
    """

    def __init__(
        self,
        clock: Clock,
        report: Callable[[Event], None],
        notify: Notify,
        chores: tuple[Callable[[], None], ...] = (),
    ) -> None:
        self._clock = clock
        self._report = report
        self._notify = notify
        self._chores = chores
        self._known = _Known()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._turned_ns = 0
        self._work = Chores()

    def add(self, loop: Loop) -> None:
        """Watches a loop from now on."""
        loop.since_ns = self._clock.monotonic_ns()
        with self._lock:
            self._known.loops[loop.name] = loop

    def start(self) -> None:
        """Starts the thread."""
        self._turned_ns = self._clock.monotonic_ns()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; nothing is judged while everything stops."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(TURN_S + 1)

    def states(self) -> tuple[LoopState, ...]:
        """Every loop now."""
        now_ns = self._clock.monotonic_ns()
        with self._lock:
            loops, held = list(self._known.loops.values()), set(self._known.held)
        return tuple(
            LoopState(
                loop.name,
                "stuck" if loop.stuck else "held up" if loop.name in held else "turns",
                max(0.0, (now_ns - _last(loop)) / SECOND_NS),
                loop.patience_s,
                loop.restarts,
            )
            for loop in loops
        )

    def check(self) -> bool:
        """Judges every loop once; True when none is stuck."""
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._turned_ns > _LATE_S * SECOND_NS:
            for loop in self._loops():
                loop.since_ns = now_ns
        self._turned_ns = now_ns
        frames = sys._current_frames()  # noqa: SLF001  (the one way to see where a thread is)
        judged = [self._judge(loop, now_ns, frames) for loop in self._loops()]
        return all(judged)

    def _run(self) -> None:
        while not self._clock.wait(self._stop, TURN_S):
            if self.check():
                self._notify.alive()
            for chore in self._chores:
                self._work.do(chore)

    def _loops(self) -> list[Loop]:
        with self._lock:
            return list(self._known.loops.values())

    def _judge(self, loop: Loop, now_ns: int, frames: dict[int, FrameType]) -> bool:
        silent_s = (now_ns - _last(loop)) / SECOND_NS
        thread = loop.thread()
        ended = thread is not None and thread.ident is not None and not thread.is_alive()
        if silent_s <= loop.patience_s and not ended:
            self._known.held.discard(loop.name)
            if loop.stuck:
                loop.stuck = False
                self._tell(EventKind.FAULT_END, loop, "turns again")
            return True
        frame = frames.get(thread.ident) if thread is not None and thread.ident is not None else None
        if not ended and frame is not None and loop.held is not None and loop.held(frame):
            self._known.held.add(loop.name)
            return True
        if not loop.stuck:
            loop.stuck = True
            self._stuck(loop, silent_s, frame, ended=ended)
        return False

    def _stuck(self, loop: Loop, silent_s: float, frame: FrameType | None, *, ended: bool) -> None:
        if frame is not None:
            stack = "".join(traceback.format_stack(frame))
            log.error("loop %s is stuck here:\n%s", loop.name, stack)
        what = "its thread has ended" if ended else f"it has not turned for {silent_s:.0f} s"
        if loop.restart is None:
            words = f"{what}; only a new start of dodac run helps, which the service manager does by itself"
        else:
            words = f"{what}; it is replaced, the others go on"
        self._tell(EventKind.ALARM, loop, words, {"state": "start"})
        if loop.restart is None:
            return
        # what replaces it may hang as well: the watch goes on
        threading.Thread(target=self._replace, args=(loop,), name=f"replace {loop.name}", daemon=True).start()

    def _replace(self, loop: Loop) -> None:
        assert loop.restart is not None  # noqa: S101  (asked by the one caller)
        try:
            loop.restart()
        except Exception:
            log.exception("loop %s could not be replaced", loop.name)
            return
        loop.restarts += 1
        loop.patience_s = min(max(_LONGEST_S, loop.patience_s), loop.patience_s * 2)
        loop.since_ns = self._clock.monotonic_ns()

    def _tell(self, kind: EventKind, loop: Loop, words: str, data: dict[str, Any] | None = None) -> None:
        source = f"watch {loop.name}"
        self._report(Event(self._clock.now_ns(), kind, f"{loop.name}: {words}", source, data=data or {}))


def _last(loop: Loop) -> int:
    return max(loop.since_ns, loop.turned_ns())


def within(file: str) -> Callable[[FrameType], bool]:
    """Whether a thread's stack passes through a source file, e.g. while the way in holds it up."""

    def passes(frame: FrameType) -> bool:
        here: FrameType | None = frame
        while here is not None:
            if here.f_code.co_filename == file:
                return True
            here = here.f_back
        return False

    return passes
