"""Answers that may still come: what was asked of a unit and not answered, and what came in its stead."""

from __future__ import annotations

from dataclasses import dataclass, field

from dodac.clock import SECOND_NS
from drivers.protocols import modbus
from drivers.protocols.modbus_identity import Framing
from drivers.protocols.modbus_serial import RTU, SerialFraming, ascii_frames


@dataclass
class Outstanding:
    """Answers of one unit that may still come: (function, data bytes, believed until), oldest first.

    An answer is awaited for two minutes after its request went unanswered; until then no other request to
    the unit has an answer of the same shape. fresh_ns: how long it is likely to come. refused: requests that
    were refused, as long as their answers may come all the same (a gateway gave up on a slow meter).
    """

    serial: SerialFraming = RTU
    horizon_ns: int = 120 * SECOND_NS
    fresh_ns: int = 30 * SECOND_NS
    entries: list[tuple[int, int, int]] = field(default_factory=list)
    refused: list[tuple[int, int, int]] = field(default_factory=list)

    def add(self, function: int, size: int, now_ns: int) -> None:
        self.entries.append((function, size, now_ns + self.horizon_ns))

    def sizes(self, function: int, now_ns: int) -> list[int]:
        """Data bytes of answers that may still come for this function."""
        self.refused = [e for e in self.refused if e[2] > now_ns]
        awaited = self.awaited(function, now_ns)
        return [size for f, size, _ in awaited + self.refused if f == function]

    def awaited(self, function: int, now_ns: int) -> list[tuple[int, int, int]]:
        """Those of this function that nothing came for."""
        self.entries = [e for e in self.entries if e[2] > now_ns]
        return [e for e in self.entries if e[0] == function]

    def clear(self) -> None:
        """No answer can still come: the line was heard out."""
        self.entries.clear()
        self.refused.clear()

    def fresh(self, function: int, size: int, now_ns: int) -> int:
        """How many answers of this shape may well still come."""
        since = now_ns + self.horizon_ns - self.fresh_ns
        return sum(e[:2] == (function, size) and e[2] > since for e in self.entries)

    def seen_in(self, unit: int, came: bytes) -> int:
        """Strikes out the answers found among discarded bytes; gives how many."""
        found = 0
        for awaited in (self.entries, self.refused):
            for entry in list(awaited):
                here = self.serial.find(came, unit, entry[0], entry[1])
                if here is not None:
                    came = came[: here[0]] + came[here[1] :]
                    awaited.remove(entry)
                    found += 1
        return found


def instead(came: bytes, framing: Framing, unit: int, function: int, size: int) -> str:
    """What came instead of the answer of a unit, function and byte count, for people; "" when no whole frame."""
    if framing == "tcp":
        bodies = [came[start + 6 : end] for start, end in modbus.mbap_frames(came)]
    elif framing == "ascii":
        bodies = [body for _, _, body in ascii_frames(came)]
    else:
        ends = ((start, modbus.rtu_answer(came, start)) for start in range(len(came)))
        bodies = [came[start : end - 2] for start, end in ends if end is not None]
    for body in bodies:
        if len(body) < 3:
            continue
        if body[0] != unit:
            return f"an answer came from unit {body[0]} instead of {unit}"
        if body[1] & 0x7F != function:
            return f"an answer came with function {body[1] & 0x7F} instead of {function}"
        if not body[1] & 0x80 and body[2] != size:
            return f"an answer came with {body[2]} data bytes instead of {size}"
        if framing == "tcp" and len(body) == (3 if body[1] & 0x80 else size + 3):
            return "an answer came with another request's number"
    return ""
