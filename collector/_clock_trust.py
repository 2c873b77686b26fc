"""How far this computer's clock can be believed: what kernel, battery clock and site file say of it."""

from __future__ import annotations

import ctypes
import os
import uuid
from datetime import UTC, datetime
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from dodac.clock import SECOND_NS, Clock, SystemClock

RELEASED_NS: Final = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * SECOND_NS
"""No clock that was ever set is behind the year in which this program was written."""
_TIME_ERROR: Final = 5
_RTC: Final = Path("/sys/class/rtc")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Trust(IntEnum):
    """NONE: it was never set, or nobody knows whether. FREE: it runs on its own. SYNCED: it is led by NTP."""

    NONE = 0
    FREE = 1
    SYNCED = 2


Mode = Literal["auto", "ntp", "trust"]


class SystemTrust:
    """The trust in a clock now, by its time and by what the machine says.

    mode: "auto" believes a clock that NTP leads or a battery keeps; "ntp" only the first; "trust" any whose
    year can be. A clock that is handed in (tests) has no machine: it is free.
    """

    def __init__(self, clock: Clock, mode: Mode = "auto", *, rtc: Path = _RTC) -> None:
        self._mode = mode
        self._rtc = rtc
        self._of_machine = isinstance(clock, SystemClock)

    def __call__(self, wall_ns: int) -> Trust:
        if wall_ns < RELEASED_NS:
            return Trust.NONE
        if not self._of_machine:
            return Trust.FREE
        led = kernel_synced()
        if led:
            return Trust.SYNCED
        if self._mode == "trust" or (self._mode == "auto" and (led is None or not self._forgets())):
            return Trust.FREE
        return Trust.NONE

    def _forgets(self) -> bool:
        """True for a machine that knows battery clocks and has none: without power its time stands still."""
        try:
            return not any(self._rtc.iterdir())
        except OSError:
            return False  # a container: its host keeps the time


@cache
def _adjtimex() -> Any:
    return ctypes.CDLL(None, use_errno=True).adjtimex


def kernel_synced() -> bool | None:
    """Whether the kernel's clock is led by NTP (adjtimex); None where it can't be asked."""
    try:
        state = _adjtimex()(ctypes.create_string_buffer(1024))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else bool(state != _TIME_ERROR)


def boot_id(clock: Clock) -> str:
    """Which boot monotonic time counts from: the kernel's id, or one of this process alone."""
    if isinstance(clock, SystemClock):
        try:
            return _BOOT_ID.read_text().strip().replace("-", "")[:16]
        except OSError:
            pass
    return f"{os.getpid():x}-{uuid.uuid4().hex[:8]}"
