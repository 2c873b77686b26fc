"""Broken lines over temperature with searched balance points: change-point 3P–5P and degree-days or -hours.

Sources: Kissock, Haberl and Claridge 2003, ASHRAE Transactions 109(2) 425–434 (inverse modeling toolkit,
RP-1050); ASHRAE Guideline 14-2014 annex D; degree-days with variable base: CalTRACK 2.0 §3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from analysis._frames import Bools, Floats
from analysis._linear import left_out_errors, unjudged
from analysis.baselines import _words as words
from analysis.baselines._columns import design, hinge
from analysis.baselines._extras import range_of
from analysis.baselines._fit import Prepared, finish, prepare
from analysis.baselines._search import Best, Columns, Residual, Shape, best_of, best_pair, left_out, search
from analysis.baselines.degrees import degree_grid
from analysis.data import Interval, MeterData
from analysis.results import Finding, Model, Refusal
from dodac.errors import ConfigError

__all__ = ["design", "fit", "fit_with_errors"]

SHAPES: Final = {
    "3p-heating": Shape(heating=True, cooling=False),
    "3p-cooling": Shape(heating=False, cooling=True),
    "4p": Shape(heating=True, cooling=True, together=True, signs=False),
    "5p": Shape(heating=True, cooling=True),
    "hdd": Shape(heating=True, cooling=False),
    "cdd": Shape(heating=False, cooling=True),
    "hdd-cdd": Shape(heating=True, cooling=True),
}
# grids for the choice inside cross-validation: places, and places a side of pairs
_PLACES: Final = 31
_PAIRS: Final = 13


def fit(data: MeterData, kind: str, **options: Any) -> Model | Refusal:
    """Fits a change-point or degree-day model with all drivers and categories of the data, or says why not.

    3p-heating, 3p-cooling: flat, then a line below (above) the balance point; 4p: two lines that meet;
    5p: lines on both sides of a flat part; these use the mean temperature of the interval. hdd, cdd,
    hdd-cdd: the same with degree-days or degree-hours of the interval (columns of `degree_columns`,
    named by options heating="hdd", cooling="cdd"); without such columns, and where an interval is a
    day or less, from its temperature. balance_heating, balance_cooling (°C): fixed instead of searched.
    side: rows on each side of a balance point (default by interval: tables/baselines.toml).
    Slopes must be above 0 (energy rises with cold and with heat), except for 4p. Balance points count
    as parameters. Further options: see `prepare`. Raises ConfigError for a missing temperature or
    missing degree-day columns.
    """
    opened = _open(data, kind, options)
    return opened if isinstance(opened, Refusal) else _fit(opened, kind)


def fit_with_errors(
    data: MeterData, kind: str, blocks: NDArray[np.int_], **options: Any
) -> tuple[Model | Refusal, Floats | Refusal]:
    """The fit, and the errors of the rows, each predicted without its block, balance points chosen without it too.

    Rows of the frame; NaN where a row is not used, or where only its own block knows one of its levels.
    """
    opened = _open(data, kind, options)
    if isinstance(opened, Refusal):
        return opened, opened
    model = _fit(opened, kind)
    return model, model if isinstance(model, Refusal) else _left_out_errors(opened, blocks)


def _fit(opened: _Opened, kind: str) -> Model | Refusal:
    found = opened.prepared
    residual = Residual(found.base * found.root[:, None], found.y * found.root)
    best = opened.best(residual)
    if best is None:
        return words.refuse_wrong_sign(opened.side_name)
    found.settings["hinges"] = opened.hinges(best)
    ranges = cast("dict[str, list[float]]", found.settings["ranges"])
    for each in cast("list[dict[str, Any]]", found.settings["hinges"]):
        if each["column"]:
            ranges[each["column"]] = range_of(found.column(each["column"]))
    found.findings.extend(opened.edges(best))
    model = finish(found, kind, searched=opened.searched)
    if isinstance(model, Model) and kind == "4p" and {"heating", "cooling"} <= set(model.terms):
        low, high = (float(model.coefficients[model.terms.index(side)]) for side in ("heating", "cooling"))
        if high < -low:
            found.findings.append(words.saturates(-low, high, best.heating))
            model = finish(found, kind, searched=opened.searched)
    return model


def _left_out_errors(opened: _Opened, blocks: NDArray[np.int_]) -> Floats:
    found, root, stack = opened.prepared, opened.prepared.root, opened.stack()
    mine = np.unique(blocks[found.used], return_inverse=True)[1]
    if len(stack):
        base = found.base * root[:, None]
        fitted = left_out(base, found.y * root, stack, stack.shape[2], mine, opened.shape.signs)
        inside = found.y - fitted / root
        inside[unjudged(found.base, mine)] = np.nan
    else:
        # no pair of the coarse grid leaves enough rows between: the base alone predicts
        inside = left_out_errors(found.base, found.y, mine, found.weights)
    errors = np.full(len(found.used), np.nan)
    errors[found.used] = inside
    return errors


@dataclass(frozen=True)
class _Opened:
    """A prepared fit and where its balance points may lie."""

    prepared: Prepared
    shape: Shape
    columns: Columns
    low: float
    high: float
    side: int
    # degree-day columns: their balance points and names, by side
    grids: dict[str, tuple[Floats, tuple[str, ...]]]
    fixed: dict[str, float]
    temperature: Floats

    @property
    def side_name(self) -> str:
        if self.shape.heating and self.shape.cooling:
            return "both"
        return "heating" if self.shape.heating else "cooling"

    @property
    def sides(self) -> tuple[str, ...]:
        return tuple(s for s, on in (("heating", self.shape.heating), ("cooling", self.shape.cooling)) if on)

    @property
    def searched(self) -> int:
        free = [side for side in self.sides if side not in self.fixed]
        return min(len(free), 1) if self.shape.together else len(free)

    def between(self, heating: Floats, cooling: Floats) -> Bools:
        """Pairs with enough rows on the flat part between them."""
        if self.grids:
            return np.asarray(heating <= cooling)
        ordered = np.sort(self.temperature)
        inside = np.searchsorted(ordered, cooling, side="right") - np.searchsorted(ordered, heating)
        return np.asarray((heating < cooling) & (inside >= self.side))

    def candidates(self, count: int) -> dict[str, Floats]:
        places = {}
        for side in self.sides:
            if side in self.fixed:
                places[side] = np.array([self.fixed[side]])
            elif self.grids:
                grid = self.grids[side][0]
                places[side] = grid[np.unique(np.linspace(0, len(grid) - 1, count).round().astype(int))]
            else:
                places[side] = np.linspace(self.low, self.high, count)
        return places

    def best(self, residual: Residual) -> Best | None:
        if not self.grids and not self.fixed:
            return search(residual, self.shape, self.columns, self.low, self.high, self.between)
        places = self.candidates(10_000 if self.grids else 61)
        return _best_on(residual, self.shape, self.columns, places, self.between)

    def stack(self) -> Floats:
        """Weighted hinge columns of every candidate: g × rows × hinges."""
        pairs = len(self.sides) == 2 and not self.shape.together
        places = self.candidates(_PAIRS if pairs else _PLACES)
        columns = {side: self.columns(side, places[side]) for side in self.sides}
        if not pairs:
            return np.stack([columns[side].T for side in self.sides], axis=2)
        chosen = self.between(places["heating"][:, None], places["cooling"][None, :])
        first, second = np.nonzero(chosen)
        return np.stack([columns["heating"][:, first].T, columns["cooling"][:, second].T], axis=2)

    def hinges(self, best: Best) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for side in self.sides:
            place = best.heating if side == "heating" else best.cooling
            each: dict[str, Any] = {"side": side, "balance_c": place, "column": None}
            each["point"] = "both" if self.shape.together else side
            if self.grids:
                grid, names = self.grids[side]
                each["column"] = names[int(np.argmin(np.abs(grid - place)))]
            found.append(each)
        return found

    def edges(self, best: Best) -> list[Finding]:
        """Balance points where the search ends."""
        found = []
        for side in self.sides[: 1 if self.shape.together else 2]:
            if side in self.fixed:
                continue
            place = best.heating if side == "heating" else best.cooling
            grid = self.grids[side][0] if self.grids else np.array([self.low, self.high])
            if len(grid) > 1 and min(abs(place - grid[0]), abs(place - grid[-1])) < 1e-6:
                found.append(words.balance_at_edge("both" if self.shape.together else side, place))
        return found


def _best_on(
    residual: Residual, shape: Shape, columns: Columns, places: dict[str, Floats], between: Any
) -> Best | None:
    if shape.together or len(places) == 1:
        return best_of(residual, shape, columns, next(iter(places.values())), between)
    return best_pair(residual, shape, columns, places["heating"], places["cooling"], between)


def _open(data: MeterData, kind: str, options: dict[str, Any]) -> _Opened | Refusal:
    shape = SHAPES[kind]
    degrees = kind in ("hdd", "cdd", "hdd-cdd")
    prefixes = {"heating": options.pop("heating", "hdd"), "cooling": options.pop("cooling", "cdd")}
    fixed = {
        side: float(options.pop(f"balance_{side}"))
        for side in ("heating", "cooling")
        if options.get(f"balance_{side}") is not None
    }
    fixed = {side: place for side, place in fixed.items() if getattr(shape, side)}
    side_option = options.pop("side", None)
    grids: dict[str, tuple[Floats, tuple[str, ...]]] = {}
    sides = [side for side in ("heating", "cooling") if getattr(shape, side)]
    if degrees:
        grids = {side: degree_grid(data.frame.columns, prefixes[side], fixed.get(side)) for side in sides}
        if not all(len(names) for _, names in grids.values()):
            grids = {}
            _check_without_columns(data, kind, prefixes, sides)
    needs: Sequence[str] = ()
    if grids:
        needs = [name for _, names in grids.values() for name in names]
    elif data.temperature is None:
        raise ConfigError(f'the model "{kind}" needs a temperature.', todo="Name its column or channel.")
    else:
        needs = [data.temperature]
    found = prepare(data, needs=needs, **options)
    if isinstance(found, Refusal):
        return found
    side = int(found.limits["side"] if side_option is None else side_option)
    root = found.root
    if grids:
        return _open_degrees(found, shape, grids, fixed, side)
    temperature = found.column(data.temperature or "")
    ordered = np.sort(temperature)
    room = 2 * side + (side if shape.heating and shape.cooling and not shape.together else 0)
    spread = float(ordered[-1] - ordered[0])
    if len(ordered) < room or ordered[-side] - ordered[side - 1] <= 1e-6:
        return words.refuse_no_room(len(ordered), side, spread)
    scale = (found.days * root)[:, None]

    def columns(which: str, places: Floats) -> Floats:
        return hinge(which, temperature[:, None], places[None, :]) * scale

    low, high = float(ordered[side - 1]), float(ordered[-side])
    return _Opened(found, shape, columns, low, high, side, {}, fixed, temperature)


def _check_without_columns(data: MeterData, kind: str, prefixes: dict[str, str], sides: list[str]) -> None:
    length = data.interval.seconds
    if length is None or data.interval is Interval.WEEK or data.temperature is None:
        wanted = " and ".join(f'"{prefixes[side]}_…"' for side in sides)
        raise ConfigError(
            f'the model "{kind}" needs columns {wanted} for {data.interval} data.',
            todo="Make them from hourly or daily temperatures with degree_columns().",
        )


def _open_degrees(
    found: Prepared,
    shape: Shape,
    grids: dict[str, tuple[Floats, tuple[str, ...]]],
    fixed: dict[str, float],
    side: int,
) -> _Opened | Refusal:
    kept: dict[str, tuple[Floats, tuple[str, ...]]] = {}
    table: dict[str, dict[float, Floats]] = {}
    for which, (places, names) in grids.items():
        columns = [found.column(name) for name in names]
        # rows with degree-days and rows without are both needed to tell slope from constant
        enough = [
            which in fixed or (np.sum(column > 0.0) >= side and float(np.ptp(column)) > 1e-9)
            for column in columns
        ]
        at = [number for number, good in enumerate(enough) if good]
        if not at:
            return words.refuse_no_room(len(found.y), side, 0.0)
        kept[which] = (places[at], tuple(names[number] for number in at))
        table[which] = {float(places[number]): columns[number] * found.root for number in at}

    def pick(which: str, places: Floats) -> Floats:
        return np.column_stack([table[which][float(place)] for place in places])

    low = min(float(places[0]) for places, _ in kept.values())
    high = max(float(places[-1]) for places, _ in kept.values())
    return _Opened(found, shape, pick, low, high, side, kept, fixed, found.y)
