"""Tells the service manager (systemd) that the collector is ready, alive, or stopping; without one it does nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Final

_LONGEST: Final = 400  # characters of a status line


class Notify:
    """Datagrams to the socket that NOTIFY_SOCKET names, a path or an abstract name (sd_notify(3)).

    Never raises and never blocks: a manager that does not listen must not keep the collector from its work.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._said = ""
        self.watchdog_s = _watchdog_s(environment)

    @property
    def there(self) -> bool:
        """True when a manager asked to be told."""
        return bool(self._address)

    def ready(self, words: str = "") -> bool:
        """The journal is open and every loop runs."""
        return self._send(f"READY=1{_status(words)}")

    def status(self, words: str) -> bool:
        """One line for `systemctl status`; the same line again is not sent."""
        if words == self._said:
            return True
        self._said = words
        return self._send(_status(words).strip())

    def alive(self) -> bool:
        """Every loop turns."""
        return self._send("WATCHDOG=1")

    def stopping(self) -> bool:
        """The stop has begun."""
        return self._send("STOPPING=1")

    def _send(self, text: str) -> bool:
        if not self._address:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.setblocking(False)
                channel.sendto(text.encode(), self._address)
        except OSError:
            return False
        return True


def _status(words: str) -> str:
    """A field of its own: a line break in the words would begin another."""
    line = " ".join(words.split())[:_LONGEST]
    return f"\nSTATUS={line}" if line else ""


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """How often the manager wants to hear of us; None when it does not, or means another process."""
    text, whose = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not text.isascii() or not text.isdecimal() or int(text) == 0:
        return None
    return None if whose not in ("", str(os.getpid())) else int(text) / 1e6
