"""The bus: one request at a time over one link, with answers that come too late kept apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from dodac.clock import SECOND_NS, Clock
from dodac.samples import Layout, Reason, Sample
from drivers.links import LineSettings, Link, SettableLink
from drivers.turnaround import Turnarounds

_MOST: Final = 4096
"""Bytes of a burst that are looked at; the longest answer of any protocol on a bus is far shorter."""
Find = Callable[[bytes], tuple[int, int] | None]
"""Where the answer to a request stands in what has come ([start, end)), or None: not there yet."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and its times: UTC when the request was sent, and how long until its last byte.

    discarded: bytes that came with it and are no part of it (noise, echo, another's late answer).
    """

    data: bytes
    sent_ns: int
    span_ns: int
    discarded: bytes = b""


class BusFault(Exception):  # noqa: N818  (a finding about the line, with its reason)
    """A request without a good answer: the reason, words for people, and the bytes that did come.

    stale: what came before the request was sent; late: what came after its time.
    """

    def __init__(
        self, reason: Reason, text: str, raw: bytes = b"", late: bytes = b"", stale: bytes = b""
    ) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
        self.raw = raw
        self.late = late
        self.stale = stale


class Reader(Protocol):
    """Reads one instrument over a bus; called by the bus's thread only.

    read: one sample. Channels that could not be read are flagged with their reason; a reader raises
    only LinkDown (the line is away). `probe` asks for as little as possible, to see whether a unit
    that was silent is back. `everything` reads slow channels too. fault_text: what went wrong in the
    last read or probe, for people; "" when nothing did. refused_channels: those the instrument
    refuses for good (flagged once, then left out).
    """

    layout: Layout
    unit: str
    fault_text: str
    refused_channels: set[str]

    def read(self, bus: Bus, *, everything: bool = False) -> Sample: ...
    def probe(self, bus: Bus) -> bool: ...


@runtime_checkable
class SlowReader(Protocol):
    """A reader whose slow channels can be read apart, when the line has time for them.

    read_fast: a sample without them. read_slow: one of nothing else. slow_due: they are to be read again;
    True also before the first reading, which carries everything.
    """

    started: bool

    def slow_due(self) -> bool: ...
    def read_fast(self, bus: Bus) -> Sample: ...
    def read_slow(self, bus: Bus) -> Sample: ...


class Bus:
    """One line: sends a request, waits for its answer, and never lets an old answer pass for a new one.

    timeout_s: from the end of the request to the start of the answer. late_guard_s: how long the bus
    listens after a timeout before it speaks again. quiet_s: silence that ends a burst of bytes.
    byte_s: what one byte takes on the line; frames are kept 3.5 bytes (at least 1.75 ms) apart.
    counters: requests, answers, timeouts, damaged, late, discarded_bytes. unit: who is spoken to, set by
    the one who speaks; turnarounds: how fast each answers. awaiting: by unit, who looks for its late
    answers in what nobody asked for, and gives how many there are.
    """

    def __init__(
        self,
        link: Link,
        clock: Clock,
        *,
        timeout_s: float = 1.0,
        late_guard_s: float = 2.0,
        quiet_s: float = 0.05,
        byte_s: float = 0.0,
    ) -> None:
        self.link = link
        self.clock = clock
        self.timeout_s = timeout_s
        self.late_guard_s = late_guard_s
        self.quiet_s = quiet_s
        self.byte_s = byte_s
        self.counters: Counter[str] = Counter()
        self.unit = ""
        self.turnarounds: defaultdict[str, Turnarounds] = defaultdict(Turnarounds)
        self.awaiting: dict[str, Callable[[bytes], int]] = {}
        self._last_ns = 0
        self._number = 0

    def use(self, settings: LineSettings) -> None:
        """Turns the line to a unit's own speed and frame; nothing happens when it has them.

        Between units of two speeds the line stays silent for 3.5 bytes of the slower, and what came until
        then is discarded. Raises LinkDown.
        """
        if not isinstance(self.link, SettableLink) or settings == self.link.settings:
            return
        self._rest(3.5 * max(self.link.settings.byte_s, settings.byte_s))
        self.link.change(settings)
        self.counters["line_changes"] += 1
        self.byte_s = settings.byte_s
        self._last_ns = self.clock.monotonic_ns()

    @property
    def moved_ns(self) -> int:
        """Monotonic time at which the line last gave bytes, or told that there are none."""
        return self._last_ns

    def next_number(self) -> int:
        """A transaction number that no request on this line had for 65 535 requests."""
        self._number = (self._number + 1) & 0xFFFF
        return self._number

    def exchange(
        self,
        request: bytes,
        find: Find,
        *,
        expected: int | None = None,
        timeout_s: float | None = None,
        guard_s: float | None = None,
        silent_guard_s: float | None = None,
        others: Callable[[bytes], bytes] = bytes,
        pause_s: float = 0.0,
    ) -> Answer:
        """Sends a request and gives its answer.

        expected: bytes of the answer, when known: a damaged answer of that length ends the waiting
        early (the caller must then be able to tell a second one apart). timeout_s, guard_s: instead
        of the bus's own. silent_guard_s: the guard where nothing came at all, for a caller that keeps the
        guard by itself. others: takes whole answers of others out of what came. pause_s: silence wanted
        before the request. Raises BusFault (no_answer: nothing came but perhaps our echo; crc: something
        came that is no answer) after the guard has passed, and LinkDown. Bytes that were waiting before the
        request are discarded and given with the answer or the fault.
        """
        stale = self._rest(pause_s)
        patience = self.timeout_s if timeout_s is None else timeout_s
        sent_ns, start = self.clock.now_ns(), self.clock.monotonic_ns()
        self.link.write(request)
        self.counters["requests"] += 1
        first_by = start + _ns(patience + len(request) * self.byte_s)
        babble = first_by + _ns(max(2.0, 300 * self.byte_s))  # a line that never falls quiet
        came, deadline, damaged = b"", first_by, False
        while (left := deadline - self.clock.monotonic_ns()) > 0:
            chunk = self.link.read(left / SECOND_NS)
            now = self._last_ns = self.clock.monotonic_ns()
            if not chunk:
                damaged = now < first_by
                continue
            came += chunk
            if len(came) > _MOST:  # a flood: the answer can only stand in its last bytes
                self.counters["discarded_bytes"] += len(came) - _MOST // 2
                came = came[-_MOST // 2 :]
            place = _beyond_echo(find, came, request)
            if place is not None:
                self.counters["answers"] += 1
                discarded = came[: place[0]] + came[place[1] :]
                on_the_line_s = (len(request) + place[1]) * self.byte_s
                self.turnarounds[self.unit].add(max(0.0, (now - start) / SECOND_NS - on_the_line_s))
                self.counters["discarded_bytes"] += len(discarded)
                return Answer(came[place[0] : place[1]], sent_ns, now - start, stale + discarded)
            whole = expected is not None and len(others(came.replace(request, b"", 1))) >= expected
            # a line still sending is heard out; a whole but damaged answer needs no further patience
            quiet = now + _ns(self.quiet_s)
            deadline = min(quiet if whole else max(deadline, quiet), babble)
        guard = self.late_guard_s if guard_s is None else guard_s
        silent = not came.replace(request, b"", 1)
        if silent and silent_guard_s is not None:
            guard = silent_guard_s
        late = self.silence(self.quiet_s if damaged else guard)
        if late:
            self.counters["late"] += 1
            self.turnarounds[self.unit].late += silent_guard_s is None
        if silent:
            self.counters["timeouts"] += 1
            words = "no answer" if not came else "no answer, only an echo of the request,"
            raise BusFault(Reason.NO_ANSWER, f"{words} within {patience:g} s", came, late, stale)
        self.counters["damaged"] += 1
        self.counters["discarded_bytes"] += len(came)
        raise BusFault(Reason.CRC, f"{len(came)} bytes came that are no valid answer", came, late, stale)

    def silence(self, guard_s: float) -> bytes:
        """Listens up to guard_s for late bytes, and on until the line is quiet; gives what came last.

        Ends as soon as a late burst has come and the line is quiet again. A line that never falls
        quiet is left after the guard and two seconds more.
        """
        start = self.clock.monotonic_ns()
        end, limit, came, heard = start + _ns(guard_s), start + _ns(guard_s + 2.0), b"", 0
        while True:
            now = self.clock.monotonic_ns()
            chunk = self.link.read(max(0, end - now) / SECOND_NS)
            now = self.clock.monotonic_ns()
            if chunk:
                heard += len(chunk)
                came = (came + chunk)[-_MOST:]
                end = now + _ns(self.quiet_s)
            if (not chunk and now >= end) or now >= limit:
                self.counters["discarded_bytes"] += heard
                self._last_ns = now
                return came

    def _rest(self, pause_s: float) -> bytes:
        """Keeps the frames apart; gives the bytes that nobody asked for."""
        gap_ns = _ns(max(pause_s, 3.5 * self.byte_s, 0.00175 if self.byte_s else 0.0))
        left = max(0, self._last_ns + gap_ns - self.clock.monotonic_ns())
        return self.silence(left / SECOND_NS)


def _beyond_echo(find: Find, came: bytes, request: bytes) -> tuple[int, int] | None:
    """The answer that `find` finds, but never our own request come back.

    A request for 17 to 24 coils from 0300h on has the form of an answer with three data bytes.
    """
    start = 0
    while (place := find(came[start:])) is not None:
        first, last = start + place[0], start + place[1]
        if came[first:last] != request:
            return first, last
        start = last
    return None


def _ns(seconds: float) -> int:
    return round(seconds * SECOND_NS)
