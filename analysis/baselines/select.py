"""Chooses a baseline by its error on blocks of time it was not fitted on, and keeps every other with its reason."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis._frames import Bools, Floats, numbers
from analysis.baselines import _select_words as words
from analysis.baselines._candidates import Trial, trials
from analysis.baselines._candidates import limits as candidate_limits
from analysis.baselines._columns import row_days
from analysis.baselines._fit import limits
from analysis.data import MeterData
from analysis.models import design, fit, kind_of
from analysis.results import Finding, Model, Refusal
from dodac.errors import ConfigError

__all__ = ["Candidate", "Selection", "Trial", "blocks_of", "select", "trials"]

Blocks = NDArray[np.int_]
Judge = Callable[[Model], Sequence[Finding]]

# a block shorter than this part of the usual one joins the block before it
_SHORT: Final = 0.5
# more rows than this that only their own block knows: the blocks can't judge such a model
_MOST_UNJUDGED: Final = 0.1


@dataclass(frozen=True)
class Candidate:
    """One model that was tried.

    parameters: coefficients and balance points. rmse_cv, cv_rmse_cv: root mean square error on left-out
    blocks, in the energy's unit and as a share of mean energy; nan where there is none. worse_by: its mean
    square error less the best candidate's, in standard errors of that difference over the blocks.
    refused: why it can't be the baseline; empty when it could. why: what decided.
    """

    name: str
    kind: str
    drivers: tuple[str, ...]
    categories: tuple[str, ...]
    parameters: int
    rmse_cv: float
    cv_rmse_cv: float
    worse_by: float
    model: Model | None
    refused: tuple[Finding, ...]
    why: Finding | None = None


@dataclass(frozen=True)
class Selection:
    """The chosen baseline (or the refusal), and every candidate, best error first, refused ones last.

    blocks, rows: how many blocks and rows judged. findings: of the selection itself.
    """

    model: Model | None
    chosen: str
    refusal: Refusal | None
    candidates: tuple[Candidate, ...]
    blocks: int
    rows: int
    findings: tuple[Finding, ...]

    def table(self, language: str = "en") -> pd.DataFrame:
        """One row a candidate: model, parameters, cv_rmse_cv, chosen, why (words)."""
        return pd.DataFrame(
            [
                {
                    "model": each.name,
                    "parameters": each.parameters,
                    "cv_rmse_cv": each.cv_rmse_cv,
                    "chosen": each.name == self.chosen,
                    "why": "; ".join(
                        cast("str", getattr(said, language))
                        for said in (*each.refused, *((each.why,) if each.why else ()))
                    ),
                }
                for each in self.candidates
            ]
        )


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
    standard error (of the difference, over blocks) above the best's is chosen (Breiman et al. 1984,
    §3.4.3; Hastie, Tibshirani and Friedman, §7.10). R² plays no part. Raises ConfigError for unknown names.
    """
    tried = trials(data) if candidates is None else tuple(candidates)
    if not tried:
        raise ConfigError("there is no model to choose from.", todo="Give candidates.")
    data = _same_rows(data, tried)
    blocks = blocks_of(data, block)
    judged = [_try(data, trial, blocks, tuple(any_sign), judge, options) for trial in tried]
    return _choose(data, blocks, judged)


def blocks_of(data: MeterData, block: int | None = None) -> Blocks:
    """The number of each row's block (frame rows): contiguous stretches of `block` intervals.

    Calendar time counts, not rows: a gap makes a block smaller. A short last block joins the one before.
    """
    length = limits(data.interval)["block"] if block is None else block
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


@dataclass(frozen=True)
class _Judged:
    trial: Trial
    model: Model | None
    errors: Floats | None
    refused: tuple[Finding, ...]


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
) -> _Judged:
    mine = trial.data(data)
    whole = {**options, **trial.options}
    model = fit(mine, trial.kind, **whole)
    if isinstance(model, Refusal):
        return _Judged(trial, None, None, (Finding(model.code, model.en, model.vi, model.data),))
    refused = _reasons(mine, model, any_sign)
    if judge is not None:
        refused += judge(model)
    module = importlib.import_module(kind_of(trial.kind).module)
    own = getattr(module, "left_out", None)
    errors = _refitted(mine, trial, blocks, whole) if own is None else own(mine, trial.kind, blocks, **whole)
    if isinstance(errors, Refusal):
        refused.append(Finding(errors.code, errors.en, errors.vi, errors.data))
        return _Judged(trial, model, None, tuple(refused))
    return _Judged(trial, model, errors, tuple(refused))


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
    for said in model.findings:
        if said.code == "negative_driver" and said.data["driver"] not in any_sign:
            found.append(said)
        if said.code == "collinear" and model.kind not in ("towt-daily", "towt-hourly"):
            found.append(said)
    inflated = _inflation(data, known["vif"])
    if inflated is not None and len(data.drivers) > 0 and model.kind not in ("mean", "ratio"):
        if data.temperature in inflated[:2] and not kind_of(model.kind).temperature:
            return found
        found.append(words.inflated(*inflated))
    return found


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


def _choose(data: MeterData, blocks: Blocks, judged: Sequence[_Judged]) -> Selection:
    used = data.used
    weights = _weights(data)
    could = [each for each in judged if each.errors is not None and not each.refused]
    rows: Bools = used.copy()
    kept: list[_Judged] = []
    strange: dict[str, Finding] = {}
    for each in could:
        errors = cast("Floats", each.errors)
        gone = int(np.sum(used & np.isnan(errors)))
        if gone > _MOST_UNJUDGED * max(int(np.sum(used)), 1):
            strange[each.trial.name] = words.not_judged(gone, int(np.sum(used)))
            continue
        kept.append(each)
        rows &= ~np.isnan(errors)
    number = int(np.max(blocks[used])) + 1 if used.any() else 0
    sums: dict[str, Floats] = {
        each.trial.name: np.bincount(
            blocks[rows], weights=weights[rows] * cast("Floats", each.errors)[rows] ** 2, minlength=number
        ).astype(np.float64)
        for each in kept
    }
    findings = []
    if kept and int(np.sum(used)) > int(np.sum(rows)):
        findings.append(words.rows_unjudged(int(np.sum(used)) - int(np.sum(rows)), int(np.sum(used))))
    best = min(sums, key=lambda name: float(np.sum(sums[name])), default="")
    chosen, worse = _simplest(kept, sums, best)
    mean = float(np.mean(data.y[rows])) if rows.any() else math.nan
    listed = []
    for each in judged:
        name = each.trial.name
        rmse = _rmse(each, rows, weights)
        refused = each.refused + ((strange[name],) if name in strange else ())
        said = None
        if not refused and name in worse:
            said = _why(name, chosen, best, worse[name], each, kept)
        parameters = each.model.statistics.p if each.model is not None else 0
        listed.append(
            Candidate(
                name,
                each.trial.kind,
                each.trial.drivers,
                each.trial.categories,
                parameters,
                rmse,
                rmse / mean if mean else math.nan,
                worse.get(name, math.nan),
                each.model,
                refused,
                said,
            )
        )
    listed.sort(key=lambda c: (bool(c.refused), math.isnan(c.rmse_cv), c.rmse_cv, c.parameters))
    picked = next((c for c in listed if c.name == chosen), None)
    refusal = None
    if picked is None:
        refusal = _refusal(listed)
    elif picked.kind == "mean" and len(listed) > 1:
        findings.append(words.nothing_explains())
    return Selection(
        model=picked.model if picked else None,
        chosen=chosen,
        refusal=refusal,
        candidates=tuple(listed),
        blocks=number,
        rows=int(np.sum(rows)),
        findings=tuple(findings),
    )


def _simplest(kept: Sequence[_Judged], sums: dict[str, Floats], best: str) -> tuple[str, dict[str, float]]:
    """The name chosen, and by how many standard errors each is worse than the best."""
    worse: dict[str, float] = {}
    for name, each in sums.items():
        gap = each - sums[best]
        total = float(np.sum(gap))
        error = math.sqrt(len(gap)) * float(np.std(gap, ddof=1)) if len(gap) > 1 else 0.0
        tiny = 1e-12 * float(np.sum(sums[best]))
        worse[name] = total / error if error > tiny else (0.0 if total <= tiny else math.inf)
    near = [each for each in kept if worse[each.trial.name] <= 1.0]
    chosen = min(
        near,
        key=lambda each: (cast("Model", each.model).statistics.p, float(np.sum(sums[each.trial.name]))),
        default=None,
    )
    return (chosen.trial.name if chosen else ""), worse


def _why(name: str, chosen: str, best: str, worse: float, each: _Judged, kept: Sequence[_Judged]) -> Finding:
    winner = next(other for other in kept if other.trial.name == chosen)
    p, least = (cast("Model", one.model).statistics.p for one in (each, winner))
    if name == chosen:
        return words.chosen(name == best, worse)
    if worse <= 1.0:
        return words.no_better(p, least, chosen) if p > least else words.as_simple(chosen)
    return words.less_accurate(worse)


def _rmse(each: _Judged, rows: Bools, weights: Floats) -> float:
    if each.errors is None:
        return math.nan
    mine = rows & ~np.isnan(each.errors)
    return (
        math.sqrt(float(np.average(each.errors[mine] ** 2, weights=weights[mine])))
        if mine.any()
        else math.nan
    )


def _weights(data: MeterData) -> Floats:
    days = row_days(data.frame, {"interval": str(data.interval), "per_day": True})
    mean = float(np.mean(days[data.used])) if data.used.any() else 1.0
    with np.errstate(invalid="ignore"):
        found: Floats = np.where(np.isnan(days), 0.0, mean / days)
    return found


def _refusal(listed: Sequence[Candidate]) -> Refusal:
    """One reason when all were refused for the same, else the reasons counted."""
    codes = {said.code for each in listed for said in each.refused[:1]}
    if len(codes) == 1:
        said = listed[0].refused[0]
        return Refusal(said.code, said.en, said.vi, said.data)
    return words.refuse_all(
        {code: sum(c.refused[0].code == code for c in listed if c.refused) for code in codes}
    )
