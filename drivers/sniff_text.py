"""What is said on lines of other protocols: M-Bus frames, lines of text, IEC 62056-21 telegrams; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dodac.samples import Layout
from drivers.profile import Iec62056Profile, LineProfile, MbusProfile
from drivers.protocols.mbus_frame import MbusRefusal, parse_long
from drivers.protocols.mbus_records import Record, decode_frame
from drivers.protocols.received import Receiver, Refused
from drivers.sniff import Heard, Kind

_MOST: Final = 8192
_ASKED: Final = {0x40: "link reset (SND_NKE)", 0x5B: "send your data (REQ_UD2)", 0x5A: "alarm? (REQ_UD1)"}


class MbusSniffer:
    """Short frames, acknowledgements and telegrams of an M-Bus line."""

    def __init__(self, profile: MbusProfile | None = None) -> None:
        self._profile = profile
        self._buffer = bytearray()
        self._time_ns = 0
        self._asked = b""

    def take(self, data: bytes, time_ns: int) -> list[Heard]:
        """Frames that are whole by now; see Sniffer."""
        if not self._buffer:
            self._time_ns = time_ns
        self._buffer += data
        found: list[Heard] = []
        while self._buffer:
            length = _mbus_length(self._buffer)
            if length is None:
                break
            if length == 0:
                skipped = next(
                    (n for n in range(1, len(self._buffer)) if self._buffer[n] in b"\x10\x68\xe5"), None
                )
                found.append(self._noise(skipped or len(self._buffer)))
                continue
            found.append(self._heard(self._cut(length)))
        return found

    def idle(self) -> list[Heard]:
        """What is left makes no frame; see Sniffer."""
        return [self._noise(len(self._buffer))] if self._buffer else []

    def _cut(self, length: int) -> bytes:
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        return data

    def _noise(self, length: int) -> Heard:
        data = self._cut(length)
        return Heard(self._time_ns, "noise", data, f"{length} bytes that make no frame")

    def _heard(self, frame: bytes) -> Heard:
        if frame == b"\xe5":
            return Heard(self._time_ns, "answer", frame, "acknowledged", request=self._asked)
        if frame[0] == 0x10:
            self._asked = frame
            words = _ASKED.get(frame[1] & 0xDF, f"control {frame[1]:02X}")
            return Heard(self._time_ns, "request", frame, words, frame[2])
        long = parse_long(frame)
        if long.control & 0x40:
            self._asked = frame
            return Heard(
                self._time_ns, "request", frame, f"from the master: {long.data.hex(' ')}", long.address
            )
        return self._telegram(frame, long.address)

    def _telegram(self, frame: bytes, address: int) -> Heard:
        try:
            telegram = decode_frame(frame)
        except MbusRefusal as refusal:
            return Heard(self._time_ns, "refusal", frame, refusal.text, address, self._asked)
        header = telegram.header
        who = f"{header.manufacturer} {header.identification} {header.medium_name}: " if header else ""
        words = who + ", ".join(_record(record) for record in telegram.records)
        values, flags = self._decoded(frame)
        return Heard(self._time_ns, "answer", frame, words, address, self._asked, values, flags)

    def _decoded(self, frame: bytes) -> tuple[dict[str, float], dict[str, str]]:
        if self._profile is None:
            return {}, {}
        from drivers.protocols.mbus import sample_of

        layout = Layout("sniff", tuple(self._profile.channels))
        try:
            sample = sample_of(self._profile, layout, [frame], 0)
        except MbusRefusal:
            return {}, {}
        values = {n: v for n, v in zip(layout.channels, sample.values, strict=True) if v == v}
        return values, {flag.channel: flag.reason.value for flag in sample.flags}


def _mbus_length(buffer: bytearray) -> int | None:
    """Length of the whole frame at the start; 0: none begins here, None: more bytes are needed."""
    first = buffer[0]
    if first == 0xE5:
        return 1
    if first == 0x10:
        if len(buffer) < 5:
            return None
        return 5 if buffer[4] == 0x16 and (buffer[1] + buffer[2]) & 0xFF == buffer[3] else 0
    if first != 0x68:
        return 0
    if len(buffer) < 4:
        return None
    if buffer[1] != buffer[2] or buffer[3] != 0x68:
        return 0
    length = buffer[1] + 6
    if len(buffer) < length:
        return None
    try:
        parse_long(bytes(buffer[:length]))
    except MbusRefusal:
        return 0
    return length


def _record(record: Record) -> str:
    place = f" storage {record.storage}" if record.storage else ""
    value = (
        record.fault
        or record.text
        or (f"{record.value:.9g} {record.unit}" if record.value is not None else "")
    )
    return f"{record.quantity}{place} {value}".rstrip()


class ReceiverSniffer:
    """Messages of an instrument that sends by itself, as its profile reads them.

    whole: the first byte begins a message, as in a recording; on a port it may be the middle of one.
    """

    def __init__(self, receiver: Receiver, *, whole: bool = True) -> None:
        self._receiver = receiver
        self._receiver.reset(synced=whole)

    def take(self, data: bytes, time_ns: int) -> Sequence[Heard]:
        """Whole messages, with their readings; see Sniffer."""
        found = []
        for message, _ in self._receiver.take(data):
            try:
                received = self._receiver.decode(message)
            except Refused as refusal:
                found.append(Heard(time_ns, "refusal", message, f"{_shown(message)}: {refusal.text}"))
                continue
            if received is None:
                found.append(Heard(time_ns, "message", message, f"{_shown(message)} (no readings)"))
                continue
            flags = {flag.channel: flag.reason.value for flag in received.flags}
            found.append(
                Heard(time_ns, "message", message, _shown(message), None, b"", received.values, flags)
            )
        return found

    def idle(self) -> Sequence[Heard]:
        """A message may pause; nothing is given up here."""
        return []


class PlainSniffer:
    """Lines of text of an instrument without a profile; what is no text is shown as bytes."""

    def __init__(self) -> None:
        self._buffer = b""

    def take(self, data: bytes, time_ns: int) -> list[Heard]:
        """Whole lines; see Sniffer."""
        lines = (self._buffer + data).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._buffer = lines.pop()
        if len(self._buffer) > _MOST:
            lines, self._buffer = [*lines, self._buffer], b""
        return [Heard(time_ns, _kind(line), line, _shown(line)) for line in lines if line.strip()]

    def idle(self) -> list[Heard]:
        """A line may pause; see Sniffer."""
        return []


def receiver_of(profile: LineProfile | Iec62056Profile, zone: str) -> Receiver:
    """What cuts and decodes a stream of this profile's model."""
    if isinstance(profile, LineProfile):
        from drivers.protocols.line import LineReceiver

        return LineReceiver("sniff", profile, zone)
    from drivers.protocols.iec62056_receive import Iec62056Receiver

    return Iec62056Receiver("sniff", profile)


def _kind(line: bytes) -> Kind:
    return "message" if _is_text(line) else "noise"


def _is_text(line: bytes) -> bool:
    return all(byte in b"\t\x02\x03\x04\x06" or 0x20 <= byte < 0x7F or byte >= 0xA0 for byte in line)


def _shown(line: bytes) -> str:
    """A message as one line of readable text, or as bytes."""
    if not _is_text(line.replace(b"\r", b"").replace(b"\n", b"")):
        return line[:64].hex(" ")
    text = line.decode("latin-1").replace("\r", "").replace("\n", " | ")
    return "".join(sign for sign in text if sign.isprintable())[:500]
