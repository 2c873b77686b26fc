"""Progress on stderr: one line that changes on a terminal, one every ten seconds elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Final

_WIDTH: Final = 79


class Progress:
    """Says how far work has come; `end` clears the line."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._last_s = time.monotonic() - (1.0 if self._terminal else 0.0)
        self._shown = False

    def tell(self, words: str) -> None:
        """Shows the words, unless the last ones are too new."""
        now = time.monotonic()
        if self._quiet or now - self._last_s < (0.1 if self._terminal else 10.0):
            return
        self._last_s = now
        if self._terminal:
            sys.stderr.write("\r" + words[:_WIDTH].ljust(_WIDTH))
            self._shown = True
        else:
            sys.stderr.write(f"{words}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leaves the terminal's line empty."""
        if self._shown:
            sys.stderr.write("\r" + " " * _WIDTH + "\r")
            sys.stderr.flush()
            self._shown = False
