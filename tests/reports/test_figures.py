"""Months and growing ± come from the saving itself."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from analysis.results import FitStatistics
from audit import SavingCase
from reports.figures import (
    excluded_spans,
    half_width_of,
    meter_class_percent,
    months,
    random_share,
    tet_spans,
    used_values,
    weekly_mean,
)


def test_the_months_add_up_to_the_saving(case: SavingCase) -> None:
    rows = months(case)
    assert len(rows) == 12
    assert sum(row.saving for row in rows) == pytest.approx(case.savings.saving)
    assert rows[-1].cumulative == pytest.approx(case.savings.saving)
    assert sum(row.intervals for row in rows) == case.savings.intervals
    assert sum(row.excluded for row in rows) == case.savings.excluded
    assert all(row.half_width > 0 for row in rows)


def test_the_band_ends_at_the_stated_uncertainty(case: SavingCase) -> None:
    assert half_width_of(case, case.savings.intervals) == pytest.approx(case.savings.uncertainty.half_width)
    assert half_width_of(case, 0) == 0
    widths = [half_width_of(case, n) for n in range(0, case.savings.intervals + 1, 30)]
    assert widths == sorted(widths)


def test_a_band_narrower_than_the_scatter_alone_is_all_scatter(case: SavingCase) -> None:
    wild = replace(case.baseline.statistics, rmse=1e6)
    assert isinstance(wild, FitStatistics)
    assert random_share(replace(case, baseline=replace(case.baseline, statistics=wild))) == 1.0
    assert 0 < random_share(case) < 1


def test_a_day_left_out_is_not_drawn(case: SavingCase) -> None:
    values = used_values(case.savings.frame, "measured")
    assert values.loc["2026-03-03":"2026-03-05"].isna().all()
    assert weekly_mean(values).loc["2026-03-03":"2026-03-05"].isna().all()
    assert weekly_mean(values).loc["2026-03-09":"2026-03-12"].notna().all()


def test_tet_is_marked_where_it_was(case: SavingCase) -> None:
    spans = tet_spans(case, date(2025, 1, 1), date(2026, 12, 31))
    assert [
        first <= day <= last
        for (first, last), day in zip(spans, (date(2025, 1, 29), date(2026, 2, 17)), strict=True)
    ] == [True, True]
    assert (
        tet_spans(replace(case, plan=replace(case.plan, holidays=None)), date(2025, 1, 1), date(2026, 1, 1))
        == []
    )


@pytest.mark.parametrize(
    ("text", "expected"), [("1", 1.0), ("0,5S", 0.5), ("class 2", 2.0), ("B", None), ("", None)]
)
def test_the_meter_class_is_read_or_left_unknown(case: SavingCase, text: str, expected: float | None) -> None:
    facts: dict[str, Any] = {"main-power": {"accuracy_class": text}}
    assert meter_class_percent(replace(case, instruments=facts)) == expected


def test_spans_left_out_are_listed_in_time_order(case: SavingCase) -> None:
    spans = excluded_spans(case)
    assert spans == sorted(spans)
    assert len(spans) == 3
