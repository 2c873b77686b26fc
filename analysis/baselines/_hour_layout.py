"""The columns of the hourly time-of-week-and-temperature model, built from plain settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import pandas as pd

from analysis._frames import Bools, Floats, numbers
from analysis.baselines._extras import extras
from analysis.baselines._grouped import Cell, Rows
from analysis.baselines._hours import (
    NORMAL,
    Ints,
    group_label,
    hats,
    pieces_of,
    slots_of,
    words_of,
)
from analysis.baselines._towt_columns import WORKED
from analysis.baselines.warm_start import warmed
from analysis.data import Interval

# special days have their own level at six places of the day, held near the day they are taken for
SPECIAL_NODES: Final = 6
# days near a holiday are taken for what their weekday is, other special days for a day of rest
NEIGHBOURS: Final = ("before_holiday", "after_holiday", "bridge", "tet_before", "tet_after")
_CLASSES: Final = ("unoccupied", "occupied")


@dataclass(frozen=True)
class Layout:
    """names, cells (class × slot) and penalty of the columns; extra: which of them are drivers and levels."""

    names: tuple[str, ...]
    cells: tuple[Cell, ...]
    penalty: Floats
    extra: Ints


def slots_in_day(interval: str) -> int:
    """Levels a day: one an hour, and one a half-hour for shorter intervals."""
    return 24 if Interval(interval) is Interval.HOUR else 48


def known(settings: Mapping[str, object]) -> dict[str, Any]:
    """The settings, whose kinds `fit` wrote."""
    return cast("dict[str, Any]", settings)


def layout(settings: Mapping[str, object], extra_names: tuple[str, ...]) -> Layout:
    """Names and cells for settings of the hourly model.

    Columns, in order: profile.GROUP.SLOT (level of each group of weekdays in each slot);
    CLASS.temperature_PIECE.hHH and CLASS.smoothed_PIECE.hHH (slopes at nodes of the day, in between
    on a straight line), for occupied and unoccupied days; day_type.WORD.hHH; then what `extras` gives.
    """
    chosen = known(settings)
    slots = slots_in_day(chosen["interval"])
    names: list[str] = []
    penalty: list[float] = []
    groups = chosen["groups"]
    for group in groups:
        label = group_label(group)
        names += [f"profile.{label}.{_clock(slot, slots)}" for slot in range(slots)]
    penalty += [0.0] * len(names)
    classes = sorted(set(chosen["occupied"]))
    pieces = []
    if chosen["temperature"] is not None:
        pieces = [f"temperature_{place + 1}" for place in range(len(chosen["knots_c"]) + 1)]
    if chosen["smoothing_h"] > 0.0:
        pieces += [f"smoothed_{place + 1}" for place in range(len(chosen["smoothed_knots_c"]) + 1)]
    starts: dict[int, int] = {}
    for which in classes:
        starts[which] = len(names)
        nodes = _nodes(chosen, which)
        for node in range(nodes):
            names += [f"{_CLASSES[which]}.{piece}.{_hour(node, nodes)}" for piece in pieces]
    penalty += [float(chosen["ridge"])] * (len(names) - len(penalty))
    special = len(names)
    for word in chosen["day_types"]:
        names += [f"day_type.{word}.{_hour(node, SPECIAL_NODES)}" for node in range(SPECIAL_NODES)]
    penalty += [float(chosen["special_ridge"])] * (len(names) - len(penalty))
    extra = np.arange(len(names), len(names) + len(extra_names))
    names += extra_names
    penalty += [0.0] * len(extra_names)
    cells = []
    around = hats(slots, SPECIAL_NODES)
    for which in (0, 1):
        bend = hats(slots, _nodes(chosen, which))
        for slot in range(slots):
            entries = [
                (place, number * slots + slot, 1.0)
                for place, number in enumerate(range(len(groups)))
                if chosen["occupied"][number] == which
            ]
            if which in starts:
                for bent in np.flatnonzero(bend[slot]):
                    first = starts[which] + int(bent) * len(pieces)
                    entries += [
                        (len(groups) + place, first + place, float(bend[slot, bent]))
                        for place in range(len(pieces))
                    ]
            base = len(groups) + len(pieces)
            for place in range(len(chosen["day_types"])):
                entries += [
                    (base + place, special + place * SPECIAL_NODES + int(node), float(around[slot, node]))
                    for node in np.flatnonzero(around[slot])
                ]
            base += len(chosen["day_types"])
            entries += [(base + place, int(column), 1.0) for place, column in enumerate(extra)]
            cells.append(_cell(entries, base + len(extra)))
    return Layout(tuple(names), tuple(cells), np.array(penalty), extra.astype(np.int64))


def _cell(entries: list[tuple[int, int, float]], width: int) -> Cell:
    columns = sorted({column for _, column, _ in entries})
    place = {column: number for number, column in enumerate(columns)}
    spread = np.zeros((width, len(columns)))
    for row, column, value in entries:
        spread[row, place[column]] = value
    return Cell(np.array(columns, dtype=np.int64), spread)


def day_kinds(settings: Mapping[str, object], frame: pd.DataFrame) -> tuple[Ints, Floats, Bools]:
    """Group of weekdays each row is taken for, its special word (rows × words), and rows unknown."""
    chosen = known(settings)
    index = pd.DatetimeIndex(frame.index)
    of_weekday = np.full(7, -1, dtype=np.int64)
    for number, days in enumerate(chosen["groups"]):
        of_weekday[days] = number
    group = of_weekday[index.day_of_week.to_numpy()]
    special = np.zeros((len(frame), len(chosen["day_types"])))
    if chosen["day_type"] is None:
        return group, special, group < 0
    codes, words = words_of(frame, chosen["day_type"])
    strange = codes < 0
    for code, word in enumerate(words):
        mine = codes == code
        if word in WORKED:
            group[mine] = chosen["work_group"]
        elif word in chosen["day_types"]:
            if word not in NEIGHBOURS:
                group[mine] = chosen["rest_group"]
            special[mine, chosen["day_types"].index(word)] = 1.0
        elif word != NORMAL:
            strange |= mine
    return group, special, strange | (group < 0)


def rows_of(settings: Mapping[str, object], frame: pd.DataFrame) -> tuple[Rows, Bools, tuple[str, ...]]:
    """Reduced rows of a frame, the rows the model can't speak for, and the names of the extra columns."""
    chosen = known(settings)
    interval = Interval(chosen["interval"])
    index = pd.DatetimeIndex(frame.index)
    slots = slots_in_day(chosen["interval"])
    slot = slots_of(index, slots)
    group, special, unknown = day_kinds(settings, frame)
    group = np.maximum(group, 0)
    seen = np.array(chosen["seen"], dtype=np.bool_)
    unknown |= ~seen[group, slot]
    parts = [(group[:, None] == np.arange(len(chosen["groups"]))).astype(np.float64)]
    if chosen["temperature"] is not None:
        temperature = numbers(frame, chosen["temperature"])
        unknown |= np.isnan(temperature)
        warm = np.where(np.isnan(temperature), chosen["mean_c"], temperature)
        parts.append(pieces_of(warm, chosen["knots_c"], chosen["scale_k"]))
        if chosen["smoothing_h"] > 0.0:
            start = chosen.get("smoothing_start")
            slow = warmed(start, temperature, index, chosen["smoothing_h"], interval.seconds or 3600)
            slow[np.isnan(slow)] = chosen["mean_c"]
            parts.append(pieces_of(slow, chosen["smoothed_knots_c"], chosen["scale_k"]))
    parts.append(special)
    names: tuple[str, ...] = ()
    if chosen["drivers"] or chosen["categories"] or chosen["lags"]:
        found = extras(settings, frame, interval)
        unknown |= np.isnan(found.columns).any(axis=1) | found.unknown
        centre = np.array(chosen["centre"]) if chosen["centre"] else 0.0
        parts.append(np.where(np.isnan(found.columns), 0.0, found.columns - centre))
        names = found.names
    busy = np.array(chosen["occupied"], dtype=np.int64)
    return Rows(np.column_stack(parts), busy[group] * slots + slot), unknown, names


def _nodes(chosen: dict[str, Any], which: int) -> int:
    return int(chosen["nodes"][which])


def _clock(slot: int, slots: int) -> str:
    minute = slot * 1440 // slots
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _hour(node: int, nodes: int) -> str:
    return f"h{(node + 0.5) * 24 / nodes:04.1f}"
