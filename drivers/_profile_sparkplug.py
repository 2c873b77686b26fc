"""Profiles of Sparkplug B devices: which metric is which channel."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from drivers._profile_common import ChannelSpec, Common, Expectation, Hex, Strict, Time


class SparkplugChannel(ChannelSpec):
    """A channel by the name of its metric in the device's birth message."""

    metric: str = Field(min_length=1)
    sentinel: tuple[float, ...] = ()


class SparkplugLink(Strict):
    """silence_s: without a message for so long the instrument is in fault."""

    silence_s: float = Field(default=3600.0, gt=0)


class SparkplugMessage(Strict):
    """One message: its topic and its payload in hexadecimal."""

    topic: str = Field(min_length=1)
    payload: Hex


class SparkplugTest(Expectation):
    """Golden messages in order, a birth first; expect and flags are of the newest moment of the last.

    address: whose readings they are, GROUP/NODE or GROUP/NODE/DEVICE. time: of that moment.
    """

    address: str = Field(min_length=1)
    messages: tuple[SparkplugMessage, ...] = Field(min_length=1)
    time: Time | None = None


class SparkplugProfile(Common):
    """A device, or an edge node itself, that publishes Sparkplug B.

    The instrument's address is GROUP/NODE/DEVICE, or GROUP/NODE for the node's own metrics.
    """

    protocol: Literal["sparkplug"]
    max_skew_s: float = Field(default=300.0, gt=0)
    link: SparkplugLink = SparkplugLink()
    channels: dict[str, SparkplugChannel] = Field(min_length=1)
    tests: tuple[SparkplugTest, ...] = Field(min_length=1)
