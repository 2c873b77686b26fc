"""What the JSON of a TJF holds: the document, texts, numbers and times, whatever stands in their places; pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from dodac.samples import Reason
from drivers.protocols.received import Refused

MAX_BYTES: Final = 8_000_000
_EARLIEST_S: Final = 946_684_800  # the year 2000: a clock that counts from its start is no time
_LATEST_S: Final = 4_102_444_800  # the year 2100


def read_document(data: bytes) -> Mapping[str, Any]:
    """The object in a document, with or without a byte order mark; raises Refused for anything else."""
    if len(data) > MAX_BYTES:
        raise Refused(Reason.DECODE, f"{len(data)} bytes are more than the {MAX_BYTES} a TJF may have")
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        words = str(error).split(":")[0] if isinstance(error, ValueError) else "nested too deep"
        raise Refused(Reason.DECODE, f"this is no JSON: {words[:100]}") from None
    if not isinstance(document, dict):
        raise Refused(Reason.DECODE, "this is no TJF: the JSON is no object")
    return document


def time_of(stamp: object, zone: ZoneInfo) -> int | None:
    """UTC of a stamp: ISO text, or Unix seconds or milliseconds as number or text; None for any other."""
    if isinstance(stamp, str):
        text = stamp.strip()
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return _unix_ns(_float_of(text))
        # a moment before the instrument knew the year
        if not 2000 <= moment.year < 2100:
            return None
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        return round(aware.timestamp() * 1000) * 1_000_000
    return _unix_ns(number_of(stamp))


def _unix_ns(number: float | None) -> int | None:
    if number is None:
        return None
    seconds = number / 1000 if number > _LATEST_S else number
    return round(seconds * 1000) * 1_000_000 if _EARLIEST_S <= seconds < _LATEST_S else None


def _float_of(text: str) -> float | None:
    try:
        return number_of(float(text))
    except ValueError:
        return None


def number_of(value: object) -> float | None:
    """A finite number; None for anything else, a truth value too."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def part_of(row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under a key, an empty one where there is none."""
    part = row.get(key)
    return part if isinstance(part, dict) else {}


def text_of(row: Mapping[str, Any], key: str) -> str:
    """The text under a key, a whole number as text; "" where there is none."""
    value = row.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**20 else ""
    return value if isinstance(value, str) else ""
