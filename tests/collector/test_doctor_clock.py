"""What the doctor says of times: a run without a good clock, and instruments whose clock is off."""

from __future__ import annotations

from pathlib import Path

from collector._clock_keeper import FACTS
from collector._doctor_clock import off_clocks, times
from collector._doctor_words import sentence, todo
from dodac.clock import SystemClock
from dodac.contracts import Event, EventKind
from store import Journal

NOW = SystemClock().now_ns()


def told(instrument: str, kind: EventKind, text: str, off_s: float | None = None) -> Event:
    data = {} if off_s is None else {"clock_off_s": off_s}
    return Event(NOW, kind, text, "broker", instrument, data=data)


def test_clocks_that_are_right_again_are_no_finding() -> None:
    events = [
        told("a", EventKind.FAULT_START, "the clock in its messages is 7 h 0 min behind ours", -25200.0),
        told("b", EventKind.NOTE, "the instrument's own time is not taken: its clock is 90 s ahead", 90.0),
        told("c", EventKind.NOTE, "its clock", 30.0),
        told("b", EventKind.NOTE, "the instrument's own time is right again"),
        told("c", EventKind.FAULT_END, "the time in its messages is right again"),
    ]
    assert off_clocks(events) == {"a": -25200.0}


def test_a_run_without_a_good_clock_is_a_finding_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    assert times(path) == []
    with Journal.open(path) as journal:
        assert times(path) == []
        journal.set_facts(FACTS, {"trust": "none", "boot": "b", "fault": "the clock is not good"})
        journal.commit([("broker", told("a", EventKind.FAULT_START, "behind", -25200.0))])
    host, device = times(path)
    assert (host.status, device.status) == ("bad", "warn")
    assert "the clock is not good" in sentence(host, "en")
    assert "dodac clock" in todo(host, "vi")
    assert "-25200 s" in sentence(device, "vi")
    assert device.subject == "a"
