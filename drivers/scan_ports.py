"""The serial ports of this machine: adapter, lasting name, permission, and who has one open."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BY_ID: Final = Path("/dev/serial/by-id")


@dataclass(frozen=True, slots=True)
class FoundPort:
    """One port. name: what to write in a site file, by-id where there is one. adapter: what it says it is.

    held_by: programs that have it open, as far as this user may see. problem: "" when it can be opened.
    """

    device: str
    name: str
    adapter: str
    held_by: tuple[str, ...]
    problem: str


def serial_ports(by_id: Path = _BY_ID) -> list[FoundPort]:
    """Every port that an adapter or the machine itself has; those that are no hardware are left out."""
    from serial.tools import list_ports

    found = []
    for port in sorted(list_ports.comports(), key=lambda p: str(p.device)):
        words = [w for w in (port.manufacturer, port.product, port.serial_number) if w]
        adapter = " ".join(words) if words else str(port.description or "")
        shown = "port of the machine itself" if adapter in ("", "n/a") else adapter
        found.append(_port(str(port.device), shown, by_id))
    return found


def lasting_name(device: str, by_id: Path = _BY_ID) -> str:
    """The by-id name of a port, which stays the same whatever is plugged in first; else the port itself."""
    real = os.path.realpath(device)
    with contextlib.suppress(OSError):
        for link in sorted(by_id.iterdir()):
            if os.path.realpath(link) == real:
                return str(link)
    return device


def holders(device: str, proc: Path = Path("/proc")) -> tuple[str, ...]:
    """The programs that have a port open: "dodac run (process 812)"; this process is not counted."""
    real = os.path.realpath(device)
    found = []
    for process in sorted(proc.glob("[0-9]*"), key=lambda folder: int(folder.name)):
        if int(process.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if any(os.path.realpath(handle) == real for handle in (process / "fd").iterdir()):
                found.append(f"{_program(process)} (process {process.name})")
    return tuple(found)


def _program(process: Path) -> str:
    """The command as its user typed it: for a Python program the script's name and its command."""
    words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    names = [Path(word).name for word in words if word]
    if names and names[0].startswith("python"):
        names = [n for n in names[1:] if not n.startswith("-")]
    if names and names[0] in ("dodac", "__main__.py"):
        return " ".join(["dodac", *names[1:2]])
    return names[0] if names else (process / "comm").read_text().strip()


def _port(device: str, adapter: str, by_id: Path) -> FoundPort:
    held = holders(device)
    if not os.access(device, os.R_OK | os.W_OK):
        problem = "no permission: add the user to the group dialout, then log in again"
    elif held:
        problem = f"in use by {', '.join(held)}"
    else:
        problem = ""
    return FoundPort(device, lasting_name(device, by_id), adapter, held, problem)
