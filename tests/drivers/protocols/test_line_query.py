"""Instruments that print when asked: one question is sent, and only a line of now is a reading."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.clock import SECOND_NS, ManualClock, SystemClock
from dodac.errors import ConfigError
from dodac.samples import Reason, Sample, TimeSource
from dodac.site import parse_site
from drivers import open_connections, read_once
from drivers.bus import Bus
from drivers.catalogue import load_profile, parse_profile
from drivers.profile import LineProfile
from drivers.protocols.line_query import LineQueryReader
from drivers.simulator.talker import SimulatedTalker

PRINTED = """
id: acme.ox-3
maker: Acme
models: [OX-3]
kind: flue_gas
evidence: {map: ["our own"]}
protocol: line
link: {query: "MEAS?", query_end: "\\r"}
line: {start: "#", delimiter: ";", fields: 2, checksum: {rule: sum8}, ignore: [OK]}
status:
  - {field: 1, allowed: G, required: true, text: it is not well}
channels:
  o2_pct: {field: 0}
tests:
  - {line: "#6.42;G;87", expect: {o2_pct: 6.42}}
  - {line: "#6.42;;40", flags: {o2_pct: device_status}}
"""


def profile(text: str = PRINTED) -> LineProfile:
    loaded = parse_profile(text, Path("acme.ox-3.yaml"))
    assert isinstance(loaded, LineProfile)
    return loaded


class Answering:
    """A link on which each request is answered with the next of `answers`."""

    name = "line"

    def __init__(self, clock: ManualClock, *answers: bytes) -> None:
        self.clock = clock
        self.answers = list(answers)
        self.sent: list[bytes] = []
        self._waiting = b""

    def open(self) -> None: ...

    def close(self) -> None: ...

    def write(self, data: bytes) -> None:
        self.sent.append(data)
        self._waiting += self.answers.pop(0) if self.answers else b""

    def read(self, timeout_s: float) -> bytes:
        data, self._waiting = self._waiting[:7], self._waiting[7:]
        self.clock.advance(0.001 if data else timeout_s)
        return data


def read(
    answer: bytes, of: LineProfile | None = None, clock: ManualClock | None = None
) -> tuple[Sample, str]:
    clock = clock or ManualClock()
    link = Answering(clock, answer)
    reader = LineQueryReader("x", of or profile())
    sample = reader.read(Bus(link, clock))
    assert link.sent == [b"O_M? 1\n" if of else b"MEAS?\r"]
    return sample, reader.fault_text


def test_the_line_that_answers_is_the_reading() -> None:
    sample, fault = read(b"#6.42;G;87\r\n")
    assert sample.values == (6.42,)
    assert fault == ""


@pytest.mark.parametrize(
    "answer", [b"MEAS?\r#6.42;G;87\r\n", b"\r\n#6.42;G;87\r\nOK\r\n", b"OK\r\n#6.42;G;87\r\n"]
)
def test_an_echo_and_a_prompt_are_passed_by(answer: bytes) -> None:
    assert read(answer)[0].values == (6.42,)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", Reason.NO_ANSWER),
        (b"#6.4", Reason.CRC),
        (b"#6.43;G;87\r\n", Reason.CRC),
        (b"#6.42;G;87\r\n#9.9", Reason.CRC),
        (b"#6.42;G;87\r\n#9.99;G;00\r\n", Reason.CRC),
        (b"WHAT?\r\n", Reason.EXCEPTION),
        (b"MEAS?\r", Reason.NO_ANSWER),
    ],
)
def test_no_whole_line_is_no_reading_and_an_older_one_is_not_taken_for_it(
    answer: bytes, reason: Reason
) -> None:
    sample, fault = read(answer)
    assert [flag.reason for flag in sample.flags] == [reason]
    assert fault


def test_a_status_that_is_not_there_is_not_taken_for_a_good_one() -> None:
    assert [flag.reason for flag in read(b"#6.42;;40\r\n")[0].flags] == [Reason.DEVICE_STATUS]


def memory(clock: ManualClock, *ages_s: int) -> bytes:
    lines = [f"{len(ages_s)}, 9"]
    for age in ages_s:
        when = datetime.fromtimestamp(clock.now_ns() // SECOND_NS - age, UTC)
        lines.append(f"{when:%Y-%m-%d,%H:%M:%S},{100 + age}.00E+00,-,-,-,-,5.9E+03,0,0,0,0,0,0,0,0,0,0")
    return "".join(f"{line}\n" for line in lines).encode()


def test_of_a_memory_the_newest_line_counts_with_its_own_time() -> None:
    clock = ManualClock()
    lumasense = load_profile("lumasense.1314i")
    assert isinstance(lumasense, LineProfile)
    now = clock.now_ns()
    sample, _ = read(memory(clock, 180, 100, 20), lumasense, clock)
    assert sample.values == pytest.approx((120 * 0.8588,))
    assert sample.time_source == TimeSource.DEVICE
    assert sample.time_ns == now - 20 * SECOND_NS


def test_a_memory_that_ends_long_ago_is_stale_and_no_reading() -> None:
    clock = ManualClock()
    lumasense = load_profile("lumasense.1314i")
    assert isinstance(lumasense, LineProfile)
    sample, fault = read(memory(clock, 7200, 3600), lumasense, clock)
    assert [flag.reason for flag in sample.flags] == [Reason.STALE]
    assert "not of now" in fault


@pytest.mark.parametrize(
    "query",
    [
        "MEAS",
        "SET 5",
        "MEAS? 1,2",
        "A?;B",
        "*CAL?",
        "CAL?",
        "ZERO?",
        "S_T_START?",
        "RST?",
        "A\\rB?",
        "",
        "X? 123",
    ],
)
def test_nothing_but_a_question_can_be_sent(query: str) -> None:
    with pytest.raises(ConfigError) as caught:
        profile(PRINTED.replace('"MEAS?"', f'"{query}"'))
    assert caught.value.where.line is not None


def test_a_simulated_one_says_nothing_until_it_is_asked_and_is_read_over_a_port() -> None:
    lumasense = load_profile("lumasense.1314i")
    assert isinstance(lumasense, LineProfile)
    ox = profile()
    with SimulatedTalker(ox) as talker:
        body = (
            '[site]\nid = "s"\ncompany = "c"\n[connections.a]\nkind = "serial"\n'
            f'port = "{talker.path}"\ntimeout = "500ms"\nlate_guard = "200ms"\n'
            '[[instruments]]\nid = "ox"\nconnection = "a"\nprofile = "acme.ox-3"\n'
        )
        folder = Path(talker.path).parent
        (folder / "profiles").mkdir()
        (folder / "profiles" / "acme.ox-3.yaml").write_text(PRINTED, encoding="utf-8")
        site = parse_site(body, folder / "site.toml")
        (line,) = open_connections(site, SystemClock())
        assert line.polled
        sample, _ = read_once(site, "ox", SystemClock())
        assert sample.values == (6.42,)
        assert talker.heard == b"MEAS?\r"
        assert talker.printed == 1


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.lists(
        st.sampled_from([b"#6.42;G;87\r\n", b"#6", b"\r", b"OK\r\n", b"MEAS?\r", b";", b"\xff"]), max_size=6
    )
)
def test_whatever_is_answered_is_the_reading_or_a_flag(pieces: list[bytes]) -> None:
    sample, fault = read(b"".join(pieces))
    assert (sample.values == (6.42,)) != bool(sample.flags)
    assert bool(fault) == bool(sample.flags)
