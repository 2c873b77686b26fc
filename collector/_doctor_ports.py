"""The doctor at the ports: is it there, may we, who has it, is it quick; gateways and analysers by TCP."""

from __future__ import annotations

import grp
import itertools
import os
import socket
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from collector._doctor import Line

_CONNECT_S: Final = 3.0
_BY_ID: Final = Path("/dev/serial/by-id")


def serial_port(name: str, port: str) -> Sequence[Line]:
    """A serial connection: its path, permission, holder, stable name and adapter latency."""
    if "://" in port:
        parts = urlsplit(port)
        return gateway(name, parts.hostname or "", parts.port or 0)
    path = Path(port)
    try:
        state = path.stat()
    except FileNotFoundError:
        there = ", ".join(sorted(str(p) for p in _by_id())) or "–"
        return [Line("port", name, "bad", "port_missing", {"port": port, "there": there})]
    except OSError as error:
        return [Line("port", name, "bad", "port_odd", {"port": port, "words": error.strerror or str(error)})]
    if not stat.S_ISCHR(state.st_mode) or _no_terminal(state.st_rdev):
        return [Line("port", name, "bad", "port_odd", {"port": port, "words": "no serial device"})]
    if not os.access(path, os.R_OK | os.W_OK):
        group = _group(state.st_gid)
        words = {"port": port, "group": group, "user": _user()}
        return [Line("port", name, "bad", "port_denied", words)]
    holder = _holder(path)
    if holder is not None and not any("dodac" in word for word in holder[1]):
        held: dict[str, str | int | float] = {"port": port, "pid": holder[0], "words": _program(holder[1])}
        return [Line("port", name, "bad", "port_held", held)]
    lines = [Line("port", name, "ok", "port_held_by_us" if holder else "port_ok", {"port": port})]
    stable = next((p for p in _by_id() if p.resolve() == path.resolve() and str(p) != port), None)
    if stable is not None and not port.startswith("/dev/serial/"):
        lines.append(Line("port", name, "warn", "port_unstable", {"port": port, "stable": str(stable)}))
    return [*lines, *_latency(name, path)]


def _by_id() -> list[Path]:
    return list(_BY_ID.iterdir()) if _BY_ID.is_dir() else []


def _latency(name: str, path: Path, tty: Path = Path("/sys/class/tty")) -> list[Line]:
    timer = tty / path.resolve().name / "device" / "latency_timer"
    try:
        spent_ms = int(timer.read_text())
    except (OSError, ValueError):
        return []
    status, text = ("ok", "latency_ok") if spent_ms <= 2 else ("warn", "latency_long")
    return [Line("port", name, status, text, {"ms": spent_ms, "file": str(timer)})]  # type: ignore[arg-type]


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _user() -> str:
    return os.environ.get("USER") or str(os.getuid())


def _no_terminal(device: int, known: Path = Path("/sys/dev/char")) -> bool:
    """True for what the kernel counts to another kind (/dev/null); opening it to ask would move its lines."""
    kind = known / f"{os.major(device)}:{os.minor(device)}" / "subsystem"
    return kind.exists() and kind.resolve().name != "tty"


def _program(words: Sequence[str]) -> str:
    """The program and its script; what follows may hold a password."""
    shown = itertools.takewhile(lambda word: not word.startswith("-"), words[:2])
    return " ".join(shown)[:80]


def _holder(path: Path) -> tuple[int, list[str]] | None:
    """Process and command line that have a device open, as far as we may see."""
    device = path.stat().st_rdev
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        try:
            for link in (process / "fd").iterdir():
                target = link.stat()
                if stat.S_ISCHR(target.st_mode) and target.st_rdev == device:
                    words = (process / "cmdline").read_bytes().decode(errors="replace")
                    return int(process.name), words.strip("\0").split("\0")
        except OSError:
            continue  # another user's, or it has just ended
    return None


def gateway(name: str, host: str, port: int) -> Sequence[Line]:
    """A TCP gateway or an analyser on the network: does it take a connection?"""
    place: dict[str, str | int | float] = {"host": host, "port": port}
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_S):
            return [Line("network", name, "ok", "tcp_ok", place)]
    except (OSError, OverflowError) as error:
        words = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return [Line("network", name, "bad", "tcp_away", {**place, "words": words})]
