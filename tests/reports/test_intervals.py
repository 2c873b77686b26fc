"""A report of hours, weeks, months or bills says so, and its pictures show them as they are."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from audit import SavingCase
from dodac.words import LANGUAGES, Language
from reports import charts, headline, render_html
from reports.figures import chart_rows

_STEP = {"week": "7D", "month": "MS", "bill": "MS"}


def of(case: SavingCase, interval: str) -> SavingCase:
    """The example's case as if its plan had been of another interval (same energies)."""

    def frame(rows: pd.DataFrame) -> pd.DataFrame:
        if interval == "hour":
            hours = pd.date_range(rows.index[0], periods=24 * len(rows), freq="h")
            each = rows.loc[rows.index.repeat(24)].set_axis(hours)
            names = [name for name in ("measured", "model", "adjusted_baseline", "saving") if name in rows]
            each[names] = each[names] / 24
            return each
        rules = {
            name: "any" if name == "used" else "mean" if name == "temperature" else "sum"
            for name in rows.columns
        }
        return rows.resample(_STEP[interval]).agg(rules)

    savings = replace(case.savings, frame=frame(case.savings.frame))
    count = int(savings.frame["used"].sum())
    savings = replace(savings, intervals=count, excluded=len(savings.frame) - count)
    return replace(
        case, savings=savings, baseline_frame=frame(case.baseline_frame), plan=replace(case.plan, interval=interval),
        baseline=replace(case.baseline, interval=interval),
    )  # fmt: skip


def _words(html: str) -> str:
    text = re.sub(r"<(style|pre)>.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


@pytest.mark.parametrize(
    ("interval", "vi", "en"),
    [
        ("hour", "8.688 giờ được dùng, 72 giờ loại trừ", "8,688 hours used, 72 left out"),
        ("week", "53 tuần được dùng, 0 tuần loại trừ", "53 weeks used, 0 left out"),
        ("month", "12 tháng được dùng, 0 tháng loại trừ", "12 months used, 0 left out"),
        ("bill", "12 hóa đơn được dùng, 0 hóa đơn loại trừ", "12 bills used, 0 left out"),
    ],
)
def test_a_report_speaks_of_its_own_intervals_and_not_of_days(
    case: SavingCase, interval: str, vi: str, en: str
):
    other = of(case, interval)
    assert headline(other, "vi")["days"] == vi
    assert headline(other, "en")["days"] == en
    text = _words(render_html(other, "en", 1, case.plan.zone))
    for words in ("days used", "days the model was fitted", "standard error of one day", "Days without", "Days in brackets"):  # fmt: skip
        assert words not in text, words
    text = _words(render_html(other, "vi", 1, case.plan.zone))
    for words in (
        "ngày được dùng",
        "ngày loại trừ",
        "số ngày dùng",
        "của một ngày",
        "ngày thiếu số liệu",
        "số ngày",
    ):
        assert words not in text, words


def test_the_payback_of_a_year_of_months_is_that_of_a_year(case: SavingCase):
    wanted = _words(render_html(case, "en", 1, case.plan.zone)).partition("Simple payback")[2][:40]
    assert "months" in wanted
    for interval in ("hour", "month"):
        shown = _words(render_html(of(case, interval), "en", 1, case.plan.zone))
        assert shown.partition("Simple payback")[2][:40] == wanted


def _line(svg: str, cls: str) -> list[str]:
    # the first is the legend's
    drawn = re.findall(rf'<path class="c-{cls}"[^>]* d="([^"]+)"', svg)[-1]
    return re.findall(r"-?[\d.]+", drawn)


@pytest.mark.parametrize("language", LANGUAGES)
def test_months_are_drawn_as_months(case: SavingCase, language: Language):
    monthly = of(case, "month")
    svg = charts.timeline(monthly, language, charts.NARROW)
    assert ("MWh/tháng" if language == "vi" else "MWh per month") in svg
    assert ("từng tháng" if language == "vi" else "each month") in svg
    assert "7" not in re.findall(r"trung bình (\d) ngày|(\d)-day mean", svg)
    rows = chart_rows(monthly.savings.frame, "month")
    assert rows["length"].tolist() == [stamp.days_in_month for stamp in rows.index]
    signature = charts.signature(monthly, language)
    assert "°C" in signature
    assert "Working" not in signature


def test_bills_of_unlike_lengths_are_drawn_as_their_mean_day():
    index = pd.DatetimeIndex(["2025-01-01", "2025-02-01", "2025-03-01", "2025-06-01"], tz="UTC")
    frame = pd.DataFrame({"measured": [310.0, 280.0, 310.0, 310.0], "used": True}, index=index)
    rows = chart_rows(frame, "bill")
    assert rows["measured"].iloc[:2].tolist() == pytest.approx([10.0, 10.0])
    # a bill is missing after the third: it is not three months long
    assert rows["length"].iloc[2] < 47


def test_hours_are_drawn_as_the_days_they_make(case: SavingCase):
    daily, hourly = (charts.cusum(one, "en") for one in (case, of(case, "hour")))
    assert len(_line(daily, "saving")) == len(_line(hourly, "saving")) > 300
    assert "kWh per day" in charts.timeline(of(case, "hour"), "en") or "MWh per day" in charts.timeline(
        of(case, "hour"), "en"
    )


def test_an_hourly_models_rest_day_is_the_only_day_off(case: SavingCase):
    settings = {"groups": [[0, 1, 2, 3, 4, 5], [6]], "rest_group": 1, "work_group": 0, "occupied": [1, 0]}
    plan = replace(case.plan, holidays=None)
    hourly = replace(case, plan=plan, baseline=replace(case.baseline, settings=settings))
    # the first is the legend's
    off = re.findall(r'<path class="c-dots2"[^>]* d="([^"]+)"', charts.signature(hourly, "en"))[-1]
    sundays = case.baseline_frame[case.baseline_frame["used"]].index.day_of_week.to_numpy() == 6
    assert len(re.findall("M", off)) == int(np.sum(sundays))
