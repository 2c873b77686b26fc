"""What pydantic can't see in a profile: names, units and kinds held against the canonical list."""

from __future__ import annotations

from dodac.quantities import Kind, channel, nearest
from dodac.units import conversion
from drivers.profile import (
    ChannelSpec,
    Iec62056Profile,
    LineChannel,
    LineProfile,
    LorawanProfile,
    LorawanTest,
    ManualProfile,
    ModbusChannel,
    ModbusProfile,
    Profile,
    UsbChannel,
)
from drivers.protocols.modbus_values import WORDS


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
        if spec.rollover is not None and canonical.kind != Kind.COUNTER:
            found.append(
                ((*here, "rollover"), f"{name} is a {canonical.kind}: only counters begin again from 0.")
            )
        if spec.range is not None and spec.range[0] >= spec.range[1]:
            found.append(((*here, "range"), "the range's low end must be below its high end."))
        if spec.side == "secondary" and isinstance(profile, LineProfile | Iec62056Profile):
            words = f"{profile.protocol} does not know transformers: give the ratio as scale."
            found.append(((*here, "side"), words))
        for unit, key in _units(spec):
            try:
                conversion(unit, canonical.unit)
            except ValueError as error:
                found.append(((*here, key), str(error)))
        if isinstance(spec, ModbusChannel):
            found += [((*here, *path), text) for path, text in _modbus_problems(spec)]
    if isinstance(profile, LineProfile):
        found += _line_problems(profile)
    if isinstance(profile, ManualProfile):
        from drivers._manual_checks import manual_problems  # forms alone need the typing rules

        found += manual_problems(profile)
    if isinstance(profile, LorawanProfile):
        found += _unknown_fields(profile)
    found += _unknown_channels(profile)
    return found


def _unknown_fields(profile: LorawanProfile) -> list[tuple[tuple[str | int, ...], str]]:
    known = profile.fields()
    if known is None:
        return []
    found: list[tuple[tuple[str | int, ...], str]] = []
    for name, spec in profile.channels.items():
        for field in (field for field in spec.names if field not in known):
            near = nearest(field, known)
            hint = f' Did you mean "{near}"?' if near else f" It has: {', '.join(known)}."
            found.append((("channels", name, "field"), f'the payload has no field "{field}".{hint}'))
    return found


def _units(spec: ChannelSpec) -> list[tuple[str, str]]:
    units = [(spec.unit, "unit")] if spec.unit is not None else []
    if isinstance(spec, ModbusChannel) and spec.unit_code is not None:
        units += [(unit, "unit_code") for unit in spec.unit_code.codes.values()]
    if isinstance(spec, LineChannel | UsbChannel):
        units += [(unit, "units") for unit in spec.units.values()]
    return units


def _line_problems(profile: LineProfile) -> list[tuple[tuple[str | int, ...], str]]:
    """Fields that no line has, and fields of blocks where there are no blocks."""
    shape = profile.line
    found: list[tuple[tuple[str | int, ...], str]] = []
    whole = shape.fields + (shape.optional if shape.block is None else 0)
    used: list[tuple[tuple[str | int, ...], int | None, bool]] = [(("line", "count"), shape.count, False)]
    for name, spec in profile.channels.items():
        here, block = ("channels", name), spec.match is not None
        used += [((*here, key), getattr(spec, key), block) for key in ("field", "unit_field", "span_field")]
        if spec.match is not None:
            used.append(((*here, "match", "field"), spec.match.field, True))
        if spec.scale == 0:
            found.append(((*here, "scale"), "a scale of 0 loses the value."))
        if spec.span_field is not None and not spec.units:
            found.append(((*here, "span_field"), "the range names its unit: give units."))
        if spec.unit_field is not None and not spec.units:
            found.append(
                ((*here, "unit_field"), "give units: what the instrument prints, and what it means.")
            )
    used += [(("status", n, "field"), status.field, status.block) for n, status in enumerate(profile.status)]
    if profile.time is not None:
        used += [(("time", "fields"), field, False) for field in profile.time.fields]
    for path, field, block in used:
        if block and shape.block is None:
            found.append((path, "the line has no blocks: give line.block."))
        elif field is not None and field >= (most := (shape.block or 0) if block else whole):
            found.append((path, f"there is no field {field}: the last one is {most - 1}."))
    return found


def _modbus_problems(spec: ModbusChannel) -> list[tuple[tuple[str | int, ...], str]]:
    found: list[tuple[tuple[str | int, ...], str]] = []
    if spec.table in ("coil", "discrete") and spec.type != "u16":
        found.append((("type",), "a coil or discrete input is one bit: write type: u16."))
    if spec.mask is not None and spec.type.startswith("f"):
        found.append((("mask",), "a mask needs an integer type."))
    if spec.scale == 0:
        found.append((("scale",), "a scale of 0 loses the value."))
    words = 0 if spec.table in ("coil", "discrete") else WORDS[spec.type] - 1
    if spec.address + words > 65535:
        found.append((("address",), f"{spec.type} has {words + 1} registers, and 65535 is the last one."))
    return found


def _unknown_channels(profile: Profile) -> list[tuple[tuple[str | int, ...], str]]:
    used: list[tuple[tuple[str | int, ...], str]] = [
        (("metrology", name), name) for name in profile.metrology
    ]
    for place, test in enumerate(profile.tests):
        used += [(("tests", place, "expect", name), name) for name in test.expect]
        used += [(("tests", place, "flags", name), name) for name in test.flags]
        if isinstance(test, LorawanTest):
            used += [(("tests", place, "oldest", name), name) for name in test.oldest]
    if isinstance(profile, ModbusProfile | LineProfile):
        for place, of_status in enumerate([status.channels for status in profile.status]):
            used += [(("status", place, "channels"), name) for name in of_status]
    found = []
    for path, name in used:
        if name not in profile.channels:
            near = nearest(name, profile.channels)
            hint = f' Did you mean "{near}"?' if near else ""
            found.append((path, f'this profile has no channel "{name}".{hint}'))
    return found
