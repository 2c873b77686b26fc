"""The line itself: what comes too late is heard out, counted and handed over, never kept for the next."""

from __future__ import annotations

import pytest

from dodac.clock import SECOND_NS, ManualClock
from dodac.samples import Reason
from drivers.bus import Bus, BusFault
from drivers.links import LineSettings
from drivers.protocols import modbus
from drivers.protocols.modbus_serial import ASCII, RTU, SerialFraming

REQUEST, ANSWER = b"ask", b"right answer"


class Script:
    """A link on which bytes come at stated seconds after each request."""

    name = "script"

    def __init__(self, clock: ManualClock, *plays: dict[float, bytes]) -> None:
        self.clock = clock
        self.plays = list(plays)
        self.written_ns: list[int] = []
        self._due: list[tuple[int, bytes]] = []

    def open(self) -> None:
        self._due.clear()

    def close(self) -> None:
        self._due.clear()

    def write(self, data: bytes) -> None:
        now = self.clock.monotonic_ns()
        self.written_ns.append(now)
        play = self.plays.pop(0)
        self._due += [(now + round(after * SECOND_NS), piece) for after, piece in play.items()]
        self._due.sort(key=lambda item: item[0])

    def read(self, timeout_s: float) -> bytes:
        now = self.clock.monotonic_ns()
        if self._due and self._due[0][0] <= now + round(timeout_s * SECOND_NS):
            due, data = self._due.pop(0)
            self.clock.advance(max(0, due - now) / SECOND_NS)
            return data
        self.clock.advance(timeout_s)
        return b""


def find(came: bytes) -> tuple[int, int] | None:
    place = came.find(ANSWER)
    return None if place < 0 else (place, place + len(ANSWER))


def line(*plays: dict[float, bytes]) -> tuple[Bus, Script]:
    clock = ManualClock()
    link = Script(clock, *plays)
    return Bus(link, clock, timeout_s=1.0, late_guard_s=2.0), link


def test_an_answer_within_the_guard_is_heard_out_and_not_left_for_the_next_request() -> None:
    bus, link = line({1.5: b"late answer"}, {0.1: ANSWER})
    with pytest.raises(BusFault) as caught:
        bus.exchange(REQUEST, find)
    assert caught.value.reason == Reason.NO_ANSWER
    assert caught.value.late == b"late answer"
    assert bus.counters["late"] == 1
    answer = bus.exchange(REQUEST, find)
    assert (answer.data, answer.discarded) == (ANSWER, b"")
    # once the late burst is over and the line quiet again, nobody waits for the rest of the guard
    assert link.written_ns[1] < 1.7 * SECOND_NS


def test_after_a_timeout_the_line_is_left_alone_for_the_whole_guard() -> None:
    bus, link = line({}, {0.1: ANSWER})
    with pytest.raises(BusFault):
        bus.exchange(REQUEST, find)
    bus.exchange(REQUEST, find)
    assert link.written_ns[1] >= 3 * SECOND_NS


def test_what_waited_before_the_request_is_not_its_answer() -> None:
    bus, _ = line({1.0: ANSWER, 5.0: ANSWER}, {0.2: ANSWER})
    bus.exchange(REQUEST, find)
    bus.clock.advance(5)  # type: ignore[attr-defined]
    answer = bus.exchange(REQUEST, find)
    assert answer.discarded == ANSWER
    assert answer.span_ns == pytest.approx(0.2 * SECOND_NS, rel=0.01)


def test_a_line_that_never_falls_quiet_does_not_hold_the_thread() -> None:
    bus, link = line({n * 0.02: b"x" for n in range(1000)})
    with pytest.raises(BusFault) as caught:
        bus.exchange(REQUEST, find)
    assert caught.value.reason == Reason.CRC
    assert link.clock.monotonic_ns() < 10 * SECOND_NS


def test_an_echo_alone_is_no_answer_and_an_answer_after_it_is_found() -> None:
    bus, _ = line({0.01: REQUEST}, {0.01: REQUEST + ANSWER})
    with pytest.raises(BusFault, match="only an echo"):
        bus.exchange(REQUEST, find)
    assert bus.exchange(REQUEST, find).data == ANSWER


@pytest.mark.parametrize("framing", [RTU, ASCII])
@pytest.mark.parametrize("count", range(17, 25))
def test_an_echo_that_looks_like_an_answer_gives_no_coils(framing: SerialFraming, count: int) -> None:
    """A request for 17 to 24 coils at 0300h has the form of its answer: its echo was taken for the coils."""
    request = framing.frame(1, modbus.read_pdu(1, 0x0300, count))
    answer = framing.frame(1, bytes((1, 3, 0xA5, 0x5A, 0x01)))

    def coils(came: bytes) -> tuple[int, int] | None:
        return framing.find(came, 1, 1, 3)

    assert coils(request) is not None  # the frame alone does not tell
    bus, _ = line({0.0: request, 0.05: answer}, {0.0: request})
    assert bus.exchange(request, coils, expected=framing.length(3)).data == answer
    with pytest.raises(BusFault) as fault:
        bus.exchange(request, coils, expected=framing.length(3))
    assert fault.value.reason == Reason.NO_ANSWER


def test_the_time_for_an_answer_begins_when_the_request_is_out() -> None:
    """At 300 baud a request of eight bytes takes 0.27 s: its answer after one second was called late."""
    bus, _ = line({1.2: ANSWER})
    bus.byte_s = 10 / 300
    assert bus.exchange(b"12345678", find).data == ANSWER


def test_a_whole_but_damaged_answer_ends_the_waiting_early() -> None:
    bus, link = line({0.1: b"wrong answer"}, {0.1: ANSWER})
    with pytest.raises(BusFault) as caught:
        bus.exchange(REQUEST, find, expected=len(ANSWER))
    assert caught.value.reason == Reason.CRC
    assert bus.exchange(REQUEST, find).data == ANSWER
    assert link.written_ns[1] < 0.3 * SECOND_NS  # neither the timeout nor the guard


def test_the_guard_of_a_silent_unit_is_not_that_of_one_that_began_to_answer() -> None:
    """Half an answer just before the timeout: the other half belongs to it, and the line is not free yet."""
    bus, link = line({0.9: b"right "}, {}, {0.1: ANSWER})
    with pytest.raises(BusFault):
        bus.exchange(REQUEST, find, expected=len(ANSWER), silent_guard_s=0.05)
    with pytest.raises(BusFault):
        bus.exchange(REQUEST, find, expected=len(ANSWER), silent_guard_s=0.05)
    bus.exchange(REQUEST, find)
    assert link.written_ns[1] >= 2.9 * SECOND_NS
    assert link.written_ns[2] - link.written_ns[1] < 1.2 * SECOND_NS


def test_what_came_behind_an_answer_is_handed_over_with_it() -> None:
    bus, _ = line({0.1: b"noise" + ANSWER + b"another"})
    answer = bus.exchange(REQUEST, find)
    assert (answer.data, answer.discarded) == (ANSWER, b"noiseanother")
    assert bus.counters["discarded_bytes"] == 12


def test_echo_and_others_answers_do_not_end_the_waiting() -> None:
    """An echo and the late answer of another unit are together as long as the answer that is awaited."""
    stranger = b"stranger"

    def others(came: bytes) -> bytes:
        return came.replace(stranger, b"")

    for early in (REQUEST + stranger + b"?", stranger + stranger, REQUEST + b"some noise"[:9]):
        bus, _ = line({0.1: early, 0.5: ANSWER})
        assert len(early) >= len(ANSWER)
        assert bus.exchange(REQUEST, find, expected=len(ANSWER), others=others).data == ANSWER


def test_an_answer_at_the_end_of_a_flood_is_found() -> None:
    bus, _ = line({0.1: b"\x55" * 5000 + ANSWER})
    assert bus.exchange(REQUEST, find).data == ANSWER
    assert bus.counters["discarded_bytes"] > 4900


def test_a_late_answer_in_pieces_is_handed_over_whole() -> None:
    bus, _ = line({1.5: b"late ", 1.52: b"answer"})
    with pytest.raises(BusFault) as caught:
        bus.exchange(REQUEST, find)
    assert caught.value.late == b"late answer"


@pytest.mark.parametrize(("byte_s", "pause_s", "gap_s"), [(10 / 300, 0.0, 35 / 300), (0.0, 0.4, 0.4)])
def test_requests_keep_their_distance(byte_s: float, pause_s: float, gap_s: float) -> None:
    """3.5 characters at the line's speed, or what a model wants beyond that (a PZEM misses what comes sooner)."""
    bus, link = line({0.1: ANSWER}, {0.1: ANSWER})
    bus.byte_s = byte_s
    for _ in range(2):
        bus.exchange(REQUEST, find, pause_s=pause_s)
    assert link.written_ns[1] - link.written_ns[0] == pytest.approx((0.1 + gap_s) * SECOND_NS, rel=1e-6)


def test_a_unit_s_turnaround_is_without_the_time_on_the_line() -> None:
    bus, _ = line({0.2: ANSWER}, {1.5: b"late answer"})
    bus.unit, bus.byte_s = "m1", 10 / 1200
    bus.exchange(REQUEST, find)
    with pytest.raises(BusFault):
        bus.exchange(REQUEST, find)
    times = bus.turnarounds["m1"].summary()
    assert times is not None
    assert times.median_ms == pytest.approx(200 - 15 * 1000 / 120)
    assert times.late == 1


def test_between_two_speeds_the_line_is_silent_and_then_timed_anew() -> None:
    """What still comes at the old speed is no part of an answer at the new one."""

    class Settable(Script):
        settings = LineSettings(1200)
        changed_ns = 0

        def change(self, settings: LineSettings) -> None:
            self.settings, self.changed_ns = settings, self.clock.monotonic_ns()

    clock = ManualClock()
    link = Settable(clock, {0.1: ANSWER, 0.11: b"tail"}, {0.05: ANSWER})
    bus = Bus(link, clock, byte_s=link.settings.byte_s)
    bus.exchange(REQUEST, find)
    bus.use(LineSettings(9600))
    assert link.changed_ns >= 0.1 * SECOND_NS + 3.5 * 10 / 1200 * SECOND_NS
    assert bus.byte_s == pytest.approx(10 / 9600)
    assert bus.exchange(REQUEST, find).discarded == b""
    bus.use(LineSettings(9600))
    assert bus.counters["line_changes"] == 1
