"""Months and growing ± come from the saving itself."""

import math
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from analysis.results import Memory, MemoryPoint
from analysis.uncertainty import of_sums
from audit import SavingCase
from audit.models import model_of
from reports.figures import (
    excluded_spans,
    half_widths_of,
    meter_class_percent,
    months,
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
    whole = case.savings.intervals
    widths = half_widths_of(case, [*range(0, whole, 30), whole])
    assert widths[0] == 0
    assert widths[-1] == pytest.approx(case.savings.uncertainty.half_width)
    assert widths == sorted(widths)


def test_a_short_stretch_has_the_width_of_a_saving_that_short(case: SavingCase) -> None:
    # lasting errors: ρ of the residuals (0.8) says ± of 9 days' noise, the kept memory of ρ 0.95 far more
    statistics = replace(case.baseline.statistics, rho=0.8)
    plain = replace(case, baseline=replace(case.baseline, statistics=statistics, memory=None))
    slow = Memory(1, 300.0, (MemoryPoint(1.0, 0.95, 1.0, statistics.rmse**2),))
    model = replace(model_of(case.baseline), statistics=statistics, memory=slow)
    whole = case.savings.intervals
    alone = of_sums(model, np.zeros(len(model.terms)), ((1.0, 30),), 0.9, "exact_memory").half_width
    total = of_sums(model, np.zeros(len(model.terms)), ((1.0, whole),), 0.9, "exact_memory")
    savings = replace(case.savings, uncertainty=total)
    lasting = replace(case, savings=savings, baseline=replace(plain.baseline, memory=slow))
    assert half_widths_of(lasting, [30])[0] == pytest.approx(alone, rel=1e-3)
    # errors that last add up faster than the root of the time
    assert alone < total.half_width * math.sqrt(30 / whole)


def test_a_band_narrower_than_the_scatter_alone_is_all_scatter(case: SavingCase) -> None:
    whole = case.savings.intervals
    wild = replace(case.baseline.statistics, rmse=1e6)
    plain = replace(case, baseline=replace(case.baseline, statistics=wild, memory=None))
    found = half_widths_of(plain, [whole / 4, whole])
    assert found[1] == pytest.approx(case.savings.uncertainty.half_width)
    assert found[0] == pytest.approx(found[1] / 2)


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
