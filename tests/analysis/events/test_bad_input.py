"""Whatever a meter does: an answer with finite figures or a refusal, never a fault or a silent NaN."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import Refusal, Savings, avoided_energy, day_types, fit_towt_daily
from analysis.events import Detection, Entry, Ledger, adjustments, detect
from analysis.monitor import Watch, watch_saving
from dodac.errors import ConfigError, DodacError

STEPS = {"day": "D", "hour": "h", "15min": "15min", "week": "W", "month": "MS", "bill": "MS"}


def frames(n: int, freq: str, zone: str | None):
    """Named tables of measured and expected energy that go wrong in one way each."""
    random = np.random.default_rng(n)
    index = pd.date_range("2023-01-01", periods=n, freq=freq, tz=zone)
    usual = 1000.0 + random.normal(0.0, 100.0, n)
    noisy = usual * random.normal(1.0, 0.05, n)
    cases = {
        "constant": (np.full(n, 5.0), usual),
        "zero": (np.zeros(n), usual),
        "negative": (-usual, usual),
        "1e12": (usual * 1e12, usual),
        "perfect": (usual, usual),
        "nothing expected": (usual, np.zeros(n)),
        "negative expected": (usual, -usual),
        "nothing measured": (np.full(n, np.nan), usual),
        "half": (np.where(np.arange(n) < n // 2, np.nan, noisy), usual),
        "sparse": (np.where(random.random(n) < 0.8, np.nan, noisy), usual),
        "infinite": (np.where(np.arange(n) == 5, np.inf, noisy), usual),
        "two values": (np.where(np.arange(n) % 2, 1.0, 2.0), usual),
        "spikes": (np.where(random.random(n) < 0.02, 1e9, noisy), usual),
    }
    for name, (measured, expected) in cases.items():
        yield name, pd.DataFrame({"measured": measured, "expected": expected, "used": True}, index=index)


@pytest.fixture(scope="module")
def ground() -> tuple:
    """A model and a saving to hang the tables on."""
    random = np.random.default_rng(1)
    index = pd.date_range("2023-01-01", periods=365, freq="D")
    frame = pd.DataFrame({"temperature": 25.0 + random.normal(0, 3, 365)}, index=index)
    frame["energy"] = 1000.0 + 20.0 * frame["temperature"] + random.normal(0, 30, 365)
    model = fit_towt_daily(frame)
    saving = avoided_energy(model, frame)
    assert isinstance(saving, Savings)
    return model, frame, saving


@pytest.mark.parametrize("interval", STEPS)
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("n", [0, 1, 2, 100, 400])
def test_a_meter_gone_wrong_is_answered_or_refused(ground, interval, zone, n):
    _, _, saving = ground
    for name, frame in frames(n, STEPS[interval], zone):
        types = day_types(pd.DatetimeIndex(frame.index), "VN") if interval == "day" else None
        found = detect(frame, interval=interval, unit="kWh", day_types=types)
        assert isinstance(found, Detection | Refusal), name
        if isinstance(found, Detection):
            figures = [found.noise_sd, found.rho, found.smallest_step]
            figures += [value for event in found.events for value in (event.change, event.half_width)]
            assert np.isfinite(figures).all(), name
        table = frame.rename(columns={"expected": "adjusted_baseline"})
        table["saving"] = table["adjusted_baseline"] - table["measured"]
        watch = watch_saving(replace(saving, frame=table), interval=interval)
        if isinstance(watch, Watch):
            assert np.isfinite([watch.change, watch.share]).all(), name
        else:
            assert isinstance(watch, Refusal)


@pytest.mark.parametrize("zone", [None, "Asia/Ho_Chi_Minh"])
def test_an_indicator_on_bad_data_is_finite_or_refused(ground, zone):
    model, given, saving = ground
    ledger = Ledger(
        (Entry("a", "Lan", "2024-01-01", "x", "indicator", "reporting", "2023-03-01", "2023-03-20"),)
    )
    for name, frame in frames(365, "D", zone):
        table = frame.rename(columns={"expected": "adjusted_baseline"})
        table["saving"] = table["adjusted_baseline"] - table["measured"]
        amounts = adjustments(
            replace(saving, frame=table), ledger, model=model, frame=given.set_axis(frame.index)
        )
        if isinstance(amounts, tuple):
            assert np.isfinite([amounts[0].amount, amounts[0].half_width]).all(), name
        else:
            assert isinstance(amounts, Refusal)


def table(n: int, freq: str, zone: str | None = None, start: str = "2023-01-01") -> pd.DataFrame:
    random = np.random.default_rng(3)
    index = pd.date_range(start, periods=n, freq=freq, tz=zone)
    return pd.DataFrame(
        {"measured": 1000.0 + random.normal(0.0, 50.0, n), "expected": 1000.0, "used": True}, index=index
    )


def test_summer_time_that_starts_at_midnight_stops_no_search():
    found = detect(table(100 * 24, "h", "America/Sao_Paulo", "2018-09-01"), interval="hour", unit="kWh")
    assert isinstance(found, Detection)
    assert found.intervals == 100


def test_rows_out_of_order_are_read_by_their_time():
    frame = table(365, "D")
    frame.loc["2023-07-01":, "measured"] += 150.0
    found = detect(frame.sample(frac=1.0, random_state=1), interval="day", unit="kWh")
    assert isinstance(found, Detection)
    assert found == detect(frame, interval="day", unit="kWh")
    assert [event.kind for event in found.events] == ["step"]


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        (lambda frame: pd.concat([frame, frame.iloc[:3]]), {}, "2023-01-01 is there more than once"),
        (lambda frame: frame.set_axis([pd.NaT, *frame.index[1:]]), {}, "has no time"),
        (lambda frame: frame.reset_index(drop=True), {}, "no times"),
        (lambda frame: frame, {"interval": "fortnight"}, "no interval"),
        (lambda frame: frame, {"strictness": -1.0}, "strictness"),
        (lambda frame: frame, {"strictness": float("nan")}, "strictness"),
    ],
)
def test_a_table_or_option_that_makes_no_sense_is_told(spoil, options, words):
    with pytest.raises(DodacError, match=words):
        detect(spoil(table(100, "D")), **{"interval": "day", "unit": "kWh", **options})


@pytest.mark.parametrize("reference", [-5, 0, 1])
def test_a_reference_of_next_to_nothing_is_refused(ground, reference):
    with pytest.raises(ConfigError, match="reference"):
        watch_saving(ground[2], reference=reference)
