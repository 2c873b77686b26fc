"""dodac analyse and dodac audit as a person runs them."""

import json
from pathlib import Path

import pytest

from dodac.cli import main

OPTION = """\
id = "trim"
name_en = "Oxygen trim"
name_vi = "Chỉnh oxy"
company = "bia"
site = "cu-chi"
asset = "boiler1"
status = "implemented"
"""
PLAN = """\
id = "trim-plan"
option = "trim"
ipmvp_option = "C"
boundary_en = "plant"
boundary_vi = "nhà máy"
energy = "main:energy_interval_kwh"
drivers = { temperature = "weather:temperature_c" }
zone = "Asia/Ho_Chi_Minh"
baseline = ["2023-01-01", "2023-12-31"]
reporting = ["2024-02-01", "2025-01-31"]
price = { amount = 1899, currency = "VND", price_date = "2024-01-01" }
"""


def analyse(journal: Path, *more: str, **changes: str) -> list[str]:
    words = {
        "--energy": "main:energy_interval_kwh",
        "--temperature": "weather:temperature_c",
        "--baseline": "2023-01-01..2023-12-31",
        "--reporting": "2024-02-01..2025-01-31",
        "--timezone": "Asia/Ho_Chi_Minh",
        "--model": "towt-daily",
    }
    words |= {f"--{name}": value for name, value in changes.items()}
    flat = [part for pair in words.items() for part in pair]
    return ["analyse", "--journal", str(journal), *flat, *more]


def test_the_saving_is_told_in_words(journal_path, capsys):
    assert main(analyse(journal_path)) == 0
    out, err = capsys.readouterr()
    assert "saving" in out
    assert "at 90 % confidence" in out
    assert "sun_baltazar" in out
    assert err == ""


def test_the_saving_is_told_in_vietnamese(journal_path, capsys):
    assert main(analyse(journal_path, "--language", "vi", "--method", "g14")) == 0
    out = capsys.readouterr().out
    assert "tiết kiệm" in out
    assert "với độ tin cậy 90 %" in out


def test_the_saving_is_told_to_programs(journal_path, capsys):
    assert main(analyse(journal_path, "--json", "--holidays", "VN")) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["baseline"]["n"] == 365
    assert data["saving"]["fraction"] == pytest.approx(0.1, abs=0.01)
    assert "day_type.tet" in data["baseline"]["coefficients"]
    assert {other["method"] for other in data["saving"]["others"]} == {"exact", "g14", "sun_baltazar"}


def test_a_baseline_alone_needs_no_reporting_period(journal_path, capsys):
    words = analyse(journal_path)
    place = words.index("--reporting")
    assert main([*words[:place], *words[place + 2 :], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"read", "rows", "gaps", "baseline", "smallest_saving", "validity", "next"}
    assert [step["code"] for step in found["next"]][-1] == "report"


def test_a_refusal_is_exit_code_1_with_its_reason(journal_path, capsys):
    short = analyse(journal_path, baseline="2023-01-01..2023-06-30")
    assert main(short) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "330 whole days, 181 are there" in err
    assert main([*short, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["refusal"]["code"] == "too_few_days"
    assert main([*short, "--allow-short"]) == 0


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"energy": "main"}, 2, "names no channel"),
        ({"energy": "mian:energy_interval_kwh"}, 1, 'Did you mean "main"'),
        ({"baseline": "2023"}, 2, "is not a period"),
        ({"baseline": "2023-01-01..2023-13-31"}, 2, "is not a date"),
        ({"timezone": "Hanoi"}, 2, "not a time zone"),
        ({"holidays": "XX"}, 2, "no holiday calendar"),
        ({"timezone": ""}, 2, "not a time zone"),
        ({"baseline": "0001-01-01..0001-12-31"}, 2, "year 1"),
        ({"reporting": "9000-01-01..9999-12-31"}, 2, "year 9000"),
        ({"driver": "x=main:energy_interval_kwh"}, 2, "the energy itself"),
        ({"confidence": "90"}, 2, "confidence"),
        ({"confidence": "nan"}, 2, "confidence"),
        ({"method": "magic"}, 2, 'no method "magic"'),
        ({"driver": "tonnes"}, 2, "has no name"),
        ({"driver": "tonnes=scale:mass_kg"}, 1, 'no readings of instrument "scale"'),
    ],
)
def test_a_mistake_is_one_message_and_no_traceback(journal_path, capsys, changes, code, words):
    assert main(analyse(journal_path, **changes)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert len(err.splitlines()) == 1


def test_a_journal_that_is_not_there_is_a_storage_fault(tmp_path, capsys):
    assert main(analyse(tmp_path / "none.sqlite")) == 4
    assert "no journal" in capsys.readouterr().err


def test_from_an_option_to_a_verified_saving(journal_path, tmp_path, capsys):
    (tmp_path / "option.toml").write_text(OPTION, encoding="utf-8")
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")

    def audit(*words: str) -> str:
        assert main(["audit", words[0], "--journal", str(journal_path), *words[1:]]) == 0
        return capsys.readouterr().out

    assert "empty" in audit("list")
    assert audit("add-option", str(tmp_path / "option.toml")) == "trim\n"
    assert audit("add-plan", str(tmp_path / "plan.toml")) == "trim-plan\n"
    assert audit("freeze", "trim-plan").startswith("trim-plan-b1\nBaseline 2023-01-01")
    text = audit("verify", "trim-plan")
    assert text.startswith("trim-plan-s1  2024-02-01 … 2025-01-31")
    assert "VND (2024-01-01)" in text
    assert "registered after" in text
    assert "trim-plan-s1" in audit("list", "--language", "vi")
    assert [row["kind"] for row in json.loads(audit("list", "--json"))] == [
        "option", "plan", "baseline", "saving",
    ]  # fmt: skip
    shown = json.loads(audit("show", "trim-plan-s1"))
    assert shown[0]["body"]["saving"] == json.loads(audit("verify", "trim-plan", "--json"))["saving"]


def test_the_register_says_what_is_missing(journal_path, tmp_path, capsys):
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    for words, code, message in (
        (["add-plan", str(tmp_path / "plan.toml")], 1, 'no option "trim"'),
        (["freeze", "trim-plan"], 1, 'no plan "trim-plan"'),
        (["show", "trim"], 1, "no entry"),
        (["add-option", str(tmp_path / "none.toml")], 2, "no such option file"),
    ):
        assert main(["audit", words[0], "--journal", str(journal_path), *words[1:]]) == code
        assert message in capsys.readouterr().err
