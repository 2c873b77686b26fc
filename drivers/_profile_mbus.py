"""Profiles of wired M-Bus models: which record of the answer each channel is."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from drivers._profile_common import Baud, ChannelSpec, Common, Expectation, Frame, Hex, ResponseTime, Strict


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


class MbusProfile(Common):
    """A wired M-Bus model."""

    protocol: Literal["mbus"]
    link: MbusLink = MbusLink()
    identify: MbusIdentify = MbusIdentify()
    channels: dict[str, MbusChannel] = Field(min_length=1)
    tests: tuple[MbusTest, ...] = Field(min_length=1)
