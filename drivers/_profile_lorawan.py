"""Profiles of LoRaWAN models: which payload codec, which of its fields is which channel."""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from drivers._profile_common import ChannelSpec, Common, Expectation, Hex, Strict

Codec = Literal["axioma_w1", "mbus_records", "milesight_em300"]
FIELDS: Final[dict[Codec, tuple[str, ...]]] = {
    "axioma_w1": ("volume_m3",),
    "mbus_records": (
        "energy_kwh", "volume_m3", "power_w", "volume_flow_m3h", "flow_temperature_c",
        "return_temperature_c",
    ),
    "milesight_em300": ("pulses", "water", "temperature_c", "humidity_pct", "battery_pct"),
}  # fmt: skip


class LorawanChannel(ChannelSpec):
    """A channel by the field of the codec that carries it (see drivers/protocols/lorawan_*.py)."""

    field: str = Field(min_length=1)
    sentinel: tuple[float, ...] = ()


class LorawanLink(Strict):
    """silence_s: without an uplink for so long the instrument is in fault."""

    silence_s: float = Field(default=93_600.0, gt=0)


class LorawanTest(Expectation):
    """A golden payload: expect and flags are of its newest moment, oldest of its oldest.

    time: ISO 8601, of the newest, when the payload says one. moments: how many the payload speaks of.
    """

    payload: Hex = Field(min_length=2)
    port: int = Field(default=1, ge=1, le=223)
    moments: int = Field(default=1, ge=1)
    oldest: dict[str, float] = Field(default_factory=dict)
    time: str | None = None


class LorawanProfile(Common):
    """A model behind a LoRaWAN network server (ChirpStack v4 or The Things Stack v3).

    topic: ChirpStack's; "{address}" stands for the device's EUI. For The Things Stack the instrument
    names its own topic: v3/APPLICATION@TENANT/devices/DEVICE/up.
    port: uplinks on other ports hold no readings; None: all do.
    max_skew_s: beyond it from the network's clock the device's own times are not believed.
    """

    protocol: Literal["lorawan"]
    codec: Codec
    topic: str = Field(default="application/+/device/{address}/event/up", min_length=1)
    port: int | None = Field(default=None, ge=1, le=223)
    max_skew_s: float = Field(default=300.0, gt=0)
    link: LorawanLink = LorawanLink()
    channels: dict[str, LorawanChannel] = Field(min_length=1)
    tests: tuple[LorawanTest, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.port is not None and any(test.port != self.port for test in self.tests):
            raise ValueError(f"a test's port must be the profile's ({self.port}).")
        known = FIELDS[self.codec]
        for name, spec in self.channels.items():
            if spec.field not in known:
                raise ValueError(
                    f"{name}: {self.codec} has no field {spec.field}; it has {', '.join(known)}."
                )
        return self
