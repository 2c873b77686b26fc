"""The picture of a running collector: balanced at every instant, seen from other processes, never in the way."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collector import Collector
from collector._completeness import ChannelDay
from collector._ledger_check import LedgerCheck
from collector._picture import Bounded, since_the_journal_began
from collector._report import Report, completeness_words, live_ledger, read_report
from collector._socket import PictureServer, Seen, health_of, look, socket_path
from collector.cli import status
from collector.ledger import Ledger, SourceCount
from dodac.clock import ManualClock, SystemClock
from dodac.contracts import DeadLetter, Event, EventKind
from dodac.samples import Layout
from dodac.site import Site, load_site
from store import Journal

SITE = """
[site]
id = "plant"
company = "acme"
timezone = "UTC"

[[instruments]]
id = "building"
measurement = "electricity"
"""
GOOD = {"ledger": {"balanced": True, "sources": [], "sinks": []}, "faults": []}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    return load_site(tmp_path / "site.toml")


@pytest.fixture
def running(site: Site) -> Iterator[Callable[[], Collector]]:
    made: list[Collector] = []

    def run() -> Collector:
        made.append(Collector(site, SystemClock(), connections=[], group_ms=5, window=512))
        made[-1].start()
        return made[-1]

    yield run
    for collector in made:
        collector.stop()


def layouts(collector: Collector, number: int) -> list[Layout]:
    made = [Layout(f"meter{place}", ("power_w",)) for place in range(number)]
    for layout in made:
        collector.inbox.layout(layout)
    return made


def test_every_picture_under_load_is_balanced(running: Callable[[], Collector]) -> None:
    collector = running()
    inbox = collector.inbox
    known = layouts(collector, 2)
    stop = threading.Event()
    t0 = time.time_ns()

    def push(layout: Layout, source: str) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            inbox.sample(layout.sample(t0 + number, {"power_w": float(number)}), source=source)
            if number % 7 == 0:  # the same again, and another content at the same time
                inbox.sample(layout.sample(t0 + number, {"power_w": float(number)}), source=source)
                inbox.sample(layout.sample(t0 + number, {"power_w": -1.0}), source=source)
            if number % 11 == 0:
                inbox.dead_letter(DeadLetter(t0, source, "a/b", b"?", "no number"))

    threads = [
        threading.Thread(target=push, args=(layout, f"bus{place}"), daemon=True)
        for place, layout in enumerate(known)
    ]
    for thread in threads:
        thread.start()
    flying = 0
    for _ in range(1000):
        told = collector.ledger_now()
        assert told.balanced(), told.text()
        flying = max(flying, told.totals().in_flight)
    stop.set()
    for thread in threads:
        thread.join()
    assert flying > 0, "no picture was taken while something was in flight"
    assert collector.flush()
    end = collector.ledger_now().totals()
    assert end.in_flight == 0
    assert min(end.committed, end.duplicate, end.conflict, end.dead_letter) > 0


def test_the_counts_go_on_where_the_last_run_stopped(running: Callable[[], Collector], site: Site) -> None:
    first = running()
    (layout, *_) = layouts(first, 1)
    for number in range(10):
        first.inbox.sample(layout.sample(number, {"power_w": 1.0}), source="bus1")
    first.stop()
    second = running()
    second.inbox.layout(layout)
    for number in range(5, 15):
        second.inbox.sample(layout.sample(number, {"power_w": 1.0}), source="bus1")
    second.inbox.dead_letter(DeadLetter(0, "bus1", "a", b"?", "unknown"))
    assert second.flush()
    (unknown, row) = second.ledger_now().sources
    assert (row.received, row.committed, row.duplicate) == (20, 15, 5)
    assert (unknown.instrument, unknown.dead_letter) == ("", 1)
    seen = look(site.journal_path)
    assert seen.picture is not None
    assert live_ledger(seen.picture) == second.ledger_now()
    second.stop()
    assert not look(site.journal_path).running
    assert read_report(site.journal_path, site).ledger.sources == (unknown, row)


def test_only_our_own_user_may_look_and_nothing_is_left_behind(
    running: Callable[[], Collector], site: Site
) -> None:
    collector = running()
    path = socket_path(site.journal_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = look(site.journal_path).picture
    assert found is not None
    assert found["pid"] == os.getpid()
    assert {loop["name"] for loop in found["loops"]} >= {"ingest", "care"}
    collector.stop()
    assert not path.exists()


def test_a_socket_left_by_a_killed_collector_is_nobody_and_is_taken_over(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(socket_path(journal)))
    left.close()
    assert socket_path(journal).is_socket()
    assert not look(journal).running
    server = PictureServer(journal, lambda: dict(GOOD))
    assert server.start()
    assert look(journal).picture == GOOD
    server.stop()
    assert not look(journal).running


def test_a_path_longer_than_a_socket_address_is_served_too(tmp_path: Path) -> None:
    folder = tmp_path / ("a-very-long-name-of-a-factory" * 4)
    folder.mkdir()
    server = PictureServer(folder / "journal.db", lambda: dict(GOOD))
    assert server.start()
    assert look(folder / "journal.db").picture == GOOD
    server.stop()


def test_where_no_socket_can_be_made_collecting_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = PictureServer(tmp_path / "nowhere" / "journal.db", lambda: dict(GOOD))
    assert not server.start()
    assert "no socket" in caplog.text
    server.stop()


def test_who_connects_and_does_not_read_holds_nobody_up_for_long(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    server = PictureServer(journal, lambda: {**GOOD, "much": "x" * 5_000_000})
    assert server.start()
    idle = socket.socket(socket.AF_UNIX)
    idle.connect(str(socket_path(journal)))
    assert look(journal, timeout_s=10).picture is not None
    idle.close()
    server.stop()


@pytest.mark.parametrize("answer", [b"", b"{", b"[]", b"{}", b"\xff\xfe"])
def test_an_answer_that_is_no_picture_is_a_fault_and_no_traceback(tmp_path: Path, answer: bytes) -> None:
    journal = tmp_path / "journal.db"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(socket_path(journal)))
    listening.listen()

    def reply() -> None:
        client, _ = listening.accept()
        with client:
            client.sendall(answer)

    thread = threading.Thread(target=reply, daemon=True)
    thread.start()
    seen = look(journal)
    thread.join()
    listening.close()
    assert seen.silent
    assert health_of(seen)["faults"][0]["code"] == "collector_silent"


def test_a_journal_of_another_user_is_told_as_such_and_not_as_no_collector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    # root may look everywhere, so the refusal is played
    monkeypatch.setattr(Path, "is_socket", refused)
    seen = look(tmp_path / "journal.db")
    assert seen == Seen(denied=True)
    assert not seen.running
    (fault,) = health_of(seen)["faults"]
    assert fault["code"] == "collector_denied"
    report = Report("journal.db", 0, 0, 0, 0, 0, Ledger(), (), (), seen=seen).text()
    assert "only its user or root can see" in report
    assert "No dodac run works" not in report
    assert "as that user" in fault["text"]


def test_a_disk_that_fails_is_one_log_line_and_no_traceback_for_each_picture(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = [False]

    def ask() -> int:
        if broken[0]:
            raise OSError("the folder was deleted")
        return 1

    part = Bounded(ask, ManualClock(), 1.0)
    assert part() == (1, 0.0)
    broken[0] = True
    for _ in range(3):
        assert part()[0] == 1  # what was known, and growing old
    assert [record.message for record in caplog.records] == [
        "the picture goes without the journal's disk: the folder was deleted"
    ]


def test_a_disk_that_hangs_makes_the_picture_old_and_not_hang() -> None:
    free = threading.Event()
    answers = iter([1, 2])

    def ask() -> int:
        number = next(answers)
        if number == 2:
            free.wait(30)
        return number

    part = Bounded(ask, SystemClock(), patience_s=0.05)
    assert part()[0] == 1
    time.sleep(0.02)
    value, age_s = part()
    assert value == 1
    assert age_s >= 0.05
    assert part()[0] == 1  # asked once, not once more for each picture
    free.set()


def test_rows_of_the_journal_that_this_run_has_not_seen_are_counted_too() -> None:
    base = {("a", "bus"): {"committed": 3, "duplicate": 1}}
    live = [SourceCount("b", "bus", received=2, committed=1, in_flight=1)]
    first, second = since_the_journal_began(base, live)
    assert (first.received, first.committed, first.duplicate) == (4, 3, 1)
    assert (second.received, second.in_flight) == (2, 1)
    assert first.balanced
    assert second.balanced


class Checked:
    """A journal with some samples, a check, and what it told."""

    def __init__(self, journal: Journal, kit: Any) -> None:
        self.journal = journal
        self.kit = kit
        self.told: list[Event] = []
        journal.layout(kit.layout)
        self.live = [SourceCount("meter1", "bus1")]
        self.check = LedgerCheck(
            journal.path,
            journal.tallies(),
            lambda: self.live,
            ManualClock(),
            self.told.append,
            lambda: {name: journal.sink_counts(name) for name in ("here", "there")},
        )

    def store(self, number: int) -> None:
        self.journal.commit([("bus1", self.kit.make(place)) for place in range(number)])
        self.live = [SourceCount("meter1", "bus1", received=number, committed=number)]

    def sql(self, text: str) -> None:
        with self.journal.upkeep() as (db, _):
            db.execute(text)


@pytest.fixture
def checked(journal: Journal, kit: Any) -> Iterator[Checked]:
    made = Checked(journal, kit)
    yield made
    made.check.close()


@pytest.mark.parametrize(
    ("tamper", "mend", "says"),
    [
        (
            "UPDATE tallies SET count = count + 1",
            "UPDATE tallies SET count = count - 1",
            "meter1 from bus1: committed 11 in the journal, 10",
        ),
        (
            "UPDATE samples SET seq = seq + 1000 WHERE seq = 10",
            "UPDATE samples SET seq = seq - 1000 WHERE seq = 1010",
            "",
        ),
        (
            "UPDATE sqlite_sequence SET seq = 12 WHERE name = 'samples'",
            "UPDATE sqlite_sequence SET seq = 10 WHERE name = 'samples'",
            "10 samples are tallied, 12 rows were given out",
        ),
    ],
)  # fmt: skip
def test_accounts_that_differ_raise_one_alarm_and_its_end(
    checked: Checked, tamper: str, mend: str, says: str
) -> None:
    checked.store(10)
    checked.check.run()
    assert not checked.told
    checked.sql(tamper)
    checked.check.run()
    checked.check.run()
    if not says:  # rows are counted, not where they stand: a number given twice is SQLite's to refuse
        assert not checked.told
        return
    (alarm,) = checked.told
    assert (alarm.kind, alarm.source, alarm.data["state"]) == (EventKind.ALARM, "ledger", "start")
    assert says in alarm.text
    checked.sql(mend)
    checked.check.run()
    checked.check.run()
    assert [event.kind for event in checked.told] == [EventKind.ALARM, EventKind.FAULT_END]


def test_a_row_that_is_gone_without_a_cause_is_seen(checked: Checked) -> None:
    checked.store(10)
    checked.sql("DELETE FROM samples WHERE seq = 4")
    checked.check.run()
    assert "meter1: 10 samples are tallied, 9 rows stand" in checked.told[0].text


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        ("DELETE FROM tallies", "meter1 from bus1: committed 0 in the journal, 10"),
        ("UPDATE tallies SET source = 'other'", "meter1 from bus1: committed 0 in the journal, 10"),
        ("UPDATE names SET name = 'meter9'", "meter1: 10 samples are tallied, 0 rows stand"),
        ("UPDATE blocks SET count = count + 1 WHERE id = 1", "meter1: 10 samples are tallied, 11 rows stand"),
        ("DELETE FROM blocks", "meter1: 10 samples are tallied, 0 rows stand"),
        ("DELETE FROM marks WHERE state = 'rejected'", "sink here: 0 rejected by the journal's marks, 2"),
        ("DELETE FROM marks WHERE sink = 'here'", "sink here: 0 delivered by the journal's marks, 5"),
        (
            "UPDATE marks SET last = 6 WHERE state = 'delivered'",
            "sink here: 6 delivered by the journal's marks",
        ),
        ("UPDATE marks SET sink = 'there'", "sink here: 0 delivered by the journal's marks, 5"),
        ("INSERT INTO marks VALUES ('', 'lost', 3, 3, 'x', NULL)", "10 rows stand, 1 are lost, 0 dropped"),
        ("INSERT INTO marks VALUES ('', 'dropped', 3, 3, 'x', NULL)", "10 rows stand, 0 are lost, 1 dropped"),
    ],
)
def test_every_table_that_somebody_changes_is_named_within_the_minute(
    checked: Checked, tamper: str, says: str
) -> None:
    checked.store(10)
    checked.journal.mark("here", range(1, 6), "delivered")
    checked.journal.mark("here", (6, 7), "rejected", "refused")
    if "blocks" in tamper:
        assert checked.journal.pack(1 << 62, whole=False) == 10
    checked.check.run()
    assert not checked.told
    checked.sql(tamper)
    checked.check.run()
    assert says in checked.told[0].text


def test_a_running_count_that_forgets_a_sample_is_seen(checked: Checked) -> None:
    checked.store(10)
    checked.live = [SourceCount("meter1", "bus1", received=10, committed=9)]
    checked.check.run()
    assert "does not add up" in checked.told[0].text


def test_what_is_on_the_disk_and_not_yet_counted_is_no_alarm(checked: Checked) -> None:
    checked.store(10)
    checked.live = [SourceCount("meter1", "bus1", received=10, in_flight=10)]
    checked.check.run()
    assert not checked.told


def test_the_check_holds_under_load(running: Callable[[], Collector]) -> None:
    collector = running()
    (layout, *_) = layouts(collector, 1)
    stop = threading.Event()

    def push() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            collector.inbox.sample(layout.sample(number, {"power_w": 1.0}), source="bus1")

    thread = threading.Thread(target=push, daemon=True)
    told: list[Event] = []
    parts = collector.parts()
    check = LedgerCheck(parts.journal.path, {}, parts.ingest.counts, parts.clock, told.append)
    thread.start()
    found = [check.check() for _ in range(20)]
    stop.set()
    thread.join()
    check.close()
    assert found == [""] * 20
    assert not told


def test_health_says_in_one_word_and_an_exit_code(
    running: Callable[[], Collector], site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--site", str(site.path), "--health"]
    assert status(where) == 1
    assert capsys.readouterr().out.startswith("fault\ncollector_away")
    collector = running()
    assert status([*where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"status": "ok", "faults": []}
    assert status(["--site", str(site.path)]) == 0
    assert "dodac run works (process" in capsys.readouterr().out
    collector.stop()
    assert status(["--site", str(site.path)]) == 0
    assert "nothing is in flight" in capsys.readouterr().out


def test_status_names_the_channels_that_lack_most() -> None:
    def row(channel: str, good: int, flagged: int, day: str = "2026-09-21") -> dict[str, Any]:
        return ChannelDay("meter1", channel, day, good, flagged, 100).as_dict()

    rows = [row(f"c{place}", 10 * place, 5) for place in range(7)] + [row("whole", 100, 0)]
    words = completeness_words([*rows, row("whole", 0, 0, "2026-09-20")])
    assert words[0] == "Completeness today: 38.8 % of the expected readings are good."
    assert words[1] == "  meter1 c0: 0.0 % (95 missed, 5 flagged of 100)"
    assert words[-1] == "  and 2 channels more (--json has all)"
    assert completeness_words([]) == []


def test_channels_that_lack_the_same_are_one_line() -> None:
    rows = [ChannelDay("meter1", f"c{n}", "2026-09-21", 90, 0, 100).as_dict() for n in range(30)]
    rows.append(ChannelDay("meter2", "power_w", "2026-09-21", 80, 1, 100).as_dict())
    assert completeness_words(rows)[1:] == [
        "  meter2 power_w: 80.0 % (19 missed, 1 flagged of 100)",
        "  meter1 (30 channels): 90.0 % (10 missed, 0 flagged of 100)",
    ]


def test_a_long_fault_leaves_the_tables_of_status_within_eighty_columns(
    site: Site, running: Callable[[], Collector]
) -> None:
    collector = running()
    words = (
        "the broker 127.0.0.1:1 can't be reached: nothing listens there (is it running, is the port right?)"
    )
    start = Event(collector.parts().clock.now_ns(), EventKind.FAULT_START, words, "bus1", "building")
    collector.inbox.event(start)
    assert collector.flush()
    told = read_report(site.journal_path, site).text()
    collector.stop()
    faults, tables = told.split("\n\n")[2:4]
    assert words in faults
    assert "…" in tables
    assert max(len(line) for line in tables.split("\n")) <= 80
