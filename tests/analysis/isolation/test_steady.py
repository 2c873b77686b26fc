"""Steady runs: what counts as one, what does not, and why."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.isolation import SteadyRuns, runs_from_rows, steady_rules, steady_runs
from analysis.results import Refusal
from dodac.errors import ConfigError, DataError

Log = Callable[..., pd.DataFrame]


def runs(found: SteadyRuns | Refusal) -> SteadyRuns:
    assert isinstance(found, SteadyRuns), found
    return found


def test_the_numbers_are_those_of_the_contract() -> None:
    rules = steady_rules("boiler")
    bands = {band["channel"]: band.get("band", band.get("band_pct")) for band in rules["bands"]}
    assert bands == {"o2_pct": 0.3, "t_flue_c": 3.0, "load": 10.0}
    assert (rules["window_min"], rules["runs"], rules["o2_max_pct"]) == (10, 3, 18.0)
    with pytest.raises(ConfigError):
        steady_rules("toaster")


def test_three_separated_stretches_are_three_runs(boiler_log: Log) -> None:
    found = runs(steady_runs(boiler_log(), "boiler"))
    assert len(found.runs) == 3
    assert not found.refused
    assert found.runs[0].means["o2_pct"] == pytest.approx(6.0, abs=0.05)
    assert all((run.end - run.start).total_seconds() >= 9.5 * 60 for run in found.runs)


def test_samples_seconds_apart_are_one_run_however_many_there_are(boiler_log: Log) -> None:
    one = runs(steady_runs(boiler_log(runs=1, minutes=11, step_s=1), "boiler"))
    assert len(one.runs) == 1
    # three marks a minute apart: the second and third are the same run
    close = boiler_log(runs=3, minutes=11, gap_min=1.0)
    close["run"] = np.repeat(["a", "b", "c"], len(close) // 3)
    found = runs(steady_runs(close, "boiler"))
    assert len(found.runs) < 3
    assert {note.code for note in found.refused} == {"too_close"}


def test_a_long_log_gives_windows_with_the_separation_between_them(boiler_log: Log) -> None:
    found = runs(steady_runs(boiler_log(runs=1, minutes=120, step_s=60), "boiler"))
    assert len(found.runs) == 6
    for first, second in zip(found.runs[:-1], found.runs[1:], strict=True):
        assert second.start - first.end >= pd.Timedelta(minutes=10)


def test_ten_samples_a_minute_apart_make_ten_minutes_and_nine_do_not(boiler_log: Log) -> None:
    log = boiler_log(runs=1, minutes=10, step_s=60)
    assert len(runs(steady_runs(log, "boiler")).runs) == 1
    short = runs(steady_runs(log.iloc[:9], "boiler"))
    assert not short.runs
    assert short.refused[0].code == "stretch_short"


@pytest.mark.parametrize(
    ("channel", "slope", "works"),
    [("o2_pct", 0.55, True), ("o2_pct", 0.8, False), ("t_flue_c", 5.5, True), ("t_flue_c", 8.0, False), ("load", 0.7, True), ("load", 1.0, False)],
)  # fmt: skip
def test_each_band_decides(boiler_log: Log, channel: str, slope: float, works: bool) -> None:
    """A drift of `slope` over 10 minutes moves ± half of it: O2 ±0.3, flue ±3 K, load ±10 % of 4."""
    log = boiler_log(runs=1, minutes=10, step_s=60, noise=0.0)
    log[channel] += np.linspace(-slope / 2, slope / 2, len(log))
    found = runs(steady_runs(log, "boiler"))
    assert bool(found.runs) is works
    if not works:
        assert found.refused[0].code == "unsteady"
        assert found.refused[0].data["channel"] == channel


def test_oxygen_above_18_percent_and_no_load_are_no_runs(boiler_log: Log) -> None:
    airy = runs(steady_runs(boiler_log(o2=18.5), "boiler"))
    assert not airy.runs
    assert {note.code for note in airy.refused} == {"too_much_oxygen"}
    idle = runs(steady_runs(boiler_log(load=0.0), "boiler"))
    assert not idle.runs
    assert {note.code for note in idle.refused} == {"not_running"}


def test_a_steady_part_of_an_unsteady_log_is_found(boiler_log: Log) -> None:
    log = boiler_log(runs=1, minutes=40, step_s=60, noise=0.0)
    log.iloc[:15, 0] += np.linspace(4.0, 1.0, 15)
    found = runs(steady_runs(log, "boiler"))
    assert found.runs
    assert found.runs[0].start >= log.index[15]


@pytest.mark.parametrize("bad", ["empty", "nan", "one"])
def test_nothing_to_go_by_gives_no_run_and_no_traceback(boiler_log: Log, bad: str) -> None:
    log = boiler_log(runs=1)
    log = {"empty": log.iloc[:0], "nan": log * np.nan, "one": log.iloc[:1]}[bad]
    assert not runs(steady_runs(log, "boiler")).runs


def test_a_missing_channel_is_refused_and_a_wrong_frame_raised(boiler_log: Log) -> None:
    found = steady_runs(boiler_log().drop(columns="load"), "boiler")
    assert isinstance(found, Refusal)
    assert found.code == "channel_missing"
    with pytest.raises(DataError):
        steady_runs(boiler_log().reset_index(drop=True), "boiler")
    with pytest.raises(DataError):
        steady_runs(boiler_log().iloc[::-1], "boiler")
    words = boiler_log()
    words["load"] = "high"
    with pytest.raises(DataError):
        steady_runs(words, "boiler")


def test_notes_beside_the_readings_and_missing_marks_do_no_harm(boiler_log: Log) -> None:
    log = boiler_log()
    log["note"] = "probe in the middle"
    log["run"] = np.nan
    assert len(runs(steady_runs(log, "boiler")).runs) == 3


def test_runs_written_by_hand_say_that_steadiness_was_not_seen() -> None:
    index = pd.DatetimeIndex(
        ["2026-03-02 09:00", "2026-03-02 09:00:20", "2026-03-02 09:30", "2026-03-02 10:00"]
    )
    frame = pd.DataFrame({"o2_pct": [6.0, 6.2, 6.1, 5.9], "t_flue_c": 220.0, "load": 4.0}, index=index)
    found = runs(runs_from_rows(frame, "boiler"))
    assert [run.samples for run in found.runs] == [2, 1, 1]
    assert found.findings[0].code == "steady_not_shown"
    frame.loc[index[2], "o2_pct"] = 19.0
    assert len(runs(runs_from_rows(frame, "boiler")).runs) == 2


def test_a_compressor_without_a_pressure_gauge_still_has_runs() -> None:
    index = pd.date_range("2026-03-02 09:00", periods=12, freq="min")
    frame = pd.DataFrame({"power_kw": 75.0, "flow_nm3_min": 10.0}, index=index)
    assert len(runs(steady_runs(frame, "compressor")).runs) == 1
    frame["pressure_bar"] = np.where(np.arange(12) % 2, 6.5, 7.5)
    assert not runs(steady_runs(frame, "compressor")).runs


def quick(seconds: float, count: int, *, o2: float = 6.0, sd: float = 0.1, seed: int = 0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    index = pd.date_range("2026-03-02 09:00", periods=count, freq=pd.Timedelta(seconds=seconds))
    return pd.DataFrame(
        {
            "o2_pct": o2 + draw.normal(0.0, sd, count),
            "t_flue_c": 220.0 + draw.normal(0.0, 0.3, count),
            "t_air_c": 30.0,
            "load": 4.0 * (1.0 + draw.normal(0.0, 0.02, count)),
        },
        index=index,
    )


def test_a_log_of_every_second_is_judged_as_one_of_every_ten_seconds() -> None:
    """Six hundred noisy readings reach 3 σ where sixty don't: the same boiler must not be unsteady for it."""
    log = quick(1.0, 3600)
    log.iloc[::300, 0] = 9.0
    fast = runs(steady_runs(log, "boiler"))
    assert len(fast.runs) == len(runs(steady_runs(quick(10.0, 360), "boiler")).runs) == 3
    first = fast.runs[0]
    assert first.samples == 600
    assert first.means["o2_pct"] == pytest.approx(float(log["o2_pct"].iloc[:600].mean()))
    assert (first.end - first.start).total_seconds() == 599
    # what truly moves is not averaged away: half a minute up, half a minute down
    log["o2_pct"] = np.where(np.arange(3600) // 30 % 2, 5.5, 6.5)
    assert not runs(steady_runs(log, "boiler")).runs


def test_one_run_copied_three_times_is_one_run(boiler_log: Log) -> None:
    one = boiler_log(runs=1)
    three = pd.concat([one.set_axis(one.index + pd.Timedelta(minutes=40 * place)) for place in range(3)])
    found = runs(steady_runs(three, "boiler"))
    assert len(found.runs) == 1
    assert [note.code for note in found.refused] == ["copied_run", "copied_run"]


def test_a_display_on_hold_is_said_and_not_taken_for_a_copy() -> None:
    log = quick(30.0, 120, sd=0.0)
    log[["o2_pct", "t_flue_c", "load"]] = [6.0, 220.0, 4.0]
    found = runs(steady_runs(log, "boiler"))
    assert len(found.runs) == 3
    assert {note.code for note in found.findings} == {"readings_frozen"}


def test_oxygen_as_a_fraction_is_no_run() -> None:
    log = quick(10.0, 90)
    log["o2_pct"] /= 100.0
    found = runs(steady_runs(log, "boiler"))
    assert not found.runs
    assert found.refused[0].code == "too_little_oxygen"
    rows = log.iloc[:1]
    assert runs(runs_from_rows(rows, "boiler")).refused[0].code == "too_little_oxygen"


def test_a_co_cell_beyond_its_range_does_not_pass_in_silence() -> None:
    """Peaks that the cell could not read are gone from the mean: said, with how many readings are behind it."""
    log = quick(10.0, 90)
    log["co_ppm"] = 100.0
    log.iloc[10:30, log.columns.get_loc("co_ppm")] = np.nan
    found = runs(steady_runs(log, "boiler"))
    note = next(note for note in found.findings if note.code == "partly_read")
    assert (note.data["channel"], note.data["read"], note.data["samples"]) == ("co_ppm", 40, 60)


def test_a_column_that_is_there_twice_is_an_error_that_names_it() -> None:
    log = quick(10.0, 90)
    twice = pd.concat([log, log[["o2_pct"]]], axis=1)
    for reader in (steady_runs, runs_from_rows):
        with pytest.raises(DataError, match='"o2_pct" is there twice'):
            reader(twice, "boiler")


@pytest.mark.parametrize(("channel", "band"), [("o2_pct", 0.3), ("t_flue_c", 3.0), ("load", 0.4)])
def test_the_edge_of_a_band_is_its_figure(channel: str, band: float) -> None:
    """±0.3 vol% counts and ±0.31 does not: half of the samples above the mean, half below."""
    for factor, works in ((0.999, 1), (1.03, 0)):
        log = quick(60.0, 10, sd=0.0)
        log[["t_flue_c", "load"]] = [220.0, 4.0]
        log[channel] += np.tile([factor * band, -factor * band], 5)
        assert len(runs(steady_runs(log, "boiler")).runs) == works
