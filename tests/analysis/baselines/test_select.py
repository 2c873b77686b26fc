"""Selection: the right form on unseen plants, the simpler one in doubt, every other with its reason."""

import numpy as np
import pandas as pd
import pytest

from analysis import Finding, Interval, MeterData, Model, fit, meter_data
from analysis.baselines.select import Trial, blocks_of, select, trials
from dodac.errors import ConfigError


def plant(seed: int, days: int = 365, *, noise: float = 25.0, start: str = "2023-01-01") -> pd.DataFrame:
    """A plant in the tropics: cooling above 24 °C, production on working days, a level for Sundays."""
    random = np.random.default_rng(seed)
    index = pd.date_range(start, periods=days, freq="D", tz="Asia/Ho_Chi_Minh")
    warm = 26.0 + 4.0 * np.cos(2 * np.pi * (index.day_of_year - 130) / 365.25)
    temperature = warm + random.normal(0.0, 1.5, days)
    work = index.day_of_week.to_numpy() < 6
    tonnes = np.where(work, random.uniform(30.0, 70.0, days), 0.0)
    energy = 300.0 + 8.0 * tonnes + 25.0 * np.maximum(temperature - 24.0, 0.0) + np.where(work, 0.0, -120.0)
    error = random.normal(0.0, 1.0, days)
    for day in range(1, days):
        error[day] = 0.4 * error[day - 1] + np.sqrt(1 - 0.16) * error[day]
    return pd.DataFrame(
        {
            "energy": energy + noise * error,
            "temperature": temperature,
            "tonnes": tonnes,
            "day_type": np.where(work, "normal", "sunday"),
        },
        index=index,
    )


def daily(frame: pd.DataFrame, **words: object) -> MeterData:
    return meter_data(
        frame,
        **{
            "unit": "kWh",
            "interval": "day",
            "temperature": "temperature",
            "drivers": ("tonnes",),
            "categories": ("day_type",),
            **words,
        },
    )


@pytest.mark.parametrize("seed", [201, 202, 203, 204])
def test_the_form_of_an_unseen_plant_is_found(seed):
    picked = select(daily(plant(seed)))
    assert picked.model is not None
    assert picked.chosen == "3p-cooling: tonnes, day_type"
    place = picked.model.settings["hinges"][0]["balance_c"]
    assert place == pytest.approx(24.0, abs=1.0)
    after = plant(seed + 50, start="2024-01-01")
    from analysis import predict

    total = float(predict(picked.model, after).sum())
    assert total == pytest.approx(float(after["energy"].sum()), rel=0.012)


def test_every_candidate_says_why_it_was_not_taken():
    picked = select(daily(plant(205)))
    assert len(picked.candidates) > 30
    for each in picked.candidates:
        said = [*each.refused, *([each.why] if each.why else [])]
        assert said, each.name
        assert all(finding.en and finding.vi for finding in said)
    reasons = {code.code for each in picked.candidates for code in each.refused}
    assert "wrong_sign" in reasons
    table = picked.table("vi")
    assert table["chosen"].sum() == 1
    assert (table["why"].str.len() > 10).all()


def test_noise_alone_gets_the_mean_not_the_best_r2():
    frame = plant(206)
    random = np.random.default_rng(1)
    frame["energy"] = 500.0 + random.normal(0.0, 50.0, len(frame))
    picked = select(daily(frame))
    assert picked.chosen == "mean"
    assert "no_driver_helps" in {said.code for said in picked.findings}
    best_r2 = max(
        (each for each in picked.candidates if each.model is not None),
        key=lambda each: each.model.statistics.r2,
    )
    assert best_r2.name != "mean"


def test_a_model_within_one_standard_error_with_fewer_parameters_wins():
    picked = select(daily(plant(207)))
    best = picked.candidates[0]
    chosen = next(each for each in picked.candidates if each.name == picked.chosen)
    assert chosen.worse_by <= 1.0
    assert chosen.parameters <= best.parameters
    near = [
        each
        for each in picked.candidates
        if not each.refused and each.worse_by <= 1.0 and each.rmse_cv <= 1.05 * best.rmse_cv
    ]
    assert chosen.parameters == min(each.parameters for each in near)


def test_tet_in_one_block_is_not_compared_but_keeps_its_level():
    frame = plant(208)
    tet = (frame.index >= "2023-01-20") & (frame.index < "2023-01-27")
    frame.loc[tet, "day_type"] = "tet"
    frame.loc[tet, "tonnes"] = 0.0
    frame.loc[tet, "energy"] = 150.0
    picked = select(daily(frame))
    assert picked.model is not None
    assert "day_type.tet" in picked.model.terms
    assert picked.rows == len(frame) - 7
    assert "rows_not_compared" in {said.code for said in picked.findings}


def test_drivers_that_move_together_are_not_used_together():
    frame = plant(209)
    frame["bottles"] = frame["tonnes"] * 3000.0 + np.random.default_rng(2).normal(0.0, 1500.0, len(frame))
    picked = select(daily(frame, drivers=("tonnes", "bottles")))
    both = [each for each in picked.candidates if set(each.drivers) == {"tonnes", "bottles"}]
    assert both
    assert all("drivers_move_together" in {said.code for said in each.refused} for each in both if each.model)
    assert len(picked.candidates[0].drivers) == 1


def test_a_driver_of_the_wrong_sign_is_refused_unless_it_may():
    frame = plant(210)
    frame["rest"] = np.random.default_rng(3).uniform(0.0, 24.0, len(frame))
    frame["energy"] -= 12.0 * frame["rest"]
    words = {"drivers": ("tonnes", "rest")}
    picked = select(daily(frame, **words))
    assert "rest" not in str(picked.chosen)
    allowed = select(daily(frame, **words), any_sign=("rest",))
    assert "rest" in allowed.chosen
    assert "tonnes" in allowed.chosen


def test_a_programme_s_own_test_refuses_with_its_own_reason():
    def judge(model: Model) -> list[Finding]:
        return [] if model.kind == "mean" else [Finding("not_ours", "Not ours.", "Không phải của ta.")]

    picked = select(daily(plant(211)), judge=judge)
    assert picked.chosen == "mean"
    assert all(
        "not_ours" in {said.code for said in each.refused}
        for each in picked.candidates
        if each.refused and each.model
    )


@pytest.mark.parametrize("interval", ["week", "month", "bill"])
def test_weeks_months_and_bills_choose_production_and_weather(interval):
    frame = plant(212, days=1096, start="2021-01-04")
    rule = {"week": "W-MON", "month": "MS", "bill": "MS"}[interval]
    coarse = (
        frame.resample(rule, label="left", closed="left")
        .agg({"energy": "sum", "temperature": "mean", "tonnes": "sum"})
        .iloc[1:-1]
    )
    if interval == "bill":
        coarse["days"] = coarse.index.days_in_month.astype("float64")
    picked = select(daily(coarse, interval=interval, categories=()))
    assert picked.model is not None
    assert "tonnes" in picked.chosen
    assert picked.chosen.split(":")[0] in {"2p", "3p-cooling"}
    assert picked.model.statistics.cv_rmse < 0.03


def test_months_try_every_subset_and_refuse_what_twelve_rows_can_not_carry():
    frame = plant(213, days=365)
    months = frame.resample("MS").agg({"energy": "sum", "temperature": "mean", "tonnes": "sum"})
    random = np.random.default_rng(4)
    for name in ("a", "b", "c"):
        months[name] = random.uniform(0.0, 1.0, 12)
    data = daily(months, interval="month", drivers=("tonnes", "a", "b", "c"), categories=())
    subsets = [trial for trial in trials(data) if trial.kind == "regression"]
    assert len(subsets) == 15
    picked = select(data, candidates=[*subsets, Trial("5p", ("tonnes", "a", "b"))])
    large = next(each for each in picked.candidates if each.kind == "5p")
    assert {said.code for said in large.refused} & {"few_rows_a_parameter", "wrong_sign"}
    assert picked.chosen == "regression: tonnes"


def test_hours_choose_among_their_own_kinds():
    random = np.random.default_rng(5)
    index = pd.date_range("2023-01-01", periods=24 * 365, freq="h")
    temperature = (
        25.0 + 5.0 * np.sin(2 * np.pi * (index.hour.to_numpy() - 9) / 24) + random.normal(0, 1, len(index))
    )
    work = (index.hour >= 7) & (index.hour < 19) & (index.day_of_week < 6)
    energy = 20.0 + np.where(work, 30.0 + 2.0 * np.maximum(temperature - 24.0, 0.0), 0.0)
    frame = pd.DataFrame(
        {"energy": energy + random.normal(0, 2, len(index)), "temperature": temperature}, index=index
    )
    picked = select(meter_data(frame, unit="kWh", interval="hour", temperature="temperature"))
    assert picked.chosen == "towt-hourly"
    assert {each.kind for each in picked.candidates} >= {"mean", "regression", "2p", "towt-hourly"}


def test_blocks_are_contiguous_and_count_calendar_time():
    frame = plant(214).drop(plant(214).index[40:80])
    data = daily(frame)
    blocks = blocks_of(data)
    assert (np.diff(blocks) >= 0).all()
    assert np.bincount(blocks).max() <= 28 + 14
    span = (frame.index - frame.index[0]).days.to_numpy()
    for block in range(blocks.max() + 1):
        assert np.ptp(span[blocks == block]) < 28 + 14
    assert blocks_of(data, 7).max() > blocks.max()
    with pytest.raises(ConfigError):
        blocks_of(data, 0)


def test_the_closed_form_judges_as_fitting_again_does():
    from dataclasses import replace

    from analysis import design
    from analysis.baselines.regression import fit_with_errors

    data = daily(plant(215))
    blocks = blocks_of(data)
    _, errors = fit_with_errors(data, "2p", blocks)
    for block in range(blocks.max() + 1):
        mine = blocks == block
        less = replace(data, frame=data.frame.assign(used=~mine))
        model = fit(less, "2p", allow_short=True)
        assert isinstance(model, Model)
        again = data.y[mine] - design(model, data.frame.loc[mine]) @ model.coefficients
        assert errors[mine] == pytest.approx(again, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda f: f.assign(energy=0.0), "all_zero"),
        (lambda f: f.assign(energy=7.0), "constant"),
        (lambda f: f.assign(energy=-f["energy"]), "not_consumed"),
        (lambda f: f.assign(energy=np.nan), None),
        (lambda f: f.iloc[:1], None),
        (lambda f: f.assign(energy=f["energy"].where(f.index != f.index[9], 1e12)), "one_row_dominates"),
    ],
)
def test_bad_meters_get_one_reason_not_fifty(change, code):
    picked = select(daily(change(plant(216))))
    assert picked.model is None
    assert picked.refusal is not None
    assert code is None or picked.refusal.code == code
    assert picked.refusal.en
    assert picked.refusal.vi


def test_production_missing_on_sundays_still_finds_the_plant():
    frame = plant(217)
    frame.loc[frame["day_type"] == "sunday", "tonnes"] = np.nan
    picked = select(daily(frame))
    assert picked.model is not None
    assert "tonnes" in picked.chosen
    assert "driver_missing_on_weekday" in {said.code for said in picked.model.findings}


def test_trials_of_one_s_own_are_taken_as_they_are():
    picked = select(daily(plant(218)), candidates=[Trial("mean"), Trial("2p", ("tonnes",))])
    assert {each.name for each in picked.candidates} == {"mean", "2p: tonnes"}
    with pytest.raises(ConfigError):
        select(daily(plant(218)), candidates=[])


def test_the_default_lists_name_kinds_that_exist():
    from analysis import KINDS
    from analysis._tables import table

    for row in table("candidates"):
        assert set(row["kinds"]) <= set(KINDS)
        assert set(row["intervals"]) <= {str(each) for each in Interval}


def test_an_empty_column_is_named_when_rows_are_missing():
    frame = plant(219).assign(tonnes=np.nan)
    picked = select(daily(frame))
    assert picked.refusal is not None
    assert picked.refusal.data["column"] == "tonnes"
    assert picked.refusal.data["missing"] == 330


@pytest.mark.parametrize("shift", [lambda work: work.astype(bool), lambda work: work.astype(int)])
def test_shifts_as_numbers_or_yes_and_no_are_categories_too(shift):
    frame = plant(220)
    frame["day_type"] = shift(frame["day_type"] == "normal")
    picked = select(daily(frame))
    assert picked.model is not None
    assert "day_type" in picked.chosen
    reasons = {said.code for each in picked.candidates for said in each.refused if "towt" in each.kind}
    assert not reasons & {"cannot_read", "no_normal_days"}


def test_an_outage_that_holds_most_of_the_error_is_told():
    frame = plant(221)
    frame.loc["2023-06-05":"2023-06-24", "energy"] = 0.0
    picked = select(daily(frame))
    told = [said for said in picked.findings if said.code == "one_block_decides"]
    assert told
    assert told[0].data["start"] <= "2023-06-15" <= told[0].data["end"]


def test_a_wild_row_of_a_driver_is_told_even_when_the_driver_is_not_chosen():
    frame = plant(222)
    frame.iloc[9, frame.columns.get_loc("tonnes")] = 1e12
    picked = select(daily(frame))
    assert "one_row_decides" in {said.code for said in picked.findings}


def test_options_of_regressions_do_not_stop_the_other_kinds():
    picked = select(
        daily(plant(223)), averages=("tonnes",), candidates=[Trial("2p", ("tonnes",)), Trial("towt-daily")]
    )
    assert {each.model is not None for each in picked.candidates} == {True}


def test_a_short_baseline_is_cut_into_short_blocks():
    picked = select(daily(plant(224, days=45)), allow_short=True)
    assert picked.model is not None
    assert picked.blocks >= 6


def test_a_driver_given_twice_is_refused_by_name():
    frame = plant(225)
    frame["kilograms"] = 1000.0 * frame["tonnes"]
    picked = select(daily(frame, drivers=("tonnes", "kilograms")))
    both = [each for each in picked.candidates if set(each.drivers) == {"tonnes", "kilograms"} and each.model]
    assert both
    assert all(each.refused for each in both)
    plain = [each for each in both if not each.kind.startswith("towt")]
    assert all("collinear" in {said.code for said in each.refused} for each in plain)


def test_sundays_that_stand_in_weekday_and_day_type_do_no_harm():
    picked = select(daily(plant(226)))
    twice = next(each for each in picked.candidates if each.name == "2p: tonnes, day_type, weekday")
    assert not twice.refused
