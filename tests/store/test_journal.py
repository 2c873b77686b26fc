"""What is committed stays, once, and exactly as it was."""

from __future__ import annotations

import math
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dodac.contracts import DeadLetter, Event, EventKind
from dodac.errors import DataError, StorageError
from dodac.samples import Flag, Layout, Reason, Sample, TimeSource
from store import Journal, JournalStore, Outcome, _schema
from store import _codec as codec
from store._ranges import Ranges, runs

T0 = 1_790_000_000_000_000_000
METER = Layout("meter-1", ("power_w", "energy_import_kwh", "frequency_hz"))
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def samples_of(draw: Any, layout: Layout = METER, times: Any = None) -> Sample:
    values, flags = {}, []
    for name in layout.channels:
        match draw(st.sampled_from(("good", "good", "absent", "flagged"))):
            case "good":
                values[name] = draw(FINITE)
            case "flagged":
                flags.append(Flag(name, draw(st.sampled_from(list(Reason))), draw(st.none() | FINITE)))
    return layout.sample(
        draw(times if times is not None else st.integers(-(1 << 60), 1 << 60)),
        values,
        flags=flags,
        span_ns=draw(st.integers(0, 1 << 50)),
        time_source=draw(st.sampled_from(list(TimeSource))),
        raw=draw(st.none() | st.binary(max_size=20)),
        part=draw(st.integers(0, 3)),
    )


@given(samples_of())
@settings(deadline=None, derandomize=True, max_examples=200)
def test_a_packed_sample_is_the_same_sample_again(sample: Sample) -> None:
    codec.check(sample, METER)
    row = codec.encode(sample, METER, 7, 1, 1)
    again = codec.decode(row, METER)
    assert again.canonical() == sample.canonical()
    assert again.flags == sample.flags
    assert again.raw == sample.raw
    assert codec.row_crc(*row[:-1]) == row[-1]


@given(st.lists(st.lists(samples_of(times=st.integers(0, 3)), max_size=8), max_size=6))
@settings(
    deadline=None,
    derandomize=True,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_batches_keep_every_content_once_and_the_first_as_it_came(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Sample]]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    first: dict[tuple[int, int], Sample] = {}
    contents: set[bytes] = set()
    rows = 0
    for batch in batches:  # closed and opened again between batches
        with Journal.open(path) as journal:
            journal.layout(METER)
            outcomes = journal.commit([("bus", sample) for sample in batch])
        for sample, outcome in zip(batch, outcomes, strict=True):
            key = (sample.time_ns, sample.part)
            if sample.canonical() in contents:
                assert outcome is Outcome.DUPLICATE
                continue
            contents.add(sample.canonical())
            rows += 1
            assert outcome is (Outcome.CONFLICT if key in first else Outcome.COMMITTED)
            first.setdefault(key, sample)
    with Journal.open(path) as journal:
        found = [sample for _, sample in journal.read_after(0, 1000)]
        assert journal.verify() == []
        tallies = journal.tallies().get(("meter-1", "bus"), {})
    assert len(found) == rows
    assert sum(tallies.values()) == sum(len(batch) for batch in batches)
    kept = {(s.time_ns, s.part): s for s in found}
    assert {key: sample.canonical() for key, sample in first.items()} == {
        key: kept[key].canonical() for key in first
    }
    for sample in found:
        if sample.part >= codec.PART_LIMIT:
            assert all(math.isnan(value) for value in sample.values)
            assert any(flag.reason is Reason.CONFLICT for flag in sample.flags) or not sample.present


def test_a_conflict_keeps_the_value_as_read_and_is_told_once(journal: Journal) -> None:
    journal.layout(METER)
    good = METER.sample(T0, {"power_w": 1.0})
    other = METER.sample(T0, {"power_w": 2.0}, flags=[Flag("frequency_hz", Reason.RATE, 99.0)])
    items = [("bus", good), ("bus", other), ("bus", other), ("bus", good)]
    assert journal.commit(items) == ["committed", "conflict", "duplicate", "duplicate"]
    assert journal.commit(items) == ["duplicate"] * 4
    (_, kept), (_, doubtful) = journal.read_after(0, 10)
    assert kept == good or kept.canonical() == good.canonical()
    assert doubtful.flags == (
        Flag("frequency_hz", Reason.RATE, 99.0),
        Flag("power_w", Reason.CONFLICT, 2.0),
        Flag("frequency_hz", Reason.CONFLICT, 99.0),
    )


def test_a_batch_with_one_impossible_sample_writes_nothing_and_names_it(journal: Journal) -> None:
    journal.layout(METER)
    good = METER.sample(T0, {"power_w": 1.0})
    bad = Sample("meter-1", T0 + 1, 0, TimeSource.HOST, METER.id, (1.0, 2.0), 3)
    with pytest.raises(DataError, match="meter-1: a sample has 2 values where its layout has 3"):
        journal.commit([("bus", good), ("bus", bad)])
    with pytest.raises(DataError):
        journal.check(bad)
    assert journal.counts().samples == 0
    assert journal.commit([("bus", good)]) == ["committed"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layout": 99}, "layout 99"),
        ({"present": 8}, "presence"),
        ({"values": (1.0, math.inf, 1.0)}, "not finite"),
        ({"values": (1.0, math.nan, 1.0)}, "no flag"),
        ({"present": 3}, "must be NaN"),
        ({"flags": (Flag("power_w", Reason.CRC),)}, "must be NaN"),
        ({"flags": (Flag("steam_kg", Reason.CRC),)}, "does not have"),
        ({"time_ns": 1 << 63}, "can't be"),
        ({"span_ns": -1}, "can't be"),
        ({"part": 4096}, "part"),
    ],
)
def test_samples_that_contradict_their_layout_are_refused_in_words(
    journal: Journal, change: dict[str, Any], words: str
) -> None:
    journal.layout(METER)
    parts: dict[str, Any] = {
        "instrument": "meter-1", "time_ns": T0, "span_ns": 0, "time_source": TimeSource.HOST,
        "layout": METER.id, "values": (1.0, 2.0, 3.0), "present": 7,
    }  # fmt: skip
    with pytest.raises(DataError, match=words):
        journal.commit([("bus", Sample(**(parts | change)))])


def test_events_letters_facts_and_tallies_survive_a_restart(tmp_path: Path) -> None:
    event = Event(T0, EventKind.GAP, "đứt dây", "bus1", "meter-1", T0 + 5, {"missed": 3})
    letter = DeadLetter(T0, "broker", "a/b", b"\x00{", "not JSON")
    path = tmp_path / "deep" / "journal.db"
    with Journal.open(path) as journal:
        assert journal.commit([("bus1", event), ("broker", letter)]) == ["committed", "committed"]
        journal.set_facts("meter-1", {"asset": "boiler1", "serial": "1"})
        journal.set_facts("meter-1", {"serial": "2"})
        journal.set_cursor("influxdb/events", 1)
    with Journal.open(path) as journal:
        assert journal.events_after(0, 10) == [(1, event)]
        assert journal.facts() == {"meter-1": {"asset": "boiler1", "serial": "2"}}
        assert journal.tallies() == {("", "broker"): {"dead_letter": 1}}
        assert (journal.cursor("influxdb/events"), journal.cursor("other")) == (1, 0)
        counts = journal.counts()
        assert (counts.events, counts.dead_letters, counts.samples) == (1, 1, 0)


def test_what_a_sink_has_is_remembered_and_what_it_waits_for_comes_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal.open(path) as journal:
        journal.layout(METER)
        journal.commit([("bus", METER.sample(T0 + n, {"power_w": float(n)})) for n in range(10)])
        assert [seq for seq, _ in journal.waiting("influx", 3)] == [10, 9, 8]
        journal.mark("influx", [10, 9, 8], "delivered")
        journal.mark("influx", [5], "rejected", "field type conflict")
        journal.mark_ranges("influx", [(1, 2)], "expired", "beyond retention")
        journal.mark("influx", [5, 7], "delivered")
    with Journal.open(path) as journal:
        assert [seq for seq, _ in journal.waiting("influx", 9)] == [6, 4, 3]
        assert [seq for seq, _ in journal.waiting("influx", 2, newest_first=False)] == [3, 4]
        counts = journal.sink_counts("influx")
        assert (counts.delivered, counts.rejected, counts.expired, counts.waiting) == (4, 1, 2, 3)
        assert journal.sink_counts("other").waiting == 10


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)), max_size=20))
def test_ranges_are_the_set_of_their_numbers(pieces: list[tuple[int, int]]) -> None:
    ranges, numbers = Ranges(), set()
    for first, length in pieces:
        ranges.add(first, first + length)
        numbers |= set(range(first, first + length + 1))
    assert list(ranges) == runs(numbers)
    assert len(ranges) == len(numbers)
    gaps = {n for a, b in ranges.gaps(3, 30) for n in range(a, b + 1)}
    assert gaps == set(range(3, 31)) - numbers
    assert all((n in ranges) == (n in numbers) for n in range(50))
    assert ranges.overlap(Ranges([(5, 25)])) == len(numbers & set(range(5, 26)))


def test_two_writers_of_one_journal_are_refused_in_words(journal: Journal) -> None:
    with pytest.raises(StorageError, match="another dodac process writes this journal"):
        Journal.open(journal.path)


def test_a_collector_that_starts_while_an_entry_is_stored_waits_a_moment(journal: Journal) -> None:
    """dodac run ended with "another dodac process" when it was started in the moment of a form's commit."""
    timer = threading.Timer(0.1, journal.close)
    timer.start()
    with Journal.open(journal.path, wait_s=5.0) as again:
        assert again.last_seq() == 0
    timer.join()


def test_a_full_disk_is_told_nothing_is_half_written_and_it_goes_on_when_there_is_room(
    journal: Journal,
) -> None:
    journal.layout(METER)
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    batch = [
        ("bus", METER.sample(T0 + n, {"power_w": float(n), "frequency_hz": 1.0}, raw=bytes(100)))
        for n in range(500)
    ]
    with pytest.raises(StorageError, match="the disk is full"):
        journal.commit(batch)
    assert (journal.counts().samples, journal.tallies(), journal.last_seq()) == (0, {}, 0)
    journal._db.execute("PRAGMA max_page_count = 1073741823")
    assert set(journal.commit(batch)) == {Outcome.COMMITTED}
    assert [seq for seq, _ in journal.read_after(0, 1000)] == list(range(1, 501))


def test_a_folder_that_cant_be_made_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError) as caught:
        Journal.open(tmp_path / "file" / "journal.db")
    assert "file" in str(caught.value)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE notes (text)")
    db.close()
    with pytest.raises(StorageError, match="another program"):
        Journal.open(path)
    assert list(tmp_path.glob("*.damaged-*")) == []


def test_a_journal_of_a_later_version_is_refused_and_an_older_one_brought_forward(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    Journal.open(path).close()
    db = _schema.connect(path)
    later = _schema.VERSION + 1
    migrations = {_schema.VERSION: lambda old: old.execute("CREATE TABLE extra (x)") and None}
    _schema.prepare(db, path, migrations, target=later)
    assert db.execute("PRAGMA user_version").fetchone()[0] == later
    assert db.execute("SELECT count(*) FROM extra").fetchone() == (0,)
    assert path.with_name(f"journal.db.version-{_schema.VERSION}").exists()
    db.close()
    with pytest.raises(StorageError, match=f"version {later}"):
        Journal.open(path)
    with pytest.raises(StorageError, match=f"version {later}"):
        JournalStore(path)


def test_a_store_without_a_journal_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="dodac run"):
        JournalStore(tmp_path / "journal.db")


def test_readers_see_what_is_committed_while_the_writer_goes_on(journal: Journal) -> None:
    journal.layout(METER)
    store = JournalStore(journal.path)
    for n in range(3):
        journal.commit([("bus", METER.sample(T0 + n, {"power_w": float(n)}))])
        assert len(store.series("meter-1", ["power_w"], T0, T0 + 10)) == n + 1
    store.close()


@pytest.mark.parametrize(
    "other",
    [
        METER.sample(T0, {"power_w": 1.0}, flags=[Flag("frequency_hz", Reason.SENTINEL)]),
        METER.sample(T0, {"power_w": 1.0}, flags=[Flag("frequency_hz", Reason.CRC, 3.0)]),
        METER.sample(T0, {"power_w": 1.0}, flags=[Flag("frequency_hz", Reason.CRC)], span_ns=2),
        METER.sample(
            T0, {"power_w": 1.0}, flags=[Flag("frequency_hz", Reason.CRC)], time_source=TimeSource.DEVICE
        ),
        METER.sample(T0, {"power_w": 1.0}),
    ],
)
def test_the_same_values_with_another_story_are_a_conflict_and_no_duplicate(
    journal: Journal, other: Sample
) -> None:
    journal.layout(METER)
    first = METER.sample(T0, {"power_w": 1.0}, flags=[Flag("frequency_hz", Reason.CRC)])
    assert journal.commit([("bus", first), ("bus", other), ("bus", first)]) == [
        "committed",
        "conflict",
        "duplicate",
    ]


def test_a_commit_waits_for_the_disk(tmp_path: Path) -> None:
    # WAL with synchronous NORMAL loses the last commits at a power cut: they were acknowledged
    db = _schema.connect(tmp_path / "j.db")
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()
