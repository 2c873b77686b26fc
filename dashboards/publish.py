"""A verified saving as points for InfluxDB: the figures behind the dashboard "savings"."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from audit.records import SavingCase
from dodac.errors import DataError
from dodac.units import conversion
from store import SavingMeasurement, SavingPoint, SavingTags, saving_lines

if TYPE_CHECKING:
    import pandas as pd


def case_lines(case: SavingCase) -> list[str]:
    """Line protocol of a case: one point a day, one a month, and the total at the time of verification.

    Energies in kWh. The band around the cumulative saving is the verified half width times
    √(days counted so far / all days counted): the verified one at the end, never narrower before
    than the days allow (random parts grow with the root, the model's own part slower than that).
    Raises DataError for a saving that is no energy.
    """
    try:
        to_kwh = conversion(case.savings.unit, "kWh").scale
    except ValueError:
        raise DataError(
            f'the saving "{case.verified.id}" is in {case.savings.unit}, the dashboard shows energy only.',
            todo="See its report instead: dodac report.",
        ) from None
    tags = SavingTags(
        company=case.option.company,
        site=case.option.site,
        option=case.option.id,
        plan=case.plan.id,
        verification=case.verified.id,
    )
    frame = _local_frame(case)
    return [
        *saving_lines(SavingMeasurement.DAY, _days(case, frame, to_kwh), tags),
        *saving_lines(SavingMeasurement.MONTH, _months(frame, to_kwh), tags),
        *saving_lines(SavingMeasurement.TOTAL, [_total(case, to_kwh)], tags),
    ]


def _local_frame(case: SavingCase) -> pd.DataFrame:
    """The savings frame with an index that knows its zone."""
    import pandas as pd

    frame = case.savings.frame
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        raise TypeError("the frame of a saving has a DatetimeIndex")
    if index.tz is None:
        frame = frame.set_axis(index.tz_localize(case.plan.zone))
    return frame


def _days(case: SavingCase, frame: pd.DataFrame, to_kwh: float) -> list[SavingPoint]:
    import pandas as pd

    index = pd.DatetimeIndex(frame.index).tz_convert("UTC").as_unit("ns")
    used = frame["used"].to_numpy(dtype=bool)
    half_width = case.savings.uncertainty.half_width * to_kwh
    points = []
    counted = 0
    columns = (frame[name].to_numpy(dtype=float) for name in _COLUMNS)
    for time_ns, use, measured, adjusted, saving, cumulative in zip(index.asi8, used, *columns, strict=True):
        counted += bool(use)
        total = float(cumulative) * to_kwh
        band = half_width * math.sqrt(counted / max(1, int(used.sum())))
        fields = {
            "measured_kwh": float(measured) * to_kwh,
            "adjusted_baseline_kwh": float(adjusted) * to_kwh,
            "saving_kwh": float(saving) * to_kwh if use else math.nan,
            "cumulative_kwh": total,
            "low_kwh": total - band,
            "high_kwh": total + band,
        }
        points.append(SavingPoint(int(time_ns), fields, {}))
    return points


_COLUMNS = ("measured", "adjusted_baseline", "saving", "cumulative")


def _months(frame: pd.DataFrame, to_kwh: float) -> list[SavingPoint]:
    import pandas as pd

    used = frame[frame["used"].astype(bool)]
    index = pd.DatetimeIndex(used.index)
    points = []
    months = index.year * 12 + index.month - 1
    for month in months.unique():
        rows = used[months == month]
        start = pd.Timestamp(year=int(month) // 12, month=int(month) % 12 + 1, day=1, tz=index.tz)
        fields = {
            f"{name}_kwh": float(rows[name].sum()) * to_kwh
            for name in ("measured", "adjusted_baseline", "saving")
        }
        points.append(SavingPoint(start.as_unit("ns").value, {**fields, "days": float(len(rows))}, {}))
    return points


def _total(case: SavingCase, to_kwh: float) -> SavingPoint:
    saved, verified = case.savings, case.verified
    fields = {
        "measured_kwh": saved.measured * to_kwh,
        "adjusted_baseline_kwh": saved.adjusted_baseline * to_kwh,
        "saving_kwh": saved.saving * to_kwh,
        "half_width_kwh": saved.uncertainty.half_width * to_kwh,
        "low_kwh": saved.low * to_kwh,
        "high_kwh": saved.high * to_kwh,
        "saving_pct": 100.0 * saved.fraction,
        "confidence_pct": 100.0 * saved.uncertainty.confidence,
        "days": float(saved.intervals),
        "money": math.nan if verified.money is None else verified.money.amount,
    }
    texts = {
        "name": verified.id,
        "start": verified.start,
        "end": verified.end,
        "method": saved.uncertainty.method,
        "currency": "" if verified.money is None else verified.money.currency,
    }
    return SavingPoint(verified.verified_ns, fields, texts)
