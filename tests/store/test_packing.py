"""Packing moves samples and changes nothing that anyone reads: the journal answers as one never packed."""

from __future__ import annotations

import itertools
import random
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dodac.clock import DAY_NS, HOUR_NS
from dodac.contracts import Event, EventKind
from dodac.errors import IntegrityError
from dodac.samples import FIRST_REVISION, Flag, Layout, Reason, Sample
from store import Journal, JournalStore, Outcome
from store import _blocks_pack as packing
from store import _blocks_read as history

T0 = 1_790_000_000_000_000_000 // DAY_NS * DAY_NS
METER = Layout("meter-1", ("power_w", "energy_import_kwh", "frequency_hz"))
FEWER = Layout("meter-1", ("power_w", "co2_pct"))
WATER = Layout("water", ("volume_m3",))
LAYOUTS = (METER, FEWER, WATER)
FOREVER = 1 << 62


def _pack(journal: Journal, before_ns: int = FOREVER, *sinks: str, limit: int = 1000) -> int:
    moved = 0
    while step := journal.pack(before_ns, sinks, limit=limit, whole=False):
        assert step <= limit
        moved += step
    return moved


def _rows(path: Path, table: str) -> int:
    db = sqlite3.connect(path)
    try:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - ours
    finally:
        db.close()


def _minutes(count: int, layout: Layout = METER, step_ns: int = 60 * 10**9) -> list[Sample]:
    return [
        layout.sample(T0 + n * step_ns, dict.fromkeys(layout.channels, 100.0 + n / 8)) for n in range(count)
    ]


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    with Journal.open(tmp_path / "journal.db") as opened:
        for layout in LAYOUTS:
            opened.layout(layout)
        yield opened


# what a reader sees


def _of_journal(journal: Journal) -> dict[str, Any]:
    return {
        "read_after": [
            journal.read_after(seq, limit) for seq, limit in ((0, 10**6), (3, 4), (10, 1), (10**6, 5))
        ],
        "waiting": [
            journal.waiting(sink, limit, newest_first)
            for sink in ("server", "later")
            for limit in (1, 7, 10**6)
            for newest_first in (True, False)
        ],
        "counts": replace(journal.counts(), size_bytes=0),
        "sinks": [journal.sink_counts(sink) for sink in ("server", "later")],
        "tallies": journal.tallies(),
        "last": journal.last_seq(),
        "verify": journal.verify(),
    }


def _of_store(store: JournalStore, moments: list[int]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "instruments": store.instruments(),
        "accounts": replace(store.accounts(), counts=replace(store.accounts().counts, size_bytes=0)),
        "read_after": [store.read_after(seq, limit) for seq, limit in ((0, 10**6), (2, 3))],
        "newest": [store.newest(moment) for moment in moments],
    }
    for name in ("meter-1", "water", "nobody"):
        found[f"channels {name}"] = store.channels(name)
        for start, end in itertools.pairwise(moments):
            found[f"samples {name} {start}"] = list(store.samples(name, start, end))
            found[f"flags {name} {start}"] = store.flags(name, start, end)
            found[f"series {name} {start}"] = store.series(
                name, ["power_w", "frequency_hz", "volume_m3"], start, end
            )
            for channel in ("power_w", "energy_import_kwh"):
                found[f"{channel} {name} {start}"] = store.intervals(name, channel, start, end, "1h")
    return found


def _assert_same(left: dict[str, Any], right: dict[str, Any]) -> None:
    assert left.keys() == right.keys()
    for name, one in left.items():
        other = right[name]
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, other)
        else:
            # NaN is not equal to itself: what it prints is
            assert repr(one) == repr(other), name


_TIMES = st.one_of(
    st.integers(0, 12).map(lambda n: n * 10 * 60 * 10**9),
    st.integers(0, 30).map(lambda n: n * 5 * HOUR_NS),
    st.sampled_from([0, 1, HOUR_NS - 1, HOUR_NS, DAY_NS - 1, DAY_NS]),
)


@st.composite
def _samples(draw: st.DrawFn) -> Sample:
    layout = draw(st.sampled_from(LAYOUTS))
    values, flags = {}, []
    for channel in layout.channels:
        state = draw(st.integers(0, 5))
        if state < 4:
            values[channel] = float(draw(st.integers(0, 9)))
        elif state == 4:
            flags.append(Flag(channel, Reason.CRC, draw(st.sampled_from([None, -0.0, 9.0]))))
    part = draw(st.sampled_from([0, 0, 0, 1, FIRST_REVISION, FIRST_REVISION + 1]))
    return layout.sample(
        T0 + draw(_TIMES), values, flags=flags, part=part, span_ns=draw(st.sampled_from([0, HOUR_NS])),
        raw=draw(st.sampled_from([None, None, b"raw"])),
    )  # fmt: skip


_STEPS = st.one_of(
    st.tuples(st.just("commit"), st.lists(_samples(), min_size=1, max_size=12)),
    st.tuples(st.just("mark"), st.lists(st.integers(1, 60), max_size=20)),
    st.tuples(
        st.just("pack"), st.tuples(_TIMES, st.booleans(), st.booleans(), st.sampled_from([1, 5, 1000]))
    ),
    st.tuples(st.just("open"), st.none()),
)


@given(st.lists(_STEPS, min_size=2, max_size=14))
@settings(
    deadline=None,
    derandomize=True,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_journal_packed_at_any_moments_answers_as_one_that_never_was(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("pair")
    plain, packed = (Journal.open(folder / name) for name in ("plain.db", "packed.db"))
    try:
        for journal in (plain, packed):
            for layout in LAYOUTS:
                journal.layout(layout)
        for step, what in steps:
            if step == "commit":
                items = [("test", sample) for sample in what]
                assert plain.commit(items) == packed.commit(items)
            elif step == "mark":
                seqs = [seq for seq in what if seq <= plain.last_seq()]
                for journal in (plain, packed):
                    journal.mark("server", seqs, "delivered")
            elif step == "pack":
                before, all_of_it, whole, limit = what
                while packed.pack(T0 + before, () if all_of_it else ["server"], limit=limit, whole=whole):
                    pass
            else:
                packed.close()
                packed = Journal.open(folder / "packed.db")
        _assert_same(_of_journal(plain), _of_journal(packed))
        moments = [T0 - DAY_NS, T0 + HOUR_NS, T0 + 5 * HOUR_NS + 1, T0 + DAY_NS, T0 + 30 * DAY_NS]
        with JournalStore(folder / "plain.db") as one, JournalStore(folder / "packed.db") as two:
            _assert_same(_of_store(one, moments), _of_store(two, moments))
    finally:
        plain.close()
        packed.close()


# what moves, and when


def test_only_what_every_server_has_refused_or_let_expire_is_packed(journal: Journal) -> None:
    journal.commit([("bus", sample) for sample in _minutes(10)])
    journal.mark("one", range(1, 9), "delivered")
    journal.mark("two", [1, 2, 3], "delivered")
    journal.mark("two", [5], "rejected", "422")
    journal.mark("two", [7, 10], "expired")
    assert _pack(journal, FOREVER, "one", "two") == 5
    assert _rows(journal.path, "samples") == 5
    assert [seq for seq, _ in journal.waiting("two", 100, newest_first=False)] == [4, 6, 8, 9]
    assert [seq for seq, _ in journal.waiting("three", 100)] == list(range(10, 0, -1))
    assert journal.sink_counts("two").waiting == 4
    assert _pack(journal, FOREVER, "one", "two") == 0
    journal.mark("two", [4], "delivered")
    assert _pack(journal, FOREVER, "one", "two") == 1


def test_nothing_younger_than_asked_for_is_packed(journal: Journal) -> None:
    journal.commit([("bus", sample) for sample in _minutes(10)])
    assert _pack(journal, T0) == 0
    assert _pack(journal, T0 + 5 * 60 * 10**9) == 5
    assert _rows(journal.path, "samples") == 5


def test_hours_that_are_not_over_wait_and_slow_instruments_wait_for_their_day(journal: Journal) -> None:
    journal.commit([("bus", sample) for sample in _minutes(360, step_ns=20 * 10**9)])  # two hours
    journal.commit([("bus", sample) for sample in _minutes(96, WATER, step_ns=900 * 10**9)])  # a day
    assert journal.pack(T0 + HOUR_NS - 1) == 0
    assert journal.pack(T0 + HOUR_NS + 1) == 180
    assert journal.pack(T0 + DAY_NS - 1) == 180
    assert journal.pack(T0 + DAY_NS - 1) == 0
    assert journal.pack(T0 + DAY_NS) == 96
    assert _rows(journal.path, "blocks") == 3
    assert _rows(journal.path, "samples") == 0
    assert journal.counts().samples == 456


@pytest.mark.timeout(20)
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    "counts", [(180, 20), (20, 180), (180, 0, 5, 180, 63, 64, 1), (5,) * 30, (64, 12, 11)]
)
def test_a_day_of_full_and_of_broken_hours_is_packed_to_its_end(
    journal: Journal, counts: tuple[int, ...], whole: bool
) -> None:
    times = [T0 + hour * HOUR_NS + n * 10**10 for hour, count in enumerate(counts) for n in range(count)]
    journal.commit([("bus", METER.sample(time_ns, {"power_w": 1.0})) for time_ns in times])
    moved = 0
    while step := journal.pack(T0 + 3 * DAY_NS, whole=whole):
        moved += step
    rest = _rows(journal.path, "samples")
    assert moved + rest == len(times)
    assert rest < 12
    assert [sample.time_ns for _, sample in journal.read_after(0, 10_000)] == times


def test_long_raw_bytes_are_packed_a_few_at_a_time(journal: Journal) -> None:
    noise = random.Random(3)
    samples = [
        METER.sample(T0 + n * 10**10, {"power_w": 1.0}, raw=noise.randbytes(50_000 + 9_000_000 * (n == 70)))
        for n in range(300)
    ]
    journal.commit([("bus", sample) for sample in samples])
    moved = [0]
    while step := journal.pack(T0 + 3 * DAY_NS):
        moved.append(step)
    assert sum(moved) == 300
    assert max(moved) <= 100
    db = sqlite3.connect(journal.path)
    sizes = sorted(size for (size,) in db.execute("SELECT length(body) FROM blocks"))
    db.close()
    assert sizes[-2] < 1_100_000
    assert [sample for _, sample in journal.read_after(0, 1000)] == samples


def test_a_journal_with_every_sample_in_blocks_starts_without_damage_and_goes_on_counting(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.db"
    with Journal.open(path) as journal:
        journal.layout(METER)
        journal.commit([("bus", sample) for sample in _minutes(10)])
        _pack(journal)
    with Journal.open(path) as journal:
        assert journal.verify() == []
        assert journal.counts().lost == 0
        journal.commit([("bus", METER.sample(T0 - 1, {"power_w": 1.0}))])
        assert journal.last_seq() == 11
        assert [seq for seq, _ in journal.read_after(9, 5)] == [10, 11]


def test_what_is_sent_again_after_it_was_packed_is_known_and_other_content_is_a_conflict(
    journal: Journal,
) -> None:
    sent = _minutes(10)
    journal.commit([("bus", sample) for sample in sent])
    _pack(journal)
    other = METER.sample(sent[3].time_ns, {"power_w": 1.0})
    third = METER.sample(sent[3].time_ns, {"power_w": 2.0})
    between = METER.sample(sent[3].time_ns + 1, {"power_w": 3.0})
    assert journal.commit([("bus", sample) for sample in sent]) == [Outcome.DUPLICATE] * 10
    assert journal.commit([("bus", other), ("bus", other), ("bus", between)]) == [
        Outcome.CONFLICT, Outcome.DUPLICATE, Outcome.COMMITTED,
    ]  # fmt: skip
    _pack(journal)
    assert journal.commit([("bus", other), ("bus", third)]) == [Outcome.DUPLICATE, Outcome.CONFLICT]
    parts = [sample.part for _, sample in journal.read_after(10, 10)]
    assert parts == [4096, 0, 8192]


def test_a_correction_of_a_packed_time_wins_before_and_after_it_is_packed_itself(journal: Journal) -> None:
    sent = _minutes(3)
    journal.commit([("bus", sample) for sample in sent])
    _pack(journal)
    right = METER.sample(sent[1].time_ns, {"power_w": 55.0}, part=FIRST_REVISION)
    assert journal.commit([("hand", right)]) == [Outcome.COMMITTED]
    for _ in range(2):
        with JournalStore(journal.path) as store:
            series = store.series("meter-1", ["power_w"], T0, FOREVER)["power_w"]
            assert series.tolist() == [100.0, 55.0, 100.25]
            assert [s.part for s in store.samples("meter-1", T0, FOREVER)] == [0, 0, FIRST_REVISION, 0]
        assert _pack(journal) in (0, 1)


def test_neighbours_of_a_window_are_found_across_blocks_and_rows(journal: Journal) -> None:
    step = 15 * 60 * 10**9
    samples = [METER.sample(T0 + n * step, {"energy_import_kwh": float(n)}) for n in range(400)]
    journal.commit([("bus", sample) for sample in samples[:300]])
    journal.pack(T0 + 2 * DAY_NS)
    journal.commit([("bus", sample) for sample in samples[300:]])
    with JournalStore(journal.path) as store:
        for start in (DAY_NS + step // 3, 2 * DAY_NS - step // 2, 2 * DAY_NS + step // 7):
            frame = store.intervals("meter-1", "energy_import_kwh", T0 + start, T0 + start + DAY_NS, "1D")
            assert frame["value"].sum() == pytest.approx(96.0)


def test_parts_of_one_time_keep_their_order_when_the_later_one_was_packed_first(journal: Journal) -> None:
    first, second = (METER.sample(T0, {"power_w": value}, part=part) for value, part in ((1.0, 0), (2.0, 1)))
    journal.commit([("bus", second)])
    _pack(journal)
    journal.commit([("bus", first)])
    with JournalStore(journal.path) as store:
        assert list(store.samples("meter-1", T0, FOREVER)) == [first, second]
        assert store.series("meter-1", ["power_w"], T0, FOREVER)["power_w"].tolist() == [1.0, 2.0]


# faults


def test_a_power_cut_in_the_middle_of_packing_leaves_every_sample_where_it_was(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.commit([("bus", sample) for sample in _minutes(50)])
    before = journal.read_after(0, 100)

    def cut(db: sqlite3.Connection, made: Any) -> int:
        db.execute("DELETE FROM samples WHERE seq < 20")
        raise RuntimeError("cut")

    with monkeypatch.context() as patch:
        patch.setattr(packing, "move", cut)
        with pytest.raises(RuntimeError):
            _pack(journal)
    assert journal.read_after(0, 100) == before
    assert _rows(journal.path, "samples") == 50
    assert _pack(journal) == 50
    assert journal.read_after(0, 100) == before


def test_rows_that_the_limits_take_meanwhile_do_not_come_back_in_a_block(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.commit([("bus", sample) for sample in _minutes(50)])
    real = packing.blocks_of
    taken: list[int] = []

    def meanwhile(*args: Any) -> Any:
        if not taken:
            with journal.upkeep() as (db, _):
                taken.append(db.execute("DELETE FROM samples WHERE seq <= 10").rowcount)
        return real(*args)

    monkeypatch.setattr(packing, "blocks_of", meanwhile)
    assert _pack(journal) == 40
    assert [seq for seq, _ in journal.read_after(0, 100)] == list(range(11, 51))


_KILLED = """
import sys
from pathlib import Path
from store import Journal
journal = Journal.open(Path(sys.argv[1]))
sys.stdout.write("ready\\n"); sys.stdout.flush()
while journal.pack(1 << 62, limit=40, whole=False):
    pass
sys.stdin.readline()
"""


def test_a_kill_at_any_moment_of_packing_loses_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal.open(path) as journal:
        journal.layout(METER)
        journal.commit([("bus", sample) for sample in _minutes(1200)])
        before = journal.read_after(0, 2000)
    for attempt in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", _KILLED, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.003 * attempt)
            process.send_signal(signal.SIGKILL)
            process.wait()
        with JournalStore(path) as store:
            assert store.read_after(0, 2000) == before
    with Journal.open(path) as journal:
        assert journal.read_after(0, 2000) == before
        assert journal.counts().lost == 0
        _pack(journal)
        assert journal.verify() == []


def test_a_sample_packed_between_two_looks_of_a_reader_is_seen_once(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.commit([("bus", sample) for sample in _minutes(60)])
    expected = list(range(1, 61))

    def packing_first(name: str) -> None:
        real = getattr(history, name)

        def look(*args: Any) -> Any:
            journal.pack(FOREVER, limit=5, whole=False)  # another thread's, between rows and blocks
            return real(*args)

        monkeypatch.setattr(history, name, look)

    for name in ("_around", "in_pages", "newest_before"):
        packing_first(name)
    newest = _minutes(60)[-1].time_ns
    with JournalStore(journal.path) as store:
        assert [seq for seq, _ in store.read_after(0, 100)] == expected
        assert [seq for seq, _ in journal.waiting("server", 100, newest_first=False)] == expected
        assert [seq for seq, _ in journal.read_after(0, 100)] == expected
        assert len(store.series("meter-1", ["power_w"], T0, FOREVER)) == 60
        assert len(list(store.samples("meter-1", T0, FOREVER))) == 60
        assert [sample.time_ns for sample in store.newest(FOREVER)] == [newest]
    assert 0 < _rows(journal.path, "samples") < 60


def _spoil_block(path: Path, number: int) -> None:
    db = sqlite3.connect(path)
    (body,) = db.execute("SELECT body FROM blocks WHERE id = ?", (number,)).fetchone()
    db.execute("UPDATE blocks SET body = ? WHERE id = ?", (body[:-1] + bytes([body[-1] ^ 1]), number))
    db.commit()
    db.close()


def test_a_damaged_block_is_told_with_its_samples_and_takes_no_other_with_it(journal: Journal) -> None:
    sent = _minutes(30)
    journal.commit([("bus", sample) for sample in sent])
    _pack(journal, limit=10)
    _spoil_block(journal.path, 2)
    (finding,) = journal.verify()
    assert "10 samples (seq 11–20)" in finding
    kept = [*range(1, 11), *range(21, 31)]
    assert [seq for seq, _ in journal.read_after(0, 100)] == kept
    assert [seq for seq, _ in journal.waiting("server", 100, newest_first=False)] == kept
    with JournalStore(journal.path) as store:
        assert [seq for seq, _ in store.read_after(0, 100)] == kept
        assert store.newest(sent[15].time_ns) == [sent[9]]
        for read in (
            lambda: store.series("meter-1", ["power_w"], T0, FOREVER),
            lambda: list(store.samples("meter-1", T0, FOREVER)),
            lambda: store.flags("meter-1", T0, FOREVER),
        ):
            with pytest.raises(IntegrityError, match="seq 11–20"):
                read()
        assert len(store.series("meter-1", ["power_w"], T0, sent[10].time_ns)) == 10
    # the next commit sets the file aside and saves the other blocks; what is sent again is stored again
    assert journal.commit([("bus", sent[15]), ("bus", sent[5])]) == [Outcome.COMMITTED, Outcome.DUPLICATE]
    assert journal.counts().lost == 10
    assert [seq for seq, _ in journal.read_after(0, 100)] == [*kept, 31]
    assert journal.verify() == []
    assert _pack(journal) == 1


def test_a_damaged_row_is_never_packed_and_so_never_given_a_new_check_sum(journal: Journal) -> None:
    journal.commit([("bus", sample) for sample in _minutes(5)])
    db = sqlite3.connect(journal.path)
    db.execute("UPDATE samples SET span_ns = 7 WHERE seq = 3")
    db.commit()
    db.close()
    assert _pack(journal) == 4
    assert any("seq 3" in finding for finding in journal.verify())


def test_events_stay_where_they_are(journal: Journal) -> None:
    event = Event(T0, EventKind.NOTE, "a note")
    journal.commit([("bus", event), *[("bus", sample) for sample in _minutes(5)]])
    _pack(journal)
    with JournalStore(journal.path) as store:
        assert store.events(T0 - 1, T0 + 1) == [event]


def test_a_few_samples_a_day_stay_rows_for_a_block_of_them_would_be_no_smaller(journal: Journal) -> None:
    journal.commit([("hand", sample) for sample in _minutes(30, WATER, step_ns=DAY_NS // 3)])
    assert journal.pack(FOREVER) == 0
    assert _pack(journal) == 30
