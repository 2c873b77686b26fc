"""A journal stays inside its limits of size and age, and says of every dropped sample where it still is."""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.contracts import DeadLetter, Event, EventKind
from dodac.samples import Layout, Sample
from store import Journal, JournalStore
from store._files import size_of
from store._keeper import COUNTED, Keeper
from store._policy import Dropped, Limits

T0 = 1_790_000_000_000_000_000
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
METERS = tuple(
    Layout(name, ("power_w", "energy_import_kwh", "frequency_hz"))
    for name in ("meter-1", "meter-2", "meter-3")
)
RAW = random.Random(7).randbytes(400)


def _sample(number: int, raw: bytes | None = RAW) -> Sample:
    layout = METERS[number % 3]
    values = {"power_w": float(number), "energy_import_kwh": number / 3, "frequency_hz": 50.0}
    return layout.sample(T0 + number * SECOND, values, raw=raw)


def _fill(journal: Journal, first: int, last: int, raw: bytes = RAW) -> None:
    """Samples whose seq is first…last, when the journal was filled from 1 on."""
    for layout in METERS:
        journal.layout(layout)
    for start in range(first, last + 1, 500):
        journal.commit([("bus", _sample(n, raw)) for n in range(start, min(start + 500, last + 1))])


def _seqs(journal: Journal) -> set[int]:
    return {seq for seq, _ in journal.read_after(0, 1_000_000)}


def _gaps(journal: Journal) -> list[Event]:
    return [event for _, event in journal.events_after(0, 10_000) if event.kind is EventKind.GAP]


def _balanced(journal: Journal, sink: str) -> bool:
    known, counts = journal.sink_counts(sink), journal.counts()
    parts = known.delivered + known.waiting + known.rejected + known.expired + known.dropped
    return parts == counts.samples + counts.dropped


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A folder where a sync costs nothing, for tests of thousands of commits."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder in it is made anew, with a name of its own
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as name:
        yield Path(name)


def test_what_a_server_has_goes_first_and_what_waits_only_when_that_is_not_enough(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    limits = Limits(max_bytes=5_000_000)
    with Journal.open(path) as journal:
        journal.tune(limits.wal_bytes)
        _fill(journal, 1, 13_000)
        journal.mark_ranges("influx", [(1, 1000), (6001, 6500)], "delivered")
        journal.mark_ranges("influx", [(1001, 1200)], "rejected", "no")
        keeper = Keeper(journal, limits, ["influx"])
        dropped = keeper.by_size()
        kept = _seqs(journal)
        # down to what is needed, not further
        assert 5_000_000 * 0.91 < limits.against(keeper.space()) <= 5_000_000 * 0.95
        # everything the server settled is gone before any that waits, and those oldest first
        assert not kept & {*range(1, 1201), *range(6001, 6501)}
        waiting = sorted(kept)
        assert waiting == [*range(waiting[0], 6001), *range(6501, 13_001)]
        assert dropped.samples == 13_000 - len(kept)
        assert dropped.gone == dropped.samples - 1500  # rejected ones are nowhere else either
        counts = journal.sink_counts("influx")
        assert (counts.delivered, counts.rejected, counts.waiting) == (1500, 200, len(kept))
        assert counts.dropped == 13_000 - 1700 - len(kept)
        assert _balanced(journal, "influx")
        # one gap an instrument and fate
        gaps = _gaps(journal)
        assert {(gap.instrument, gap.data["delivered"]) for gap in gaps} == {
            (layout.instrument, fate) for layout in METERS for fate in (0, 1)
        }
        assert sum(int(gap.data["dropped"]) for gap in gaps) == dropped.samples
        assert all(gap.end_ns is not None and gap.time_ns < gap.end_ns for gap in gaps)
        assert "gone" in next(gap.text for gap in gaps if not gap.data["delivered"])
        assert [seq for seq, _ in journal.waiting("influx", 1, newest_first=False)] == [waiting[0]]
    with Journal.open(path) as journal:
        assert not [e for _, e in journal.events_after(0, 1000) if e.kind is EventKind.DAMAGE]
        assert journal.counts().lost == 0
        assert journal.counts().dropped == dropped.samples
        assert _balanced(journal, "influx")
        journal.commit([("bus", _sample(20_000))])
        assert journal.last_seq() == 13_001


def test_a_journal_that_dropped_every_row_starts_without_damage(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal.open(path) as journal:
        _fill(journal, 1, 100)
        Keeper(journal, Limits(max_age_ns=SECOND), ["influx"]).by_age(T0 + 10**15)
        assert journal.counts().samples == 0
    with Journal.open(path) as journal:
        assert journal.counts().lost == 0
        assert {e.kind for _, e in journal.events_after(0, 100)} == {EventKind.GAP}
        _fill(journal, 101, 101)
        assert journal.last_seq() == 101


def test_the_only_store_keeps_everything_until_told_otherwise(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        _fill(journal, 1, 3000)
        keeper = Keeper(journal, Limits(), [])
        assert keeper.by_size() == Dropped()
        assert keeper.by_age(T0 + 10**18) == Dropped()
        assert keeper.by_share().letters == 0
        assert len(_seqs(journal)) == 3000


def test_disk_bytes_stay_below_the_limit_through_an_outage_of_seven_times_the_journal(
    in_memory: Path, fault_row: Any
) -> None:
    # rows deleted in SQLite do not make its file smaller: the bytes on the disk are what is held here
    path = in_memory / "journal.db"
    limits = Limits(max_bytes=4_000_000)
    with Journal.open(path) as journal:
        journal.tune(limits.wal_bytes)
        keeper = Keeper(journal, limits, ["influx"])
        most = 0
        for first in range(1, 14_000, 50):
            _fill(journal, first, first + 49, RAW * 5)
            if keeper.by_size().samples:
                assert keeper.space().used > 4_000_000 * 0.85
            most = max(most, size_of(path))
        assert most <= 4_000_000
        assert most >= 3_000_000  # and the room is used
        assert _balanced(journal, "influx")
        assert journal.sink_counts("influx").waiting == journal.counts().samples
        # dropping in runs leaves few gaps, each sample in one of them
        gaps = _gaps(journal)
        assert sum(int(gap.data["dropped"]) for gap in gaps) == journal.counts().dropped
        assert len(gaps) < 3 * 50 * 8
    fault_row(
        "max_size is reached while no server takes anything",
        "an alarm at 90 %; then the oldest samples go, in runs; file and WAL stay below max_size",
        0,
        "dropped in the ledger; a GAP an instrument and run that says they are gone",
        chapter="keeping",
    )


def test_a_program_that_reads_for_long_costs_no_sample_that_fits(in_memory: Path) -> None:
    path = in_memory / "journal.db"
    limits = Limits(max_bytes=5_000_000)
    with Journal.open(path) as journal:
        journal.tune(limits.wal_bytes)
        keeper = Keeper(journal, limits, [])
        _fill(journal, 1, 5000)
        reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM samples").fetchone()
        for first in range(5001, 15_000, 500):
            _fill(journal, first, first + 499)
            keeper.by_size()
        space = keeper.space()
        assert limits.held(space)  # what can't be helped: it is told
        assert limits.against(space) > 5_000_000 * 0.9
        assert len(_seqs(journal)) > 7500
        reader.close()
        assert journal.checkpoint()
        # a reader that is there for a moment holds nobody up
        reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM samples").fetchone()
        _fill(journal, 15_001, 15_001)
        begun = time.monotonic()
        assert not journal.checkpoint()
        assert time.monotonic() - begun < 5  # SQLite's own patience is ten
        reader.close()
        _fill(journal, 15_002, 15_500)
        keeper.by_size()
        assert keeper.disk_bytes() <= 5_000_000
        assert not limits.held(keeper.space())


def test_a_smaller_limit_gives_the_room_back_to_the_disk(in_memory: Path) -> None:
    path = in_memory / "journal.db"
    with Journal.open(path) as journal:
        _fill(journal, 1, 20_000)
        journal.checkpoint()
        before = size_of(path)
        keeper = Keeper(journal, Limits(max_bytes=4_000_000), [])
        keeper.by_size()
        while keeper.give_back():
            pass
        assert journal.checkpoint()
        assert size_of(path) < 4_000_000 < before
        assert journal.verify() == []


def test_age_is_by_the_time_of_the_sample_and_exact(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        _fill(journal, 1, 3000)
        keeper = Keeper(journal, Limits(max_age_ns=1000 * SECOND), [])
        dropped = keeper.by_age(T0 + 3000 * SECOND)
        assert _seqs(journal) == set(range(2000, 3001))
        assert (dropped.samples, dropped.gone) == (1999, 1999)
        assert keeper.by_age(T0 + 3000 * SECOND) == Dropped("max_age 0.0116 d")
        assert len(_gaps(journal)) == 3


def test_a_run_that_a_power_cut_ends_is_told_at_the_next_one(tmp_path: Path, fault_row: Any) -> None:
    path = tmp_path / "journal.db"
    limits = Limits(max_bytes=4_000_000)
    with Journal.open(path) as journal:
        _fill(journal, 1, 12_000)
        journal.mark_ranges("influx", [(1, 100)], "delivered")
        steps = iter((True, False, False))
        keeper = Keeper(journal, limits, ["influx"])
        keeper._end = Dropped  # type: ignore[method-assign]  # the power goes before the run is told
        keeper.by_size(lambda: next(steps))
        gone = journal.counts().dropped
        assert gone
        assert not _gaps(journal)
    with Journal.open(path) as journal:
        Keeper(journal, limits, ["influx"]).tell_left_over()
        assert sum(int(gap.data["dropped"]) for gap in _gaps(journal)) == gone == journal.counts().dropped
        Keeper(journal, limits, ["influx"]).tell_left_over()
        assert sum(int(gap.data["dropped"]) for gap in _gaps(journal)) == gone
    fault_row(
        "power goes while old samples are dropped",
        "each step is counted in its own transaction; the next start tells the run",
        0,
        "dropped in the ledger, GAP events",
        chapter="keeping",
    )


def test_dead_letters_and_events_have_shares_of_their_own(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        keeper = Keeper(journal, Limits(max_bytes=4_000_000), [])
        for number in range(400):
            letter = DeadLetter(T0 + number, "broker", "t", bytes(1000), "no JSON")
            event = Event(T0 + number, EventKind.NOTE, "x" * 1000)
            journal.commit([("broker", letter), ("broker", event)])
            keeper.by_share()
        counts = journal.counts()
        assert 130 < counts.dead_letters < 200
        assert counts.dead_letters + journal.cursor(COUNTED + "dead_letters") == 400
        notes = [e for _, e in journal.events_after(0, 1000) if e.source == "journal"]
        assert notes
        assert "dead letters were dropped" in notes[0].text or "events were dropped" in notes[0].text
        # the newest stay
        assert journal.tallies()["", "broker"]["dead_letter"] == 400


def test_a_limit_that_no_journal_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match=r"4\.00 MB at least"):
        Limits(max_bytes=100_000)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 900), st.integers(0, 60)), max_size=12),
    st.lists(st.tuples(st.integers(1, 900), st.integers(0, 60)), max_size=12),
    st.integers(0, 900),
)
def test_every_sample_is_in_one_account_whatever_sinks_had(
    tmp_path_factory: pytest.TempPathFactory,
    one: list[tuple[int, int]],
    two: list[tuple[int, int]],
    age: int,
) -> None:
    path = tmp_path_factory.mktemp("p") / "journal.db"
    with Journal.open(path) as journal:
        for layout in METERS:
            journal.layout(layout)
        journal.commit([("bus", _sample(n, None)) for n in range(1, 901)])
        journal.mark_ranges("one", [(first, min(900, first + size)) for first, size in one], "delivered")
        journal.mark_ranges("two", [(first, min(900, first + size)) for first, size in two], "expired")
        dropped = Keeper(journal, Limits(max_age_ns=SECOND), ["one", "two"]).by_age(T0 + (1 + age) * SECOND)
        had = {n for first, size in one for n in range(first, min(900, first + size) + 1)}
        assert dropped.samples == max(0, age - 1)
        assert dropped.gone == len(set(range(1, age)) - had)
        for sink in ("one", "two", "new"):
            assert _balanced(journal, sink)
        assert journal.sink_counts("one").delivered == len(had)
        assert journal.sink_counts("new").dropped == dropped.samples
    with JournalStore(path) as store:
        view = store.accounts()
        assert view.counts.samples + view.counts.dropped == 900
        assert all(known.waiting >= 0 for known in view.sinks.values())


START = T0 - T0 % DAY + DAY


def _packed(path: Path) -> Journal:
    """Nine days of three meters, one sample every 240 s and meter; of the first eight those are packed that a server has."""
    journal = Journal.open(path)
    for layout in METERS:
        journal.layout(layout)
    for first in range(0, 9720, 540):
        journal.commit(
            [
                ("bus", METERS[n % 3].sample(START + n // 3 * 240 * SECOND, {"power_w": float(n)}, raw=RAW))
                for n in range(first, first + 540)
            ]
        )
    # days 1, 2 and 5
    journal.mark_ranges("influx", [(1, 2160), (4321, 5400)], "delivered")
    while journal.pack(START + 8 * DAY, ["influx"], whole=False):
        pass
    return journal


def test_packed_history_is_dropped_by_age_and_counted_by_the_sample(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    cut = START + 5 * DAY - 9000 * SECOND
    with _packed(path) as journal:
        with journal.upkeep() as (db, _):
            before = db.execute("SELECT count(*), total(count) FROM blocks").fetchone()
        assert before[1] == 3240
        dropped = Keeper(journal, Limits(max_age_ns=DAY), ["influx"]).by_age(cut + DAY)
        with journal.upkeep() as (db, _):
            # a block goes when all of it is too old
            assert db.execute("SELECT count(*) FROM blocks WHERE last_ns < ?", (cut,)).fetchone()[0] == 0
            left = db.execute("SELECT total(count) FROM blocks").fetchone()[0]
            assert db.execute("SELECT count(*) FROM samples WHERE time_ns < ?", (cut,)).fetchone()[0] == 0
        assert 0 < left <= 1080
        assert dropped.gone == 2160  # days 3 and 4 waited
        assert dropped.samples == 2160 + 3240 - left
        assert _balanced(journal, "influx")
        assert journal.sink_counts("influx").delivered == 3240
        gaps = _gaps(journal)
        assert sum(int(gap.data["dropped"]) for gap in gaps) == dropped.samples
        assert all(gap.end_ns is not None and gap.end_ns <= cut for gap in gaps)
    with Journal.open(path) as journal:
        assert journal.counts().dropped == dropped.samples
        assert journal.counts().lost == 0
        assert journal.verify() == []


def test_size_takes_what_a_server_has_before_any_that_waits_packed_or_not(tmp_path: Path) -> None:
    with _packed(tmp_path / "journal.db") as journal:
        keeper = Keeper(journal, Limits(max_bytes=4_000_000), ["influx"])
        with journal.upkeep() as (_, sinks):
            settled = sinks.settled(["influx"])
        assert not keeper._drop_spans(keeper._standing(settled), settled, lambda _: False, lambda: True)
        assert _seqs(journal) == {*range(2161, 4321), *range(5401, 9721)}
        assert _balanced(journal, "influx")
        everything = type(settled)([(1, 1 << 62)])
        steps = iter((False, True))
        keeper._drop_spans(keeper._standing(everything), everything, lambda _: next(steps), lambda: True)
        kept = _seqs(journal)
        assert kept == {*range(min(kept), 4321), *range(5401, 9721)}
        assert min(kept) > 2161
        keeper._drop_spans(keeper._standing(everything), everything, lambda _: False, lambda: True)
        assert _seqs(journal) == set()
        assert _balanced(journal, "influx")
        assert journal.last_seq() == 9720
        assert journal.verify() == []


def test_a_sink_that_came_later_keeps_packed_history_until_the_room_is_needed(tmp_path: Path) -> None:
    with _packed(tmp_path / "journal.db") as journal:
        keeper = Keeper(journal, Limits(max_bytes=4_000_000), ["influx", "new"])
        with journal.upkeep() as (_, sinks):
            settled = sinks.settled(["influx", "new"])
        keeper._drop_spans(keeper._standing(settled), settled, lambda _: False, lambda: True)
        assert len(_seqs(journal)) == 9720
        journal.mark_ranges("new", [(1, 1500)], "delivered")
        with journal.upkeep() as (_, sinks):
            settled = sinks.settled(["influx", "new"])
        keeper._drop_spans(keeper._standing(settled), settled, lambda _: False, lambda: True)
        kept = _seqs(journal)
        # only whole blocks, and only of what both have
        assert 1500 - 3 * 400 < 9720 - len(kept) <= 1500
        assert set(range(1501, 9721)) <= kept
        assert _balanced(journal, "influx")
        assert _balanced(journal, "new")
