"""Whose turn it is: by deadline, and a unit that may cost a timeout only when nobody else waits."""

from __future__ import annotations

from dodac.clock import SECOND_NS
from drivers._turns import PATIENCE_NS, Turns
from drivers.turnaround import Turnarounds


def served(turns: Turns, silent: set[str], idle_ns: int | None = None) -> list[str]:
    order = []
    while (turn := turns.next(silent.__contains__, lambda _: SECOND_NS, idle_ns, 0)) is not None:
        order.append(f"{turn.kind} {turn.instrument}")
    return order


def test_reads_are_served_by_their_deadline() -> None:
    turns = Turns()
    for due, name in ((3, "c"), (1, "a"), (2, "b")):
        turns.read(due, name)
    assert served(turns, set()) == ["read a", "read b", "read c"]


def test_what_may_cost_a_timeout_comes_after_those_that_answer() -> None:
    turns = Turns()
    turns.slow("d", 0)
    turns.slow("d", 0)
    for due, name in enumerate("abcd"):
        turns.read(due, name)
    assert served(turns, {"a", "b"}) == ["read c", "read d", "slow d", "probe a", "probe b"]


def test_what_can_wait_waits_for_a_pause_that_is_long_enough() -> None:
    turns = Turns()
    turns.slow("a", 0)
    assert served(turns, set(), idle_ns=SECOND_NS - 1) == []
    assert served(turns, set(), idle_ns=SECOND_NS) == ["slow a"]


def test_what_waits_is_done_at_last_on_a_line_that_is_never_idle() -> None:
    turns = Turns()
    turns.read(0, "dead")
    now = 0
    while True:
        turns.read(now + 1, "busy")
        turns.read(now + 2, "busier")
        turn = turns.next(lambda name: name == "dead", lambda _: SECOND_NS, 0, now)
        assert turn is not None
        if turn.kind == "probe":
            break
        now += SECOND_NS
    assert 3 * PATIENCE_NS <= now <= 3 * PATIENCE_NS + SECOND_NS


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
