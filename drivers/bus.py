"""The bus: one request at a time over one link, with answers that come too late kept apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from dodac.clock import SECOND_NS, Clock
from dodac.samples import Layout, Reason, Sample
from drivers.links import Link

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
    """A request without a good answer: the reason, words for people, and the bytes that did come."""

    def __init__(self, reason: Reason, text: str, raw: bytes = b"", late: bytes = b"") -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
        self.raw = raw
        self.late = late


class Reader(Protocol):
    """Reads one instrument over a bus; called by the bus's thread only.

    read: one sample. Channels that could not be read are flagged with their reason; a reader raises
    only LinkDown (the line is away). `probe` asks for as little as possible, to see whether a unit
    that was silent is back. `everything` reads slow channels too.
    """

    layout: Layout
    unit: str

    def read(self, bus: Bus, *, everything: bool = False) -> Sample: ...
    def probe(self, bus: Bus) -> bool: ...


class Bus:
    """One line: sends a request, waits for its answer, and never lets an old answer pass for a new one.

    timeout_s: from the end of the request to the end of the answer. late_guard_s: how long the bus
    listens after a timeout before it speaks again. quiet_s: silence that ends a burst of bytes.
    counters: requests, answers, timeouts, damaged, late, discarded_bytes, link_down.
    """

    def __init__(
        self,
        link: Link,
        clock: Clock,
        *,
        timeout_s: float = 1.0,
        late_guard_s: float = 2.0,
        quiet_s: float = 0.02,
        byte_s: float = 0.0,
    ) -> None:
        self.link = link
        self.clock = clock
        self.timeout_s = timeout_s
        self.late_guard_s = late_guard_s
        self.quiet_s = quiet_s
        self.byte_s = byte_s
        self.counters: Counter[str] = Counter()

    def exchange(
        self, request: bytes, find: Find, *, timeout_s: float | None = None, guard_s: float | None = None
    ) -> Answer:
        """Sends a request and gives its answer.

        timeout_s, guard_s: instead of the bus's own. Bytes that were waiting before the request are
        discarded and counted. Raises BusFault (no_answer: nothing came; crc: something came that is
        no answer) after the guard has passed, and LinkDown.
        """
        stale = self.silence(0.0)
        sent_ns, start = self.clock.now_ns(), self.clock.monotonic_ns()
        self.link.write(request)
        self.counters["requests"] += 1
        patience = self.timeout_s if timeout_s is None else timeout_s
        deadline = start + round((patience + len(request) * self.byte_s) * SECOND_NS)
        came = b""
        while True:
            left = (deadline - self.clock.monotonic_ns()) / SECOND_NS
            chunk = self.link.read(max(0.0, left))
            now = self.clock.monotonic_ns()
            if chunk:
                came += chunk
                place = find(came)
                if place is not None:
                    self.counters["answers"] += 1
                    discarded = stale + came[: place[0]] + came[place[1] :]
                    self.counters["discarded_bytes"] += len(discarded) - len(stale)
                    return Answer(came[place[0] : place[1]], sent_ns, now - start, discarded)
                # a line that is still sending is given the time its bytes take
                deadline = max(deadline, min(now + round(self.quiet_s * SECOND_NS), deadline))
            elif now >= deadline:
                break
        late = self.silence(self.late_guard_s if guard_s is None else guard_s)
        if find(came + late) is not None or late:
            self.counters["late"] += 1
        if not came.replace(request, b""):
            self.counters["timeouts"] += 1
            words = "no answer" if not came else "no answer, only an echo of the request"
            raise BusFault(Reason.NO_ANSWER, f"{words} within {patience:g} s", came, stale + late)
        self.counters["damaged"] += 1
        self.counters["discarded_bytes"] += len(came)
        raise BusFault(Reason.CRC, f"{len(came)} bytes came that are no valid answer", came, stale + late)

    def silence(self, guard_s: float) -> bytes:
        """Listens up to guard_s for late bytes, and on until the line is quiet; gives what came.

        Ends as soon as a late burst has come and the line is quiet again. A line that never falls
        quiet is left after ten times the guard (at least 2 s).
        """
        start = self.clock.monotonic_ns()
        came = b""
        wait = guard_s
        limit = start + round(max(2.0, 10 * guard_s) * SECOND_NS)
        while True:
            chunk = self.link.read(max(0.0, wait))
            if not chunk:
                if came or self.clock.monotonic_ns() >= start + round(guard_s * SECOND_NS):
                    self.counters["discarded_bytes"] += len(came)
                    return came
                wait = guard_s - (self.clock.monotonic_ns() - start) / SECOND_NS
                continue
            came += chunk
            wait = self.quiet_s
            if self.clock.monotonic_ns() >= limit:
                self.counters["discarded_bytes"] += len(came)
                return came
