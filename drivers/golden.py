"""Runs a profile's own golden frames and messages, and says what they find wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import assert_never

from dodac.clock import parse_time_ns
from dodac.samples import Flag, Layout
from drivers.profile import (
    Expectation,
    HttpTjfProfile,
    HttpTjfTest,
    Iec62056Profile,
    Iec62056Test,
    LineProfile,
    LineTest,
    LorawanProfile,
    LorawanTest,
    ManualProfile,
    MbusProfile,
    MbusTest,
    ModbusProfile,
    ModbusTest,
    MqttJsonProfile,
    MqttTest,
    Profile,
    SparkplugProfile,
    SparkplugTest,
    Table,
    UsbViewProfile,
    UsbViewTest,
)

_RELATIVE = 1e-6


def check(profile: Profile) -> list[str]:
    """What the profile's own tests find wrong; empty when all is well."""
    found: list[str] = []
    match profile:
        case ModbusProfile():
            wrong = [_modbus(profile, test) for test in profile.tests]
        case MbusProfile():
            wrong = [_mbus(profile, test) for test in profile.tests]
        case MqttJsonProfile():
            wrong = [_mqtt(profile, test) for test in profile.tests]
        case SparkplugProfile():
            wrong = [_sparkplug(profile, test) for test in profile.tests]
        case LorawanProfile():
            wrong = [_lorawan(profile, test) for test in profile.tests]
        case LineProfile():
            wrong = [_line(profile, test) for test in profile.tests]
        case Iec62056Profile():
            wrong = [_iec62056(profile, test) for test in profile.tests]
        case HttpTjfProfile():
            wrong = [_http_tjf(profile, test) for test in profile.tests]
        case UsbViewProfile():
            wrong = [_usb_view(profile, test) for test in profile.tests]
        case ManualProfile():
            from drivers._golden_manual import check_manual

            wrong = [check_manual(profile, test) for test in profile.tests]
        case _:
            assert_never(profile)
    for number, words in enumerate(wrong, start=1):
        found += [f"test {number}: {word}" for word in words]
    return found


def _mbus(profile: MbusProfile, test: MbusTest) -> list[str]:
    from drivers.protocols.mbus import sample_of
    from drivers.protocols.mbus_frame import MbusRefusal

    layout = Layout("golden", tuple(profile.channels))
    try:
        sample = sample_of(profile, layout, [bytes.fromhex(t) for t in test.telegrams], 0)
    except MbusRefusal as refusal:
        return [refusal.text]
    values = {n: v for n, v in zip(layout.channels, sample.values, strict=True) if v == v}
    return _compare(test, values, sample.flags)


def _mqtt(profile: MqttJsonProfile, test: MqttTest) -> list[str]:
    from drivers.protocols.message import MqttRefusal
    from drivers.protocols.mqtt_json import MqttJsonDecoder

    try:
        decoded = MqttJsonDecoder(profile).decode(test.payload.encode(), test.topic or "")
    except MqttRefusal as refusal:
        return [str(refusal)]
    found = _compare(test, decoded.values, decoded.flags)
    if test.time is not None and decoded.time_ns != parse_time_ns(test.time, "UTC"):
        found.append(f"the time is {decoded.time_ns} ({decoded.time_fault or 'read'}), expected {test.time}.")
    return found


def _line(profile: LineProfile, test: LineTest) -> list[str]:
    from drivers.protocols.line import LineDecoder
    from drivers.protocols.received import Refused

    try:
        received = LineDecoder(profile).decode(test.line.encode("latin-1", "replace"))
    except Refused as refusal:
        return [f"{refusal.text}."]
    if received is None:
        return ["the profile ignores this line."]
    found = _compare(test, received.values, received.flags)
    if test.time is not None and received.time_ns != parse_time_ns(test.time, "UTC"):
        found.append(
            f"the time is {received.time_ns} ({received.time_fault or 'read'}), expected {test.time}."
        )
    return found


def _iec62056(profile: Iec62056Profile, test: Iec62056Test) -> list[str]:
    from drivers.protocols.iec62056_receive import readings
    from drivers.protocols.received import Refused

    try:
        received = readings(profile, test.data())
    except Refused as refusal:
        return [f"{refusal.text}."]
    return _compare(test, received.values, received.flags)


def _http_tjf(profile: HttpTjfProfile, test: HttpTjfTest) -> list[str]:
    from drivers.protocols.received import Refused
    from drivers.protocols.testo_http import kept
    from drivers.protocols.tjf import parse_tjf

    try:
        moment = parse_tjf(test.body.encode()).moments[-1]
    except Refused as refusal:
        return [f"{refusal.text}."]
    values, flags = kept(moment, profile)
    found = _compare(test, values, flags)
    if test.time is not None and moment.time_ns != parse_time_ns(test.time, "UTC"):
        found.append(f"the time is {moment.time_ns} ({moment.time_fault or 'read'}), expected {test.time}.")
    return found


def _usb_view(profile: UsbViewProfile, test: UsbViewTest) -> list[str]:
    from drivers.protocols.testo_usb import readings
    from drivers.protocols.testo_usb_frame import status_of, view_of

    try:
        status, records = status_of(bytes.fromhex(test.status)), view_of(bytes.fromhex(test.view))
    except ValueError as error:
        return [f"{error}."]
    return _compare(test, *readings(profile, records, (status,)))


def _sparkplug(profile: SparkplugProfile, test: SparkplugTest) -> list[str]:
    from drivers.protocols.message import MqttRefusal
    from drivers.protocols.sparkplug import Address, SparkplugDecoder

    try:
        decoder = SparkplugDecoder(profile, Address.parse(test.address))
        found = [decoder.message(m.topic, bytes.fromhex(m.payload)) for m in test.messages]
    except (MqttRefusal, ValueError) as refusal:
        return [str(refusal)]
    if not found[-1].samples:
        return ["the last message holds no readings of this profile."]
    newest = found[-1].samples[-1]
    wrong = _compare(test, newest.values, newest.flags)
    if test.time is not None and newest.time_ns != parse_time_ns(test.time, "UTC"):
        wrong.append(f"the time is {newest.time_ns}, expected {test.time}.")
    return wrong


def _lorawan(profile: LorawanProfile, test: LorawanTest) -> list[str]:
    from drivers.protocols.lorawan import LorawanDecoder
    from drivers.protocols.lorawan_uplink import Uplink
    from drivers.protocols.message import MqttRefusal

    decoder = LorawanDecoder(profile)
    try:
        made = json.loads(test.object) if test.object else None
        uplink = Uplink("", test.port, 0, bytes.fromhex(test.payload), None, made)
        points, unread = decoder.points(uplink)
    except (MqttRefusal, ValueError) as refusal:
        return [str(refusal)]
    if unread:
        return [f"{unread}."]
    moments = decoder.readings(points, None)
    if len(moments) != test.moments:
        return [f"the payload speaks of {len(moments)} moments, expected {test.moments}."]
    oldest, newest = moments[0], moments[-1]
    found = _compare(test, newest.values, newest.flags)
    if test.oldest:
        found += [
            f"oldest: {words}" for words in _compare(Expectation(expect=test.oldest), oldest.values, ())
        ]
    if test.time is not None and newest.time_ns != parse_time_ns(test.time, "UTC"):
        found.append(f"the time is {newest.time_ns}, expected {test.time}.")
    return found


def _compare(test: Expectation, values: Mapping[str, float], flags: Iterable[Flag]) -> list[str]:
    reasons = {flag.channel: flag.reason for flag in flags}
    found = []
    for name, expected in test.expect.items():
        if name not in values:
            found.append(f"{name} is {reasons.get(name, 'not in the frames')}, expected {expected}.")
        elif not math.isclose(values[name], expected, rel_tol=_RELATIVE, abs_tol=1e-9):
            found.append(f"{name} is {values[name]}, expected {expected}.")
    for name, reason in test.flags.items():
        if reasons.get(name) != reason:
            found.append(f"{name} is flagged {reasons.get(name, 'not at all')}, expected {reason}.")
    found += [f"{name} is flagged {reason}." for name, reason in reasons.items() if name not in test.flags]
    return found


def _modbus(profile: ModbusProfile, test: ModbusTest) -> list[str]:
    from drivers.protocols import modbus
    from drivers.protocols.modbus_map import ModbusMap

    image: dict[tuple[Table, int], int] = {}
    for frame in test.frames:
        request, answer = bytes.fromhex(frame.request), bytes.fromhex(frame.answer)
        if not modbus.rtu_whole(request) or len(request) != 8 or request[1] not in modbus.TABLES:
            return [f"{frame.request} is no whole reading request."]
        table = modbus.TABLES[request[1]]
        address, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
        size = modbus.byte_count(request[1], count)
        place = modbus.find_rtu(answer, request[0], request[1], size)
        if place != (0, len(answer)):
            return [f"{frame.answer} is no whole answer to {frame.request}."]
        try:
            data = modbus.answer_data(answer)
        except modbus.ModbusException as exception:
            return [f"{frame.answer} refuses the request: {exception}."]
        for offset in range(count):
            image[table, address + offset] = (
                data[offset // 8] >> (offset % 8) & 1
                if request[1] <= 2
                else int.from_bytes(data[2 * offset : 2 * offset + 2], "big")
            )
    values, flags = ModbusMap(profile).decode(image, profile.channels)
    return _compare(test, values, flags)
