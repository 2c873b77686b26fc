"""Polled connections whose instruments tell more than readings: who they are, what is not mapped yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from dodac.contracts import Event, EventKind
from dodac.samples import Sample
from drivers._stations import Station
from drivers.connection import PolledConnection


@dataclass(frozen=True, slots=True)
class Note:
    """Words for people, told once as an event, with its facts as data."""

    text: str
    data: Mapping[str, str | int | float] = field(default_factory=dict)


@runtime_checkable
class Noting(Protocol):
    """A reader with notes; whoever tells them takes them away."""

    notes: list[Note]


class NotingConnection(PolledConnection):
    """A polled connection that tells its readers' notes as events (HTTP and USB analysers)."""

    def _take(self, station: Station, sample: Sample) -> None:
        super()._take(station, sample)
        reader = station.reader
        if not isinstance(reader, Noting):
            return
        for note in take_notes(reader):
            instrument = reader.layout.instrument
            self._event(Event(sample.time_ns, EventKind.NOTE, note.text, self.id, instrument, data=note.data))


def take_notes(reader: object) -> list[Note]:
    """The notes of a reader, taken away from it; none for a reader that has none."""
    if not isinstance(reader, Noting):
        return []
    notes, reader.notes = reader.notes, []
    return notes
