"""Answers that may still come: what was asked of a unit and not answered, and what came in its stead."""

from __future__ import annotations

from dataclasses import dataclass, field

from dodac.clock import SECOND_NS
from drivers.protocols.modbus_serial import RTU, SerialFraming


@dataclass
class Outstanding:
    """Answers of one unit that may still come: (function, data bytes, believed until), oldest first.

    An answer is awaited for thirty seconds after its request went unanswered; until then no other
    request to the unit has an answer of the same shape.
    """

    serial: SerialFraming = RTU
    horizon_ns: int = 30 * SECOND_NS
    entries: list[tuple[int, int, int]] = field(default_factory=list)

    def add(self, function: int, size: int, now_ns: int) -> None:
        self.entries.append((function, size, now_ns + self.horizon_ns))

    def sizes(self, function: int, now_ns: int) -> list[int]:
        """Data bytes of answers that may still come for this function."""
        self.entries = [e for e in self.entries if e[2] > now_ns]
        return [size for f, size, _ in self.entries if f == function]

    def seen_in(self, unit: int, came: bytes) -> int:
        """Strikes out the answers found among discarded bytes; gives how many."""
        found = 0
        for entry in list(self.entries):
            here = self.serial.find(came, unit, entry[0], entry[1])
            if here is not None:
                came = came[: here[0]] + came[here[1] :]
                self.entries.remove(entry)
                found += 1
        return found
