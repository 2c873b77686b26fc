"""What every protocol's profile has."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from dodac.clock import parse_time_ns
from dodac.quantities import Kind, Measurement
from dodac.samples import Reason
from dodac.units import canonical_unit


def _hex(text: str) -> str:
    bytes.fromhex(text)
    return text


def _known_unit(text: str) -> str:
    return canonical_unit(text)


def _a_time(text: str) -> str:
    try:
        parse_time_ns(text, "UTC")
    except (ValueError, OverflowError):
        raise ValueError("a time is written like 2026-11-22T06:00:00+07:00.") from None
    return text


Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]
Hex = Annotated[str, AfterValidator(_hex)]
Unit = Annotated[str, AfterValidator(_known_unit)]
Time = Annotated[str, AfterValidator(_a_time)]
Range = tuple[float, float]
Baud = Annotated[int, Field(ge=50, le=4_000_000)]
Frame = Literal["8N1", "8N2", "8E1", "8O1", "7E1", "7O1"]


class Strict(BaseModel):
    """Unknown keys and wrong types are refused."""

    # a site uses few of the protocols: a model's validator is made when it is first wanted
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, str_strip_whitespace=True, defer_build=True,
        allow_inf_nan=False,
    )  # fmt: skip


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
    rollover: where a counter begins again from 0, canonical unit; an integer register says it by its width.
    """

    unit: Unit | None = None
    scale: float = 1.0
    offset: float = 0.0
    range: Range | None = None
    kind: Kind | None = None
    resolution: float | None = Field(default=None, gt=0)
    rollover: float | None = Field(default=None, gt=0)
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


class Common(Strict):
    """Who made it, what it measures, how sure we are, and what bites.

    accuracy: of the instrument as a whole, and who says so; metrology: of single channels.
    """

    id: Id
    maker: str = Field(min_length=1)
    models: tuple[str, ...] = Field(min_length=1)
    kind: Measurement
    summary: str = ""
    evidence: Evidence
    accuracy: str = ""
    metrology: dict[str, Metrology] = Field(default_factory=dict)
    caveats: tuple[Caveat, ...] = ()
