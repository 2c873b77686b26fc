"""Frames out of what two others say to each other on a line: Modbus RTU and ASCII; pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from drivers.profile import ModbusProfile, Table
from drivers.protocols import modbus
from drivers.protocols.modbus_map import ModbusMap
from drivers.protocols.modbus_serial import LONGEST_ASCII
from drivers.sniff_frames import answer_words, answers, damaged_words, frame_at, is_request, request_words

Kind = Literal["request", "answer", "refusal", "unanswered", "message", "noise"]
_NOISE_KEPT: Final = 4096
_OPEN: Final = 8  # requests that an answer may still come to
_LATE_NS: Final = 2_000_000_000  # later than this no answer is looked for
_SETTLED_NS: Final = 150_000_000  # silence in which a unit sends the next answer that it still owes
_ECHO_NS: Final = 50_000_000  # an adapter's echo comes with the request, a master asks again much later


@dataclass(frozen=True, slots=True)
class Heard:
    """Something heard. time_ns: when its first byte came, UTC. unit: who was asked or answered.

    words: what it says. request: that of an answer, when there is no doubt which. values, flags: by channel,
    when a profile was given. data: Modbus ASCII frames stand as the RTU frames of their content.
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


@dataclass(slots=True)
class _Asked:
    """A request whose answer was not heard yet; given up: that was told."""

    frame: bytes
    time_ns: int
    told: bool = False


class ModbusSniffer:
    """Requests and answers of a Modbus line, RTU or ASCII, told apart and paired; only whole, undamaged frames.

    An answer that may belong to either of two requests is told as such, and gives no values.
    """

    def __init__(self, profile: ModbusProfile | None = None) -> None:
        self._map = ModbusMap(profile) if profile is not None else None
        self._buffer = bytearray()
        self._searched = 0  # in the bytes before this no frame begins, whatever comes
        self._times: list[tuple[int, int]] = []  # (bytes before, UTC ns) of each piece in the buffer
        self._asked: deque[_Asked] = deque(maxlen=_OPEN)  # the newest last
        self._doubtful: dict[int, int] = {}  # by unit: when an answer came that may have been another's

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
        start = self._searched
        while start + 4 <= len(self._buffer):
            whole = frame_at(self._buffer, start)
            if whole is None:
                start += 1
                continue
            end, frame = whole
            if start:
                found.append(self._noise(start))
            _, time_ns = self._cut(end - start)
            found += self._heard(frame, time_ns)
            start = 0
        self._searched = max(self._searched, len(self._buffer) - LONGEST_ASCII)
        if not final and len(self._buffer) > LONGEST_ASCII + _NOISE_KEPT:
            found.append(self._noise(self._searched))
        return found

    def _cut(self, length: int) -> tuple[bytes, int]:
        """Takes bytes off the front of the buffer; gives them and when the first came."""
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._searched = max(0, self._searched - length)
        before = [time for place, time in self._times if place <= 0]
        time_ns = before[-1] if before else 0
        self._times = [(place - length, time) for place, time in self._times]
        while len(self._times) > 1 and self._times[1][0] <= 0:
            del self._times[0]
        return data, time_ns

    def _noise(self, length: int) -> Heard:
        data, time_ns = self._cut(length)
        like = damaged_words(data)
        return Heard(
            time_ns, "noise", data, f"{length} bytes that make no frame{f' ({like})' if like else ''}"
        )

    def _heard(self, frame: bytes, time_ns: int) -> list[Heard]:
        unit = frame[0]
        fitting = [asked for asked in self._asked if self._may_answer(asked, frame, time_ns)]
        if frame[1] & 0x80:
            refusal = modbus.EXCEPTIONS.get(frame[2], "not in the standard")
            words = f"refuses: exception {frame[2]:02X}, {refusal}"
            request = self._answered(fitting, time_ns)
            return [Heard(time_ns, "refusal", frame, words, unit, request)]
        if fitting:
            words = answer_words(frame)
            if len({asked.frame for asked in fitting}) > 1:
                words += f", to one of {len(fitting)} requests: which, can't be told"
                self._answered(fitting, time_ns)
                return [Heard(time_ns, "answer", frame, words, unit)]
            late = " (late)" if fitting[-1] is not self._asked[-1] else ""
            request = self._answered(fitting, time_ns)
            values, flags = self._decoded(request, frame)
            return [Heard(time_ns, "answer", frame, words + late, unit, request, values, flags)]
        if not is_request(frame):
            return [Heard(time_ns, "answer", frame, f"{answer_words(frame)}, to a request not heard", unit)]
        return self._request(frame, time_ns)

    def _request(self, frame: bytes, time_ns: int) -> list[Heard]:
        words = request_words(frame)
        last = self._asked[-1] if self._asked else None
        if last is not None and last.frame == frame and time_ns - last.time_ns <= _ECHO_NS:
            return [
                Heard(
                    time_ns, "request", frame, f"{words}, the same again: an echo of the adapter?", frame[0]
                )
            ]
        if time_ns - self._doubtful.get(frame[0], time_ns) >= _SETTLED_NS:
            # had the last answer been the older request's, the newer one's would have followed
            self._doubtful.pop(frame[0])
            self._asked = deque((a for a in self._asked if a.frame[0] != frame[0]), maxlen=_OPEN)
        found = []
        for asked in self._asked:
            if not asked.told:
                asked.told = True
                found.append(
                    Heard(asked.time_ns, "unanswered", asked.frame, "no answer was heard", asked.frame[0])
                )
        self._asked.append(_Asked(frame, time_ns))
        return [*found, Heard(time_ns, "request", frame, words, frame[0])]

    def _may_answer(self, asked: _Asked, frame: bytes, time_ns: int) -> bool:
        """True when a frame may be the answer to a request: unit, function, shape, and not older than late answers get."""
        request = asked.frame
        if request[0] != frame[0] or request[1] != frame[1] & 0x7F or time_ns - asked.time_ns > _LATE_NS:
            return False
        return bool(frame[1] & 0x80) or answers(request, frame)

    def _answered(self, fitting: Sequence[_Asked], time_ns: int) -> bytes:
        """Strikes out what an answer may belong to; gives the request when there is no doubt.

        A unit answers in order: of two different requests the older one is done with, and the newer one may
        still be answered, until the unit had the time for it.
        """
        if not fitting:
            return b""
        doubtful = len({asked.frame for asked in fitting}) > 1
        keep = fitting[-1] if doubtful and time_ns else None
        for asked in fitting:
            if asked is not keep:
                self._asked.remove(asked)
            else:
                asked.told = True
        if doubtful:
            self._doubtful[fitting[-1].frame[0]] = time_ns
            return b""
        self._doubtful.pop(fitting[-1].frame[0], None)
        return fitting[-1].frame

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
