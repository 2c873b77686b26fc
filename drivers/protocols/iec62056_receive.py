"""IEC 62056-21 telegrams as readings by profile, and cut out of what a meter sends by itself; pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from dodac.quantities import CHANNELS
from dodac.samples import Flag, Layout, Reason
from dodac.units import canonical_unit, conversion
from drivers.profile import Iec62056Channel, Iec62056Profile
from drivers.protocols import iec62056
from drivers.protocols.iec62056 import Telegram
from drivers.protocols.received import Received, Refused

_WHOLE: Final = re.compile(rb"/[^/!]*![^\r\n]*\r?\n")
_BLOCK: Final = re.compile(rb"\r\n\x7f*\x02")
_MAX: Final = 32_768
_UNITS: Final = {"varh": ("kvarh", 1e-3)}  # units of the wire that dodac.units does not have


def readings(profile: Iec62056Profile, data: bytes) -> Received:
    """The readings of a telegram; stored (historical) values are never taken for current ones.

    Codes that are not there leave their channel absent. Flagged decode: a code twice with different
    values, a sum that lacks a part, no number, no unit (unless the profile gives one), a unit of another
    kind. Raises Refused for a telegram that is none, or has no channel of the profile.
    """
    telegram = iec62056.parse(data, profile.link.check)
    values: dict[str, float] = {}
    flags: list[Flag] = []
    for name, spec in profile.channels.items():
        reading = _channel(telegram, name, spec)
        if isinstance(reading, Flag):
            flags.append(reading)
        elif reading is not None:
            values[name] = reading
    if not values and not flags:
        raise Refused(Reason.DECODE, "none of the profile's codes is in the telegram")
    return Received(values, tuple(flags))


def _channel(telegram: Telegram, name: str, spec: Iec62056Channel) -> float | Flag | None:
    parts = [(code, 1.0) for code in spec.obis] + [(code, -1.0) for code in spec.minus]
    found = [(_value(telegram, name, spec, code), sign) for code, sign in parts]
    if all(value is None for value, _ in found):
        return None
    total = 0.0
    for value, sign in found:
        if value is None or value != value:
            return Flag(name, Reason.DECODE)
        total += sign * value
    channel = CHANNELS[name]
    low, high = spec.range or (channel.low, channel.high)
    if not (low <= total <= high and channel.in_range(total)):
        return Flag(name, Reason.OUT_OF_RANGE, total)
    return total


def _value(telegram: Telegram, name: str, spec: Iec62056Channel, code: str) -> float | None:
    """A code's value in the channel's unit; None when it is not there, NaN when it can't be read."""
    items = telegram.current(code)
    if not items:
        return None
    seen = {iec62056.value_of(item.groups) for item in items}
    read = seen.pop() if len(seen) == 1 else None
    if read is None:
        return math.nan
    number, printed = read
    unit, factor = _UNITS.get(printed or "", (printed or spec.unit, 1.0))
    if unit is None:
        return math.nan
    try:
        convert = conversion(canonical_unit(unit), CHANNELS[name].unit)
    except ValueError:
        return math.nan
    return convert(number * factor * spec.scale + spec.offset)


class Iec62056Receiver:
    """Cuts telegrams out of what a meter sends by itself (mode D, P1); see Receiver.

    A telegram runs from "/" to the line of its "!"; one with STX goes on to its block check.
    """

    pause_s = 1.0

    def __init__(self, instrument: str, profile: Iec62056Profile) -> None:
        self.layout = Layout(instrument, tuple(profile.channels))
        self.kind = profile.kind
        self.silence_s = profile.link.silence_s
        self._profile = profile
        self._buffer = b""

    def take(self, data: bytes) -> Sequence[tuple[bytes, int]]:
        """Whole telegrams, each with the number of bytes after its end."""
        self._buffer += data
        found: list[tuple[bytes, int]] = []
        start = 0
        while match := _WHOLE.search(self._buffer, start):
            end = match.end()
            if _BLOCK.search(match.group()):
                if end + 2 > len(self._buffer):
                    break  # ETX and block check are on their way
                end += 2 if self._buffer[end : end + 1] == iec62056.ETX else 0
            found.append((self._buffer[match.start() : end], len(self._buffer) - end))
            start = end
        self._buffer = self._buffer[start:]
        if len(self._buffer) > _MAX:
            self._buffer = b""  # no telegram is as long
        return found

    def idle(self) -> bool:
        """Forgets a telegram that was begun and never ended; True when there was one."""
        torn = b"/" in self._buffer
        self._buffer = b""
        return torn

    def reset(self, *, synced: bool) -> None:  # noqa: ARG002  (a telegram says itself where it begins)
        """Forgets everything."""
        self._buffer = b""

    def decode(self, message: bytes) -> Received | None:
        """The readings of one telegram; see readings."""
        return readings(self._profile, message)
