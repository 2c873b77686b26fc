"""Chooses a baseline by its error on blocks of time it was not fitted on, and keeps every other with its reason."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analysis._frames import Floats, numbers
from analysis._linear import left_out_errors
from analysis.baselines import _select_words as words
from analysis.baselines import _words as model_words
from analysis.baselines._candidates import Trial, trials
from analysis.baselines._candidates import limits as candidate_limits
from analysis.baselines._checks import implausible
from analysis.baselines._chosen import Candidate, Judged, Selection, choose
from analysis.baselines._columns import row_days
from analysis.baselines._fit import limits, too_few
from analysis.data import MeterData
from analysis.models import design, fit, kind_of
from analysis.results import Finding, Model, Refusal
from dodac.errors import ConfigError, DataError

__all__ = ["Candidate", "Selection", "Trial", "blocks_of", "select", "trials"]

Blocks = NDArray[np.int_]
Judge = Callable[[Model], Sequence[Finding]]

# a block shorter than this part of the usual one joins the block before it
_SHORT: Final = 0.5
_FEWEST: Final = 6


def select(
    data: MeterData,
    *,
    candidates: Sequence[Trial] | None = None,
    block: int | None = None,
    any_sign: Sequence[str] = (),
    judge: Judge | None = None,
    **options: Any,
) -> Selection:
    """The simplest model that predicts blocks of unseen time about as well as the best one does.

    candidates: instead of the default list for the interval. block: rows left out together (default: four
    weeks of days or hours, one month or bill); blocks are contiguous, because neighbouring rows know one
    another (Roberts et al. 2017, Ecography 40). any_sign: drivers that may lower energy. judge: a further
    test of a model: findings refuse it (thresholds of a programme). options: to every fit (allow_short,
    averages, …).

    Every candidate is judged on the same rows. Refused: what its fit refuses; a driver of the wrong sign;
    too few rows a parameter; drivers that can't be told apart (variance inflation) or say the same; what
    blocks can't judge. Of the rest, the fewest parameters with a squared error not more than one
    standard error (of the difference, over blocks) above the best's, and an error at most 5 % above it, is
    chosen (Breiman et al. 1984, §3.4.3; Hastie, Tibshirani and Friedman, §7.10). R² plays no part. Raises
    ConfigError for unknown names.
    """
    tried = trials(data) if candidates is None else tuple(candidates)
    if not tried:
        raise ConfigError("there is no model to choose from.", todo="Give candidates.")
    strange = implausible(data)
    if strange is not None:
        return Selection(None, "", strange, (), 0, 0, ())
    data = _same_rows(data, tried)
    shortest = min(limits(data.interval)["shortest"], options.get("min_rows") or math.inf)
    if int(np.sum(data.used)) < shortest:
        needed = shortest if options.get("allow_short") else limits(data.interval)["rows"]
        return Selection(None, "", too_few(data, data.used, needed), (), 0, 0, ())
    blocks = blocks_of(data, block)
    judged = [_try(data, trial, blocks, tuple(any_sign), judge, options) for trial in tried]
    return choose(data, blocks, judged)


def blocks_of(data: MeterData, block: int | None = None) -> Blocks:
    """The number of each row's block (frame rows): contiguous stretches of `block` intervals.

    Calendar time counts, not rows: a gap makes a block smaller. A short last block joins the one before;
    by default there are six blocks or more.
    """
    length = block
    if length is None:
        # a short baseline has shorter blocks: a handful at least, or there is nothing to compare
        length = min(limits(data.interval)["block"], max(1, int(np.sum(data.used)) // _FEWEST))
    if length < 1:
        raise ConfigError(f"blocks of {length} rows.", todo="Give 1 or more.")
    index, seconds = data.index, data.interval.seconds
    if seconds is None:
        at = np.arange(len(index))
    else:
        if index.tz is not None and seconds >= 86_400:
            index = index.tz_localize(None)
        starts = index.as_unit("s").asi8
        at = (starts - starts[0]) // seconds if len(index) else np.arange(0)
    number = at // length
    used = data.used
    counts = np.bincount(number[used]) if used.any() else np.zeros(1, dtype=np.int64)
    if len(counts) > 1 and 0 < counts[-1] < _SHORT * length:
        number = np.minimum(number, len(counts) - 2)
    return np.unique(number, return_inverse=True)[1].astype(np.int64)


def _same_rows(data: MeterData, tried: Sequence[Trial]) -> MeterData:
    """The data with `used` narrowed to rows that every candidate can use."""
    used = data.used & ~np.isnan(row_days(data.frame, {"interval": str(data.interval), "per_day": True}))
    names = {column for trial in tried for column in trial.options.get("needs", ())}
    prefixes = {"hdd": ("hdd",), "cdd": ("cdd",), "hdd-cdd": ("hdd", "cdd")}
    wanted = {prefix for trial in tried for prefix in prefixes.get(trial.kind, ())}
    for column in data.frame.columns:
        if str(column) in names or (
            str(column).split("_")[0] in wanted and data.frame[column].dtype.kind == "f"
        ):
            used &= ~np.isnan(numbers(data.frame, str(column)))
    frame = data.frame.assign(used=used)
    return replace(data, frame=frame)


def _try(
    data: MeterData,
    trial: Trial,
    blocks: Blocks,
    any_sign: tuple[str, ...],
    judge: Judge | None,
    options: dict[str, Any],
) -> Judged:
    mine = trial.data(data)
    module = importlib.import_module(kind_of(trial.kind).module)
    both = getattr(module, "fit_with_errors", None)
    errors: Floats | Refusal
    # kinds with options of their own know only this one of selection's
    shared = options if both is not None else {k: v for k, v in options.items() if k == "allow_short"}
    whole = {**shared, **trial.options}
    try:
        if both is None:
            model = fit(mine, trial.kind, **whole)
        else:
            model, errors = both(mine, trial.kind, blocks, **whole)
    except DataError as error:
        return Judged(trial, None, None, (words.can_not_read(str(error)),))
    if isinstance(model, Refusal):
        return Judged(trial, None, None, (_said(model),))
    if both is None:
        errors = _errors(mine, model, trial, blocks, whole)
    refused = _reasons(mine, model, any_sign)
    if judge is not None:
        refused += judge(model)
    if isinstance(errors, Refusal):
        return Judged(trial, model, None, (*refused, _said(errors)))
    return Judged(trial, model, errors, tuple(refused))


def _said(refusal: Refusal) -> Finding:
    return Finding(refusal.code, refusal.en, refusal.vi, refusal.data)


def _errors(
    data: MeterData, model: Model, trial: Trial, blocks: Blocks, options: dict[str, Any]
) -> Floats | Refusal:
    """Errors without the row's block for kinds that know no better.

    Where the fit is plain least squares on its design, by downdates of it: what shapes the design
    (knots by temperature, occupied weekdays) is that of the whole period. Else by fitting again.
    """
    rows = design(model, data.frame)
    good = data.used & ~np.isnan(rows).any(axis=1)
    matrix, y = rows[good], data.y[good]
    error = y - matrix @ model.coefficients
    size = np.linalg.norm(matrix, axis=0) * max(float(np.linalg.norm(error)), 1e-300)
    if np.max(np.abs(matrix.T @ error) / np.maximum(size, 1e-300)) > 1e-6 or len(matrix) <= matrix.shape[1]:
        return _refitted(data, trial, blocks, options)
    errors = np.full(len(rows), np.nan)
    errors[good] = left_out_errors(matrix, y, np.unique(blocks[good], return_inverse=True)[1])
    return errors


def _refitted(data: MeterData, trial: Trial, blocks: Blocks, options: dict[str, Any]) -> Floats | Refusal:
    """Errors by fitting again without each block: for kinds that choose more than a line's places."""
    errors = np.full(len(data.frame), np.nan)
    used = data.used
    y = data.y
    for block in np.unique(blocks[used]):
        mine = blocks == block
        less = replace(data, frame=data.frame.assign(used=used & ~mine))
        model = fit(less, trial.kind, **{**options, "allow_short": True})
        if isinstance(model, Refusal):
            return model
        part = data.frame.loc[mine]
        errors[mine] = y[mine] - design(model, part) @ model.coefficients
    errors[~used] = np.nan
    return errors


def _reasons(data: MeterData, model: Model, any_sign: tuple[str, ...]) -> list[Finding]:
    """Why a fitted model can't be the baseline, whatever its error."""
    found: list[Finding] = []
    known = candidate_limits()
    n, p = model.statistics.n, model.statistics.p
    if n < known["per_parameter"] * p:
        found.append(words.few_rows_a_parameter(n, p, known["per_parameter"]))
    for name in data.drivers:
        term = f"driver.{name}"
        slope = float(model.coefficients[model.terms.index(term)]) if term in model.terms else 0.0
        if slope < 0.0 and name not in any_sign:
            found.append(model_words.negative_driver(name, slope))
    if not model.kind.startswith("towt"):
        # a level said twice (Sundays as weekday and as day type) does no harm, a driver said twice is a choice
        found += [said for said in model.findings if said.code == "collinear" and _of_driver(said)]
    inflated = _inflation(data, known["vif"])
    if inflated is not None and len(data.drivers) > 0 and model.kind not in ("mean", "ratio"):
        if data.temperature in inflated[:2] and not kind_of(model.kind).temperature:
            return found
        found.append(words.inflated(*inflated))
    return found


def _of_driver(said: Finding) -> bool:
    return any(term.startswith(("driver.", "lag.")) for term in str(said.data["terms"]).split(", "))


def _inflation(data: MeterData, limit: float) -> tuple[str, str, float] | None:
    """The pair of drivers (and temperature) that says most nearly the same, when it inflates beyond a limit."""
    names = [*data.drivers, *([data.temperature] if data.temperature else [])]
    if len(names) < 2:
        return None
    table = np.column_stack([numbers(data.frame, name)[data.used] for name in names])
    spread = np.std(table, axis=0)
    names = [name for name, each in zip(names, spread, strict=True) if each > 0.0]
    if len(names) < 2 or len(table) < 3:
        return None
    table = table[:, spread > 0.0]
    matrix = np.corrcoef(table, rowvar=False)
    factor = np.diag(np.linalg.pinv(matrix, hermitian=True))
    # a perfect pair has no inverse at all
    pairs = np.abs(matrix - np.eye(len(names)))
    i, j = np.unravel_index(int(np.argmax(pairs)), pairs.shape)
    worst = max(float(np.max(factor)), 1.0 / max(1.0 - float(pairs[i, j]) ** 2, 1e-12))
    return (names[int(i)], names[int(j)], worst) if worst > limit else None
