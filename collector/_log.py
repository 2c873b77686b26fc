"""Log lines: one an event; on stderr with time and level."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable
from typing import Final

from dodac.contracts import DeadLetter, Event, EventKind
from dodac.samples import Sample

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


class FirstTimes:
    """One line when an instrument is heard for the first time, one when a payload can't become samples."""

    def __init__(self) -> None:
        self._heard: set[tuple[str, str]] = set()
        self._refused: set[tuple[str, str]] = set()

    def sample(self, sample: Sample, source: str) -> None:
        """Tells the first sample with good readings of an instrument and source."""
        key = (sample.instrument, source)
        if key in self._heard:
            return
        good = sum(value == value for value in sample.values)
        if good:
            self._heard.add(key)
            log.info("first %s %s: good readings on %d channels", source, sample.instrument, good)

    def samples(self, samples: Iterable[Sample], instruments: Iterable[str], source: str) -> None:
        """The same for many; instruments: whose they are."""
        if any((instrument, source) not in self._heard for instrument in instruments):
            for sample in samples:
                self.sample(sample, source)

    def letter(self, letter: DeadLetter) -> None:
        """Tells the first dead letter of an instrument and source; the others are only counted."""
        key = (letter.instrument or "(unknown)", letter.source)
        if key in self._refused:
            return
        self._refused.add(key)
        topic = f" (topic {letter.topic})" if letter.topic else ""
        told = f"{letter.reason}{topic}; kept aside, further ones are only counted"
        log.warning("dead_letter %s %s: %s", letter.source, key[0], told)
