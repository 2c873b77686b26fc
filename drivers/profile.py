"""Profiles: how one model of instrument is read, as checked data (pydantic, strict)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from dodac.quantities import CHANNELS
from drivers._profile_common import ChannelSpec, Expectation
from drivers._profile_mbus import MbusChannel, MbusIdentify, MbusLink, MbusMatch, MbusProfile, MbusTest
from drivers._profile_modbus import (
    ModbusChannel,
    ModbusProfile,
    ModbusTest,
    NumberType,
    Order,
    Register,
    Status,
    Table,
    UnitCode,
)
from drivers._profile_mqtt import MqttJsonChannel, MqttJsonProfile, MqttTest, MqttTime

__all__ = [
    "ADAPTER",
    "PROTOCOLS",
    "ChannelSpec",
    "Expectation",
    "MbusChannel",
    "MbusIdentify",
    "MbusLink",
    "MbusMatch",
    "MbusProfile",
    "MbusTest",
    "ModbusChannel",
    "ModbusProfile",
    "ModbusTest",
    "MqttJsonChannel",
    "MqttJsonProfile",
    "MqttTest",
    "MqttTime",
    "NumberType",
    "Order",
    "Profile",
    "Register",
    "Status",
    "Table",
    "UnitCode",
    "as_json_schema",
    "unit_of",
]

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
