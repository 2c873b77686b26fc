"""The desk where readings by hand are handed in: checked against what is known, kept, and stored when possible."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from collector.entered import Past, entry_of, good_values, in_order, known_at
from collector.facts import site_facts
from collector.ingest import Ingest
from dodac.clock import DAY_NS, Clock
from dodac.errors import DataError, StorageError, Where
from dodac.quantities import CHANNELS, Kind
from dodac.site import Site
from drivers._photos import Photos
from drivers._spool import Spool, SpoolState
from drivers.manual_forms import SiteForm, form_of, open_manual, site_forms
from drivers.protocols.manual import OLDEST_NS, Finding
from drivers.protocols.manual_entry import (
    ID,
    Entry,
    Kept,
    Photo,
    Withdrawal,
    canonical,
    canonical_withdrawal,
    read_back,
)
from drivers.protocols.received import Refused
from store import Journal, JournalStore

_REGISTER_NS: Final = 400 * DAY_NS  # how far the neighbours of a register's reading are looked for
_FOREVER_NS: Final = 1 << 62
State = Literal["stored", "waiting", "refused", "ask"]


@dataclass(frozen=True)
class Taken:
    """What became of an entry: stored in the journal, waiting in the spool, refused, or to be asked about."""

    state: State
    id: str
    findings: tuple[Finding, ...] = ()
    values: Mapping[str, float] | None = None
    why: str = ""


class Desk:
    """Forms of a site, what was handed in before, and the way in; any thread may call it.

    journal: the open journal for reading, or None when there is none yet.
    """

    def __init__(self, site: Site, clock: Clock, journal: Callable[[], JournalStore | None]) -> None:
        self.site = site
        self._clock = clock
        self._journal = journal
        self._one = threading.RLock()
        self.spool = Spool.beside(site.journal_path)
        self.photos = Photos(site.photos_path)

    def forms(self) -> dict[str, SiteForm]:
        """Every form of the site by instrument; ConfigError for a profile that is wrong."""
        return site_forms(self.site)

    def form(self, instrument: str) -> SiteForm:
        """One form; ConfigError, with the nearest, when there is none."""
        return form_of(self.site, instrument)

    def photo(self, sha256: str | None) -> Photo | None:
        """A kept picture; for one that is not there a photo that take() refuses."""
        if not sha256:
            return None
        return self.photos.find(sha256) or Photo(sha256[:64], "image/jpeg", 0)

    def past(self, instrument: str, start_ns: int, end_ns: int) -> list[Past]:
        """Entries whose period touches [start_ns, end_ns), oldest first; waiting ones too.

        Raises StorageError when journal or spool can't be read.
        """
        one = self.form(instrument)
        # what the journal's 63 bits hold: a year typed as 0026 or 9999 is refused by the form, with words
        start_ns, end_ns = (max(-_FOREVER_NS, min(t, _FOREVER_NS)) for t in (start_ns, end_ns))
        found: dict[str, Past] = {}
        for kept in self._waiting(instrument):
            try:
                sample = kept.sample(one.form)
            except Refused:
                continue
            found[kept.id] = Past(kept, "waiting", good_values(sample, one.form.layout))
        store = self._journal()
        if store is not None:
            layouts = store.layouts()
            # a sample stands in the middle of its period
            half_ns = (one.form.profile.form.longest_days // 2 + 1) * DAY_NS if one.form.period else 1
            for sample in store.samples(instrument, start_ns - half_ns, end_ns + half_ns):
                entry = entry_of(sample)
                if entry is not None:
                    found[entry.id] = Past(entry, "stored", good_values(sample, layouts[sample.layout]))
        return in_order(found.values(), start_ns, end_ns)

    def take(self, entry: Entry) -> Taken:
        """Checks an entry, keeps it on disk when nothing stands in its way, and stores it when it can.

        The same id again gives what became of it, whatever else it says. Raises StorageError when it
        can't be kept, ConfigError for an unknown form, DataError for an id that is none.
        """
        _check_id(entry.instrument, entry.id)
        self.form(entry.instrument)
        with self._turn():
            return self._take(entry)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """One entry after the other: two that exclude each other may come at once, to two processes too."""
        with self._one:
            try:
                handle = self.spool.hold()
            except OSError as error:
                raise self._not_kept(error) from None
            try:
                yield
            finally:
                os.close(handle)

    def _not_kept(self, error: OSError) -> StorageError:
        return StorageError(
            f"the entry can't be kept: {error.strerror or error}.",
            Where(file=str(self.spool.folder)),
            "Make room, or correct the folder's rights; nothing was stored.",
        )

    def _take(self, entry: Entry) -> Taken:
        one = self.form(entry.instrument)
        # what an ISO time holds: a correction must meet the very moment
        entry = replace(entry, start_ns=entry.start_ns // 1000 * 1000, end_ns=entry.end_ns // 1000 * 1000)
        registers = any(CHANNELS[name].kind is Kind.COUNTER for name in one.form.layout.channels)
        around_ns = _REGISTER_NS if registers else DAY_NS
        past = self.past(entry.instrument, entry.start_ns - around_ns, entry.end_ns + around_ns)
        if (again := self._again(past, entry.id)) is not None:
            return again
        findings: list[Finding] = []
        middle_ns = entry.start_ns + (entry.end_ns - entry.start_ns) // 2
        same = [p for p in past if p.entry.middle_ns == middle_ns]
        if entry.corrects:
            old = next((p for p in past if p.entry.id == entry.corrects), None)
            findings += self._correction(entry, old)
            if old is not None:
                period = (old.entry.start_ns, old.entry.end_ns)
                past = [p for p in past if (p.entry.start_ns, p.entry.end_ns) != period]
        # what was withdrawn leaves its time free, but no two samples stand under one part
        entry = replace(entry, revision=max((p.entry.revision + 1 for p in same), default=0))
        findings += self._photo(entry, one)
        known = known_at(past, entry.start_ns)
        checked = one.form.check(
            entry.values, entry.start_ns, entry.end_ns, self._clock.now_ns(), known, entry.id
        )
        findings += checked.open(entry.confirmed)
        if findings:
            refused = any(finding.refused for finding in findings)
            return Taken("refused" if refused else "ask", entry.id, tuple(findings))
        asked = frozenset(finding.key for finding in checked.findings)
        raw = canonical(replace(entry, confirmed=entry.confirmed & asked), one.form, checked.read)
        values = {name: read.value for name, read in checked.read.items()}
        return self._keep(entry.instrument, entry.id, raw, values)

    def withdraw(self, given: Withdrawal) -> Taken:
        """Takes an entry back with one that is appended; what was typed stays to be seen.

        The same id again gives what became of it. Raises as take() does.
        """
        _check_id(given.instrument, given.id)
        self.form(given.instrument)
        with self._turn():
            now_ns = self._clock.now_ns()
            past = self.past(given.instrument, now_ns - OLDEST_NS, now_ns + DAY_NS)
            if (again := self._again(past, given.id)) is not None:
                return again
            old = next((p for p in past if p.entry.id == given.withdraws), None)
            if old is None or not old.counts:
                code = "withdraws_gone" if old is None else "withdraws_old"
                return Taken("refused", given.id, (Finding(code, refused=True),))
            # the newest of its time, for it counts
            raw = canonical_withdrawal(given, old.entry, old.entry.revision + 1)
            return self._keep(given.instrument, given.id, raw, {})

    def _again(self, past: Sequence[Past], id: str) -> Taken | None:
        """What became of an entry that was handed in before."""
        again = next((p for p in past if p.entry.id == id), None)
        if again is None:
            return None
        why = self.store_waiting() if again.state == "waiting" else ""
        return Taken("waiting" if why else "stored", id, values=again.good, why=why)

    def _keep(self, instrument: str, id: str, raw: bytes, values: Mapping[str, float]) -> Taken:
        try:
            self.spool.put(instrument, id, raw)
        except OSError as error:
            raise self._not_kept(error) from None
        why = self.store_waiting()
        if not why and not self._gone(instrument, id):
            raise StorageError(
                "the entry was kept, but could not be stored.",
                Where(file=str(self.spool.folder), instrument=instrument),
                "See dodac doctor; the reason stands beside the entry.",
            )
        return Taken("waiting" if why else "stored", id, values=values, why=why)

    def _gone(self, instrument: str, id: str) -> bool:
        """True when an entry left the spool for the journal, and was not set aside."""
        waits = self.spool.path(instrument, id).exists()
        return not waits and all(refused != id for refused, _ in self.spool.refused(instrument))

    def settled(self, instrument: str, id: str, seconds: float) -> bool:
        """Waits until a collector that runs has taken an entry in; False when it still waits."""
        never = threading.Event()
        path = self.spool.path(instrument, id)
        for _ in range(round(seconds * 10)):
            if not path.exists():
                break
            self._clock.wait(never, 0.1)
        return self._gone(instrument, id)

    def waiting_state(self) -> SpoolState:
        """What waits, and what was set aside. Raises StorageError."""
        try:
            return self.spool.state()
        except OSError as error:
            raise self._unreadable(error) from None

    def store_waiting(self) -> str:
        """Brings what waits into the journal, unless a collector holds it; says why not, "" when done."""
        with self._one:
            return self._store()

    def _store(self) -> str:
        members = list(self.forms().values())
        try:
            with Journal.open(self.site.journal_path) as journal:
                for one in members:
                    journal.layout(one.form.layout)
                    facts = site_facts(self.site, one.item, one.measurement)
                    journal.set_facts(one.item.id, facts)
                ingest = Ingest(journal, self._clock, retry_s=(0.2, 1.0))
                ingest.start()
                for name in dict.fromkeys(one.item.connection for one in members if one.item.connection):
                    mine = [one for one in members if one.item.connection == name]
                    stream = open_manual(self.site, name, mine, self._clock)
                    stream.take_once(ingest)
                if not ingest.stop(timeout_s=5.0):
                    return ingest.status().fault or "the journal is busy"
        except StorageError as error:
            return error.what
        return ""

    def _waiting(self, instrument: str) -> Iterator[Kept]:
        try:
            for item in self.spool.waiting():
                if not item.fault and item.path.name.startswith(f"{instrument}."):
                    try:
                        kept = read_back(item.raw)
                    except Refused:
                        continue
                    if kept.instrument == instrument:
                        yield kept
        except OSError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: OSError) -> StorageError:
        return StorageError(
            f"waiting entries can't be read: {error.strerror or error}.",
            Where(file=str(self.spool.folder)),
            "Correct the folder's rights.",
        )

    def _photo(self, entry: Entry, one: SiteForm) -> list[Finding]:
        wanted = one.form.profile.form.photo
        if entry.photo is None:
            return [Finding("photo_missing", refused=True)] if wanted == "required" else []
        if wanted == "none":
            return [Finding("photo_none", refused=True)]
        gone = self.photos.find(entry.photo.sha256) is None
        return [Finding("photo_gone", refused=True)] if gone else []

    @staticmethod
    def _correction(entry: Entry, old: Past | None) -> list[Finding]:
        if old is None or old.entry.withdrawal:
            return [Finding("corrects_gone", refused=True)]
        if (old.entry.start_ns, old.entry.end_ns) != (entry.start_ns, entry.end_ns):
            return [Finding("corrects_moved", refused=True, facts={"time_ns": old.entry.start_ns})]
        left = [name for name in old.entry.values if not _typed(entry, name)]
        return [Finding("corrects_less", name, refused=True) for name in left]


def _typed(entry: Entry, name: str) -> bool:
    return name in entry.values and bool(entry.values[name].text.strip())


def _check_id(instrument: str, id: str) -> None:
    if ID.fullmatch(id) is None:
        raise DataError(
            "the id of an entry has 8 to 64 small letters, digits and hyphens.", Where(instrument=instrument)
        )
