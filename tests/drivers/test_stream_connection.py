"""An instrument that talks by itself: whole lines at their own time, silence and damage told once."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dodac.cli import main
from dodac.clock import SECOND_NS, ManualClock, SystemClock, local_text
from dodac.errors import ConfigError, InstrumentError
from dodac.samples import TimeSource
from dodac.site import Site, parse_site
from drivers import open_connections, read_once
from drivers._stream import Stream
from drivers.catalogue import load_profile
from drivers.links import LinkDown
from drivers.profile import Iec62056Profile, LineProfile
from drivers.protocols.iec62056 import crc16
from drivers.protocols.iec62056_receive import Iec62056Receiver
from drivers.protocols.line import LineReceiver
from drivers.simulator.talker import SimulatedTalker
from drivers.stream_connection import StreamConnection

LINE = b"19/01/05 ; 14:50:25 ; O2 ; 20.3 ; % ; ;\r\n"


class Tape:
    """A link that plays (seconds to wait, bytes) pairs in virtual time; None: the port is gone."""

    name = "tape"

    def __init__(self, clock: ManualClock, pieces: list[tuple[float, bytes | None]]) -> None:
        self.clock = clock
        self.pieces = pieces
        self.opened = 0

    def open(self) -> None:
        self.opened += 1

    def close(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        raise AssertionError("a listener sends nothing")

    def read(self, timeout_s: float) -> bytes:
        if not self.pieces or self.pieces[0][0] > timeout_s:
            self.clock.advance(timeout_s)
            if self.pieces:
                self.pieces[0] = (self.pieces[0][0] - timeout_s, self.pieces[0][1])
            return b""
        wait_s, data = self.pieces.pop(0)
        self.clock.advance(wait_s)
        if data is None:
            raise LinkDown("tape: the device was unplugged")
        return data


def named(id: str) -> LineProfile:
    profile = load_profile(id)
    assert isinstance(profile, LineProfile)
    return profile


def played(
    inbox: Any,
    pieces: list[tuple[float, bytes | None]],
    *,
    profile: LineProfile | None = None,
    seconds: float = 400,
) -> tuple[StreamConnection, ManualClock]:
    """Plays a tape to the end, stepping by hand."""
    clock = ManualClock()
    stream = Stream(
        Tape(clock, pieces), LineReceiver("o2", profile or named("servomex.multiexact")), clock, 0.001
    )
    connection = StreamConnection("tty", stream)
    connection._inbox = inbox
    connection._open()
    end = clock.monotonic_ns() + round(seconds * SECOND_NS)
    while clock.monotonic_ns() < end and pieces:
        try:
            connection.step(0.25)
        except LinkDown as error:
            connection._link_down(str(error))
            connection._open()
    return connection, clock


def good(inbox: Any) -> list[float]:
    return [s.values[0] for s in inbox.of("o2") if s.values[0] == s.values[0]]


def test_each_line_is_a_sample_at_the_time_its_last_byte_came(inbox: Any) -> None:
    second = LINE.replace(b"20.3", b"20.4")
    start = ManualClock().now_ns()
    played(inbox, [(2.0, LINE + second), (10.0, LINE)])
    assert good(inbox) == [20.3, 20.4, 20.3]
    ends = [(s.time_ns - start) / SECOND_NS for s in inbox.of("o2")]
    # 1 ms a byte: the first line ended as many bytes before the second
    assert ends == pytest.approx([2.0 - len(second) * 0.001, 2.0, 12.0])
    assert {s.time_source for s in inbox.of("o2")} == {TimeSource.HOST}
    assert not inbox.events


def test_a_line_cut_off_by_our_start_is_no_reading(inbox: Any) -> None:
    played(inbox, [(0.01, LINE[5:]), (1.0, LINE)])
    assert good(inbox) == [20.3]
    assert not any(s.flags for s in inbox.of("o2"))


def test_a_torn_line_is_not_glued_to_the_next(inbox: Any) -> None:
    connection, _ = played(inbox, [(2.0, LINE[:30]), (10.0, LINE)])
    assert good(inbox) == [20.3]
    assert connection.status().counters["torn"] == 1


def test_damage_is_told_once_and_ends_with_a_gap(inbox: Any) -> None:
    bad = b"19/01/05 ; 14:50\r\n"
    connection, _ = played(inbox, [(2.0, LINE), (10.0, bad), (10.0, bad), (10.0, bad), (10.0, LINE)])
    assert good(inbox) == [20.3, 20.3]
    (flagged,) = [s for s in inbox.of("o2") if s.flags]
    assert {f.reason.value for f in flagged.flags} == {"decode"}
    assert flagged.raw == bad.strip()
    assert inbox.kinds("o2") == ["fault_start", "fault_end", "gap"]
    gap = inbox.events[-1]
    assert (gap.end_ns - gap.time_ns) / SECOND_NS == pytest.approx(40.0)
    assert connection.status().counters["refused"] == 3


def test_silence_is_a_fault_and_its_end_a_gap(inbox: Any) -> None:
    played(inbox, [(2.0, LINE), (300.0, LINE)])
    assert good(inbox) == [20.3, 20.3]
    assert inbox.kinds("o2") == ["fault_start", "fault_end", "gap"]
    assert "nothing came for 120 s" in inbox.events[0].text


def test_an_unplugged_port_is_one_event_of_the_line(inbox: Any) -> None:
    played(inbox, [(2.0, LINE), (1.0, None), (2.0, LINE)])
    assert inbox.kinds(None) == ["fault_start", "fault_end"]
    assert inbox.kinds("o2") == ["gap"]
    assert [f.reason.value for f in inbox.of("o2")[1].flags] == ["no_answer"] * 3


def test_lines_that_waited_while_nobody_listened_have_no_time(inbox: Any) -> None:
    """A store that blocks for a minute must not turn a minute of lines into readings of now."""
    connection, clock = played(inbox, [(2.0, LINE)])
    clock.advance(60.0)
    tape = connection._stream.link
    assert isinstance(tape, Tape)
    tape.pieces = [(0.0, LINE), (0.0, LINE)]
    for _ in range(3):
        connection.step(0.25)
    tape.pieces = [(0.2, LINE)]
    connection.step(0.25)
    samples = inbox.of("o2")
    assert [s.time_source.value for s in samples] == ["host", "unknown", "unknown", "host"]
    assert [s.flags[0].reason.value for s in samples[1:3]] == ["time_unknown"] * 2
    assert good(inbox) == [20.3, 20.3]


def timed() -> LineProfile:
    profile = named("servomex.multiexact")
    rule = {"fields": [0, 1], "format": "%d/%m/%y %H:%M:%S", "max_skew_s": 30}
    return LineProfile.model_validate({**profile.model_dump(by_alias=True), "time": rule}, strict=False)


def test_the_devices_time_is_taken_when_it_agrees_and_goes_forward(inbox: Any) -> None:
    now = ManualClock().now_ns()

    def line(seconds: float) -> bytes:
        stamp = local_text(now + round(seconds * SECOND_NS), "UTC", "%d/%m/%y ; %H:%M:%S")
        return LINE.replace(b"19/01/05 ; 14:50:25", stamp.encode())

    pieces: list[tuple[float, bytes | None]] = [
        (2.0, line(1)), (1.0, line(1)), (10.0, line(12)), (10.0, line(3600)), (10.0, LINE.replace(b"19/01", b"99/99")),
    ]  # fmt: skip
    connection, _ = played(inbox, pieces, profile=timed())
    samples = inbox.of("o2")
    assert [s.time_source.value for s in samples] == ["device", "host", "device", "host", "host"]
    assert [(s.time_ns - now) / SECOND_NS for s in samples] == pytest.approx([1, 3, 12, 23, 33])
    assert len(good(inbox)) == 5
    assert inbox.kinds("o2") == ["note"]
    assert connection.status().counters["clock_refused"] == 2


# ---- on a real port

HEAD = '[site]\nid = "s"\ncompany = "c"\n'


def site_text(port: str, profile: str = "servomex.4100-ascii", more: str = "") -> str:
    body = f'[connections.a]\nkind = "serial"\nport = "{port}"\nbaud = 115200\n'
    body += f'[[instruments]]\nid = "o2"\nconnection = "a"\nprofile = "{profile}"\n{more}'
    return HEAD + body


def site(port: str, profile: str = "servomex.4100-ascii", more: str = "") -> Site:
    return parse_site(site_text(port, profile, more), Path("site.toml"))


def test_an_analyser_that_prints_on_a_port_is_collected_through_its_faults(
    inbox: Any, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    with SimulatedTalker(named("servomex.4100-ascii"), every_s=0.05, baud=115200) as talker:
        (connection,) = open_connections(site(talker.path), SystemClock())
        assert not connection.polled
        connection.start(inbox)
        try:
            eventually(lambda: len(good(inbox)) >= 3)
            talker.fault("checksum")
            eventually(lambda: inbox.kinds("o2") == ["fault_start", "fault_end", "gap"])
            talker.fault("status")
            eventually(
                lambda: any(f.reason.value == "device_status" for s in inbox.of("o2") for f in s.flags)
            )
            talker.fault("torn")
            eventually(lambda: inbox.kinds("o2")[3:] == ["fault_start", "fault_end", "gap"])
        finally:
            connection.stop()
    assert set(good(inbox)) == {20.379, 6.421}
    assert connection.status().last_good_ns["o2"] > 0
    reasons = {f.reason.value for s in inbox.of("o2") for f in s.flags}
    assert reasons <= {"crc", "decode", "device_status"}


def test_one_reading_can_be_looked_at(tmp_path: Any) -> None:
    with SimulatedTalker(named("servomex.4100-ascii"), every_s=0.05, baud=115200) as talker:
        sample, layout = read_once(site(talker.path), "o2", SystemClock())
    assert sample.values[layout.index["o2_pct"]] in (20.379, 6.421)
    assert sample.raw
    with pytest.raises(InstrumentError, match="no such port"):
        read_once(site(str(tmp_path / "none")), "o2", SystemClock())


def test_who_waits_for_a_line_is_told_that_it_is_listened(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with SimulatedTalker(named("servomex.4100-ascii"), every_s=0.05, baud=115200) as talker:
        (tmp_path / "site.toml").write_text(site_text(str(talker.path)), encoding="utf-8")
        assert main(["read", "o2", "--site", str(tmp_path / "site.toml")]) in (0, 1)
    assert "listening, up to 60 s" in capsys.readouterr().err


def test_a_line_belongs_to_one_instrument_that_talks_by_itself() -> None:
    more = '[[instruments]]\nid = "w"\nconnection = "a"\nprofile = "tuf-2000m"\naddress = 4\n'
    with pytest.raises(ConfigError, match="shares no line") as error:
        open_connections(site("/dev/null", more=more), SystemClock())
    assert error.value.where.instrument == "w"


def test_a_talker_shows_only_faults_it_knows() -> None:
    talker = SimulatedTalker(named("servomex.minimp"))
    with pytest.raises(ValueError, match="not a fault"):
        talker.fault("fire")
    with pytest.raises(ValueError, match="device_status"):
        talker.fault("status")
    talker.fault("dead")
    assert talker.next_line() == b""
    assert talker.next_line().endswith(b"%\r\n")


def test_the_commands_show_an_instrument_that_talks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles", "show", "servomex.4100-ascii"]) == 0
    shown = capsys.readouterr().out
    assert "baud = 19200" in shown
    assert "address" not in shown.split("in the site file")[1]
    assert main(["simulate", "servomex.4100-ascii", "--seconds", "0.01", "--fault", "torn"]) == 0
    assert capsys.readouterr().out.endswith("/port\n")
    assert main(["simulate", "servomex.4100-ascii", "--fault", "late"]) == 2
    assert main(["simulate", "servomex.minimp", "--fault", "status"]) == 2
    assert main(["simulate", "eastron.sdm630", "--fault", "torn"]) == 2


@pytest.mark.parametrize("id", ["servomex.multiexact", "servomex.4100-ascii", "teledyne.3000t"])
def test_a_megabyte_of_noise_leaves_the_port_working(inbox: Any, id: str) -> None:
    noise = random.Random(1).randbytes(1_000_000)
    line = named(id).tests[0].line.encode() + b"\r\n"
    pieces: list[tuple[float, bytes | None]] = [
        (0.01, noise[n : n + 4096]) for n in range(0, len(noise), 4096)
    ]
    played(inbox, [*pieces, (2.0, line), (1.0, line)], profile=named(id))
    assert sum(any(v == v for v in s.values) for s in inbox.of("o2")) == 2
    assert inbox.kinds("o2").count("fault_start") <= 1


def test_a_meter_that_sends_telegrams_is_heard_through_noise_and_a_fallen_counter(inbox: Any) -> None:
    p1 = load_profile("generic.dsmr-p1")
    assert isinstance(p1, Iec62056Profile)
    telegram = p1.tests[0].telegram.replace("\n", "\r\n").encode() + b"\r\n"
    body = telegram.rpartition(b"!")[0].replace(b"001234.567", b"000000.000") + b"!"
    fallen = body + f"{crc16(body):04X}\r\n".encode()
    noise = random.Random(2).randbytes(1_000_000)
    clock = ManualClock()
    pieces: list[tuple[float, bytes | None]] = [
        (1.0, telegram[:300]),
        (0.1, telegram[300:]),
        (10.0, fallen),
        (10.0, telegram),
    ]
    pieces += [(0.01, noise[n : n + 4096]) for n in range(0, len(noise), 4096)]
    pieces += [(10.0, telegram)]
    connection = StreamConnection("p1", Stream(Tape(clock, pieces), Iec62056Receiver("m", p1), clock))
    connection._inbox = inbox
    connection._open()
    while pieces:
        connection.step(0.25)
    energies = [s.values[0] for s in inbox.of("m") if s.values[0] == s.values[0]]
    assert energies == [3580.245, 2345.678, 3580.245, 3580.245]  # two tariffs: the collector holds the fall
    assert inbox.of("m")[0].time_source == TimeSource.HOST
