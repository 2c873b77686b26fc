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
from drivers.protocols.mqtt_json import UNIX, times_of
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
    scales = [Scale.of(name, spec, spec.sentinel) for name, spec in profile.channels.items()]
    paths = [spec.path for spec in profile.channels.values()]
    try:
        names = [_put(tree, path, _kind(one), math.nan) for path, one in zip(paths, scales, strict=True)]
        stamp = _put(tree, profile.time.path, msgspec.Raw, msgspec.UNSET) if profile.time else None
    except ValueError:
        return None
    for path in [*paths, profile.time.path if profile.time else ""]:
        if "." in path:
            tree.setdefault(path, (_NEVER, msgspec.UNSET))  # a key with dots in it goes before the path
    decode = msgspec.json.Decoder(_struct(tree)).decode
    values_of = _getter(names)
    stamp_of = attrgetter(stamp) if stamp is not None else None
    time_ns = _time(profile.time.format, ZoneInfo(zone)) if profile.time else None
    odd = [(place, one, *_bounds(one)) for place, one in enumerate(scales) if not _as_read(one)]
    everything = (1 << len(names)) - 1

    def plain(payload: bytes) -> Plain | None:
        try:
            if not payload.isascii():
                payload.decode()
            found = decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        values = values_of(found)
        present = everything
        total = sum(values)
        if total != total:  # one is absent
            present = sum(1 << place for place, value in enumerate(values) if value == value)
            if not present:
                return None
        if 0.0 in values:
            values = tuple([value + 0.0 for value in values])  # no -0.0
        if odd:
            row = list(values)
            for place, one, low, high in odd:
                if present >> place & 1:
                    value = one.convert(row[place] * one.scale + one.offset)
                    if row[place] in one.sentinel or not low <= value <= high:
                        return None
                    row[place] = value
            values = tuple(row)
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


def _bounds(one: Scale) -> tuple[float, float]:
    """Between them a reading is good: the profile's range inside the channel's, and finite."""
    channel, widest = CHANNELS[one.name], sys.float_info.max
    return max(one.low, channel.low, -widest), min(one.high, channel.high, widest)


def _as_read(one: Scale) -> bool:
    """True when the number on the wire is the reading."""
    steps = (one.scale, one.offset, one.convert.scale, one.convert.offset)
    return steps == (1.0, 0.0, 1.0, 0.0) and not one.sentinel


def _kind(one: Scale) -> Any:
    """The type of a number on the wire; where it is the reading, the decoder holds it to its bounds."""
    if not _as_read(one):
        return float
    low, high = _bounds(one)
    return Annotated[float, msgspec.Meta(ge=low, le=high)]


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
            time_ns, or_ns = times_of(stamp, form, zone)
            return time_ns if or_ns is None else None
        except (ValueError, ArithmeticError):
            return None

    return number if scale is not None else text
