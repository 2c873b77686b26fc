"""A message too large to be decoded, taken from the stream as it comes: its head, its size, its sum."""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

DECODED: Final = 1 << 20  # bytes of a payload that is decoded
KEPT: Final = 1 << 16  # bytes of one that is not
WHOLE: Final = DECODED + (1 << 16) + 4  # of a message with the longest topic: what is longer can't be decoded


class Cut(NamedTuple):
    """What is not kept of a payload is told by the size and the SHA-256 of all of it."""

    size: int
    sha256: str


class Large:
    """A PUBLISH under way; a broker may send 256 MB, and a field computer must live through it.

    head: the packet's first byte; left: bytes of its body that are still to come.
    """

    def __init__(self, head: int, length: int) -> None:
        self.head = head
        self.left = length
        self._length = length
        self._begin = bytearray()
        self._sum = hashlib.sha256()
        self._seen = 0

    def take(self, data: bytes, at: int = 0) -> int:
        """Takes what of the data is its own; gives where that ends."""
        piece = data[at : at + self.left]
        self.left -= len(piece)
        start = self._start() if len(self._begin) > 1 else self._length
        if len(self._begin) < start + KEPT:
            self._begin += piece
        if self._seen:
            self._sum.update(piece)
            self._seen += len(piece)
        elif len(self._begin) > 1 and len(self._begin) > self._start():
            self._sum.update(self._begin[self._start() :])
            self._seen = len(self._begin) - self._start()
        return at + len(piece)

    def parts(self) -> tuple[bytes, int, bytes, Cut]:
        """Topic, identifier (0: none), first bytes of the payload, and its sum."""
        topic_end, start = self._topic_end(), self._start()
        mid = int.from_bytes(self._begin[topic_end:start], "big")
        payload = bytes(self._begin[start : start + KEPT])
        return bytes(self._begin[2:topic_end]), mid, payload, Cut(self._seen, self._sum.hexdigest())

    def _topic_end(self) -> int:
        return 2 + (self._begin[0] << 8 | self._begin[1])

    def _start(self) -> int:
        return self._topic_end() + (2 if self.head & 6 else 0)
