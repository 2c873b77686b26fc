"""The benefit table of a register and of reported results: classes apart, payback, reasons instead of guesses."""

import json

import pytest

from audit import VerifiedSaving
from audit.benefits import read_results, results_of
from dodac.cli import main
from dodac.errors import ConfigError

REPORTED = """[[results]]
id = "centre-2003"
programme = "cleaner production 2003"
start = 2003-01-01
end = 2003-12-31
evidence = "reported"
investment = { amount = 650_000, currency = "USD", price_date = "2003" }
saving = { amount = 2_435_000, currency = "USD", price_date = "2003" }
amounts = [
    { resource = "electricity", value = 40838, unit = "MWh" },
    { resource = "coal", value = 19113, unit = "t", grade = "anthracite" },
]
given = { co2 = 70846 }
"""


@pytest.fixture
def reported(tmp_path):
    path = tmp_path / "results.toml"
    path.write_text(REPORTED, encoding="utf-8")
    return path


@pytest.fixture
def done(register, option, plan, store):
    register.add_option(option)
    register.add_plan(plan)
    register.freeze_baseline(plan.id, store)
    assert isinstance(register.verify(plan.id, store), VerifiedSaving)
    return register


def test_a_verified_saving_becomes_a_row_with_its_uncertainty(done, journal_path, capsys):
    (result,) = results_of(done)
    (saving,) = done.savings()
    assert result.amounts[0].figure.value == pytest.approx(saving.saving / 1000)
    assert result.amounts[0].figure.evidence == "verified"
    words = ["audit", "benefits", "--journal", str(journal_path), "--register", str(done.path)]
    assert main([*words, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["id"] == "boiler-trim"
    assert row["company"] == "bia-sai-gon"
    assert main([*words, "--language", "vi", "--by", "company"]) == 0
    assert "bia-sai-gon" in capsys.readouterr().out


def test_reported_results_need_no_site_and_show_what_the_factors_say(reported, capsys):
    assert main(["audit", "benefits", "--file", str(reported), "--grid-proxy", "vn-2014"]) == 0
    out = capsys.readouterr().out
    assert "3.20" in out
    assert "(reported)" in out
    assert "70,846 t was given" in out
    # no official grid factor covers 2003: without a proxy the reason stands below the table
    assert main(["audit", "benefits", "--file", str(reported), "--by", "programme"]) == 0
    assert "cleaner production 2003" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('unit = "MWh"', 'unit = "apples"', "apples"),
        ('resource = "coal"', 'resource = "coall"', "coal"),
        ("evidence =", "evidense =", "evidence"),
        ("end = 2003-12-31", 'end = "soon"', "no date"),
        ("given = { co2 = 70846 }", "given = { co3 = 70846 }", "co2"),
        ("given = { co2 = 70846 }", 'given = { co2 = "many" }', "no number"),
        ('currency = "USD", price_date = "2003" }\nsaving', 'price_date = "2003" }\nsaving', "currency"),
        ('"reported"', '"rumoured"', "rumoured"),
        ("value = 40838", 'value = "40838"', "number"),
    ],
)
def test_a_file_that_says_something_else_is_refused_with_its_line(reported, old, new, said):
    text = REPORTED.replace(old, new, 1)
    assert text != REPORTED
    reported.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        read_results(reported)
    assert said in str(error.value)
    assert "results.toml" in str(error.value)


def test_nothing_to_show_says_what_to_do(tmp_path, journal_path, capsys):
    words = ["audit", "benefits", "--journal", str(journal_path), "--register", str(tmp_path / "none.sqlite")]
    assert main(words) == 1
    assert "audit verify" in capsys.readouterr().err
    (tmp_path / "empty.toml").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"\[\[results\]\]"):
        read_results(tmp_path / "empty.toml")


def test_a_factor_choice_that_is_none_is_refused(reported, capsys):
    assert main(["audit", "benefits", "--file", str(reported), "--grade", "coal"]) == 2
    assert "FUEL=ID" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["given", "amounts", "normal_year"])
def test_a_key_of_the_wrong_shape_is_told_how_to_be_written(tmp_path, key):
    path = tmp_path / "results.toml"
    head = '[[results]]\nid = "a"\nstart = 2003-01-01\nend = 2003-12-31\nevidence = "reported"\n'
    path.write_text(f"{head}{key} = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=f'"{key}" is written {key} = '):
        read_results(path)
