"""The doctor on this machine: clock, disk, memory, Python, extras."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from collector._doctor import Line

_TIME_ERROR: Final = 5
_FIRST_YEAR, _LAST_YEAR = 2026, 2060
_MB: Final = 1_000_000


def clock(
    *, year: int | None = None, state: int | None = None, rtc: Path = Path("/sys/class/rtc/rtc0")
) -> Sequence[Line]:
    """Year, network time and battery clock; year and state are the machine's unless given."""
    now = datetime.now(UTC)
    found = year or now.year
    if not _FIRST_YEAR <= found <= _LAST_YEAR:
        return [Line("clock", "", "bad", "clock_year", {"year": found})]
    lines = []
    kernel = _clock_state() if state is None else state
    if kernel is None:
        lines.append(Line("clock", "", "warn", "clock_unknown"))
    elif kernel == _TIME_ERROR:
        lines.append(Line("clock", "", "warn", "clock_free"))
    else:
        lines.append(Line("clock", "", "ok", "clock_ok", {"time": f"{now:%Y-%m-%d %H:%M:%S} UTC"}))
    if not rtc.exists():
        lines.append(Line("clock", "RTC", "warn", "clock_no_rtc"))
    return lines


def _clock_state() -> int | None:
    """The kernel's view of its clock (adjtimex): 5 is not synchronised; None where it can't be asked."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        state = libc.adjtimex(ctypes.create_string_buffer(1024))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else int(state)


def disk(folder: Path, *, wanted_mb: int = 1000) -> Sequence[Line]:
    """Room, whether it can be written, and how long a write to the medium takes."""
    place = folder
    while not place.exists():
        place = place.parent
    name = str(folder)
    state = os.statvfs(place)
    free_mb = state.f_bavail * state.f_frsize // _MB
    share = 100 * state.f_bavail / max(1, state.f_blocks)
    if state.f_flag & os.ST_RDONLY:
        return [Line("disk", name, "bad", "disk_read_only")]
    values: dict[str, str | int | float] = {"free": free_mb, "share": round(share)}
    if free_mb < wanted_mb / 10:
        return [Line("disk", name, "bad", "disk_full", values)]
    try:
        spent_ms = _write_ms(place)
    except OSError as error:
        return [Line("disk", name, "bad", "disk_no_write", {"words": error.strerror or str(error)})]
    values["ms"] = round(spent_ms)
    if spent_ms > 300:
        return [Line("disk", name, "warn", "disk_slow", values)]
    if free_mb < wanted_mb or share < 5:
        return [Line("disk", name, "warn", "disk_low", values)]
    return [Line("disk", name, "ok", "disk_ok", values)]


def _write_ms(folder: Path) -> float:
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".dodac-doctor-") as file:
        file.write(b"\0" * 4096)
        file.flush()
        start = time.monotonic()
        os.fsync(file.fileno())
        return (time.monotonic() - start) * 1000


def memory(meminfo: Path = Path("/proc/meminfo")) -> Sequence[Line]:
    """Memory that is free for us."""
    try:
        rows = dict(row.split(":", 1) for row in meminfo.read_text().splitlines() if ":" in row)
        free_mb = int(rows["MemAvailable"].split()[0]) // 1000
    except (OSError, KeyError, ValueError):
        return []
    status = "bad" if free_mb < 60 else "warn" if free_mb < 200 else "ok"
    return [Line("memory", "", status, "memory_ok" if status == "ok" else "memory_low", {"free": free_mb})]  # type: ignore[arg-type]


def python(kinds: AbstractSet[str]) -> Sequence[Line]:
    """The version, and the extras that the site's connections need."""
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    lines = [Line("python", version, "ok" if good else "bad", "python_ok" if good else "python_old")]
    wanted = {"usb": ("usb", "usb.core")}
    for kind, (extra, module) in wanted.items():
        if kind in kinds and not _there(module):
            lines.append(Line("python", extra, "bad", "extra_missing", {"extra": extra}))
    if not _there("openpyxl"):
        lines.append(Line("python", "xlsx", "warn", "extra_xlsx"))
    return lines


def _there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
