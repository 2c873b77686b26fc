"""Received of expected, per instrument, channel and local day: counted from the journal, kept in it."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol
from zoneinfo import ZoneInfo

from dodac.clock import MINUTE_NS, SECOND_NS, Clock
from dodac.contracts import Event, EventKind
from dodac.errors import ConfigError, StorageError
from store import Item, JournalStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dodac.site import InstrumentConfig, Site
    from drivers import Connection

log = logging.getLogger("dodac.collector")

PLACE: Final = "#completeness"
"""Under this name, which no instrument can have, stands what was counted so far, with the row it was counted up to."""
_SEQ: Final = "seq"
_KEEP_NS: Final = 10 * MINUTE_NS
_CLOSE_NS: Final = 10 * MINUTE_NS
"""A day is told so long after its end: what was under way then has come, or will not."""

Expected = Mapping[str, Mapping[str, int]]
"""Instrument → channel → its interval in ns; "" stands for every channel that is not named."""


class Book(Protocol):
    """The part of the journal that keeps the counts."""

    @property
    def path(self) -> Path: ...
    def facts(self) -> Mapping[str, Mapping[str, str]]: ...
    def set_facts(self, instrument: str, facts: Mapping[str, str]) -> None: ...
    def commit(self, items: Sequence[tuple[str, Item]]) -> object: ...


@dataclass(frozen=True, slots=True)
class ChannelDay:
    """A channel's day so far. expected: None where nothing says how often it should come.

    good: readings that count; flagged: came, but not good (with its reason in the journal); missed: expected
    and nothing came. A channel that was not due is none of these.
    """

    instrument: str
    channel: str
    day: str
    good: int
    flagged: int
    expected: int | None

    @property
    def missed(self) -> int | None:
        """What was expected and did not come."""
        return None if self.expected is None else max(0, self.expected - self.good - self.flagged)

    @property
    def complete(self) -> float | None:
        """Good readings of expected ones, 0 to 1."""
        if self.expected is None or self.expected == 0:
            return None
        return min(1.0, self.good / self.expected)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "instrument": self.instrument, "channel": self.channel, "day": self.day, "good": self.good,
            "flagged": self.flagged, "missed": self.missed, "expected": self.expected, "complete": self.complete,
        }  # fmt: skip


def expected_of(site: Site, connections: Sequence[Connection]) -> dict[str, dict[str, int]]:
    """How often each channel should come: polled ones by the schedule, others where the site file says "every"."""
    polled = {name for connection in connections if connection.polled for name in connection.instruments}
    found = {}
    for item in site.instruments:
        told = item.profile is not None and "every" in item.model_fields_set
        if item.id in polled or told:
            found[item.id] = {"": item.every_ns, **(_intervals(site, item) if item.id in polled else {})}
    return found


def _intervals(site: Site, item: InstrumentConfig) -> dict[str, int]:
    from drivers._channel_times import channel_times
    from drivers.connection_open import load_profile_of

    try:
        return channel_times(site, item, load_profile_of(site, item))
    except ConfigError:
        return {}  # told where connections are opened


def ticks_between(start_ns: int, end_ns: int, every_ns: int) -> int:
    """Grid times (multiples of every_ns since 1970 UTC) in [start, end)."""
    return max(0, -(-end_ns // every_ns) - -(-start_ns // every_ns))


class Completeness:
    """Counts new rows each time it is asked to; what it knows and up to which row is written together.

    So a kill or a restart counts nothing twice and leaves nothing out. What was not there because dodac run
    was not running is missed like anything else.
    """

    def __init__(self, book: Book, clock: Clock, zone: str, expected: Callable[[], Expected]) -> None:
        self._book = book
        self._clock = clock
        self._zone = ZoneInfo(zone)
        self._expected = expected
        self._store: JournalStore | None = None
        self._days: dict[str, dict[str, dict[str, list[int]]]] = {}
        self._begun: dict[str, int] = {}
        self._seq: int | None = None
        self._counted_ns = 0
        self._kept_ns: int | None = None
        self._lock = threading.Lock()

    def run(self) -> None:
        """Counts what is new, tells the day that has ended, keeps the counts every ten minutes."""
        try:
            with self._lock:
                self._count()
                self._tell_ended()
            now_ns = self._clock.monotonic_ns()
            if self._kept_ns is None or now_ns - self._kept_ns >= _KEEP_NS:
                self.keep()
        except StorageError as error:
            log.debug("completeness: %s", error)
            self.close()

    def keep(self) -> None:
        """Writes what is known and up to which row."""
        if self._seq is None:
            return
        told = {
            name: json.dumps({"since": self._begun.get(name, 0), "days": days}, separators=(",", ":"))
            for name, days in self._days.items()
        }
        self._book.set_facts(PLACE, {**told, _SEQ: str(self._seq)})
        self._kept_ns = self._clock.monotonic_ns()

    def close(self) -> None:
        """Lets go of the journal."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def days(self) -> list[ChannelDay]:
        """Today and yesterday, as far as counted."""
        with self._lock:
            return self._rows()

    def _rows(self) -> list[ChannelDay]:
        expected = self._expected()
        found = []
        for instrument, days in sorted(self._days.items()):
            for day, channels in sorted(days.items()):
                found += [
                    ChannelDay(
                        instrument,
                        channel,
                        day,
                        counts[0],
                        counts[1],
                        self._due(instrument, channel, day, expected),
                    )
                    for channel, counts in sorted(channels.items())
                ]
        return found

    def _due(self, instrument: str, channel: str, day: str, expected: Expected) -> int | None:
        intervals = expected.get(instrument)
        if intervals is None:
            return None
        every_ns = intervals.get(channel, intervals[""])
        start_ns, end_ns = self._bounds(date.fromisoformat(day))
        # what came since the count, and the read that was under way then, is not missed yet
        end_ns = min(end_ns, self._counted_ns - min(every_ns, MINUTE_NS))
        return ticks_between(max(start_ns, self._begun.get(instrument, start_ns)), end_ns, every_ns)

    def _bounds(self, day: date) -> tuple[int, int]:
        edges = (day, day + timedelta(days=1))
        start, end = (
            int(datetime(d.year, d.month, d.day, tzinfo=self._zone).timestamp()) * SECOND_NS for d in edges
        )
        return start, end

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now_ns() / SECOND_NS, self._zone).date()

    def _count(self) -> None:
        if self._store is not None and not self._store.in_place:
            self.close()
        if self._store is None:
            self._store = JournalStore(self._book.path)
        now_ns = self._clock.now_ns()
        last = self._store.last_seq()
        if self._seq is None:
            self._recall(last)
        assert self._seq is not None  # noqa: S101  (recalled above)
        for instrument, intervals in self._expected().items():
            self._begun.setdefault(instrument, now_ns)
            today = self._days.setdefault(instrument, {}).setdefault(self._today().isoformat(), {})
            for channel in intervals:
                if channel:
                    today.setdefault(channel, [0, 0])
        for day in (self._today() - timedelta(days=1), self._today()):
            start_ns, end_ns = self._bounds(day)
            for row in self._store.presence(self._seq, last, start_ns, end_ns):
                self._begun.setdefault(row.instrument, start_ns)
                counts = (
                    self._days.setdefault(row.instrument, {})
                    .setdefault(day.isoformat(), {})
                    .setdefault(row.channel, [0, 0])
                )
                counts[0] += row.good
                counts[1] += row.flagged
        self._seq, self._counted_ns = last, now_ns

    def _recall(self, last: int) -> None:
        """What an earlier run had counted; nothing where it is not to be read: counting begins now then."""
        told = dict(self._book.facts().get(PLACE, {}))
        text = told.pop(_SEQ, "")
        self._seq = min(int(text), last) if text.isascii() and text.isdecimal() else last
        for instrument, kept in told.items():
            try:
                found = json.loads(kept)
                days = {
                    str(date.fromisoformat(day)): {
                        str(channel): [int(counts[0]), int(counts[1])] for channel, counts in channels.items()
                    }
                    for day, channels in found["days"].items()
                }
                since = int(found["since"])
            except (ValueError, KeyError, TypeError, AttributeError, IndexError):
                log.warning("completeness of %s could not be read and is counted anew", instrument)
                continue
            self._days[instrument], self._begun[instrument] = days, since

    def _tell_ended(self) -> None:
        """Days that have ended go into the journal as one note per instrument, and out of the counts."""
        today = self._today()
        close_ns = self._clock.now_ns() - _CLOSE_NS
        rows = self._rows()
        events: list[Event] = []
        for instrument, days in self._days.items():
            for day in sorted(days):
                ended = date.fromisoformat(day)
                if ended >= today or self._bounds(ended)[1] > close_ns:
                    continue
                mine = [row for row in rows if row.instrument == instrument and row.day == day]
                events.append(_note(instrument, day, mine, self._bounds(ended)))
        if not events:
            return
        self._book.commit([("collector", event) for event in events])
        for event in events:
            assert event.instrument is not None  # noqa: S101  (made above)
            del self._days[event.instrument][str(event.data["day"])]
        self.keep()


def _note(instrument: str, day: str, rows: Sequence[ChannelDay], bounds: tuple[int, int]) -> Event:
    shares = [row.complete for row in rows if row.complete is not None]
    words = f"completeness of {day}: " + (
        f"{100 * sum(shares) / len(shares):.1f} % of the expected readings are good"
        if shares
        else "not expected"
    )
    data: dict[str, str | int | float] = {"day": day}
    for row in rows:
        due = "" if row.expected is None else f" of {row.expected}, {row.missed} missed"
        data[row.channel] = f"{row.good} good{due}, {row.flagged} flagged"
    return Event(bounds[0], EventKind.NOTE, words, "collector", instrument, end_ns=bounds[1], data=data)
