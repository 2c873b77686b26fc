"""The collector's picture as Prometheus text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from collector._socket import Seen
from collector.ledger import Ledger
from dodac import __version__
from dodac.clock import SECOND_NS, parse_time_ns

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_SOURCE_COUNTS: Final = {
    "received": "Samples, and payloads that could not become samples, that a source handed over.",
    "committed": "New samples on the disk.",
    "duplicate": "Samples that were there already.",
    "conflict": "Samples with the time of another one and other content; kept and flagged.",
    "dead_letter": "Payloads that could not become samples; kept with the reason.",
}
_SINK_COUNTS: Final = {
    "delivered": "Samples that the sink took.",
    "rejected": "Samples that the sink refused; kept in the journal.",
    "expired": "Samples older than what the sink keeps.",
    "dropped": "Samples that the journal's limits took before the sink had them.",
}
_TICKS: Final = {
    "due": "Reads that the schedule called for.",
    "sent": "Reads that were asked for in time.",
    "missed": "Reads that were not asked for: an earlier one was still under way, or the machine was too busy.",
}
_COMPLETENESS: Final = {
    "good": "Good readings of a channel.",
    "flagged": "Readings that came and are not good.",
    "missed": "Readings that were expected and did not come.",
    "expected": "Readings that were expected.",
}
_GAUGES_AMONG: Final = frozenset({"low_latency"})


def metrics_text(seen: Seen, ledger: Ledger, now_ns: int) -> bytes:
    """All metrics; ledger: since the journal began, whether a collector runs or not."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.registry import Collector as Source

    class _Picture(Source):
        def collect(self) -> Iterator[Metric]:
            yield from _families(seen, ledger, now_ns)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Picture())
    return generate_latest(registry)


def content_type() -> str:
    """The content type of the text."""
    from prometheus_client import CONTENT_TYPE_LATEST

    return CONTENT_TYPE_LATEST


Row = tuple[Sequence[str], float]


def _gauge(name: str, help: str, labels: Sequence[str], rows: Sequence[Row]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, help, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family


def _counter(name: str, help: str, labels: Sequence[str], rows: Sequence[Row]) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(name, help, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family


def _families(seen: Seen, ledger: Ledger, now_ns: int) -> Iterator[Metric]:
    yield _gauge("dodac_build_info", "The version of dodac.", ("version",), [((__version__,), 1.0)])
    up = "1 while dodac run works on this journal and answers."
    yield _gauge("dodac_collector_up", up, (), [((), float(seen.picture is not None))])
    yield from _ledger(ledger)
    if seen.picture is not None:
        yield from _running(seen.picture, now_ns)


def _ledger(ledger: Ledger) -> Iterator[Metric]:
    off = "1 while no sample is unaccounted for."
    yield _gauge("dodac_ledger_balanced", off, (), [((), float(ledger.balanced()))])
    labels = ("instrument", "source")
    for name, words in _SOURCE_COUNTS.items():
        rows = [((row.instrument, row.source), float(getattr(row, name))) for row in ledger.sources]
        yield _counter(f"dodac_samples_{name}", f"{words} Since the journal began.", labels, rows)
    flying = [((row.instrument, row.source), float(row.in_flight)) for row in ledger.sources]
    words = "Samples taken, not yet on the disk and not yet acknowledged."
    yield _gauge("dodac_samples_in_flight", words, labels, flying)
    of_site = [row for row in ledger.sinks if not row.removed]
    for name, words in _SINK_COUNTS.items():
        sinks = [((row.sink,), float(getattr(row, name))) for row in of_site]
        yield _counter(f"dodac_sink_samples_{name}", f"{words} Since the journal began.", ("sink",), sinks)
    waiting = [((row.sink,), float(row.waiting)) for row in of_site]
    yield _gauge("dodac_sink_samples_waiting", "Samples that the sink does not have yet.", ("sink",), waiting)


def _running(picture: Mapping[str, Any], now_ns: int) -> Iterator[Metric]:
    started = parse_time_ns(picture["started"], "UTC") / SECOND_NS
    yield _gauge("dodac_start_time_seconds", "When dodac run was started (Unix time).", (), [((), started)])
    yield _counter(
        "dodac_commits", "Commits to the journal since the start.", (), [((), picture["ingest"]["commits"])]
    )
    faults = float(len(picture["faults"]))
    yield _gauge("dodac_faults", "Faults of the collector itself that stand now.", (), [((), faults)])
    alarms = float(len(picture["alarms"]))
    words = "Faults and alarms of instruments, connections, sinks and the collector that stand now."
    yield _gauge("dodac_standing_faults", words, (), [((), alarms)])
    yield from _disk(picture)
    yield from _ways(picture, now_ns)
    yield from _completeness(picture.get("completeness", []))
    loops = picture["loops"]
    silent = [((loop["name"],), loop["silent_s"]) for loop in loops]
    yield _gauge("dodac_loop_silent_seconds", "Since a loop of dodac run last turned.", ("loop",), silent)
    stuck = [((loop["name"],), float(loop["state"] == "stuck")) for loop in loops]
    yield _gauge("dodac_loop_stuck", "1 for a loop that has not turned for too long.", ("loop",), stuck)
    again = [((loop["name"],), float(loop["restarts"])) for loop in loops]
    yield _counter("dodac_loop_restarts", "How often a loop was replaced since the start.", ("loop",), again)


def _completeness(rows: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
    today = max((str(row["day"]) for row in rows), default="")
    mine = [row for row in rows if row["day"] == today]
    labels = ("instrument", "channel")
    for name, words in _COMPLETENESS.items():
        counts = [
            ((row["instrument"], row["channel"]), float(row[name])) for row in mine if row[name] is not None
        ]
        yield _gauge(f"dodac_channel_{name}_today", f"{words} Since midnight at the site.", labels, counts)


def _disk(picture: Mapping[str, Any]) -> Iterator[Metric]:
    journal = picture["journal"]
    if journal is not None:
        size, free = float(journal["size_bytes"]), float(journal["free_bytes"])
        yield _gauge("dodac_journal_size_bytes", "Bytes of the journal with its WAL.", (), [((), size)])
        yield _gauge("dodac_journal_free_bytes", "Bytes free on the journal's disk.", (), [((), free)])
        words = "Rows ever given out in the journal."
        yield _counter("dodac_journal_rows", words, (), [((), float(journal["last_seq"]))])
    sinks = picture["sinks"]
    age = [((sink["sink"],), sink["oldest_waiting_s"]) for sink in sinks]
    words = "Age of the oldest sample that the sink does not have yet; 0 when it has all."
    yield _gauge("dodac_sink_oldest_waiting_seconds", words, ("sink",), age)
    up = [((sink["sink"],), float(sink["state"] == "up")) for sink in sinks]
    yield _gauge("dodac_sink_up", "1 while the sink takes samples.", ("sink",), up)


def _ways(picture: Mapping[str, Any], now_ns: int) -> Iterator[Metric]:
    for name, words in _TICKS.items():
        rows = [((instrument,), float(ticks[name])) for instrument, ticks in sorted(picture["ticks"].items())]
        yield _counter(f"dodac_ticks_{name}", f"{words} Since the start.", ("instrument",), rows)
    up, counts, ages = [], [], []
    for connection in picture["connections"]:
        name = connection["id"]
        up.append(((name,), float(connection["state"] == "up")))
        counts += [
            ((name, what), float(count))
            for what, count in sorted(connection["counters"].items())
            if what not in _GAUGES_AMONG
        ]
        ages += [
            ((instrument,), max(0.0, (now_ns - parse_time_ns(time, "UTC")) / SECOND_NS))
            for instrument, time in sorted(connection["last_good"].items())
        ]
    yield _gauge("dodac_connection_up", "1 while a line or broker is there.", ("connection",), up)
    words = "What a connection counted since the start: requests, answers, timeouts, late, messages …"
    yield _counter("dodac_connection_counts", words, ("connection", "what"), counts)
    words = "Since an instrument's last good sample of this run."
    yield _gauge("dodac_last_sample_age_seconds", words, ("instrument",), ages)
