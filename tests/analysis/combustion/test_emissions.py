"""Emissions: nothing is compared with a limit but on the limit's own basis, and the unchecked says so."""

from datetime import date

import pytest

from analysis import Refusal, at_reference_o2
from analysis.combustion import (
    Concentration,
    against_limit,
    dry_from_wet,
    in_mg,
    mg_from_ppm,
    nox_as_no2,
    ppm_from_mg,
    regulation_on,
)
from dodac.errors import ConfigError


def right(result):
    assert not isinstance(result, Refusal), result
    return result


def test_the_vietnamese_cubic_metre_is_warmer_than_the_german():
    assert mg_from_ppm("co", 100.0, 0) / mg_from_ppm("co", 100.0, 25) == pytest.approx(298.15 / 273.15)
    assert ppm_from_mg("so2", mg_from_ppm("so2", 137.0, 25), 25) == pytest.approx(137.0)
    dust = Concentration("dust", 100.0, "mg/m3", 0)
    assert in_mg(dust, 25) == pytest.approx(100.0 * 273.15 / 298.15)
    with pytest.raises(ConfigError):
        mg_from_ppm("dust", 1.0)
    with pytest.raises(ConfigError):
        mg_from_ppm("co", 1.0, 20)


def test_percent_co_is_not_ppm():
    assert in_mg(Concentration("co", 0.05, "vol%"), 0) == pytest.approx(
        in_mg(Concentration("co", 500.0, "ppm"), 0)
    )


def test_nox_counts_as_no2():
    found = right(nox_as_no2(95.0, 5.0, at_c=25))
    assert found.value == pytest.approx(188.0, abs=0.2)
    assert right(nox_as_no2(95.0, at_c=25)).value == pytest.approx(found.value)
    assert isinstance(nox_as_no2(float("nan")), Refusal)


def test_reference_oxygen_by_each_basis():
    assert at_reference_o2(100.0, 11.0, 6.0) == pytest.approx(100.0 * 14.9 / 9.9)
    assert at_reference_o2(100.0, 11.0, 6.0, base_pct=21.0) == pytest.approx(150.0)
    with pytest.raises(ConfigError):
        at_reference_o2(100.0, 11.0, 6.0, base_pct=20.0)
    with pytest.raises(ConfigError):
        at_reference_o2(100.0, 11.0, 19.0)
    assert isinstance(at_reference_o2(float("nan"), 11.0, 6.0), Refusal)


def test_the_old_limit_is_multiplied_by_flow_and_zone_and_not_corrected():
    so2 = Concentration("so2", 150.0, "ppm", o2_pct=9.0)
    found = right(against_limit(so2, regulation="qcvn19-2009", column="B", flow_m3_h=50_000, zone=3))
    assert found.limit_mg_m3 == pytest.approx(500.0 * 0.9 * 1.0)
    assert found.value_mg_m3 == pytest.approx(150.0 * 64.064 / 24.465, rel=1e-4)
    assert found.kept
    assert found.reference_o2_pct is None
    # Kp and Kv were never checked against the official text
    assert [finding.code for finding in found.findings] == ["remembered"]
    for missing in ({"zone": 3}, {"flow_m3_h": 1000.0}):
        assert isinstance(against_limit(so2, regulation="qcvn19-2009", column="B", **missing), Refusal)
    assert isinstance(
        against_limit(so2, regulation="qcvn19-2009", column="B", flow_m3_h=1000.0, zone=7), Refusal
    )
    smallest = right(against_limit(so2, regulation="qcvn19-2009", column="B", flow_m3_h=20_000, zone=1))
    assert smallest.limit_mg_m3 == pytest.approx(300.0)


def test_the_new_limit_is_stated_at_seven_percent_oxygen():
    nox = Concentration("nox", 200.0, "mg/m3", 25, o2_pct=11.0)
    found = right(against_limit(nox, regulation="qcvn19-2024", column="B"))
    assert found.value_mg_m3 == pytest.approx(200.0 * 13.9 / 9.9)
    assert found.limit_mg_m3 == 250.0
    assert not found.kept
    assert "remembered" in [finding.code for finding in found.findings]
    no_oxygen = against_limit(Concentration("nox", 200.0, "mg/m3"), regulation="qcvn19-2024", column="B")
    assert isinstance(no_oxygen, Refusal)
    thin = Concentration("nox", 200.0, "mg/m3", o2_pct=18.5)
    assert isinstance(against_limit(thin, regulation="qcvn19-2024", column="B"), Refusal)
    wet = Concentration("nox", 200.0, "mg/m3", o2_pct=10.0, dry=False)
    assert isinstance(against_limit(wet, regulation="qcvn19-2024", column="B"), Refusal)
    dried = dry_from_wet(wet, 20.0)
    assert (dried.value, dried.o2_pct, dried.dry) == (pytest.approx(250.0), pytest.approx(12.5), True)


def test_dust_of_a_boiler_goes_by_its_size():
    dust = Concentration("dust", 42.0, "mg/m3", 25, o2_pct=7.0)
    small = right(against_limit(dust, regulation="qcvn19-2024", column="B", capacity_t_h=10.0))
    large = right(against_limit(dust, regulation="qcvn19-2024", column="B", capacity_t_h=20.0))
    assert (small.limit_mg_m3, small.kept, large.limit_mg_m3, large.kept) == (50.0, True, 40.0, False)
    assert isinstance(against_limit(dust, regulation="qcvn19-2024", column="B"), Refusal)


def test_an_unknown_limit_is_refused_by_name():
    lead = Concentration("lead", 1.0, "mg/m3", 25, o2_pct=7.0)
    assert isinstance(against_limit(lead, regulation="qcvn19-2024", column="B"), Refusal)
    with pytest.raises(ConfigError, match="there is no regulation"):
        against_limit(lead, regulation="qcvn99", column="B")


def test_which_regulation_holds_when():
    assert regulation_on(date(2025, 6, 30), existing=False) == "qcvn19-2009"
    assert regulation_on(date(2025, 7, 1), existing=False) == "qcvn19-2024"
    assert regulation_on(date(2031, 12, 31), existing=True) == "qcvn19-2009"
    assert regulation_on(date(2032, 1, 1), existing=True) == "qcvn19-2024"
    with pytest.raises(ConfigError):
        regulation_on(date(2003, 1, 1), existing=True)
