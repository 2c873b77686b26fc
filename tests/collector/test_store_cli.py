"""dodac store: the technician sees how the journal stands, and a copy that is not sound is never trusted."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dodac.cli import main
from dodac.samples import Layout
from store import Journal, JournalStore
from store._schema import is_frozen

T0 = 1_790_000_000_000_000_000
METER = Layout("meter1", ("power_w", "energy_import_kwh"))
SITE = """
[site]
id = "x"
company = "y"
timezone = "UTC"
[influxdb]
url = "http://127.0.0.1:9"
bucket = "b"
[store]
max_size = "100MB"
written_per_day = "1MB"
"""


def _put(journal: Journal, first: int, count: int, raw: bytes | None = None) -> None:
    journal.layout(METER)
    for start in range(first, first + count, 500):
        journal.commit(
            [
                (
                    "bus",
                    METER.sample(T0 + n * 10**10, {"power_w": 1.0, "energy_import_kwh": float(n)}, raw=raw),
                )
                for n in range(start, min(start + 500, first + count))
            ]
        )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SITE)
    with Journal.open(tmp_path / "data" / "journal.db") as journal:
        _put(journal, 0, 3000)
        journal.mark_ranges("http://127.0.0.1:9/b", [(1, 1000)], "delivered")
        journal.set_facts("#upkeep", {"written": '{"2026-09-21": 5000000}'})
    return tmp_path


@pytest.fixture
def journal(site: Path) -> Path:
    return site / "data" / "journal.db"


def _json(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    assert main(["store", *argv, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_status_says_what_waits_how_big_it_is_and_how_long_it_lasts(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = _json(capsys, "status", "--site", str(site))
    assert (found["samples"], found["fresh"], found["packed"]) == (3000, 3000, 0)
    assert (found["sinks"][0]["delivered"], found["sinks"][0]["waiting"]) == (1000, 2000)
    assert found["oldest"] == "2026-09-21T14:13:20Z"
    assert found["bytes"]["disk"] > 100_000
    assert found["max_size"] == 100_000_000
    assert 50 < found["full_in_days"] < 500
    assert main(["store", "status", "--site", str(site)]) == 0
    text = capsys.readouterr().out
    assert "reaches max_size in" in text
    assert "OVER THE BUDGET" in text
    assert "waiting" in text


def test_a_backup_is_made_while_the_collector_writes_and_is_read_whole(
    site: Path, journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "usb" / "journal.db"
    assert main(["store", "backup", str(target), "--site", str(site)]) == 2
    assert "no such folder" in capsys.readouterr().err
    target.parent.mkdir()
    stop = threading.Event()
    with Journal.open(journal) as writer:

        def write() -> None:
            number = 3000
            while not stop.is_set():
                _put(writer, number, 5)
                number += 5

        thread = threading.Thread(target=write)
        thread.start()
        try:
            found = _json(capsys, "backup", str(target), "--site", str(site))
        finally:
            stop.set()
            thread.join()
        assert 3000 <= found["samples"] <= writer.counts().samples
    assert found["findings"] == []
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["journal.db"]  # one file, nothing beside it
    # never over another file
    before = target.read_bytes()
    assert main(["store", "backup", str(target), "--site", str(site)]) == 2
    assert "--force" in capsys.readouterr().err
    assert target.read_bytes() == before
    assert main(["store", "backup", str(target), "--site", str(site), "--force"]) == 0
    assert main(["store", "backup", str(journal), "--site", str(site), "--force"]) == 2
    os.mkfifo(pipe := target.with_name("pipe"))  # as root, /dev/full became a file
    assert main(["store", "backup", str(pipe), "--site", str(site), "--force"]) == 2
    assert "this is no file" in capsys.readouterr().err


def test_a_copy_with_one_wrong_byte_is_refused_and_the_journal_stays(
    site: Path, journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault_row: Any
) -> None:
    copy = tmp_path / "copy.db"
    assert main(["store", "backup", str(copy), "--site", str(site)]) == 0
    assert main(["store", "restore", str(copy), "--verify"]) == 0
    assert "3000 samples" in capsys.readouterr().out
    data = bytearray(copy.read_bytes())
    data[len(data) // 2] ^= 0x40
    copy.write_bytes(data)
    assert main(["store", "restore", str(copy), "--verify", "--json"]) == 5
    assert json.loads(capsys.readouterr().out)["findings"]
    before = journal.read_bytes()
    assert main(["store", "restore", str(copy), "--site", str(site)]) == 5
    assert "Nothing was changed" in capsys.readouterr().err
    assert journal.read_bytes() == before
    for content in (b"", b"hello", data[: len(data) // 3]):
        copy.write_bytes(content)
        assert main(["store", "restore", str(copy), "--verify"]) in (4, 5)
    assert main(["store", "restore", str(tmp_path / "none"), "--verify"]) == 4
    fault_row(
        "a backup with one wrong byte, empty, cut, or another file is restored",
        "it is refused, the journal stays as it is",
        0,
        "exit code 5 (4 for what never was a journal), each fault with its place",
        chapter="keeping",
    )


def test_a_restored_copy_says_what_it_lacks_and_gives_no_number_twice(
    site: Path, journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.db"
    assert main(["store", "backup", str(copy), "--site", str(site)]) == 0
    with Journal.open(journal) as writer:
        _put(writer, 3000, 50)
        # while a process has the journal nothing is put in its place
        assert main(["store", "restore", str(copy), "--site", str(site)]) == 4
    capsys.readouterr()
    found = _json(capsys, "restore", str(copy), "--site", str(site))
    with Journal.open(Path(found["kept"])) as kept:
        assert kept.counts().samples == 3050
    with Journal.open(journal) as writer:
        assert writer.counts().samples == 3000
        assert writer.last_seq() == 3050
        events = [event for _, event in writer.events_after(0, 100)]
        assert [event.kind.value for event in events] == ["gap"]
        assert "50 samples" in events[0].text
        _put(writer, 3000, 1)
        assert writer.last_seq() == 3051
        assert writer.verify() == []
        known = writer.sink_counts("http://127.0.0.1:9/b")
        assert (known.delivered, known.waiting) == (1000, 2001)


def test_restoring_where_there_is_no_journal_makes_one(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.db"
    assert main(["store", "backup", str(copy), "--site", str(site)]) == 0
    shutil.rmtree(site / "data")
    assert main(["store", "restore", str(copy), "--site", str(site)]) == 0
    capsys.readouterr()
    assert _json(capsys, "status", "--site", str(site))["samples"] == 3000


def test_compact_packs_and_gives_space_back_also_beside_the_collector(
    site: Path, journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Journal.open(journal) as writer:
        _put(writer, 3000, 10_000, bytes(range(200)))
        writer.mark_ranges("http://127.0.0.1:9/b", [(1, 13_000)], "delivered")
        with writer.upkeep() as (db, sinks):
            db.execute("DELETE FROM samples WHERE seq <= 6000")
            sinks.drop([(1, 6000)], "test").write(db)
        found = _json(capsys, "compact", "--site", str(site))
        assert found["packed"] is None
        assert found["after"] < found["before"]
        _put(writer, 13_000, 10)
    found = _json(capsys, "compact", "--site", str(site))
    assert found["packed"] > 0 or found["after"] <= found["before"]
    found = _json(capsys, "status", "--site", str(site))
    assert found["samples"] == 7010
    assert found["bytes"]["free"] == 0
    assert main(["store", "check", "--site", str(site)]) == 0


def test_a_journal_of_an_older_dodac_is_written_anew_and_says_what_that_needs(
    site: Path, journal: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(journal, isolation_level=None)) as db:  # as files were made before
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA auto_vacuum = NONE")
        db.execute("VACUUM")
        db.execute("PRAGMA journal_mode = WAL")
    with Journal.open(journal) as writer:
        _put(writer, 3000, 5000, bytes(200))
        with writer.upkeep() as (db, sinks):
            db.execute("DELETE FROM samples WHERE seq > 3000")
            sinks.drop([(3001, 8000)], "test").write(db)
        assert main(["store", "compact", "--site", str(site)]) == 4
        assert "Stop dodac run" in capsys.readouterr().err
    usage = shutil.disk_usage(site)._replace(free=10_000)
    with monkeypatch.context() as patch:
        patch.setattr("store._backup.shutil.disk_usage", lambda _: usage)
        assert main(["store", "compact", "--site", str(site)]) == 4
        assert "nothing was changed" in capsys.readouterr().err
    before = journal.stat().st_size
    assert main(["store", "compact", "--site", str(site)]) == 0
    assert "beside it" in capsys.readouterr().err
    assert journal.stat().st_size < before / 2
    assert sorted(path.name for path in journal.parent.iterdir() if "compact" in path.name) == []
    with Journal.open(journal) as writer:
        assert writer.counts().samples == 3000
        assert writer.verify() == []
    assert _json(capsys, "status", "--site", str(site))["bytes"]["free"] == 0


def test_up_and_down_a_version_by_command(
    site: Path, journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["store", "downgrade", "--site", str(site)]) == 0
    assert "version 1" in capsys.readouterr().out
    assert main(["store", "status", "--site", str(site)]) == 4
    assert "version 1" in capsys.readouterr().err
    assert main(["store", "downgrade", "--site", str(site)]) == 4
    assert main(["store", "upgrade", "--site", str(site)]) == 0
    assert main(["store", "upgrade", "--site", str(site)]) == 0
    assert "already" in capsys.readouterr().out
    found = _json(capsys, "status", "--site", str(site))
    assert found["samples"] == 3000
    assert sorted(found["beside"]) == ["journal.db.version-1", "journal.db.version-2"]
    assert main(["store", "status", "--site", str(site)]) == 0
    assert "in 2 old copies" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["status", "compact", "check", "upgrade", "downgrade"])
@pytest.mark.parametrize("what", ["nothing", "another database", "text"])
def test_what_is_no_journal_is_told_in_one_line(
    verb: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "j.db"
    if what == "text":
        path.write_text("hello" * 100)
    elif what == "another database":
        with closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TABLE t (x)")
    before = path.read_bytes() if path.exists() else None
    assert main(["store", verb, "--journal", str(path)]) == 4
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert (path.read_bytes() if path.exists() else None) == before


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is one that can't be written."""
    monkeypatch.setattr(
        "store._schema.is_frozen", lambda path: not path.with_name(path.name + "-shm").exists()
    )


def test_a_journal_on_a_disk_that_cant_be_written_is_shown_and_what_is_not_seen_told(
    site: Path, journal: Path, tmp_path: Path, frozen: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with Journal.open(journal) as writer:
        _put(writer, 3000, 100)
        card = tmp_path / "card"
        card.mkdir()
        for name in ("journal.db", "journal.db-wal"):
            shutil.copy(journal.with_name(name), card)
    before = sorted((path.name, path.stat().st_size) for path in card.iterdir())
    assert main(["store", "status", "--journal", str(card / "journal.db")]) == 0
    text = capsys.readouterr().out
    assert "3000 samples" in text
    assert "NOT SEEN" in text
    assert sorted((path.name, path.stat().st_size) for path in card.iterdir()) == before
    with JournalStore(card / "journal.db") as store:
        assert len(store.read_after(0, 5000)) == 3000


def test_a_disk_that_can_be_written_is_not_frozen(tmp_path: Path) -> None:
    assert not is_frozen(tmp_path / "journal.db")
    assert not is_frozen(tmp_path / "none" / "journal.db")


def test_a_server_taken_out_of_the_site_file_is_shown_as_such_and_can_be_forgotten(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its row stayed in every table for ever, with a waiting that grew and that nobody would ever send."""
    gone, kept = "http://10.0.0.5:8086/old", "http://127.0.0.1:9/b"
    with Journal.open(site / "data" / "journal.db") as journal:
        journal.mark_ranges(gone, [(1, 10)], "delivered")
        journal.set_cursor(f"{gone}/events", 3)
    where = ["--site", str(site)]
    assert main(["store", "status", *where]) == 0
    assert f"{gone} (no longer in the site file)" in capsys.readouterr().out
    assert main(["status", *where, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["ledger"]["sinks"]
    assert {row["sink"]: row["removed"] for row in rows} == {gone: True, kept: False}
    assert main(["store", "forget", kept, *where]) == 2
    assert "still in the site file" in capsys.readouterr().err
    assert main(["store", "forget", gone[:-1], *where]) == 2
    assert f'"{gone}"' in capsys.readouterr().err
    assert main(["store", "forget", gone, *where]) == 0
    assert main(["store", "status", *where, "--json"]) == 0
    assert [row["sink"] for row in json.loads(capsys.readouterr().out.partition("\n")[2])["sinks"]] == [kept]
    with Journal.open(site / "data" / "journal.db") as journal:
        assert (journal.cursor(f"{gone}/events"), journal.sink_counts(kept).delivered) == (0, 1000)
        assert journal.last_seq() == 3000
