"""Clocks that tests can hand in, and times at the edges: ISO 8601 and zones."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS

_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)\s*$")
_UNIT_NS = {"ms": 1_000_000, "s": SECOND_NS, "min": MINUTE_NS, "h": HOUR_NS, "d": DAY_NS}
_LONGEST_NS = 36_525 * DAY_NS


class Clock(Protocol):
    """UTC time and monotonic time, both in nanoseconds, and an interruptible wait.

    Monotonic time goes on while the computer sleeps, where its system can tell.
    """

    def now_ns(self) -> int: ...
    def monotonic_ns(self) -> int: ...
    def wait(self, event: threading.Event, seconds: float) -> bool: ...


def _boot_clock() -> Callable[[], int]:
    """Time since the boot, sleep included: a lid that was closed for an hour is no jump of the wall clock."""
    boottime: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns if boottime is None else partial(time.clock_gettime_ns, boottime)


_since_boot_ns = _boot_clock()


class SystemClock:
    """The machine's own clock."""

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return _since_boot_ns()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)


class ManualClock:
    """A clock that moves only when told; `wait` moves it forward at once."""

    def __init__(self, now_ns: int = 1_790_000_000 * SECOND_NS) -> None:
        self._now_ns = now_ns
        self._monotonic_ns = 0

    def now_ns(self) -> int:
        return self._now_ns

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def advance(self, seconds: float) -> None:
        """Moves both times forward."""
        step_ns = round(seconds * SECOND_NS)
        self._now_ns += step_ns
        self._monotonic_ns += step_ns

    def jump(self, seconds: float) -> None:
        """Moves the wall time only, as NTP or a hand does."""
        self._now_ns += round(seconds * SECOND_NS)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if not event.is_set():
            self.advance(seconds)
        return event.is_set()


def duration_ns(text: str) -> int:
    """Nanoseconds of "250ms", "10s", "15min", "1h" or "1d".

    Raises ValueError on anything else, on zero, and beyond a hundred years (what a wait can count).
    """
    match = _DURATION.match(text)
    if match is None or float(match.group(1)) <= 0:
        raise ValueError(f'"{text}" is not a duration; write e.g. "10s", "15min", "1h" or "1d".')
    size = float(match.group(1)) * _UNIT_NS[match.group(2)]
    if size > _LONGEST_NS:
        raise ValueError(f'"{text}" is longer than a hundred years.')
    return round(size)


def iso_utc(time_ns: int) -> str:
    """ISO 8601 in UTC with nanoseconds kept: 2026-11-22T06:00:00.000000001Z."""
    seconds, rest = divmod(time_ns, SECOND_NS)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:09d}Z" if rest else f"{text}Z"


def local_text(time_ns: int, zone: str, pattern: str = "%Y-%m-%d %H:%M:%S") -> str:
    """The local wall time of a UTC time, for people."""
    return datetime.fromtimestamp(time_ns / SECOND_NS, ZoneInfo(zone)).strftime(pattern)


def parse_time_ns(text: str, zone: str) -> int:
    """UTC nanoseconds of an ISO 8601 date or time; without an offset it is local to `zone`.

    Raises ValueError on anything else.
    """
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    whole = moment.replace(microsecond=0)
    return int(whole.timestamp()) * SECOND_NS + moment.microsecond * 1000
