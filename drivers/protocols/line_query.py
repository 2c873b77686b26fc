"""Reads an instrument that prints lines when it is asked: one question, and the last line of the answer."""

from __future__ import annotations

from dodac.samples import Flag, Layout, Reason, Sample, TimeSource
from drivers._device_clock import agrees, off_words
from drivers.bus import Bus, BusFault
from drivers.profile import LineProfile
from drivers.protocols.line import LineReceiver
from drivers.protocols.received import Received, Refused

_BETWEEN_LINES_S = 0.3


class LineQueryReader:
    """One instrument alone on its line; see Reader.

    A line with a time of its own that is not now is out of the instrument's memory: stale.
    """

    unit = "line"

    def __init__(self, instrument: str, profile: LineProfile, zone: str = "UTC") -> None:
        assert profile.link.query is not None  # noqa: S101  (callers chose profiles with a query)
        self.layout = Layout(instrument, tuple(profile.channels))
        self.fault_text = ""
        self.refused_channels: set[str] = set()
        self._profile = profile
        self._receiver = LineReceiver(instrument, profile, zone)
        self._request = f"{profile.link.query}{profile.link.query_end}".encode("ascii")

    def read(self, bus: Bus, *, everything: bool = False) -> Sample:
        """One sample; raises LinkDown."""
        self.fault_text = ""
        sent_ns, start = bus.clock.now_ns(), bus.clock.monotonic_ns()
        raw = b""
        try:
            raw = self._ask(bus)
            received = self._newest(raw)
        except BusFault as fault:
            self.fault_text, raw, reason = fault.text, fault.raw, fault.reason
            received = None
        except Refused as refusal:
            # a whole answer that is not what was asked for
            reason = Reason.CRC if refusal.reason == Reason.CRC else Reason.EXCEPTION
            self.fault_text = refusal.text
            received = None
        span = bus.clock.monotonic_ns() - start
        middle_ns = sent_ns + span // 2
        if received is None:
            flags = [Flag(name, reason) for name in self.layout.channels]
            return self.layout.sample(middle_ns, {}, flags=flags, span_ns=span, raw=raw or None)
        values, found = dict(received.values), list(received.flags)
        time_ns, source = middle_ns, TimeSource.HOST
        if received.time_ns is not None or received.time_fault is not None:
            if received.time_ns is not None and agrees(received.time_ns, middle_ns, received.max_skew_s):
                time_ns, source, span = received.time_ns, TimeSource.DEVICE, 0
            else:
                self.fault_text = (
                    received.time_fault or "the newest line is not of now, or its clock is wrong"
                )
                if received.time_ns is not None and not received.time_fault:
                    self.fault_text += f": it {off_words(received.time_ns - middle_ns)}"
                found += [Flag(name, Reason.STALE, value) for name, value in values.items()]
                values = {}
        return self.layout.sample(
            time_ns,
            values,
            flags=sorted(found, key=lambda flag: self.layout.index[flag.channel]),
            span_ns=span,
            time_source=source,
            raw=raw if found or everything else None,
        )

    def probe(self, bus: Bus) -> bool:
        """True when it answers with a line."""
        try:
            self._ask(bus)
        except BusFault as fault:
            self.fault_text = fault.text
            return False
        return True

    def _ask(self, bus: Bus) -> bytes:
        """The lines that come in answer to the query."""
        answer = bus.exchange(self._request, self._find)
        return answer.data + bus.silence(_BETWEEN_LINES_S)

    def _find(self, came: bytes) -> tuple[int, int] | None:
        """All that came, as soon as a line is in it: what follows the first line counts too."""
        return (0, len(came)) if self._receiver.has_line(came, self._request) else None

    def _newest(self, answer: bytes) -> Received:
        """The last line, passing by what the profile ignores; raises Refused when it is no measurement."""
        self._receiver.reset(synced=True)
        lines = [line for line, _ in self._receiver.take(answer)]
        if self._receiver.idle():
            raise Refused(Reason.CRC, "the answer breaks off in the middle of a line")
        for line in reversed(lines):
            received = self._receiver.decode(line) if line.strip() != self._request.strip() else None
            if received is not None:
                return received
        raise Refused(Reason.DECODE, "no line of the answer is a measurement")
