"""A journal that a released dodac wrote goes forward without a loss, whatever ends it half-way, and back again."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from dodac.contracts import DeadLetter, Event, EventKind
from dodac.errors import StorageError
from dodac.samples import Layout
from store import Journal, JournalStore, Keeper, Limits, _backup, _schema
from store._codec import REASONS
from store.versions import BACK, come_forward, go_back

RELEASED = Path(__file__).parent / "released"
ROOT = Path(__file__).parents[2]
VERSIONS = {1: "4b3ca3a"}
"""Released version → a commit whose code writes it. The dumps were made with that code."""

# a child that dies at a statement is forked; other tests may have threads by then
pytestmark = pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")

T0 = 1_790_000_000_000_000_000
METER = Layout("boiler1-power", ("power_w", "energy_import_kwh", "frequency_hz"))


def released(version: int, path: Path) -> dict[str, Any]:
    """Builds the journal that was stored as SQL, closed as a clean stop leaves it; gives what it holds."""
    sql = gzip.decompress((RELEASED / f"v{version}.sql.gz").read_bytes()).decode()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(sql)
        db.execute(f"PRAGMA application_id = {_schema.APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {version}")
        db.execute("PRAGMA journal_mode = WAL")
    said: dict[str, Any] = json.loads((RELEASED / f"v{version}.json").read_text(encoding="utf-8"))
    return said


def _damages(journal: Journal) -> int:
    """DAMAGE events; the released journal has one, of a tail that was cut off in its day."""
    return sum(event.kind is EventKind.DAMAGE for _, event in journal.events_after(0, 1000))


def content(path: Path) -> dict[str, Any]:
    """What a journal holds, in the words of the stored expectation."""
    with JournalStore(path) as store:
        view = store.accounts()
        return {
            "samples": [
                [q, s.instrument, s.time_ns, s.part, s.digest().hex()] for q, s in store.read_after(0, 10**6)
            ],
            "events": [
                [e.time_ns, e.end_ns, e.kind.value, e.text, e.source, e.instrument, dict(e.data)]
                for e in store.events(0, 1 << 62)
            ],
            "letters": [
                [d.time_ns, d.source, d.topic, d.payload.hex(), d.reason, d.instrument]
                for d in store.dead_letters(100)
            ],
            "facts": store.facts(),
            "tallies": {"|".join(key): dict(value) for key, value in store.tallies().items()},
            "lost": view.counts.lost,
            "last_seq": store.last_seq(),
            "sinks": {
                name: [known.delivered, known.rejected, known.expired, known.waiting]
                for name, known in view.sinks.items()
            },
            "layouts": sorted(str(number) for number in store.layouts()),
        }


def test_every_version_before_ours_is_among_the_released_ones() -> None:
    assert sorted(VERSIONS) == list(range(1, _schema.VERSION))
    assert sorted(BACK) == list(range(2, _schema.VERSION + 1))
    # what version 1 reads: a kind or reason that is new must be told to _to_1
    assert len(REASONS) == 15


@pytest.mark.parametrize("version", VERSIONS)
def test_a_released_journal_is_read_whole_and_a_copy_of_before_stands_beside_it(
    version: int, tmp_path: Path
) -> None:
    path = tmp_path / "journal.db"
    said = released(version, path)
    before = sorted(closing_dump(path))
    with Journal.open(path) as journal:
        assert journal.verify() == []
        assert journal.counts().lost == said["lost"]
    assert content(path) == said
    copy = path.with_name(f"journal.db.version-{version}")
    assert sorted(closing_dump(copy)) == before
    assert copy.stat().st_mode & 0o777 == 0o600
    # uniqueness holds over what the old program stored: a duplicate stays one, a conflict too
    with Journal.open(path) as journal:
        _, first = journal.read_after(0, 1)[0]
        assert [o.value for o in journal.commit([("bus1", first)])] == ["duplicate"]
        clash = METER.sample(first.time_ns, {"power_w": 1.0, "energy_import_kwh": 2.0, "frequency_hz": 3.0})
        assert [o.value for o in journal.commit([("bus1", clash)])] == [
            "duplicate"
        ]  # a conflict known from before


def closing_dump(path: Path) -> list[str]:
    """Every row of a database as SQL."""
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


class _DyingConnection:
    """A connection under which the power goes at the n-th statement that changes something."""

    def __init__(self, db: sqlite3.Connection, at: int) -> None:
        self._db = db
        self._left = at

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if not sql.lstrip().startswith("SELECT"):
            self._left -= 1
            if self._left < 0:
                os._exit(9)
        return self._db.execute(sql, *values)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_power_cut_at_any_statement_of_the_upgrade_loses_nothing(
    version: int, tmp_path: Path, fault_row: Any
) -> None:
    said = released(version, tmp_path / "whole.db")
    for at in range(200):
        path = tmp_path / f"{at}.db"
        shutil.copy(tmp_path / "whole.db", path)
        child = os.fork()
        if child == 0:
            db = _DyingConnection(_schema.connect(path), at)
            _schema.prepare(db, path)  # type: ignore[arg-type]
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with Journal.open(path) as journal:
            assert _damages(journal) == 1, f"cut at statement {at}"
        assert content(path) == said, f"cut at statement {at}"
        if ended == 0:
            break
        assert ended == 9
    else:
        pytest.fail("the upgrade did not come to its end")
    assert at > 20  # so many statements were cut
    fault_row(
        "power goes while a journal of an older version is brought forward, at each statement",
        "the file is of the one version or the other, a copy stands beside it, the next start goes on",
        0,
        chapter="keeping",
    )


def test_no_room_for_the_copy_changes_nothing_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault_row: Any
) -> None:
    path = tmp_path / "journal.db"
    said = released(1, path)
    usage = shutil.disk_usage(tmp_path)._replace(free=20_000)
    with monkeypatch.context() as patch:
        patch.setattr(_backup.shutil, "disk_usage", lambda _: usage)
        with pytest.raises(StorageError, match="nothing was changed") as fault:
            Journal.open(path)
        assert "dodac store upgrade --copy" in str(fault.value)
    with closing(sqlite3.connect(path)) as db:
        assert _schema.version_of(db) == 1
    elsewhere = tmp_path / "card"
    elsewhere.mkdir()
    assert come_forward(path, elsewhere / "old.db") == 1
    assert (elsewhere / "old.db").exists()
    assert not path.with_name("journal.db.version-1").exists()
    assert content(path) == said
    fault_row(
        "no room for the copy before an upgrade",
        "nothing is changed; the message names dodac store upgrade --copy",
        0,
        "exit code 4",
        chapter="keeping",
    )


def _lived_in(path: Path) -> dict[str, Any]:
    """A journal of this version with packed samples, dropped rows and an event that version 1 does not know."""
    released(1, path)
    with Journal.open(path) as journal:
        other = Layout("other", ("power_w", "frequency_hz"))
        journal.layout(other)
        journal.layout(METER)
        for first in range(0, 4000, 500):
            journal.commit(
                [
                    (
                        "bus1",
                        other.sample(T0 + n * 10**9, {"power_w": n / 7} if n % 3 else {"frequency_hz": 50.0}),
                    )
                    for n in range(first, first + 500)
                ]
            )
        journal.commit(
            [("bus1", Event(T0, EventKind.EXCHANGE, "a new meter", "hand", "other", None, {"old": 1.5}))]
        )
        journal.commit([("bus1", DeadLetter(T0, "bus1", "t", b"x", "r", None))])
        Keeper(journal, Limits(max_age_ns=10**9), ["influx"]).by_age(T0 + 51 * 10**9)
        while journal.pack(T0 + 3000 * 10**9, whole=False):
            pass
        assert journal.verify() == []
    return content(path)


def test_one_version_back_and_forward_again_is_the_same_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    before = _lived_in(path)
    with closing(_schema.connect(path, read_only=True)) as db:
        assert db.execute("SELECT total(count) FROM blocks").fetchone()[0] > 2000
    assert go_back(path) == 1
    with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(gzip.decompress((RELEASED / "v1.sql.gz").read_bytes()).decode())
        assert _columns(db) == _columns(fresh)
        assert _schema.version_of(db) == 1
    with Journal.open(path) as journal:
        assert journal.verify() == []
        assert _damages(journal) == 1
    assert content(path) == before
    go_back(path)
    with pytest.raises(StorageError, match="has version 1"):
        go_back(path)


def _columns(db: sqlite3.Connection) -> dict[str, list[tuple[str, str]]]:
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        table: [(row[1], row[2]) for row in db.execute(f"PRAGMA table_info({table})")]
        for table in tables
        if table != "sqlite_sequence"
    }


def test_a_power_cut_on_the_way_back_leaves_a_whole_journal_and_it_goes_on(
    tmp_path: Path, fault_row: Any
) -> None:
    original = tmp_path / "original"
    original.mkdir()
    before = _lived_in(original / "journal.db")
    for at in range(60):
        folder = tmp_path / str(at)
        shutil.copytree(original, folder)
        path = folder / "journal.db"
        child = os.fork()
        if child == 0:
            with _dying(at):
                go_back(path)
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with closing(sqlite3.connect(path)) as db:
            version = _schema.version_of(db)
        assert version == (2 if ended else 1)
        if version == 2:
            assert go_back(path) == 1
        with Journal.open(path):
            pass
        assert content(path) == before, f"cut at statement {at}"
        shutil.rmtree(folder)
        if ended == 0:
            break
    else:
        pytest.fail("it did not come to its end")
    assert at > 12
    fault_row(
        "power goes while a journal is brought one version back, at each statement",
        "a whole journal of one of the two versions; the same command goes on",
        0,
        chapter="keeping",
    )


@contextmanager
def _dying(at: int) -> Iterator[None]:
    """The power goes at the n-th statement of the journal's upkeep."""
    plain = Journal.upkeep
    left = [at]

    class Counting(_DyingConnection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)
            return self._db.execute(sql, *values)

    @contextmanager
    def upkeep(journal: Journal) -> Iterator[Any]:
        with plain(journal) as (db, sinks):
            yield Counting(db, 0), sinks

    Journal.upkeep = upkeep  # type: ignore[method-assign,assignment]
    yield


@pytest.mark.parametrize("version", VERSIONS)
def test_the_released_program_itself_reads_and_writes_what_was_brought_back(
    version: int, tmp_path: Path
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", VERSIONS[version], "dodac", "store"],
        capture_output=True,
        check=False,
    )
    if archive.returncode:
        pytest.skip("the history is not here: the columns are checked against the stored dump")
    subprocess.run(["tar", "x", "-C", str(code)], input=archive.stdout, check=True)
    path = tmp_path / "journal.db"
    before = _lived_in(path)
    assert go_back(path) == version
    done = subprocess.run(
        [sys.executable, "-c", _OLD, str(path)],
        capture_output=True, text=True, cwd=code, env={**os.environ, "PYTHONPATH": str(code)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["file"].startswith(str(code))
    assert seen["samples"] == before["samples"]
    assert seen["findings"] == []
    assert seen["damage"] == 1
    # what it wrote meanwhile comes forward too
    with Journal.open(path) as journal:
        assert journal.last_seq() == before["last_seq"] + 1
        assert journal.verify() == []


_OLD = """
import json, sys
from pathlib import Path
import store
from store import Journal, JournalStore
from dodac.samples import Layout
path = Path(sys.argv[1])
with JournalStore(path) as old:
    samples = [[q, s.instrument, s.time_ns, s.part, s.digest().hex()] for q, s in old.read_after(0, 10**6)]
    view = old.accounts()
    assert all(k.delivered + k.rejected + k.expired + k.waiting == view.counts.samples for k in view.sinks.values())
with Journal.open(path) as journal:
    events = [event for _, event in journal.events_after(0, 10**6)]
    findings = journal.verify()
    layout = Layout("other", ("power_w", "frequency_hz"))
    journal.layout(layout)
    journal.commit([("bus1", layout.sample(1_800_000_000_000_000_000, {"power_w": 1.0}))])
damage = sum(event.kind.value == "damage" for event in events)
print(json.dumps({"file": store.__file__, "samples": samples, "findings": findings, "damage": damage}))
"""
