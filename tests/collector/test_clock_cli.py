"""`dodac clock`: an auditor sees which readings have no time, and gives it to them by a wristwatch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from collector._clock_cli import clock
from collector._clock_keeper import ClockKeeper, floor_of
from collector.ingest import Ingest
from dodac.clock import DAY_NS, HOUR_NS, SECOND_NS, ManualClock, iso_utc
from dodac.contracts import Event, EventKind
from dodac.errors import ConfigError
from dodac.samples import Layout
from store import Journal, JournalStore

LAYOUT = Layout("meter1", ("power_w",))
T0 = 1_780_000_000 * SECOND_NS


def collect(path: Path, start_ns: int, count: int, boot: str = "") -> str:
    """A run without anything else: one read every ten seconds; gives the boot."""
    watch = ManualClock(start_ns)
    with Journal.open(path) as journal:
        ingest = Ingest(journal, watch, group_ms=1)
        ingest.start()
        keeper = ClockKeeper(journal, ingest, watch)
        inbox = keeper.inbox(ingest)
        inbox.layout(LAYOUT)
        keeper.start()
        ingest.event(Event(watch.now_ns(), EventKind.START, "go", "collector", data=keeper.start_data()))
        for number in range(count):
            watch.advance(10)
            inbox.sample(LAYOUT.sample(watch.now_ns(), {"power_w": float(number)}), source="bus")
        keeper.stop()
        ingest.stop()
        return keeper.boot


def series(path: Path) -> list[tuple[int, float]]:
    store = JournalStore(path)
    try:
        frame = store.series("meter1", ["power_w"], 0, 2**62)
        return list(zip(frame.index.asi8.tolist(), frame["power_w"].tolist(), strict=True))
    finally:
        store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def run(path: Path, *more: str) -> int:
    argv: Sequence[str] = ["--journal", str(path), *more]
    return clock(argv)


def test_a_wristwatch_gives_the_readings_of_a_run_without_a_clock_their_times(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boot = collect(path, 40 * SECOND_NS, 30)
    assert run(path) == 1
    said = capsys.readouterr().out
    assert f"boot {boot}: 30 samples without a known time" in said
    assert "clock of this computer is not good" in said
    assert run(path, "--boot", boot, "--started", iso_utc(T0), "--operator", "Lan") == 0
    assert "30 samples have their right time now" in capsys.readouterr().out
    assert series(path) == [(T0 + (n + 1) * 10 * SECOND_NS, float(n)) for n in range(30)]
    store = JournalStore(path)
    notes = [e.text for e in store.events(0, 2**62) if e.source == "clock" and e.kind is EventKind.NOTE]
    store.close()
    assert any("a person told the time (Lan)" in text for text in notes)
    # told twice, nothing is moved twice
    with pytest.raises(ConfigError, match="no readings without a time"):
        run(path, "--boot", boot, "--started", iso_utc(T0 + HOUR_NS))


def test_the_first_reading_may_be_named_instead(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boot = collect(path, 40 * SECOND_NS, 3)
    assert run(path, "--boot", boot, "--first", iso_utc(T0), "--json") == 0
    assert json.loads(capsys.readouterr().out)["moved"] == 3
    assert [time_ns for time_ns, _ in series(path)] == [T0, T0 + 10 * SECOND_NS, T0 + 20 * SECOND_NS]


def test_a_day_of_a_clock_a_year_ahead_is_shifted_and_holds_back_no_later_run(path: Path) -> None:
    collect(path, T0 + 365 * DAY_NS, 20)
    assert floor_of_file(path) > T0 + 365 * DAY_NS
    begin, end = iso_utc(T0 + 365 * DAY_NS), iso_utc(T0 + 366 * DAY_NS)
    assert run(path, "--from", begin, "--to", end, "--shift", "-365d") == 0
    assert [time_ns for time_ns, _ in series(path)] == [T0 + (n + 1) * 10 * SECOND_NS for n in range(20)]
    assert floor_of_file(path) == T0 + 200 * SECOND_NS
    collect(path, T0 + HOUR_NS, 5)
    assert len(series(path)) == 25


def floor_of_file(path: Path) -> int:
    with Journal.open(path) as journal:
        return floor_of(journal)


def test_what_can_not_be_is_refused_in_words(path: Path) -> None:
    boot = collect(path, 40 * SECOND_NS, 3)
    for more, words in (
        (("--boot", boot), "either --started or --first"),
        (("--started", "2026-01-01"), "need --boot"),
        (("--boot", "x", "--first", "2026-01-01"), "no readings without a time"),
        (("--boot", boot, "--first", "soon"), "is no time"),
        (("--boot", boot, "--first", "2100-01-01"), "which is not yet"),
        (("--from", "2026-01-01", "--shift", "7h"), "go together"),
        (("--from", "2026-01-01", "--to", "2026-01-02", "--shift", "much"), "is not a duration"),
    ):
        with pytest.raises(ConfigError, match=words):
            run(path, *more)
    with pytest.raises(ConfigError, match="no journal"):
        run(path.with_name("none.db"), "--from", "2026-01-01", "--to", "2026-01-02", "--shift", "7h")


def test_a_journal_whose_readings_all_have_a_time_says_so(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collect(path, T0, 3)
    assert run(path) == 0
    assert "Every reading has its time" in capsys.readouterr().out
    assert run(path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["boots"] == []


def test_a_running_collector_takes_up_what_a_person_tells(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # dodac run had to be stopped for it, so readings were lost to tell the time of others
    collect(path, T0 + HOUR_NS, 20)
    watch = ManualClock(T0 + 2 * HOUR_NS)
    with Journal.open(path) as journal:
        ingest = Ingest(journal, watch, group_ms=1)
        ingest.start()
        keeper = ClockKeeper(journal, ingest, watch)
        keeper.start()
        told = [
            "--from",
            iso_utc(T0 + HOUR_NS),
            "--to",
            iso_utc(T0 + HOUR_NS + 300 * SECOND_NS),
            "--shift",
            "-1h",
        ]
        assert run(path, *told, "--operator", "Lan") == 0
        assert "dodac run has the journal" in capsys.readouterr().out
        assert run(path, *told, "--json") == 0
        assert json.loads(capsys.readouterr().out)["waiting"] is True
        (path.parent / "journal-clock" / "clock.torn.json").write_bytes(b"[")
        keeper._take_told()
        keeper._take_told()
        keeper.stop()
        # a kill before they are moved: the next run goes on
        ingest.stop()
    collect(path, T0 + 3 * HOUR_NS, 0)
    with Journal.open(path) as journal:
        ingest = Ingest(journal, watch, group_ms=1)
        ingest.start()
        keeper = ClockKeeper(journal, ingest, watch)
        keeper._fixer.take_up()
        keeper._fixer.carry_out()
        ingest.stop()
    assert [ns for ns, _ in series(path)] == [T0 + 10 * SECOND_NS * (n + 1) for n in range(20)]
    assert not list((path.parent / "journal-clock").glob("*.json"))
    assert (path.parent / "journal-clock" / "refused" / "clock.torn.json").exists()
