"""Runs the golden frames of a Modbus profile, pure."""

from __future__ import annotations

import math

from drivers.profile import ModbusProfile, ModbusTest, Table
from drivers.protocols import modbus
from drivers.protocols.modbus_map import ModbusMap

RELATIVE = 1e-6


def check(profile: ModbusProfile) -> list[str]:
    """What the profile's own tests find wrong; empty when all is well."""
    found = []
    for number, test in enumerate(profile.tests, start=1):
        found += [f"test {number}: {words}" for words in _run(profile, test)]
    return found


def _run(profile: ModbusProfile, test: ModbusTest) -> list[str]:
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
        data = modbus.answer_data(answer)
        for offset in range(count):
            image[table, address + offset] = (
                data[offset // 8] >> (offset % 8) & 1
                if request[1] <= 2
                else int.from_bytes(data[2 * offset : 2 * offset + 2], "big")
            )
    values, flags = ModbusMap(profile).decode(image, profile.channels)
    reasons = {flag.channel: flag.reason for flag in flags}
    found = []
    for name, expected in test.expect.items():
        if name not in values:
            found.append(f"{name} is {reasons.get(name, 'not in the frames')}, expected {expected}.")
        elif not math.isclose(values[name], expected, rel_tol=RELATIVE, abs_tol=1e-9):
            found.append(f"{name} is {values[name]}, expected {expected}.")
    for name, reason in test.flags.items():
        if reasons.get(name) != reason:
            found.append(f"{name} is flagged {reasons.get(name, 'not at all')}, expected {reason}.")
    found += [f"{name} is flagged {reason}." for name, reason in reasons.items() if name not in test.flags]
    return found
