"""The options of `dodac analyse`: contradictions are told before a file is read, faults in the command's words."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dodac.cli import main

BUILDING = Path(__file__).parents[2] / "docs" / "tutorials" / "building.csv"
FILE = ["--file", str(BUILDING), "--energy", "energy kWh", "--temperature", "outside °C"]
BASE = ["--baseline", "2024-01-01..2024-12-31"]
AFTER = ["--reporting", "2025-01-01..2025-12-31"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*FILE, *BASE, "--journal", "j.db"], "--file and --journal"),
        ([*FILE, *BASE, "--influxdb"], "--file and --influxdb"),
        (["--energy", "a:energy_import_kwh", *BASE, "--journal", "j.db", "--influxdb"], "--journal and --influxdb"),
        (["--energy", "a:energy_import_kwh", *BASE, "--counter"], "--counter means nothing without --file"),
        (["--energy", "a:energy_import_kwh", *BASE, "--decimal", ","], "--decimal means nothing without --file"),
        ([*FILE, *BASE, "--savings", "backcast"], "needs a reporting period"),
        ([*FILE, *BASE, "--method", "g14"], "--method means nothing without --reporting"),
        ([*FILE, *BASE, *AFTER, "--normal-year", "2024-01-01..2024-12-31"], "without --savings normalised"),
        ([*FILE, *BASE, *AFTER, "--savings", "normalised", "--method", "g14"], "none of those for this kind"),
        ([*FILE, *BASE, *AFTER, "--savings", "normalised", "--normal-year", "2024-02-30..2024-12-31"], "--normal-year"),
        ([*FILE, *BASE, "--ct-class", "0.5"], "--ct-class means nothing without --meter-class"),
        ([*FILE, *BASE, "--load", "0.4"], "--load means nothing without --meter-class"),
        ([*FILE, *BASE, "--meter-class", "0.7"], "--meter-class: "),
        ([*FILE, *BASE, "--validity", "caltrak"], 'Did you mean "caltrack"'),
        ([*FILE, *BASE, "--confidence", "nan"], "--confidence is no number"),
        ([*FILE, *BASE, "--confidence", "90"], "--confidence: 90.0 is not between"),
        ([*FILE, "--baseline", "2024-02-30..2024-12-31"], '--baseline: "2024-02-30" is not a date'),
        ([*FILE, "--baseline", "2024-12-31..2024-01-01"], "Swap them"),
        ([*FILE, "--baseline", "20240101..20241231"], "Write 2024-01-01."),
        ([*FILE, *BASE, "--model", "towt-dayly"], "--model: there is no model"),
        ([*FILE, *BASE, "--interval", "year"], "--interval: "),
        ([*FILE, *BASE, "--timezone", "Mars/X"], "--timezone: "),
        ([*FILE[:4], *BASE, "--model", "2p"], "Name it: --temperature."),
        ([*FILE[:4], *BASE, "--model", "ratio"], "--driver NAME=COLUMN"),
        ([*FILE, *BASE, "--driver", "used=energy kWh"], "is the energy itself"),
        ([*FILE, *BASE, "--driver", "used=outside °C"], '"used" is taken'),
        ([*FILE, *BASE, "--temperature", ""], "--temperature: "),
        ([*FILE, *BASE, "--reporting", ""], "--reporting: "),
    ],
)  # fmt: skip
def test_a_contradiction_is_one_message_in_the_words_of_the_command(words, said, capsys):
    assert main(["analyse", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert 'plan "analyse"' not in err


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("day;gas m3\n2024-01-01;5\n2024-01-02;6\n", ["--energy", "gas m3"], '--energy "gas m3:'),
        ("day;use\n2024-01-01;1,234\n2024-01-02;2,345\n", ["--energy", "use"], '--decimal ","'),
        ("day;use\n2024-01-01;5\n", ["--energy", "use"], "--length 1d"),
        ("t;use\n2024-01-01 00:00;5\n2024-01-01 07:00;6\n2024-01-05 00:00;5\n2024-01-05 01:00;6\n",
         ["--energy", "use"], "--counter"),
        ("day;use\n2024-01-01;-\n2024-01-02;n/a\n", ["--energy", "use"], "has no number that counts"),
        ("day;use\n2024-01-01;1e30\n2024-01-02;1e30\n", ["--energy", "use"], "has no number that counts (t.csv: rows not"),
        ("", ["--energy", "use"], "empty"),
        ("day;use\n", ["--energy", "use"], "no rows"),
    ],
)  # fmt: skip
def test_a_file_is_refused_in_the_words_of_this_command(tmp_path, capsys, text, words, said):
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    assert main(["analyse", "--file", str(path), *words, *BASE]) in (1, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "--column" not in err
    assert "channel" not in err


def test_the_decimal_sign_can_be_told(tmp_path, capsys):
    path = tmp_path / "t.csv"
    days = pd.date_range("2024-01-01", "2024-12-31")
    rows = [f"{day:%Y-%m-%d};{1 + place % 7},{100 + place % 800}" for place, day in enumerate(days)]
    path.write_text("\n".join(["day;use kWh", *rows]), encoding="utf-8")
    words = ["analyse", "--file", str(path), "--energy", "use kWh", *BASE, "--model", "mean"]
    assert main(words) == 1
    assert main([*words, "--decimal", ","]) == 0


def test_a_clock_that_skips_midnight_is_analysed(tmp_path, capsys):
    # Beirut's summer time begins at 00:00
    path = tmp_path / "t.csv"
    days = pd.date_range("2024-01-01", "2024-12-31")
    rows = [f"{day:%Y-%m-%d};{100 + place % 7};{place % 30}" for place, day in enumerate(days)]
    path.write_text("\n".join(["day;use kWh;out", *rows]), encoding="utf-8")
    words = ["analyse", "--file", str(path), "--energy", "use kWh", "--temperature", "out", *BASE]
    assert main([*words, "--timezone", "Asia/Beirut"]) == 0


def test_the_weather_before_a_late_reporting_period_is_handed_over(tmp_path, capsys):
    # the building remembers the weather of some days; its baseline ended half a year before
    days = pd.date_range("2024-01-01", "2025-12-31")
    rng = np.random.default_rng(3)
    air = (
        20
        + 8 * np.sin(2 * np.pi * (days.day_of_year - 110) / 365)
        + np.cumsum(rng.normal(0, 1.5, len(days))) % 5
    )
    slow = pd.Series(air).ewm(halflife=2).mean().to_numpy()
    use = 1000 + 40 * slow + rng.normal(0, 5, len(days))
    path = tmp_path / "t.csv"
    table = pd.DataFrame({"day": days.strftime("%Y-%m-%d"), "use kWh": use.round(2), "out": air.round(3)})

    def findings(rows):
        rows.to_csv(path, index=False, sep=";")
        words = ["analyse", "--file", str(path), "--energy", "use kWh", "--temperature", "out", *BASE]
        words += ["--reporting", "2025-07-01..2025-07-10", "--model", "towt-daily-smoothed", "--json"]
        assert main(words) == 0
        found = json.loads(capsys.readouterr().out)["saving"]
        return [finding["code"] for finding in found["findings"]], found["saving"]

    known, with_weather = findings(table)
    unknown, without = findings(table[(table["day"] < "2025-01-01") | (table["day"] >= "2025-07-01")])
    assert "weather_before_unknown" not in known
    assert "weather_before_unknown" in unknown
    assert with_weather != without
