"""How an open journal stands up again without a restart: its file deleted, replaced or damaged under it."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from dodac.contracts import Event, EventKind
from dodac.durable import sync
from dodac.errors import StorageError, Where
from store import _blocks_pack as packing
from store import _schema as schema
from store import _sums
from store._accounts import last_seq_of
from store._batch import Catalog
from store._faults import UNREADABLE, is_damage
from store._files import JournalFiles
from store._integrity import Damage
from store._rows import event_row
from store._salvage import salvage
from store._sinks import Sinks

log = logging.getLogger("dodac.store")

_PUT_EVENT: Final = _sums.insert("events")


class Standing:
    """The connections of an open journal and what is kept in memory beside them; all under `_lock`.

    Before each transaction the names of its files are looked at. When the database was deleted or
    replaced, everything is written again from the file that is still open, and nothing is lost; when
    reading or writing met damage, the file is set aside and rebuilt as at a start.
    """

    def __init__(self, files: JournalFiles) -> None:
        self._files = files
        self._lock = threading.RLock()
        self._read_lock = threading.Lock()
        self._facts_told: dict[str, dict[str, str]] = {}
        self._suspect = ""
        self._rebuilt_for = ""
        self._untold = ""
        self._wal_bytes = 0
        self._connected = False
        self._seq = 0
        schema.create(files.path)
        self._connect()

    @property
    def path(self) -> Path:
        """The journal's file."""
        return self._files.path

    def _connect(self) -> None:
        self._db = schema.connect(self.path)
        try:
            schema.prepare(self._db, self.path)
            self._tune()
            self._load()
            self._reader = schema.connect(self.path, read_only=True)
        except BaseException:
            self._db.close()
            raise
        self._packing = packing.Packing(self.path)
        self._connected = True
        self._files.note_places()

    def _load(self) -> None:
        self._catalog = Catalog(self._db)
        self._sinks = Sinks(self._db)
        self._seq = last_seq_of(lambda sql, _: self._db.execute(sql).fetchall(), self._sinks)

    def _disconnect(self) -> None:
        """Closes the connections; one that can't be is left to the end of the process."""
        self._connected = False
        self._packing.close()
        for db in (self._reader, self._db):
            with contextlib.suppress(sqlite3.Error):
                db.close()

    def _suspected(self, what: str) -> None:
        """Damage was met: the next transaction rebuilds the file, or the next start does."""
        if not self._suspect:
            self._suspect = what
            self._files.note_damage(what)

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Remembers damage that reading meets."""
        try:
            yield
        except UNREADABLE as error:
            if is_damage(error):
                self._suspected(str(error))
            raise

    def _tune(self) -> None:
        if self._wal_bytes:
            self._db.execute(f"PRAGMA journal_size_limit = {self._wal_bytes}")
            self._db.execute(f"PRAGMA wal_autocheckpoint = {max(10, min(2000, self._wal_bytes // 8192))}")

    def _stand(self) -> None:
        """Makes sure that what is written next goes into a sound file under the journal's name (lock held).

        Raises StorageError or OSError while that can't be done; nothing is given up meanwhile.
        """
        moved = self._files.moved() if self._connected else ""
        damaged = bool(self._suspect) and self._suspect != self._rebuilt_for
        if self._connected and not moved and not damaged:
            return
        if not self._packing.lock.acquire(blocking=False):
            raise StorageError(
                "the journal is being packed and must be opened anew.",
                Where(file=str(self.path)),
                "It is tried again by itself.",
            )
        lock = self._packing.lock
        try:
            with self._read_lock:
                if moved:
                    self._put_back(moved)
                elif damaged:
                    self._rebuild(self._suspect)
                else:
                    self._reopen()
        finally:
            lock.release()

    def _put_back(self, moved: str) -> None:
        self._files.renew()
        if self._files.database_moved() or not self._flushed():
            self._copy_back()
        self._disconnect()
        self._files.clear_sidecars()
        self._untold = (
            f"{moved} while it was open: it was written again from what was still open, nothing is lost"
        )
        self._reopen()

    def _reopen(self) -> None:
        if not self.path.exists():
            raise StorageError(
                "the journal's file is gone.",
                Where(file=str(self.path)),
                "Put it back; it is looked for again.",
            )
        before = self._catalog
        self._connect()
        self._again(before)

    def _flushed(self) -> bool:
        """Brings the WAL into the file; False when a reader is in the way."""
        return bool(self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)

    def _copy_back(self) -> None:
        """Writes everything that the open, nameless file holds under the journal's name."""
        made = self.path.with_name(self.path.name + "-rebuilt")
        made.unlink(missing_ok=True)
        target = sqlite3.connect(made, isolation_level=None)
        try:
            self._db.backup(target)
            target.execute("PRAGMA journal_mode = WAL")
        finally:
            target.close()
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        for stranger in self._files.beside():
            suffix = stranger.name.removeprefix(self.path.name)
            if suffix == "-shm":
                stranger.unlink()
            else:
                stranger.rename(self.path.with_name(f"{self.path.name}.replaced-{stamp}{suffix}"))
        made.rename(self.path)
        sync(self.path.parent)

    def _rebuild(self, what: str) -> None:
        if self._connected:
            self._disconnect()
            self._files.keep_wal()
        damage = salvage(
            self._files, Damage(what, rebuild=True, mark=max(self._seq, self._files.read_mark()))
        )
        log.error("%s: %s", self.path, damage.text())
        self._files.drop_wal()
        self._rebuilt_for, self._suspect = what, ""
        self._reopen()
        self._files.write_mark(self._seq, _sums.last_numbers(self._db))

    def _again(self, before: Catalog) -> None:
        """Tells the file anew what it must know, and what happened."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for layout in before.layouts.values():
                if layout.id not in self._catalog.layouts:
                    self._catalog.add(layout, *self._catalog.write(self._db, layout))
            put = _sums.insert("facts") + _sums.replaced("facts", "value")
            for instrument, facts in self._facts_told.items():
                self._db.executemany(put, [(instrument, name, value) for name, value in facts.items()])
            if self._untold:
                event = Event(time.time_ns(), EventKind.ALARM, self._untold, "journal")
                self._db.execute(_PUT_EVENT, event_row(event))
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._disconnect()
            raise
        if self._untold:
            log.error("%s: %s", self.path, self._untold)
            self._untold = ""
        self._files.note_places()
