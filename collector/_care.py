"""Cares for the running collector: watches its loops, replaces what hangs, checks the ledger, shows the picture."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from collector import ingest as _ingest
from collector._chores import Chores
from collector._completeness import Completeness, expected_of
from collector._gaps import follow
from collector._ledger_check import LedgerCheck
from collector._notify import Notify
from collector._picture import Camera, Parts, Tallies
from collector._points import Points
from collector._socket import Picture, PictureServer
from collector._watch import Loop, Watch, within
from dodac.clock import SECOND_NS
from dodac.contracts import Event, EventKind, Inbox
from dodac.errors import ConfigError
from store import SinkCounts

if TYPE_CHECKING:
    from collector._metrics_server import MetricsServer
    from collector.forwarder import Forwarder
    from drivers import Connection

log = logging.getLogger("dodac.collector")

MINUTE_S: Final = 60.0
_STATUS_EVERY: Final = 10  # turns of the watch
_COMMIT_S: Final = 60.0
_SCHEDULE_S: Final = 60.0
_LINE_S: Final = 180.0
_SINK_S: Final = 300.0
_CHORES_S: Final = 900.0


class Turning(Protocol):
    """A loop that tells when it last turned (monotonic ns), and its thread."""

    @property
    def turned_ns(self) -> int: ...
    @property
    def thread(self) -> threading.Thread | None: ...


class Door:
    """The way in of one connection; once shut, a thread that was given up ends at its next word."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox: Any = inbox

    def __getattr__(self, name: str) -> Any:
        # kept as an attribute of its own: the next call costs what a call of the inbox costs
        found = getattr(self._inbox, name)
        setattr(self, name, found)
        return found

    def shut(self) -> None:
        """Takes nothing more."""
        for name in [name for name in vars(self) if not name.startswith("_")]:
            delattr(self, name)
        self._inbox = _Shut()


class _Shut:
    def __getattr__(self, name: str) -> Any:
        # no Exception: a loop that catches its surprises would go on beside the one in its place
        raise SystemExit(f"{name}: this thread was replaced")


class Care:
    """What `dodac run` does about itself.

    replace: puts a fresh connection in the place of the one with that id; replace_forwarder: the same for a
    sink by its name. others: loops that only a new process replaces, with the time each may take.
    minutely: chores of each minute, in a thread of their own.
    """

    def __init__(
        self,
        parts: Callable[[], Parts],
        replace: Callable[[str], None],
        replace_forwarder: Callable[[str], None],
        base: Tallies,
        *,
        others: Sequence[tuple[str, float, Turning]] = (),
        notify: Notify | None = None,
    ) -> None:
        self._parts = parts
        self._replace = replace
        self._replace_forwarder = replace_forwarder
        self._others = others
        now = parts()
        self._clock = now.clock
        self._notify = notify or Notify()
        self._standing: dict[tuple[str, str | None], Event] = {}
        self._doors: dict[str, Door] = {}
        self._stop = threading.Event()
        self._turned_ns = 0
        self._thread: threading.Thread | None = None
        self._turns = 0
        report = now.ingest.event
        self._ledger = LedgerCheck(
            now.journal.path, base, now.ingest.counts, self._clock, report, self._at_sinks
        )
        expected = expected_of(now.site, now.connections)
        self.completeness = Completeness(now.journal, self._clock, now.site.site.timezone, lambda: expected)
        self.minutely: list[Callable[[], None]] = [self._ledger.run, self.completeness.run]
        self._work = Chores()
        self._points = Points(self._take, lambda: parts().forwarders, self._clock, now.site.site.company)
        self.minutely.append(self._points.run)
        self.watch = Watch(self._clock, report, self._notify, (self._tell_manager,))
        self.camera = Camera(
            parts, base, self.watch.states, lambda: tuple(self._standing.values()), self._more
        )
        self._server = PictureServer(now.journal.path, self.camera.picture)
        self._metrics: MetricsServer | None = None

    def way_in(self, id: str, inbox: Inbox) -> Inbox:
        """The inbox for a connection; that of an earlier one with this id takes nothing more."""
        if (old := self._doors.get(id)) is not None:
            old.shut()
        door = self._doors[id] = Door(inbox)
        return cast("Inbox", door)

    def heard(self, event: Event) -> None:
        """Follows what stands; called for each event that is stored."""
        follow(self._standing, [event])

    def start(self) -> None:
        """Everything runs: watches it, and tells the service manager that it is ready."""
        parts = self._parts()
        held = within(_ingest.__file__)
        self._add("ingest", _COMMIT_S, lambda: self._parts().ingest)
        if parts.schedule.thread is not None:
            self._add("schedule", _SCHEDULE_S, lambda: self._parts().schedule)
        for connection in parts.connections:
            if hasattr(connection, "turned_ns"):
                self._add_connection(connection, held)
        for forwarder in parts.forwarders:
            self._add_forwarder(forwarder.name)
        for name, patience_s, other in self._others:
            self._add(name, patience_s, lambda other=other: other)  # type: ignore[misc]
        self._turned_ns = self._clock.monotonic_ns()
        self._thread = threading.Thread(target=self._run, name="care", daemon=True)
        self._thread.start()
        self.watch.add(Loop("care", _CHORES_S, lambda: self._turned_ns, lambda: self._thread))
        self.watch.start()
        self._server.start()
        self._metrics = self._scraped(parts.site.collector.metrics)
        self._notify.ready(self._words())

    def watch_too(self, name: str, patience_s: float, loop: Turning) -> None:
        """Watches one loop more, which only a new process replaces."""
        self._add(name, patience_s, lambda: loop)

    def stop(self) -> None:
        """The stop begins: nothing is judged any more."""
        self._notify.stopping()
        self._server.stop()
        if self._metrics is not None:
            self._metrics.stop()
        self.watch.stop()
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2.0)
        self._ledger.close()
        self._work.do(self.completeness.keep)
        self.completeness.close()

    def _at_sinks(self) -> dict[str, SinkCounts]:
        parts = self._parts()
        return {one.name: parts.journal.sink_counts(one.name) for one in parts.forwarders}

    def _scraped(self, address: str | None) -> MetricsServer | None:
        """A port that is taken must not keep a plant from being read: it is told, and collecting goes on."""
        if address is None:
            return None
        from collector._metrics_server import MetricsServer

        try:
            server = MetricsServer(address, self.camera.picture, self._clock)
        except ConfigError as error:
            told = Event(
                self._clock.now_ns(), EventKind.ALARM, str(error), "metrics", data={"state": "start"}
            )
            self._parts().ingest.event(told)
            return None
        server.start()
        return server

    def _take(self) -> Picture:
        return self.camera.picture()

    def _more(self) -> dict[str, Any]:
        return {"completeness": [row.as_dict() for row in self.completeness.days()]}

    def _add(self, name: str, patience_s: float, what: Callable[[], Turning]) -> None:
        self.watch.add(Loop(name, patience_s, lambda: what().turned_ns, lambda: what().thread))

    def _add_connection(self, connection: Connection, held: Callable[..., bool]) -> None:
        def now() -> Turning:
            return cast("Turning", next(one for one in self._parts().connections if one.id == connection.id))

        patience_s = float(getattr(connection, "patience_s", _LINE_S))
        self.watch.add(
            Loop(
                f"connection {connection.id}",
                patience_s,
                lambda: now().turned_ns,
                lambda: now().thread,
                held=held,
                restart=lambda: self._replaced(connection.id),
            )
        )

    def _add_forwarder(self, name: str) -> None:
        def now() -> Forwarder:
            return next(one for one in self._parts().forwarders if one.name == name)

        def replaced() -> None:
            old = now()
            # its end is not waited for
            threading.Thread(target=old.stop, args=(0.0,), name=f"give up {name}", daemon=True).start()
            self._replace_forwarder(name)

        self.watch.add(
            Loop(f"sink {name}", _SINK_S, lambda: now().turned_ns, lambda: now().thread, restart=replaced)
        )

    def _replaced(self, id: str) -> None:
        """A fresh connection instead of one that hangs; what it did not read meanwhile is a gap."""
        old = next(one for one in self._parts().connections if one.id == id)
        last_good = old.status().last_good_ns
        self._doors[id].shut()
        threading.Thread(target=_give_up, args=(old,), name=f"give up {id}", daemon=True).start()
        self._replace(id)
        now_ns = self._clock.now_ns()
        report = self._parts().ingest.event
        for instrument in old.instruments:
            since_ns = last_good.get(instrument)
            if since_ns is not None and since_ns < now_ns:
                words = "no readings: the connection's thread hung and was replaced"
                report(Event(since_ns, EventKind.GAP, words, id, instrument, end_ns=now_ns))

    def _run(self) -> None:
        self._work.do(self.completeness.run)
        while not self._clock.wait(self._stop, MINUTE_S):
            for chore in self.minutely:
                self._turned_ns = self._clock.monotonic_ns()
                self._work.do(chore)
            self._turned_ns = self._clock.monotonic_ns() + round(MINUTE_S * SECOND_NS)

    def _tell_manager(self) -> None:
        self._turns += 1
        if self._turns % _STATUS_EVERY == 0 and self._notify.there:
            self._notify.status(self._words())

    def _words(self) -> str:
        parts = self._parts()
        rows = list(parts.ingest.counts())
        stored = sum(row.committed + row.conflict for row in rows)
        flying = sum(row.in_flight for row in rows)
        words = (
            f"{stored} samples stored since the start, {flying} in flight, {len(self._standing)} faults stand"
        )
        stuck = [state.name for state in self.watch.states() if state.state == "stuck"]
        return words + (f"; stuck: {', '.join(stuck)}" if stuck else "")


def _give_up(connection: Connection) -> None:
    try:
        connection.stop()
    except Exception:
        log.debug("a connection that was given up", exc_info=True)
