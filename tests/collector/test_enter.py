"""From a hand to the journal: kept at once, stored once, corrected without an edit, whoever holds the journal."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from collector._enter import enter
from collector._report import read_report
from collector.collector import Collector
from collector.enter import Desk
from dodac.clock import DAY_NS, SECOND_NS, ManualClock, SystemClock
from dodac.errors import ConfigError, DataError, Exit, StorageError
from dodac.site import Site, load_site
from drivers._spool import Spool
from drivers.protocols.manual import Read, Typed
from drivers.protocols.manual_entry import Entry, canonical
from store import InfluxStore, InfluxTarget, Journal, JournalStore

SITE = """[site]
id = "a"
company = "b"
language = "en"
[connections.hand]
kind = "manual"
[[instruments]]
id = "kit"
asset = "wastewater"
profile = "manual.water-kit"
connection = "hand"
[[instruments]]
id = "well"
profile = "manual.water-meter"
connection = "hand"
[[instruments]]
id = "bill"
profile = "manual.water-bill"
connection = "hand"
[[instruments]]
id = "flue"
profile = "manual.flue-gas"
connection = "hand"
"""
NOW = 1_790_000_000 * SECOND_NS
READ = Read(Decimal(1250), "m3", 1250.0)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    return load_site(tmp_path)


@pytest.fixture
def open_desk(site: Site) -> Iterator[Callable[[], Desk]]:
    opened: list[JournalStore] = []

    def journal() -> JournalStore | None:
        if not opened and site.journal_path.exists():
            opened.append(JournalStore(site.journal_path))
        return opened[0] if opened else None

    yield lambda: Desk(site, ManualClock(NOW), journal)
    for store in opened:
        store.close()


def _entry(id: str, instrument: str = "kit", at: int = NOW, end: int | None = None, **more: object) -> Entry:
    values = {"kit": {"ph": Typed("7,2")}, "well": {"volume_m3": Typed("100")}}.get(
        instrument, {"volume_interval_m3": Typed("1250")}
    )
    fields: dict[str, object] = {"values": values, "start_ns": at, "end_ns": at if end is None else end}
    return Entry(id, instrument, **{**fields, **more})  # type: ignore[arg-type]


def _rows(site: Site, instrument: str) -> list[tuple[float, ...]]:
    with JournalStore(site.journal_path) as store:
        return [sample.values for sample in store.samples(instrument, 0, 2 * NOW)]


def test_an_entry_is_in_the_journal_when_nobody_collects(site: Site, open_desk: Callable[[], Desk]) -> None:
    taken = open_desk().take(_entry("abcdef01"))
    assert (taken.state, taken.values) == ("stored", {"ph": 7.2})
    with JournalStore(site.journal_path) as store:
        assert store.series("kit", ["ph"], NOW, NOW + 1)["ph"].tolist() == [7.2]
        assert store.facts()["kit"]["measurement"] == "water"
        assert store.facts()["kit"]["asset"] == "wastewater"
    assert list(open_desk().spool.waiting()) == []


def test_the_same_entry_sent_again_counts_once(site: Site, open_desk: Callable[[], Desk]) -> None:
    desk = open_desk()
    for _ in range(3):
        assert desk.take(_entry("abcdef01")).state == "stored"
    assert len(_rows(site, "kit")) == 1
    other = desk.take(_entry("abcdef02"))
    assert [finding.code for finding in other.findings] == ["taken"]


def test_a_collector_that_holds_the_journal_takes_the_entry_in(
    site: Site, open_desk: Callable[[], Desk]
) -> None:
    collector = Collector(site, SystemClock())
    desk = open_desk()
    taken = desk.take(_entry("abcdef01"))
    assert taken.state == "waiting"
    assert "another dodac process" in taken.why
    assert [past.state for past in desk.past("kit", NOW, NOW + 1)] == ["waiting"]
    collector.start()
    try:
        for _ in range(200):
            if not list(desk.spool.waiting()):
                break
            SystemClock().wait(threading.Event(), 0.02)
        assert list(desk.spool.waiting()) == []
        assert collector.ledger().balanced()
    finally:
        collector.stop()
    assert len(_rows(site, "kit")) == 1
    assert [past.state for past in open_desk().past("kit", NOW, NOW + 1)] == ["stored"]


def test_a_crash_after_the_commit_doubles_nothing(site: Site, open_desk: Callable[[], Desk]) -> None:
    desk = open_desk()
    with Journal.open(site.journal_path):
        desk.take(_entry("abcdef01"))
    (item,) = desk.spool.waiting()
    data = item.path.read_bytes()
    assert desk.store_waiting() == ""
    item.path.write_bytes(data)  # as if the machine had died before the file was removed
    assert desk.store_waiting() == ""
    assert list(desk.spool.waiting()) == []
    assert len(_rows(site, "kit")) == 1
    with JournalStore(site.journal_path) as store:
        assert store.tallies()["kit", "hand"] == {"committed": 1, "duplicate": 1}


def test_a_correction_replaces_and_the_old_entry_stays(site: Site, open_desk: Callable[[], Desk]) -> None:
    desk = open_desk()
    day = DAY_NS
    assert desk.take(_entry("aaaaaaaa", "bill", NOW - 30 * day, NOW)).state == "stored"
    wrong_time = desk.take(_entry("bbbbbbbb", "bill", NOW - 29 * day, NOW, corrects="aaaaaaaa"))
    assert [finding.code for finding in wrong_time.findings] == ["corrects_moved"]
    gone = desk.take(_entry("bbbbbbbb", "bill", NOW - 30 * day, NOW, corrects="zzzzzzzz"))
    assert "corrects_gone" in [finding.code for finding in gone.findings]
    for name, text in (("bbbbbbbb", "125"), ("cccccccc", "1300")):
        typed = {"volume_interval_m3": Typed(text)}
        taken = desk.take(_entry(name, "bill", NOW - 30 * day, NOW, corrects="aaaaaaaa", values=typed))
        assert taken.state == "stored"
        again = _entry(name, "bill", NOW - 30 * day, NOW, corrects="aaaaaaaa", values=typed)
        assert desk.take(again).state == "stored"  # sent twice, it corrects once
    with JournalStore(site.journal_path) as store:
        amounts = store.intervals("bill", "volume_interval_m3", NOW - 30 * day, NOW, "1D", "UTC")
        assert amounts["value"].sum() == pytest.approx(1300)
        old = [json.loads(s.raw or b"") for s in store.samples("bill", 0, 2 * NOW)]
    assert [(one["id"], one["corrects"]) for one in old] == [
        ("aaaaaaaa", ""),
        ("bbbbbbbb", "aaaaaaaa"),
        ("cccccccc", "aaaaaaaa"),
    ]
    past = open_desk().past("bill", NOW - 30 * day, NOW)
    assert [(p.entry.id, p.corrected) for p in past] == [
        ("aaaaaaaa", True), ("bbbbbbbb", True), ("cccccccc", False),
    ]  # fmt: skip


def test_a_correction_gives_every_value_again(open_desk: Callable[[], Desk]) -> None:
    desk = open_desk()
    desk.take(_entry("aaaaaaaa", values={"ph": Typed("7"), "cod_mg_l": Typed("90")}))
    taken = desk.take(_entry("bbbbbbbb", corrects="aaaaaaaa"))
    assert [(f.code, f.channel) for f in taken.findings] == [("corrects_less", "cod_mg_l")]


def test_a_register_is_held_against_what_waits_too(site: Site, open_desk: Callable[[], Desk]) -> None:
    desk = open_desk()
    with Journal.open(site.journal_path):
        assert desk.take(_entry("aaaaaaaa", "well")).state == "waiting"
        lower = _entry("bbbbbbbb", "well", NOW + SECOND_NS, values={"volume_m3": Typed("99")})
        assert [finding.code for finding in desk.take(lower).findings] == ["fell"]


def test_the_status_tells_what_waits(site: Site, open_desk: Callable[[], Desk]) -> None:
    with Journal.open(site.journal_path):
        open_desk().take(_entry("aaaaaaaa"))
        report = read_report(site.journal_path, site)
    assert report.as_dict()["entries"]["waiting"] == 1
    assert "1 wait to be stored, 0 set aside" in report.text()
    open_desk().store_waiting()
    assert "Readings by hand" not in read_report(site.journal_path, site).text()


def test_an_entry_that_can_not_be_kept_is_never_called_saved(
    site: Site, open_desk: Callable[[], Desk]
) -> None:
    desk = open_desk()
    desk.spool.folder.parent.mkdir(parents=True)
    desk.spool.folder.write_text("in the way")
    with pytest.raises(StorageError, match="can't be"):
        desk.take(_entry("abcdef01"))


def test_an_entry_that_was_set_aside_is_never_called_stored(
    open_desk: Callable[[], Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose file became none of an entry was a dead letter, and its hand was told "stored"."""
    monkeypatch.setattr("collector.enter.canonical", lambda *_: b'{"channels":{}}')
    with pytest.raises(StorageError, match="could not be stored"):
        open_desk().take(_entry("abcdef01"))


def _typed(site: Site, *words: str, ask: Callable[[str], str] | None = None) -> int:
    return enter([*words, "--site", str(site.path)], clock=ManualClock(NOW), ask=ask)


def test_the_command_stores_what_is_typed(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        _typed(site, "kit", "ph=7,2", "cod_mg_l=1,2 g/l", "--operator", "Lan", "--note", "clear") == Exit.OK
    )
    assert "COD: 1,200 mg/l" in capsys.readouterr().out
    with JournalStore(site.journal_path) as store:
        (sample,) = store.samples("kit", 0, 2 * NOW)
    told = json.loads(sample.raw or b"")
    assert (told["operator"], told["note"]) == ("Lan", "clear")
    assert _typed(site, "kit", "ph=7,3", "--at", "2026-09-21T08:00", "--json") == Exit.OK
    assert json.loads(capsys.readouterr().out)["values"] == {"ph": {"value": 7.3, "unit": "pH"}}


def test_the_command_asks_each_field_and_each_question(site: Site) -> None:
    asked: list[str] = []
    answers = iter(["2,1", "12.345", "", "", "", "y", "2"])

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return next(answers)

    assert _typed(site, "kit", ask=ask) == Exit.OK
    assert any("unusual" in prompt for prompt in asked)
    assert any("decimals or thousands" in prompt for prompt in asked)
    (values,) = _rows(site, "kit")
    assert values[:2] == (2.1, 12345.0)


def test_a_no_keeps_nothing(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert _typed(site, "kit", "ph=2", ask=lambda _: "n") == Exit.FINDING
    assert "Nothing was kept." in capsys.readouterr().err
    assert _typed(site, "kit", "ph=2", "--yes") == Exit.OK


def test_without_values_and_without_a_terminal_it_says_what_to_write(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(ConfigError, match="ph, cod_mg_l"):
        _typed(site, "kit")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("kitt", "ph=7"), 'Did you mean "kit"'),
        (("kit", "phh=7"), 'Did you mean "ph=…"'),
        (("kit", "7,2"), "no CHANNEL=VALUE"),
        (("kit", "ph=7", "ph=8"), "given twice"),
        (("kit", "ph=7", "--at", "yesterday"), "no ISO 8601 time"),
        (("kit", "ph=7", "--from", "2026-01-01"), "one moment"),
        (("bill", "volume_interval_m3=7"), "speaks of a period"),
        (("kit", "ph=7", "--note", "x" * 3000), "longer than 2000"),
        (("kit", "ph=7", "--corrects", "nothing1"), "there is no entry"),
    ],
)
def test_a_wrong_command_says_what_to_do(site: Site, words: tuple[str, ...], text: str) -> None:
    with pytest.raises(ConfigError) as error:
        _typed(site, *words)
    assert text in str(error.value)


def test_a_printout_needs_its_photo(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _typed(site, "flue", "o2_pct=6,4") == Exit.FINDING
    assert "photo" in capsys.readouterr().err
    picture = tmp_path / "print.jpg"
    with pytest.raises(DataError, match="can't be read"):
        _typed(site, "flue", "o2_pct=6,4", "--photo", str(picture))
    picture.write_bytes(b"%PDF-1.4")
    with pytest.raises(DataError, match="no JPEG"):
        _typed(site, "flue", "o2_pct=6,4", "--photo", str(picture))
    picture.write_bytes(b"\xff\xd8\xff\xe0" + bytes(50))
    assert _typed(site, "flue", "o2_pct=6,4", "--photo", str(picture)) == Exit.OK
    (kept,) = (tmp_path / "data" / "photos").iterdir()
    with JournalStore(site.journal_path) as store:
        (sample,) = store.samples("flue", 0, 2 * NOW)
    assert json.loads(sample.raw or b"")["photo"]["sha256"] == kept.stem


def test_the_forms_of_a_site_are_listed(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert _typed(site) == Exit.OK
    assert "cod_mg_l  COD (mg/l)" in capsys.readouterr().out
    assert _typed(site, "--json") == Exit.OK
    assert [row["instrument"] for row in json.loads(capsys.readouterr().out)] == [
        "kit",
        "well",
        "bill",
        "flue",
    ]


def test_the_command_waits_for_the_collector_and_says_so_when_none_takes_it(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    with Journal.open(site.journal_path):
        assert _typed(site, "kit", "ph=7") == Exit.OK
        told = capsys.readouterr()
        assert "Kept, will be stored" in told.out
        assert "another dodac process" in told.err
    collector = Collector(site, SystemClock())
    collector.start()
    try:
        assert enter(["kit", "ph=7,1", "--site", str(site.path)], clock=SystemClock()) == Exit.OK
        assert "Stored in the journal" in capsys.readouterr().out
    finally:
        collector.stop()
    assert len(_rows(site, "kit")) == 2


def test_two_bills_of_one_month_sent_at_the_same_moment_are_not_both_taken(
    open_desk: Callable[[], Desk],
) -> None:
    desk = open_desk()
    states: list[str] = []

    def hand_in(name: str) -> None:
        states.append(desk.take(_entry(name, "bill", NOW - 30 * DAY_NS, NOW)).state)

    hands = [threading.Thread(target=hand_in, args=(f"bill000{n}",)) for n in range(6)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert sorted(states) == ["refused"] * 5 + ["stored"]


def test_an_entry_waits_while_another_process_checks_one(site: Site, open_desk: Callable[[], Desk]) -> None:
    """The page and dodac enter are two processes: two bills of one month at once were both taken."""
    desk, other = open_desk(), Spool.beside(site.journal_path)
    handle = other.hold()
    states: list[str] = []
    bill = _entry("aaaaaaaa", "bill", NOW - 30 * DAY_NS, NOW)
    hand = threading.Thread(target=lambda: states.append(desk.take(bill).state))
    hand.start()
    hand.join(0.2)
    assert states == []
    raw = canonical(replace(bill, id="bbbbbbbb"), desk.form("bill").form, {"volume_interval_m3": READ})
    other.put("bill", "bbbbbbbb", raw)
    os.close(handle)
    hand.join(5)
    assert states == ["refused"]


def test_a_reading_by_hand_and_its_correction_reach_influxdb_under_water(
    tmp_path: Path, influxdb: Any
) -> None:
    token = tmp_path / "token"
    token.write_text(influxdb.token)
    token.chmod(0o600)
    table = f'[influxdb]\nurl = "{influxdb.url}"\nbucket = "{influxdb.bucket}"\norg = "{influxdb.org}"\ntoken_file = "token"\n'
    (tmp_path / "site.toml").write_text(SITE + table, encoding="utf-8")
    site = load_site(tmp_path)
    now = SystemClock().now_ns()
    collector = Collector(site, SystemClock())
    with contextlib.closing(JournalStore(site.journal_path)) as journal:
        desk = Desk(site, SystemClock(), lambda: journal)
        collector.start()
        try:
            assert desk.take(_entry("aaaaaaaa", at=now)).state == "waiting"
            assert desk.settled("kit", "aaaaaaaa", 5.0)
            right = _entry("bbbbbbbb", at=now, corrects="aaaaaaaa", values={"ph": Typed("7,6")})
            assert desk.take(right).state == "waiting"
            assert desk.settled("kit", "bbbbbbbb", 5.0)
            sink = InfluxStore(InfluxTarget.of_site(site))
            for _ in range(100):
                found = sink.series("kit", ["ph"], now - SECOND_NS, now + SECOND_NS)["ph"].tolist()
                if found == [7.6]:
                    break
                SystemClock().wait(threading.Event(), 0.05)
            assert found == [7.6]
            assert sink.instruments() == ("kit",)
            sink.close()
        finally:
            collector.stop()
    rows = influxdb.influxql('SELECT "ph" FROM "water"')
    assert sorted(float(row["ph"]) for row in rows) == [7.2, 7.6]  # the old point stays beside the new one


def test_what_a_full_disk_left_of_the_journal_keeps_nobody_from_typing(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first try left an empty file; with room again, every entry was refused: "there is no journal here"."""
    site.journal_path.parent.mkdir(parents=True, exist_ok=True)
    site.journal_path.touch()
    assert _typed(site, "kit", "ph=7,2") == Exit.OK
    assert "Stored in the journal" in capsys.readouterr().out
