"""The way in: grouped commits, acknowledgement after them, back-pressure, storage faults."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.ingest import Ingest
from collector.ledger import Ledger
from dodac.clock import SystemClock
from dodac.contracts import DeadLetter, Event, EventKind, Receipt, Repeat
from dodac.samples import Flag, Layout, Reason, Sample
from store import Item, Journal, Outcome


@contextmanager
def running(journal: Any, **options: Any) -> Iterator[Ingest]:
    ingest = Ingest(journal, SystemClock(), **options)
    ingest.start()
    try:
        yield ingest
    finally:
        ingest.stop(timeout_s=5)


def test_a_source_is_acknowledged_only_after_the_commit_that_holds_its_sample(kit: Any) -> None:
    journal = kit.flaky()
    journal.gate.clear()
    acks: list[int] = []
    with running(journal) as ingest:
        ingest.layout(kit.layout)
        ingest.sample(kit.make(1), source="bus", done=lambda: acks.append(1))
        kit.until(lambda: ingest.status().queued == 1)
        assert acks == []
        journal.gate.set()
        assert ingest.flush()
        kit.until(lambda: acks == [1])
    assert journal.layouts == [kit.layout]


def test_acknowledgements_come_in_the_order_received(kit: Any) -> None:
    journal = kit.flaky()
    acks: list[int] = []
    with running(journal, window=64) as ingest:
        for number in range(1000):
            done = lambda number=number: acks.append(number)  # noqa: E731
            if number % 7 == 0:
                letter = DeadLetter(kit.t0, "bus", "t", b"?", "not JSON")
                ingest.dead_letter(letter, done=done)
            else:
                ingest.sample(kit.make(number), source="bus", done=done)
        assert ingest.flush()
    assert acks == list(range(1000))
    stored = [item.time_ns for item in journal.items if isinstance(item, Sample)]
    assert stored == sorted(stored)


def test_many_samples_share_one_commit(kit: Any) -> None:
    journal = kit.flaky()
    journal.gate.clear()
    with running(journal) as ingest:
        for number in range(500):
            ingest.sample(kit.make(number), source="bus")
        journal.gate.set()
        assert ingest.flush()
    assert len(journal.groups) <= 3


def test_a_lone_sample_does_not_wait_for_the_full_group_time(kit: Any) -> None:
    journal = kit.flaky()
    with running(journal, group_ms=60_000, idle_ms=5) as ingest:
        ingest.sample(kit.make(1), source="bus")
        assert ingest.flush(timeout_s=5)


def test_a_full_window_stops_the_source_instead_of_filling_memory(kit: Any) -> None:
    journal = kit.flaky()
    journal.gate.clear()
    sent = []

    def pour() -> None:
        for number in range(100):
            ingest.sample(kit.make(number), source="bus")
            sent.append(number)

    with running(journal, window=10) as ingest:
        thread = threading.Thread(target=pour)
        thread.start()
        kit.until(lambda: len(sent) == 20)  # one group under way, one waiting
        thread.join(0.05)
        assert len(sent) == 20
        assert Ledger(ingest.counts()).balanced()
        ingest.event(Event(kit.t0, EventKind.NOTE, "events are never held up"))
        journal.gate.set()
        thread.join(5)
        assert ingest.flush()
    assert sum(isinstance(item, Sample) for item in journal.items) == 100
    assert max(len(group) for group in journal.groups) <= 11


def test_long_payloads_fill_the_window_sooner_so_that_a_stopped_disk_does_not_fill_memory(kit: Any) -> None:
    journal = kit.flaky()
    journal.gate.clear()
    sent = []

    def pour() -> None:
        for number in range(40):
            ingest.dead_letter(DeadLetter(kit.t0, "bus", "t", bytes(1 << 20), "not JSON"))
            sent.append(number)

    with running(journal, window=1000) as ingest:
        thread = threading.Thread(target=pour)
        thread.start()
        kit.until(lambda: len(sent) >= 4)
        thread.join(0.1)
        assert len(sent) <= 8  # megabytes, of which one group is under way
        journal.gate.set()
        thread.join(10)
        assert ingest.flush()
    assert sum(isinstance(item, DeadLetter) for item in journal.items) == 40


def test_a_source_that_waits_for_room_is_not_kept_waiting_for_company(kit: Any) -> None:
    journal = kit.flaky()
    with running(journal, window=10, group_ms=60_000, idle_ms=60_000) as ingest:
        # 8 and then 8: the second do not fit beside the first, which nothing more can join
        for first in (0, 8):
            for number in range(first, first + 8, 2):
                ingest.samples([kit.make(number), kit.make(number + 1)], source="bus")
        kit.until(lambda: sum(isinstance(item, Sample) for item in journal.items) >= 8)


def test_what_is_worth_a_commit_does_not_wait_for_a_full_window(kit: Any) -> None:
    # a broker that allows 1 000 unacknowledged messages sends no more until some are acknowledged
    journal = kit.flaky()
    with running(journal, window=4096, group_ms=60_000, idle_ms=60_000) as ingest:
        ingest.samples([kit.make(number) for number in range(600)], source="bus")
        kit.until(lambda: len(journal.items) == 600)


def test_the_first_reading_is_told_when_many_come_together(
    kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), running(kit.flaky()) as ingest:
        ingest.samples([kit.make(1), kit.make(2)], source="bus")
        ingest.samples([kit.make(3)], source="bus")
    assert sum("good readings on" in record.message for record in caplog.records) == 1


def test_a_full_disk_loses_nothing_and_is_told_once(kit: Any, caplog: pytest.LogCaptureFixture) -> None:
    journal = kit.flaky()
    journal.broken = True
    acks: list[int] = []
    with caplog.at_level(logging.INFO, "dodac"), running(journal, retry_s=(0.005, 0.01)) as ingest:
        for number in range(50):
            ingest.sample(kit.make(number), source="bus", done=lambda number=number: acks.append(number))
        kit.until(lambda: journal.attempts > 5)
        assert acks == []
        assert ingest.status().state == "fault"
        (row,) = ingest.counts()
        assert (row.received, row.in_flight, row.balanced) == (50, 50, True)
        journal.broken = False
        assert ingest.flush()
        kit.until(lambda: len(acks) == 50)
        kit.until(lambda: sum(isinstance(item, Event) for item in journal.items) == 2)
    assert acks == list(range(50))
    (row,) = ingest.counts()
    assert (row.committed, row.in_flight) == (50, 0)
    alarms = [item for item in journal.items if isinstance(item, Event)]
    assert [alarm.kind for alarm in alarms] == [EventKind.FAULT_START, EventKind.FAULT_END]
    told = [record.getMessage() for record in caplog.records]
    assert len([words for words in told if "the journal" in words]) == 2
    assert [words for words in told if "the journal" not in words] == [
        "first bus meter1: good readings on 2 channels"
    ]


def test_an_error_nobody_foresaw_does_not_end_collecting(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = kit.flaky()
    failures = iter([RuntimeError("not foreseen"), KeyError("nor this")])

    def layout(_: object) -> None:
        error = next(failures, None)
        if error is not None:
            raise error

    monkeypatch.setattr(journal, "layout", layout, raising=False)
    acks: list[int] = []
    with running(journal, retry_s=(0.005, 0.01)) as ingest:
        ingest.layout(Layout("meter9", ("power_w",)))
        for number in range(5):
            ingest.sample(kit.make(number), source="bus", done=lambda number=number: acks.append(number))
        kit.until(lambda: len(acks) == 5)
        assert ingest.status().state == "up"
    assert acks == list(range(5))


def test_stop_commits_what_waits(kit: Any) -> None:
    journal = kit.flaky()
    ingest = Ingest(journal, SystemClock(), group_ms=60_000, idle_ms=60_000)
    ingest.start()
    for number in range(30):
        ingest.sample(kit.make(number), source="bus")
    assert ingest.stop()
    assert len(journal.items) == 30


def test_stop_returns_when_the_disk_stays_full_and_nothing_was_acknowledged(kit: Any) -> None:
    journal = kit.flaky()
    journal.broken = True
    acks: list[int] = []
    ingest = Ingest(journal, SystemClock(), window=10, retry_s=(0.005, 60))
    ingest.start()
    waiting = threading.Thread(
        target=lambda: [
            ingest.sample(kit.make(n), source="bus", done=lambda: acks.append(1)) for n in range(99)
        ]
    )
    waiting.start()
    kit.until(lambda: journal.attempts > 1)
    assert not ingest.stop(timeout_s=0.05)
    waiting.join(5)
    assert not waiting.is_alive()
    assert acks == []
    (row,) = ingest.counts()
    assert row.balanced
    assert row.in_flight == row.received
    assert ingest.status().refused == 99 - row.received


def test_an_acknowledgement_that_fails_does_not_stop_the_others(
    kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    acks: list[int] = []
    with running(kit.flaky()) as ingest:
        ingest.sample(kit.make(1), source="bus", done=lambda: acks[99])  # type: ignore[arg-type, return-value]
        ingest.sample(kit.make(2), source="bus", done=lambda: acks.append(2))
        kit.until(lambda: acks == [2])
    assert "acknowledging to bus failed" in caplog.text


def test_one_sample_the_journal_cannot_take_is_set_aside_and_the_rest_goes_in(
    kit: Any, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    acks: list[int] = []
    strange = Sample("meter1", kit.t0, 0, kit.make(0).time_source, 12345, (1.0,), 1)
    with running(journal) as ingest:
        ingest.layout(kit.layout)
        for number in range(1, 9):
            ingest.sample(kit.make(number), source="bus", done=lambda: acks.append(1))
        ingest.sample(strange, source="bus", done=lambda: acks.append(1))
        assert ingest.flush()
        kit.until(lambda: len(acks) == 9)
    (row,) = ingest.counts()
    assert row.balanced
    assert (row.committed, row.dead_letter) == (8, 1)
    assert journal.counts().dead_letters == 1


def test_samples_in_bulk_are_acknowledged_once_after_the_last(kit: Any, journal: Journal) -> None:
    acks: list[int] = []
    with running(journal, window=100) as ingest:
        ingest.layout(kit.layout)
        many = [kit.make(n) for n in range(1000)]
        ingest.samples(iter(many), source="file", done=lambda: acks.append(journal.counts().samples))
        ingest.samples([], source="file", done=lambda: acks.append(-1))
        assert ingest.flush()
        kit.until(lambda: len(acks) == 2)
    assert acks == [1000, -1]
    assert [row.committed for row in ingest.counts()] == [1000]


class _Sometimes:
    """A journal that fails when told, and loses nothing by it."""

    def __init__(self, journal: Any, fails: Sequence[bool]) -> None:
        self._journal = journal
        self._fails = list(fails)

    def layout(self, layout: Any) -> None:
        self._journal.layout(layout)

    def commit(self, items: Sequence[tuple[str, Item]]) -> list[Outcome]:
        if self._fails and self._fails.pop():
            raise OSError(28, "No space left on device")
        outcomes: list[Outcome] = self._journal.commit(items)
        return outcomes


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["sample", "bulk", "letter", "event"]),
            st.integers(0, 15),
            st.sampled_from([1.0, 2.0]),
            st.sampled_from(["bus", "broker"]),
        ),
        max_size=60,
    ),
    window=st.integers(1, 12),
    fails=st.lists(st.booleans(), max_size=8),
)
def test_the_ledger_balances_whatever_comes(
    kit: Any, steps: list[tuple[str, int, float, str]], window: int, fails: list[bool]
) -> None:
    inner = kit.flaky()
    done = 0
    expected: dict[str, int] = {}
    acks: list[int] = []
    with running(_Sometimes(inner, fails), window=window, idle_ms=1, retry_s=(0.0005, 0.001)) as ingest:
        ingest.layout(kit.layout)
        for kind, number, power, source in steps:
            ack = lambda: acks.append(1)  # noqa: E731
            count = 1
            match kind:
                case "sample":
                    ingest.sample(kit.make(number, power), source=source, done=ack)
                case "bulk":
                    count = number
                    ingest.samples([kit.make(n, power) for n in range(number)], source=source, done=ack)
                case "letter":
                    ingest.dead_letter(DeadLetter(kit.t0, source, "t", b"", "why", "meter1"), done=ack)
                case "event":
                    ingest.event(Event(kit.t0, EventKind.NOTE, "note"))
                    continue
            done += 1
            expected[source] = expected.get(source, 0) + count
            assert Ledger(ingest.counts()).balanced()
        assert ingest.flush()
        kit.until(lambda: len(acks) == done)
    rows = {row.source: row for row in ingest.counts()}
    assert {source: row.received for source, row in rows.items()} == {k: v for k, v in expected.items() if v}
    assert all(row.balanced and row.in_flight == 0 for row in rows.values())
    kept = sum(row.committed + row.duplicate + row.conflict for row in rows.values())
    assert kept == sum(isinstance(item, Sample) for item in inner.items)


def test_a_meter_that_sends_nonsense_is_told_once_with_its_reason(caplog: Any) -> None:
    # a wrong topic or a changed payload was only a number in the ledger: nobody saw why
    from collector._log import FirstTimes

    first = FirstTimes()
    caplog.set_level(logging.INFO, logger="dodac.collector")
    letter = DeadLetter(1, "broker", "plant/comp1", b"{}", "no reading in it", "comp")
    first.letter(letter)
    first.letter(letter)
    first.sample(Layout("m", ("power_w",)).sample(1, {}, flags=[Flag("power_w", Reason.NO_ANSWER)]), "bus")
    first.sample(Layout("m", ("power_w",)).sample(2, {"power_w": 1.0}), "bus")
    first.sample(Layout("m", ("power_w",)).sample(3, {"power_w": 1.0}), "bus")
    assert [record.getMessage() for record in caplog.records] == [
        "dead_letter broker comp: no reading in it (topic plant/comp1); kept aside, further ones are only counted",
        "first bus m: good readings on 1 channels",
    ]


def test_a_receipt_is_stored_with_what_it_is_of_and_repeats_are_duplicates(
    kit: Any, journal: Journal
) -> None:
    class Done:
        receipt = Receipt("session", b"one")

        def __call__(self) -> None:
            pass

    with running(journal) as ingest:
        ingest.layout(kit.layout)
        ingest.samples([kit.make(1), kit.make(2)], source="mqtt", done=Done())
        ingest.repeats([Repeat("meter1"), Repeat(None)], source="mqtt")
        assert ingest.flush()
        assert ingest.receipts("session") == b"one"
        assert ingest.newest_ns("meter1") == kit.make(2).time_ns
        counts = {row.instrument: row for row in ingest.counts()}
    assert all(row.balanced for row in counts.values())
    assert (counts["meter1"].committed, counts["meter1"].duplicate, counts[""].duplicate) == (2, 1, 1)
