"""Test blocks for profiles from what was heard or read: frames with the values they give."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from dodac.samples import Layout
from drivers.profile import Iec62056Profile, LineProfile, MbusProfile, ModbusProfile, Profile
from drivers.protocols import modbus
from drivers.protocols.modbus_map import ModbusMap
from drivers.sniff import Heard, image_of

_NOTHING: Final = ""


def block_of(profile: Profile, heard: Sequence[Heard], unit: int | None = None) -> tuple[str, str]:
    """A `tests:` block for a profile, and words about it; the block is empty when nothing fits.

    unit: only what this unit answered; None: the unit that gave most of the profile's channels.
    """
    match profile:
        case ModbusProfile():
            return _of_units(profile, heard, unit)
        case MbusProfile():
            return _mbus(profile, [h.data for h in heard if h.kind == "answer" and unit in (None, h.unit)])
        case LineProfile():
            return _lines(heard)
        case Iec62056Profile():
            return _telegram(heard)
        case _:
            return (
                _NOTHING,
                f"{profile.id} speaks {profile.protocol}: there is nothing to listen to on a line",
            )


def modbus_block(profile: ModbusProfile, pairs: Sequence[tuple[bytes, bytes]]) -> tuple[str, str]:
    """The same from requests and their answers, whole RTU frames of one unit."""
    good = [(q, a) for q, a in pairs if q[1] in modbus.TABLES and a[1] == q[1]]
    mapped = ModbusMap(profile)
    # the newest answer to each request; only those that hold a channel
    newest = list(dict(good).items())
    image = image_of(newest)
    values, flags = mapped.decode(image, mapped.channels)
    names = {*values, *(flag.channel for flag in flags)}
    needed = {(s.table, a) for n in names for s in mapped.channels[n].spans for a in range(s.address, s.end)}
    kept: list[tuple[bytes, bytes]] = []
    have: set[tuple[str, int]] = set()
    for pair in sorted(newest, key=lambda p: -int.from_bytes(p[0][4:6], "big")):
        fresh = (set(image_of([pair])) & needed) - have
        if fresh:
            kept.append(pair)
            have |= fresh
    # decoded once more from what is kept: a register may have changed between two answers
    values, flags = mapped.decode(image_of(kept), mapped.channels)
    if not kept or not (values or flags):
        return _NOTHING, f"no answer holds a channel of {profile.id}"
    lines = ["tests:", "  - frames:"]
    lines += [f'      - {{request: "{q.hex(" ").upper()}", answer: "{a.hex(" ").upper()}"}}' for q, a in kept]
    lines += _expected(values, {flag.channel: flag.reason.value for flag in flags})
    missing = len(mapped.channels) - len(values) - len(flags)
    words = f"{_counted(len(values), 'channel')} in {_counted(len(kept), 'frame')}"
    if missing:
        words += f"; {missing} channels of {profile.id} were not in them"
    return "\n".join(lines) + "\n", f"{words}. Compare the values with the display before you trust them"


def _of_units(profile: ModbusProfile, heard: Sequence[Heard], unit: int | None) -> tuple[str, str]:
    by_unit: dict[int, list[tuple[bytes, bytes]]] = {}
    for item in heard:
        if item.kind == "answer" and item.request and item.unit is not None and unit in (None, item.unit):
            by_unit.setdefault(item.unit, []).append((item.request, item.data))
    if not by_unit:
        return _NOTHING, "no request was heard with its answer"
    mapped = ModbusMap(profile)

    def channels(address: int) -> int:
        pairs = [p for p in by_unit[address] if p[0][1] in modbus.TABLES]
        return len(mapped.decode(image_of(pairs), mapped.channels)[0])

    best = max(by_unit, key=lambda address: (channels(address), -address))
    block, words = modbus_block(profile, by_unit[best])
    return block, f"unit {best}: {words}"


def _mbus(profile: MbusProfile, telegrams: Sequence[bytes]) -> tuple[str, str]:
    from drivers.protocols.mbus import sample_of
    from drivers.protocols.mbus_frame import MbusRefusal

    layout = Layout("golden", tuple(profile.channels))
    newest = list(dict.fromkeys(telegrams))[-profile.link.max_telegrams :]
    refusal = "no telegram was heard"
    for chosen in ([newest] if len(newest) > 1 else []) + [[t] for t in reversed(newest)]:
        try:
            sample = sample_of(profile, layout, chosen, 0)
        except MbusRefusal as error:
            refusal = error.text
            continue
        values = {n: v for n, v in zip(layout.channels, sample.values, strict=True) if v == v}
        flags = {flag.channel: flag.reason.value for flag in sample.flags}
        if values:
            lines = ["  - telegrams:", *(f'      - "{t.hex(" ").upper()}"' for t in chosen)]
            return with_expected(lines, values, flags)
    return _NOTHING, refusal


def _lines(heard: Sequence[Heard]) -> tuple[str, str]:
    good = [item for item in heard if item.kind == "message" and item.values]
    if not good:
        return _NOTHING, "no line was heard that the profile reads"
    text = json.dumps(good[-1].data.decode("latin-1"), ensure_ascii=False)
    return with_expected([f"  - line: {text}"], good[-1].values, good[-1].flags)


def _telegram(heard: Sequence[Heard]) -> tuple[str, str]:
    good = [item for item in heard if item.kind == "message" and item.values]
    if not good:
        return _NOTHING, "no telegram was heard that the profile reads"
    data = good[-1].data
    binary = data.startswith(b"\x1b")  # SML is written in hexadecimal
    text = data.hex().upper() if binary else data.decode("latin-1").replace("\r\n", "\n")
    # control characters (STX, ETX) must survive: a quoted string, as JSON writes it, is YAML too
    return with_expected([f"  - telegram: {json.dumps(text)}"], good[-1].values, good[-1].flags)


def with_expected(
    frames: Sequence[str], values: Mapping[str, float], flags: Mapping[str, str]
) -> tuple[str, str]:
    """A block of one test: its frames as lines of YAML, and what they must give; with words about it."""
    if not values:
        return _NOTHING, "no good value was read: there is nothing to expect of a test"
    return "\n".join(["tests:", *frames, *_expected(values, flags)]) + "\n", _counted(len(values), "channel")


def _expected(values: Mapping[str, float], flags: Mapping[str, str]) -> list[str]:
    lines = ["    expect:"] if values else []
    lines += [f"      {name}: {_number(value)}" for name, value in values.items()]
    lines += ["    flags:"] if flags else []
    return lines + [f"      {name}: {reason}" for name, reason in flags.items()]


def _number(value: float) -> str:
    """Digits enough for the test's tolerance, in a form that YAML takes for a number."""
    text = f"{value:.9g}"
    return text if any(sign in text for sign in ".en") and "e" not in text else repr(float(text))


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
