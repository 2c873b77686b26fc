"""Meters behind a P1 port: their last value with its own time, out of an electricity meter's telegram.

Source: the P1 companion standard of DSMR 5.0.2, clause 6.12 (0-n:24.1.0 device type, 0-n:24.2.1 last
value with its time), and the telegrams of older meters (0-n:24.3.0, unit and value in brackets of their own).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from drivers.protocols.iec62056 import Item, Telegram, value_of

_STAMP: Final = re.compile(r"(\d{12})([SW]?)")
_FIRST_YEAR: Final = 2000  # a clock that was never set says 1970
_SENT: Final = "0-0:1.0.0"


@dataclass(frozen=True, slots=True)
class Moment:
    """A local time without its zone: in standard time throughout, whatever its letter said.

    marked: it said S (summer) or W (winter), so that the hour that comes twice is not in doubt.
    """

    standard: datetime
    marked: bool


@dataclass(frozen=True, slots=True)
class Submeter:
    """One meter behind the port: its channel, number and unit as printed, and when it was read (None: never)."""

    channel: int
    printed: tuple[float, str | None] | None
    time: Moment | None

    def age_s(self, telegram: Telegram) -> float | None:
        """How old the value was when the telegram was sent; None when that can't be told."""
        sent = telegram.current(_SENT)
        now = moment(sent[0].groups[0]) if sent else None
        if now is None or self.time is None or now.marked != self.time.marked:
            return None
        return (now.standard - self.time.standard).total_seconds()


def moment(text: str) -> Moment | None:
    """YYMMDDhhmmss with S (summer), W (winter) or nothing; None for what is no time, or never set."""
    match = _STAMP.fullmatch(text.strip())
    if match is None:
        return None
    digits, letter = match.groups()
    year = int(digits[:2])
    try:
        # two digits: 70 and later is a clock at its beginning
        local = datetime.strptime(f"{1900 + year if year >= 70 else 2000 + year}{digits[2:]}", "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        return None
    if local.year < _FIRST_YEAR or (local.year, local.month, local.day) == (_FIRST_YEAR, 1, 1):
        return None
    return Moment(local - timedelta(hours=1) if letter == "S" else local, bool(letter))


def submeters(telegram: Telegram, device: int) -> list[Submeter]:
    """The meters of a device type (3 gas, 4 heat, 7 water …) that the telegram names."""
    found = []
    for channel in range(1, 10):
        types = telegram.current(f"0-{channel}:24.1.0")
        if not types or not types[0].groups[0].isdigit() or int(types[0].groups[0]) != device:
            continue
        items = [
            item
            for code in ("24.2.1", "24.2.3", "24.3.0")
            for item in telegram.current(f"0-{channel}:{code}")
        ]
        found += [_submeter(channel, item) for item in items[:1]]
    return found


def _submeter(channel: int, item: Item) -> Submeter:
    if item.code.endswith("24.3.0") and len(item.groups) == 7:
        read = value_of(item.groups[6:])
        unit = item.groups[5].strip()
        return Submeter(channel, None if read is None else (read[0], unit or None), moment(item.groups[0]))
    read = value_of(item.groups[1:])
    return Submeter(channel, read, moment(item.groups[0]))
