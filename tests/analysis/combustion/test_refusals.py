"""What is refused says why, in both languages: swapped probes, wrong units, mixed bases, missing and impossible figures."""

import pytest

from analysis.combustion import (
    AshLosses,
    Concentration,
    FlueGas,
    InstrumentLimits,
    against_limit,
    bs845,
    fuel,
    indirect,
    k_factors,
    own_fuel,
    own_gas,
    regulation_on,
    siegert,
    stoichiometry,
    tuning_saving,
    ultimate,
)
from analysis.combustion import furnaces as f
from analysis.results import Refusal
from dodac.errors import ConfigError

OIL = fuel("heavy_oil").elements
GAS = stoichiometry(OIL)
LIMITS = InstrumentLimits()
READING = FlueGas(6.0, 180.0, 30.0)
BOILERS = [
    indirect(OIL, 1e4, FlueGas(o2, t, 30.0), limits=LIMITS).efficiency for o2, t in ((8, 220), (4, 180))
]
PPM = Concentration("co", 100.0, "ppm", o2_pct=6.0)


@pytest.mark.parametrize(
    "name", ["radiation_pct", "blowdown_pct", "humidity_kg_kg", "excess_air_pct", "cp_gas"]
)
def test_a_negative_loss_is_no_way_to_a_better_boiler(name):
    refused = indirect(OIL, 1e4, READING, **{name: -1.0})
    assert isinstance(refused, Refusal)
    assert refused.code == "value_impossible"


def test_ash_is_not_counted_twice():
    refused = indirect(OIL, 1e4, READING, ash=AshLosses(400.0, 0.9, 800.0, 0.9))
    assert isinstance(refused, Refusal)


def test_a_missing_temperature_is_told_not_thrown():
    for reading in (FlueGas(6.0, None, 30.0), FlueGas(6.0, "180", 30.0), FlueGas("6", 180.0, 30.0)):
        for found in (
            siegert(reading, "light_oil"),
            bs845(reading, "light_oil"),
            indirect(OIL, 1e4, reading),
        ):
            assert isinstance(found, Refusal)
            assert found.code == "missing_value"


def test_co_in_percent_is_noticed_and_more_than_can_be_is_refused():
    # 0.08 % typed where 800 ppm is meant
    found = siegert(FlueGas(6.0, 180.0, 30.0, co_ppm=0.08), "natural_gas")
    assert [one.data["co_ppm"] for one in found.findings if one.code == "co_unit"] == [0.08]
    assert "800 ppm" in next(one.en for one in found.findings if one.code == "co_unit")
    quiet = siegert(FlueGas(6.0, 180.0, 30.0, co_ppm=0.0), "natural_gas")
    assert "co_unit" not in [one.code for one in quiet.findings]
    for way in (siegert, bs845):
        refused = way(FlueGas(6.0, 180.0, 30.0, co_ppm=1e6), "natural_gas")
        assert isinstance(refused, Refusal)
        assert refused.code == "co_impossible"


def test_swapped_probes_are_named_with_the_german_label():
    refused = siegert(FlueGas(6.0, 28.0, 195.0), "natural_gas")
    assert isinstance(refused, Refusal)
    assert "German AT" in refused.en
    assert "tiếng Đức" in refused.vi


def test_net_above_gross_says_that_they_are_exchanged():
    refused = own_fuel("x", OIL, hhv_mj_kg=39.2, lhv_mj_kg=41.9, source="s", taken="2026")
    assert isinstance(refused, Refusal)
    assert refused.code == "net_above_gross"
    assert "exchanged" in refused.en


def test_an_analysis_of_93_percent_and_mixed_bases_are_refused():
    for basis in ("as_received", "dry", "daf"):
        refused = ultimate(
            c=70.0, h=4.0, o=9.0, n=1.0, s=1.0, ash=8.0 if basis != "daf" else 0.0, basis=basis
        )
        assert isinstance(refused, Refusal), basis
        assert "basis" in refused.en
    # dry parts given as received, with the moisture on top of them
    assert isinstance(ultimate(c=45.0, h=6.0, o=40.0, n=1.0, s=0.0, ash=8.0, moisture=50.0), Refusal)


def test_hydrogen_has_no_k_factors_and_says_so():
    hydrogen = own_gas("hydrogen", {"h2": 100.0}, source="s", taken="2026")
    for found in (k_factors(hydrogen), bs845(READING, hydrogen)):
        assert isinstance(found, Refusal)
        assert found.code == "no_carbon"
    burnt = indirect(hydrogen, None, READING)
    assert 70.0 < burnt.efficiency_pct < 85.0


def test_gases_that_contradict_one_another_are_told_by_the_indirect_method_too():
    found = indirect(OIL, 1e4, FlueGas(3.0, 180.0, 30.0, co2_pct=7.0))
    assert "gases_disagree" in [one.code for one in found.findings]


def test_an_unknown_limit_says_which_ones_there_are():
    refused = against_limit(PPM, regulation="qcvn19-2009", column="b", flow_m3_h=1e3, zone=3)
    assert isinstance(refused, Refusal)
    assert "A, B" in refused.en
    assert "A, B" in refused.vi


def test_an_unknown_day_or_regulation_is_an_error_that_says_what_to_do():
    from datetime import date

    with pytest.raises(ConfigError, match="no limit of the tables covers"):
        regulation_on(date(2005, 1, 1), existing=True)
    with pytest.raises(ConfigError, match="no regulation"):
        against_limit(PPM, regulation="qcvn19-2025", column="B")


def test_vietnamese_words_have_their_comma_and_no_english_codes():
    refused = siegert(FlueGas(6.0, 28.5, 195.4), "natural_gas")
    assert "28,5 °C" in refused.vi
    assert "28.5 °C" in refused.en
    with_radiation = indirect(OIL, 1e4, READING, radiation_pct=1.0).efficiency
    losses = tuning_saving(with_radiation, BOILERS[1], fuel_before=1.0, output_before=1.0)
    assert "bức xạ" in losses.vi
    assert "radiation" not in losses.vi
    both = bs845(READING, "heavy_oil")
    basis = tuning_saving(both.gross, both.net, fuel_before=1.0, output_before=1.0)
    assert "nhiệt trị cao, hiệu suất kia theo nhiệt trị thấp" in basis.vi
    assert "dầu nhẹ" in fuel("light_oil").findings[0].vi


def test_a_moment_is_taken_as_its_day_and_a_text_is_no_date():
    from datetime import UTC, date, datetime

    moment = datetime(2025, 7, 1, 8, 30, tzinfo=UTC)
    assert (
        regulation_on(moment, existing=False)
        == regulation_on(date(2025, 7, 1), existing=False)
        == "qcvn19-2024"
    )
    with pytest.raises(ConfigError, match="is no date"):
        regulation_on("2025-07-01", existing=False)


def test_numbers_of_numpy_are_numbers_and_missing_ones_are_missing():
    import numpy as np
    import pandas as pd

    plain = siegert(FlueGas(6.0, 180.0, 30.0, co_ppm=50.0), "natural_gas")
    for kind in (np.float32, np.float64, np.int64):
        found = siegert(FlueGas(*(kind(x) for x in (6, 180, 30, 50))), "natural_gas")
        assert found.efficiency_pct == pytest.approx(plain.efficiency_pct, abs=1e-4)
    for missing in (pd.NA, pd.NaT, np.nan):
        assert isinstance(siegert(FlueGas(6.0, missing, 30.0), "natural_gas"), Refusal)


def test_a_long_slot_is_between_its_curves():
    double, six, ten = (f.slot_view_factor(0.3, 0.2, 0.2 * ratio) for ratio in (2.0, 6.0, 10.0))
    assert six == pytest.approx((double + ten) / 2)
    assert f.slot_view_factor(0.3, 0.2, 2000.0) == pytest.approx(ten)
    assert f.slot_view_factor(0.3, 0.2, 0.2) < double < ten
    for wall in (0.05, 0.2, 1.0, 1.99, 2.01, 20.0):
        assert 0.0 < f.slot_view_factor(wall, 0.2, 0.3) <= f.slot_view_factor(wall * 0.9, 0.2, 0.3) + 0.02


@pytest.mark.parametrize(
    ("unit", "at_c"), [("mg", 0), ("mg/Nm3", 0), ("%", 0), ("PPM", 0), ("mg/m3", 20), ("ppm", 15)]
)
def test_a_unit_nobody_knows_is_never_taken_for_ppm(unit, at_c):
    # 600 mg/m3 of CO read as 600 ppm is 687 mg/m3: another verdict
    with pytest.raises(ConfigError, match=r"no unit|no reference temperature"):
        Concentration("co", 600.0, unit, at_c=at_c)


def test_dust_in_ppm_is_refused_by_name():
    dust = Concentration("dust", 80.0, "ppm", o2_pct=6.0)
    with pytest.raises(ConfigError, match="dust has no ppm"):
        against_limit(dust, regulation="qcvn19-2009", column="B", flow_m3_h=100.0, zone=3)
