"""nmecr's daily building: fit, saving and its own fractional uncertainty, as the package prints them."""

from pathlib import Path

import pandas as pd
import pytest

from analysis import Model, Savings, avoided_energy, fit_towt_daily
from analysis.fsu import fsu_nmecr


@pytest.fixture(scope="module")
def building(shared: Path) -> pd.DataFrame:
    """One row a local day; the files' rows are END-stamped: a row stamped D is day D − 1."""
    folder = shared / "mv" / "nmecr"
    energy, fahrenheit = (
        pd.read_csv(folder / name, parse_dates=["time"], index_col="time").iloc[:, 0]
        for name in ("eload.csv", "temp.csv")
    )
    frame = pd.DataFrame({"energy": energy, "temperature": (fahrenheit - 32.0) / 1.8})
    frame.index = pd.DatetimeIndex(frame.index).normalize() - pd.Timedelta(days=1)
    return frame


def test_nmecr_fit_and_saving_come_out_to_five_digits(building, figure):
    model = fit_towt_daily(building["2012-02-29":"2013-02-26"])
    assert isinstance(model, Model)
    saved = avoided_energy(model, building["2014-02-27":"2015-02-26"])
    assert isinstance(saved, Savings)
    figure("nmecr daily TOWT R²", model.statistics.r2, "0.896473 ± 1e-5")
    figure("nmecr avoided energy kWh", f"{saved.saving:.3f}", "408141.594")
    figure("nmecr avoided energy, share", saved.fraction, "0.07407 ± 1e-5")
    assert model.statistics.r2 == pytest.approx(0.896473, abs=1e-5)
    assert saved.saving == pytest.approx(408_141.594, rel=1e-5)
    assert saved.fraction == pytest.approx(0.07407, abs=1e-5)


def test_nmecr_fsu_comes_out_by_its_own_definition(building, figure):
    # nmecr's stored result counts 17 parameters (its code of today, as this design, 19), months of
    # 30 days of the BASELINE, Pearson's ρ, m = n: see fsu_nmecr and mv.md §3.2
    model = fit_towt_daily(building["2012-02-29":"2013-02-26"])
    assert isinstance(model, Model)
    theirs = fsu_nmecr(model, savings_fraction=0.10, confidence=0.90, parameters=17)
    figure("nmecr FSU at 10 % savings, 90 %, its definition", theirs, "0.183714 ± 1e-5")
    assert theirs == pytest.approx(0.183714, abs=1e-5)
    own = fsu_nmecr(model, savings_fraction=0.10, confidence=0.90)
    figure("nmecr FSU with the design's 19 parameters", own, "")
    assert own > theirs
