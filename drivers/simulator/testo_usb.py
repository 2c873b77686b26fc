"""A simulated testo 350 on a USB plug, built from the public structs: records, states and faults."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

USB_FAULTS: Final[dict[str, str]] = {
    "silent": "nothing is answered",
    "truncated": "the answer breaks off",
    "noise": "other bytes are answered",
    "count": "the list is longer than the count that was told",
    "refused": "the handshake is refused",
    "unplugged": "the plug is pulled",
}
"""Every kind of fault and what it means."""


@dataclass(frozen=True)
class Line:
    """One line of the display: value, or an error code in its place."""

    ident: int
    value: float = 0.0
    unit_word: int = 0x82
    error: int | None = None
    connector: int = 1
    resolution: int = -2
    dilution: float = 1.0

    def packed(self) -> bytes:
        """The 16 bytes of its record."""
        word = struct.pack("<f", self.value) if self.error is None else struct.pack("<I", self.error)
        tail = struct.pack("<Hbf", self.unit_word, self.resolution, self.dilution)
        return struct.pack("<BI", self.connector, self.ident) + word + tail


class SimulatedTesto350:
    """What is behind a plug; see drivers.links.usb.Plug.

    states: what each question for the measuring status is answered with, the last one for ever.
    bodies: every body that was sent, for tests.
    """

    def __init__(self, lines: Sequence[Line], *, serial_number: int = 61500001) -> None:
        self.lines = list(lines)
        self.serial_number = serial_number
        self.states = [2]
        self.fault = ""
        self.bodies: list[bytes] = []
        self.closed = 0
        self._head = b""
        self._answers: list[bytes] = []

    def write(self, data: bytes, timeout_ms: int) -> None:  # noqa: ARG002  (the contract's signature)
        """Takes a head or a body."""
        self._present()
        if len(data) == 5 and not self._head:
            self._head = data
            return
        length = struct.unpack("<BI", self._head)[1]
        self._head = b""
        if length == len(data):
            self.bodies.append(data)
            answer = self._answer(data)
            if answer is not None and self.fault != "silent":
                self._send(answer)

    def read(self, size: int, timeout_ms: int) -> bytes:  # noqa: ARG002  (the contract's signature)
        """The next transfer; nothing is waited for."""
        self._present()
        return self._answers.pop(0)[:size] if self._answers else b""

    def close(self) -> None:
        """The plug is given back."""
        self.closed += 1

    def _present(self) -> None:
        if self.fault == "unplugged":
            raise OSError("the device was unplugged")

    def _send(self, body: bytes) -> None:
        if self.fault == "noise":
            self._answers.append(bytes((body[0] ^ 0x5A, *body[1:])) * 3)
            return
        self._answers.append(struct.pack("<BI", 0x22, len(body)))
        self._answers.append(body[: len(body) // 2] if self.fault == "truncated" else body)

    def _answer(self, body: bytes) -> bytes | None:
        serial = struct.pack("<I", self.serial_number)
        if body == b"\x40":
            return struct.pack("<I", 5 if self.fault == "refused" else 0) + serial
        if body == b"\x42":
            return b"\0\0\0\0\x5e\x01"
        if body[:7] != b"\x4f\x5e\x01" + serial or body[8:9] != b"\x25":
            return None
        if body[7] == 0x1D and len(body) == 9:
            state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
            return struct.pack("<IIBBHH", 7, 30, state, 0, 0, 0)
        if body[7] == 0x1A and body[9:] == b"\0":
            return struct.pack("<H", len(self.lines) - (self.fault == "count"))
        if body[7] == 0x1B and body[9:] == b"\0":
            records = b"".join(line.packed() for line in self.lines)
            return struct.pack("<HBB", 1, 0, len(self.lines)) + records
        return None
