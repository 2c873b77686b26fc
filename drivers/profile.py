"""Profiles: how one model of instrument is read, as checked data (pydantic, strict)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter

from dodac.quantities import CHANNELS
from drivers._profile_common import ChannelSpec, Expectation
from drivers._profile_iec62056 import Iec62056Channel, Iec62056Profile, Iec62056Test
from drivers._profile_line import LineChannel, LineChecksum, LineProfile, LineStatus, LineTest
from drivers._profile_lorawan import LorawanChannel, LorawanProfile, LorawanTest
from drivers._profile_manual import ManualChannel, ManualForm, ManualProfile, ManualTest
from drivers._profile_mbus import MbusChannel, MbusIdentify, MbusLink, MbusMatch, MbusProfile, MbusTest
from drivers._profile_modbus import (
    DeviceText,
    ModbusChannel,
    ModbusProfile,
    ModbusTest,
    NumberType,
    Order,
    Register,
    StandardText,
    Status,
    Table,
    UnitCode,
)
from drivers._profile_mqtt import MqttAlso, MqttJsonChannel, MqttJsonProfile, MqttTest, MqttTime
from drivers._profile_sparkplug import SparkplugChannel, SparkplugMessage, SparkplugProfile, SparkplugTest
from drivers._profile_testo import (
    HttpTjfProfile,
    HttpTjfTest,
    UsbChannel,
    UsbViewProfile,
    UsbViewTest,
)

__all__ = [
    "ADAPTER",
    "PROTOCOLS",
    "ChannelSpec",
    "DeviceText",
    "Expectation",
    "HttpTjfProfile",
    "HttpTjfTest",
    "Iec62056Channel",
    "Iec62056Profile",
    "Iec62056Test",
    "LineChannel",
    "LineChecksum",
    "LineProfile",
    "LineStatus",
    "LineTest",
    "LorawanChannel",
    "LorawanProfile",
    "LorawanTest",
    "ManualChannel",
    "ManualForm",
    "ManualProfile",
    "ManualTest",
    "MbusChannel",
    "MbusIdentify",
    "MbusLink",
    "MbusMatch",
    "MbusProfile",
    "MbusTest",
    "ModbusChannel",
    "ModbusProfile",
    "ModbusTest",
    "MqttAlso",
    "MqttJsonChannel",
    "MqttJsonProfile",
    "MqttProfile",
    "MqttTest",
    "MqttTime",
    "NumberType",
    "Order",
    "Profile",
    "Register",
    "SparkplugChannel",
    "SparkplugMessage",
    "SparkplugProfile",
    "SparkplugTest",
    "StandardText",
    "Status",
    "Table",
    "UnitCode",
    "UsbChannel",
    "UsbViewProfile",
    "UsbViewTest",
    "as_json_schema",
    "unit_of",
]

MqttProfile = MqttJsonProfile | LorawanProfile | SparkplugProfile
Profile = (
    ModbusProfile
    | MbusProfile
    | MqttJsonProfile
    | LineProfile
    | LorawanProfile
    | SparkplugProfile
    | Iec62056Profile
    | HttpTjfProfile
    | UsbViewProfile
    | ManualProfile
)
PROTOCOLS: dict[str, type[Profile]] = {
    "modbus": ModbusProfile,
    "mbus": MbusProfile,
    "mqtt_json": MqttJsonProfile,
    "lorawan": LorawanProfile,
    "sparkplug": SparkplugProfile,
    "line": LineProfile,
    "iec62056": Iec62056Profile,
    "testo_http": HttpTjfProfile,
    "testo_usb": UsbViewProfile,
    "manual": ManualProfile,
}
ADAPTER: TypeAdapter[Profile] = TypeAdapter(
    Annotated[Profile, Field(discriminator="protocol")], config=ConfigDict(defer_build=True)
)


def unit_of(name: str, spec: ChannelSpec) -> str:
    """The unit on the wire: the spec's, or the channel's canonical one."""
    return spec.unit or CHANNELS[name].unit


def as_json_schema() -> dict[str, Any]:
    """The JSON Schema of a profile."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Profile of an instrument for dodac",
        **ADAPTER.json_schema(),
    }
