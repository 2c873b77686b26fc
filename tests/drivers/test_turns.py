"""Whose turn it is: by deadline, and a unit that may cost a timeout only when nobody else waits."""

from __future__ import annotations

import pytest

from dodac.clock import SECOND_NS
from drivers._turns import PATIENCE_NS, Turns
from drivers.turnaround import Turnarounds


def served(turns: Turns, silent: set[str], now_ns: int = 0) -> list[str]:
    order = []
    while turns:
        order.append(turns.pop(silent.__contains__, now_ns))
    return order


def test_reads_are_served_by_their_deadline() -> None:
    turns = Turns()
    for due, name in ((3, "c"), (1, "a"), (2, "b")):
        turns.push(due, name)
    assert served(turns, set()) == ["a", "b", "c"]
    with pytest.raises(IndexError):
        turns.pop(lambda _: False, 0)


def test_a_silent_unit_is_tried_when_those_that_answer_were_read() -> None:
    turns = Turns()
    for due, name in enumerate("abcd"):
        turns.push(due, name)
    assert served(turns, {"a", "b"}) == ["c", "d", "a", "b"]


def test_a_silent_unit_is_tried_at_last_on_a_line_that_is_never_idle() -> None:
    turns = Turns()
    turns.push(0, "dead")
    now = 0
    while True:
        turns.push(now + 1, "busy")
        turns.push(now + 2, "busier")
        if turns.pop(lambda name: name == "dead", now) == "dead":
            break
        now += SECOND_NS
    assert PATIENCE_NS <= now <= PATIENCE_NS + SECOND_NS


def test_turnarounds_show_the_fastest_the_usual_and_the_slowest() -> None:
    times = Turnarounds()
    assert times.summary() is None
    for ms in (30, 30, 31, 250, 29):
        times.add(ms / 1000)
    times.late += 1
    found = times.summary()
    assert found is not None
    assert found.as_dict() == {"answers": 5, "min_ms": 29.0, "median_ms": 30.0, "max_ms": 250.0, "late": 1}
    assert str(found) == "29/30/250 ms"
