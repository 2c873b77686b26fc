"""Payloads decoded by the description in their profile: one decoder for many models; pure."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dodac.clock import SECOND_NS
from dodac.samples import Reason
from drivers._profile_payload import (
    Block,
    Blocks,
    Condition,
    Form,
    Groups,
    Order,
    PayloadField,
    PayloadTime,
    Records,
    Step,
    size_of,
)
from drivers.protocols.lorawan_points import Point
from drivers.protocols.message import MqttRefusal

_NO_TIMES: Final = (0, 0xFFFF_FFFF)
_REMEMBERED: Final = 1024  # keys whose block is remembered
_Known = dict[bytes, tuple[str, Block | None]]


@dataclass(slots=True)
class _Moment:
    """What one moment says so far; keys: which block gave a field."""

    values: dict[str, float] = field(default_factory=dict)
    faults: dict[str, Reason] = field(default_factory=dict)
    keys: dict[str, bytes] = field(default_factory=dict)


class PayloadDecoder:
    """Decodes the payloads of one profile: the first form that fits a message says what it means."""

    def __init__(self, forms: Sequence[Form]) -> None:
        self._forms = forms
        self._known: list[_Known] = [{} for _ in forms]

    def decode(self, data: bytes, port: int) -> tuple[tuple[Point, ...], str]:
        """Stored moments by their time, then what is measured now; and where it could not be read on.

        No moment for a port that no form has, or a message without readings. Raises MqttRefusal for one
        that no form of its port fits, or that ends before anything of it could be read.
        """
        strange = True
        for form, known in zip(self._forms, self._known, strict=True):
            if form.ports and port not in form.ports:
                continue
            strange = False
            if _fits(form, data):
                reading = _Reading(form, data, known)
                return reading.points(), reading.unread
        if strange:
            return (), ""
        head = data[:4].hex() or "nothing"
        raise MqttRefusal(f"no message of this model has {len(data)} bytes from {head} on port {port}")


def _is_in(pattern: str, digit: str) -> bool:
    return pattern in (".", digit)


def _fits(form: Form, data: bytes) -> bool:
    least, most = form.length if isinstance(form.length, tuple) else (form.length, form.length)
    if least is not None and most is not None and not least <= len(data) <= most:
        return False
    return data.startswith(bytes.fromhex(form.starts)) and _holds(form.where, data)


def _holds(conditions: Sequence[Condition], data: bytes) -> bool:
    return all(c.at < len(data) and data[c.at] & c.mask in c.one_of for c in conditions)


class _Reading:
    """One message while it is read."""

    def __init__(self, form: Form, data: bytes, known: _Known) -> None:
        self._form = form
        self._known = known
        self._data = data
        self._moments: dict[int | None, _Moment] = {}
        self.unread = ""

    def points(self) -> tuple[Point, ...]:
        form = self._form
        self._fields(form.fields, self._data, None)
        if form.blocks is not None:
            self._blocks(form.blocks)
        if form.groups is not None:
            self._groups(form.groups)
        if form.records is not None:
            self._records(form.records)
        found = [
            Point(moment.values, moment.faults, time_ns)
            for time_ns, moment in self._moments.items()
            if moment.values or moment.faults
        ]
        return tuple(sorted(found, key=lambda p: math.inf if p.time_ns is None else p.time_ns))

    def _blocks(self, blocks: Blocks) -> None:
        place, now, width = blocks.start, None, blocks.key_bytes
        if place >= len(self._data):
            raise MqttRefusal(f"cut short: {len(self._data)} bytes")
        while place < len(self._data):
            key = self._data[place : place + width]
            pattern, block = self._block(blocks.keys, key)
            value = self._data[place + width :]
            if block is not None and isinstance(block.length, int):
                value = value[: block.length]
            short = block is not None and isinstance(block.length, int) and len(value) < block.length
            if block is None or short:
                wrong = "is cut short" if short or len(key) < width else "is not known"
                if place == blocks.start:
                    raise MqttRefusal(f"the block at byte {place} ({key.hex()}) {wrong}")
                # what stands before it can be used
                self.unread = f"a payload was read up to the block {key.hex()}, which {wrong}"
                return
            if block.end:
                return
            place += width + len(value)
            time_ns = _time(block.time, value, self._form.order) if block.time is not None else now
            if block.time is not None and not block.fields:
                now = time_ns
            elif block.time is None or time_ns is not None:
                self._fields(block.fields, value, time_ns, key=key if "." in pattern else None)

    def _block(self, keys: Mapping[str, Block], key: bytes) -> tuple[str, Block | None]:
        """The block of a key: one that says it exactly, else the first pattern that fits."""
        found = self._known.get(key)
        if found is None:
            word = key.hex()
            fitting = (p for p in keys if len(p) == len(word) and all(map(_is_in, p, word)))
            pattern = word if word in keys else next(fitting, word)
            found = pattern, keys.get(pattern)
            if len(self._known) < _REMEMBERED:
                self._known[key] = found
        return found

    def _groups(self, groups: Groups) -> None:
        if len(self._data) < groups.start:
            raise MqttRefusal(f"cut short: {len(self._data)} bytes")
        flags = int.from_bytes(self._data[groups.flags_at : groups.flags_at + 2], "big")
        if flags >> len(groups.groups):
            # they stand behind those that are known
            self.unread = f"a payload has groups that the profile does not know (flags {flags:04x})"
        place = groups.start
        for number, group in enumerate(groups.groups):
            if not flags >> number & 1:
                continue
            words = self._data[place : place + 2 * group.words]
            place += len(words)
            if len(words) < 2 * group.words:
                if self._moments:
                    self.unread = "a payload ends before all its groups"
                    return
                raise MqttRefusal(f"cut short: {len(self._data)} bytes")
            self._fields(group.fields, words, None)

    def _records(self, records: Records) -> None:
        rest = self._data[records.start :]
        whole = len(rest) // records.length * records.length
        if not whole and not self._moments:
            raise MqttRefusal("no whole record is in it")
        if len(rest) > whole:
            self.unread = "a payload ends inside a stored record"
        for place in range(0, whole, records.length):
            record = rest[place : place + records.length]
            time_ns = _time(records.time, record, self._form.order)
            if time_ns is not None:
                self._fields(records.fields, record, time_ns)

    def _fields(
        self,
        fields: Mapping[str, PayloadField],
        data: bytes,
        time_ns: int | None,
        *,
        key: bytes | None = None,
    ) -> None:
        """Reads fields into the moment; key: the block's own, where its pattern stands for several."""
        for name, spec in fields.items():
            if not _holds(spec.where, data):
                continue
            end = spec.at + size_of(spec.type)
            if end > len(data):
                if spec.optional:
                    continue
                raise MqttRefusal(f"cut short: {len(data)} bytes, {name} ends at byte {end}")
            moment = self._moments.setdefault(time_ns, _Moment())
            read = _number(spec, data[spec.at : end], spec.order or self._form.order)
            value = _value(spec, read)
            other = key is not None and moment.keys.setdefault(name, key) != key
            if other and moment.values.get(name) != value:
                # two sensors behind one name: nobody can tell which is meant
                moment.faults[name] = Reason.CONFLICT
                continue
            moment.faults.pop(name, None)
            moment.values.pop(name, None)
            if read in spec.sentinel:
                moment.faults[name] = Reason.SENTINEL
                moment.values[name] = float(read)
            elif value is None:
                moment.faults[name] = Reason.DECODE
            else:
                moment.values[name] = value
                if spec.faulty and _holds(spec.faulty, data):
                    moment.faults[name] = Reason.DEVICE_STATUS


def _time(spec: PayloadTime, data: bytes, order: Order) -> int | None:
    if spec.at + 4 > len(data):
        raise MqttRefusal("cut short before its time")
    seconds = _whole(data[spec.at : spec.at + 4], spec.order or order)
    return None if seconds in _NO_TIMES else seconds * SECOND_NS


def _whole(data: bytes, order: Order) -> int:
    if order == "low_word_first":
        data = b"".join(data[at : at + 2] for at in range(len(data) - 2, -1, -2))
    return int.from_bytes(data, "little" if order == "little" else "big")


def _number(spec: PayloadField, data: bytes, order: Order) -> int | float:
    if spec.type[0] == "f":
        sign = "<" if order == "little" else ">"
        (real,) = struct.unpack(f"{sign}{'f' if len(data) == 4 else 'd'}", data)
        return float(real)
    number = _whole(data, order)
    bits = 8 * len(data)
    if spec.mask is not None:
        low = (spec.mask & -spec.mask).bit_length() - 1
        number, bits = (number & spec.mask) >> low, (spec.mask >> low).bit_length()
    if spec.type[0] == "i":
        number -= number >> (bits - 1) << bits
    return number


def _value(spec: PayloadField, read: float) -> float | None:
    """The formula's result; None where it has none."""
    value = read - spec.minus
    parts = 1 / spec.scale if spec.scale else 0
    # a tenth is no binary fraction: dividing by ten gives the nearest number, multiplying does not
    value = value / round(parts) if parts and math.isclose(parts, round(parts)) else value * spec.scale
    value += spec.offset
    try:
        for step in spec.steps:
            value = _step(step, value)
    except (ArithmeticError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _step(step: Step, x: float) -> float:
    if step.times is not None:
        return x * step.times
    if step.per is not None:
        return x / step.per
    if step.plus is not None:
        return x + step.plus
    if step.over is not None:
        return step.over / x
    if step.divider is not None:
        return step.divider * x / (1 - x)
    if step.polynomial is not None:
        return math.fsum(a * x**n for n, a in enumerate(step.polynomial))
    a, b, c = step.steinhart or (1.0, 0.0, 0.0)
    ln = math.log(x)
    return 1 / (a + b * ln + c * ln**3) - 273.15
