"""Is a baseline good enough? Each programme's thresholds as data, each judged with its value and source."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from analysis._student import t_two_sided
from analysis._tables import Row, table
from analysis.data import Interval
from analysis.results import Finding, Model, Savings
from analysis.significance import f_test, negative_slopes, p_values, smallest_t
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
    "n_per_term": ("intervals per term", "số khoảng trên mỗi hệ số"),
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
                    "value": rule.value if math.isfinite(rule.value) else _shown("", rule.value, "en"),
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
    chosen = [row for row in every if row.get("profile") == profile]
    if not chosen:
        known = list(dict.fromkeys(str(row.get("profile")) for row in every))
        near = nearest(profile, known)
        todo = f'Did you mean "{near}"?' if near else f"Choose one of: {', '.join(known)}."
        raise ConfigError(f'there is no validity profile "{profile}".', todo=todo)
    if any(row.get("applies_to") == "simulation" for row in chosen):
        raise ConfigError(
            f'"{profile}" is for calibrated simulations (option D), not for regressions.',
            todo=f"Choose one of: {', '.join(profiles())}.",
        )
    for row in chosen:
        _complete(row)
    months = reporting_months if reporting_months is not None else _months(savings, model)
    chosen = [row for row in chosen if row.get("months_min", 0) <= months < row.get("months_max", math.inf)]
    results = tuple(_judge(row, _value(str(row["statistic"]), model, savings)) for row in chosen)
    judged = [rule.passed for rule in results if rule.passed is not None and not rule.note]
    return Verdict(profile, all(judged) if judged else None, results)


def _complete(row: Row) -> None:
    """ConfigError for a row of a plant's own table that can't be judged."""
    where = f'validity profile "{row["profile"]}"'
    for key, known in (("statistic", _NAMES), ("op", _OPS)):
        if row.get(key) not in known:
            raise ConfigError(
                f"{where}: {key} = {row.get(key)!r}.", todo=f"Write one of: {', '.join(known)}."
            )
    limit = row.get("limit")
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not math.isfinite(limit):
        raise ConfigError(f"{where}: limit = {limit!r} is no number.", todo="Write limit = 0.25.")


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
            return smallest_t(model)
        case "negative_slopes":
            return float(negative_slopes(model))
        case "baseline_days":
            return baseline_days(model)
        case "independent_per_term":
            # without the floor that an interval needs: two terms of a year at rho 0.99 are too few
            rho = min(max(s.rho, 0.0), 1.0)
            return s.n * (1.0 - rho) / (1.0 + rho) / s.p
        case "n_per_term":
            return s.n / s.p
        case _:
            return _of_saving(statistic, model, savings)


def _of_saving(statistic: str, model: Model, savings: Savings | None) -> float:
    """Rules about the saving: the half width brought to another confidence by Student's t.

    A saving of zero or below is never larger than its standard error.
    """
    if savings is None:
        return math.nan
    part, saving = savings.uncertainty, savings.saving
    dof = max(part.n_effective - model.statistics.p, 1.0)
    standard = part.half_width / t_two_sided(part.confidence, dof)
    if statistic == "two_se":
        return saving / standard if standard > 0.0 else math.copysign(math.inf, saving) if saving else 0.0
    if saving == 0.0:
        return math.inf
    half = part.half_width if statistic == "fsu" else standard * t_two_sided(0.68, dof)
    return half / abs(saving)


def baseline_days(model: Model) -> float:
    """Days of data in the fit: used intervals times their length, months as 30.44 days."""
    seconds = Interval(model.interval).seconds
    if seconds is not None:
        return model.statistics.n * seconds / 86_400.0
    if model.interval == Interval.BILL:
        span = (pd.Timestamp(model.end[:10]) - pd.Timestamp(model.start[:10])).days
        return max(float(span), model.statistics.n * 1.0)
    return model.statistics.n * _MONTH_DAYS


def _months(savings: Savings | None, model: Model) -> float:
    """Months of the saving's period to the nearest; its end is the start of its last interval."""
    if savings is None:
        return 12.0
    start, last = pd.Timestamp(savings.start[:10]), pd.Timestamp(savings.end[:10])
    if model.interval == Interval.MONTH:
        stop = last + pd.DateOffset(months=1)
    elif model.interval == Interval.BILL:
        stop = last + (last - start) / max(len(savings.frame) - 1, 1)
    else:
        stop = last + pd.Timedelta(days=7 if model.interval == Interval.WEEK else 1)
    # a year of 365 days is twelve months, whatever the 28 days of February
    return float(round((stop - start).days / _MONTH_DAYS))


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
            texts[language] = f"{name} {_apart(statistic, value, limit, language)} {words} ({wanted})."
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


def _apart(statistic: str, value: float, limit: float, language: Any) -> str:
    """The value with as many digits as tell it from the limit: 25.004 % fails 25 %."""
    wanted = _shown(statistic, limit, language)
    texts = [_shown(statistic, value, language, more) for more in (0, 2, 4, 8)]
    return next((text for text in texts if text != wanted or value == limit), texts[0])


def _shown(statistic: str, value: float, language: Any, more: int = 0) -> str:
    """A value or a limit in words, with `more` digits than usual."""
    if math.isinf(value):
        return "∞" if value > 0.0 else "−∞"
    if statistic in _PER_CENT:
        return f"{significant_text(100.0 * value, 3 + more, language)} %"
    if statistic == "baseline_days":
        return number_text(value, more, language)
    return significant_text(value, 3 + more, language)
