"""The steel plant of UCI: stamps that end their interval, midnights with the old date, a byte order mark."""

import numpy as np
import pandas as pd
import pytest

from analysis.prepare import Stamps, counter_intervals, read_stamps


@pytest.fixture(scope="module")
def steel(shared) -> pd.DataFrame:
    return pd.read_csv(shared / "mv" / "steel-uci" / "Steel_industry_data.csv", encoding="utf-8-sig")


def test_all_quarter_hours_of_the_year_are_there_in_order(steel, figure):
    found = read_stamps(steel["date"], zone="Asia/Seoul")
    assert isinstance(found, Stamps)
    moved = next(one for one in found.findings if one.code == "midnight_old_date").data["rows"]
    wanted = pd.date_range("2018-01-01", "2019-01-01", freq="15min", inclusive="left", tz="Asia/Seoul")
    assert (found.start == wanted).all()
    assert found.side == "end"
    figure("steel-uci: rows, midnights repaired", f"{len(found.start)}, {moved}", "35040, 365")
    assert moved == 365


def test_day_totals_are_those_of_the_dates_as_written(steel, figure):
    found = read_stamps(steel["date"])
    got = steel["Usage_kWh"].groupby(found.start.normalize()).sum()
    # as written, a row's own date is the day that it belongs to: also 00:00
    wanted = steel.groupby(steel["date"].str.split(" ").str[0], sort=False)["Usage_kWh"].sum()
    off = float(np.abs(got.to_numpy() - wanted.to_numpy()).max())
    figure("steel-uci: largest error of a day's total, kWh", off, "0")
    assert off < 1e-6
    names = steel.groupby(found.start.normalize())["Day_of_week"].first()
    assert (names.to_numpy() == names.index.day_name()).all()


def test_the_empty_stamp_of_rmv2_has_one_place(shared, figure):
    for name in ("Data_pre_2", "Data_post_2"):
        table = pd.read_csv(shared / "mv" / "rmv2" / f"{name}.csv")
        found = read_stamps(table["time"])
        assert not found.start.isna().any()
        assert (np.diff(found.start.asi8) == 3600 * 10**9).all()
        assert "empty_stamp_filled" in {one.code for one in found.findings}
        figure(f"rmv2 {name}: empty stamps put in their place", float(table["time"].isna().sum()), "1")


def test_clean_counters_of_real_buildings_lose_nothing(shared, figure):
    mv = shared / "mv"
    series = {
        "steel": (pd.read_csv(mv / "steel-uci" / "Steel_industry_data.csv")["Usage_kWh"], "15min"),
        "b01": (pd.read_csv(mv / "rethinking" / "b01_train_consumption.csv")["hvac"], "hour"),
        "rmv2": (pd.read_csv(mv / "rmv2" / "Data_pre_2.csv")["eload"], "hour"),
        "eemeter": (
            pd.read_csv(mv / "eemeter-samples" / "il-electricity-cdd-hdd-hourly.csv.gz")["value"],
            "hour",
        ),
        "nmecr": (pd.read_csv(mv / "nmecr" / "eload.csv")["eload"], "day"),
    }
    worst = 100.0
    for amounts, interval in series.values():
        amount = amounts.fillna(0).clip(lower=0).to_numpy()
        for resolution in (0.01, 1.0):
            face = np.round((12_345 + np.concatenate(([0.0], np.cumsum(amount)))) / resolution) * resolution
            step = {"15min": "15min", "hour": "h", "day": "D"}[interval]
            index = pd.date_range("2017-01-01", periods=len(face), freq=step)
            got = (
                counter_intervals(pd.Series(face, index=index), interval)
                .frame["amount"]
                .to_numpy()[: len(amount)]
            )
            worst = min(worst, 100 * float(np.isfinite(got).mean()))
            assert np.nanmax(np.abs(got - np.diff(face))) < 1e-6 * face[-1]
    figure("real buildings as clean counters: intervals kept, %", worst, "≥ 99")
    assert worst >= 99.9
