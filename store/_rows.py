"""Rows of the journal's smaller tables and what they mean."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Sequence
from typing import Any, Final

from dodac.contracts import Event, EventKind
from dodac.errors import IntegrityError
from dodac.samples import Layout
from store._codec import row_crc
from store._plausible import layout_of

COLUMNS: Final = "seq, instrument, time_ns, part, layout, span_ns, source, present, body, flags, raw, crc"
SELECT_SAMPLES: Final = f"SELECT {COLUMNS} FROM samples "  # noqa: S608 - our own column names
INSERT_SAMPLE: Final = f"INSERT INTO samples ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608 - as above
RESCUE_SAMPLE: Final = INSERT_SAMPLE.replace("INSERT", "INSERT OR IGNORE")
EVENT_COLUMNS: Final = "time_ns, end_ns, kind, text, source, instrument, data"
SELECT_COUNTER_EVENTS: Final = (
    f"SELECT {EVENT_COLUMNS} FROM events WHERE instrument = ? "  # noqa: S608 - our own column names
    "AND kind IN ('exchange', 'rollover') ORDER BY seq"
)

EventRow = tuple[int, int | None, str, str, str, str | None, str]


def event_row(event: Event) -> EventRow:
    """The row of an event, without its seq."""
    data = json.dumps(dict(event.data), ensure_ascii=False, sort_keys=True)
    return (
        event.time_ns, event.end_ns, event.kind.value, event.text, event.source, event.instrument, data,
    )  # fmt: skip


def event_of(row: Sequence[Any]) -> Event:
    """The event of a row in the order of EVENT_COLUMNS."""
    time_ns, end_ns, kind, text, source, instrument, data = row
    try:
        return Event(time_ns, EventKind(kind), text, source, instrument, end_ns, json.loads(data))
    except (ValueError, TypeError) as error:
        raise IntegrityError(
            "a stored event is damaged.",
            todo="Run dodac run: it checks the journal and saves what can be read.",
        ) from error


def layouts_of(db: sqlite3.Connection) -> dict[int, Layout]:
    """Layouts by the journal's own number."""
    rows = db.execute(
        "SELECT layouts.number, layouts.layout, names.name, layouts.channels FROM layouts "
        "JOIN names ON names.id = layouts.instrument"
    )
    found = {}
    for number, *content in rows:
        layout = layout_of(*content)
        if layout is not None:  # damaged: its rows can't be read by any other
            found[number] = layout
    return found


def is_sound(row: Sequence[Any]) -> bool:
    """True when a sample's row matches its check sum; columns of a damaged file may hold anything."""
    try:
        return bool(row_crc(*row[:-1]) == row[-1])
    except (struct.error, TypeError):
        return False
