"""What a receiver hears of bytes that were sent at another speed, parity or number of bits; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Setting:
    """How one side of a serial line is set; baud 0: not known."""

    baud: int
    bits: int = 8
    parity: str = "N"
    stop: int = 1

    @classmethod
    def of(cls, baud: int, frame: str) -> Self:
        """From a frame as in a site file, e.g. 8E1."""
        return cls(baud, int(frame[0]), frame[1], int(frame[2]))

    @property
    def byte_bits(self) -> int:
        """Bits of one byte on the line: start, data, parity, stop."""
        return 1 + self.bits + (self.parity != "N") + self.stop

    def levels(self, byte: int) -> list[int]:
        """The levels of one byte on the line, a bit time each."""
        data = [byte >> place & 1 for place in range(self.bits)]
        odd = sum(data) & 1
        parity = [] if self.parity == "N" else [odd if self.parity == "E" else 1 - odd]
        return [0, *data, *parity, *[1] * self.stop]


def heard(data: bytes, sent: Setting, by: Setting) -> tuple[bytes, int]:
    """The bytes that a receiver makes of what was sent in one burst, and how many of them are in error.

    An error is a stop bit that is none, or a parity that does not fit. The byte is given as sampled, but
    as 00 by a receiver that checks parity (what Linux makes of it with INPCK).
    Receivers look at the first stop bit only, so that 8N1 and 8N2 understand each other.
    """
    if fits(sent, by):
        return data, 0
    levels = [level for byte in data for level in sent.levels(byte)] + [1] * sent.byte_bits
    step = sent.baud / by.baud  # bits as sent in one bit of the receiver
    taken, errors, place = bytearray(), 0, 0.0

    def level(at: float) -> int:
        return levels[int(at)] if at < len(levels) else 1

    while (start := _falling(levels, place)) is not None:
        bits = [level(start + (n + 0.5) * step) for n in range(1, 1 + by.bits)]
        after = start + (1 + by.bits) * step
        wrong = False
        if by.parity != "N":
            wrong = (sum(bits) + level(after + 0.5 * step)) % 2 != (by.parity == "O")
            after += step
        wrong = wrong or level(after + 0.5 * step) == 0
        bad = wrong and by.parity != "N"
        taken.append(0 if bad else sum(bit << n for n, bit in enumerate(bits)))
        errors += wrong
        place = after + 0.5 * step
    return bytes(taken), errors


def fits(sent: Setting, by: Setting) -> bool:
    """True when the receiver hears exactly what is sent."""
    same = 0 in (sent.baud, by.baud) or sent.baud == by.baud
    return same and (sent.bits, sent.parity) == (by.bits, by.parity)


def _falling(levels: list[int], place: float) -> int | None:
    """Where the next start bit begins: the first change from 1 to 0 from a place on."""
    before = levels[int(place)] if 0 < place < len(levels) else 1
    for here in range(int(place) + (place > 0), len(levels)):
        if before and not levels[here]:
            return here
        before = levels[here]
    return None
