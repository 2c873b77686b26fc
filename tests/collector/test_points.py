"""What the collector says of itself reaches the sinks: bounded, idempotent, and never counted as samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from collector import Forwarder
from collector._points import MOST, Points, lines_of
from dodac.clock import MINUTE_NS, ManualClock
from dodac.contracts import Event
from store import Journal, WriteKind, WriteResult

ROW = {
    "source": "bus1",
    "received": 5,
    "committed": 3,
    "duplicate": 1,
    "conflict": 0,
    "dead_letter": 0,
    "in_flight": 1,
}


def picture(instruments: int = 1) -> dict[str, Any]:
    return {
        "site": "cu chi",
        "ledger": {
            "sources": [{**ROW, "instrument": f"meter{number}"} for number in range(instruments)],
            "sinks": [
                {"sink": "http://a/b c", "delivered": 1, "waiting": 2, "rejected": 0, "expired": 0, "dropped": 0}
            ],
        },
        "sinks": [{"sink": "http://a/b c", "oldest_waiting_s": 1.5}],
        "ticks": {"meter0": {"due": 9, "sent": 8, "missed": 1}},
        "completeness": [
            {"instrument": "meter0", "channel": c, "day": "2026-09-21", "good": 8, "flagged": 0, "missed": 1, "expected": 9}
            for c in ("power_w", "voltage_l1_v")
        ],
        "faults": [],
        "alarms": [{}],
        "journal": {"size_bytes": 4096, "free_bytes": 10**9},
    }  # fmt: skip


class Server:
    """A sink that remembers lines, or answers otherwise."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.kind: WriteKind | None = None

    def write(self, lines: Sequence[str]) -> WriteResult:
        if self.kind is not None:
            return WriteResult(ok=False, kind=self.kind, message="no")
        self.lines += lines
        return WriteResult(ok=True, kind=WriteKind.ACCEPTED)


def forwarder(journal: Journal, server: Server, told: list[Event]) -> Forwarder:
    return Forwarder(
        journal, "http://a/b", server, ManualClock(), lambda _: None, told.append, company="acme", site="plant"
    )  # fmt: skip


def test_a_line_for_the_whole_one_per_instrument_one_per_sink() -> None:
    whole, meter, sink = lines_of(picture(), "acme", 60)
    assert whole.startswith("collector,company=acme,part=all,site=cu\\ chi committed=3.0,")
    assert "standing=1.0" in whole
    assert "missed_today=2.0" in whole
    assert whole.endswith(" 60")
    assert ",of=meter0,part=instrument," in meter
    assert "ticks_missed=1.0" in meter
    assert sink.startswith("collector,company=acme,of=http://a/b\\ c,part=sink,site=cu\\ chi delivered=1.0,")
    assert "oldest_waiting_s=1.5" in sink


def test_a_programme_with_very_many_instruments_does_not_flood_the_server() -> None:
    assert len(lines_of(picture(MOST), "acme", 0)) == MOST + 2
    assert len(lines_of(picture(MOST + 1), "acme", 0)) == 2


def test_points_lie_on_whole_minutes_so_that_twice_is_once() -> None:
    clock = ManualClock(7 * MINUTE_NS + 12_345)

    class Mouth:
        def __init__(self) -> None:
            self.told: list[Sequence[str]] = []

        def note(self, lines: Sequence[str]) -> None:
            self.told.append(lines)

    mouth = Mouth()
    points = Points(picture, lambda: [mouth], clock, "acme")
    points.run()
    points.run()
    assert mouth.told[0] == mouth.told[1]
    assert all(line.endswith(f" {7 * MINUTE_NS}") for line in mouth.told[0])


def test_the_sink_gets_them_and_the_ledger_does_not(journal: Journal) -> None:
    server, told = Server(), list[Event]()
    sender = forwarder(journal, server, told)
    sender.note(["collector,part=all x=1.0 60"])
    assert sender.step() == 0.0
    assert server.lines == ["collector,part=all x=1.0 60"]
    assert sender.counts().committed == 0
    assert sender.step() > 0


@pytest.mark.parametrize("kind", [WriteKind.BAD_LINE, WriteKind.BEYOND_RETENTION, WriteKind.TOO_LARGE])
def test_what_the_server_refuses_is_let_go(journal: Journal, kind: WriteKind) -> None:
    server, told = Server(), list[Event]()
    sender = forwarder(journal, server, told)
    server.kind = kind
    sender.note(["collector x=1.0 60"])
    sender.step()
    server.kind = None
    sender.step()
    assert not server.lines
    assert not told


def test_while_the_server_is_away_an_hour_of_them_waits_and_no_more(journal: Journal) -> None:
    server, told = Server(), list[Event]()
    sender = forwarder(journal, server, told)
    server.kind = WriteKind.UNREACHABLE
    for minute in range(100):
        sender.note([f"collector x=1.0 {minute}"])
    assert sender.step() >= 0.5, "it is not asked again at once"
    assert len(told) == 1
    server.kind = None
    while sender.step() == 0.0:
        pass
    assert server.lines == [f"collector x=1.0 {minute}" for minute in range(40, 100)]
