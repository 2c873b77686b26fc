"""Profiles of Modbus models: where each number stands, and the limits of a request."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from drivers._profile_common import (
    Baud,
    ChannelSpec,
    Common,
    Expectation,
    Frame,
    Hex,
    Range,
    ResponseTime,
    Strict,
    Unit,
)

Table = Literal["input", "holding", "coil", "discrete"]
NumberType = Literal["u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64"]
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]
StandardText = Literal[  # objects 0 to 6 of function 43/14, in that order
    "vendor",
    "product_code",
    "revision",
    "vendor_url",
    "product_name",
    "model_name",
    "user_application",
]
DeviceText = Literal[StandardText, "server_id"]


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"this is no regular expression: {error}.") from None
    return text


Expression = Annotated[str, Field(min_length=1), AfterValidator(_expression)]


class Register(Strict):
    """One number in the register image; address counts from 0 as on the wire."""

    table: Table | None = None
    address: int = Field(ge=0, le=65535)
    type: NumberType = "u16"
    order: Order = "ABCD"
    mask: int | None = Field(default=None, ge=1)


class Part(Register):
    """A further register added to a channel (fraction of a total), with its own scale."""

    scale: float = 1.0


class UnitCode(Register):
    """A register that says in which unit the value is; a code not listed is flagged decode."""

    codes: dict[int, Unit]


class Exponent(Register):
    """A register that moves the decimal point: value · 10^(sign · raw + offset)."""

    sign: Literal[1, -1] = 1
    offset: int = 0


class ModbusChannel(ChannelSpec):
    """Where a channel stands: (Σ raw·scale + offset), moved by `exponent`, in `unit` or `unit_code`.

    sentinel: raw integers (the bit pattern for floats) that mean "no value".
    """

    table: Table
    address: int = Field(ge=0, le=65535)
    type: NumberType
    order: Order = "ABCD"
    mask: int | None = Field(default=None, ge=1)
    sentinel: tuple[int, ...] = ()
    add: tuple[Part, ...] = ()
    exponent: Exponent | None = None
    unit_code: UnitCode | None = None


class Status(Register):
    """A register that makes readings doubtful: outside `good` (after mask) they are flagged device_status."""

    good: Range
    channels: tuple[str, ...] = ()
    text: str = Field(min_length=1)


class ReadableRange(Strict):
    """Registers that may be read, gaps included: [first, last]."""

    table: Table
    first: int = Field(ge=0, le=65535)
    last: int = Field(ge=0, le=65535)


class ModbusLink(Strict):
    """Line defaults (the first of each list is tried first) and the limits of one request.

    multiple: a request's number of registers is a multiple of this (some meters refuse odd numbers).
    max_gap: unused registers that may be read through to join two blocks.
    late_guard_ms: how long after a timeout an answer may still come.
    pause_ms: silence this model wants before the next request. any_address: one at which any instrument of
    this model answers while it is alone on the line.
    """

    baud: tuple[Baud, ...] = Field(default=(9600,), min_length=1)
    frame: tuple[Frame, ...] = Field(default=("8N1",), min_length=1)
    max_registers: int = Field(default=125, ge=1, le=125)
    multiple: int = Field(default=1, ge=1, le=4)
    max_gap: int = Field(default=16, ge=0)
    readable: tuple[ReadableRange, ...] = ()
    response_ms: ResponseTime = ResponseTime()
    late_guard_ms: int = Field(default=2000, ge=0)
    pause_ms: int = Field(default=0, ge=0)
    any_address: int | None = Field(default=None, ge=248, le=255)


class Identify(Register):
    """A register by which the model is known: its value lies in `range` or is one of `values`."""

    range: Range | None = None
    values: tuple[int, ...] = ()


class Transaction(Strict):
    """One request and its answer on the wire, CRC included."""

    request: Hex
    answer: Hex


class ModbusTest(Expectation):
    """Golden frames; channels whose registers they hold are decoded and compared (relative 1e-6)."""

    frames: tuple[Transaction, ...] = Field(min_length=1)


class ModbusProfile(Common):
    """A Modbus model.

    identify: registers by which it is known. device_id: what it says of itself by function 43/14 or 17, as
    regular expressions that the whole text matches, capitals or not; a device that tells nothing is not
    doubted for it.
    """

    protocol: Literal["modbus"]
    link: ModbusLink = ModbusLink()
    identify: tuple[Identify, ...] = ()
    device_id: dict[DeviceText, Expression] = Field(default_factory=dict)
    channels: dict[str, ModbusChannel] = Field(min_length=1)
    status: tuple[Status, ...] = ()
    tests: tuple[ModbusTest, ...] = Field(min_length=1)
