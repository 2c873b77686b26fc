"""Simulated M-Bus meters: answers with given telegrams, by primary or secondary address, and collisions."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import Final

from drivers.protocols.mbus_frame import ACK, SELECTED, MbusRefusal, long_frame, parse_long
from drivers.simulator.mbus_effects import altered

_TO_ALL: Final = 0xFE
_BUSY: Final = b"\x08"
_BITS, _STEPS = 11, 8  # bits of a byte on the line, and how finely the line is looked at
_SOONEST, _LATEST = 11, 330  # bit times from request to answer


class SimulatedMbusMeter:
    """Serves telegrams (whole answer frames) in order, one for each change of the frame count bit.

    A link reset, or its selection, starts again at the first; after the last comes the first. The
    address is the first telegram's; `address` is set by the bus it hangs on and is not looked at.
    reaction_bits: bit times from a request to its answer; they count where several meters answer.
    """

    def __init__(self, telegrams: Sequence[bytes], *, reaction_bits: int | None = None) -> None:
        if not telegrams:
            raise ValueError("a meter needs at least one telegram.")
        self.telegrams = tuple(telegrams)
        self.address = 0
        first = parse_long(self.telegrams[0])
        self._own = first.address
        self._identification = first.data[:8]
        if first.ci in (0x73, 0x77):  # fixed data: the digits only
            self._identification = first.data[:4] + b"\xff" * 4
        self.reaction_bits = (
            _SOONEST + sum(first.data[:8]) * 7 % (_LATEST - _SOONEST)
            if reaction_bits is None
            else reaction_bits
        )
        self._selected = False
        self._frame_count: bool | None = None
        self._place = -1

    def request_length(self, buffer: bytes) -> int | None:
        """Short frames have 5 bytes, long ones say it; see LineUnit."""
        if buffer[0] == 0x10:
            return 5 if len(buffer) >= 5 else None
        if buffer[0] != 0x68:
            return 0
        if len(buffer) < 4 or len(buffer) < buffer[1] + 6:
            return None
        return buffer[1] + 6

    def answer(self, request: bytes, effects: Collection[str] = ()) -> bytes | None:
        """E5, a telegram, or None when the request is for another meter; asking twice changes nothing.

        With the effect "exception" the meter reports that its application is busy; see mbus_effects for others.
        """
        if request[0] == 0x68:
            return self._select(request)
        control, address = request[1], request[2]
        if (control + address) & 0xFF != request[3] or request[4] != 0x16:
            return None
        if address not in (self._own, _TO_ALL) and not (address == SELECTED and self._selected):
            return None
        if control == 0x40:
            self._restart()
            if address == SELECTED:
                self._selected = False
            return ACK
        if control & 0xDF != 0x5B:
            return None
        if "exception" in effects:
            return long_frame(0x08, self._own, 0x70, _BUSY)
        frame_count = bool(control & 0x20)
        if frame_count != self._frame_count:
            self._frame_count = frame_count
            self._place = (self._place + 1) % len(self.telegrams)
        return altered(self.telegrams[self._place], effects)

    def of_another(self, answer: bytes) -> bytes:
        """The same answer under another meter's address, whole."""
        if answer == ACK:
            return answer
        frame = parse_long(answer)
        return long_frame(frame.control, (frame.address + 1) % 250, frame.ci, frame.data)

    def _restart(self) -> None:
        self._frame_count, self._place = None, -1

    def _select(self, request: bytes) -> bytes | None:
        try:
            frame = parse_long(request)
        except MbusRefusal:
            return None
        if (frame.address, frame.ci) != (SELECTED, 0x52) or len(frame.data) != 8:
            return None
        digits = zip(frame.data[:4].hex(), self._identification[:4].hex(), strict=True)
        rest = zip(frame.data[4:], self._identification[4:], strict=True)
        self._selected = all(a in ("f", b) for a, b in digits) and all(a in (0xFF, b) for a, b in rest)
        if not self._selected:
            return None
        self._restart()
        return ACK


class SimulatedMbusSegment:
    """Meters on one pair of wires, as one unit of a SimulatedBus: who answers at once, collides.

    Each answers after its own reaction time; where answers overlap, the line carries both (a sent 0
    wins over a 1, bit by bit) and a receiver makes what it can of it. Serve it on a pseudo-terminal by
    SimulatedBus({1: SimulatedMbusSegment(meters)}, baud=2400, bits=11).
    """

    def __init__(self, meters: Sequence[SimulatedMbusMeter]) -> None:
        if not meters:
            raise ValueError("a segment needs at least one meter.")
        self.meters = tuple(meters)
        self.address = 0

    def request_length(self, buffer: bytes) -> int | None:
        """As one meter's; see LineUnit."""
        return self.meters[0].request_length(buffer)

    def answer(self, request: bytes, effects: Collection[str] = ()) -> bytes | None:
        """What a receiver hears of all answers; None for silence."""
        answers = [(meter.reaction_bits, meter.answer(request, effects)) for meter in self.meters]
        heard = [(bits, answer) for bits, answer in answers if answer is not None]
        if len(heard) < 2:
            return heard[0][1] if heard else None
        return overlay(heard)

    def of_another(self, answer: bytes) -> bytes:
        """As one meter's; see LineUnit."""
        return self.meters[0].of_another(answer)


def overlay(answers: Sequence[tuple[float, bytes]]) -> bytes:
    """What a receiver (8E1, parity not looked at) makes of answers on one line: (bit times, bytes) each."""
    end = max(round(start * _STEPS) + len(data) * _BITS * _STEPS for start, data in answers)
    line = bytearray(b"\x01") * (end + _BITS * _STEPS)
    for start, data in answers:
        place = round(start * _STEPS)
        for bit in itertools.chain.from_iterable(_bits(byte) for byte in data):
            if not bit:
                line[place : place + _STEPS] = bytes(_STEPS)
            place += _STEPS
    heard = bytearray()
    place = 0
    while (start := line.find(0, place)) >= 0 and start + _BITS * _STEPS <= len(line):
        middle = start + _STEPS // 2
        heard.append(sum(line[middle + (n + 1) * _STEPS] << n for n in range(8)))
        # the stop bit was looked at in its middle: from there on the next falling edge counts
        place = line.find(1, middle + (_BITS - 1) * _STEPS)
        if place < 0:
            break
    return bytes(heard)


def _bits(byte: int) -> list[int]:
    """Start bit, eight bits with the least significant first, even parity, stop bit."""
    bits = [byte >> n & 1 for n in range(8)]
    return [0, *bits, sum(bits) & 1, 1]
