"""The 2003 programme's published totals: which factors give which CO2, and why it differs."""

from __future__ import annotations

from datetime import date

import pytest

from analysis.benefits import (
    EvidenceClass,
    Factors,
    Figure,
    Money,
    OptionResult,
    PlantFuel,
    amount,
    benefits,
    explain_reported,
    implied_per_unit,
    implied_sulphur_pct,
    summed,
)
from dodac.cli import main

YEAR = (date(2003, 1, 1), date(2003, 12, 31))
SAVED = {"electricity": (40_838, "MWh"), "coal": (19_113, "t"), "fuel_oil": (1_951, "t"), "diesel": (64, "t"), "lpg": (74, "t")}  # fmt: skip
OTHERS = {"water": (160_000, "m3"), "materials": (787, "t")}
REPORTED = {"co2": 70_846.0, "so2": 364.0, "dust": 483.0}
NCV_21 = {"coal": PlantFuel("net calorific value assumed 21 GJ/t", ncv_gj=21.0)}


def saved():
    return [amount(name, value, unit, "reported") for name, (value, unit) in SAVED.items()]


def row(factors=None):
    option = OptionResult(
        "programme-2003",
        *YEAR,
        amounts=(
            *saved(),
            *(amount(name, value, unit, "reported") for name, (value, unit) in OTHERS.items()),
        ),
        investment=Money(650_000, "USD", "2003"),
        saving=Money(2_435_000, "USD", "2003"),
        given={name: Figure(value, "t", EvidenceClass.REPORTED) for name, value in REPORTED.items()},
        programme="national centre 2003",
    )
    return benefits(option, factors)


def test_no_official_grid_factor_covers_2003_and_the_refusal_names_what_could_stand_in():
    cell = row(Factors(grades={"coal": "anthracite"}))
    explained = explain_reported(saved(), *YEAR, REPORTED["co2"])
    assert cell.cells["co2"].value == REPORTED["co2"]  # what was reported stays
    assert explained.official_grid is not None
    assert explained.official_grid.code == "no_factor"
    assert "vn-2014" in explained.official_grid.en
    assert "vn-2014" in explained.official_grid.vi


def test_ipcc_anthracite_with_the_grid_of_2014_gives_84_kt_and_says_why_it_differs(figure):
    factors = Factors(grades={"coal": "anthracite"}, grid_proxy="vn-2014")
    made = row(factors)
    option = OptionResult("2003", *YEAR, amounts=tuple(saved()))
    computed = benefits(option, factors).cells["co2"]
    figure("2003: CO2, IPCC anthracite, grid vn-2014 (t)", computed.value, "about 83 700; reported 70 846")
    assert computed.value == pytest.approx(83_692, abs=1)
    assert {finding.code for finding in computed.findings} >= {"proxy_factor", "remembered"}
    differs = next(finding for finding in made.findings if finding.code == "given_differs")
    assert differs.data["difference_pct"] == pytest.approx(18.13, abs=0.01)


def test_ncv_21_implies_a_grid_factor_near_0_61(figure):
    explained = explain_reported(saved(), *YEAR, REPORTED["co2"], plants={"coal NCV 21 GJ/t": NCV_21})
    own = [one for one in explained.combinations if one.fuels == "IPCC 2006 (anthracite), coal NCV 21 GJ/t"]
    figure("2003: grid factor implied by NCV 21, EF 98.3 (t/MWh)", own[0].implied_grid_t_mwh, "near 0.61")
    assert own[0].implied_grid_t_mwh == pytest.approx(0.609, abs=0.001)
    near = explained.nearest
    figure("2003: CO2 with NCV 21 and the study's margin of 2003 (t)", near.co2_t, "reported 70 846")
    assert (near.fuels, near.grid, near.grid_proxy) == (own[0].fuels, "vn-2003-margin", False)
    assert near.difference_pct == pytest.approx(-0.51, abs=0.01)
    by_name = {(one.fuels, one.grid): one.co2_t for one in explained.combinations}
    assert by_name["IPCC 2006 (anthracite)", "vn-2014"] == pytest.approx(83_692, abs=1)
    assert all(one.grid_proxy == (not one.grid.startswith("vn-200")) for one in explained.combinations)


def test_payback_is_3_to_4_months_and_all_of_it_is_only_reported(figure):
    made = row(Factors(grades={"coal": "anthracite"}, grid_proxy="vn-2014"))
    figure("2003: simple payback (months)", made.payback_months, "3 to 4")
    assert made.payback_months == pytest.approx(3.203, abs=0.001)
    for name in (*SAVED, *OTHERS, *REPORTED):
        assert [part.evidence for part in made.cells[name].parts] == [EvidenceClass.REPORTED]
        assert made.cells[name].half_width is None  # nobody said how well it is known
    (total,) = summed([made])
    assert total.cells["electricity"].value == 40_838
    assert total.payback_months == pytest.approx(made.payback_months)


def test_so2_and_dust_are_told_by_what_they_imply(figure):
    oil_t = 20 * 3.0 * SAVED["fuel_oil"][0] / 1000
    sulphur = implied_sulphur_pct(REPORTED["so2"] - oil_t, SAVED["coal"][0], 19.5)
    dust = implied_per_unit(REPORTED["dust"], SAVED["coal"][0])
    figure("2003: sulphur of coal implied by 364 t SO2, oil at 3 % (%)", sulphur, "plausible: 0.5 to 0.8")
    figure("2003: dust implied (kg per t of coal)", dust, "AP-42: 5 by hand, 0.4·A on a stoker")
    assert sulphur == pytest.approx(0.66, abs=0.01)
    assert dust == pytest.approx(25.27, abs=0.01)


def test_toe_of_the_programme_needs_the_grade_of_its_coal_and_a_named_proxy(figure):
    grades = {"coal": "cam_3_4"}
    assert row().cells["toe"].code == "no_factor"
    assert {refusal.code for refusal in row(Factors(toe_grades=grades)).cells["toe"].refused} == {"no_factor"}
    # the letter of 2011, named for each as what stands in
    named = grades | {name: name for name in SAVED if name != "coal"}
    made = row(Factors(toe_grades=named)).cells["toe"]
    figure(
        "2003: TOE with coal as cám 3, 4, factors of 2011 as named proxy", made.value, "no reported figure"
    )
    assert made.value == pytest.approx(19_846.5, abs=0.1)
    assert made.complete
    assert {finding.code for finding in made.findings} == {"proxy_factor"}


RESULTS = """[[results]]
id = "centre-2003"
programme = "national centre 2003"
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
    { resource = "water", value = 160000, unit = "m3" },
    { resource = "materials", value = 787, unit = "t" },
]
given = { co2 = 70846, so2 = 364, dust = 483 }
[plant.coal]
source = "coal of 21 GJ/t"
ncv_gj = 21
"""


def test_an_auditor_reads_all_of_it_from_one_command(tmp_path, capsys, figure):
    path = tmp_path / "results.toml"
    path.write_text(RESULTS, encoding="utf-8")
    words = ["audit", "benefits", "--file", str(path), "--explain", "--language", "en"]
    assert main([*words, "--grid-proxy", "vn-2014"]) == 0
    out = capsys.readouterr().out
    lines = [line.strip(" -") for line in out.splitlines()]
    for name, value in (
        ("electricity (MWh)", "40,838"),
        ("coal (t)", "19,113"),
        ("CO₂, fossil (t)", "70,846"),
    ):
        (line,) = [line for line in lines if line.startswith(name)]
        assert line.endswith(f"{value} (reported)")  # as reported: never rounded, never without its class
    for wanted in (
        "IPCC 2006 (anthracite), vn-2014 (proxy): 83,692 t (+18.1 %); the reported total implies a grid of 0.347 t/MWh",
        "IPCC 2006 (anthracite), coal of 21 GJ/t, vn-2003-margin: 70,483 t (−0.5 %); the reported total implies a grid of 0.609 t/MWh",
    ):
        assert wanted in lines
        figure(
            "2003 by `dodac audit benefits --explain`",
            wanted.split(";")[0],
            "named factors and what they give",
        )
    assert any(line.startswith("No factor for grid electricity of 2003.") for line in lines)
    assert any("vn-2014 stands in as a named proxy for 2003" in line for line in lines)
    assert any(line.startswith("anthracite: ") and "remembered" in line for line in lines)
    assert "payback (months)" in out
    assert "3.20" in out
