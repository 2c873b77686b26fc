"""One picture of the running collector: ledger, connections, sinks, ticks, loops, disk, alarms, of one moment."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from collector._socket import Picture
from collector._watch import LoopState
from collector.forwarder import Forwarder, SinkStatus
from collector.ingest import Ingest
from collector.ledger import Ledger, SourceCount
from collector.schedule import Schedule
from dodac import __version__
from dodac.clock import SECOND_NS, Clock, iso_utc
from dodac.contracts import Event
from dodac.site import Site
from store import Journal

if TYPE_CHECKING:
    from drivers import Connection

log = logging.getLogger("dodac.collector")

Tallies = Mapping[tuple[str, str], Mapping[str, int]]
T = TypeVar("T")

LOW_BYTES: Final = 200 * 1024 * 1024
"""Less free space than this is told: about a week of a small site, and room for SQLite to work."""
_PATIENCE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a picture is taken of."""

    site: Site
    clock: Clock
    journal: Journal
    ingest: Ingest
    schedule: Schedule
    connections: Sequence[Connection]
    forwarders: Sequence[Forwarder]


class Bounded(Generic[T]):
    """Asks something that may hang (a disk), waits a moment, and gives the last answer with its age in seconds.

    What fails (a file that was deleted) leaves the last answer to grow old; one log line tells it.
    """

    def __init__(self, ask: Callable[[], T], clock: Clock, patience_s: float = _PATIENCE_S) -> None:
        self._ask = ask
        self._clock = clock
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._asking: threading.Thread | None = None
        self._last: tuple[T, int] | None = None
        self._failing = False

    def __call__(self) -> tuple[T | None, float]:
        """(answer, its age); (None, 0) when none ever came in time."""
        with self._lock:
            thread = self._asking
            if thread is None or not thread.is_alive():
                thread = self._asking = threading.Thread(target=self._run, name="picture part", daemon=True)
                thread.start()
        thread.join(self._patience_s)
        last = self._last
        if last is None:
            return None, 0.0
        return last[0], max(0.0, (self._clock.monotonic_ns() - last[1]) / SECOND_NS)

    def _run(self) -> None:
        started = self._clock.monotonic_ns()
        try:
            self._last = (self._ask(), started)
        except Exception as error:  # noqa: BLE001  (a picture without the disk is better than none)
            if not self._failing:
                log.warning("the picture goes without the journal's disk: %s", error)
            self._failing = True
        else:
            self._failing = False


def since_the_journal_began(base: Tallies, live: Iterable[SourceCount]) -> tuple[SourceCount, ...]:
    """Counts of the running process on top of those the journal held when it started."""
    rows = {(row.instrument, row.source): row for row in live}
    found = []
    for key in sorted({*base, *rows}):
        before, row = base.get(key, {}), rows.get(key, SourceCount(*key))
        kept = Counter(
            {name: before.get(name, 0) for name in ("committed", "duplicate", "conflict", "dead_letter")}
        )
        found.append(
            SourceCount(
                *key,
                received=row.received + sum(kept.values()),
                committed=row.committed + kept["committed"],
                duplicate=row.duplicate + kept["duplicate"],
                conflict=row.conflict + kept["conflict"],
                dead_letter=row.dead_letter + kept["dead_letter"],
                in_flight=row.in_flight,
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Disk:
    """What only the journal's disk can tell."""

    sinks: tuple[SinkStatus, ...]
    oldest_ns: Mapping[str, int]
    last_seq: int
    size_bytes: int
    free_bytes: int


def disk_of(parts: Parts) -> Disk:
    """Sinks and sizes; may hang as long as the disk does."""
    path = parts.journal.path
    statuses = tuple(forwarder.status() for forwarder in parts.forwarders)
    oldest = {}
    for status in statuses:
        if status.counts.waiting:
            rows = parts.journal.waiting(status.sink, 1, newest_first=False)
            if rows:
                oldest[status.sink] = rows[0][1].time_ns
    sizes = [_size(Path(f"{path}{end}")) for end in ("", "-wal")]
    free = shutil.disk_usage(path.parent).free
    return Disk(statuses, oldest, parts.journal.last_seq(), sum(sizes), free)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


class Camera:
    """Takes pictures of a collector.

    base: the journal's tallies before this process stored anything. loops, alarms and more: told by
    those who know them, when a picture is taken.
    """

    def __init__(
        self,
        parts: Callable[[], Parts],
        base: Tallies,
        loops: Callable[[], Sequence[LoopState]],
        alarms: Callable[[], Sequence[Event]],
        more: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._parts = parts
        self._base = base
        self._loops = loops
        self._alarms = alarms
        self._more = more
        clock = parts().clock
        self._disk = Bounded(lambda: disk_of(parts()), clock)
        self._started_ns = clock.now_ns()

    def ledger(self) -> Ledger:
        """The ledger since the journal began, now."""
        disk, _ = self._disk()
        sinks = tuple(status.counts for status in disk.sinks) if disk is not None else ()
        return Ledger(since_the_journal_began(self._base, self._parts().ingest.counts()), sinks)

    def picture(self) -> Picture:
        """Everything, as plain data; at most a few seconds late where the disk hangs."""
        parts = self._parts()
        now_ns = parts.clock.now_ns()
        disk, disk_age_s = self._disk()
        sources = since_the_journal_began(self._base, parts.ingest.counts())
        sinks = disk.sinks if disk is not None else ()
        ledger = Ledger(sources, tuple(status.counts for status in sinks))
        found: Picture = {
            "site": parts.site.site.id,
            "version": __version__,
            "pid": os.getpid(),
            "started": iso_utc(self._started_ns),
            "time": iso_utc(now_ns),
            "ledger": ledger.as_dict(),
            "journal": None
            if disk is None
            else {
                "last_seq": disk.last_seq,
                "size_bytes": disk.size_bytes,
                "free_bytes": disk.free_bytes,
                "age_s": round(disk_age_s, 3),
            },
            "ingest": asdict(parts.ingest.status()),
            "connections": [_connection(connection) for connection in parts.connections],
            "sinks": [
                {
                    "sink": status.sink,
                    "state": status.state,
                    "message": status.message,
                    "since": iso_utc(status.since_ns),
                    "oldest_waiting_s": _age_s(disk.oldest_ns.get(status.sink), now_ns) if disk else 0.0,
                }
                for status in sinks
            ],
            "ticks": {name: asdict(ticks) for name, ticks in parts.schedule.ticks().items()},
            "loops": [asdict(state) for state in self._loops()],
            "alarms": [
                {"since": iso_utc(event.time_ns), "source": event.source, "instrument": event.instrument, "text": event.text}
                for event in self._alarms()
            ],
            **self._more(),
        }  # fmt: skip
        found["faults"] = faults_of(found)
        return found


def _age_s(time_ns: int | None, now_ns: int) -> float:
    return 0.0 if time_ns is None else round(max(0.0, (now_ns - time_ns) / SECOND_NS), 3)


def _connection(connection: Connection) -> dict[str, Any]:
    status = connection.status()
    return {
        "id": status.id,
        "state": status.state,
        "counters": dict(status.counters),
        "last_good": {name: iso_utc(time_ns) for name, time_ns in status.last_good_ns.items()},
    }


def faults_of(picture: Picture) -> list[dict[str, str]]:
    """What is wrong with the collector itself: a code, the part it concerns, and words.

    A meter that does not answer and a server that is away are not among it: nothing is lost there, and
    they stand under connections and sinks.
    """
    found = [
        {"code": "loop_stuck", "name": loop["name"], "text": f"the loop {loop['name']} has hung for {loop['silent_s']:.0f} s"}
        for loop in picture["loops"]
        if loop["state"] == "stuck"
    ]  # fmt: skip
    ingest = picture["ingest"]
    if ingest["fault"]:
        found.append({"code": "journal_fault", "name": "journal", "text": ingest["fault"]})
    elif ingest["state"] == "stopped":
        found.append({"code": "ingest_stopped", "name": "ingest", "text": "the thread that stores has ended"})
    if not picture["ledger"]["balanced"]:
        found.append({"code": "ledger_off", "name": "ledger", "text": "the ledger does not add up"})
    found += [
        {"code": "ledger_off", "name": "ledger", "text": alarm["text"]}
        for alarm in picture["alarms"]
        if alarm["source"] == "ledger"
    ]
    journal = picture["journal"]
    if journal is None or journal["age_s"] > 5 * _PATIENCE_S:
        found.append(
            {"code": "disk_silent", "name": "disk", "text": "the disk of the journal does not answer"}
        )
    elif journal["free_bytes"] < LOW_BYTES:
        free = f"only {journal['free_bytes'] / 1e6:.0f} MB are free on the disk of the journal"
        found.append({"code": "disk_low", "name": "disk", "text": free})
    return found
