"""Profiles of LoRaWAN models: what their payloads mean, which of their fields is which channel."""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from drivers._profile_common import ChannelSpec, Common, Expectation, Hex, Strict, Time
from drivers._profile_payload import Form

Codec = Literal["fields", "object", "axioma_w1", "mbus_records"]
FIELDS: Final[dict[Codec, tuple[str, ...]]] = {
    "axioma_w1": ("volume_m3",),
    "mbus_records": (
        "energy_kwh", "volume_m3", "power_w", "volume_flow_m3h", "flow_temperature_c",
        "return_temperature_c",
    ),
}  # fmt: skip


class LorawanChannel(ChannelSpec):
    """A channel by the field of the payload that carries it; of several fields it is the sum.

    Codec object: a path in what the network server decoded, as in "energy.total".
    """

    field: str | tuple[str, ...]
    sentinel: tuple[float, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that make the channel."""
        return (self.field,) if isinstance(self.field, str) else self.field

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.names or not all(self.names):
            raise ValueError("a channel names its field.")
        return self


class LorawanLink(Strict):
    """silence_s: without an uplink for so long the instrument is in fault."""

    silence_s: float = Field(default=93_600.0, gt=0)


class LorawanTest(Expectation):
    """A golden payload: expect and flags are of its newest moment, oldest of its oldest.

    payload: the device's bytes in hexadecimal; object: what the network server made of them (codec
    object), as JSON. time: ISO 8601, of the newest, when the payload says one. moments: how many the
    payload speaks of.
    """

    payload: Hex = ""
    object: str = ""
    port: int = Field(default=1, ge=1, le=223)
    moments: int = Field(default=1, ge=1)
    oldest: dict[str, float] = Field(default_factory=dict)
    time: Time | None = None


class LorawanProfile(Common):
    """A model behind a LoRaWAN network server (ChirpStack v4 or v3, or The Things Stack v3).

    topic: ChirpStack's; "{address}" stands for the device's EUI. For The Things Stack the instrument
    names its own topic: v3/APPLICATION@TENANT/devices/DEVICE/up.
    codec: fields (the payload's bytes as described under payload), object (what the network server
    decoded), or a decoder of dodac's own for bytes that no description says.
    port: uplinks on other ports hold no readings; None: all do.
    max_skew_s: beyond it from the network's clock the device's own times are not believed.
    """

    protocol: Literal["lorawan"]
    codec: Codec
    payload: tuple[Form, ...] = ()
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
        if bool(self.payload) != (self.codec == "fields"):
            raise ValueError("codec: fields and its description under payload belong together.")
        wanted = "object" if self.codec == "object" else "payload"
        if any(bool(test.object) != (wanted == "object") or not (test.object or test.payload)
               for test in self.tests):  # fmt: skip
            raise ValueError(f"tests of codec {self.codec} give {wanted}.")
        return self

    def fields(self) -> tuple[str, ...] | None:
        """What its payload can give; None where the network server decodes it."""
        if self.codec == "object":
            return None
        return tuple(sorted(set().union(*(form.names() for form in self.payload)))) or FIELDS.get(
            self.codec, ()
        )
