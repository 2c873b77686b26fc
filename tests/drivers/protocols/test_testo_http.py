"""A testo 300 over HTTP: its own time when it can be believed, and never another's or a frozen reading."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dodac.clock import SECOND_NS, ManualClock
from dodac.contracts import EventKind
from dodac.quantities import Measurement
from dodac.samples import Reason, Sample, TimeSource
from drivers.bus import Bus
from drivers.catalogue import load_profile
from drivers.links.http import HttpLink
from drivers.noting_connection import NotingConnection
from drivers.profile import HttpTjfProfile
from drivers.protocols.testo_http import HttpTjfReader
from drivers.simulator.testo_http import SimulatedTesto300

GAS: Mapping[str, float | None] = {
    "o2_pct": 6.25,
    "co_ppm": 87.0,
    "t_flue_c": 184.25,
    "t_air_c": 31.5,
    "draught_pa": -12.5,
}


class Kit:
    """A simulated testo 300, the connection that asks it, and what came of that; no thread, no waiting."""

    def __init__(self, inbox: Any, serial_number: str = "", skew_s: float = 0.0) -> None:
        self.clock = ManualClock()
        self.own_clock = ManualClock(self.clock.now_ns() + round(skew_s * SECOND_NS))
        self.values = dict(GAS)
        self.testo = SimulatedTesto300(lambda: self.values, zone="Asia/Ho_Chi_Minh", clock=self.own_clock)
        self.testo.start()
        profile = load_profile("testo.300-http")
        assert isinstance(profile, HttpTjfProfile)
        self.link = HttpLink("127.0.0.1", self.testo.port, 0.5)
        reader = HttpTjfReader("kiln", profile, zone="Asia/Ho_Chi_Minh", serial_number=serial_number)
        bus = Bus(self.link, self.clock, timeout_s=0.5)
        self.line = NotingConnection("http1", bus, [(reader, Measurement.FLUE_GAS)], self.clock)
        self.line._inbox = inbox
        self.inbox = inbox
        self.channels = reader.layout.channels

    def tick(self, seconds: float = 10) -> None:
        self.line._keep_open()
        self.line._serve(self.line._stations["kiln"])
        self.clock.advance(seconds)
        self.own_clock.advance(seconds)

    @property
    def last(self) -> Sample:
        sample = self.inbox.taken[-1]
        assert isinstance(sample, Sample)
        return sample

    def values_of(self, sample: Sample) -> dict[str, float]:
        return {n: v for n, v in zip(self.channels, sample.values, strict=True) if v == v}

    def reasons(self) -> dict[str, Reason]:
        return {flag.channel: flag.reason for flag in self.last.flags}

    def texts(self, kind: EventKind) -> list[str]:
        return [event.text for event in self.inbox.events if event.kind == kind]


@pytest.fixture
def kit(inbox: Any) -> Iterator[Kit]:
    made = Kit(inbox)
    yield made
    made.testo.stop()


def test_readings_come_with_the_instruments_own_time(kit: Kit) -> None:
    now = kit.clock.now_ns()
    kit.tick()
    assert kit.values_of(kit.last) == GAS
    assert kit.last.time_source == TimeSource.DEVICE
    assert kit.last.time_ns == now // SECOND_NS * SECOND_NS
    assert any(
        "serial number 61300001" in text and "fuel Erdgas" in text for text in kit.texts(EventKind.NOTE)
    )


def test_a_wrong_clock_is_told_once_and_never_stamps_a_reading(inbox: Any) -> None:
    kit = Kit(inbox, skew_s=-7 * 3600)
    try:
        now = kit.clock.now_ns()
        kit.tick()
        kit.tick()
        assert kit.last.time_source == TimeSource.HOST
        assert 0 <= kit.last.time_ns - now - 10 * SECOND_NS < 2 * SECOND_NS
        assert len([t for t in kit.texts(EventKind.NOTE) if "own time is not taken" in t]) == 1
    finally:
        kit.testo.stop()


def test_an_invalid_value_is_flagged_beside_good_ones(kit: Kit) -> None:
    kit.values["co_ppm"] = None
    kit.tick()
    assert kit.reasons() == {"co_ppm": Reason.SENTINEL}
    assert kit.values_of(kit.last)["o2_pct"] == 6.25


def test_a_measurement_that_is_over_gives_stale_flags_and_no_readings(kit: Kit) -> None:
    kit.tick()
    kit.testo.fault = "frozen"
    for _ in range(5):
        kit.tick()
    assert set(kit.reasons().values()) == {Reason.STALE}
    assert any("stood still" in text for text in kit.texts(EventKind.NOTE))
    kit.testo.fault = ""
    kit.tick()
    assert kit.values_of(kit.last) == GAS


def test_a_clock_that_stands_still_while_the_values_move_costs_no_readings(kit: Kit) -> None:
    kit.testo.fault = "frozen"
    for step in range(8):
        kit.values["o2_pct"] = 6.0 + step / 10
        kit.tick()
        assert not kit.last.flags
    assert kit.last.time_source == TimeSource.HOST


def test_two_readings_within_a_second_of_the_instruments_clock_are_two_moments(kit: Kit) -> None:
    for _ in range(4):
        kit.tick(0.3)
    times = [sample.time_ns for sample in kit.inbox.taken]
    assert times == sorted(set(times))
    assert len(times) == 4


def test_of_several_moments_the_newest_counts_and_gases_without_a_channel_do_no_harm(kit: Kit) -> None:
    now = datetime.fromtimestamp(kit.clock.now_ns() // SECOND_NS, ZoneInfo("Asia/Ho_Chi_Minh"))
    old = now - timedelta(seconds=5)
    entries = [{"value": v, "timeStamp": t.isoformat()} for v, t in ((9.0, old), (6.0, now))]
    o2 = {"type": {"name": "O2"}, "unit": {"name": "%"}, "values": entries}
    so2 = {"type": {"name": "SO2"}, "unit": {"name": "ppm"}, "values": [{**entries[1], "description": "--"}]}
    kit.testo.document = lambda: json.dumps({"channels": [o2, so2]}).encode()  # type: ignore[method-assign]
    kit.tick()
    assert kit.values_of(kit.last) == {"o2_pct": 6.0}
    assert kit.reasons() == {}


def test_values_without_any_time_that_stand_still_are_not_called_old(kit: Kit) -> None:
    o2 = {"type": {"name": "O2"}, "unit": {"name": "%"}, "values": [{"value": 6.0}]}
    kit.testo.document = lambda: json.dumps({"channels": [o2]}).encode()  # type: ignore[method-assign]
    for _ in range(6):
        kit.tick()
    assert kit.values_of(kit.last) == {"o2_pct": 6.0}
    assert kit.last.time_source == TimeSource.HOST


def test_why_a_value_is_not_read_is_told_once_unless_it_is_read_in_another_unit(kit: Kit) -> None:
    def channel(name: str, value: float, unit: str, xmlid: str = "") -> dict[str, Any]:
        kind = {"name": name, **({"xmlid": xmlid} if xmlid else {})}
        return {"type": kind, "unit": {"name": unit}, "values": [{"value": value}]}

    rows = [
        channel("O2", 6.0, "%"),
        channel("CO", 264, "mg/m³"),
        channel("NO", 40, "ppm", "NO_Ref"),
        channel("λ", 1.4, ""),
    ]
    kit.testo.document = lambda: json.dumps({"channels": rows}).encode()  # type: ignore[method-assign]
    kit.tick()
    kit.tick()
    told = [text for text in kit.texts(EventKind.NOTE) if "is no reading" in text]
    assert [text.split(" is no reading: ")[0] for text in told] == ['"CO" = 264 mg/m³', '"NO" = 40 ppm']
    assert "reference state" in told[0]
    assert "NO_Ref" in told[1]
    kit.inbox.events.clear()
    made = Kit(kit.inbox)
    try:
        both = [*rows[:2], channel("CO", 211, "ppm")]
        made.testo.document = lambda: json.dumps({"channels": both}).encode()  # type: ignore[method-assign]
        made.tick()
        assert made.values_of(made.last) == {"o2_pct": 6.0, "co_ppm": 211.0}
        assert not [text for text in made.texts(EventKind.NOTE) if "is no reading" in text]
    finally:
        made.testo.stop()


def test_another_instrument_at_the_address_gives_no_readings(inbox: Any) -> None:
    kit = Kit(inbox, serial_number="61300002")
    try:
        kit.tick()
        assert set(kit.reasons().values()) == {Reason.EXCEPTION}
        assert any("61300001, not 61300002" in text for text in kit.texts(EventKind.FAULT_START))
        kit.testo.serial_number = "61300002"
        kit.tick()
        assert kit.values_of(kit.last) == GAS
    finally:
        kit.testo.stop()


@pytest.mark.parametrize(
    ("fault", "reason", "words"),
    [
        ("missing", Reason.EXCEPTION, "404"),
        ("redirect", Reason.EXCEPTION, "not followed"),
        ("page", Reason.EXCEPTION, "no JSON"),
        ("cut", Reason.CRC, "damaged"),
        ("silent", Reason.NO_ANSWER, "no whole answer"),
        ("error", Reason.EXCEPTION, "no measurements are available"),
    ],
)
def test_a_fault_is_told_once_and_ends_with_a_gap(kit: Kit, fault: str, reason: Reason, words: str) -> None:
    kit.tick()
    good_ns = kit.last.time_ns
    kit.testo.fault = fault
    for _ in range(3):
        kit.tick()
    assert set(kit.reasons().values()) == {reason}
    assert len(kit.inbox.taken) == 2
    (told,) = kit.texts(EventKind.FAULT_START)
    assert words in told
    kit.testo.fault = ""
    kit.tick()
    assert kit.values_of(kit.last) == GAS
    assert kit.texts(EventKind.FAULT_END) == ["answers again"]
    (gap,) = [event for event in kit.inbox.events if event.kind == EventKind.GAP]
    assert (gap.time_ns, gap.end_ns) == (good_ns, kit.last.time_ns)


def test_an_instrument_that_is_switched_off_and_on_is_read_again(kit: Kit) -> None:
    kit.tick()
    kit.testo.stop()
    kit.tick()
    kit.tick()
    assert set(kit.reasons().values()) == {Reason.NO_ANSWER}
    assert len(kit.texts(EventKind.FAULT_START)) == 1
    kit.testo.start(kit.testo.port)
    kit.tick()
    assert kit.values_of(kit.last) == GAS
    assert kit.line.status().state == "up"


def test_nothing_but_gets_of_two_paths_is_ever_sent(kit: Kit) -> None:
    for fault in ("", "missing", "page", "error", ""):
        kit.testo.fault = fault
        kit.tick()
    assert set(kit.testo.asked) == {"GET /data", "GET /deviceInfo"}
