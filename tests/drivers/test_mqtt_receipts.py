"""A message that is sent again is recognised; a new one is never taken for one that is stored."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers._mqtt_receipts import KEPT, SURE, Remembered


def taken(start: int, count: int, memory: Remembered | None = None) -> Remembered:
    memory = memory or Remembered()
    for number in range(start, start + count):
        mid = (number - 1) % 65_535 + 1
        memory.take_untimed("t", b"%d" % number, mid, dup=False)
    return memory


def test_what_was_stored_is_known_again_after_a_restart_and_nothing_else() -> None:
    memory = Remembered(taken(1, 200).receipts())
    for number in range(1, 201):
        assert memory.has("t", b"%d" % number, number)
        assert not memory.has("t", b"other", number)
        assert not memory.has("u", b"%d" % number, number)
    assert not memory.has("t", b"200", 201)
    # sent again and stored after all: its number is known and changes nothing
    memory.take_untimed("t", b"150", 150, dup=True)
    assert memory.receipts() == b""
    # the one that was on its way when the program was killed comes flagged too, and goes on
    memory.take_untimed("t", b"201", 201, dup=True)
    assert Remembered(memory.receipts()).any


def test_a_constant_reading_is_not_lost_when_numbers_have_come_round() -> None:
    # a meter that stands still sends the same bytes for ever; 65 535 messages later the number is the same
    memory = Remembered()
    for number in range(70_000):
        memory.take_untimed("t", b'{"p":0}', number % 65_535 + 1, dup=False)
    newest = (70_000 - 1) % 65_535 + 1
    following = newest % 65_535 + 1
    assert memory.has("t", b'{"p":0}', newest)
    assert not memory.has("t", b'{"p":0}', following)  # stored 65 534 messages ago: this one is new
    kept = (newest - KEPT) % 65_535 + 1
    assert memory.has("t", b'{"p":0}', kept + 1)
    assert not memory.has("t", b'{"p":0}', kept - 1)


@pytest.mark.parametrize("window", [1, 2, 20])
def test_a_broker_that_gives_the_lowest_free_number_is_never_believed(window: int) -> None:
    memory = Remembered()
    for number in range(10 * SURE):
        memory.take_untimed("t", b'{"p":0}', number % window + 1, dup=False)
        assert not memory.has("t", b'{"p":0}', 1)
    assert not Remembered(memory.receipts()).has("t", b'{"p":0}', 1)


def test_a_new_session_or_a_broker_that_was_set_back_makes_all_forgotten() -> None:
    memory = taken(1, 200)
    memory.begin()
    assert not memory.has("t", b"100", 100)
    again = taken(1, 200, Remembered(memory.receipts()))
    assert again.has("t", b"100", 100)
    again.take(50, dup=False)  # 50 after 200: it was restored from an old copy
    assert not again.has("t", b"100", 100)
    assert not Remembered(again.receipts()).has("t", b"100", 100)


def test_messages_with_a_time_cost_one_receipt_a_group_and_keep_the_count() -> None:
    memory = taken(1, 100)
    memory.receipts()
    for mid in range(101, 501):
        memory.take(mid, dup=False)
    told = memory.receipts()
    assert len(told) == 10
    assert memory.has("t", b"100", 100)
    assert not memory.has("t", b"300", 300)
    after = Remembered(taken(1, 100).receipts() + told)
    assert after.has("t", b"100", 100)
    after.take(300, dup=True)
    assert after.has("t", b"100", 100)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 30), st.booleans()), max_size=40))
def test_whatever_kills_come_nothing_new_is_taken_for_stored(runs: list[tuple[int, int, bool]]) -> None:
    """A counting broker, a constant payload; each run: so many come, so many are committed, seen acknowledged or not."""
    journal = taken(1, SURE + 1).receipts()
    stored = dict.fromkeys(range(1, SURE + 2), 1)  # message → times stored
    unseen = first = SURE + 2  # what the broker has not seen acknowledged; the first it has not sent yet
    for come, committed, acknowledged in runs:
        memory = Remembered(journal)
        told = b""
        done = 0
        for number in range(unseen, first + come):
            dup = number < first
            if not (dup and memory.has("t", b"0", number)):
                memory.take_untimed("t", b"0", number, dup=dup)
                if done >= committed:
                    continue
                stored[number] = stored.get(number, 0) + 1
            done += 1
            if done <= committed:
                told += memory.receipts()
        journal += told
        first += come
        if acknowledged:
            while unseen < first and unseen in stored:
                unseen += 1
    assert all(times == 1 for times in stored.values())
    assert set(stored) >= set(range(1, unseen))
