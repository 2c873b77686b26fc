"""Log lines: one an event; on stderr with time and level."""

from __future__ import annotations

import logging
import sys
import time
from typing import Final

from dodac.contracts import Event, EventKind

log = logging.getLogger("dodac.collector")


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


_LEVELS: Final[dict[EventKind, int]] = {
    EventKind.FAULT_START: logging.ERROR,
    EventKind.FAULT_END: logging.WARNING,
    EventKind.ALARM: logging.ERROR,
    EventKind.DAMAGE: logging.ERROR,
    EventKind.CLOCK_JUMP: logging.WARNING,
    # the fault's own two lines tell of the gap already
    EventKind.GAP: logging.DEBUG,
}


def log_event(event: Event) -> None:
    """The one log line of an event: kind, who, text."""
    who = " ".join(word for word in (event.source, event.instrument) if word)
    log.log(
        _LEVELS.get(event.kind, logging.INFO), "%s %s: %s", event.kind.value, who or "collector", event.text
    )
