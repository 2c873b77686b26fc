"""What `dodac status` tells of a journal, also while another process collects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector._alive import TURNAROUND
from collector._gaps import follow
from collector._socket import Picture, Seen, look
from collector.facts import sink_configs
from collector.ledger import Ledger, SinkCount, SourceCount, table
from dodac.clock import iso_utc, local_text, parse_time_ns
from dodac.contracts import DeadLetter, Event
from dodac.errors import StorageError, Where
from drivers._spool import Spool, SpoolState
from store import Accounts, JournalStore, SinkCounts

if TYPE_CHECKING:
    from dodac.site import Site

_FOREVER_NS = 1 << 62
_ENOUGH = 0.995
_WORST = 5
_COLUMNS = 80


@dataclass(frozen=True, slots=True)
class InstrumentRow:
    """One instrument's stored samples, its last time, and since when it is in fault ("" when it is not).

    turnaround: how fast it answers, in ms, and how often too late, since the collector's last start; empty
    for one that is not asked.
    """

    instrument: str
    samples: int
    last: str
    fault_since: str = ""
    fault: str = ""
    turnaround: Mapping[str, float] = field(default_factory=dict)

    def answers(self) -> str:
        """The turnaround for people."""
        if not self.turnaround:
            return "–"
        times = "/".join(f"{self.turnaround[f'{name}_ms']:.0f}" for name in ("min", "median", "max"))
        late = int(self.turnaround.get("late", 0))
        return f"{times} ms" + (f", {late} late" if late else "")


@dataclass(frozen=True, slots=True)
class Report:
    """The state of a journal: accounts since it began, instruments, faults that have not ended."""

    journal: str
    samples: int
    events: int
    dead_letters: int
    lost: int
    size_bytes: int
    ledger: Ledger
    instruments: tuple[InstrumentRow, ...]
    open_faults: tuple[Event, ...]
    set_aside: tuple[DeadLetter, ...] = ()
    zone: str = "UTC"
    entries: SpoolState = field(default_factory=SpoolState)
    seen: Seen = field(default_factory=Seen)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "journal": self.journal,
            "samples": self.samples,
            "events": self.events,
            "dead_letters": self.dead_letters,
            "lost": self.lost,
            "size_bytes": self.size_bytes,
            "collector": self.seen.picture,
            "running": self.seen.running,
            "ledger": self.ledger.as_dict(),
            "entries": asdict(self.entries),
            "instruments": [asdict(row) for row in self.instruments],
            "open_faults": [
                {"since": iso_utc(e.time_ns), "source": e.source, "instrument": e.instrument, "text": e.text}
                for e in self.open_faults
            ],
            "set_aside": [
                {"last": iso_utc(letter.time_ns), "source": letter.source, "instrument": letter.instrument,
                 "topic": letter.topic, "reason": letter.reason}
                for letter in self.set_aside
            ],
        }  # fmt: skip

    def text(self) -> str:
        """The report for people."""
        head = (
            f"{self.journal}: {self.samples} samples, {self.events} events, {self.dead_letters} dead letters, "
            f"{self.size_bytes / 1e6:.1f} MB"
        )
        if self.lost:
            head += f"; {self.lost} samples were lost to damage of the file"
        parts = [head, self._running()]
        if self.open_faults:
            parts.append(
                "Open faults and gaps:\n"
                + "\n".join(
                    f"  since {local_text(e.time_ns, self.zone)}  {e.instrument or e.source}: {e.text}"
                    for e in self.open_faults
                )
            )
        if self.instruments:
            parts.append(self._instruments())
        parts.append(self.ledger.text())
        if self.entries.waiting or self.entries.refused:
            parts.append(
                f"Readings by hand: {self.entries.waiting} wait to be stored, {self.entries.refused} set aside "
                f"(dodac doctor says what to do)"
            )
        if self.set_aside:
            parts.append(
                "Set aside (dead letters), the newest of each kind:\n"
                + "\n".join(
                    f"  {local_text(d.time_ns, self.zone)}  {d.instrument or '(unknown)'} from {d.source}: {d.reason}"
                    + (f" (topic {d.topic})" if d.topic else "")
                    for d in self.set_aside
                )
            )
        return "\n\n".join(part for part in parts if part)

    def _instruments(self) -> str:
        head = ("instrument", "samples", f"last ({self.zone})", "answers in", "fault")
        rows = [
            (row.instrument, row.samples, self._local(row.last), row.answers(), "")
            for row in self.instruments
        ]
        # the whole fault stands above: a terminal of 80 columns keeps the table a table
        room = max(
            _COLUMNS - max(len(line) for line in table(head[:4], [row[:4] for row in rows]).split("\n")) - 2,
            12,
        )
        words = [row.fault or "–" for row in self.instruments]
        short = [text if len(text) <= room else f"{text[: room - 1].rstrip()}…" for text in words]
        return table(head, [(*row[:4], text) for row, text in zip(rows, short, strict=True)])

    def _running(self) -> str:
        picture = self.seen.picture
        if picture is None:
            if self.seen.silent:
                return (
                    "dodac run holds the journal but does not answer; the ledger is as the journal holds it."
                )
            if self.seen.denied:
                return "Whether dodac run works on it, only its user or root can see; the ledger is as the journal holds it."
            return "No dodac run works on it now: nothing is in flight."
        words = f"dodac run works (process {picture['pid']}, since {self._local(picture['started'])})."
        lines = [f"FAULT {fault['text']}" for fault in picture["faults"]]
        return "\n  ".join([words, *lines, *completeness_words(picture.get("completeness", []))])

    def _local(self, last: str) -> str:
        return local_text(parse_time_ns(last, "UTC"), self.zone) if last != "never" else last


def ledger_of(view: Accounts, sinks: Sequence[str] | None = None) -> Ledger:
    """The ledger since the journal began; nothing is in flight in a journal.

    sinks: names of those that the site file has: to one that took nothing yet, everything waits, and
    others were removed. None without a site file.
    """
    sources = []
    for (instrument, source), tally in sorted(view.tallies.items()):
        counts = {name: tally.get(name, 0) for name in ("committed", "duplicate", "conflict", "dead_letter")}
        sources.append(SourceCount(instrument, source, received=sum(counts.values()), **counts))
    held = view.counts
    fresh = SinkCounts(0, 0, 0, waiting=held.samples, dropped=held.dropped)
    rows = tuple(
        SinkCount(
            sink=name,
            committed=held.samples + held.dropped,
            delivered=known.delivered,
            waiting=known.waiting,
            rejected=known.rejected,
            expired=known.expired,
            dropped=known.dropped,
            removed=sinks is not None and name not in sinks,
        )
        for name, known in sorted({**dict.fromkeys(sinks or (), fresh), **view.sinks}.items())
    )
    return Ledger(tuple(sources), rows)


def ledger_now(view: Accounts, sinks: Sequence[str] | None, picture: Picture | None) -> Ledger:
    """The ledger of the running collector, with sinks that only the journal remembers; else the journal's."""
    stored = ledger_of(view, sinks)
    if picture is None:
        return stored
    live = live_ledger(picture)
    known = {row.sink for row in live.sinks}
    return Ledger(live.sources, (*live.sinks, *(row for row in stored.sinks if row.sink not in known)))


def live_ledger(picture: Picture) -> Ledger:
    """The ledger of a running collector, as it told it; of another version, what we know of it."""
    told = picture["ledger"]
    sources = [{name: row[name] for name in SourceCount.__slots__ if name in row} for row in told["sources"]]
    sinks = [{name: row[name] for name in SinkCount.__slots__ if name in row} for row in told["sinks"]]
    return Ledger(tuple(SourceCount(**row) for row in sources), tuple(SinkCount(**row) for row in sinks))


def completeness_words(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Received of expected today: all together, and the channels that lack most."""
    today = max((str(row["day"]) for row in rows), default="")
    mine = [row for row in rows if row["day"] == today and row["expected"]]
    if not mine:
        return []
    good = sum(min(row["good"], row["expected"]) for row in mine)
    share = 100 * good / sum(row["expected"] for row in mine)
    words = [f"Completeness today: {share:.1f} % of the expected readings are good."]
    lacking: dict[tuple[Any, ...], list[str]] = {}
    for row in mine:
        if row["complete"] < _ENOUGH:
            same = (row["complete"], row["instrument"], row["missed"], row["flagged"], row["expected"])
            lacking.setdefault(same, []).append(row["channel"])
    worst = sorted(lacking.items())
    for (complete, instrument, missed, flagged, expected), channels in worst[:_WORST]:
        what = channels[0] if len(channels) == 1 else f"({len(channels)} channels)"
        words.append(
            f"  {instrument} {what}: {100 * complete:.1f} % ({missed} missed, {flagged} flagged of {expected})"
        )
    if len(worst) > _WORST:
        words.append(
            f"  and {sum(len(channels) for _, channels in worst[_WORST:])} channels more (--json has all)"
        )
    return words


def open_faults(events: Iterable[Event]) -> tuple[Event, ...]:
    """Faults that started and have not ended, oldest first; a new start of the collector forgets older ones."""
    standing: dict[tuple[str, str | None], Event] = {}
    follow(standing, events)
    return tuple(standing.values())


def read_report(path: Path, site: Site | None) -> Report:
    """Reads a journal's report; instruments of the site file that have no samples yet are listed too.

    Raises StorageError when there is no journal or it can't be read.
    """
    seen = look(path)
    with JournalStore(path) as store:
        view = store.accounts()
        faults = open_faults(store.events(0, _FOREVER_NS))
        turnaround = store.facts().get(TURNAROUND, {})
        letters = {(d.instrument, d.source, d.reason): d for d in reversed(store.dead_letters(200))}
    by_instrument = {event.instrument: event for event in faults if event.instrument is not None}
    names = dict.fromkeys([item.id for item in site.instruments] if site is not None else [])
    names |= dict.fromkeys(sorted(view.counts.per_instrument))
    by_connection = {event.source: event for event in faults if event.instrument is None}
    connection_of = {item.id: item.connection or "" for item in site.instruments} if site is not None else {}
    rows = []
    for name in names:
        fault = by_instrument.get(name) or by_connection.get(connection_of.get(name, ""))
        last_ns = view.last_ns.get(name)
        rows.append(
            InstrumentRow(
                instrument=name,
                samples=view.counts.per_instrument.get(name, 0),
                last=iso_utc(last_ns) if last_ns is not None else "never",
                fault_since=iso_utc(fault.time_ns) if fault is not None else "",
                fault=fault.text if fault is not None else "",
                turnaround=_turnaround(turnaround.get(name, "")),
            )
        )
    counts = view.counts
    return Report(
        journal=str(path),
        samples=counts.samples,
        events=counts.events,
        dead_letters=counts.dead_letters,
        lost=counts.lost,
        size_bytes=counts.size_bytes,
        ledger=ledger_now(view, list(sink_configs(site)) if site is not None else None, seen.picture),
        instruments=tuple(rows),
        open_faults=faults,
        set_aside=tuple(sorted(letters.values(), key=lambda letter: -letter.time_ns)[:10]),
        zone=site.site.timezone if site is not None else "UTC",
        entries=_entries(path),
        seen=seen,
    )


def _entries(journal: Path) -> SpoolState:
    spool = Spool.beside(journal)
    try:
        return spool.state()
    except OSError as error:
        raise StorageError(
            f"waiting entries can't be read: {error.strerror or error}.",
            Where(file=str(spool.folder)),
            "Correct the folder's rights.",
        ) from None


def _turnaround(text: str) -> dict[str, float]:
    """What the collector noted; nothing where the text is none of its own."""
    wanted = {"answers", "min_ms", "median_ms", "max_ms", "late"}
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    whole = isinstance(found, dict) and wanted <= set(found)
    return {name: float(found[name]) for name in sorted(wanted)} if whole else {}
