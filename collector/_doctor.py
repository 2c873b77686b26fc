"""The doctor's lines and how its checks run: side by side, each held to a time, none ending the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from dodac.errors import DodacError

Status = Literal["ok", "warn", "bad"]
DEADLINE_S: Final = 8.0
"""After this long a check that still waits is told as such."""


@dataclass(frozen=True)
class Line:
    """What one look gave: an area (clock, disk …), its subject, how it is, and the words' key with values."""

    area: str
    subject: str
    status: Status
    text: str
    values: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """Something to look at; `look` gives lines and may take its time."""

    area: str
    subject: str
    look: Callable[[], Sequence[Line]]


def examine(checks: Sequence[Check], deadline_s: float = DEADLINE_S) -> list[Line]:
    """All lines in the order of the checks, within the deadline; a check that fails is a bad line."""
    found: dict[int, Sequence[Line]] = {}
    threads = []
    for place, check in enumerate(checks):
        # daemon threads: a name server that does not answer must not keep the command from ending
        thread = threading.Thread(target=_look, args=(check, place, found), daemon=True)
        thread.start()
        threads.append(thread)
    end = threading.Event()
    timer = threading.Timer(deadline_s, end.set)
    timer.daemon = True
    timer.start()
    for thread in threads:
        while thread.is_alive() and not end.is_set():
            thread.join(0.02)
    timer.cancel()
    lines: list[Line] = []
    for place, check in enumerate(checks):
        late = [Line(check.area, check.subject, "bad", "no_answer", {"seconds": round(deadline_s)})]
        lines += found.get(place, late)
    return lines


def _look(check: Check, place: int, found: dict[int, Sequence[Line]]) -> None:
    try:
        found[place] = check.look()
    except DodacError as error:
        found[place] = [Line(check.area, check.subject, "bad", "told", {"words": str(error)})]
    except Exception as error:  # noqa: BLE001  (one surprising machine must not hide the other lines)
        words = f"{type(error).__name__}: {error}"
        found[place] = [Line(check.area, check.subject, "bad", "surprise", {"words": words})]
