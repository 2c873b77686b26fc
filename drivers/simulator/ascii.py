"""A simulated instrument that speaks Modbus ASCII."""

from __future__ import annotations

from collections.abc import Collection

from drivers.protocols.modbus_serial import LONGEST_ASCII, ascii_body, ascii_frame
from drivers.simulator.units import SimulatedUnit


class SimulatedAsciiUnit(SimulatedUnit):
    """As SimulatedUnit, in ASCII frames; a line speaks either RTU or ASCII."""

    def request_length(self, buffer: bytes) -> int | None:
        """A frame runs from the colon to CR LF; see LineUnit."""
        if not buffer.startswith(b":"):
            return 0
        end = buffer.find(b"\r\n")
        if end < 0:
            return None if len(buffer) < LONGEST_ASCII else 0
        return end + 2 if ascii_body(buffer[: end + 2]) is not None else 0

    def answer(self, request: bytes, effects: Collection[str] = ()) -> bytes | None:
        """The ASCII answer to an ASCII request, or None when it is for another unit."""
        body = ascii_body(request)
        if body is None or len(body) < 2 or body[0] != self.address:
            return None
        return ascii_frame(self.address, self.answer_pdu(body[1:], effects))

    def of_another(self, answer: bytes) -> bytes:
        """The same answer under another unit's number, whole."""
        body = ascii_body(answer)
        return answer if body is None else ascii_frame((body[0] + 99) % 247 + 1, body[1:])
