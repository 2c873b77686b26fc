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
from drivers.protocols import iec62056, iec62056_sml
from drivers.protocols.iec62056 import Telegram
from drivers.protocols.iec62056_submeter import submeters
from drivers.protocols.received import Received, Refused

_END: Final = re.compile(rb"![^\r\n/]{0,32}\r{0,2}\n")  # what begins with "/" is the next telegram
_LONGEST_END: Final = 40
_BLOCK: Final = re.compile(rb"\n\x7f*\x02")
_MAX: Final = 32_768
_CLOCKS_APART_S: Final = 120  # a meter behind the port may be ahead of the one in front
_LAST: Final = ("2.1", "2.3", "3.0")  # where a meter behind the port gives its last value
_UNITS: Final = {
    "varh": ("kvarh", 1e-3),
    "VAh": ("kVAh", 1e-3),
    "Mvarh": ("kvarh", 1e3),
    "VArh": ("kvarh", 1e-3),
    "VARh": ("kvarh", 1e-3),
    "kVArh": ("kvarh", 1.0),
    "kVARh": ("kvarh", 1.0),
}  # units of the wire that dodac.units does not have


def readings(profile: Iec62056Profile, data: bytes) -> Received:
    """The readings of a telegram; stored (historical) values are never taken for current ones.

    Codes that are not there leave their channel absent. Flagged decode: a code twice with different
    values, a sum that lacks a part, no number, no unit (unless the profile gives one), a unit of another
    kind. Flagged device_status: all that a meter reads while its error register is not zero. Raises
    Refused for a telegram that is none, or has no channel of the profile.
    """
    telegram = _telegram(profile, data)
    unwell = telegram.error is not None and not profile.link.ignore_errors
    values: dict[str, float] = {}
    flags: list[Flag] = []
    for name, spec in profile.channels.items():
        reading = _channel(telegram, name, spec)
        if isinstance(reading, Flag):
            flags.append(reading)
        elif reading is not None and unwell:
            flags.append(Flag(name, Reason.DEVICE_STATUS, reading))
        elif reading is not None:
            values[name] = reading
    if not values and not flags:
        raise Refused(Reason.DECODE, "none of the profile's codes is in the telegram")
    return Received(values, tuple(flags))


def printed(profile: Iec62056Profile, data: bytes) -> dict[str, str]:
    """The lines of a telegram that each channel is made from, as the meter prints them."""
    telegram = _telegram(profile, data)
    found = {}
    for name, spec in profile.channels.items():
        codes = [*spec.obis, *spec.minus]
        if spec.submeter is not None:
            codes = [
                f"0-{meter.channel}:24.{n}" for meter in submeters(telegram, spec.submeter) for n in _LAST
            ]
        items = dict.fromkeys(item for code in codes for item in telegram.current(code))
        found[name] = " ".join(item.code + "".join(f"({text})" for text in item.groups) for item in items)
    return {name: text for name, text in found.items() if text}


def _telegram(profile: Iec62056Profile, data: bytes) -> Telegram:
    if profile.link.check == "sml":
        return iec62056_sml.parse(data)
    return iec62056.parse(data, profile.link.check)


def _channel(telegram: Telegram, name: str, spec: Iec62056Channel) -> float | Flag | None:
    if spec.submeter is not None:
        return _submeter(telegram, name, spec, spec.submeter)
    parts = [(code, 1.0) for code in spec.obis] + [(code, -1.0) for code in spec.minus]
    found = [(_value(telegram, name, spec, code), sign) for code, sign in parts]
    if all(value is None for value, _ in found):
        return None
    total = 0.0
    for value, sign in found:
        if value is None or value != value:
            return Flag(name, Reason.DECODE)
        total += sign * value
    return _in_range(name, spec, total)


def _in_range(name: str, spec: Iec62056Channel, value: float) -> float | Flag:
    channel = CHANNELS[name]
    low, high = spec.range or (channel.low, channel.high)
    if not (low <= value <= high and channel.in_range(value)):
        return Flag(name, Reason.OUT_OF_RANGE, value)
    return value


def _submeter(telegram: Telegram, name: str, spec: Iec62056Channel, device: int) -> float | Flag | None:
    """The last value of a meter behind the port: good when its own time is there and not too old."""
    behind = submeters(telegram, device)
    if not behind:
        return None
    timed = [meter for meter in behind if meter.time is not None]
    if len(timed) != 1:  # which one? or: none has ever sent a value
        return Flag(name, Reason.TIME_UNKNOWN if not timed else Reason.DECODE)
    (meter,) = timed
    value = math.nan if meter.printed is None else _canonical(meter.printed, name, spec)
    if value != value:
        return Flag(name, Reason.DECODE)
    age_s = meter.age_s(telegram)
    if age_s is None or age_s < -_CLOCKS_APART_S:
        return Flag(name, Reason.TIME_UNKNOWN, value)
    if age_s > spec.max_age_s:
        return Flag(name, Reason.STALE, value)
    return _in_range(name, spec, value)


def _value(telegram: Telegram, name: str, spec: Iec62056Channel, code: str) -> float | None:
    """A code's value in the channel's unit; None when it is not there, NaN when it can't be read."""
    items = telegram.current(code)
    if not items:
        return None
    seen = {iec62056.value_of(item.groups) for item in items}
    read = seen.pop() if len(seen) == 1 else None
    return math.nan if read is None else _canonical(read, name, spec)


def _canonical(read: tuple[float, str | None], name: str, spec: Iec62056Channel) -> float:
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

    A telegram runs from "/" to the line of its "!"; one with STX goes on to its block check. SML
    telegrams say themselves where they begin and end.
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
        if self._profile.link.check == "sml":
            messages, rest = iec62056_sml.cut(self._buffer + data)
            self._buffer = rest if len(rest) <= _MAX else b""
            return messages
        begun = max(0, len(self._buffer) - _LONGEST_END)  # what stands before holds no end
        self._buffer += data
        found: list[tuple[bytes, int]] = []
        start = 0
        while match := _END.search(self._buffer, max(start, begun)):
            end = match.end()
            ident = iec62056.last_ident(self._buffer[start:end])
            begin = start + ident.start() if ident is not None else end
            if _BLOCK.search(self._buffer, begin, end):
                if end + 2 > len(self._buffer):
                    break  # ETX and block check are on their way
                end += 2 if self._buffer[end : end + 1] == iec62056.ETX else 0
            if ident is not None:
                found.append((self._buffer[begin:end], len(self._buffer) - end))
            start = end
        self._buffer = self._buffer[start:]
        if len(self._buffer) > _MAX:
            self._buffer = b""  # no telegram is as long
        return found

    def idle(self) -> bool:
        """Forgets a telegram that was begun and never ended; True when there was one."""
        torn = (iec62056_sml.START if self._profile.link.check == "sml" else b"/") in self._buffer
        self._buffer = b""
        return torn

    def reset(self, *, synced: bool) -> None:  # noqa: ARG002  (a telegram says itself where it begins)
        """Forgets everything."""
        self._buffer = b""

    def decode(self, message: bytes) -> Received | None:
        """The readings of one telegram; see readings."""
        return readings(self._profile, message)
