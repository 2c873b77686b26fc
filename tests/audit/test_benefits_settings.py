"""What a benefit table is made of stands below it: proxies, remembered factors, sources, and a reported total explained."""

import json
from datetime import date

import pytest

from analysis._tables import table
from analysis.benefits import Money, OptionResult, amount, benefits, summed
from audit._benefits_file import read_settings
from audit.benefits import _of_options
from dodac.cli import main
from dodac.errors import ConfigError

RESULTS = """[[results]]
id = "centre-2003"
start = 2003-01-01
end = 2003-12-31
evidence = "reported"
investment = { amount = 650_000, currency = "USD", price_date = "2003" }
saving = { amount = 2_435_000, currency = "USD", price_date = "2003" }
amounts = [
    { resource = "electricity", value = 40838, unit = "MWh" },
    { resource = "coal", value = 19113, unit = "t", grade = "anthracite" },
    { resource = "fuel_oil", value = 1951, unit = "t" },
    { resource = "diesel", value = 64, unit = "t" },
    { resource = "lpg", value = 74, unit = "t" },
]
given = { co2 = 70846, so2 = 364, dust = 483 }
"""
SECOND = """[[results]]
id = "kiln"
start = 2003-01-01
end = 2003-12-31
evidence = "estimated"
investment = { amount = 1_550_000_000, currency = "VND", price_date = "2003" }
saving = { amount = 310_000_000, currency = "VND", price_date = "2003" }
amounts = [{ resource = "electricity", value = 100, unit = "MWh" }]
"""
RATE = """[[rates]]
base = "USD"
quote = "VND"
rate = 15500
day = 2003-12-20
source = "a bank"
"""
APPRAISAL = "[appraisal]\nlife_years = 10\nrate_pct = 12\n"
PLANT = '[plant.coal]\nsource = "21 GJ/t"\nncv_gj = 21.0\nsulphur_pct = 0.66\n[air.coal]\nso2 = "so2-anthracite"\n'


@pytest.fixture
def shown(tmp_path, capsys):
    def run(text, *words):
        path = tmp_path / "results.toml"
        path.write_text(text, encoding="utf-8")
        assert main(["audit", "benefits", "--file", str(path), *words]) == 0
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize(
    ("language", "proxy", "remembered"),
    [
        ("en", "vn-2014 stands in as a named proxy", "remembered, not checked"),
        ("vi", "vn-2014 được dùng thay", "theo trí nhớ"),
    ],
)
def test_a_proxy_and_every_remembered_factor_stand_below_the_table(shown, language, proxy, remembered):
    out = shown(RESULTS, "--grid-proxy", "vn-2014", "--language", language)
    assert proxy in out
    for name in ("anthracite", "gas_diesel_oil", "nox-lpg"):
        assert [
            line for line in out.splitlines() if line.strip().startswith(f"- {name}") and remembered in line
        ], name
    assert "40,838" in out or "40.838" in out  # as it was reported, not rounded


@pytest.mark.parametrize("by", ["option", "all", "company"])
def test_what_is_remembered_is_said_of_sums_too(shown, by):
    out = shown(
        RESULTS.split("given", maxsplit=1)[0], "--grid-proxy", "vn-2014", "--by", by, "--language", "en"
    )
    assert "anthracite is remembered" in out
    assert "vn-2014 stands in as a named proxy" in out


def test_the_factor_of_every_figure_has_its_value_and_source(shown):
    out = shown(RESULTS.split("given", maxsplit=1)[0] + PLANT, "--grid-proxy", "vn-2014", "--language", "en")
    assert "vn-2014: 0.6612 t CO2/MWh (combined margin)" in out
    assert "plant coal: 21 GJ/t" in out
    assert "so2-anthracite: 19.5·S kg/t" in out
    rows = json.loads(
        shown(RESULTS.split("given", maxsplit=1)[0] + PLANT, "--grid-proxy", "vn-2014", "--json")
    )
    known = {row["id"] for name in ("factors_grid", "factors_ipcc", "factors_air") for row in table(name)}
    for name in rows[0]["factors"]:
        assert f"- {name}: " in out or all(f"- {part}: " in out for part in name.split("+"))
        assert all(part in known or part.startswith("plant ") for part in name.split("+"))


def test_an_auditor_sees_which_factors_give_which_co2_of_2003(shown):
    out = shown(RESULTS + PLANT, "--grid-proxy", "vn-2014", "--explain", "--language", "en")
    assert "No factor for grid electricity of 2003" in out
    assert (
        "21 GJ/t, vn-2003-margin: 70,483 t (−0.5 %); the reported total implies a grid of 0.609 t/MWh" in out
    )
    assert "IPCC 2006 (anthracite), vn-2014 (proxy): 83,692 t (+18.1 %)" in out
    assert "25.3 kg per t" in out
    assert "payback (months)" in out
    assert "3.20" in out
    data = json.loads(shown(RESULTS, "--grid-proxy", "vn-2014", "--explain", "--json"))
    names = {
        (one["fuels"], round(one["co2_t"]))
        for one in data["explained"][0]["combinations"]
        if one["grid"] == "vn-2014"
    }
    # each grade gives its own CO2, though the amount states one
    assert len({co2 for _, co2 in names}) == 4


def test_money_of_two_currencies_adds_up_with_the_rate_of_the_file(shown):
    without = json.loads(shown(RESULTS + SECOND, "--by", "all", "--json"))[0]
    assert without["investment"]["refused"][0]["code"] == "no_exchange_rate"
    (row,) = json.loads(shown(RESULTS + SECOND + RATE, "--by", "all", "--currency", "VND", "--json"))
    assert row["investment"] == {
        "amount": 650_000 * 15_500 + 1_550_000_000,
        "currency": "VND",
        "price_date": "2003",
    }
    # Σ investment / Σ saving, not the mean of 3.2 and 60 months
    assert row["payback_months"] == pytest.approx(12 * (10.075 + 1.55) / (37.7425 + 0.31), rel=1e-9)


def test_net_present_values_of_options_add_up_and_their_rates_do_not(shown):
    text = RESULTS + SECOND + RATE + APPRAISAL
    one, two = json.loads(shown(text, "--currency", "VND", "--json"))
    (whole,) = json.loads(shown(text, "--currency", "VND", "--by", "all", "--json"))
    # annuity factor of ten years at 12 %: 5.650223
    assert two["appraisal"]["npv"] == pytest.approx(310e6 * 5.650223 - 1550e6, rel=1e-6)
    assert two["appraisal"]["irr_pct"] == pytest.approx(15.098, abs=0.001)
    first = (2_435_000 * 5.650223 - 650_000) * 15_500
    assert whole["appraisal"]["npv"] == pytest.approx(two["appraisal"]["npv"] + first, rel=1e-6)
    assert two["appraisal"]["irr_pct"] < whole["appraisal"]["irr_pct"] < one["appraisal"]["irr_pct"]
    out = shown(text, "--by", "all", "--language", "vi")
    assert "giá trị hiện tại ròng NPV (12,0 %, giá thực)" in out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[plant.coal]", "[plants.coal]", 'Did you mean "plant"'),
        ("ncv_gj", "ncv_gjt", 'Did you mean "ncv_gj"'),
        ("ncv_gj = 21.0", "ncv_gj = -1", "not above zero"),
        ('source = "21 GJ/t"\n', "", "source"),
        ("day = 2003-12-20", 'day = "20/12/2003"', "no date"),
        ("rate = 15500", "rate = 0", "is none"),
        ("rate_pct = 12", "rate = 12", "unknown key"),
        ("life_years = 10\n", "", "life_years"),
    ],
)
def test_a_slip_in_the_settings_names_line_and_key(tmp_path, old, new, said):
    path = tmp_path / "results.toml"
    path.write_text((RESULTS + PLANT + RATE + APPRAISAL).replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError) as fault:
        read_settings([path])
    assert said in f"{fault.value.what} {fault.value.todo}"
    assert fault.value.where.file == str(path)


def test_two_files_that_choose_differently_are_refused(tmp_path):
    for name, ncv in (("a", 21.0), ("b", 22.0)):
        (tmp_path / name).write_text(f'[plant.coal]\nsource = "lab"\nncv_gj = {ncv}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="different things"):
        read_settings([tmp_path / "a", tmp_path / "b"])
    assert read_settings([tmp_path / "a", tmp_path / "a"]).plant["coal"].ncv_gj == 21.0


def test_two_plans_of_one_option_are_one_result_with_one_investment():
    days = (date(2022, 1, 1), date(2022, 12, 31))
    cost = Money(900e6, "VND", "2022")

    def plan(resource, meter, saves=500e6, start=days[0]):
        value = amount(resource, 100, "MWh" if resource == "electricity" else "m3", "verified", half_width=5)
        money = None if saves is None else Money(saves, "VND", "2022")
        return OptionResult(
            "pumps", start, days[1], amounts=(value,), investment=cost, saving=money, meter=meter
        )

    (one,) = _of_options([plan("electricity", "mains"), plan("water", "well")])
    assert {value.resource for value in one.amounts} == {"electricity", "water"}
    assert (one.saving, one.investment, one.meter) == (Money(1e9, "VND", "2022"), cost, "mains+well")
    # a meter that stands twice is never added to itself, and the sum says what it may hold twice
    twice = _of_options([plan("electricity", "mains"), plan("electricity", "mains")])
    assert len(twice) == 2
    (whole,) = summed([benefits(each) for each in twice])
    assert {"counted_twice", "invested_once"} <= {finding.code for finding in whole.findings}
    assert whole.investment == cost
    # other days, or a saving in money that one of them lacks: apart
    assert len(_of_options([plan("electricity", "a"), plan("water", "b", start=date(2022, 2, 1))])) == 2
    assert len(_of_options([plan("electricity", "a"), plan("water", "b", saves=None)])) == 2
