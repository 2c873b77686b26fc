"""The report of a verified saving as one self-contained HTML file, in Vietnamese or English."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

from audit.records import SavingCase
from dodac import __version__
from dodac.words import Language, number_text, significant_text
from reports import charts
from reports._tables import (
    check_commands,
    coefficient_rows,
    instrument_rows,
    span_rows,
    statistic_rows,
    uncertainty_row,
)
from reports.figures import Month, is_long, months
from reports.formats import (
    day_text,
    decimals_for,
    moment_text,
    money_text,
    month_text,
    percent_text,
    plus_minus,
    rounded_text,
    unit_text,
)
from reports.page import TEMPLATES, environment
from reports.words import rows_words, say, say_or


def render_html(
    case: SavingCase, language: Language, generated_ns: int, zone: str, site_name: str = ""
) -> str:
    """One HTML document with its style and figures inside; the same inputs give the same bytes.

    generated_ns: the moment printed as the time of writing, shown in `zone`.
    site_name: the site's name for people; without it the ids of company and site stand on top.
    """
    from markupsafe import Markup

    def words(key: str, **values: object) -> str:
        return say(key, language, **values)

    figures = [
        (name, Markup(draw(case, language, charts.WIDE)), Markup(draw(case, language, charts.NARROW)))  # noqa: S704
        for name, draw in (
            ("timeline", charts.timeline),
            ("cusum", charts.cusum),
            ("bars", charts.before_after),
            ("signature", charts.signature),
        )
    ]
    template = environment().get_template("report.html")
    return template.render(
        **_context(case, language, zone),
        place=site_name or f"{case.option.company}, {case.option.site}",
        say=words,
        language=language,
        figures={name: (wide, narrow) for name, wide, narrow in figures if wide},
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8") + charts.stylesheet()),  # noqa: S704
        written=words("written", when=moment_text(generated_ns, zone, language), version=__version__),
    )


def headline(case: SavingCase, language: Language) -> dict[str, str]:
    """The figures on top of report and page: saving, half_width, unit, percent, money, period, …"""
    savings, verified = case.savings, case.verified
    unit = unit_text(savings.unit, language)
    saving, half = plus_minus(savings.saving, savings.uncertainty.half_width, language)
    decimals = min(decimals_for(savings.uncertainty.half_width), 3)
    relative = savings.uncertainty.half_width / abs(savings.adjusted_baseline)
    digits = max(1, min(3, decimals_for(100 * relative)))
    price = case.plan.price
    return {
        "saving": saving,
        "half_width": half,
        "unit": unit,
        "percent": f"{number_text(100 * savings.fraction, digits, language)} ± "
        f"{number_text(100 * relative, digits, language)} %",
        "interval": say(
            "interval", language, low=rounded_text(savings.low, decimals, language),
            high=rounded_text(savings.high, decimals, language), unit=unit,
        ),
        "money": say("money_none", language)
        if verified.money is None
        else money_text(verified.money, language, verified.money_half_width),
        "price": ""
        if price is None
        else say(
            "price_of", language, price=money_text(price, language), unit=unit,
            date=day_text(price.price_date, language),
        ),
        "confidence": percent_text(savings.uncertainty.confidence, language, 0),
        "period": f"{day_text(savings.start, language)} – {day_text(savings.end, language)}",
        "days": say(
            "days_used", language, used=number_text(savings.intervals, 0, language),
            excluded=number_text(savings.excluded, 0, language), **rows_words(case.plan.interval, language),
        ),
        "rows": say(f"head_{case.plan.interval}", language),
        "evidence_class": say_or(f"class_{verified.evidence_class}", language, verified.evidence_class),
        "proven": "yes" if savings.low > 0 or savings.high < 0 else "",
    }  # fmt: skip


def month_rows(case: SavingCase, language: Language) -> list[list[str]]:
    """Month, days, adjusted baseline, measured, saving ±, percent, cumulative; the last row is the total."""
    rows = [_month_row(item, month_text(item.year, item.month, language), language) for item in months(case)]
    savings = case.savings
    total = Month(
        0, 0, savings.intervals, savings.excluded, savings.adjusted_baseline, savings.measured, savings.saving,
        savings.uncertainty.half_width, savings.saving,
    )  # fmt: skip
    return [*rows, _month_row(total, say("total", language), language)]


def _month_row(item: Month, name: str, language: Language) -> list[str]:
    days = number_text(item.intervals, 0, language)
    if item.excluded:
        days += f" ({number_text(item.excluded, 0, language)})"
    saving, half = plus_minus(item.saving, item.half_width, language)
    return [
        name,
        days,
        number_text(item.adjusted_baseline, 0, language),
        number_text(item.measured, 0, language),
        f"{saving} ± {half}",
        "–" if math.isnan(item.fraction) else percent_text(item.fraction, language),
        number_text(item.cumulative, 0, language),
    ]


def _context(case: SavingCase, language: Language, zone: str) -> dict[str, Any]:
    plan, savings, verified, option = case.plan, case.savings, case.verified, case.option
    vi = language == "vi"

    def span(pair: tuple[str, str]) -> str:
        return say("span", language, start=day_text(pair[0], language), end=day_text(pair[1], language))

    def when(time_ns: int) -> str:
        return moment_text(time_ns, zone, language)

    head = headline(case, language)
    name = option.name_vi if vi else option.name_en
    used = savings.intervals + savings.excluded
    rows_of_plan = [
        (say("plan", language), plan.id),
        (
            say("ipmvp_option", language),
            say_or(f"ipmvp_{plan.ipmvp_option}", language, plan.ipmvp_option),
        ),
        (say("boundary", language), plan.boundary_vi if vi else plan.boundary_en),
        (say("baseline_period", language), span(plan.baseline)),
        (say("blackout_period", language), span(plan.blackout) if plan.blackout else say("none", language)),
        (say("period", language), span(plan.reporting)),
        (say("adjustment", language), say("adjustment_text", language)),
        (say("drivers", language), _drivers(case, language)),
        (
            say("holidays", language),
            say_or(f"holidays_{plan.holidays}", language, plan.holidays)
            if plan.holidays
            else say("none", language),
        ),
        (say("confidence", language), percent_text(plan.confidence, language, 0)),
        (say("registered", language), f"{when(plan.registered_ns)}; {_registered(case, language)}"),
    ]
    statistics = case.baseline.statistics
    cv = percent_text(statistics.cv_rmse, language)
    return {
        "case": case,
        "head": head,
        "rows": rows_words(plan.interval, language),
        "option_name": name,
        "summary": say(
            "summary_text", language, option=name, asset=option.asset,
            saving=f"{head['saving']} ± {head['half_width']}", unit=head["unit"],
            start=day_text(savings.start, language), end=day_text(savings.end, language),
        ),
        "payback": _payback(case, language),
        "option_rows": [
            (say("option", language), name),
            (say("description", language), option.description_vi if vi else option.description_en),
            (say("company", language), option.company),
            (say("site", language), option.site),
            (say("asset", language), option.asset),
            (
                say("investment", language),
                ""
                if option.investment is None
                else f"{money_text(option.investment, language)} "
                f"({say('price_date', language, date=day_text(option.investment.price_date, language))})",
            ),
        ],
        "instruments": instrument_rows(case, language),
        "plan_rows": rows_of_plan,
        "model_name": _model_name(case.baseline.kind, language),
        "frozen": when(case.baseline.frozen_ns),
        # a row of a month is named by its first day
        "baseline_span": span(
            plan.baseline if is_long(plan.interval) else (case.baseline.start, case.baseline.end)
        ),
        "statistics": statistic_rows(case, language),
        "validity": say("validity_ok" if statistics.cv_rmse <= 0.25 else "validity_poor", language, cv=cv),
        "coefficients": coefficient_rows(case, language),
        "months": month_rows(case, language),
        "uncertainties": [uncertainty_row(case, place, language) for place in range(1 + len(savings.others))],
        "why": say("why_exact_memory" if savings.uncertainty.method == "exact_memory" else "why_other", language),
        "coverage": say(
            "coverage_row", language, used=number_text(savings.intervals, 0, language),
            all=number_text(used, 0, language), **rows_words(plan.interval, language),
            share=percent_text(savings.intervals / used if used else 0.0, language),
        ),
        "spans": span_rows(case, language),
        "unadjusted": _unadjusted(case, language),
        "parts": _parts(case, language),
        "findings": _findings(case, language),
        "evidence": [
            (
                item.instrument,
                item.channel,
                number_text(item.samples, 0, language),
                number_text(item.flagged, 0, language),
                when(item.first_ns),
                when(item.last_ns),
                item.digest,
            )
            for item in verified.evidence
        ],
        "verified_at": when(verified.verified_ns),
        "commands": check_commands(case),
    }  # fmt: skip


def _model_name(kind: str, language: Language) -> str:
    from analysis import KINDS

    known = KINDS.get(kind)
    name = kind if known is None else known.vi if language == "vi" else known.en
    return say_or(f"model_{kind}", language, name)


def _unadjusted(case: SavingCase, language: Language) -> str:
    """The saving without what was decided about events, as a sentence; "" when nothing was."""
    value = case.verified.unadjusted
    if value is None:
        return ""
    unit = unit_text(case.savings.unit, language)
    return say("unadjusted_note", language, saving=number_text(value, 0, language), unit=unit)


def _parts(case: SavingCase, language: Language) -> str:
    """What the uncertainty is made of, as a sentence; "" when it is the model's alone."""
    parts = case.savings.uncertainty.parts
    if len(parts) < 2:
        return ""
    unit = unit_text(case.savings.unit, language)
    listed = ", ".join(
        f"{say_or(f'method_{part.id}', language, part.id)} ± {number_text(part.half_width, 0, language)} {unit}"
        for part in parts
    )
    return say("parts_note", language, parts=listed)


def _drivers(case: SavingCase, language: Language) -> str:
    names = [
        f"{say_or(f'driver_{name}', language, name)} ({instrument}, {channel})"
        for name, (instrument, channel) in sorted(case.plan.drivers.items())
    ]
    return "; ".join(names) or say("none", language)


def _registered(case: SavingCase, language: Language) -> str:
    """Whether the plan stood before the works began, by local dates."""
    if case.plan.blackout is None:
        return say("no_blackout", language)
    from dodac.clock import local_text

    registered = date.fromisoformat(local_text(case.plan.registered_ns, case.plan.zone, "%Y-%m-%d"))
    days = (date.fromisoformat(case.plan.blackout[0]) - registered).days
    return say("before_measure", language, days=days) if days > 0 else say("after_measure", language)


def _payback(case: SavingCase, language: Language) -> str:
    """Simple payback over the confidence interval, or "" when it can't be said."""
    money, investment = case.verified.money, case.option.investment
    half = case.verified.money_half_width
    days = (date.fromisoformat(case.savings.end) - date.fromisoformat(case.savings.start)).days + 1
    # less than a year of reporting is no yearly saving, and two currencies need a dated rate
    if (
        money is None
        or investment is None
        or half is None
        or money.currency != investment.currency
        or days < 360
    ):
        return ""
    if money.amount - half <= 0:
        return ""
    months_of = [
        investment.amount / amount * days / 30.4375 for amount in (money.amount + half, money.amount - half)
    ]
    low, high = (significant_text(value, 2, language) for value in months_of)
    return say("payback_value", language, low=low, high=high, days=days)


def _findings(case: SavingCase, language: Language) -> list[tuple[str, str, str]]:
    rows = [(say("of_baseline_period", language), item) for item in case.baseline.findings]
    rows += [(say("of_reporting_period", language), item) for item in case.verified.findings]
    return [(place, item.vi if language == "vi" else item.en, item.code) for place, item in rows]
