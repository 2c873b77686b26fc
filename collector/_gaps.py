"""Faults that were standing when the last run ended: that run can no longer tell their gaps, so the next one does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from dodac.contracts import Event, EventKind
from dodac.errors import StorageError

CURSOR: Final = "collector/faults"
_PIECE: Final = 1000

Key = tuple[str, str | None]


class EventBook(Protocol):
    """The part of the journal that knows events."""

    def events_after(self, seq: int, limit: int) -> list[tuple[int, Event]]: ...

    def cursor(self, name: str) -> int: ...

    def set_cursor(self, name: str, seq: int) -> None: ...


def gaps_of_standing_faults(
    journal: EventBook,
    members: Mapping[str, Sequence[str]],
    now_ns: int,
    clock: Callable[[int], int] = lambda ns: ns,
) -> list[Event]:
    """One gap per instrument, from the fault that was standing at the end of the last run to now.

    members: connection → its instruments; a fault of the whole connection is a gap of each. Faults of
    anything else (a sink, the journal) hide no readings. clock: when a time of an earlier run was, by the clock
    as it is set now.
    """
    seq = journal.cursor(CURSOR)
    begin = seq
    standing: dict[Key, Event] = {}
    while rows := journal.events_after(seq, _PIECE):
        follow(standing, (event for _, event in rows))
        begin = max([begin, *(place for place, event in rows if event.kind is EventKind.START)])
        seq = rows[-1][0]
    # only a later start lies behind this one: a run killed before its gaps are stored tells them again
    with contextlib.suppress(StorageError):
        journal.set_cursor(CURSOR, begin)
    since: dict[tuple[str, str], Event] = {}
    for fault in standing.values():
        for instrument in [fault.instrument] if fault.instrument else members.get(fault.source, ()):
            known = since.get((fault.source, instrument))
            if known is None or fault.time_ns < known.time_ns:
                since[fault.source, instrument] = fault
    return [
        Event(begin_ns, EventKind.GAP, "no readings until the restart", source, instrument, end_ns=now_ns)
        for (source, instrument), fault in since.items()
        if (begin_ns := clock(fault.time_ns)) < now_ns
    ]


def follow(standing: dict[Key, Event], events: Iterable[Event]) -> None:
    """Takes events into the faults that stand; a start of the collector forgets older ones."""
    for event in events:
        key = (event.source, event.instrument)
        if event.kind is EventKind.START:
            standing.clear()
        lasting_alarm = event.kind is EventKind.ALARM and event.data.get("state") == "start"
        if event.kind is EventKind.FAULT_START or lasting_alarm:
            standing.setdefault(key, event)
        elif event.kind is EventKind.FAULT_END:
            standing.pop(key, None)
