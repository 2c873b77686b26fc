"""What waits to be committed, how much it weighs, and what became of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dodac.contracts import DeadLetter
from dodac.samples import Layout, Sample
from store import Item, Outcome

Done = Callable[[], None]

_BYTES: Final = 4096  # kept bytes that count like one more item of the window


@dataclass(slots=True)
class Entry:
    """What one call brought: items of one source, acknowledged together."""

    source: str
    items: Sequence[Item]
    done: Done | None
    keys: Mapping[str, int]  # instrument → samples and dead letters


def weight_of(items: Sequence[Item]) -> int:
    """How much of the window items take: one each, and more for long payloads that are kept whole.

    A thousand dead letters of a megabyte would be a gigabyte; by their weight a few of them fill the window.
    """
    kept = 0
    for item in items:
        if isinstance(item, Sample):
            if item.raw is not None:
                kept += len(item.raw)
        elif isinstance(item, DeadLetter):
            kept += len(item.payload)
    return len(items) + kept // _BYTES


@dataclass(slots=True)
class Tally:
    """Since the start, of one instrument and source."""

    received: int = 0
    committed: int = 0
    duplicate: int = 0
    conflict: int = 0
    dead_letter: int = 0

    def add(self, outcome: Outcome, count: int = 1) -> None:
        """Counts what the journal did."""
        match outcome:
            case Outcome.COMMITTED:
                self.committed += count
            case Outcome.DUPLICATE:
                self.duplicate += count
            case Outcome.CONFLICT:
                self.conflict += count


@dataclass(frozen=True, slots=True)
class IngestStatus:
    """State of the way in: "up", "fault" (storage does not take anything) or "stopped"."""

    state: str
    queued: int
    commits: int
    fault: str = ""
    refused: int = 0


@dataclass(slots=True)
class Queue:
    """What the next commit will hold; weight: see weight_of (events never wait and weigh nothing).

    pressed: a caller waits for room.
    """

    entries: deque[Entry] = field(default_factory=deque)
    layouts: list[Layout] = field(default_factory=list)
    weight: int = 0
    pressed: bool = False
