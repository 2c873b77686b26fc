"""The collector: connections, schedule, ingest, journal and sinks of one site, started and stopped together."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from collector._alive import Alive, turnaround_facts
from collector._care import Care, Turning
from collector._clock_keeper import ClockKeeper
from collector._counter_gate import CounterGate, counter_gate
from collector._gaps import gaps_of_standing_faults
from collector._picture import Parts
from collector._upkeep import Upkeep, plan_of
from collector.exchange import Waiting
from collector.facts import heard_facts, measurement_of, sink_configs, site_facts, tag_source
from collector.forwarder import Forwarder, Sink, SinkStatus
from collector.ingest import Ingest, IngestStatus
from collector.ledger import Ledger
from collector.schedule import Schedule, Ticks, jitter_ns
from dodac.clock import Clock, duration_ns
from dodac.contracts import Event, EventKind, Inbox
from dodac.site import Site
from store import InfluxSink, InfluxTarget, Journal

if TYPE_CHECKING:
    from drivers import Connection

log = logging.getLogger("dodac.collector")

_STOP_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class CollectorStatus:
    """What everything is doing now; `connections` holds each connection's own ConnectionStatus."""

    running: bool
    ingest: IngestStatus
    connections: tuple[Any, ...]
    sinks: tuple[SinkStatus, ...]
    ticks: dict[str, Ticks]


class Collector:
    """Collects a whole site: owns the journal, the schedule and the forwarders.

    connections: None opens those of the site file. extra_sinks: (name, sink) pairs beside those of
    the site file. wait_s: how long a process that writes the journal is waited for.
    Raises ConfigError when a profile or a secret does not fit, StorageError when the journal can't
    be opened; once started, a dead port, broker or server stops nothing else.
    """

    def __init__(
        self,
        site: Site,
        clock: Clock,
        *,
        connections: Sequence[Connection] | None = None,
        extra_sinks: Iterable[tuple[str, Sink]] = (),
        window: int = 4096,
        group_ms: int | None = None,
        wait_s: float = 0.0,
    ) -> None:
        if connections is None:
            from drivers import open_connections

            connections = open_connections(site, clock)
        self.site = site
        self._clock = clock
        self._connections = tuple(connections)
        sinks = [*influx_sinks(site), *extra_sinks]
        rates = {name: config.backlog_per_s for name, config in sink_configs(site).items()}
        plan = plan_of(site)
        group_ms = (
            group_ms if group_ms is not None else max(1, duration_ns(site.collector.group) // 1_000_000)
        )
        self.journal = Journal.open(site.journal_path, wait_s=wait_s)
        self._ingest = Ingest(
            self.journal,
            clock,
            window=window,
            group_ms=group_ms,
            # who asks for longer groups wants few writes: a pause in what comes does not end them
            idle_ms=10 if group_ms <= 100 else group_ms,
            on_event=self._keep_facts,
        )
        self._said: dict[str, dict[str, str]] = {}
        try:
            self._register()
        except BaseException:  # a full disk: whoever tries again must find the journal free
            self.journal.close()
            raise
        self._gate: CounterGate = counter_gate(site, self._said, self._ingest, self.journal)
        tags = tag_source(site, self.journal, self._connections)
        who = site.site

        def forwarder(name: str, sink: Sink) -> Forwarder:
            return Forwarder(
                self.journal,
                name,
                sink,
                clock,
                tags,
                self._ingest.event,
                company=who.company,
                site=who.id,
                backlog_per_s=rates.get(name),
            )

        self._make_forwarder = forwarder
        self._sinks = dict(sinks)
        self._forwarders = tuple(forwarder(name, sink) for name, sink in sinks)
        self._polled = {
            instrument: connection
            for connection in self._connections
            if connection.polled
            for instrument in connection.instruments
        }
        intervals = {name: site.instrument(name).every_ns for name in self._polled}
        self._clock_keeper = ClockKeeper(self.journal, self._ingest, clock, site.collector.clock)
        jitter = duration_ns(site.collector.jitter) if site.collector.jitter is not None else 0
        offsets = {
            name: jitter_ns(f"{who.company}/{who.id}/{name}", jitter, every)
            for name, every in intervals.items()
        }
        self._schedule = Schedule(
            intervals,
            self._poll,
            clock,
            self._ingest.event,
            offsets=offsets,
            host=self._clock_keeper.host,
        )
        self._exchanges = Waiting(site, clock, self._ingest)
        self._alive = Alive(
            self.journal,
            clock,
            lambda: turnaround_facts(c.status() for c in self._connections),
            chore=self._exchanges.look,
        )
        self._upkeep = Upkeep(
            self.journal,
            clock,
            self._ingest.event,
            plan,
            [name for name, _ in sinks],
            lambda: self._clock_keeper.host.trust,
        )
        self._care = Care(
            self.parts,
            self._replace,
            self._replace_forwarder,
            self.journal.tallies(),
            others=(
                ("clock", 120.0, self._clock_keeper),
                ("upkeep", 3600.0, self._upkeep),
                ("alive", 120.0, self._alive),
            ),
        )
        self._running = False

    @property
    def inbox(self) -> Inbox:
        """The one way in, for imports, forms and tests."""
        return self._ingest

    def start(self) -> None:
        """Starts everything; never raises because a port, broker or server is away."""
        if self._running:
            return
        self._running = True
        self._ingest.start()
        for gap in self._gaps():
            self._ingest.event(gap)
        self._clock_keeper.start()
        self._alive.start()
        self._upkeep.start()
        polled = len(self._polled)
        streamed = sum(len(c.instruments) for c in self._connections) - polled
        text = (
            f"{polled} polled and {streamed} streamed instruments on {len(self._connections)} connections "
            f"into {self.site.journal_path}"
        )
        said = self._clock_keeper.start_data()
        self._ingest.event(Event(self._clock.now_ns(), EventKind.START, text, "collector", data=said))
        for connection in self._connections:
            try:
                connection.start(self._care.way_in(connection.id, self._way_in(connection)))
            except Exception as error:
                log.debug("connection %s", connection.id, exc_info=True)
                failed = f"could not start, the others go on: {type(error).__name__}: {error}"
                self._ingest.event(Event(self._clock.now_ns(), EventKind.ALARM, failed, connection.id))
        self._schedule.start()
        for forwarder in self._forwarders:
            forwarder.start()
        self._care.start()

    def stop(self) -> bool:
        """Stops everything within a few seconds; False when storage did not take what was received.

        What hangs (a line, a server) is left behind with one log line; it can't lose anything.
        """
        if not self._running:
            self.journal.close()
            return True
        self._running = False
        self._care.stop()
        self._schedule.stop()
        self._clock_keeper.stop()
        stops = [_in_thread(f"stop {c.id}", c.stop) for c in self._connections]
        for thread in stops:
            thread.join(_STOP_S)
        self._ingest.event(Event(self._clock.now_ns(), EventKind.STOP, "stopped", "collector"))
        self._alive.stop()
        self._upkeep.stop()
        stored = self._ingest.stop()
        # a connection that waited for room in the window is free now
        for thread in stops:
            thread.join(1.0)
        hanging = [thread.name for thread in stops if thread.is_alive()]
        sinks = [_in_thread(f"stop {f.status().sink}", f.stop) for f in self._forwarders]
        for thread in sinks:
            thread.join(_STOP_S + 1)
        hanging += [forwarder.status().sink for forwarder in self._forwarders if forwarder.busy]
        if hanging:
            log.warning("still busy after %.0f s and left behind: %s", _STOP_S, ", ".join(hanging))
        if stored:
            self.journal.close()
        return stored

    def ledger(self) -> Ledger:
        """The counts since the start per source, and since the journal was made per sink."""
        sinks = tuple(forwarder.counts() for forwarder in self._forwarders)
        return Ledger(self._ingest.counts(), sinks)

    def parts(self) -> Parts:
        """What the picture of this collector is taken of, and what the watch looks at."""
        return Parts(
            self.site,
            self._clock,
            self.journal,
            self._ingest,
            self._schedule,
            self._connections,
            self._forwarders,
        )

    def ledger_now(self) -> Ledger:
        """The counts since the journal began, of this moment."""
        return self._care.camera.ledger()

    def picture(self) -> dict[str, Any]:
        """Everything at one moment, as plain data: what other processes see over the socket."""
        return self._care.camera.picture()

    def also_watch(self, name: str, patience_s: float, loop: Turning) -> None:
        """Watches a loop beside the collector's own, which only a new start of the process replaces."""
        self._care.watch_too(name, patience_s, loop)

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Waits until everything given so far is in the journal."""
        return self._ingest.flush(timeout_s)

    def status(self) -> CollectorStatus:
        """What everything is doing."""
        return CollectorStatus(
            running=self._running,
            ingest=self._ingest.status(),
            connections=tuple(connection.status() for connection in self._connections),
            sinks=tuple(forwarder.status() for forwarder in self._forwarders),
            ticks=self._schedule.ticks(),
        )

    def _gaps(self) -> list[Event]:
        since = self._clock_keeper.host.since
        away = self._alive.gap(since)
        members = {connection.id: connection.instruments for connection in self._connections}
        found = gaps_of_standing_faults(self.journal, members, self._clock.now_ns(), since)
        return found if away is None else [away, *found]

    def _way_in(self, connection: Connection) -> Inbox:
        """What a person typed was asked about already; everything else passes the rules of counters."""
        config = self.site.connections.get(connection.id)
        if config is not None and config.kind == "manual":
            return self._ingest
        return self._clock_keeper.inbox(self._gate)

    def _replace(self, id: str) -> None:
        """Puts a fresh connection in the place of one whose thread hangs, once what that gave is stored.

        A broker's fresh connection must know all receipts of the old one, or it takes again what it is sent again.
        """
        from drivers import open_connections

        stored = threading.Event()
        self._ingest.samples((), source=id, done=stored.set)
        while self._running and not stored.wait(1.0):
            pass

        fresh = next(one for one in open_connections(self.site, self._clock) if one.id == id)
        if (remember := getattr(fresh, "remember", None)) is not None:
            remember(self._ingest)
        self._connections = tuple(fresh if one.id == id else one for one in self._connections)
        if fresh.polled:
            self._polled.update(dict.fromkeys(fresh.instruments, fresh))
        fresh.start(self._care.way_in(id, self._way_in(fresh)))

    def _replace_forwarder(self, name: str) -> None:
        """Puts a fresh forwarder, with a request client of its own, in the place of one whose request hangs.

        What both of them send and mark is the same twice: neither the server nor the journal minds.
        """
        sink = dict(influx_sinks(self.site)).get(name, self._sinks[name])
        fresh = self._make_forwarder(name, sink)
        self._forwarders = tuple(fresh if one.name == name else one for one in self._forwarders)
        fresh.start()

    def _poll(self, instrument: str, due_ns: int) -> bool:
        return self._polled[instrument].poll(instrument, due_ns)

    def _register(self) -> None:
        from drivers.rollover import rollover_facts

        for connection in self._connections:
            remember = getattr(connection, "remember", None)
            if remember is not None:  # it may ask what earlier runs stored
                remember(self._ingest)
            for layout in connection.layouts():
                self.journal.layout(layout)
                self._ingest.layout(layout)
        for item in self.site.instruments:
            measurement = measurement_of(item, self._connections)
            said = site_facts(self.site, item, measurement)
            self._said[item.id] = {**said, **rollover_facts(self.site, item)}
            self.journal.set_facts(item.id, self._said[item.id])

    def _keep_facts(self, event: Event) -> None:
        self._gate.heard(event)
        self._care.heard(event)
        self._exchanges.heard(event)
        heard = heard_facts(event, self._said.get(event.instrument or "", {}))
        if heard and event.instrument is not None:
            self.journal.set_facts(event.instrument, heard)


def influx_sinks(site: Site) -> list[tuple[str, Sink]]:
    """The sinks of the site file, [influxdb] and every [sinks.ID], each with its name.

    Raises ConfigError when a secret can't be read or others may read it, or two are the same bucket.
    """
    found: list[tuple[str, Sink]] = []
    for name, config in sink_configs(site).items():
        target = partial(InfluxTarget.of_site, site, config)
        found.append((name, InfluxSink(target(), target)))
    return found


def _in_thread(name: str, target: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        try:
            target()
        except Exception:
            log.exception("%s failed", name)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread
