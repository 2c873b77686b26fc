"""Payloads that could not become samples, bounded: their size in the journal, and how many bytes wait for it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from dodac.contracts import DeadLetter
from drivers._mqtt_large import DECODED, KEPT, Cut

WAITING: Final = 16 << 20  # bytes of all that are not stored yet


def shortened(letter: DeadLetter, cut: Cut | None) -> DeadLetter:
    """Of a payload beyond DECODED bytes its head is kept, and size and SHA-256 of the whole in the reason."""
    if cut is None:
        if len(letter.payload) <= DECODED:
            return letter
        cut = Cut(len(letter.payload), hashlib.sha256(letter.payload).hexdigest())
    reason = f"{letter.reason} (its first {KEPT} of {cut.size} bytes are kept; SHA-256 of all {cut.sha256})"
    return replace(letter, payload=letter.payload[:KEPT], reason=reason)


class Letters:
    """Room for payloads on their way to the journal: the inbox counts items, these may be large."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._changed = threading.Condition()
        self._waiting = 0

    def room(self, size: int) -> Callable[[], None]:
        """Waits until there is room for so many bytes; gives what makes room again once they are stored."""
        with self._changed:
            while self._waiting and self._waiting + size > WAITING and not self._stopping.is_set():
                self._changed.wait(0.5)
            self._waiting += size

        def stored() -> None:
            with self._changed:
                self._waiting -= size
                self._changed.notify_all()

        return stored
