"""`dodac test` as a technician runs it: files or a journal in, runs, saving and smallest change out."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.combustion import FlueGas, bs845
from analysis.isolation import Side, compare_tests, siegert_efficiency, steady_runs
from analysis.metrology import Accuracy, Instrument
from dodac.cli import main
from dodac.samples import Layout
from store import Journal

LIMITS = "o2_pct=0.3,t_flue_c=2,t_air_c=1"
WORDS = ["--fuel", "natural_gas", "--limits", LIMITS]


def log(day, o2, flue, seed, *, hours=(9, 10, 11), load=4.0):
    draw = np.random.default_rng(seed)
    pieces = []
    for hour in hours:
        index = pd.date_range(f"{day} {hour}:00", periods=24, freq="30s")
        pieces.append(
            pd.DataFrame(
                {
                    "o2_pct": o2 + draw.normal(0, 0.1) + draw.normal(0, 0.02, 24),
                    "t_flue_c": flue + draw.normal(0, 1.0) + draw.normal(0, 0.3, 24),
                    "t_air_c": 30.0,
                    "load": load + draw.normal(0, 0.02, 24),
                },
                index=index,
            )
        )
    return pd.concat(pieces)


BEFORE, AFTER = log("2026-03-02", 8.0, 240.0, 1), log("2026-04-02", 4.0, 215.0, 2)


@pytest.fixture
def files(tmp_path):
    BEFORE.to_csv(tmp_path / "before.csv", index_label="time")
    AFTER.to_csv(tmp_path / "after.csv", index_label="time")
    return ["--before", str(tmp_path / "before.csv"), "--after", str(tmp_path / "after.csv")]


def compared(capsys, words, code=0):
    assert main(["test", "compare", *words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_two_files_give_the_saving_that_the_api_gives(files, capsys):
    found = compared(capsys, [*files, *WORDS])
    tools = [
        tuple(Instrument(name, channel, Accuracy(limit)) for channel, limit in {"o2_pct": 0.3, "t_flue_c": 2.0, "t_air_c": 1.0}.items())
        for name in "AB"
    ]  # fmt: skip
    sides = [
        Side(steady_runs(frame, "boiler"), own) for frame, own in zip((BEFORE, AFTER), tools, strict=True)
    ]
    pair = compare_tests(*sides, siegert_efficiency("natural_gas"))
    for name in ("before", "after", "fraction", "half_width", "smallest_change", "n_before", "load_after"):
        assert found[name] == pytest.approx(getattr(pair, name)), name
    assert found["change_shown"] is True
    assert len(found["tests"]["before"]["runs"]) == 3


def test_an_auditor_reads_the_saving_and_the_smallest_change_in_both_languages(files, capsys):
    assert main(["test", "compare", *files, *WORDS, "--instrument", "SN1"]) == 0
    shown = capsys.readouterr().out
    assert "87.45 → 91.17 %" in shown
    assert "Smallest change this pair can show: 0.32 points of efficiency" in shown
    assert "with instruments shown not to have drifted: 0.15" in shown
    assert "one spot reading on each side: 0.71" in shown
    words = ["--drift", "o2_pct=0,t_flue_c=0,t_air_c=0", "--language", "vi", "--instrument", "SN1"]
    words += ["--year", "78000", "--year-limits", "3000", "--year-basis", "hoá đơn 2025", "--unit", "Nm3"]
    assert main(["test", "compare", *files, *WORDS, *words]) == 0
    shown = capsys.readouterr().out
    assert "Thay đổi nhỏ nhất cặp phép đo này phân biệt được: 0,15 điểm hiệu suất" in shown
    assert "Trong một năm dùng 78.000 Nm3: 3.18" in shown


def test_a_change_within_what_the_pair_can_show_is_exit_one(tmp_path, files, capsys):
    log("2026-04-02", 7.9, 239.0, 3).to_csv(tmp_path / "after.csv", index_label="time")
    assert main(["test", "compare", *files, *WORDS]) == 1
    assert "NOT shown" in capsys.readouterr().out
    assert compared(capsys, [*files, *WORDS], 1)["change_shown"] is False


def test_other_names_units_and_a_second_logger_are_read(tmp_path, files, capsys):
    straight = compared(capsys, [*files, *WORDS])
    odd = pd.DataFrame(
        {"O2 [%]": BEFORE["o2_pct"], "Khói (°F)": BEFORE["t_flue_c"] * 1.8 + 32, "Gió": BEFORE["t_air_c"]}
    )
    odd.to_csv(tmp_path / "odd.csv", index_label="Thời gian", sep=";", decimal=",")
    steam = BEFORE[["load"]].set_axis(BEFORE.index + pd.Timedelta(seconds=7))
    steam.to_csv(tmp_path / "steam.csv", index_label="time")
    words = ["--before", str(tmp_path / "odd.csv"), "--before", str(tmp_path / "steam.csv"), *files[2:]]
    AFTER.rename(columns={"t_flue_c": "Khói", "t_air_c": "Gió"}).to_csv(
        tmp_path / "after.csv", index_label="time"
    )
    found = compared(capsys, [*words, *WORDS, "--channel", "t_flue_c=Khói", "--channel", "t_air_c=Gió"])
    assert found["fraction"] == pytest.approx(straight["fraction"], abs=1e-9)
    assert found["load_before"] == pytest.approx(straight["load_before"])


def test_a_second_logger_that_was_off_lends_no_old_reading(tmp_path, files, capsys):
    """The steam of an hour ago is not the load of now: without a reading within two minutes there is none."""
    gas, steam = BEFORE.drop(columns="load"), BEFORE[["load"]].iloc[:30]
    gas.to_csv(tmp_path / "gas.csv", index_label="time")
    steam.to_csv(tmp_path / "steam.csv", index_label="time")
    words = ["--before", str(tmp_path / "gas.csv"), "--before", str(tmp_path / "steam.csv"), *files[2:]]
    found = compared(capsys, [*words, *WORDS], 1)
    assert found["refused"]["code"] == "too_few_runs"
    assert len(found["tests"]["before"]["runs"]) == 1


def test_on_one_day_only_a_named_instrument_is_one(files, capsys):
    BEFORE.set_axis(BEFORE.index - pd.Timedelta(hours=8)).to_csv(files[1], index_label="time")
    AFTER.set_axis(BEFORE.index + pd.Timedelta(hours=8)).to_csv(files[3], index_label="time")
    apart = compared(capsys, [*files, *WORDS])
    one = compared(capsys, [*files, *WORDS, "--instrument", "SN1"])
    assert one["smallest_change"] < 0.6 * apart["smallest_change"]
    assert "drift_unknown" not in {finding["code"] for finding in one["findings"]}


def test_a_journals_instrument_gives_what_its_file_gives(tmp_path, files, capsys):
    straight = compared(capsys, [*files, *WORDS, "--instrument", "analyser1"])
    path = tmp_path / "journal.db"
    gas = Layout("analyser1", ("o2_pct", "t_flue_c", "t_air_c"))
    steam = Layout("steam1", ("steam_flow_kgh",))
    with Journal.open(path) as journal:
        journal.layout(gas)
        journal.layout(steam)
        for moment, row in pd.concat([BEFORE, AFTER]).iterrows():
            at = moment.tz_localize("UTC").value
            values = {name: float(row[name]) for name in gas.channels}
            flow = {"steam_flow_kgh": 1000.0 * float(row["load"])}
            journal.commit([("t", gas.sample(at, values)), ("t", steam.sample(at, flow))])
    words = ["--journal", str(path), *WORDS]
    for option, day in (("--before", "2026-03-02"), ("--after", "2026-04-02")):
        words += [option, f"analyser1@{day}", option, f"steam1@{day}"]
    found = compared(capsys, words)
    assert found["fraction"] == pytest.approx(straight["fraction"])
    assert found["half_width"] == pytest.approx(straight["half_width"])
    assert "drift_unknown" in {finding["code"] for finding in found["findings"]}


def test_one_file_of_both_days_is_cut_by_them(tmp_path, files, capsys):
    pd.concat([BEFORE, AFTER]).to_csv(tmp_path / "all.csv", index_label="time")
    whole = str(tmp_path / "all.csv")
    words = ["--before", f"{whole}@2026-03-02", "--after", f"{whole}@2026-04-01..2026-04-03", *WORDS]
    assert compared(capsys, words)["fraction"] == compared(capsys, [*files, *WORDS])["fraction"]


def test_a_compressors_tests_need_no_fuel(tmp_path, capsys):
    words = ["--kind", "compressor", "--limits", "power_kw=1%,flow_nm3_min=2%"]
    for option, day, power in (("--before", "2026-03-02", 75.0), ("--after", "2026-04-02", 66.0)):
        frame = log(day, 8.0, 240.0, 5)
        frame = pd.DataFrame({"power_kw": power + (frame["o2_pct"] - 8.0), "flow_nm3_min": 10.0 + (frame["load"] - 4.0)})  # fmt: skip
        frame.to_csv(tmp_path / f"{day}.csv", index_label="time")
        words += [option, str(tmp_path / f"{day}.csv")]
    found = compared(capsys, words)
    assert found["fraction"] == pytest.approx(1 - 66 / 75, abs=0.005)
    assert found["unit"] == "kW/(Nm³/min)"
    assert found["before"] == pytest.approx(7.5, abs=0.05)
    assert main(["test", "compare", *words]) == 0
    assert "Electricity saved per unit of output: 12." in capsys.readouterr().out


def test_steady_says_which_runs_count_and_why_the_rest_does_not(tmp_path, capsys):
    frame = log("2026-03-02", 8.0, 240.0, 1, hours=(8, 9, 10, 11))
    frame.iloc[30:40, 0] += 3.0
    frame.iloc[48:72] = frame.iloc[72:96].to_numpy()
    frame.to_csv(tmp_path / "t.csv", index_label="time")
    assert main(["test", "steady", str(tmp_path / "t.csv")]) == 1
    told = capsys.readouterr()
    assert "2 steady runs, 3 are needed" in told.out
    assert "not counted (1×): From 2026-03-02 09:" in told.out
    assert "one run copied" in told.out
    assert "date order" in told.err
    assert main(["test", "steady", str(tmp_path / "t.csv"), "--json", "--language", "vi"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [one["code"] for one in found["not_counted"]] == ["unsteady", "copied_run"]
    rows = frame.iloc[[0, 24, 72]]
    rows.to_csv(tmp_path / "rows.csv", index_label="time")
    assert main(["test", "steady", str(tmp_path / "rows.csv"), "--rows", "--language", "vi"]) == 0
    assert "theo lời kỹ thuật viên" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda frame: frame.iloc[:48], "too_few_runs"),
        (lambda frame: frame.assign(load=frame["load"] * 1.3), "loads_not_matched"),
        (lambda frame: frame.assign(t_flue_c=20.0 + frame["load"]), "flue_not_hot"),
        (lambda frame: frame.set_axis(frame.index - pd.Timedelta(days=60)), "sides_overlap"),
        (lambda frame: frame.assign(o2_pct=20.0), "too_few_runs"),
    ],
)
def test_what_can_not_be_compared_is_refused_with_its_reason(tmp_path, files, capsys, change, code):
    change(AFTER).to_csv(tmp_path / "after.csv", index_label="time")
    assert compared(capsys, [*files, *WORDS], 1)["refused"]["code"] == code
    assert main(["test", "compare", *files, *WORDS, "--language", "vi"]) == 1
    assert "Không có kết quả:" in capsys.readouterr().out


def test_a_year_without_its_uncertainty_is_no_saving(files, capsys):
    found = compared(capsys, [*files, *WORDS, "--year", "78000", "--unit", "Nm3"], 1)
    assert found["refused"]["code"] == "uncertainty_not_stated"


def test_biomass_goes_by_its_analysis_and_says_gross(files, capsys):
    words = ["--fuel", "rice_husk", "--limits", LIMITS]
    assert compared(capsys, [*files, *words], 1)["refused"]["code"]
    found = compared(capsys, [*files, *words, "--method", "bs845"])
    assert found["basis"] == "gross"
    assert found["losses"] == ["dry_flue_gas", "fuel_hydrogen", "fuel_moisture"]
    for side, reading in (("before", (8.03, 239.5, 30.0)), ("after", (4.0, 214.7, 30.0))):
        assert found[side] == pytest.approx(bs845(FlueGas(*reading), "rice_husk").gross.value_pct, abs=0.1)
    assert main(["test", "compare", *files, *words, "--method", "bs845", "--language", "vi"]) == 0
    assert "Hiệu suất (theo nhiệt trị cao)" in capsys.readouterr().out


def test_a_zirconia_probe_in_the_duct_is_told(files, capsys):
    dry, wet = (compared(capsys, [*files, *WORDS, *more]) for more in ([], ["--wet-o2"]))
    assert wet["before"] < dry["before"] - 0.3


def test_dates_that_can_be_read_in_two_ways_are_told(tmp_path, files, capsys):
    straight = compared(capsys, [*files, *WORDS])
    for place, frame in ((1, BEFORE), (3, AFTER)):
        told = frame.set_axis(frame.index.strftime("%d/%m/%Y %H:%M:%S"))
        told.to_csv(files[place], index_label="ngày", sep=";", decimal=",")
    assert main(["test", "compare", *files, *WORDS]) == 1
    assert "--date-format dmy" in capsys.readouterr().err
    told = compared(capsys, [*files, *WORDS, "--date-format", "dmy", "--time", "ngày"])
    assert told["fraction"] == pytest.approx(straight["fraction"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*WORDS, "--year", "nan", "--year-limits", "3"], "--year must be a number above 0"),
        ([*WORDS, "--year", "-5", "--year-limits", "3"], "--year must be a number above 0"),
        ([*WORDS, "--year", "5", "--year-limits", "-3"], "--year-limits must be"),
        (["--limits", "o2_pct=0.3"], "--fuel is needed"),
        (["--fuel", "natural_gas", "--limits", "metas-2004"], "how wrong t_flue_c, t_air_c may be"),
        (["--fuel", "natural_gas", "--limits", "o2_pct=-1"], "is no limit of a channel"),
        (["--fuel", "natural_gas", "--limits", "load=3%"], "is no limit of a channel"),
        (["--fuel", "natural_gas", "--limits", "nobody"], "no limits of error"),
        ([*WORDS, "--drift", "o2_pct=0.1"], "--instrument SN"),
        ([*WORDS, "--channel", "co2=CO2"], 'has no "co2"'),
        ([*WORDS, "--channel", "load"], "names no column"),
        ([*WORDS, "--channel", "load=steam"], 'nothing is called "load"'),
        ([*WORDS, "--before", "analyser1"], "needs its days"),
        ([*WORDS, "--before", "nowhere.csv"], "there is no file"),
        ([*WORDS, "--before", "x@yesterday-ish"], "no day and no period"),
        ([*WORDS, "--before", "x@.."], "no day and no period"),
    ],
)
def test_wrong_use_says_what_to_write(files, capsys, words, said):
    assert main(["test", "compare", *files, *words]) == 2
    assert said in capsys.readouterr().err


def test_a_broken_row_is_named_with_its_line(tmp_path, files, capsys):
    path = tmp_path / "before.csv"
    path.write_text(path.read_text(encoding="utf-8") + "yesterday,8,240,30,4\n", encoding="utf-8")
    assert main(["test", "compare", *files, *WORDS]) == 1
    assert "line 74" in capsys.readouterr().err
