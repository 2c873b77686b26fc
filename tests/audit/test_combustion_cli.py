"""`dodac combustion` as a technician runs it."""

import json

import pytest

from dodac.cli import main

READING = ["combustion", "--fuel", "light_oil", "--o2", "8.5", "--t-flue", "235", "--t-air", "32"]


def test_a_reading_becomes_an_efficiency_with_its_uncertainty(capsys):
    assert main(READING) == 0
    shown = capsys.readouterr().out
    assert "Efficiency (net calorific value): 87.5 % ± 0.2" in shown
    assert "Source: testo 330-1" in shown


def test_both_readings_become_a_saving_of_fuel(capsys):
    words = [*READING, "--method", "bs845", "--after", "4,195,32", "--fuel-use", "1500"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    before, after = found["efficiency"]["value_pct"], found["after"]["efficiency"]["value_pct"]
    assert found["saving"]["fraction"] == pytest.approx(1 - before / after)
    assert found["saving"]["saving"] == pytest.approx(1500 * found["saving"]["fraction"])
    assert found["efficiency"]["basis"] == "gross"
    assert main([*words, "--language", "vi"]) == 0
    assert "Nhiên liệu tiết kiệm: 5,4 ± 0,3 %" in capsys.readouterr().out


def test_co_on_one_side_alone_is_refused(capsys):
    assert main([*READING, "--after", "4,195,32,40"]) == 1
    assert "do not count the same losses" in capsys.readouterr().out
    assert main([*READING, "--after", "4,195,32,40", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["refused"]["code"] == "losses_differ"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--t-flue", "20"], "not hotter than the air"),
        (["--o2", "20.9"], "no flue gas"),
        (["--o2", "nan"], "no flue gas"),
        (["--fuel", "rice_husk"], "No Siegert constants"),
    ],
)
def test_no_number_where_there_is_none(words, said, capsys):
    assert main([*READING, *words]) == 1
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [["--o2", "nan"], ["--t-flue", "inf"], ["--co", "nan"], ["--after", "4,195,32", "--fuel-use", "inf"]],
    ids=" ".join,
)
def test_a_refusal_is_json_too_when_its_number_is_none(words, capsys):
    assert main([*READING, *words, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["refused"]["code"]


def test_co_typed_in_percent_is_asked_about(capsys):
    assert main([*READING, "--co", "0.08", "--language", "vi"]) == 0
    assert "800 ppm" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fuel", "light-oil"], 'Did you mean "light_oil"?'),
        (["--after", "4,195"], "is not 3 numbers"),
        (["--limits", "a,b,c"], "is not 3 numbers"),
        (["--humidity", "130"], "relative humidity"),
    ],
)
def test_wrong_use_says_what_to_write(words, said, capsys):
    assert main([*READING, *words]) == 2
    assert said in capsys.readouterr().err


def test_the_fuels_are_listed(capsys):
    assert main(["combustion", "--fuels", "--language", "vi"]) == 0
    assert "rice_husk" in capsys.readouterr().out
    assert main(["combustion", "--fuels", "--json"]) == 0
    assert any(one["id"] == "cam_5" for one in json.loads(capsys.readouterr().out))
    assert main(["combustion"]) == 2


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--t-air", "inf", "--t-air inf: no combustion air"),
        ("--t-air", "-273", "--t-air -273: no combustion air"),
        ("--humidity", "120", "--humidity 120 is no relative"),
        ("--fuel-use", "10", "means nothing without --after"),
    ],
)
def test_a_number_that_cannot_be_is_named_by_its_option(option, value, said, capsys):
    words = ["combustion", "--fuel", "natural_gas", "--o2", "6", "--t-flue", "180", "--t-air", "30"]
    assert main([*words, option, value]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
