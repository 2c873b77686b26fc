"""Which decoder reads the messages of a profile, and what its times are worth."""

from __future__ import annotations

from typing import assert_never

from drivers.profile import LorawanProfile, MqttJsonProfile, MqttProfile, SparkplugProfile
from drivers.protocols.message import MessageDecoder


def decoder_of(profile: MqttProfile, zone: str, address: int | str | None) -> MessageDecoder:
    """A decoder for the messages of one instrument; zone: for times without an offset."""
    match profile:
        case MqttJsonProfile():
            from drivers.protocols.mqtt_json import MqttJsonDecoder

            return MqttJsonDecoder(profile, zone)
        case LorawanProfile():
            from drivers.protocols.lorawan import LorawanDecoder

            return LorawanDecoder(profile, str(address or ""))
        case SparkplugProfile():
            from drivers.protocols.sparkplug import Address, SparkplugDecoder

            return SparkplugDecoder(profile, Address.parse(str(address)))
        case _:
            assert_never(profile)


def limits_of(profile: MqttProfile) -> tuple[float | None, bool]:
    """How far a message's time may lie from our clock (None: it has none), and whether it is partial."""
    if isinstance(profile, MqttJsonProfile):
        return (profile.time.max_skew_s if profile.time is not None else None), profile.overlay
    return profile.max_skew_s, isinstance(profile, SparkplugProfile)
