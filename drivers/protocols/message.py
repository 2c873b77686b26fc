"""What one MQTT message says, whatever its format: samples, notices, or a refusal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from dodac.contracts import EventKind
from dodac.quantities import CHANNELS
from dodac.samples import Flag, Reason, TimeSource
from dodac.units import Conversion, conversion
from drivers._profile_common import ChannelSpec

# of a Sparkplug node: its birth is missed, or was told
Birth = Literal["missed", "told"]


class MqttRefusal(Exception):  # noqa: N818  (a finding about a payload)
    """A payload that can't become readings; the text says why. birth: see Message."""

    def __init__(self, text: str, birth: Birth | None = None) -> None:
        super().__init__(text)
        self.birth = birth


@dataclass(frozen=True, slots=True)
class Decoded:
    """The readings of one moment: good values and flags by channel, and the moment.

    time_ns: UTC, None when the message says none that can be read; time_fault then says what was wrong.
    time_source: whose clock said it. history: stored and sent later, so its time may lie far back.
    sent_ns: when the message was sent by the clock that said time_ns, where it says so: tells how right
    that clock is. or_ns: another moment that the same words name, in the hour that comes twice when summer
    time ends.
    """

    values: Mapping[str, float]
    flags: tuple[Flag, ...]
    time_ns: int | None = None
    time_fault: str | None = None
    time_source: TimeSource = TimeSource.DEVICE
    history: bool = False
    sent_ns: int | None = None
    or_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """How a number on the wire becomes a channel's reading."""

    name: str
    scale: float
    offset: float
    convert: Conversion
    low: float
    high: float
    sentinel: tuple[float, ...]

    @classmethod
    def of(cls, name: str, spec: ChannelSpec, sentinel: Sequence[float]) -> Self:
        """From a profile's channel."""
        channel = CHANNELS[name]
        low, high = spec.range or (channel.low, channel.high)
        convert = conversion(spec.unit or channel.unit, channel.unit)
        return cls(name, spec.scale, spec.offset, convert, low, high, tuple(sentinel))

    def reading(self, read: float) -> float | Flag:
        """The value in the canonical unit, or why it is none."""
        if not math.isfinite(read):
            return Flag(self.name, Reason.DECODE)
        if read in self.sentinel:
            return Flag(self.name, Reason.SENTINEL, read)
        value = self.convert(read * self.scale + self.offset)
        if not (self.low <= value <= self.high and CHANNELS[self.name].in_range(value)):
            return Flag(self.name, Reason.OUT_OF_RANGE, value if math.isfinite(value) else None)
        return value


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a message tells besides readings; since_ns and until_ns (UTC) bound a gap."""

    kind: EventKind
    text: str
    since_ns: int | None = None
    until_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message, decoded: the moments it carries, oldest first, and what else it tells.

    birth: what it says of a Sparkplug node's birth, without which its data can't be read.
    """

    samples: tuple[Decoded, ...]
    notices: tuple[Notice, ...] = ()
    birth: Birth | None = None


class MessageDecoder(Protocol):
    """Turns the messages of one instrument into readings, in the order they come."""

    def message(self, topic: str, payload: bytes) -> Message:
        """What a message says; raises MqttRefusal, and nothing else, for one that can't be read."""
        ...
