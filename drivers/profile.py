"""Profiles: how one model of instrument is read, as checked data (pydantic, strict)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from dodac.quantities import CHANNELS, Kind, Measurement
from dodac.samples import Reason
from dodac.units import canonical_unit


def _hex(text: str) -> str:
    bytes.fromhex(text)
    return text


def _known_unit(text: str) -> str:
    return canonical_unit(text)


Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]
Hex = Annotated[str, AfterValidator(_hex)]
Unit = Annotated[str, AfterValidator(_known_unit)]
Range = tuple[float, float]
Baud = Annotated[int, Field(ge=50, le=4_000_000)]
Frame = Literal["8N1", "8N2", "8E1", "8O1", "7E1", "7O1"]
Table = Literal["input", "holding", "coil", "discrete"]
NumberType = Literal["u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64"]
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]


class Strict(BaseModel):
    """Unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, str_strip_whitespace=True)


# ---- what every protocol's profile has


class Evidence(Strict):
    """How sure the map is: its sources, and whether real hardware was read with it."""

    map: tuple[str, ...] = Field(min_length=1)
    hardware: str = "not tried"


class Caveat(Strict):
    """What bites, and who says so."""

    text: str = Field(min_length=1)
    source: str = Field(min_length=1)


class Metrology(Strict):
    """The accuracy of one channel as its standard or maker states it."""

    standard: str = ""
    accuracy_class: str = Field(default="", alias="class")
    text: str = ""


class ResponseTime(Strict):
    """Milliseconds from the end of the request to the start of the answer."""

    typical: int = Field(default=30, ge=0)
    max: int = Field(default=1000, ge=1)


class ChannelSpec(Strict):
    """What channels of every protocol share.

    unit: the unit on the wire after scale and offset; default is the channel's canonical unit.
    range: what this model can show, in the canonical unit; outside it a reading is flagged.
    resolution: the smallest step, canonical unit. every: slow channels are read once a minute.
    """

    unit: Unit | None = None
    scale: float = 1.0
    offset: float = 0.0
    range: Range | None = None
    kind: Kind | None = None
    resolution: float | None = Field(default=None, gt=0)
    every: Literal["fast", "slow"] = "fast"
    side: Literal["primary", "secondary"] = "primary"


class Expectation(Strict):
    """What a test must give: good values by channel, and reasons of flagged ones."""

    expect: dict[str, float] = Field(default_factory=dict)
    flags: dict[str, Reason] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.expect and not self.flags:
            raise ValueError("a test expects at least one value or flag.")
        return self


class _Base(Strict):
    id: Id
    maker: str = Field(min_length=1)
    models: tuple[str, ...] = Field(min_length=1)
    kind: Measurement
    summary: str = ""
    evidence: Evidence
    metrology: dict[str, Metrology] = Field(default_factory=dict)
    caveats: tuple[Caveat, ...] = ()


# ---- Modbus


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

    max_gap: unused registers that may be read through to join two blocks.
    late_guard_ms: how long after a timeout an answer may still come.
    pause_ms: silence this model wants before the next request.
    """

    baud: tuple[Baud, ...] = Field(default=(9600,), min_length=1)
    frame: tuple[Frame, ...] = Field(default=("8N1",), min_length=1)
    max_registers: int = Field(default=125, ge=1, le=125)
    max_gap: int = Field(default=16, ge=0)
    readable: tuple[ReadableRange, ...] = ()
    response_ms: ResponseTime = ResponseTime()
    late_guard_ms: int = Field(default=2000, ge=0)
    pause_ms: int = Field(default=0, ge=0)


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


class ModbusProfile(_Base):
    """A Modbus model."""

    protocol: Literal["modbus"]
    link: ModbusLink = ModbusLink()
    identify: tuple[Identify, ...] = ()
    channels: dict[str, ModbusChannel] = Field(min_length=1)
    status: tuple[Status, ...] = ()
    tests: tuple[ModbusTest, ...] = Field(min_length=1)


# ---- wired M-Bus


class MbusLink(Strict):
    """Line defaults of an M-Bus slave."""

    baud: tuple[Baud, ...] = Field(default=(2400,), min_length=1)
    frame: tuple[Frame, ...] = Field(default=("8E1",), min_length=1)
    response_ms: ResponseTime = ResponseTime()
    late_guard_ms: int = Field(default=2000, ge=0)
    max_telegrams: int = Field(default=8, ge=1)


class MbusIdentify(Strict):
    """The fixed header by which the model is known."""

    manufacturer: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    versions: tuple[int, ...] = ()
    media: tuple[int, ...] = ()


class MbusMatch(Strict):
    """Which record of the answer a channel is.

    quantity: M-Bus quantity by name (volume, energy, …). occurrence: the n-th record that fits, from 0.
    """

    quantity: str = Field(min_length=1)
    function: Literal["instantaneous", "maximum", "minimum", "error"] = "instantaneous"
    storage: int = Field(default=0, ge=0)
    tariff: int = Field(default=0, ge=0)
    subunit: int = Field(default=0, ge=0)
    unit: str | None = None
    occurrence: int = Field(default=0, ge=0)


class MbusChannel(ChannelSpec):
    """A channel found by matching a record; the record's own VIF gives the unit."""

    match: MbusMatch


class MbusTest(Expectation):
    """Golden telegrams (RSP_UD, complete frames) in the order they come."""

    telegrams: tuple[Hex, ...] = Field(min_length=1)


class MbusProfile(_Base):
    """A wired M-Bus model."""

    protocol: Literal["mbus"]
    link: MbusLink = MbusLink()
    identify: MbusIdentify = MbusIdentify()
    channels: dict[str, MbusChannel] = Field(min_length=1)
    tests: tuple[MbusTest, ...] = Field(min_length=1)


# ---- MQTT JSON


class MqttJsonChannel(ChannelSpec):
    """A channel by its path in the JSON payload, as in "ENERGY.Total" or "emeters.0.power"."""

    path: str = Field(min_length=1)
    sentinel: tuple[float, ...] = ()


class MqttTime(Strict):
    """Where the payload says its time.

    format: iso (with offset), iso_local (the site's zone), unix_s or unix_ms.
    max_skew_s: beyond it from our own clock the device's time is not believed.
    """

    path: str = Field(min_length=1)
    format: Literal["iso", "iso_local", "unix_s", "unix_ms"] = "iso"
    max_skew_s: float = Field(default=300.0, gt=0)


class MqttLink(Strict):
    """silence_s: without a message for so long the instrument is in fault."""

    silence_s: float = Field(default=300.0, gt=0)


class MqttTest(Expectation):
    """A golden message; time is ISO 8601 when the payload carries one."""

    payload: str = Field(min_length=1)
    topic: str | None = None
    time: str | None = None


class MqttJsonProfile(_Base):
    """A model that publishes JSON.

    topic: template; "{address}" stands for the instrument's address in the site file.
    overlay: payloads are partial and laid over the last state.
    """

    protocol: Literal["mqtt_json"]
    topic: str = Field(min_length=1)
    time: MqttTime | None = None
    link: MqttLink = MqttLink()
    overlay: bool = False
    channels: dict[str, MqttJsonChannel] = Field(min_length=1)
    tests: tuple[MqttTest, ...] = Field(min_length=1)


Profile = ModbusProfile | MbusProfile | MqttJsonProfile
PROTOCOLS: dict[str, type[ModbusProfile | MbusProfile | MqttJsonProfile]] = {
    "modbus": ModbusProfile,
    "mbus": MbusProfile,
    "mqtt_json": MqttJsonProfile,
}
ADAPTER: TypeAdapter[Profile] = TypeAdapter(Annotated[Profile, Field(discriminator="protocol")])


def unit_of(name: str, spec: ChannelSpec) -> str:
    """The unit on the wire: the spec's, or the channel's canonical one."""
    return spec.unit or CHANNELS[name].unit


def as_json_schema() -> dict[str, Any]:
    """The JSON Schema of a profile."""
    return ADAPTER.json_schema()
