"""Files of interval data into the journal, through the same way in as live readings."""

from __future__ import annotations

import logging
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from collector._import_words import Column, option
from collector.facts import site_facts
from collector.ingest import Ingest
from collector.ledger import Ledger
from dodac.clock import Clock, SystemClock, iso_utc
from dodac.contracts import Event, EventKind
from dodac.errors import ConfigError, DataError, StorageError, Where
from dodac.quantities import CHANNELS, Measurement, channel, nearest
from dodac.samples import Sample
from dodac.units import canonical_unit
from drivers.protocols.files import FileReading, header_of
from store import Journal

if TYPE_CHECKING:
    from dodac.site import Site

log = logging.getLogger("dodac.collector")

# words found in headers of interval files → channel and, where the word says it, unit
SYNONYMS: Final[dict[str, tuple[str, str | None]]] = {
    "kwh": ("energy_interval_kwh", None),
    "eload": ("energy_interval_kwh", None),
    "energy": ("energy_interval_kwh", None),
    "energy kwh": ("energy_interval_kwh", None),
    "electricity": ("energy_interval_kwh", None),
    "electricity kwh": ("energy_interval_kwh", None),
    "consumption": ("energy_interval_kwh", None),
    "consumption kwh": ("energy_interval_kwh", None),
    "dien nang": ("energy_interval_kwh", None),
    "dien nang kwh": ("energy_interval_kwh", None),
    "mwh": ("energy_interval_kwh", "MWh"),
    "power": ("power_w", None),
    "kw": ("power_w", "kW"),
    "power kw": ("power_w", "kW"),
    "cong suat kw": ("power_w", "kW"),
    "temp": ("temperature_c", None),
    "temperature": ("temperature_c", None),
    "oat": ("temperature_c", None),
    "outdoor temperature": ("temperature_c", None),
    "outdoor air temperature": ("temperature_c", None),
    "drybulb": ("temperature_c", None),
    "temp f": ("temperature_c", "degF"),
    "temp c": ("temperature_c", "degC"),
    "nhiet do": ("temperature_c", None),
    "rh": ("humidity_pct", None),
    "humidity": ("humidity_pct", None),
    "do am": ("humidity_pct", None),
    "production": ("output_units", None),
    "output": ("output_units", None),
    "san luong": ("output_units", None),
    "water": ("volume_interval_m3", None),
    "water m3": ("volume_interval_m3", None),
    "nuoc m3": ("volume_interval_m3", None),
    "gas": ("gas_interval_nm3", None),
    "gas nm3": ("gas_interval_nm3", None),
    "coal kg": ("fuel_interval_kg", None),
    "than kg": ("fuel_interval_kg", None),
}


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did; ledger holds only this import's counts."""

    reading: FileReading
    ledger: Ledger


def parse_column(text: str) -> Column:
    """ "NAME=CHANNEL[:UNIT]" as (name, channel, unit or None).

    Raises ConfigError for another shape, an unknown channel or an unknown unit.
    """
    name, sign, rest = text.rpartition("=")
    target, _, unit = rest.partition(":")
    if not sign or not name.strip() or not target.strip():
        raise ConfigError(
            f'--column "{text}" has another shape.', todo="Write NAME=CHANNEL or NAME=CHANNEL:UNIT."
        )
    try:
        found = channel(target.strip()).name
        if unit.strip():
            canonical_unit(unit)
    except ValueError as error:
        raise ConfigError(f'--column "{text}": {error}') from None
    return name.strip(), found, unit.strip() or None


def guess_columns(header: Sequence[str]) -> list[Column]:
    """The columns whose names are known words, each channel once, in the file's order."""
    found: list[Column] = []
    taken: set[str] = set()
    for name in header:
        guess = (name, None) if name in CHANNELS else SYNONYMS.get(_plain(name))
        if guess is not None and guess[0] not in taken:
            taken.add(guess[0])
            found.append((name, *guess))
    return found


def _plain(name: str) -> str:
    flat = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    flat = "".join(sign for sign in flat if not unicodedata.combining(sign))
    return re.sub(r"[^a-z0-9]+", " ", flat.replace("³", "3")).strip()


def columns_or_fault(given: Sequence[str], path: Path, *, preview: bool) -> tuple[list[Column], bool]:
    """The columns to read and whether they were guessed.

    Raises ConfigError when none is given, with the guess as a proposal, unless `preview` shows it.
    """
    if given:
        return [parse_column(text) for text in given], False
    header = header_of(path)
    guessed = guess_columns(header)
    names = ", ".join(f'"{name}"' for name in header)
    where = Where(file=str(path))
    if not guessed:
        raise ConfigError(
            f"no column is named, and none of {names} is a word that dodac knows.",
            where,
            "Say what each column is: --column NAME=CHANNEL[:UNIT].",
        )
    if not preview:
        raise ConfigError(
            f"no column is named; the file has {names}.",
            where,
            f"If it means this, add: {' '.join(option(c) for c in guessed)} (try it with --preview).",
        )
    return guessed, True


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
    if not reading.samples:
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
        journal.set_facts(instrument, facts)
        return _keep(reading, journal, SystemClock())


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
    ingest = Ingest(journal, clock, retry_s=(0.5, 2.0))
    ingest.start()
    ingest.layout(reading.layout)
    ingest.samples(_with_progress(reading.samples), source=source)
    ingest.event(_import_event(reading, source, clock.now_ns()))
    if not ingest.stop(timeout_s=60.0):
        fault = ingest.status().fault or "the journal is busy"
        raise StorageError(f"not everything could be stored: {fault}.", Where(file=str(reading.path)))
    return ImportResult(reading, Ledger(ingest.counts()))


def _import_event(reading: FileReading, source: str, now_ns: int) -> Event:
    first = min(sample.start_ns for sample in reading.samples)
    last = max(sample.end_ns for sample in reading.samples)
    counts = reading.counts
    return Event(
        now_ns,
        EventKind.IMPORT,
        f"{reading.path.name}: {counts.samples} samples, {iso_utc(first)} to {iso_utc(last)}",
        source,
        reading.layout.instrument,
        data={
            "file": str(reading.path),
            "rows": counts.rows,
            "samples": counts.samples,
            "refused": counts.refused,
        },
    )


def _with_progress(samples: Sequence[Sample], every: int = 50_000) -> Iterator[Sample]:
    total = len(samples)
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
