"""Profiles of models that publish JSON: topic, paths, and where the payload says its time."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from drivers._profile_common import ChannelSpec, Common, Expectation, Strict, Time


class MqttJsonChannel(ChannelSpec):
    """A channel by its path in the JSON payload, as in "ENERGY.Total" or "emeters.0.power".

    path: "$" is the payload itself; "*" stands for every key or place ("emeters.*.power"), and
    "[key=value]" for the element of a list that says so of itself. topic: the end of the topic that carries this channel, where a model
    has one topic for each; "+" stands for any one word. combine: at the path there may be a list or an
    object of numbers instead of one number (one a phase); their sum is the reading. text: numbers may
    come as text ("12.5", "12,5") with this decimal mark; otherwise text is no number. null: what null
    means: a reading that failed (flag), or a sensor that is not there (absent).
    """

    path: str = Field(min_length=1)
    topic: str | None = Field(default=None, min_length=1)
    combine: Literal["sum"] | None = None
    text: Literal["point", "comma"] | None = None
    null: Literal["flag", "absent"] = "flag"
    sentinel: tuple[float, ...] = ()


class MqttTime(Strict):
    """Where the payload says its time.

    format: iso (with offset), iso_local (the site's zone; also 2026.11.22 13:00:10), or seconds, milli-, micro- or nanoseconds since
    1970 (UTC), kept to the last digit.
    max_skew_s: beyond it from our own clock the device's time is not believed.
    """

    path: str = Field(min_length=1)
    format: Literal["iso", "iso_local", "unix_s", "unix_ms", "unix_us", "unix_ns"] = "iso"
    max_skew_s: float = Field(default=300.0, gt=0)


class MqttAlso(Strict):
    """Another topic on which the model sends the same values in another shape; one of the two keys.

    under: the message is what stands at this path of the payload. stands_at: the payload is what stands
    at this path of the message.
    """

    topic: str = Field(min_length=1)
    under: str | None = Field(default=None, min_length=1)
    stands_at: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.under is None) == (self.stands_at is None):
            raise ValueError("give under or stands_at.")
        return self


class MqttLink(Strict):
    """silence_s: without a message for so long the instrument is in fault."""

    silence_s: float = Field(default=300.0, gt=0)


class MqttTest(Expectation):
    """A golden message; time is ISO 8601 when the payload carries one."""

    payload: str = Field(min_length=1)
    topic: str | None = None
    time: Time | None = None


class MqttJsonProfile(Common):
    """A model that publishes JSON.

    topic: template; "{address}" stands for the instrument's address in the site file. also: further
    topics of the model, heard too unless the site file names the instrument's own topic.
    overlay: payloads are partial; what one leaves out stays absent, nothing is repeated with a new time.
    """

    protocol: Literal["mqtt_json"]
    topic: str = Field(min_length=1)
    also: tuple[MqttAlso, ...] = ()
    time: MqttTime | None = None
    link: MqttLink = MqttLink()
    overlay: bool = False
    channels: dict[str, MqttJsonChannel] = Field(min_length=1)
    tests: tuple[MqttTest, ...] = Field(min_length=1)
