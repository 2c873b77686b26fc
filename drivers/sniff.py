"""Frames out of what two others say to each other on a line: Modbus RTU; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from drivers.profile import ModbusProfile, Table
from drivers.protocols import modbus
from drivers.protocols.modbus_map import ModbusMap

Kind = Literal["request", "answer", "refusal", "unanswered", "message", "noise"]
_WRITES: Final = {5: "one coil", 6: "one register", 15: "coils", 16: "registers"}
_KNOWN: Final = frozenset({*modbus.TABLES, *_WRITES, 17, 43})
_LONGEST: Final = 256
_NOISE_KEPT: Final = 4096


@dataclass(frozen=True, slots=True)
class Heard:
    """Something heard. time_ns: when its first byte came, UTC. unit: who was asked or answered.

    words: what it says. request: that of an answer. values, flags: by channel, when a profile was given.
    text: for protocols of text, the message as such.
    """

    time_ns: int
    kind: Kind
    data: bytes
    words: str
    unit: int | None = None
    request: bytes = b""
    values: Mapping[str, float] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)


class Sniffer(Protocol):
    """Takes bytes as they come and gives what they make; idle: the line was silent since."""

    def take(self, data: bytes, time_ns: int) -> Sequence[Heard]: ...
    def idle(self) -> Sequence[Heard]: ...


class ModbusSniffer:
    """Requests and answers of a Modbus RTU line, told apart and paired; only whole frames with the right CRC."""

    def __init__(self, profile: ModbusProfile | None = None) -> None:
        self._map = ModbusMap(profile) if profile is not None else None
        self._buffer = bytearray()
        self._times: list[tuple[int, int]] = []  # (bytes before, UTC ns) of each piece in the buffer
        self._asked: tuple[bytes, int] | None = None  # request and its time, until it is answered

    def take(self, data: bytes, time_ns: int) -> list[Heard]:
        """Frames that are whole by now; see Sniffer."""
        self._times.append((len(self._buffer), time_ns))
        self._buffer += data
        return self._frames(final=False)

    def idle(self) -> list[Heard]:
        """The rest of the buffer: frames, and noise where there are none."""
        found = self._frames(final=True)
        if self._buffer:
            found.append(self._noise(len(self._buffer)))
        return found

    def _frames(self, *, final: bool) -> list[Heard]:
        found: list[Heard] = []
        start = 0
        while start + 4 <= len(self._buffer):
            end = self._whole(start)
            if end is None:
                start += 1
                continue
            if start:
                found.append(self._noise(start))
            found += self._heard(self._cut(end - start))
            start = 0
        if not final and len(self._buffer) > _LONGEST + _NOISE_KEPT:
            found.append(self._noise(len(self._buffer) - _LONGEST))
        return found

    def _whole(self, start: int) -> int | None:
        """The end of a whole frame that begins here, or None."""
        for length in _lengths(bytes(self._buffer[start : start + 8])):
            frame = bytes(self._buffer[start : start + length])
            if len(frame) == length and modbus.rtu_whole(frame):
                return start + length
        return None

    def _cut(self, length: int) -> tuple[bytes, int]:
        """Takes bytes off the front of the buffer; gives them and when the first came."""
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        before = [time for place, time in self._times if place <= 0]
        time_ns = before[-1] if before else 0
        self._times = [(place - length, time) for place, time in self._times]
        while len(self._times) > 1 and self._times[1][0] <= 0:
            del self._times[0]
        return data, time_ns

    def _noise(self, length: int) -> Heard:
        data, time_ns = self._cut(length)
        return Heard(time_ns, "noise", data, f"{length} bytes that make no frame")

    def _heard(self, cut: tuple[bytes, int]) -> list[Heard]:
        frame, time_ns = cut
        unit, function = frame[0], frame[1]
        asked = self._asked[0] if self._asked is not None else b""
        mine = bool(asked) and asked[0] == unit and asked[1] == function & 0x7F
        if function & 0x80:
            self._asked = None if mine else self._asked
            refusal = modbus.EXCEPTIONS.get(frame[2], "not in the standard")
            words = f"refuses: exception {frame[2]:02X}, {refusal}"
            return [Heard(time_ns, "refusal", frame, words, unit, asked if mine else b"")]
        if mine and _answers(asked, frame):
            self._asked = None
            values, flags = self._decoded(asked, frame)
            return [Heard(time_ns, "answer", frame, _answer_words(frame), unit, asked, values, flags)]
        if not _is_request(frame):
            return [Heard(time_ns, "answer", frame, f"{_answer_words(frame)}, to a request not heard", unit)]
        found = []
        if self._asked is not None:
            old, then = self._asked
            found.append(Heard(then, "unanswered", old, "no answer was heard", old[0]))
        self._asked = (frame, time_ns)
        return [*found, Heard(time_ns, "request", frame, _request_words(frame), unit)]

    def _decoded(self, request: bytes, answer: bytes) -> tuple[dict[str, float], dict[str, str]]:
        """The channels whose registers stand in one answer."""
        if self._map is None or request[1] not in modbus.TABLES:
            return {}, {}
        values, flags = self._map.decode(image_of([(request, answer)]), self._map.channels)
        return values, {flag.channel: flag.reason.value for flag in flags}


def image_of(pairs: Sequence[tuple[bytes, bytes]]) -> dict[tuple[Table, int], int]:
    """The registers that requests and their answers (whole RTU frames of functions 1–4) hold."""
    image: dict[tuple[Table, int], int] = {}
    for request, answer in pairs:
        table = modbus.TABLES[request[1]]
        address, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
        data = answer[3:-2]
        for n in range(count):
            bit = data[n // 8] >> (n % 8) & 1 if request[1] <= 2 else 0
            image[table, address + n] = bit or int.from_bytes(data[2 * n : 2 * n + 2], "big") * (
                request[1] > 2
            )
    return image


def _lengths(head: bytes) -> list[int]:
    """The lengths that a frame with this head may have."""
    function = head[1]
    if function & 0x7F not in _KNOWN or head[0] > 247:
        return []
    if function & 0x80:
        return [5]
    match function:
        case 1 | 2 | 3 | 4:
            return [8, head[2] + 5]
        case 5 | 6:
            return [8]
        case 15 | 16:
            return [8, *([head[6] + 9] if len(head) > 6 else [])]
        case 17:
            return [4, head[2] + 5]
        case 43:
            return [7, *_device_id(head)]
        case _:
            return []


def _device_id(head: bytes) -> list[int]:
    # objects have lengths of their own: any end is tried, the CRC decides
    return list(range(10, _LONGEST)) if head[2:3] == b"\x0e" else []


def _is_request(frame: bytes) -> bool:
    match frame[1]:
        case 1 | 2 | 3 | 4:
            return len(frame) == 8
        case 15 | 16:
            return len(frame) > 8
        case 17:
            return len(frame) == 4
        case 43:
            return len(frame) == 7
        case function:
            return function in _WRITES


def _answers(request: bytes, frame: bytes) -> bool:
    """True when a frame of the same unit and function has the shape of the answer to a request."""
    function = request[1]
    if function in modbus.TABLES:
        size = modbus.byte_count(function, int.from_bytes(request[4:6], "big"))
        return frame[2] == size and len(frame) == size + 5
    if function in _WRITES:
        return len(frame) == 8 and frame[2:6] == request[2:6]
    return len(frame) > len(request)


def _request_words(frame: bytes) -> str:
    function, address = frame[1], int.from_bytes(frame[2:4], "big")
    count = int.from_bytes(frame[4:6], "big")
    if function in modbus.TABLES:
        last = f" to {address + count - 1}" if count > 1 else ""
        return f"read {modbus.TABLES[function]} {address}{last}"
    if function in _WRITES:
        return f"another master writes {_WRITES[function]} from {address}"
    return "who are you? (function 43/14)" if function == 43 else f"function {function}"


def _answer_words(frame: bytes) -> str:
    if frame[1] in modbus.TABLES:
        return f"{frame[2]} bytes: {frame[3:-2].hex(' ')}"
    if frame[1] in _WRITES:
        return "done"
    return frame[2:-2].decode("latin-1").encode("ascii", "replace").decode()
