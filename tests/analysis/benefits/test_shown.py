"""What people and machines see of a benefit row."""

from __future__ import annotations

import json
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.benefits import (
    RESOURCES,
    Factors,
    IndicatorDefinition,
    Money,
    OptionResult,
    SpecificConsumption,
    amount,
    benefits,
    record,
    summed,
    table_lines,
)

YEAR = (date(2022, 1, 1), date(2022, 12, 31))
FACTORS = Factors(grades={"coal": "anthracite", "biomass": "wood"})
BEER = SpecificConsumption(IndicatorDefinition("beer", "MJ", "hl", "beer", "bia"), 250.0, 200.0, 196.0)


def row(name="a", **more):
    return benefits(OptionResult(name, *YEAR, **more), FACTORS)


def test_each_class_is_shown_beside_a_mixed_sum_in_both_languages():
    rows = [
        row(amounts=(amount("electricity", 1234.5, "MWh", "verified", half_width=61),)),
        row("b", amounts=(amount("electricity", 100, "MWh", "reported", half_width=1),)),
    ]
    whole = summed(rows)
    en = {line[0]: line[1:] for line in table_lines([*rows, *whole], "en")}
    vi = {line[0]: line[1:] for line in table_lines([*rows, *whole], "vi")}
    assert en["electricity (MWh)"][0] == "1,234 ± 61 (verified)"
    assert en["electricity (MWh)"][2] == "1,334 ± 61 = 100.0 ± 1.0 (reported) + 1,234 ± 61 (verified)"
    assert vi["điện (MWh)"][0] == "1.234 ± 61 (đã kiểm chứng)"
    assert "coal (t)" not in en
    assert en["payback (months)"][0] == "The investment is not given."
    assert vi["hoàn vốn (tháng)"][0] == "Chưa có vốn đầu tư."


def test_an_incomplete_sum_says_so_and_a_normal_year_stands_apart():
    shown = row(
        amounts=(amount("coal", 1, "t", "measured"), amount("diesel", -1, "t", "measured")),
        normal_year=(amount("coal", 5, "t", "estimated"),),
        investment=Money(1e9, "VND", "2022"),
        saving=Money(5e8, "VND", "2022"),
    )
    lines = {line[0]: line[1] for line in table_lines([shown], "en")}
    assert lines["CO₂, fossil (t)"].endswith("– incomplete")
    assert lines["coal (t), normal year"] == "5 (estimated)"
    assert lines["payback (months)"] == "24.0"
    assert lines["investment"] == "1,000,000,000 VND (2022)"


def test_specific_consumption_stands_before_after_and_target():
    lines = {line[0]: line[1:] for line in table_lines([row(specific=(BEER,)), row("b")], "en")}
    assert lines["beer (MJ/hl)"] == ["250.0 → 200.0 (−20.0 %), target 196.0", ""]
    lines = {line[0]: line[1:] for line in table_lines([row(specific=(BEER,))], "vi")}
    assert lines["bia (MJ/hl)"] == ["250,0 → 200,0 (−20,0 %), mục tiêu 196,0"]


def test_a_record_is_plain_data_with_reasons():
    made = json.loads(
        json.dumps(record(row(amounts=(amount("coal", -1, "t", "measured"),), specific=(BEER,))))
    )
    assert made["period"]["coal"]["refused"][0]["code"] == "negative_saving"
    assert made["saving_per_year"]["refused"][0]["code"] == "missing"
    assert made["specific"][0]["unit"] == "MJ/hl"


ANY = st.one_of(st.floats(), st.sampled_from([0.0, 1e12, -1e12, 1e17, 1e300, 5e-324]))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(RESOURCES)), ANY, st.booleans(), st.one_of(st.none(), ANY)),
        max_size=5,
    ),
    st.one_of(st.none(), ANY),
    st.one_of(st.none(), ANY),
)
def test_whatever_is_typed_no_nan_and_no_infinity_comes_out(items, investment, saving):
    amounts = tuple(
        amount(name, value, RESOURCES[name].unit, "measured", half_width=width, increase=increase)
        for name, value, increase, width in items
    )
    made = row(
        amounts=amounts,
        investment=None if investment is None else Money(investment, "VND", "2022"),
        saving=None if saving is None else Money(saving, "VND", "2022"),
    )
    whole = summed([made, made])
    for one in (made, *whole):
        json.dumps(record(one), allow_nan=False)
    table_lines([made, *whole], "vi")
