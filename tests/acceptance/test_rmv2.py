"""LBNL's RMV2.0 pair 2: the saving, its non-routine event, and the saving with a decision about it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import KINDS, Savings, avoided_energy, day_types, fit, meter_data
from analysis.events import (
    Entry,
    Ledger,
    adjusted,
    adjustments,
    baseline_events,
    savings_events,
    without_excluded,
)
from analysis.results import Model

TRUTH = pd.Timestamp("2017-06-01")  # from then on the rest days are Wednesday and Thursday
WEEK = (("wednesday", "saturday"), ("thursday", "sunday"), ("saturday", "wednesday"), ("sunday", "thursday"))


def hours(path: Path) -> pd.DataFrame:
    """One row an hour; the row without a time stamp is dropped and its hour stays missing."""
    table = pd.read_csv(path)
    stamps = pd.to_datetime(table["time"], format="%m/%d/%y %H:%M", errors="coerce")
    assert int(stamps.isna().sum()) == 1
    frame = pd.DataFrame(
        {"energy": table["eload"].to_numpy(), "temperature": table["Temp"].to_numpy()},
        index=pd.DatetimeIndex(stamps),
    )
    return frame[frame.index.notna()]


def daily(frame: pd.DataFrame) -> pd.DataFrame:
    """Days with at least 23 hours."""
    groups = frame.resample("D")
    found = groups.agg({"energy": "sum", "temperature": "mean"})
    found.loc[groups["energy"].count() < 23, "energy"] = np.nan
    return found


@pytest.mark.parametrize("pair", ["2", "2_2"])
@pytest.mark.parametrize(
    ("kind", "country"),
    [("towt-daily", None), ("towt-daily", "US"), ("towt-hourly", None), ("towt-hourly", "US")],
)
def test_the_event_is_dated_and_both_savings_are_shown(shared, figure, pair, kind, country):
    if kind not in KINDS:
        pytest.skip(f"{kind} is not there")
    folder = shared / "mv" / "rmv2"
    before, after = hours(folder / f"Data_pre_{pair}.csv"), hours(folder / f"Data_post_{pair}.csv")
    if kind == "towt-daily":
        before, after = daily(before), daily(after)
    for frame in (before, after):
        days = pd.DatetimeIndex(frame.index.normalize().unique())
        types = day_types(days, country)
        frame["day_type"] = types.reindex(frame.index.normalize()).to_numpy()
    interval = "day" if kind == "towt-daily" else "hour"
    data = meter_data(
        before, unit="kWh", interval=interval, temperature="temperature",
        categories=["day_type"] if country else [],
    )  # fmt: skip
    model = fit(data, kind)
    assert isinstance(model, Model), model
    saving = avoided_energy(model, after)
    assert isinstance(saving, Savings), saving
    label = f"rmv2 pair {pair}, {kind}, holidays {country or '-'}"
    figure(f"{label}: unadjusted saving %", 100 * saving.fraction, "11 ± 1")
    assert 100 * saving.fraction == pytest.approx(11.0, abs=1.0)

    types = day_types(pd.DatetimeIndex(after.index.normalize().unique()), country)
    found = savings_events(saving, interval=interval, day_types=types)
    lasting = [event for event in found.events if event.kind in ("step", "pattern")]
    assert len(lasting) == 1, found.events
    (event,) = lasting
    late = abs((pd.Timestamp(event.start) - TRUTH).days)
    figure(f"{label}: event", f"{event.kind} {event.start}", "within 3 days of 2017-06-01")
    assert late <= 3
    none = baseline_events(
        model, before, day_types=day_types(pd.DatetimeIndex(before.index.normalize().unique()), country)
    )
    assert not none.events, "the baseline year has no event"

    ledger = Ledger(
        (Entry("nre1", "tester", "2018-01-15", "shift plan changed", "indicator", "reporting", event.start),)
    )
    amounts = adjustments(saving, ledger, model=model, frame=after)
    assert isinstance(amounts, tuple)
    whole = adjusted(saving, amounts)
    figure(
        f"{label}: adjusted saving % by indicator",
        f"{100 * whole.fraction:.2f}",
        "(the peer's guide says 9.7)",
    )
    moved = Ledger(
        (
            Entry(
                "nre1",
                "tester",
                "2018-01-15",
                "rest days moved",
                "calendar",
                "reporting",
                event.start,
                week=WEEK,
            ),
        )
    )
    by_week = adjustments(saving, moved, model=model, frame=after)
    assert isinstance(by_week, tuple)
    called = adjusted(saving, by_week)
    figure(
        f"{label}: adjusted saving % for the rest days alone",
        f"{100 * called.fraction:.2f} ± {100 * called.uncertainty.half_width / called.adjusted_baseline:.2f}",
        "(the peer's guide says 9.7)",
    )
    # as many days of rest as before: the rest days themselves are worth little in a whole year
    assert abs(called.fraction - saving.fraction) < 0.01
    left = Ledger(
        (Entry("nre1", "tester", "2018-01-15", "shift plan changed", "exclude", "reporting", event.start),)
    )
    part = avoided_energy(model, without_excluded(after, left, "reporting"))
    assert isinstance(part, Savings)
    figure(f"{label}: saving % with the event left out", f"{100 * part.fraction:.2f}", "(9.7)")
    after_only = saving.frame.loc[event.start :]
    figure(
        f"{label}: saving % since the event",
        f"{100 * after_only['saving'].sum() / after_only['adjusted_baseline'][after_only['used']].sum():.2f}",
        "(9.7)",
    )
    assert saving.saving != whole.saving
    assert whole.uncertainty.half_width > saving.uncertainty.half_width
