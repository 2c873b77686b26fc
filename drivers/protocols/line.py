"""Lines of text as readings: terminator, fields, blocks, units, checksum and status, by profile; pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from dodac.clock import SECOND_NS
from dodac.quantities import CHANNELS
from dodac.samples import Flag, Layout, Reason
from dodac.units import Conversion, conversion
from drivers.profile import LineChannel, LineChecksum, LineProfile, LineStatus
from drivers.protocols.received import Received, Refused

_NUMBER: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)(?:\s*(\S.*))?")
_SPAN: Final = re.compile(r"(?:.*\s)?\d+(?:\.\d+)?\s*-\s*(\d+(?:\.\d+)?)\s*(\S+)")
_NEWLINE: Final = re.compile(rb"[\r\n]+")


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    spec: LineChannel
    convert: Conversion
    by_unit: dict[str, Conversion]
    wanted: frozenset[str]
    low: float
    high: float


class LineDecoder:
    """Decodes the lines of one profile; zone is the site's, for times on the line."""

    def __init__(self, profile: LineProfile, zone: str = "UTC") -> None:
        self.profile = profile
        self._zone = ZoneInfo(zone)
        self._places = [_place(name, spec) for name, spec in profile.channels.items()]

    def decode(self, line: bytes) -> Received | None:
        """The readings of one line without its terminator; None for one that the profile ignores.

        Channels whose block is not in the line are absent. What is no number, or carries another unit
        than those of the profile, is flagged decode. Raises Refused (crc for a wrong checksum, decode
        for a line of another shape, or without any channel).
        """
        text = line.decode("latin-1")
        shape = self.profile.line
        if any(text.startswith(word) for word in shape.ignore):
            return None
        head, blocks = self._parts(self._words(text))
        values: dict[str, float] = {}
        flags: list[Flag] = []
        for place in self._places:
            reading = self._channel(place, head, blocks)
            if isinstance(reading, Flag):
                flags.append(reading)
            elif reading is not None:
                values[place.name] = reading
        if not values and not flags:
            raise Refused(Reason.DECODE, "none of the profile's channels is in the line")
        time_ns, fault = self._time(head)
        skew_s = self.profile.time.max_skew_s if self.profile.time is not None else 0.0
        return Received(values, tuple(flags), time_ns, fault, skew_s)

    def printed(self, line: bytes) -> dict[str, str]:
        """What the line prints for each channel, as it stands; raises Refused like decode."""
        text = line.decode("latin-1")
        head, blocks = self._parts(self._words(text))
        found = {}
        for place in self._places:
            fitting = [head] if place.spec.match is None else _blocks_of(place, blocks)
            if len(fitting) == 1 and place.spec.field < len(fitting[0]):
                fields, unit = fitting[0], place.spec.unit_field
                found[place.name] = " ".join(
                    [fields[place.spec.field], *([] if unit is None else [fields[unit]])]
                )
        return found

    def _words(self, text: str) -> list[str]:
        """The fields of a line, its beginning and check sum taken off."""
        shape = self.profile.line
        if not text.startswith(shape.start):
            raise Refused(Reason.DECODE, f'the line does not begin with "{shape.start}"')
        body = text[len(shape.start) :]
        if shape.checksum is not None:
            body = _checked(body, shape.checksum, shape.start, shape.delimiter)
        return [word.strip() for word in body.split(shape.delimiter)]

    def _parts(self, fields: list[str]) -> tuple[list[str], list[list[str]]]:
        """The line's own fields and its blocks."""
        shape, found = self.profile.line, len(fields)
        size = shape.block
        most = shape.fields + (0 if size is not None else shape.optional)
        if size is None:
            if fields[-1] == "" and found == most + 1:
                fields, found = fields[:-1], found - 1
            if not shape.fields <= found <= most:
                raise Refused(
                    Reason.DECODE, f"the line has {found} fields, not {_between(shape.fields, most)}"
                )
            return fields, []
        rest = found - most
        if rest > 0 and (rest - 1) % size == 0 and fields[-1] == "":
            fields, rest = fields[:-1], rest - 1
        if rest < 0 or rest % size:
            raise Refused(Reason.DECODE, f"{found} fields are not {most} and blocks of {size}")
        blocks = [fields[n : n + size] for n in range(most, most + rest, size)]
        if shape.count is not None and fields[shape.count] not in (f"{len(blocks)}", f"{len(blocks):02d}"):
            words = f'{len(blocks)} blocks, where the line says "{fields[shape.count][:10]}"'
            raise Refused(Reason.DECODE, words)
        return fields[:most], blocks

    def _channel(self, place: _Place, head: list[str], blocks: list[list[str]]) -> float | Flag | None:
        match, fields = place.spec.match, head
        own: list[str] = []
        if match is not None:
            fitting = _blocks_of(place, blocks)
            if not fitting:
                return None
            if len(fitting) > 1:
                return Flag(place.name, Reason.DECODE)  # two claim to be it
            fields = own = fitting[0]
        elif place.spec.field >= len(head):
            return None
        reading = _reading(place, fields, self.profile.line.decimal)
        if isinstance(reading, Flag) and reading.reason == Reason.DECODE:
            return reading
        if any(_speaks(status, place.name, head, own) for status in self.profile.status):
            value = reading.value if isinstance(reading, Flag) else reading
            return Flag(place.name, Reason.DEVICE_STATUS, value)
        return reading

    def _time(self, head: Sequence[str]) -> tuple[int | None, str | None]:
        rule = self.profile.time
        if rule is None:
            return None, None
        text = " ".join(head[n] for n in rule.fields if n < len(head))
        try:
            moment = datetime.strptime(text, rule.format).replace(tzinfo=self._zone)
            return round(moment.timestamp()) * SECOND_NS, None
        except (ValueError, OverflowError):
            return None, f'"{text[:40]}" is no time'


class LineReceiver:
    """Cuts a stream into lines and decodes them; see Receiver.

    A stream that was joined midway gives nothing before the first terminator.
    """

    pause_s = 1.0

    def __init__(self, instrument: str, profile: LineProfile, zone: str = "UTC") -> None:
        self.layout = Layout(instrument, tuple(profile.channels))
        self.kind = profile.kind
        self.silence_s = profile.link.silence_s
        self.decoder = LineDecoder(profile, zone)
        own = profile.line.terminator
        self._end = _NEWLINE if own is None else re.compile(re.escape(own.encode("latin-1")))
        self._max = profile.line.max_length
        self._buffer = b""
        self._synced = False

    def take(self, data: bytes) -> list[tuple[bytes, int]]:
        """Whole lines, each with the number of bytes after its terminator; empty lines are none."""
        self._buffer += data
        found: list[tuple[bytes, int]] = []
        start = 0
        for end in self._end.finditer(self._buffer):
            line = self._buffer[start : end.start()]
            start = end.end()
            if self._synced and line.strip():
                found.append((line[: self._max + 1], len(self._buffer) - start))
            self._synced = True
        self._buffer = self._buffer[start:]
        if len(self._buffer) > self._max:
            self._buffer, self._synced = self._buffer[-8:], False  # no line is as long: wait for its end
        return found

    def idle(self) -> bool:
        """Forgets a line that was begun and never ended; True when there was one."""
        torn = bool(self._buffer.strip())
        self._buffer, self._synced = b"", True
        return torn

    def reset(self, *, synced: bool) -> None:
        """Forgets everything; synced: the next byte starts a line."""
        self._buffer, self._synced = b"", synced

    def has_line(self, came: bytes, echo: bytes) -> bool:
        """True when a whole line stands in what came, other than empty ones and an echo."""
        start = 0
        for end in self._end.finditer(came):
            line = came[start : end.start()].strip()
            if line and line != echo.strip():
                return True
            start = end.end()
        return False

    def decode(self, message: bytes) -> Received | None:
        """The readings of one line; see LineDecoder.decode."""
        if len(message) > self._max:
            raise Refused(Reason.DECODE, f"a line longer than {self._max} bytes")
        return self.decoder.decode(message)


def checksum(rule: str, data: bytes) -> str:
    """The checksum of a line in upper-case hexadecimal: sum8, sum16 (of its bytes) or xor8."""
    if rule == "xor8":
        total = 0
        for byte in data:
            total ^= byte
        return f"{total:02X}"
    return f"{sum(data) & 0xFFFF:04X}" if rule == "sum16" else f"{sum(data) & 0xFF:02X}"


def _checked(body: str, rule: LineChecksum, start: str, delimiter: str) -> str:
    """The line without its checksum; Refused when it is wrong or missing."""
    if rule.closed:
        if not body.rstrip(" ").endswith(delimiter):
            raise Refused(Reason.CRC, "the line breaks off before its end")
        body = body.rstrip(" ")[: -len(delimiter)]
    mark = rule.mark or delimiter
    data, found, given = body.rpartition(mark)
    if not found:
        raise Refused(Reason.CRC, "the line has no checksum")
    covered = (start if rule.covers_start else "") + data + (mark if rule.covers_mark else "")
    right = checksum(rule.rule, covered.encode("latin-1"))
    if given.strip().upper() != right:
        raise Refused(Reason.CRC, f'the checksum is "{given.strip()[:8]}", not {right}')
    return data


def _place(name: str, spec: LineChannel) -> _Place:
    channel = CHANNELS[name]
    low, high = spec.range or (channel.low, channel.high)
    by_unit = {text.casefold(): conversion(unit, channel.unit) for text, unit in spec.units.items()}
    wanted = frozenset(text.strip().casefold() for text in spec.match.text) if spec.match else frozenset()
    return _Place(name, spec, conversion(spec.unit or channel.unit, channel.unit), by_unit, wanted, low, high)


def _blocks_of(place: _Place, blocks: list[list[str]]) -> list[list[str]]:
    """The blocks that claim to be this channel's."""
    match = place.spec.match
    return [b for b in blocks if match is not None and b[match.field].casefold() in place.wanted]


def _reading(place: _Place, fields: Sequence[str], decimal: str) -> float | Flag:
    spec = place.spec
    text = fields[spec.field]
    if text in spec.sentinel:
        return Flag(place.name, Reason.SENTINEL)
    match = _NUMBER.fullmatch(text.replace(",", ".") if decimal == "," else text)
    if match is None:
        return Flag(place.name, Reason.DECODE)
    number, after = float(match.group(1)), match.group(2)
    unit = after if spec.unit_field is None else fields[spec.unit_field]
    if spec.unit_field is not None and after is not None:
        return Flag(place.name, Reason.DECODE)
    convert = place.by_unit.get((unit or "").casefold()) if spec.units else place.convert
    if convert is None or (not spec.units and unit):
        return Flag(place.name, Reason.DECODE)
    value = convert(number * spec.scale + spec.offset)
    if not math.isfinite(value):
        return Flag(place.name, Reason.DECODE)
    top = math.inf
    if spec.span_field is not None:
        span = _SPAN.fullmatch(fields[spec.span_field])
        of_span = place.by_unit.get(span.group(2).casefold()) if span is not None else None
        if span is None or of_span is None:
            return Flag(place.name, Reason.DECODE)
        top = of_span(float(span.group(1)) * spec.scale + spec.offset)
    if not (place.low <= value <= min(place.high, top) and CHANNELS[place.name].in_range(value)):
        return Flag(place.name, Reason.OUT_OF_RANGE, value)
    return value


def _speaks(status: LineStatus, name: str, head: Sequence[str], block: Sequence[str]) -> bool:
    """True when a status field says that this channel's reading is not one."""
    if status.channels and name not in status.channels:
        return False
    fields = block if status.block else head
    text = fields[status.field] if status.field < len(fields) else ""
    if status.required and not text.strip():
        return True
    return any(sign not in status.allowed and not sign.isspace() for sign in text)


def _between(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"
