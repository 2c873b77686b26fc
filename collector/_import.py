"""Files of interval data into the journal, through the same way in as live readings."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from collector.facts import site_facts
from collector.ingest import Ingest
from collector.ledger import Ledger
from dodac.clock import Clock, SystemClock, iso_utc
from dodac.contracts import Event, EventKind
from dodac.errors import ConfigError, DataError, StorageError, Where
from dodac.quantities import Measurement, nearest
from dodac.samples import Sample
from drivers.protocols.files import FileReading
from store import Journal

if TYPE_CHECKING:
    from dodac.site import Site

_FACTS: Final = (
    *("serial_number", "model", "firmware", "ct_ratio", "wiring"),
    *("fuel", "fuel_id", "o2_reference_pct", "co2_max_pct"),
)


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did; ledger holds only this import's counts."""

    reading: FileReading
    ledger: Ledger


def import_facts(site: Site | None, instrument: str, measurement: str | None) -> dict[str, str]:
    """Facts that make an imported instrument findable: its measurement, and who and where from a site.

    Raises ConfigError when the site file has no such instrument.
    """
    facts = {"measurement": measurement} if measurement else {}
    if site is not None:
        item = site.instrument(instrument)
        facts = {**site_facts(site, item, item.measurement), **facts}
    return facts


def import_into(path: Path, reading: FileReading, facts: Mapping[str, str]) -> ImportResult:
    """Commits a file's samples to a journal through Ingest, with one IMPORT event.

    Makes the journal where there is none. Raises StorageError when it is in use by another process
    or does not take the samples, ConfigError when nothing says what the instrument measures, DataError
    when there is not one reading.
    """
    instrument = reading.layout.instrument
    if not reading.counts.samples:
        raise DataError("no row holds a reading, nothing was imported.", Where(file=str(reading.path)))
    _check_is_journal(path)
    with Journal.open(path) as journal:
        known = journal.facts().get(instrument, {})
        if not facts.get("measurement") and not known.get("measurement"):
            raise ConfigError(
                f'nothing says yet what "{instrument}" measures.',
                todo=f"Add --measurement, one of: {', '.join(Measurement)}.",
            )
        before, now = known.get("measurement"), facts.get("measurement")
        if before and now and before != now:
            raise ConfigError(
                f'"{instrument}" is known to measure {before}, not {now}.',
                todo="Use another instrument id, or the measurement it has.",
            )
        journal.set_facts(instrument, {**_own_facts(reading, {**known, **facts}), **facts})
        return _keep(reading, journal, SystemClock())


def _own_facts(reading: FileReading, known: Mapping[str, str]) -> dict[str, str]:
    """What the file says of the instrument, where nothing is known yet; another serial number is told."""
    said = {name: reading.facts[name] for name in _FACTS if reading.facts.get(name)}
    for name, value in said.items():
        if known.get(name, value) != value:
            sys.stderr.write(
                f'{reading.path.name}: the file says {name} {value}, "{reading.layout.instrument}" has '
                f"{known[name]}; kept as it was\n"
            )
    return {name: value for name, value in said.items() if not known.get(name)}


def _check_is_journal(path: Path) -> None:
    # opening a journal sets a file that is none aside as damaged: not somebody's CSV file
    if path.is_dir():
        raise ConfigError("this is a folder, not a journal.", Where(file=str(path)), "Name a file in it.")
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return  # not there yet, or for Journal.open to tell
    ours = head == b"SQLite format 3\0" or path.with_name(path.name + "-mark").exists()
    if head and not ours:
        raise ConfigError(
            "this file is not a journal; it was left as it is.",
            Where(file=str(path)),
            "Name the journal with --journal, e.g. --journal building.db.",
        )


def _keep(reading: FileReading, journal: Journal, clock: Clock) -> ImportResult:
    source = f"file:{reading.path.name}"
    events = _new_events(reading, journal)
    ingest = Ingest(journal, clock, retry_s=(0.5, 2.0))
    ingest.start()
    try:
        ingest.layout(reading.layout)
        ingest.samples(_with_progress(reading.read(), reading.counts.samples), source=source)
        for event in events:
            ingest.event(event)
        ingest.event(_import_event(reading, source, clock.now_ns()))
    finally:
        done = ingest.stop(timeout_s=60.0)
    if not done:
        fault = ingest.status().fault or "the journal is busy"
        raise StorageError(f"not everything could be stored: {fault}.", Where(file=str(reading.path)))
    return ImportResult(reading, Ledger(ingest.counts()))


def _new_events(reading: FileReading, journal: Journal) -> list[Event]:
    """Events of the file that the journal does not have: a bill imported again costs once."""
    if not reading.events:
        return []
    there: set[tuple[str | None, int, str]] = set()
    after = 0
    while page := journal.events_after(after, 1000):
        after = page[-1][0]
        there.update((event.instrument, event.time_ns, event.text) for _, event in page)
    return [e for e in reading.events if (e.instrument, e.time_ns, e.text) not in there]


def _import_event(reading: FileReading, source: str, now_ns: int) -> Event:
    counts = reading.counts
    facts = {f"file {name}"[:80]: value for name, value in list(reading.facts.items())[:40]}
    return Event(
        now_ns,
        EventKind.IMPORT,
        f"{reading.path.name}: {counts.samples} samples, {iso_utc(reading.first_ns)} to {iso_utc(reading.last_ns)}",
        source,
        reading.layout.instrument,
        data={
            "file": str(reading.path),
            "rows": counts.rows,
            "samples": counts.samples,
            "refused": counts.refused,
            **facts,
        },
    )


def _with_progress(samples: Iterable[Sample], total: int, every: int = 50_000) -> Iterator[Sample]:
    for number, sample in enumerate(samples, start=1):
        if total > every and number % every == 0:
            sys.stderr.write(f"{number} of {total} samples\n")
        yield sample


def check_instrument_id(text: str, known: Sequence[str]) -> str:
    """An instrument id of the right shape; `known` ids help with a mistyped one.

    Raises ConfigError.
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", text):
        return text
    near = nearest(text, known)
    todo = f'Did you mean "{near}"?' if near else 'Use small letters, digits, "-", "." and "_".'
    raise ConfigError(f'"{text}" can\'t be an instrument id.', todo=todo)
