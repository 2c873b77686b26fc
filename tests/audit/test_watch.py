"""Does a saving last? Each quarter with its own uncertainty, and a warning while there is time."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from dodac.cli import main
from dodac.samples import Layout
from store import Journal

MAIN = Layout("main", ("energy_interval_kwh",))


@pytest.fixture
def words(register, option, plan, store, journal_path):
    register.add_option(option)
    register.add_plan(plan)
    register.freeze_baseline(plan.id, store)
    return ["audit", "watch", plan.id, "--journal", str(journal_path), "--register", str(register.path)]


def test_a_saving_that_lasts_is_shown_by_quarter_and_raises_no_alarm(words, capsys):
    assert main([*words, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [part["name"] for part in data["parts"]] == ["2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4", "2025-Q1"]
    assert [part["whole"] for part in data["parts"]] == [False, True, True, True, False]
    for part in data["parts"]:
        assert abs(part["fraction"] - 0.1) < 2 * part["half_width"] / part["adjusted_baseline"]
    assert data["warning"]["alarm"] is False
    assert main([*words, "--by", "half", "--language", "vi"]) == 0
    out = capsys.readouterr().out
    assert "2024-H2" in out
    assert "Không có cảnh báo sớm" in out


def test_a_saving_that_is_lost_raises_the_alarm_and_says_since_when(
    register, option, plan, store, journal_path, tmp_path, capsys
):
    # the same plant, metered once more: from July on nothing is saved
    frame = store.series("main", ["energy_interval_kwh"], 0, 2**62)["energy_interval_kwh"]
    lost = pd.Timestamp("2024-07-01", tz="Asia/Ho_Chi_Minh")
    twin = Layout("twin", ("energy_interval_kwh",))
    with Journal.open(journal_path) as journal:
        journal.layout(twin)
        span = 86_400 * 10**9
        journal.commit(
            [
                (
                    "t",
                    twin.sample(
                        at.value, {"energy_interval_kwh": kwh / (0.9 if at > lost else 1.0)}, span_ns=span
                    ),
                )
                for at, kwh in zip(pd.DatetimeIndex(frame.index).as_unit("ns"), frame, strict=True)
            ]
        )
    plan = replace(plan, energy=("twin", "energy_interval_kwh"))
    register.add_option(option)
    register.add_plan(plan)
    from store import JournalStore

    opened = JournalStore(journal_path)
    register.freeze_baseline(plan.id, opened)
    words = ["audit", "watch", plan.id, "--journal", str(journal_path), "--register", str(register.path)]
    assert main([*words, "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["warning"]["alarm"] is True
    assert "2024-06-20" <= data["warning"]["since"] <= "2024-07-12"
    assert data["findings"][0]["code"] == "not_persistent"
    assert main(words) == 1
    assert "fades since 2024-0" in capsys.readouterr().out


def test_without_a_frozen_baseline_there_is_nothing_to_watch(register, option, plan, journal_path, capsys):
    register.add_option(option)
    register.add_plan(plan)
    words = ["audit", "watch", plan.id, "--journal", str(journal_path), "--register", str(register.path)]
    assert main(words) == 1
    assert "dodac audit freeze" in capsys.readouterr().err
