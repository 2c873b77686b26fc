"""Messages out of a line that nobody asks: their times, one reading for a look, samples of them."""

from __future__ import annotations

from collections import Counter
from typing import Final

from dodac.clock import SECOND_NS, Clock
from dodac.samples import Flag, Layout, Reason, Sample, TimeSource
from drivers.bus import Bus
from drivers.links import Link
from drivers.protocols.received import Received, Receiver, Refused

WAIT_S: Final = 0.25
_AWAY_NS: Final = SECOND_NS  # longer away than this, and what came meanwhile has no known time


class Stream:
    """Messages out of one link, with the time at which each ended; used by one thread.

    A message's time is when its last byte came: bytes that came after it in the same piece are counted
    back at the line's speed (byte_s). waited: it lay in a buffer while nobody listened, its time is
    unknown. counters: messages, torn, discarded_bytes.
    """

    def __init__(self, link: Link, receiver: Receiver, clock: Clock, byte_s: float = 0.0) -> None:
        self.link = link
        self.receiver = receiver
        self.clock = clock
        self.counters: Counter[str] = Counter()
        self._byte_ns = byte_s * SECOND_NS
        self._opened_ns = self._heard_ns = self._listened_ns = 0
        self._fresh = self._waited = False

    def open(self) -> None:
        """Opens the link; what is cut off at the beginning is not taken for a message."""
        self.link.open()
        self.receiver.reset(synced=False)
        self._opened_ns = self._heard_ns = self._listened_ns = self.clock.monotonic_ns()
        self._fresh, self._waited = True, False

    def listen(self, wait_s: float) -> list[tuple[bytes, int, bool]]:
        """Waits for bytes, at most wait_s; gives whole messages: bytes, end (UTC ns), waited."""
        start = self.clock.monotonic_ns()
        self._waited = self._waited or start - self._listened_ns > _AWAY_NS
        data = self.link.read(0.0 if self._waited else wait_s)
        self._listened_ns = now = self.clock.monotonic_ns()
        utc = self.clock.now_ns()
        waited = self._waited
        if not data:
            self._waited = False
            if now - self._heard_ns > self.receiver.pause_s * SECOND_NS:
                self._heard_ns = now
                self.counters["torn"] += self.receiver.idle()
                self._fresh = False
            return []
        if self._fresh and now - self._opened_ns > self.receiver.pause_s * SECOND_NS:
            self.receiver.reset(synced=True)  # the line was silent before: this is a beginning
        self._fresh, self._heard_ns = False, now
        messages = self.receiver.take(data)
        self.counters["messages"] += len(messages)
        return [(message, utc - round(after * self._byte_ns), waited) for message, after in messages]


class StreamReader:
    """Listens until the first message that is a reading: what `dodac read` shows of such an instrument."""

    unit = "stream"

    def __init__(self, receiver: Receiver, byte_s: float = 0.0) -> None:
        self.layout = receiver.layout
        self.fault_text = ""
        self.refused_channels: set[str] = set()
        self._receiver = receiver
        self._byte_s = byte_s

    def read(self, bus: Bus, *, everything: bool = False) -> Sample:  # noqa: ARG002  (the contract's signature)
        """One sample; flagged no_answer, or as the last refused message, when nothing good came in time."""
        stream = Stream(bus.link, self._receiver, bus.clock, self._byte_s)
        stream.open()
        end = bus.clock.monotonic_ns() + round(self._receiver.silence_s * SECOND_NS)
        reason, self.fault_text = Reason.NO_ANSWER, f"nothing came for {self._receiver.silence_s:g} s"
        while (left := end - bus.clock.monotonic_ns()) > 0:
            for message, end_ns, _ in stream.listen(min(WAIT_S, left / SECOND_NS)):
                try:
                    received = self._receiver.decode(message)
                except Refused as refusal:
                    reason, self.fault_text = refusal.reason, refusal.text
                    continue
                if received is not None:
                    self.fault_text = ""
                    return sample_of(self.layout, received, message, end_ns, TimeSource.HOST, keep_raw=True)
        flags = [Flag(channel, reason) for channel in self.layout.channels]
        return self.layout.sample(bus.clock.now_ns(), {}, flags=flags)

    def probe(self, bus: Bus) -> bool:
        """True when a good message comes in time."""
        return any(value == value for value in self.read(bus).values)


def sample_of(
    layout: Layout,
    received: Received,
    message: bytes,
    time_ns: int,
    source: TimeSource,
    *,
    keep_raw: bool = False,
) -> Sample:
    """The sample of a message; readings of unknown time are flagged time_unknown, flags keep the bytes."""
    values, flags = dict(received.values), list(received.flags)
    if source == TimeSource.UNKNOWN:
        flags += [Flag(name, Reason.TIME_UNKNOWN, value) for name, value in values.items()]
        values = {}
    return layout.sample(
        time_ns,
        values,
        flags=sorted(flags, key=lambda flag: layout.index[flag.channel]),
        time_source=source,
        raw=message if flags or keep_raw else None,
    )
