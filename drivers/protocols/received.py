"""What instruments that send by themselves owe the connection that listens to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dodac.quantities import Measurement
from dodac.samples import Flag, Layout, Reason


class Refused(Exception):  # noqa: N818  (a finding about what was received)
    """Bytes that can't become readings: the reason for the flags, and words for people."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


@dataclass(frozen=True, slots=True)
class Received:
    """What a line or telegram said: good values, flags, and its own time.

    time_ns: UTC, None when it says none that can be read; time_fault then says what was wrong.
    max_skew_s: beyond it from our own clock the time is not believed.
    """

    values: Mapping[str, float]
    flags: tuple[Flag, ...]
    time_ns: int | None = None
    time_fault: str | None = None
    max_skew_s: float = 0.0


class Receiver(Protocol):
    """Cuts a stream of bytes into whole messages and decodes them; one instrument, one thread.

    take: whole messages in what has come, each with how many bytes came after its end. idle: nothing
    came for a while: forget what is half here, and say whether there was anything. reset: forget
    everything; synced: the next byte is known to start a message. decode: None for a message that is
    no measurement; raises Refused. pause_s: silence inside a message that means it was torn.
    """

    layout: Layout
    kind: Measurement
    silence_s: float
    pause_s: float

    def take(self, data: bytes) -> Sequence[tuple[bytes, int]]: ...
    def idle(self) -> bool: ...
    def reset(self, *, synced: bool) -> None: ...
    def decode(self, message: bytes) -> Received | None: ...
