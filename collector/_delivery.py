"""Sends one batch to a sink until every row of it has a fate, or the sink takes nothing now."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from store import SinkState, WriteKind, WriteResult

_SPLIT: Final = frozenset((WriteKind.BAD_LINE, WriteKind.REFUSED, WriteKind.TOO_LARGE))
_DROPPED: Final = re.compile(r"dropped[=: ]+(\d+)")
_ENOUGH: Final = 4


@dataclass(frozen=True, slots=True)
class Unit:
    """A sample or an event on its way: its seq, itself, and the lines that stand for it."""

    seq: int
    item: Any
    lines: tuple[str, ...]


class PauseError(Exception):
    """The sink takes nothing now; what is not marked yet stays where it is."""

    def __init__(self, result: WriteResult) -> None:
        super().__init__(result.message)
        self.result = result


class Delivery:
    """Writes units and tells their fates.

    write: one request, gives a WriteResult. mark: (units, state, reason). too_large: told how many
    units were too many. A unit is set aside only when the server named it, or when the server took
    others of the same batch: a proxy that refuses everything sets nothing aside.
    """

    def __init__(
        self,
        write: Callable[[Sequence[str]], WriteResult],
        mark: Callable[[Sequence[Unit], SinkState, str], None],
        too_large: Callable[[int], None],
    ) -> None:
        self._write = write
        self._mark = mark
        self._too_large = too_large
        self._taken = False
        self._doubtful: list[tuple[Unit, str]] = []

    def send(self, units: Sequence[Unit]) -> None:
        """Sends units in the order of their times. Raises PauseError; then the rest is not marked."""
        self._taken, self._doubtful = False, []
        # servers take points in time order best; which units come first was decided before
        parts: list[Sequence[Unit]] = [sorted(units, key=_time)] if units else []
        grouped = False
        last: WriteResult | None = None
        while parts:
            part = parts.pop()
            lines = [text for unit in part for text in unit.lines]
            if not lines:
                self._mark(part, SinkState.DELIVERED, "")
                continue
            last = self._write(lines)
            if last.ok:
                self._mark(part, SinkState.DELIVERED, "")
                self._evidence()
            elif last.kind is WriteKind.BEYOND_RETENTION:
                self._evidence()
                parts += self._expired(part, len(lines), last)
            elif last.kind not in _SPLIT:
                raise PauseError(last)
            elif last.kind is WriteKind.BAD_LINE and (len(part) == 1 or _all_of(last, lines)):
                self._mark(part, SinkState.REJECTED, last.message or last.kind.value)
                self._evidence()
            elif len(part) > 1:
                if last.kind is WriteKind.TOO_LARGE:
                    self._too_large(len(part))
                elif not grouped:
                    # what one layout's lines have in common is refused as one stretch
                    grouped = True
                    part = sorted(part, key=_layout)
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
            else:
                self._doubt(part[0], last)
        if self._doubtful and last is not None:
            raise PauseError(last)

    def _evidence(self) -> None:
        """The server takes or names what is ours: what it refused alone is the fault of the line."""
        self._taken = True
        for unit, message in self._doubtful:
            self._mark([unit], SinkState.REJECTED, message)
        self._doubtful = []

    def _doubt(self, unit: Unit, result: WriteResult) -> None:
        message = result.message or result.kind.value
        if self._taken:
            self._mark([unit], SinkState.REJECTED, message)
            return
        self._doubtful.append((unit, message))
        if len(self._doubtful) >= _ENOUGH:
            raise PauseError(result)

    def _expired(self, part: Sequence[Unit], lines: int, result: WriteResult) -> list[Sequence[Unit]]:
        """Marks what retention takes, the oldest points; gives what is to be sent again.

        The young ones are sent once more: InfluxDB 1 says nothing else of a batch with old points.
        """
        order = sorted(part, key=_time)
        dropped = dropped_count(result.message)
        if dropped is None:
            if len(order) > 1 and self._write(order[-1].lines).kind is not WriteKind.BEYOND_RETENTION:
                middle = len(order) // 2
                return [order[middle:], order[:middle]]
            dropped = lines
        gone = place = 0
        while place < len(order) and gone < max(1, dropped):
            gone += len(order[place].lines)
            place += 1
        self._mark(order[:place], SinkState.EXPIRED, result.message)
        return [order[place:]] if place < len(order) else []


def dropped_count(message: str) -> int | None:
    """How many points the server says it dropped ("… dropped=3 …"); None when it does not say."""
    found = _DROPPED.search(message)
    return int(found.group(1)) if found else None


def _all_of(result: WriteResult, lines: Sequence[str]) -> bool:
    return dropped_count(result.message) == len(lines)


def _time(unit: Unit) -> int:
    return int(unit.item.time_ns)


def _layout(unit: Unit) -> int:
    return int(getattr(unit.item, "layout", 0))
