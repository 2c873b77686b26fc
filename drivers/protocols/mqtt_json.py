"""JSON messages as readings: paths, units and the payload's own time, by profile; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from dodac.clock import SECOND_NS
from dodac.samples import Flag, Reason
from drivers.profile import MqttAlso, MqttJsonChannel, MqttJsonProfile
from drivers.protocols.message import Decoded, Message, MqttRefusal, Scale
from drivers.protocols.mqtt_path import ABSENT, Many, follow, number_of, total_of, words_of

UNIX: Final = {"unix_s": SECOND_NS, "unix_ms": 1_000_000, "unix_us": 1_000, "unix_ns": 1}
_ISO: Final = re.compile(
    r"^(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9})\d*)?(Z|[+-]\d{2}:?\d{2})?$"
)
_DOTTED: Final = re.compile(r"^(\d{4})\.(\d{2})\.(\d{2})(?=[T ])")
_LONGEST: Final = 400  # digits: a float64 has 309 at most
_LATEST_NS: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    path: tuple[str, ...]
    topic: tuple[str, ...]
    spec: MqttJsonChannel
    scale: Scale


class MqttJsonDecoder:
    """Decodes the payloads of one profile; zone is for times without an offset (iso_local)."""

    def __init__(self, profile: MqttJsonProfile, zone: str = "UTC") -> None:
        self.profile = profile
        self._zone = ZoneInfo(zone)
        self._places = [_place(name, spec) for name, spec in profile.channels.items()]
        self._by_topic = any(place.topic for place in self._places)
        self._time = profile.time
        self._time_path = words_of(profile.time.path) if profile.time else ()
        self._also = [(tuple(also.topic.replace("{address}", "+").split("/")), also) for also in profile.also]
        # a time in numbers is kept exact: a float64 of nanoseconds since 1970 is 256 ns coarse
        exact = self._time is not None and self._time.format in UNIX
        self._loads = json.JSONDecoder(parse_float=_exact if exact else None, parse_int=_whole).decode

    def message(self, topic: str, payload: bytes) -> Message:
        """As decode, for a connection; a message without any reading has no samples."""
        decoded = self.decode(payload, topic)
        return Message((decoded,) if decoded.values or decoded.flags else ())

    def decode(self, payload: bytes, topic: str = "") -> Decoded:
        """The readings of one payload; paths it lacks leave their channels absent.

        Nothing is filled in from earlier messages: what a partial message does not carry was not
        measured again at its time. null, NaN, texts and truth values where a number belongs are flagged
        decode. Raises MqttRefusal when the payload is not JSON, is not an object or list (nor a number
        where the profile expects one), or holds no channel at all (which payloads of overlay profiles
        may).
        """
        places = self._places
        if self._by_topic:
            places = [place for place in places if _ends(topic, place.topic)]
            if not places:
                return Decoded({}, ())  # a topic of this model that the profile does not ask for
        try:
            data = self._loads(payload.decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise MqttRefusal("not UTF-8") from None
        except RecursionError:
            raise MqttRefusal("not JSON: nested too deeply") from None
        except ValueError as error:
            raise MqttRefusal(f"not JSON: {error}") from None
        also = next((also for pattern, also in self._also if _ends(topic, pattern)), None)
        if also is not None:
            data = _other_shape(data, also)
        if data is ABSENT or (
            not isinstance(data, dict | list) and not any(place.spec.path == "$" for place in places)
        ):
            raise MqttRefusal("not a JSON object or list")
        values: dict[str, float] = {}
        flags: list[Flag] = []
        for place in places:
            found = follow(data, place.path, place.spec.path)
            if found is ABSENT or (found is None and place.spec.null == "absent"):
                continue
            reading = _reading(place, found)
            if isinstance(reading, Flag):
                flags.append(reading)
            else:
                values[place.name] = reading
        if not values and not flags and not self.profile.overlay:
            raise MqttRefusal("none of the profile's paths is in it")
        if self._time is None:
            return Decoded(values, tuple(flags))
        stamp = follow(data, self._time_path, self._time.path)
        if stamp is ABSENT:
            return Decoded(values, tuple(flags), None, f'no time at "{self._time.path}"')
        try:
            time_ns, or_ns = times_of(stamp, self._time.format, self._zone)
            return Decoded(values, tuple(flags), time_ns, or_ns=or_ns)
        except ValueError as error:
            return Decoded(values, tuple(flags), None, str(error))


def _exact(text: str) -> Decimal | float:
    try:
        return Decimal(text)
    except ArithmeticError:  # an exponent beyond what Decimal has: infinity or 0
        return float(text)


def _whole(text: str) -> int | float:
    # Python reads no integer of thousands of digits; one bad number must not spoil a message
    return int(text) if len(text) <= _LONGEST else float(text)


def _place(name: str, spec: MqttJsonChannel) -> _Place:
    topic = tuple(spec.topic.split("/")) if spec.topic else ()
    return _Place(name, words_of(spec.path), topic, spec, Scale.of(name, spec, spec.sentinel))


def _ends(topic: str, pattern: Sequence[str]) -> bool:
    """True when a topic ends with a pattern's words; "+" fits any one word, no pattern fits all."""
    words = topic.split("/")[-len(pattern) :] if pattern else ()
    return len(words) == len(pattern) and all(p in ("+", w) for p, w in zip(pattern, words, strict=True))


def _reading(place: _Place, found: Any) -> float | Flag:
    text = place.spec.text
    if place.spec.combine is not None and isinstance(found, dict | list):
        read = total_of(list(found.values()) if isinstance(found, dict) else found, text)
    elif isinstance(found, Many):
        read = number_of(found[0], text) if len(found) == 1 else None  # which of several is not said
    else:
        read = number_of(found, text)
    return Flag(place.name, Reason.DECODE) if read is None else place.scale.reading(read)


def _other_shape(data: Any, also: MqttAlso) -> Any:
    """The payload of another topic of the model, in the shape that the profile's paths are for."""
    if also.under is not None:
        return follow(data, words_of(also.under), also.under)
    for word in reversed(words_of(also.stands_at or "$")):
        data = {word: data}
    return data


def time_of(stamp: Any, form: str, zone: ZoneInfo) -> int:
    """UTC nanoseconds of a payload's time, exact to the last digit sent; ValueError with the reason."""
    return times_of(stamp, form, zone)[0]


def times_of(stamp: Any, form: str, zone: ZoneInfo) -> tuple[int, int | None]:
    """The same, and the later moment where local words name two: the hour that comes twice."""
    or_ns = None
    if form in UNIX:
        ns = _unix(stamp, UNIX[form])
    elif isinstance(stamp, str):
        local = form == "iso_local"
        # Tasmota before 6.0: 2018.02.15 01:00:50
        text = _DOTTED.sub(r"\1-\2-\3", stamp.strip()) if local else stamp
        ns, or_ns = _iso(text, zone if local else None)
    else:
        raise ValueError(f"the time is no text: {str(stamp)[:40]}")
    if not 0 < ns < _LATEST_NS:
        raise ValueError(f"no time: {str(stamp)[:40]}")
    return ns, or_ns


def _unix(stamp: Any, scale: int) -> int:
    try:
        if isinstance(stamp, bool) or not isinstance(stamp, int | float | str | Decimal):
            raise ValueError
        number = Decimal(stamp)
        if not number.is_finite() or abs(number) * scale > _LATEST_NS:
            raise ValueError
        # 28 digits of Decimal hold any int64 of nanoseconds and its fraction
        return int(number * scale)
    except (ArithmeticError, ValueError):
        raise ValueError(f"the time is no number: {str(stamp)[:40]}") from None


def _iso(text: str, zone: ZoneInfo | None) -> tuple[int, int | None]:
    match = _ISO.match(text.strip())
    if match is None:
        raise ValueError(f'"{text[:40]}" is no ISO 8601 time')
    whole, fraction, offset = match.groups()
    moment = datetime.fromisoformat(whole + (offset or ""))
    if moment.tzinfo is None:
        if zone is None:
            raise ValueError(f'"{text[:40]}" has no offset from UTC')
        moment = moment.replace(tzinfo=zone)
    if not 1970 <= moment.year <= 2262:
        raise ValueError(f'"{text[:40]}" is no time of ours')
    ns = int(moment.timestamp()) * SECOND_NS + int((fraction or "0").ljust(9, "0"))
    later = int(moment.replace(fold=1).timestamp()) - int(moment.timestamp()) if offset is None else 0
    return ns, ns + later * SECOND_NS if later > 0 else None
