"""Is a baseline good enough? Each programme's thresholds as data, each judged with its value and source."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import pandas as pd

from analysis._student import _beta_regularised, t_two_sided, t_upper_tail
from analysis._tables import Row, table
from analysis.data import Interval
from analysis.results import Finding, Model, Savings
from analysis.uncertainty import independent_days
from dodac.errors import ConfigError
from dodac.quantities import nearest
from dodac.words import number_text, significant_text

DEFAULT_PROFILE: Final = "dodac"
_MONTH_DAYS: Final = 30.4375
_PER_CENT: Final = frozenset({"cv_rmse", "abs_nmbe", "fsu", "fsu_68"})
_OPS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
}
_NAMES: Final[dict[str, tuple[str, str]]] = {
    "cv_rmse": ("CV(RMSE)", "CV(RMSE)"),
    "abs_nmbe": ("|NMBE|", "|NMBE|"),
    "r2": ("R²", "R²"),
    "f_p": ("p of the F test of the whole model", "p của kiểm định F cho toàn mô hình"),
    "largest_p": ("largest p of a variable", "p lớn nhất trong các biến"),
    "smallest_p": ("smallest p of a variable", "p nhỏ nhất trong các biến"),
    "t_smallest": ("smallest |t| of a variable", "|t| nhỏ nhất trong các biến"),
    "negative_slopes": ("drivers with a negative slope", "số yếu tố có hệ số âm"),
    "baseline_days": ("days of baseline data", "số ngày số liệu cơ sở"),
    "independent_per_term": ("independent intervals per term", "số khoảng độc lập trên mỗi hệ số"),
    "fsu": ("uncertainty / saving", "độ không đảm bảo / mức tiết kiệm"),
    "fsu_68": ("uncertainty / saving at 68 %", "độ không đảm bảo / mức tiết kiệm ở mức tin cậy 68 %"),
    "two_se": ("saving / its standard error", "mức tiết kiệm / sai số chuẩn"),
}


@dataclass(frozen=True)
class RuleResult:
    """One threshold: value against limit; passed is None where the value can't be had (see the words).

    note: said beside the verdict, but no reason to fail. checked "remembered": the limit itself has
    not been checked against its source.
    """

    statistic: str
    value: float
    op: str
    limit: float
    passed: bool | None
    note: bool
    en: str
    vi: str
    source: str
    checked: str


@dataclass(frozen=True)
class Verdict:
    """What a profile says of a baseline.

    passed: do all judged rules that are no notes pass? None when none of them could be judged (rules about a
    saving, without the saving).
    """

    profile: str
    passed: bool | None
    rules: tuple[RuleResult, ...]

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """The rules that failed, notes left out."""
        return tuple(rule for rule in self.rules if rule.passed is False and not rule.note)

    def findings(self) -> list[Finding]:
        """One finding per failed rule or note, one per limit that is only remembered."""
        found = [
            Finding(
                f"validity_{'note' if rule.note else 'failed'}",
                f"{self.profile}: {rule.en}",
                f"{self.profile}: {rule.vi}",
                {
                    "statistic": rule.statistic,
                    "value": rule.value,
                    "limit": rule.limit,
                    "source": rule.source,
                },
            )
            for rule in self.rules
            if rule.passed is False
        ]
        loose = sorted({_NAMES[rule.statistic][0] for rule in self.rules if rule.checked == "remembered"})
        if loose:
            loose_vi = sorted(
                {_NAMES[rule.statistic][1] for rule in self.rules if rule.checked == "remembered"}
            )
            found.append(
                Finding(
                    "remembered",
                    f"Limits of {self.profile} not yet checked against their source: {', '.join(loose)}.",
                    f"Các giới hạn của {self.profile} chưa được đối chiếu với nguồn: {', '.join(loose_vi)}.",
                    {"profile": self.profile, "count": len(loose)},
                )
            )
        return found


def profiles() -> tuple[str, ...]:
    """Ids of the profiles for regressions, in the table's order."""
    return tuple(
        dict.fromkeys(row["profile"] for row in table("validity") if row.get("applies_to") != "simulation")
    )


def validity(
    model: Model,
    profile: str = DEFAULT_PROFILE,
    *,
    savings: Savings | None = None,
    reporting_months: float | None = None,
    rows: tuple[Row, ...] | None = None,
) -> Verdict:
    """Judges a baseline of any kind by a profile of thresholds.

    savings: for rules about the saving's uncertainty; without it they stay unjudged. reporting_months:
    for limits that go by length (from the saving when there is one, else 12). rows: a plant's own
    table (`analysis._tables.rows_of`) instead of the one that ships. Raises ConfigError for an unknown
    profile and for one meant for calibrated simulations.
    """
    every = table("validity") if rows is None else rows
    chosen = [row for row in every if row["profile"] == profile]
    if not chosen:
        known = list(dict.fromkeys(str(row["profile"]) for row in every))
        near = nearest(profile, known)
        todo = f'Did you mean "{near}"?' if near else f"Choose one of: {', '.join(known)}."
        raise ConfigError(f'there is no validity profile "{profile}".', todo=todo)
    if any(row.get("applies_to") == "simulation" for row in chosen):
        raise ConfigError(
            f'"{profile}" is for calibrated simulations (option D), not for regressions.',
            todo=f"Choose one of: {', '.join(profiles())}.",
        )
    months = reporting_months if reporting_months is not None else _months(savings)
    chosen = [row for row in chosen if row.get("months_min", 0) <= months < row.get("months_max", math.inf)]
    results = tuple(_judge(row, _value(str(row["statistic"]), model, savings)) for row in chosen)
    judged = [rule.passed for rule in results if rule.passed is not None and not rule.note]
    return Verdict(profile, all(judged) if judged else None, results)


def f_upper_tail(f: float, between: float, within: float) -> float:
    """P(F > f) for f ≥ 0 with `between` and `within` degrees of freedom (Abramowitz and Stegun 26.6.2)."""
    return _beta_regularised(within / 2.0, between / 2.0, within / (within + between * f))


def f_test(model: Model) -> tuple[float, float]:
    """F and p of the whole model against its mean: (R²/(p − 1))/((1 − R²)/(n − p)).

    The level is one of the p terms (every kind of dodac has one). p is NaN for a model of one term.
    """
    s = model.statistics
    if s.p < 2 or s.n <= s.p:
        return math.nan, math.nan
    if s.r2 >= 1.0:
        return math.inf, 0.0
    f = max(s.r2, 0.0) / (s.p - 1) / ((1.0 - s.r2) / (s.n - s.p))
    return f, f_upper_tail(f, s.p - 1, s.n - s.p)


def p_values(model: Model) -> dict[str, float]:
    """The p of each driver (temperature, production, …): Wald's F of all its terms together.

    For a driver with one term this is the two-sided t test. Levels (weekdays, hours, day types,
    operating modes) are no drivers and are left out, as SEP leaves out the intercept.
    """
    dof = model.statistics.n - model.statistics.p
    found = {}
    for name, places in _drivers(model).items():
        b = model.coefficients[places]
        covariance = model.covariance[np.ix_(places, places)]
        if not np.any(covariance) or dof <= 0:
            found[name] = 0.0
            continue
        if len(places) == 1:
            t = abs(float(b[0])) / math.sqrt(float(covariance[0, 0]))
            found[name] = 2.0 * t_upper_tail(t, dof)
            continue
        f = float(b @ np.linalg.lstsq(covariance, b, rcond=None)[0]) / len(places)
        found[name] = f_upper_tail(max(f, 0.0), len(places), dof)
    return found


def _drivers(model: Model) -> dict[str, list[int]]:
    """Places of the terms of each driver: those that name it; other terms are levels.

    What a searched balance point adds to the covariance ("balance.…") is no slope.
    """
    settings = cast("dict[str, Any]", model.settings)
    temperature = settings.get("temperature")
    found: dict[str, list[int]] = {}
    for place, term in enumerate(model.terms):
        if term.startswith("balance."):
            continue
        parts = term.replace("*", ".").replace("_", ".").split(".")
        owner = next((name for name in settings.get("drivers", []) if str(name) in term), None)
        if owner is None and temperature and not _SLOPE.isdisjoint(parts):
            owner = str(temperature)
        if owner is not None:
            found.setdefault(str(owner), []).append(place)
    return found


_SLOPE: Final = frozenset({"temperature", "heating", "cooling", "hdd", "cdd", "hdh", "cdh", "slope"})


def _value(statistic: str, model: Model, savings: Savings | None) -> float:
    s = model.statistics
    match statistic:
        case "cv_rmse":
            return s.cv_rmse
        case "abs_nmbe":
            return abs(s.nmbe)
        case "r2":
            return s.r2
        case "f_p":
            return f_test(model)[1]
        case "largest_p":
            return max(p_values(model).values(), default=math.nan)
        case "smallest_p":
            return min(p_values(model).values(), default=1.0)
        case "t_smallest":
            return _smallest_t(model)
        case "negative_slopes":
            return float(_negative(model))
        case "baseline_days":
            return baseline_days(model)
        case "independent_per_term":
            return independent_days(s) / s.p
        case "n_per_term":
            return s.n / s.p
        case _:
            return _of_saving(statistic, model, savings)


def _of_saving(statistic: str, model: Model, savings: Savings | None) -> float:
    """Rules about the saving: the half width brought to another confidence by Student's t."""
    if savings is None or savings.saving == 0.0:
        return math.nan if savings is None else math.inf
    part = savings.uncertainty
    dof = max(part.n_effective - model.statistics.p, 1.0)
    standard = part.half_width / t_two_sided(part.confidence, dof)
    if statistic == "fsu":
        return part.half_width / abs(savings.saving)
    if statistic == "fsu_68":
        return standard * t_two_sided(0.68, dof) / abs(savings.saving)
    if statistic == "two_se":
        return math.inf if standard == 0.0 else abs(savings.saving) / standard
    raise ConfigError(f'there is no statistic "{statistic}" for validity.')


def _smallest_t(model: Model) -> float:
    """The least |t| of the drivers with one term; √F of the others (1 degree of freedom's worth)."""
    least = math.nan
    for places in _drivers(model).values():
        b, covariance = model.coefficients[places], model.covariance[np.ix_(places, places)]
        if not np.any(covariance):
            continue
        f = float(b @ np.linalg.lstsq(covariance, b, rcond=None)[0]) / len(places)
        least = min(math.sqrt(max(f, 0.0)), least) if least == least else math.sqrt(max(f, 0.0))
    return least


def _negative(model: Model) -> int:
    """Drivers (not the temperature) whose only term has a negative slope."""
    temperature = str(model.settings.get("temperature"))
    return sum(
        1
        for name, places in _drivers(model).items()
        if name != temperature and len(places) == 1 and model.coefficients[places[0]] < 0.0
    )


def baseline_days(model: Model) -> float:
    """Days of data in the fit: used intervals times their length, months as 30.44 days."""
    seconds = Interval(model.interval).seconds
    if seconds is not None:
        return model.statistics.n * seconds / 86_400.0
    if model.interval == Interval.BILL:
        span = (pd.Timestamp(model.end[:10]) - pd.Timestamp(model.start[:10])).days
        return max(float(span), model.statistics.n * 1.0)
    return model.statistics.n * _MONTH_DAYS


def _months(savings: Savings | None) -> float:
    if savings is None:
        return 12.0
    # a year of 365 days is twelve months, whatever the 28 days of February
    return float(
        round(((pd.Timestamp(savings.end[:10]) - pd.Timestamp(savings.start[:10])).days + 1) / _MONTH_DAYS)
    )


def _judge(row: Row, value: float) -> RuleResult:
    statistic, op, limit = str(row["statistic"]), str(row["op"]), float(row["limit"])
    passed = None if math.isnan(value) else _OPS[op](value, limit)
    texts = {}
    for language, name in zip(("en", "vi"), _NAMES[statistic], strict=True):
        sign = {"<=": "≤", ">=": "≥"}.get(op, op)
        wanted = f"{sign} {_shown(statistic, limit, language)}"
        if passed is None:
            words = ("not judged, wanted", "chưa đánh giá được, yêu cầu")[language == "vi"]
            texts[language] = f"{name}: {words} {wanted}."
        else:
            words = (("fails", "passes"), ("không đạt", "đạt"))[language == "vi"][passed]
            texts[language] = f"{name} {_shown(statistic, value, language)} {words} ({wanted})."
    return RuleResult(
        statistic,
        value,
        op,
        limit,
        passed,
        row.get("kind") == "note",
        texts["en"],
        texts["vi"],
        str(row["source"]),
        str(row["checked"]),
    )


def _shown(statistic: str, value: float, language: Any) -> str:
    if math.isinf(value):
        return "∞"
    if statistic in _PER_CENT:
        return f"{significant_text(100.0 * value, 3, language)} %"
    if statistic == "baseline_days":
        return number_text(value, 0, language)
    return significant_text(value, 3, language)
