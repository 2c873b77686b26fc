"""How a damaged journal is set aside and saved: by SQLite as far as it reads, then page by page."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from dodac.contracts import Event, EventKind
from dodac.durable import sync
from dodac.errors import IntegrityError
from dodac.samples import Layout
from store import _blocks as blocks
from store import _salvage_small as small
from store import _schema as schema
from store import _sums
from store._blocks_read import COLUMNS, SELECT_BLOCKS
from store._carve import carve
from store._faults import UNREADABLE, storage_error
from store._files import JournalFiles, Note
from store._integrity import Damage
from store._ranges import Range, Ranges, runs
from store._rows import RESCUE_SAMPLE, SELECT_SAMPLES, event_row, is_sound, layouts_of
from store._sinks import Sinks

Row = tuple[Any, ...]

_LARGEST_KEY: Final = 2**62
_PUT_BLOCK: Final = f"INSERT INTO blocks ({COLUMNS}) VALUES ({','.join('?' * 12)})"  # noqa: S608 - our own names
_MARKED: Final = "SELECT first, last FROM marks WHERE sink = '' AND state = ?"
_MOST_GAPS: Final = 100


def salvage(files: JournalFiles, damage: Damage) -> Damage:
    """Sets the damaged file aside, copies over what can be read, and says what could not.

    May be cut off at any moment (power, a full disk): a note says what was begun, and the next start
    goes on from the file that was set aside. Raises StorageError when there is no room.
    """
    with storage_error(files.path):
        note = files.damage_note()
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        name = note.aside if note is not None and note.aside else f"{files.path.name}.damaged-{stamp}"
        aside = files.path.with_name(name)
        made = files.path.with_name(files.path.name + "-rebuilt")
        if aside.exists() and files.path.exists():  # cut off just before the end
            files.clear_note()
            files.drop_wal()
            return replace(damage, rebuild=True, aside=aside, told=True)
        files.write_note(Note(damage.what, name))
        _set_aside(files, aside)
        for left in (made, made.with_name(made.name + "-wal"), made.with_name(made.name + "-shm")):
            left.unlink(missing_ok=True)
        schema.create(made)
        new = schema.connect(made)
        try:
            new.execute("BEGIN IMMEDIATE")
            found = _copy(aside, new, damage)
            tell(new, found)
            new.execute("COMMIT")
            new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            new.close()
        made.rename(files.path)
        sync(files.path.parent)
        files.clear_note()
    return found


def _set_aside(files: JournalFiles, aside: Path) -> None:
    kept = files.kept_wal
    for old in files.beside():
        suffix = old.name.removeprefix(files.path.name)
        if suffix == "-shm":
            old.unlink()
        else:
            old.rename(aside.with_name(aside.name + suffix))
    if kept.exists():
        kept.rename(aside.with_name(aside.name + "-wal-kept"))
    sync(files.path.parent)


def tell(db: sqlite3.Connection, damage: Damage) -> None:
    """Notes what is lost, the DAMAGE event, and a GAP with the times around each loss; in a transaction."""
    Sinks(db).lose(damage.lost, damage.what).write(db)
    put = _sums.insert("events")
    now = time.time_ns()
    event = Event(now, EventKind.DAMAGE, damage.text(), source="journal", data=damage.data())
    db.execute(put, event_row(event))
    for first, last in damage.lost[:_MOST_GAPS]:
        begin, end = _time_of(db, first - 1), _time_of(db, last + 1)
        if begin is not None or end is not None:
            text = f"{last - first + 1} stored samples were lost to damage"
            gap = Event(
                begin if begin is not None else end or now, EventKind.GAP, text, "journal",
                end_ns=now if end is None else max(end, begin or end),
                data={"first_seq": first, "last_seq": last},
            )  # fmt: skip
            db.execute(put, event_row(gap))


def _time_of(db: sqlite3.Connection, seq: int) -> int | None:
    """The time of a sample by its number, where it can be known without unpacking more than one block."""
    found = db.execute("SELECT time_ns FROM samples WHERE seq = ?", (seq,)).fetchone()
    if found is None:
        found = db.execute(
            "SELECT first_ns FROM blocks WHERE first_seq = ? UNION SELECT last_ns FROM blocks WHERE last_seq = ?",
            (seq, seq),
        ).fetchone()
    return None if found is None else int(found[0])


def rescue(db: sqlite3.Connection, wal: Path, damage: Damage, noted: tuple[int, int]) -> Damage:
    """Takes what a WAL still holds of rows that SQLite no longer reads from it; in a transaction.

    Frames behind a damaged one are sound rows all the same, each with its check sum. noted: the last event
    and dead letter that there were.
    """
    missing = Ranges(damage.lost)
    samples: dict[int, Row] = {}
    others: list[tuple[str, Row]] = []
    for table, row in carve(wal.with_name("-"), wal):  # nothing but the WAL
        if table != "samples":
            others.append((table, row))
        elif row[0] in missing:
            samples.setdefault(row[0], row)
    small.put_small(db, small.best(others, small.tops(db)))
    small.layouts_from_spare(db)
    saved = Ranges()
    _put_samples(db, (samples[seq] for seq in sorted(samples)), missing, saved)
    lost = tuple(gap for first, last in missing for gap in saved.gaps(first, last))
    tables = tuple(f"{table} (the last rows)" for table in _sums.behind(db, noted))
    return replace(
        damage, lost=lost, saved=len(saved), tables=(*tables, "counts, facts and marks of the last moments")
    )


def _copy(aside: Path, new: sqlite3.Connection, damage: Damage) -> Damage:
    """Copies what can be read into a new journal; gives what could not."""
    old = sqlite3.connect(aside, isolation_level=None)
    old.text_factory = _sums.text_or_bytes
    top, sure, incomplete = damage.mark, damage.mark > 0, []
    try:
        with contextlib.suppress(*UNREADABLE):
            # a file shorter than its header says opens only like this
            old.execute("PRAGMA writable_schema = ON")
            row = old.execute("SELECT seq FROM sqlite_sequence WHERE name = 'samples'").fetchone()
            told = row[0] if row and isinstance(row[0], int) else 0
            # a number that no file of this size can have reached is damage itself
            top = max(top, min(told, damage.mark + aside.stat().st_size // 16))
            sure = sure or told > 0
        first_version = _is_first(old)
        for table in _sums.SUMMED:
            if first_version and table == "layouts_spare":
                continue
            wrong = small.copy_table(old, new, table, first_version)
            if not wrong and table in _sums.NUMBERED and small.is_cut_short(old, new, table):
                wrong = "rows at its end are missing"
            if not wrong and table == "tallies" and top and not small.has_rows(new, table):
                wrong = "no rows"
            if wrong:
                incomplete.append((table, wrong))
        # receipts stay behind: one of a row that is lost would keep the message from being stored again
        carving: list[Path | None] = [wal for wal in _wals(aside) if wal.exists()]
        carving = carving or [None]
        if incomplete:
            tops = {} if len(incomplete) == len(_sums.SUMMED) else small.tops(new)
            for wal in carving:
                small.put_small(new, small.best(carve(aside, wal), tops))
        if first_version:
            new.execute("DELETE FROM marks WHERE last > ?", (top,))
            if small.mend_layouts(old, new):
                incomplete.append(("layouts", "damaged rows"))
        small.layouts_from_spare(new)
        if first_version or not layouts_of(new):
            small.layouts_of_first(new, (row for wal in carving for row in carve(aside, wal)))
            small.layouts_from_spare(new)
        known = layouts_of(new)
        # a layout without its name would stand in the way when the instrument is told again
        for (number,) in new.execute("SELECT number FROM layouts").fetchall():
            if number not in known:
                new.execute("DELETE FROM layouts WHERE number = ?", (number,))
        saved = Ranges()
        everything = Ranges([(1, _LARGEST_KEY)])
        limit = top or aside.stat().st_size // 16
        gone = Ranges(new.execute(_MARKED, ("dropped",)))
        missed = Ranges(new.execute(_MARKED, ("lost",)))  # by earlier damage, and perhaps found again now
        _put_samples(new, _by_key(old, SELECT_SAMPLES, "seq", limit), everything, saved, known)
        if not first_version:
            _put_blocks(new, _by_key(old, SELECT_BLOCKS, "id", limit), saved, gone, known)
        if damage.mark and damage.mark == max((last for _, last in [*saved, *gone, *missed]), default=0):
            top = damage.mark  # a later number in sqlite_sequence is damage itself
        if Ranges([*saved, *gone, *missed]).gaps(1, top) or not sure:
            for wal in carving:
                _put_blocks(new, (r for t, r in carve(aside, wal) if t == "blocks"), saved, gone, known)
            wanted = Ranges(Ranges([*saved, *gone]).gaps(1, top if sure else limit))
            for wal in carving:
                rows = (r for t, r in carve(aside, wal) if t == "samples")
                _put_samples(new, rows, wanted, saved, known)
    finally:
        old.close()
    top = max(top, max((last for _, last in saved), default=0))
    if not new.execute(
        "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'samples'", (top,)
    ).rowcount:
        # all that is left is packed: no number may be given out twice
        new.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('samples', ?)", (top,))
    absent = Ranges(Ranges([*saved, *gone]).gaps(1, top) if top else ())
    _forget_found(new, missed, absent)
    lost = tuple(gap for first, last in absent for gap in missed.gaps(first, last))
    tables = tuple(f"{table} ({wrong})" for table, wrong in incomplete if table != "layouts_spare")
    return Damage(damage.what, True, damage.mark, lost, len(saved), aside, tables, told=True)


def _forget_found(new: sqlite3.Connection, missed: Ranges, absent: Ranges) -> None:
    """Takes the marks off that call rows lost which were found again."""
    if missed.overlap(absent) == len(missed):
        return
    new.execute("DELETE FROM marks WHERE sink = '' AND state = 'lost'")
    Sinks(new).lose(tuple(absent.common(missed)), "earlier damage").write(new)


def _wals(aside: Path) -> list[Path]:
    return [aside.with_name(aside.name + suffix) for suffix in ("-wal-kept", "-wal")]


def _is_first(old: sqlite3.Connection) -> bool:
    """True for a journal of version 1, which has check sums of samples only."""
    try:
        return schema.version_of(old) == 1
    except UNREADABLE:
        return False


def _put_samples(
    new: sqlite3.Connection,
    rows: Iterable[Row],
    wanted: Ranges,
    saved: Ranges,
    known: dict[int, Layout] | None = None,
) -> None:
    """Puts sound rows whose seq is wanted; one whose layout is gone can't be read by anybody."""
    layouts = layouts_of(new) if known is None else known
    for row in rows:
        seq = row[0]
        if seq in saved or seq not in wanted or row[4] not in layouts or not is_sound(row):
            continue
        if new.execute(RESCUE_SAMPLE, row).rowcount == 1:
            saved.add(seq, seq)


def _put_blocks(
    new: sqlite3.Connection, rows: Iterable[Row], saved: Ranges, gone: Ranges, known: dict[int, Layout]
) -> None:
    """Puts sound blocks of which no row is there yet."""
    for row in rows:
        block = blocks.Block(*row)
        if not block.is_sound() or block.layout not in known:
            continue
        try:
            seqs = blocks.seqs_of(block, known[block.layout])
        except IntegrityError:
            continue
        if not any(seq in saved or seq in gone for seq in seqs):
            new.execute(_PUT_BLOCK, (None, *row[1:]))
            for first, last in runs(seqs):
                saved.add(first, last)


def _by_key(old: sqlite3.Connection, select: str, key: str, top: int) -> Iterator[Row]:
    """Rows that SQLite still reaches: halves a range of keys until the unreadable part is alone.

    A damaged tree may give rows of other ranges, or the same ones for ever: only rows that go
    on inside the range count, and not more than it can hold.
    """
    stack: list[Range] = [(1, top)] if top > 0 else []
    while stack:
        first, last = stack.pop()
        reached, room = first - 1, last - first + 1
        try:
            for row in old.execute(select + f"WHERE {key} BETWEEN ? AND ? ORDER BY {key}", (first, last)):
                room -= 1
                if room < 0:
                    break
                if isinstance(row[0], int) and reached < row[0] <= last:
                    reached = row[0]
                    yield row
            else:
                continue
        except UNREADABLE:
            pass
        first = reached + 1
        if first < last:
            middle = (first + last) // 2
            stack.append((middle + 1, last))
            stack.append((first, middle))
