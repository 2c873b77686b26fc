"""Between a plan, a fitted model and the frozen baseline that the register keeps of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis import MeterData, Model, Refusal, calendar_version, fit, memory_of, meter_data, predict
from audit.periods import frame_digest, is_degrees, weather_before
from audit.plans import AUTO
from audit.records import Evidence, FrozenBaseline, Plan
from dodac import __version__
from dodac.quantities import CHANNELS

if TYPE_CHECKING:
    from analysis.baselines.select import Selection
    from dodac.contracts import Store


def data_of(plan: Plan, frame: pd.DataFrame, events: Sequence[str] = ()) -> MeterData:
    """A frame of `period_frame` as the data of the plan's model; events: columns of decided events."""
    return meter_data(
        frame,
        unit=CHANNELS[plan.energy[1]].unit,
        interval=plan.interval,
        temperature="temperature" if "temperature" in plan.drivers else None,
        drivers=[*(name for name in plan.drivers if name != "temperature"), *events],
        categories=["day_type"] if plan.holidays else [],
    )


def select_plan(
    plan: Plan, frame: pd.DataFrame, events: Sequence[str] = (), *, allow_short: bool = False
) -> Selection:
    """Every candidate for the plan's interval, judged on left-out blocks (plans with model "auto")."""
    from analysis.baselines.select import select

    return select(data_of(plan, frame, events), any_sign=tuple(events), allow_short=allow_short)


def chosen_of(selection: Selection) -> Model | Refusal:
    """The model of a selection, or why there is none."""
    return selection.model or selection.refusal or Refusal(
        "no_model", "No candidate can be the baseline.", "Không có mô hình nào dùng được."
    )  # fmt: skip


def fit_plan(
    plan: Plan, frame: pd.DataFrame, events: Sequence[str] = (), *, allow_short: bool = False
) -> Model | Refusal:
    """The plan's model fitted on a frame of `period_frame`; events: columns of decided events in it."""
    if plan.model == AUTO:
        return chosen_of(select_plan(plan, frame, events, allow_short=allow_short))
    return fit(data_of(plan, frame, events), plan.model, allow_short=allow_short)


def freeze(
    id: str,
    plan: Plan,
    plan_digest: str,
    model: Model,
    frame: pd.DataFrame,
    evidence: tuple[Evidence, ...],
    frozen_ns: int,
    decisions: tuple[str, ...] = (),
) -> FrozenBaseline:
    """The record of a fitted model with the digests of its plan (as registered), data and decisions."""
    return FrozenBaseline(
        id=id,
        plan=plan.id,
        frozen_ns=frozen_ns,
        data_digest=frame_digest(frame),
        kind=model.kind,
        unit=model.unit,
        terms=model.terms,
        coefficients=tuple(float(value) for value in model.coefficients),
        covariance=tuple(tuple(float(value) for value in row) for row in model.covariance),
        statistics=model.statistics,
        settings=model.settings,
        start=model.start,
        end=model.end,
        findings=model.findings,
        version=__version__,
        plan_digest=plan_digest,
        calendar=calendar_version(plan.holidays),
        evidence=evidence,
        interval=model.interval,
        memory=memory_of(model),
        decisions=decisions,
    )


def model_of(baseline: FrozenBaseline) -> Model:
    """The model that a frozen baseline keeps."""
    return Model(
        kind=baseline.kind,
        unit=baseline.unit,
        terms=baseline.terms,
        coefficients=np.array(baseline.coefficients, dtype=np.float64),
        covariance=np.array(baseline.covariance, dtype=np.float64),
        statistics=baseline.statistics,
        settings=baseline.settings,
        start=baseline.start,
        end=baseline.end,
        findings=baseline.findings,
        interval=baseline.interval,
        memory=baseline.memory,
    )


def warmed(model: Model, plan: Plan, store: Store, start: str) -> tuple[Model, str]:
    """The model with the weather of the days before a period, and that weather's SHA-256; "" where none is needed or known.

    A smoothed temperature (stored heat) of the period's first rows goes on from it. start: local date.
    """
    from analysis.baselines.warm_start import with_weather_before

    weather = weather_before(store, plan, (start, start)) if model.settings.get("smoothing_h") else None
    if weather is None:
        return model, ""
    dates = pd.DatetimeIndex(weather.index).strftime("%Y-%m-%dT%H:%M%z")
    lines = [f"{date} {value:.9e}" for date, value in zip(dates, weather, strict=True)]
    return with_weather_before(model, weather), hashlib.sha256("\n".join(lines).encode()).hexdigest()


def baseline_frame(model: Model, frame: pd.DataFrame) -> pd.DataFrame:
    """For charts: measured, model and the drivers per day of the baseline period, and used."""
    apart = ("energy", "day_type", "coverage", "used")
    drivers = [name for name in frame.columns if name not in apart and not is_degrees(name)]
    return pd.DataFrame(
        {
            "measured": frame["energy"],
            "model": predict(model, frame),
            **{name: frame[name] for name in drivers},
            "used": frame["used"],
        }
    )
