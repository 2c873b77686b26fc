"""Time stamps of a file or a frame as local starts of intervals: zone, summer time, side, order, repairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.prepare import _stamp_words as words
from analysis.prepare._dates import EMPTY, ORDERS, find_order, take_apart
from analysis.prepare._summer import localise
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError

Ints = NDArray[np.int64]

DAY_NS: Final = 86_400_000_000_000
_NAT: Final = pd.NaT.value
_BAD_SHARE: Final = 0.1


@dataclass(frozen=True)
class Stamps:
    """When each row's interval starts.

    start: one entry a row, in the rows' own order (NaT where it can't be told), with zone when one is
    known; step: the usual distance (None with fewer than two rows); side: "start" or "end", what the
    stamps were; findings: all that was found, repaired, assumed.
    """

    start: pd.DatetimeIndex
    step: pd.Timedelta | None
    side: str
    findings: tuple[Finding, ...]


def read_stamps(
    stamps: Sequence[Any] | pd.Index | pd.Series[Any],
    *,
    zone: str | None = None,
    order: str | None = None,
    side: str | None = None,
) -> Stamps | Refusal:
    """The local start of each row's interval, or why it can't be told.

    stamps: text, datetimes, or a DatetimeIndex, in the order of the file. zone: of the plant (default: an index's own); stamps
    without an offset are its local time, those with one are converted to it. order: of the date, "dmy", "mdy" or
    "ymd", where the text does not say. side: does a stamp tell the "start" or the "end" of its interval?

    Refused: dates that can be read two ways, stamps with and without offset mixed, several offsets and
    no zone, more than a tenth unreadable. Repaired where only one reading is possible, with a finding:
    midnight with the old date, an empty stamp between two that leave one place, the autumn hour that is
    there twice, a logger that knows no summer time. Raises ConfigError for a zone, order or side that is none.
    """
    if order is not None and order not in ORDERS:
        raise ConfigError(f'"{order}" is no order of a date.', todo=f"Write one of: {', '.join(ORDERS)}.")
    if side not in (None, "start", "end"):
        raise ConfigError(f'"{side}" is no side of an interval.', todo='Write "start" or "end".')
    findings: list[Finding] = []
    if zone is None and isinstance(stamps, pd.DatetimeIndex) and stamps.tz is not None:
        # an index that knows its zone by name knows its summer time; None for a mere offset
        zone = getattr(stamps.tz, "key", None) or getattr(stamps.tz, "zone", None)
    taken = _take(stamps, order, findings)
    if isinstance(taken, Refusal):
        return taken
    wall, offset, late_24 = taken
    step_ns = _usual_step(wall)
    with_offset = offset != _NAT
    timed = wall != _NAT
    if with_offset[timed].any() and not with_offset[timed].all():
        return words.refuse_mixed_offsets(int(with_offset[timed].sum()), int(timed.sum()))
    if with_offset.any():
        return _aware(wall, offset, zone, side, findings)
    moved = _old_date(wall, step_ns)
    if moved.any():
        wall = np.where(moved, wall + DAY_NS, wall)
        findings.append(words.midnight_old_date(int(moved.sum())))
    wall = _fill_empty(wall, step_ns, findings)
    known_end = bool(moved.any() or late_24)
    if zone is not None:
        ns, aware_findings = localise(wall, zone, step_ns)
        findings += aware_findings
    else:
        ns = wall
    return _finish(ns, zone, side, findings, known_end=known_end)


def _take(
    stamps: Sequence[Any] | pd.Index | pd.Series[Any], order: str | None, findings: list[Finding]
) -> tuple[Ints, Ints, bool] | Refusal:
    """Wall clock (ns) and offset (ns, NaT where none is written) of each row."""
    values = pd.Index(stamps) if not isinstance(stamps, pd.Index) else stamps
    if isinstance(values, pd.DatetimeIndex):
        wall = values.tz_localize(None) if values.tz is not None else values
        wall_ns = wall.as_unit("ns").asi8.copy()
        offset = np.full(len(values), _NAT, dtype=np.int64)
        if values.tz is not None:
            utc = values.tz_convert("UTC").tz_localize(None).as_unit("ns").asi8
            offset = np.where(wall_ns == _NAT, _NAT, wall_ns - utc)
        return wall_ns, offset, False
    items = [_text(one) for one in values]
    empty = [one is None for one in items]
    cache: dict[str, Any] = {}
    parts = []
    for one in items:
        if one is not None and one not in cache:
            cache[one] = take_apart(one)
        parts.append(None if one is None else cache[one])
    bad = [text for text, part, none in zip(items, parts, empty, strict=True) if part is None and not none]
    filled = len(items) - sum(empty)
    if filled and len(bad) > _BAD_SHARE * filled:
        return words.refuse_unreadable(len(bad), len(items), str(bad[0]))
    texts = [one or "" for one in items]
    found = find_order(parts, texts)
    if order is None:
        if found.order == "!":
            return words.refuse_dates_contradict(found.how)
        if not found.order:
            return words.refuse_dates_ambiguous(found.example)
        if found.how == "evenly spaced":
            findings.append(words.order_found(found.order, found.example))
        order = found.order
    wall_list, offsets = np.full(len(items), _NAT, dtype=np.int64), np.full(len(items), _NAT, dtype=np.int64)
    impossible = 0
    late_24 = False
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 (wall clock)
    known: dict[int, int] = {}
    for place, part in enumerate(parts):
        if part is None:
            continue
        moment = part.moment(order)
        if moment is None or not 1970 <= moment.year <= 2200:
            impossible += 1
            continue
        delta = moment - epoch
        wall_list[place] = (delta.days * 86_400 + delta.seconds) * 1_000_000_000 + delta.microseconds * 1000
        late_24 |= part.midnight_24
        if part.offset is not None:
            offsets[place] = known.setdefault(part.offset, part.offset * 60_000_000_000)
    if filled and impossible > _BAD_SHARE * filled:
        return words.refuse_impossible(impossible, len(items), order, found.example)
    if bad or impossible:
        findings.append(words.unreadable(len(bad) + impossible, str(bad[0]) if bad else found.example))
    return wall_list, offsets, late_24


def _text(value: Any) -> str | None:
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, datetime):  # also pandas' own
        return value.isoformat()
    text = str(value).strip().lstrip("\ufeff").strip()
    return None if text.casefold() in EMPTY else text


def _usual_step(wall: Ints) -> int:
    """The distance that most rows have to the next; in the order of time where the file has none."""
    real = wall[wall != _NAT]
    for rows in (real, np.sort(real)):
        steps = np.diff(rows)
        steps = steps[steps > 0]
        if not len(steps):
            continue
        found, counts = np.unique(steps, return_counts=True)
        if rows is not real or counts.max() >= 0.5 * (len(real) - 1):
            return int(found[int(np.argmax(counts))])
    return 0


def _old_date(wall: Ints, step: int) -> NDArray[np.bool_]:
    """Rows at 00:00 that carry the date of the day they end: one day late they follow the row before."""
    moved = np.zeros(len(wall), dtype=bool)
    if step <= 0 or step >= DAY_NS or len(wall) < 2:
        return moved
    midnight = (wall != _NAT) & (wall % DAY_NS == 0)
    back = np.zeros(len(wall), dtype=bool)
    back[1:] = (wall[:-1] != _NAT) & (wall[1:] + DAY_NS - wall[:-1] == step)
    moved = midnight & back
    # the row after must not say otherwise
    after = np.ones(len(wall), dtype=bool)
    after[:-1] = (wall[1:] == _NAT) | (wall[1:] >= wall[:-1] + DAY_NS)
    found: NDArray[np.bool_] = moved & after
    return found


def _fill_empty(wall: Ints, step: int, findings: list[Finding]) -> Ints:
    """Empty stamps whose place is certain: as many rows as there is room for between the two around them."""
    empty = wall == _NAT
    if not empty.any():
        return wall
    filled = wall.copy()
    count = 0
    edges = np.flatnonzero(np.diff(np.concatenate(([False], empty, [False])).astype(np.int8))).reshape(-1, 2)
    for first, last in edges.tolist():
        if first == 0 or last == len(wall) or step <= 0:
            continue
        if wall[last] - wall[first - 1] == (last - first + 1) * step:
            filled[first:last] = wall[first - 1] + step * np.arange(1, last - first + 1)
            count += last - first
    if count:
        findings.append(words.empty_filled(count))
    if int(empty.sum()) > count:
        findings.append(words.empty_left_out(int(empty.sum()) - count))
    return filled


def _aware(
    wall: Ints, offset: Ints, zone: str | None, side: str | None, findings: list[Finding]
) -> Stamps | Refusal:
    timed = wall != _NAT
    offsets = np.unique(offset[timed])
    if zone is None and len(offsets) > 1:
        return words.refuse_zone_needed([int(one // 60_000_000_000) for one in offsets])
    utc = np.where(timed, wall - np.where(timed, offset, 0), _NAT)
    if zone is None:
        minutes = int(offsets[0] // 60_000_000_000) if len(offsets) else 0
        zone = (
            "UTC"
            if minutes == 0
            else f"{'+' if minutes > 0 else '-'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
        )
    else:
        local = _index(utc, zone)
        own = local.tz_localize(None).as_unit("ns").asi8
        foreign = timed & (own - utc != offset)
        if foreign.any():
            findings.append(words.other_zone(int(foreign.sum()), int(timed.sum()), zone))
    utc = _fill_empty(utc, _usual_step(utc), findings)
    return _finish(utc, zone, side, findings, known_end=False)


def _finish(
    ns: Ints,
    zone: str | None,
    side: str | None,
    findings: list[Finding],
    *,
    known_end: bool,
) -> Stamps | Refusal:
    step_ns = _usual_step(ns)
    index = _index(ns, zone)
    if side is None:
        side, how = _side(index, step_ns, known_end)
        findings.append(words.side_found(side, how) if how else words.side_assumed(side))
    if side == "end" and step_ns:
        if step_ns % DAY_NS == 0 or step_ns >= 27 * DAY_NS:
            # days and months of local time, not of 24 hours
            days = max(round(step_ns / DAY_NS), 1)
            shift = pd.DateOffset(days=days) if days < 27 else pd.DateOffset(months=round(days / 30.4))
            index = pd.DatetimeIndex(index - shift)
        else:
            index = index - pd.Timedelta(step_ns, unit="ns")
    return Stamps(index, pd.Timedelta(step_ns, unit="ns") if step_ns else None, side, tuple(findings))


def _side(index: pd.DatetimeIndex, step_ns: int, known_end: bool) -> tuple[str, str]:
    """Which side of the interval the stamps tell, and how that is known ("" for a guess)."""
    if known_end:
        return "end", "midnight"
    real = index[index.notna()]
    if step_ns and step_ns < DAY_NS and len(real) >= 2:
        first, last = real.min(), real.max()
        of_day = (first - first.normalize()).value
        end_of_day = (last - last.normalize()).value
        if of_day == step_ns and end_of_day == 0:
            return "end", "whole days"
        if of_day == 0 and end_of_day == DAY_NS - step_ns:
            return "start", "whole days"
    return "start", ""


def _index(ns: Ints, zone: str | None) -> pd.DatetimeIndex:
    index = pd.DatetimeIndex(ns.astype("datetime64[ns]"))
    if zone is None:
        return index
    try:
        return index.tz_localize("UTC").tz_convert(zone)
    except (KeyError, ValueError, OSError):
        raise ConfigError(f'"{zone}" is not a time zone.', todo='Write e.g. "Asia/Ho_Chi_Minh".') from None
