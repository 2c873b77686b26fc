"""Sends one batch to a sink until every row of it has a fate, or the sink takes nothing now."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from store import SinkState, WriteKind, WriteResult

_SPLIT: Final = frozenset((WriteKind.BAD_LINE, WriteKind.REFUSED, WriteKind.TOO_LARGE))
_DROPPED: Final = re.compile(r"dropped[=: ]+(\d+)")
_ENOUGH: Final = 4


class Unit(NamedTuple):
    """A sample or an event on its way: its seq, its time, what it is grouped with, the lines that stand for it."""

    seq: int
    time_ns: int
    group: int
    lines: tuple[str, ...]


class Parcel(NamedTuple):
    """What goes in one request.

    lines: given to the sink's write for all of them, None when there is nothing ready. units: asked for
    only when the sink does not take it whole.
    """

    seqs: Sequence[int]
    lines: Any
    units: Callable[[], Sequence[Unit]]


class PauseError(Exception):
    """The sink takes nothing now; what is not marked yet stays where it is."""

    def __init__(self, result: WriteResult) -> None:
        super().__init__(result.message)
        self.result = result


class Delivery:
    """Writes units and tells their fates.

    write: one request (lines, or what a parcel holds), gives a WriteResult. mark: (seqs, state, reason).
    too_large: told how many units were too many. A unit is set aside only when the server named it, or when the server took
    others of the same batch: a proxy that refuses everything sets nothing aside.
    """

    def __init__(
        self,
        write: Callable[[Any], WriteResult],
        mark: Callable[[Sequence[int], SinkState, str], None],
        too_large: Callable[[int], None],
    ) -> None:
        self._write = write
        self._mark = mark
        self._too_large = too_large
        self._taken = False
        self._doubtful: list[tuple[Unit, str]] = []

    def send(self, parcel: Parcel) -> None:
        """Sends a parcel. Raises PauseError; then the rest is not marked."""
        self._taken, self._doubtful = False, []
        whole = self._write(parcel.lines) if parcel.lines is not None else None
        if whole is not None and whole.ok:
            self._mark(parcel.seqs, SinkState.DELIVERED, "")
            return
        if whole is not None and whole.kind not in _SPLIT and whole.kind is not WriteKind.BEYOND_RETENTION:
            raise PauseError(whole)
        parts: list[Sequence[Unit]] = [parcel.units()] if parcel.seqs else []
        grouped = False
        last: WriteResult | None = None
        while parts:
            part = parts.pop()
            lines = lines_of(part)
            if not lines:
                self._mark(_seqs(part), SinkState.DELIVERED, "")
                continue
            last, whole = whole if whole is not None else self._write(lines), None
            if last.ok:
                self._mark(_seqs(part), SinkState.DELIVERED, "")
                self._evidence()
            elif last.kind is WriteKind.BEYOND_RETENTION:
                self._evidence()
                parts += self._expired(part, len(lines), last)
            elif last.kind not in _SPLIT:
                raise PauseError(last)
            elif last.kind is WriteKind.BAD_LINE and (len(part) == 1 or _all_of(last, lines)):
                self._mark(_seqs(part), SinkState.REJECTED, last.message or last.kind.value)
                self._evidence()
            elif len(part) > 1:
                if last.kind is WriteKind.TOO_LARGE:
                    self._too_large(len(part))
                elif not grouped:
                    # what one layout's lines have in common is refused as one stretch
                    grouped = True
                    part = sorted(part, key=_group)
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
            self._mark([unit.seq], SinkState.REJECTED, message)
        self._doubtful = []

    def _doubt(self, unit: Unit, result: WriteResult) -> None:
        message = result.message or result.kind.value
        if self._taken:
            self._mark([unit.seq], SinkState.REJECTED, message)
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
        self._mark(_seqs(order[:place]), SinkState.EXPIRED, result.message)
        return [order[place:]] if place < len(order) else []


def lines_of(units: Sequence[Unit]) -> list[str]:
    """All lines of units."""
    return [text for unit in units for text in unit.lines]


def dropped_count(message: str) -> int | None:
    """How many points the server says it dropped ("… dropped=3 …"); None when it does not say."""
    found = _DROPPED.search(message)
    return int(found.group(1)) if found else None


def _all_of(result: WriteResult, lines: Sequence[str]) -> bool:
    return dropped_count(result.message) == len(lines)


def _seqs(units: Sequence[Unit]) -> list[int]:
    return [unit.seq for unit in units]


def _time(unit: Unit) -> int:
    return unit.time_ns


def _group(unit: Unit) -> int:
    return unit.group
