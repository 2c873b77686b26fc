"""The choice among judged candidates: the simplest one near the best, with every reason."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis._frames import Bools, Floats, day_text
from analysis.baselines import _select_words as words
from analysis.baselines._candidates import Trial
from analysis.baselines._columns import row_days
from analysis.data import MeterData
from analysis.results import Finding, Model, Refusal

Blocks = NDArray[np.int_]

# more rows than this that only their own block knows: the blocks can't judge such a model
_MOST_UNJUDGED: Final = 0.1
# one block of so many with more than this share of the error is an event rather than noise
_MANY_BLOCKS: Final = 6
_ONE_BLOCK: Final = 0.5
# an error this small a part of the energy is arithmetic
_ROUNDING: Final = 1e-8
# what simplicity may cost: where blocks are few, one of them is the whole standard error (decision 26)
_DEAREST: Final = 0.05
_TOO_FEW: Final = {"too_few_rows", "too_few_days", "too_few_hours"}


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


@dataclass(frozen=True)
class Judged:
    """A trial with its fit, its errors on left-out blocks (frame rows) and why it is refused."""

    trial: Trial
    model: Model | None
    errors: Floats | None
    refused: tuple[Finding, ...]


def choose(data: MeterData, blocks: Blocks, judged: Sequence[Judged]) -> Selection:
    """The selection from all that was tried."""
    used = data.used
    weights = _weights(data)
    could = [each for each in judged if each.errors is not None and not each.refused]
    rows: Bools = used.copy()
    kept: list[Judged] = []
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
    # squares below this are rounding: an exact plant is no reason for the model with more terms
    rounding = _ROUNDING**2 * float(np.sum(weights[used] * data.y[used] ** 2))
    chosen, worse = _simplest(kept, sums, best, rounding)
    mean = float(np.mean(data.y[rows])) if rows.any() else math.nan
    listed = []
    for each in judged:
        name = each.trial.name
        rmse = _rmse(each, rows, weights)
        refused = each.refused + ((strange[name],) if name in strange else ())
        said = None
        if not refused and name in worse:
            said = _why(name, chosen, best, worse[name], _excess(each, sums, best, rounding), each, kept)
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
    findings += _doubts(data, blocks, judged, sums.get(chosen))
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


def _doubts(data: MeterData, blocks: Blocks, judged: Sequence[Judged], sums: Floats | None) -> list[Finding]:
    """What one row or one stretch of time does to the choice."""
    found: list[Finding] = []
    rows: set[object] = set()
    for each in judged:
        for said in each.model.findings if each.model is not None else ():
            if said.code == "one_row_decides" and said.data["row"] not in rows:
                rows.add(said.data["row"])
                found.append(said)
    if sums is not None and len(sums) >= _MANY_BLOCKS and float(np.sum(sums)) > 0.0:
        at = int(np.argmax(sums))
        share = float(sums[at] / np.sum(sums))
        if share > _ONE_BLOCK:
            mine = data.index[(blocks == at) & data.used]
            found.append(words.one_block_decides(day_text(mine[0]), day_text(mine[-1]), share))
    return found


def _simplest(
    kept: Sequence[Judged], sums: dict[str, Floats], best: str, rounding: float
) -> tuple[str, dict[str, float]]:
    """The name chosen, and by how many standard errors each is worse than the best."""
    worse: dict[str, float] = {}
    for name, each in sums.items():
        gap = each - sums[best]
        total = float(np.sum(gap))
        error = math.sqrt(len(gap)) * float(np.std(gap, ddof=1)) if len(gap) > 1 else 0.0
        tiny = max(1e-12 * float(np.sum(sums[best])), rounding)
        worse[name] = total / error if error > tiny else (0.0 if total <= tiny else math.inf)
    near = [each for each in kept if worse[each.trial.name] <= 1.0]
    near = [each for each in near if _excess(each, sums, best, rounding) <= _DEAREST]
    chosen = min(
        near,
        key=lambda each: (cast("Model", each.model).statistics.p, float(np.sum(sums[each.trial.name]))),
        default=None,
    )
    return (chosen.trial.name if chosen else ""), worse


def _excess(each: Judged, sums: dict[str, Floats], best: str, rounding: float) -> float:
    """By what share the error is above the best's."""
    mine, least = (float(np.sum(sums[name])) + rounding for name in (each.trial.name, best))
    return math.sqrt(mine / least) - 1.0 if least > 0.0 else 0.0


def _why(
    name: str, chosen: str, best: str, worse: float, excess: float, each: Judged, kept: Sequence[Judged]
) -> Finding:
    winner = next(other for other in kept if other.trial.name == chosen)
    p, least = (cast("Model", one.model).statistics.p for one in (each, winner))
    if name == chosen:
        return words.chosen(name == best, worse, _DEAREST)
    if worse <= 1.0 and excess > _DEAREST:
        return words.too_dear(excess, _DEAREST)
    if worse <= 1.0:
        return words.no_better(p, least, chosen) if p > least else words.as_simple(chosen)
    return words.less_accurate(worse)


def _rmse(each: Judged, rows: Bools, weights: Floats) -> float:
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
    if len(codes) == 1 or codes <= _TOO_FEW:
        said = next(each.refused[0] for each in reversed(listed) if each.refused)
        return Refusal(said.code, said.en, said.vi, said.data)
    return words.refuse_all(
        {code: sum(c.refused[0].code == code for c in listed if c.refused) for code in codes}
    )
