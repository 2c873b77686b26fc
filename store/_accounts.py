"""What a journal's writer and its readers tell alike: facts, tallies, counts, and what became of rows at sinks."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dodac.clock import DAY_NS
from store._files import size_of
from store._sinks import SinkCounts, Sinks

Read = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]
"""Runs one SELECT with its values and gives all rows."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows that stand in the journal now.

    samples: conflicts included; lost: rows that damage took; dropped: rows that the limits of size and
    age took; size_bytes: file and WAL.
    """

    samples: int
    events: int
    dead_letters: int
    lost: int
    size_bytes: int
    per_instrument: Mapping[str, int]
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Accounts:
    """A journal's accounts at one moment.

    tallies: since the journal began, (instrument, source) → outcome → samples. sinks: those that
    took, refused or expired something. last_ns: instrument → time of its newest sample (UTC).
    """

    counts: Counts
    tallies: Mapping[tuple[str, str], Mapping[str, int]]
    sinks: Mapping[str, SinkCounts]
    last_ns: Mapping[str, int]


def facts_of(read: Read) -> dict[str, dict[str, str]]:
    """Texts about instruments: instrument → name → value."""
    found: dict[str, dict[str, str]] = {}
    for instrument, name, value in read("SELECT instrument, name, value FROM facts", ()):
        found.setdefault(instrument, {})[name] = value
    return found


@contextlib.contextmanager
def _sense() -> Iterator[None]:
    """Content that no sound journal holds (text for a number, nothing for a sum) is damage like any other."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise sqlite3.DatabaseError(f"malformed content: {error}") from error


@_sense()
def tallies_of(read: Read) -> dict[tuple[str, str], dict[str, int]]:
    """Since the journal began, per (instrument, source): committed, duplicate, conflict, dead_letter."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for instrument, source, outcome, count in read(
        "SELECT instrument, source, outcome, count FROM tallies", ()
    ):
        found.setdefault((instrument, source), {})[outcome] = count
    return found


@_sense()
def last_seq_of(read: Read, sinks: Sinks) -> int:
    """The seq of the newest row that was ever given out, lost ones too; 0 in an empty journal."""
    rows = read("SELECT seq FROM sqlite_sequence WHERE name = 'samples'", ())
    return max(int(rows[0][0]) if rows else 0, sinks.top())


@_sense()
def counts_of(read: Read, sinks: Sinks, path: Path) -> Counts:
    """Rows and bytes that stand in the journal now."""
    per = read(
        "SELECT names.name, count(*) FROM samples JOIN names ON names.id = samples.instrument GROUP BY 1", ()
    )
    packed = read(
        "SELECT names.name, sum(count) FROM blocks JOIN names ON names.id = blocks.instrument GROUP BY 1", ()
    )
    kept: dict[str, int] = dict(per)
    for name, count in packed:
        kept[name] = kept.get(name, 0) + count
    return Counts(
        samples=sum(kept.values()),
        events=read("SELECT count(*) FROM events", ())[0][0],
        dead_letters=read("SELECT count(*) FROM dead_letters", ())[0][0],
        lost=len(sinks.lost),
        size_bytes=size_of(path),
        per_instrument=dict(sorted(kept.items())),
        dropped=len(sinks.dropped),
    )


@_sense()
def accounts_of(read: Read, sinks: Sinks, path: Path) -> Accounts:
    """Everything at once; the caller holds a read transaction so that it is of one moment."""
    newest = read(
        "SELECT name, (SELECT max(time_ns) FROM samples WHERE instrument = names.id), "
        "(SELECT max(last_ns) FROM blocks WHERE instrument = names.id AND first_ns >= "
        "(SELECT max(first_ns) FROM blocks WHERE instrument = names.id) - ?) FROM names",
        (DAY_NS,),
    )
    top = last_seq_of(read, sinks)
    return Accounts(
        counts=counts_of(read, sinks, path),
        tallies=tallies_of(read),
        sinks={name: sinks.counts(name, top) for name in sinks.names()},
        last_ns={
            name: max(time_ns for time_ns in times if time_ns is not None)
            for name, *times in newest
            if any(time_ns is not None for time_ns in times)
        },
    )
