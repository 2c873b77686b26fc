"""The plain JSON message, decoded in one step; whatever is unusual in it is left to MqttJsonDecoder."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import msgspec

from dodac.quantities import CHANNELS
from drivers.profile import MqttJsonChannel, MqttJsonProfile
from drivers.protocols.message import Scale
from drivers.protocols.mqtt_json import UNIX, time_of
from drivers.protocols.mqtt_path import words_of

Plain = tuple[tuple[float, ...], int, int | None]
"""Values in the order of the profile's channels (NaN: absent), presence, the payload's own time."""

# no JSON is of this type: a field that must not be there
_NEVER: Final = Annotated[int, msgspec.Meta(gt=0, lt=0)]
_LONGEST: Final = 19  # digits of nanoseconds since 1970

_LATEST_NS: Final = 1 << 62

_Tree = dict[str, Any]


def quick_of(profile: MqttJsonProfile, zone: str = "UTC") -> Callable[[bytes], Plain | None] | None:
    """What decodes a profile's plain messages; None for a profile that has none.

    It gives exactly what MqttJsonDecoder.decode would (a test holds the two together), or None: that
    then decodes the message, with its flags and reasons. Plain are good numbers at paths through
    objects, and a time that can be read where the profile has one.
    """
    if profile.also or not all(map(_is_plain, profile.channels.values())):
        return None
    tree: _Tree = {}
    try:
        names = [_put(tree, spec.path, float, math.nan) for spec in profile.channels.values()]
        stamp = _put(tree, profile.time.path, msgspec.Raw, msgspec.UNSET) if profile.time else None
    except ValueError:
        return None
    paths = [spec.path for spec in profile.channels.values()] + ([profile.time.path] if profile.time else [])
    for path in paths:
        if "." in path:
            tree.setdefault(path, (_NEVER, msgspec.UNSET))  # a key with dots in it goes before the path
    decode = msgspec.json.Decoder(_struct(tree)).decode
    values_of = _getter(names)
    stamp_of = attrgetter(stamp) if stamp is not None else None
    time_ns = _time(profile.time.format, ZoneInfo(zone)) if profile.time else None
    judge = _judge([Scale.of(name, spec, spec.sentinel) for name, spec in profile.channels.items()])
    everything = (1 << len(names)) - 1

    def plain(payload: bytes) -> Plain | None:
        try:
            if not payload.isascii():
                payload.decode()
            found = decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        read = values_of(found)
        values = judge(read)
        present = everything
        if values is None:
            present = sum(1 << place for place, value in enumerate(read) if value == value)
            if not present or present == everything:
                return None
            values = judge(read, absent=True)
            if values is None:
                return None
        if stamp_of is None or time_ns is None:
            return values, present, None
        said = stamp_of(found)
        if said is msgspec.UNSET:
            return None
        when = time_ns(bytes(said))
        return None if when is None else (values, present, when)

    return plain


def _is_plain(spec: MqttJsonChannel) -> bool:
    words = words_of(spec.path)
    odd = any(word == "*" or word.startswith("[") or word.isdecimal() for word in words)
    return bool(words) and not odd and spec.topic is None


def _put(tree: _Tree, path: str, kind: Any, default: Any) -> str:
    """Notes what stands at a path; gives where it will be found, as attrgetter wants it."""
    here, where = tree, []
    words = words_of(path)
    for word in words[:-1]:
        where.append(_field(list(here), word))
        here = here.setdefault(word, {})
        if not isinstance(here, dict):
            raise ValueError(path)
    last = words[-1]
    if here.setdefault(last, (kind, default)) != (kind, default):
        raise ValueError(path)
    where.append(_field(list(here), last))
    return ".".join(where)


def _field(known: list[str], word: str) -> str:
    # attribute names of our own: a path may hold any character
    return f"f{known.index(word) if word in known else len(known)}"


def _struct(tree: _Tree) -> Any:
    fields: list[tuple[str, Any, Any]] = []
    names: dict[str, str] = {}
    for place, (word, what) in enumerate(tree.items()):
        if isinstance(what, dict):
            kind = _struct(what)
            default: Any = kind()
        else:
            kind, default = what
        names[f"f{place}"] = word
        fields.append((f"f{place}", kind, default))
    return msgspec.defstruct("Plain", fields, rename=names, frozen=True, gc=False)


def _getter(names: list[str]) -> Callable[[Any], tuple[float, ...]]:
    get: Callable[[Any], Any] = attrgetter(*names)
    return get if len(names) > 1 else lambda found: (get(found),)


def _judge(scales: list[Scale]) -> Any:
    """Turns what was read into values; None when any of them is not good (absent: NaN is)."""
    bounds = [
        (max(scale.low, CHANNELS[scale.name].low), min(scale.high, CHANNELS[scale.name].high))
        for scale in scales
    ]
    # a value is finite too: the largest float is the widest bound
    lows = [max(low, -sys.float_info.max) for low, _ in bounds]
    highs = [min(high, sys.float_info.max) for _, high in bounds]
    as_read = all(
        (one.scale, one.offset, one.convert.scale, one.convert.offset) == (1.0, 0.0, 1.0, 0.0)
        for one in scales
    )
    sentinels = [(place, scale.sentinel) for place, scale in enumerate(scales) if scale.sentinel]

    def judge(read: tuple[float, ...], absent: bool = False) -> tuple[float, ...] | None:
        if sentinels and any(read[place] in bad for place, bad in sentinels):
            return None
        if as_read:
            values = read if 0.0 not in read else tuple([value + 0.0 for value in read])  # no -0.0
        else:
            values = tuple(
                [one.convert(value * one.scale + one.offset) for one, value in zip(scales, read, strict=True)]
            )
        for value, low, high in zip(values, lows, highs, strict=True):
            if not low <= value <= high and not (absent and value != value):
                return None
        return values

    return judge


def _time(form: str, zone: ZoneInfo) -> Callable[[bytes], int | None]:
    """The UTC nanoseconds that a JSON text says; None for what is not plain."""
    scale = UNIX.get(form)

    def number(said: bytes) -> int | None:
        if said.isdigit() and len(said) <= _LONGEST:
            when = int(said) * (scale or 1)
            return when if 0 < when < _LATEST_NS else None
        return _said(Decimal(said.decode())) if said[:1] in b"-0123456789" else None

    def text(said: bytes) -> int | None:
        return _said(said[1:-1].decode()) if said[:1] == b'"' and b"\\" not in said else None

    def _said(stamp: str | Decimal) -> int | None:
        try:
            return time_of(stamp, form, zone)
        except (ValueError, ArithmeticError):
            return None

    return number if scale is not None else text
