"""Log lines on stderr: time, level, one line an event."""

from __future__ import annotations

import logging
import sys
import time


class _Line(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


def log_to_stderr(*, verbose: bool = False) -> None:
    """Sends the program's log lines to stderr; `verbose` shows debug lines too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger("dodac")
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    root.propagate = False
