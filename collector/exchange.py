"""A meter that was exchanged: what the technician read on the old and the new one, on its way to the journal."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from collector._exchange_doubts import Doubt, Reading, around, doubts_of
from dodac.clock import MINUTE_NS, Clock, iso_utc
from dodac.contracts import Event, EventKind, Inbox
from dodac.errors import DataError, StorageError, Where
from dodac.quantities import CHANNELS, Kind
from dodac.site import Site
from drivers._spool import Spool
from store import Journal, JournalStore

SOURCE: Final = "exchange"
ID: Final = re.compile(r"[a-z0-9-]{8,64}")
MAX_TEXT: Final = 500
_FUTURE_NS: Final = 10 * MINUTE_NS


@dataclass(frozen=True)
class Exchange:
    """One exchange, or the withdrawal of the one recorded for that moment.

    time_ns: when the new meter began to count (UTC). counters: channel → (last reading of the old meter,
    first of the new one), canonical units. serial_number: of the new meter.
    """

    id: str
    instrument: str
    time_ns: int
    counters: Mapping[str, tuple[float, float]]
    serial_number: str = ""
    operator: str = ""
    note: str = ""
    withdrawn: bool = False

    def raw(self) -> bytes:
        """The bytes that wait in the spool."""
        told = {
            "id": self.id, "instrument": self.instrument, "time": iso_utc(self.time_ns),
            "counters": {name: list(ends) for name, ends in sorted(self.counters.items())},
            "serial_number": self.serial_number, "operator": self.operator, "note": self.note,
            "withdrawn": self.withdrawn, "time_ns": self.time_ns,
        }  # fmt: skip
        return json.dumps(told, ensure_ascii=False, sort_keys=True).encode()

    def event(self) -> Event:
        """What goes into the journal."""
        data: dict[str, str | int | float] = {"id": self.id}
        for name, (end, start) in self.counters.items():
            data |= {f"end.{name}": end, f"start.{name}": start}
        texts = {"serial_number": self.serial_number, "operator": self.operator, "note": self.note}
        data |= {name: text for name, text in texts.items() if text}
        if self.withdrawn:
            data["withdrawn"] = 1
            text = "the exchange recorded for this moment is taken back"
        else:
            steps = [
                f"{name} {end:.10g} → {start:.10g} {CHANNELS[name].unit}"
                for name, (end, start) in self.counters.items()
            ]
            text = "the meter was exchanged: " + ", ".join(steps)
        return Event(self.time_ns, EventKind.EXCHANGE, text, SOURCE, self.instrument, data=data)


def read_back(raw: bytes) -> Exchange:
    """The exchange of a spool file; ValueError for what is none."""
    try:
        told = json.loads(raw)
        counters = {str(name): (float(end), float(start)) for name, (end, start) in told["counters"].items()}
        return Exchange(
            str(told["id"]), str(told["instrument"]), int(told["time_ns"]), counters,
            str(told["serial_number"]), str(told["operator"]), str(told["note"]), bool(told["withdrawn"]),
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise ValueError(f"this is no exchange: {error}") from None


@dataclass(frozen=True)
class Taken:
    """What became of an exchange: "stored" in the journal, "waiting" in the spool, or "asked" about."""

    state: Literal["stored", "waiting", "asked"]
    doubts: tuple[Doubt, ...] = ()


@dataclass
class ExchangeDesk:
    """Takes exchanges of a site's meters in; any thread may call it.

    journal: opens the journal for reading, or gives None when there is none yet.
    """

    site: Site
    clock: Clock
    journal: Callable[[], JournalStore | None]
    spool: Spool = field(init=False)

    def __post_init__(self) -> None:
        self.spool = spool_of(self.site)

    def counters(self, instrument: str) -> tuple[str, ...]:
        """The counters that the journal knows of an instrument; ConfigError for one the site does not have."""
        self.site.instrument(instrument)
        store = self.journal()
        names = () if store is None else store.channels(instrument)
        return tuple(name for name in names if CHANNELS[name].kind is Kind.COUNTER)

    def doubts(self, told: Exchange) -> tuple[Doubt, ...]:
        """Holds an exchange against the readings before and after it.

        Raises DataError for what can't be: a channel that is no counter, a number that is none, a time to come.
        """
        self._check(told)
        store = self.journal()
        if store is None or told.withdrawn:
            return ()
        zone, limits = self.site.site.timezone, self.site.instrument(told.instrument).max_rate
        return tuple(
            doubt
            for name, ends in told.counters.items()
            for doubt in doubts_of(store, told.instrument, name, told.time_ns, ends, zone, limits.get(name))
        )

    def last_reading(self, instrument: str, channel: str) -> Reading | None:
        """The last good reading of a counter, as (UTC ns, value)."""
        store = self.journal()
        if store is None:
            return None
        before, _ = around(store, instrument, channel, self.clock.now_ns())
        return before[-1] if before else None

    def take(self, told: Exchange, *, sure: bool = False) -> Taken:
        """Keeps an exchange on disk and stores it when nobody else has the journal.

        Doubts are asked about and nothing is kept, unless the person is `sure`. Raises DataError as doubts()
        does, StorageError when it can't be kept.
        """
        doubts = self.doubts(told)
        store = self.journal()
        if store is not None and told.event() in store.counter_events(told.instrument):
            return Taken("stored")  # sent twice: a phone that heard no answer
        if doubts and not sure:
            return Taken("asked", doubts)
        try:
            path = self.spool.put(told.instrument, told.id, told.raw())
        except OSError as error:
            raise StorageError(
                f"the exchange can't be kept: {error.strerror or error}.",
                Where(file=str(self.spool.folder)),
                "Make room or correct the rights, then record it again.",
            ) from None
        try:
            with Journal.open(self.site.journal_path) as journal:
                journal.commit([(SOURCE, told.event())])
        except StorageError:
            return Taken("waiting", doubts)  # dodac run has the journal: it looks here
        self.spool.remove(path)
        return Taken("stored", doubts)

    def _check(self, told: Exchange) -> None:
        item = self.site.instrument(told.instrument)
        where = Where(instrument=item.id)
        if not ID.fullmatch(told.id):
            raise DataError("the id of an exchange has 8 to 64 small letters, digits and -.", where)
        if not told.counters:
            raise DataError(
                "no counter is named.", where, "Give the old and the new reading of at least one."
            )
        for name, (end, start) in told.counters.items():
            if name not in CHANNELS or CHANNELS[name].kind is not Kind.COUNTER:
                known = ", ".join(self.counters(item.id)) or "energy_import_kwh, volume_m3, …"
                raise DataError(f'"{name}" is no counter.', where, f"Its counters: {known}.")
            if not (math.isfinite(end) and math.isfinite(start)) or min(end, start) < 0:
                raise DataError(f"{name}: {end} and {start} are no readings of a counter.", where)
        if told.time_ns > self.clock.now_ns() + _FUTURE_NS:
            raise DataError("the time of the exchange is to come.", where, "Record it once it was done.")
        if max(map(len, (told.serial_number, told.operator, told.note))) > MAX_TEXT:
            raise DataError(f"texts have at most {MAX_TEXT} signs.", where)


def spool_of(site: Site) -> Spool:
    """Where exchanges wait for the process that has the journal: NAME-exchanges beside it."""
    journal = site.journal_path
    return Spool(journal.with_name(f"{journal.stem}-exchanges"))


class Waiting:
    """The exchanges that wait, taken into a running collector; a file goes once the journal has its event."""

    def __init__(self, site: Site, clock: Clock, inbox: Inbox) -> None:
        self._site, self._clock, self._inbox = site, clock, inbox
        self._spool = spool_of(site)
        self._lock = threading.Lock()
        self._under_way: dict[str, str] = {}

    def look(self) -> None:
        """Takes in what waits now; what is no exchange is set aside with an alarm, a folder that can't be read waits."""
        try:
            for item in self._spool.waiting():
                self._take(item.path.name, item.raw, item.fault)
        except OSError as error:
            self._tell(f"exchanges in {self._spool.folder} can't be read: {error.strerror or error}")

    def _take(self, name: str, raw: bytes, fault: str) -> None:
        with self._lock:
            if name in self._under_way.values():
                return
        try:
            if fault:
                raise ValueError(fault)
            told = read_back(raw)
        except ValueError as error:
            self._spool.set_aside(self._spool.folder / name, str(error))
            self._tell(f"{name} is set aside in {self._spool.folder / 'refused'}: {error}")
            return
        with self._lock:
            self._under_way[told.id] = name
        self._inbox.event(told.event())

    def heard(self, event: Event) -> None:
        """An event was committed."""
        if event.kind is EventKind.EXCHANGE:
            with self._lock:
                name = self._under_way.pop(str(event.data.get("id", "")), None)
            if name is not None:
                self._spool.remove(self._spool.folder / name)

    def _tell(self, text: str) -> None:
        self._inbox.event(Event(self._clock.now_ns(), EventKind.ALARM, text, SOURCE))
