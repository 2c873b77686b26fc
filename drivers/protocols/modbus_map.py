"""A Modbus profile made ready to read: spans, decoding with units, sentinels, ranges and status, pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dodac.quantities import CHANNELS, Kind
from dodac.samples import Flag, Reason
from dodac.units import Conversion, conversion
from drivers.profile import ModbusChannel, ModbusProfile, Register, Status, Table, unit_of
from drivers.protocols import modbus_values
from drivers.protocols.planner import Block, Limits, Span, plan

Image = Mapping[tuple[Table, int], int]
"""What was read: (table, address) → 16-bit register, or 0/1 for coils and discrete inputs."""

_SMALLEST_NORMAL_F32: Final = 2.0**-126
_SMALLEST_COUNT: Final = 1e-20
"""Whole numbers up to 500 million read as floats lie below it, and no counter does."""
_CURRENT: Final = ("current",)
_VOLTAGE: Final = ("voltage",)
_BOTH: Final = ("power", "apparent power", "reactive power", "energy", "reactive energy", "apparent energy")


@dataclass(frozen=True, slots=True)
class Ratios:
    """CT and VT ratios of the installation: primary over secondary."""

    ct: float = 1.0
    vt: float = 1.0

    @classmethod
    def stated(cls, ct: str | None, vt: str | None) -> Ratios:
        """Of ratios as the site file writes them ("400/5"); None is no transformer."""
        return cls(_quotient(ct), _quotient(vt))

    def of(self, quantity: str) -> float:
        """What turns a secondary value of that quantity into a primary one."""
        if quantity in _CURRENT:
            return self.ct
        if quantity in _VOLTAGE:
            return self.vt
        return self.ct * self.vt if quantity in _BOTH else 1.0


@dataclass(frozen=True, slots=True)
class Mapped:
    """One channel: its spec, what it needs, and how raw becomes canonical."""

    name: str
    spec: ModbusChannel
    spans: tuple[Span, ...]
    convert: Conversion
    by_code: Mapping[int, Conversion]
    status: tuple[Status, ...]
    ratio: float
    low: float
    high: float
    least: float


class ModbusMap:
    """All channels of a profile for one installed instrument."""

    def __init__(self, profile: ModbusProfile, ratios: Ratios | None = None) -> None:
        self.profile = profile
        ratios = ratios or Ratios()
        self.channels: dict[str, Mapped] = {
            name: _mapped(name, spec, profile, ratios) for name, spec in profile.channels.items()
        }
        self.limits = Limits(
            max_registers=profile.link.max_registers,
            max_gap=profile.link.max_gap,
            readable=tuple(Block(r.table, r.first, r.last - r.first + 1) for r in profile.link.readable),
            multiple=profile.link.multiple,
        )

    def spans(self, names: Iterable[str]) -> set[Span]:
        """Every run of registers these channels need."""
        return {span for name in names for span in self.channels[name].spans}

    def status_apart(self, names: Iterable[str]) -> set[Span]:
        """Status registers that can't be read in one request with the numbers they speak for."""
        names = list(names)
        found: set[Span] = set()
        if not self.profile.status:
            return found
        blocks = plan(self.spans(names), self.limits)
        for mapped in (self.channels[name] for name in names):
            states = {place(status, mapped.spec.table) for status in mapped.status}
            for block in blocks:
                inside = {span for span in mapped.spans if block.holds(span)}
                # numbers beside one status and apart from another need that other one again
                if inside - states:
                    found |= states - inside
        return found

    def decode(self, image: Image, names: Iterable[str]) -> tuple[dict[str, float], list[Flag]]:
        """Good values and flags of the channels whose registers are all in the image."""
        values: dict[str, float] = {}
        flags: list[Flag] = []
        for name in names:
            mapped = self.channels[name]
            if not all(_has(image, span) for span in mapped.spans):
                continue
            value, reason = _channel(image, mapped)
            if reason is None:
                values[name] = value
            else:
                flags.append(Flag(name, reason, value if math.isfinite(value) else None))
        return values, flags


def _quotient(text: str | None) -> float:
    primary, _, secondary = (text or "1/1").partition("/")
    return float(primary) / float(secondary)


def place(register: Register | ModbusChannel, table: Table) -> Span:
    """The registers a number stands in."""
    where: Table = register.table or table
    return Block(where, register.address, modbus_values.WORDS[register.type])


def _mapped(name: str, spec: ModbusChannel, profile: ModbusProfile, ratios: Ratios) -> Mapped:
    canonical = CHANNELS[name]
    status = tuple(s for s in profile.status if not s.channels or name in s.channels)
    others: list[Register] = [*spec.add, *status]
    others += [r for r in (spec.exponent, spec.unit_code) if r is not None]
    spans = {place(spec, spec.table), *(place(r, spec.table) for r in others)}
    # a total in two numbers must come out of one request, or a carry between the two is lost
    if spec.add and all((part.table or spec.table) == spec.table for part in spec.add):
        parts = [place(spec, spec.table), *(place(part, spec.table) for part in spec.add)]
        first, last = min(p.address for p in parts), max(p.end for p in parts)
        spans = (spans - set(parts)) | {Block(spec.table, first, last - first)}
    low, high = spec.range or (canonical.low, canonical.high)
    return Mapped(
        name=name,
        spec=spec,
        spans=tuple(sorted(spans, key=lambda s: (s.table, s.address, s.count))),
        convert=conversion(unit_of(name, spec), canonical.unit),
        by_code={
            code: conversion(unit, canonical.unit)
            for code, unit in (spec.unit_code.codes if spec.unit_code else {}).items()
        },
        status=status,
        ratio=ratios.of(canonical.quantity) if spec.side == "secondary" else 1.0,
        low=low,
        high=high,
        least=_SMALLEST_COUNT if canonical.kind is Kind.COUNTER else _SMALLEST_NORMAL_F32,
    )


def _has(image: Image, span: Span) -> bool:
    return all((span.table, address) in image for address in range(span.address, span.end))


def _data(image: Image, register: Register | ModbusChannel, table: Table) -> bytes:
    span = place(register, table)
    return b"".join(image[span.table, a].to_bytes(2, "big") for a in range(span.address, span.end))


def number(image: Image, register: Register | ModbusChannel, table: Table) -> float:
    """The number a register holds, masked and shifted down where the profile says so."""
    value = modbus_values.decode(_data(image, register, table), register.type, register.order)
    if register.mask is not None:
        shift = (register.mask & -register.mask).bit_length() - 1
        return (int(value) & register.mask) >> shift
    return value


def raw_hex(image: Image, mapped: Mapped) -> str:
    """The bytes of a channel's own registers, for people."""
    if not _has(image, place(mapped.spec, mapped.spec.table)):
        return ""
    return _data(image, mapped.spec, mapped.spec.table).hex(" ")


def _channel(image: Image, mapped: Mapped) -> tuple[float, Reason | None]:
    spec = mapped.spec
    raw = number(image, spec, spec.table)
    pattern = modbus_values.bits(_data(image, spec, spec.table), spec.order)
    if pattern in spec.sentinel or not math.isfinite(raw):
        return raw, Reason.SENTINEL
    if spec.type == "f32" and 0 < abs(raw) < mapped.least:
        # no instrument measures 1e-41: the words of the float came in another order
        return raw, Reason.DECODE
    total = raw * spec.scale
    for part in spec.add:
        addend = number(image, part, spec.table)
        if not math.isfinite(addend):
            return raw, Reason.SENTINEL
        total += addend * part.scale
    if spec.exponent is not None:
        power = number(image, spec.exponent, spec.table)
        places = spec.exponent.sign * int(power) + spec.exponent.offset
        if not -12 <= places <= 12:
            return raw, Reason.DECODE
        # dividing by a whole power of ten keeps 2029 / 100 = 20.29 exact to the last digit
        total = total * 10**places if places >= 0 else total / 10**-places
    total += spec.offset
    convert = mapped.convert
    if spec.unit_code is not None:
        code = int(number(image, spec.unit_code, spec.table))
        if code not in mapped.by_code:
            return raw, Reason.DECODE
        convert = mapped.by_code[code]
    value = convert(total) * mapped.ratio
    for status in mapped.status:
        if not status.good[0] <= number(image, status, spec.table) <= status.good[1]:
            return value, Reason.DEVICE_STATUS
    if not (math.isfinite(value) and mapped.low <= value <= mapped.high):
        return value, Reason.OUT_OF_RANGE
    return value, None
