"""Which messages of a session are in the journal: one that the broker sends again is recognised."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Final

_NUMBERS: Final = 65_535  # packet identifiers run from 1 to this and begin again
_HALF: Final = _NUMBERS // 2
KEPT: Final = 16_384  # messages back
SURE: Final = 64
_SIZE: Final = 10
_FORGET: Final = bytes(_SIZE)


class Remembered:
    """The last messages of one session by packet identifier and digest.

    After a kill the broker sends again, flagged as duplicates and under the identifiers they had, what
    it has not seen acknowledged: the last of what it had sent. A message is there already when it
    carries that flag and the same identifier and content as one stored among the last KEPT. An
    identifier says so only where a broker counts them up: one that goes back, or a new session, makes all
    before it forgotten, and SURE steps forward are wanted first (brokers that give the lowest
    free one never make them). In doubt a message is taken for new: twice, not lost.

    Messages whose samples have their device's time need no digest: the journal knows them by their time.
    """

    def __init__(self, told: bytes = b"") -> None:
        """told: all receipts that are kept, oldest first."""
        self._digests = array("Q", bytes(8 * (_NUMBERS + 1)))
        self._places = array("Q", bytes(8 * (_NUMBERS + 1)))
        self._place = self._floor = KEPT  # of the newest message; of the last that is forgotten
        self._newest = 0
        self._steps = 0
        self._receipts = bytearray()
        self._behind = False  # the newest message stands in no receipt yet
        for mid, digest in _receipts(told):
            if mid:
                self._note(mid, digest)
            else:
                self._forget()
        self._receipts.clear()

    @property
    def any(self) -> bool:
        """True when this session has had messages."""
        return self._place > KEPT

    def begin(self) -> None:
        """The broker knows no session of ours: its numbers begin anew."""
        self._forget()
        self._receipts += _FORGET

    def has(self, topic: str | None, payload: bytes, mid: int) -> bool:
        """True for a message, flagged as a duplicate, that is in the journal or on its way there."""
        if self._steps < SURE or self._places[mid] <= self._floor:
            return False
        digest = self._digests[mid]
        recent = self._place - self._places[mid] < KEPT
        return recent and digest != 0 and digest == _digest(topic, payload)

    def take(self, mid: int, *, dup: bool) -> None:
        """A message whose samples have a time of their own."""
        if not (dup and self._is_past(mid)):
            self._note(mid, 0)
            self._behind = True

    def take_all(self, mids: Sequence[int]) -> None:
        """Messages of that kind that were not sent before, in their order."""
        places, digests = self._places, self._digests
        for mid in mids:
            if mid - self._newest == 1:  # the usual step of _note
                self._steps += 1
                self._place += 1
                self._newest = mid
                places[mid] = self._place
                digests[mid] = 0
            else:
                self._note(mid, 0)
        self._behind = self._behind or bool(mids)

    def take_untimed(self, topic: str | None, payload: bytes, mid: int, *, dup: bool) -> None:
        """A message that is recognised by its receipt alone."""
        if not (dup and self._is_past(mid)):
            digest = _digest(topic, payload)
            self._note(mid, digest)
            self._receipts += _receipt(mid, digest)
            self._behind = False

    def receipts(self) -> bytes:
        """What was taken since the last call: to be stored with it."""
        if self._behind:
            self._receipts += _receipt(self._newest, 0)
            self._behind = False
        told = bytes(self._receipts)
        self._receipts.clear()
        return told

    def _is_past(self, mid: int) -> bool:
        """Sent again, and its number is known: it changes nothing."""
        back = (self._newest - mid) % _NUMBERS
        return back < KEPT and self._place - back > self._floor

    def _note(self, mid: int, digest: int) -> None:
        step = (mid - self._newest) % _NUMBERS if self._newest else 1
        if 0 < step <= _HALF:
            self._steps += 1
        else:
            self._forget()
            self._receipts += _FORGET
            step = 1
        self._place += step
        self._newest = mid
        self._places[mid] = self._place
        self._digests[mid] = digest

    def _forget(self) -> None:
        self._floor = self._place
        self._steps = 0
        self._newest = 0


def _digest(topic: str | None, payload: bytes) -> int:
    head = topic.encode("utf-8", "surrogatepass") if topic is not None else b""
    found = blake2b(b"%d:%b%b" % (len(head), head, payload), digest_size=8).digest()
    return int.from_bytes(found, "big") or 1


def _receipt(mid: int, digest: int) -> bytes:
    return mid.to_bytes(2, "big") + digest.to_bytes(8, "big")


def _receipts(told: bytes) -> Iterator[tuple[int, int]]:
    for at in range(0, len(told) - len(told) % _SIZE, _SIZE):
        yield int.from_bytes(told[at : at + 2], "big"), int.from_bytes(told[at + 2 : at + _SIZE], "big")
