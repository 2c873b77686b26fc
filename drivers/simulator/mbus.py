"""A simulated M-Bus meter: answers with given telegrams, by primary or secondary address."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from drivers.protocols.mbus_frame import ACK, SELECTED, MbusRefusal, long_frame, parse_long

_TO_ALL = 0xFE


class SimulatedMbusMeter:
    """Serves telegrams (whole answer frames) in order, one for each change of the frame count bit.

    A link reset, or its selection, starts again at the first; after the last comes the first. The
    address is the first telegram's; `address` is set by the bus it hangs on and is not looked at.
    """

    def __init__(self, telegrams: Sequence[bytes]) -> None:
        if not telegrams:
            raise ValueError("a meter needs at least one telegram.")
        self.telegrams = tuple(telegrams)
        self.address = 0
        first = parse_long(self.telegrams[0])
        self._own = first.address
        self._identification = first.data[:8]
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

    def answer(self, request: bytes, effects: Collection[str] = ()) -> bytes | None:  # noqa: ARG002
        """E5, a telegram, or None when the request is for another meter; asking twice changes nothing."""
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
        frame_count = bool(control & 0x20)
        if frame_count != self._frame_count:
            self._frame_count = frame_count
            self._place = (self._place + 1) % len(self.telegrams)
        return self.telegrams[self._place]

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
