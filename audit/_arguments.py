"""What the commands of audit share: where readings come from, and arguments that name things."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from dodac.errors import ConfigError
from dodac.words import LANGUAGES, Language

if TYPE_CHECKING:
    from dodac.site import Site
    from store import InfluxStore, JournalStore


@dataclass(frozen=True)
class Place:
    """Where a command works: the journal, the register, the zone and the language."""

    journal: Path
    register: Path
    zone: str
    language: Language
    site: Site | None


def add_place(parser: argparse.ArgumentParser) -> None:
    """The arguments that `place_of` reads."""
    parser.add_argument("--site", type=Path, default=None, help="site file (default site.toml)")
    parser.add_argument("--journal", type=Path, default=None, help="a journal file, without a site file")
    parser.add_argument(
        "--language", choices=LANGUAGES, default=None, help="vi or en (default: the site's, or en)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def add_reading(parser: argparse.ArgumentParser) -> None:
    """The arguments that say how a test is read: where its channels are, and how times of files are written."""
    parser.add_argument(
        "--channel", action="append", default=[], metavar="CHANNEL=COLUMN[:UNIT]",
        help="where a channel is, e.g. load=steam or t_flue_c=T1:degF; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--rows", action="store_true", help="each row is a run written down as one figure a channel"
    )
    parser.add_argument("--time", metavar="NAME", help="the column of times (default: found)")
    parser.add_argument("--date-format", help="ymd, dmy, mdy or a strptime pattern (default: found)")
    parser.add_argument("--sheet", help="of a workbook")


def place_of(arguments: argparse.Namespace) -> Place:
    """The place a command was told; a journal alone has UTC and a register beside it, files alone only UTC."""
    journal: Path | None = arguments.journal
    if journal is not None and arguments.site is None:
        language = cast("Language", arguments.language or "en")
        return Place(journal, journal.with_name("register.sqlite"), "UTC", language, None)
    if getattr(arguments, "file", None) and arguments.site is None:
        return Place(Path(), Path(), "UTC", cast("Language", arguments.language or "en"), None)
    from dodac.site import load_site

    site = load_site(arguments.site or Path("site.toml"))
    language = cast("Language", arguments.language or site.site.language)
    return Place(journal or site.journal_path, site.register_path, site.site.timezone, language, site)


@contextmanager
def opened(place: Place, *, influxdb: bool = False) -> Iterator[JournalStore | InfluxStore]:
    """The journal, or the site's InfluxDB, for reading; closed at the end.

    Raises ConfigError when InfluxDB is asked for and the site names none.
    """
    from store import InfluxStore, InfluxTarget, JournalStore

    store: JournalStore | InfluxStore
    if not influxdb:
        store = JournalStore(place.journal)
    elif place.site is None:
        raise ConfigError("--influxdb needs a site file.", todo="Name it: --site site.toml")
    else:
        store = InfluxStore(InfluxTarget.of_site(place.site))
    try:
        yield store
    finally:
        store.close()


@contextmanager
def opened_if_there(place: Place) -> Iterator[JournalStore | InfluxStore | None]:
    """The journal for reading, or None when nothing was collected yet: tests may be of files alone."""
    if place.journal.is_file():
        with opened(place) as store:
            yield store
    else:
        yield None


def period(text: str, option: str) -> tuple[str, str]:
    """FROM..TO, both included.

    Raises ConfigError on anything else.
    """
    start, dots, end = text.partition("..")
    if not dots or not start or not end:
        raise ConfigError(
            f'{option}: "{text}" is not a period.', todo="Write FROM..TO, e.g. 2025-01-01..2025-12-31."
        )
    return start.strip(), end.strip()


def instrument_channel(text: str, option: str) -> tuple[str, str]:
    """INSTRUMENT:CHANNEL.

    Raises ConfigError on anything else.
    """
    instrument, colon, channel = text.partition(":")
    if not colon or not instrument or not channel:
        raise ConfigError(
            f'{option}: "{text}" names no channel.',
            todo="Write INSTRUMENT:CHANNEL, e.g. main-meter:energy_import_kwh.",
        )
    return instrument.strip(), channel.strip()


def write_json(data: object) -> None:
    """Writes data to standard output as JSON; a NaN in it is a fault of ours and raises ValueError."""
    json.dump(data, sys.stdout, ensure_ascii=False, indent=2, allow_nan=False)
    sys.stdout.write("\n")
