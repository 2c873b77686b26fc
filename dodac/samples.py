"""The sample: everything one poll, message, file row or form gave (design §3)."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

FIRST_REVISION: Final = 2048
"""Parts from here on are corrections: each replaces all lower parts of its instrument and time."""


class TimeSource(StrEnum):
    """Whose clock gave a sample its time."""

    HOST = "host"
    DEVICE = "device"
    NETWORK = "network"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a reading is not good: a closed list."""

    NO_ANSWER = "no_answer"
    CRC = "crc"
    LATE_ANSWER = "late_answer"
    EXCEPTION = "exception"
    SENTINEL = "sentinel"
    OUT_OF_RANGE = "out_of_range"
    RATE = "rate"
    COUNTER_FALL = "counter_fall"
    DEVICE_STATUS = "device_status"
    CLOCK = "clock"
    TIME_UNKNOWN = "time_unknown"
    STALE = "stale"
    DECODE = "decode"
    CONFLICT = "conflict"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Flag:
    """One reading that is not good: its channel, the reason, and the value as read, if any."""

    channel: str
    reason: Reason
    value: float | None = None


@dataclass(frozen=True)
class Layout:
    """The channels of one instrument's samples, in order; the id follows from the content."""

    instrument: str
    channels: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.channels or len(set(self.channels)) != len(self.channels):
            raise ValueError(
                f"layout of {self.instrument}: channels must be there and differ: {self.channels}"
            )

    @cached_property
    def id(self) -> int:
        """48 bits of SHA-256 over instrument and channels: the same on every collector."""
        text = "\x1f".join((self.instrument, *self.channels))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Channel name → its place in a sample's values."""
        return {name: place for place, name in enumerate(self.channels)}

    def sample(
        self,
        time_ns: int,
        values: Mapping[str, float],
        *,
        flags: Iterable[Flag] = (),
        span_ns: int = 0,
        time_source: TimeSource = TimeSource.HOST,
        raw: bytes | None = None,
        part: int = 0,
    ) -> Sample:
        """A sample from good values by channel name; flagged channels are present and NaN.

        Raises KeyError for a channel that is not in the layout, ValueError for a good value
        that is not finite or is flagged too.
        """
        row = [math.nan] * len(self.channels)
        present = 0
        for name, value in values.items():
            if not math.isfinite(value):
                raise ValueError(f"{self.instrument}.{name}: {value} is not finite; flag it instead.")
            place = self.index[name]
            row[place] = float(value)
            present |= 1 << place
        flags = tuple(flags)
        for flag in flags:
            place = self.index[flag.channel]
            if not math.isnan(row[place]):
                raise ValueError(f"{self.instrument}.{flag.channel}: both good and flagged {flag.reason}.")
            present |= 1 << place
        return Sample(
            instrument=self.instrument,
            time_ns=time_ns,
            span_ns=span_ns,
            time_source=time_source,
            layout=self.id,
            values=tuple(row),
            present=present,
            flags=flags,
            raw=raw,
            part=part,
        )


_HEAD = struct.Struct("<qqqIQ")


@dataclass(frozen=True, slots=True)
class Sample:
    """One instrument, one time, many channels.

    time_ns: UTC; the middle of request and answer, or of the interval the sample speaks for.
    span_ns: from the first to the last block, or the interval's length; the interval is
      [time_ns − span_ns // 2, time_ns − span_ns // 2 + span_ns).
    values: float64 per channel of the layout; NaN where absent or flagged.
    present: bit i is set when channel i is carried (good or flagged); absent is not bad.
    part: tells apart several samples of one instrument at one time; from FIRST_REVISION on it corrects
      them. Readers then see the highest part alone; samples() still gives all.
    """

    instrument: str
    time_ns: int
    span_ns: int
    time_source: TimeSource
    layout: int
    values: tuple[float, ...]
    present: int
    flags: tuple[Flag, ...] = ()
    raw: bytes | None = None
    part: int = 0

    @property
    def start_ns(self) -> int:
        """The start of the interval the sample speaks for."""
        return self.time_ns - self.span_ns // 2

    @property
    def end_ns(self) -> int:
        """The end of the interval the sample speaks for."""
        return self.start_ns + self.span_ns

    def canonical(self) -> bytes:
        """The bytes that digests are taken over, whatever the packing in store/.

        Little endian: time, span, layout, part, presence, then the float64 values, source,
        flags in layout order, and the SHA-256 of the raw bytes when there are any.
        """
        flags = "\x1e".join(
            f"{flag.channel}\x1f{flag.reason.value}\x1f{'' if flag.value is None else flag.value.hex()}"
            for flag in self.flags
        )
        return b"".join(
            (
                _HEAD.pack(self.time_ns, self.span_ns, self.layout, self.part & 0xFFFFFFFF, self.present),
                # every NaN counts as the same NaN
                struct.pack(f"<{len(self.values)}d", *(v if v == v else math.nan for v in self.values)),
                self.instrument.encode(),
                b"\x1d",
                self.time_source.value.encode(),
                b"\x1d",
                flags.encode(),
                b"\x1d",
                hashlib.sha256(self.raw).digest() if self.raw is not None else b"",
            )
        )

    def digest(self) -> bytes:
        """SHA-256 over the canonical bytes."""
        return hashlib.sha256(self.canonical()).digest()
