"""What pydantic can't see in a profile: names, units and kinds held against the canonical list."""

from __future__ import annotations

from dodac.quantities import channel, nearest
from dodac.units import conversion
from drivers.profile import ChannelSpec, ModbusChannel, ModbusProfile, Profile


def problems(profile: Profile) -> list[tuple[tuple[str | int, ...], str]]:
    """What is wrong beyond types: (path in the file, sentence with the nearest name) pairs."""
    found: list[tuple[tuple[str | int, ...], str]] = []
    for name, spec in profile.channels.items():
        here = ("channels", name)
        try:
            canonical = channel(name)
        except ValueError as error:
            found.append((here, str(error)))
            continue
        if spec.kind is not None and spec.kind != canonical.kind:
            found.append(((*here, "kind"), f"{name} is a {canonical.kind}, not a {spec.kind}."))
        if spec.range is not None and spec.range[0] >= spec.range[1]:
            found.append(((*here, "range"), "the range's low end must be below its high end."))
        for unit, key in _units(spec):
            try:
                conversion(unit, canonical.unit)
            except ValueError as error:
                found.append(((*here, key), str(error)))
        if isinstance(spec, ModbusChannel):
            found += [((*here, *path), text) for path, text in _modbus_problems(spec)]
    found += _unknown_channels(profile)
    return found


def _units(spec: ChannelSpec) -> list[tuple[str, str]]:
    units = [(spec.unit, "unit")] if spec.unit is not None else []
    if isinstance(spec, ModbusChannel) and spec.unit_code is not None:
        units += [(unit, "unit_code") for unit in spec.unit_code.codes.values()]
    return units


def _modbus_problems(spec: ModbusChannel) -> list[tuple[tuple[str | int, ...], str]]:
    found: list[tuple[tuple[str | int, ...], str]] = []
    if spec.table in ("coil", "discrete") and spec.type != "u16":
        found.append((("type",), "a coil or discrete input is one bit: write type: u16."))
    if spec.mask is not None and spec.type.startswith("f"):
        found.append((("mask",), "a mask needs an integer type."))
    if spec.scale == 0:
        found.append((("scale",), "a scale of 0 loses the value."))
    return found


def _unknown_channels(profile: Profile) -> list[tuple[tuple[str | int, ...], str]]:
    used: list[tuple[tuple[str | int, ...], str]] = [
        (("metrology", name), name) for name in profile.metrology
    ]
    for place, test in enumerate(profile.tests):
        used += [(("tests", place, "expect", name), name) for name in test.expect]
        used += [(("tests", place, "flags", name), name) for name in test.flags]
    if isinstance(profile, ModbusProfile):
        for place, status in enumerate(profile.status):
            used += [(("status", place, "channels"), name) for name in status.channels]
    found = []
    for path, name in used:
        if name not in profile.channels:
            near = nearest(name, profile.channels)
            hint = f' Did you mean "{near}"?' if near else ""
            found.append((path, f'this profile has no channel "{name}".{hint}'))
    return found
