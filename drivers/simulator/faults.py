"""Faults a simulated instrument shows on demand, and what each does to an answer."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

FAULTS: Final[dict[str, str]] = {
    "late": "the answer comes `seconds` later than it should",
    "crc": "one bit of the answer is flipped",
    "truncated": "the answer breaks off",
    "noise": "bytes 00 and FF come before the answer",
    "echo": "the request comes back before the answer",
    "dead": "no answer at all",
    "exception": "the instrument refuses with exception 04, device failure",
    "wrong_unit": "the answer carries another unit's number",
    "sentinel": "values read as the instrument's sign for `no value`",
    "counter_zero_once": "counters read 0",
    "word_swap": "the two words of 32-bit numbers are exchanged",
    "collision": "a second instrument with the same address answers at the same time",
    "babble": "random bytes come without end, for `seconds`",
    "unplug": "the adapter is pulled out for `seconds`",
}
"""Every kind of fault and what it means; those of the image are made by the unit itself."""

OF_THE_IMAGE: Final = frozenset({"sentinel", "counter_zero_once", "word_swap", "exception"})


@dataclass
class Fault:
    """A fault in force: for `count` more answers (None: until the end), or until `until_s` (monotonic)."""

    kind: str
    count: int | None = 1
    seconds: float = 0.0
    until_s: float | None = None

    def take(self, now_s: float) -> bool:
        """True when the fault strikes now; counts it."""
        if self.over(now_s):
            return False
        if self.count is not None:
            self.count -= 1
        return True

    def over(self, now_s: float) -> bool:
        """True when the fault has had its time."""
        return (self.count is not None and self.count <= 0) or (
            self.until_s is not None and now_s >= self.until_s
        )


class Faults:
    """The faults of one unit."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def strike(self, now_s: float) -> list[Fault]:
        """The faults that hit the next answer."""
        struck = [fault for fault in list(self._faults) if fault.take(now_s)]
        self._faults = [fault for fault in self._faults if not fault.over(now_s)]
        return struck


def distort(request: bytes, answer: bytes, kinds: list[str], chance: random.Random) -> bytes | None:
    """The bytes on the line instead of an answer; None for silence."""
    if "dead" in kinds:
        return None
    if "crc" in kinds:
        place = chance.randrange(len(answer))
        answer = answer[:place] + bytes((answer[place] ^ (1 << chance.randrange(8)),)) + answer[place + 1 :]
    if "collision" in kinds:
        answer = _collided(answer, chance)
    if "truncated" in kinds:
        answer = answer[: max(1, chance.randrange(len(answer)))]
    if "echo" in kinds:
        answer = request + answer
    if "noise" in kinds:
        answer = bytes(chance.choice((0x00, 0xFF)) for _ in range(chance.randint(1, 12))) + answer
    return answer


def _collided(answer: bytes, chance: random.Random) -> bytes:
    """Two answers at once: the line is low where either is, and never only one's."""
    both = bytes(byte & chance.randrange(256) for byte in answer)
    return both if both != answer else bytes((answer[0] ^ 0xFF,)) + answer[1:]
