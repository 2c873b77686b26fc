"""What a bill's power factor costs comes from its counters, and from the table of its date."""

from datetime import date

import numpy as np
import pytest

from analysis import Refusal
from analysis._tables import rows_of, table
from analysis.engineering.reactive import (
    PowerFactorCharge,
    capacitor_kvar,
    power_factor,
    power_factor_charge,
    register_energy,
)
from dodac.errors import ConfigError
from dodac.money import Money


# Circular 15/2014/TT-BCT: the whole table is (0.9/cos φ − 1)·100, rounded to two digits
def test_the_table_of_the_power_factor_is_the_formula_it_was_made_from():
    for step in table("reactive_vn")[0]["k_pct"]:
        assert step["k"] == pytest.approx(100 * (0.9 / step["power_factor"] - 1), abs=0.0051)


@pytest.mark.parametrize(
    ("kwh_", "kvarh", "k"),
    [
        (900.0, 435.89, 0.0),
        (800.0, 600.0, 12.5),
        (895.5, 445.05, 0.0),
        (894.9, 446.3, 1.12),
        (500.0, 866.03, 52.54),
        (600.0, 800.0, 50.0),
    ],
)
def test_the_charge_of_a_month_goes_by_two_digits(kwh_, kvarh, k):
    found = power_factor_charge(kwh_, kvarh, date(2026, 6, 30), active_cost=Money(1e9, "VND", "2026-06-30"))
    assert isinstance(found, PowerFactorCharge)
    assert found.k_pct == k
    assert found.amount == Money(1e9 * k / 100, "VND", "2026-06-30")


def test_small_customers_and_early_days_pay_nothing_by_this_table():
    small = power_factor_charge(800.0, 600.0, date(2026, 6, 30), max_power_kw=30.0)
    assert isinstance(small, PowerFactorCharge)
    assert (small.k_pct, small.amount) == (0.0, None)
    assert isinstance(power_factor_charge(800.0, 600.0, date(2013, 1, 1)), Refusal)
    assert isinstance(power_factor(0.0, 100.0), Refusal)
    assert isinstance(power_factor(float("nan"), 100.0), Refusal)
    assert power_factor(800.0, 600.0) == pytest.approx(0.8)


def test_a_capacitor_lifts_the_power_factor_to_the_wanted_one():
    kvar = capacitor_kvar(100.0, 0.7, 0.95)
    assert kvar == pytest.approx(69.15, abs=0.01)
    reactive = 100.0 * np.tan(np.arccos(0.7)) - kvar
    assert power_factor(100.0, reactive) == pytest.approx(0.95)
    assert capacitor_kvar(100.0, 0.98, 0.95) == 0.0
    assert isinstance(capacitor_kvar(100.0, 0.0, 0.95), Refusal)


def test_a_months_readings_become_a_charge_through_the_ct_ratio():
    # 22 kV, CT 100/5 A, VT 22 000/110 V: multiplier 20 · 200 = 4 000; kvarh counter runs over at 6 digits
    active = register_energy(12_345.0, 12_370.0, multiplier=4000.0)
    reactive = register_energy(999_990.0, 8.75, multiplier=4000.0, digits=6)
    assert (active, reactive) == (100_000.0, 75_000.0)
    charge = power_factor_charge(
        active, reactive, date(2026, 6, 30), active_cost=Money(2e8, "VND", "2026-06-30")
    )
    assert isinstance(charge, PowerFactorCharge)
    assert (charge.power_factor, charge.k_pct) == (0.8, 12.5)
    assert charge.amount == Money(2.5e7, "VND", "2026-06-30")


@pytest.mark.parametrize(
    ("first", "last", "more"),
    [
        (100.0, 90.0, {}),
        (float("nan"), 90.0, {}),
        (1.0, 2.0, {"multiplier": 0.0}),
        (-1.0, 2.0, {}),
        (200_000.0, 5.0, {"digits": 5}),
    ],
)
def test_readings_that_are_no_energy_are_refused(first, last, more):
    assert isinstance(register_energy(first, last, **more), Refusal)


def test_a_charge_that_only_rounding_saves_is_told():
    found = power_factor_charge(895.5, 445.05, date(2026, 6, 30))
    assert isinstance(found, PowerFactorCharge)
    assert (found.k_pct, [finding.code for finding in found.findings]) == (0.0, ["power_factor_rounded"])
    clear = power_factor_charge(900.0, 400.0, date(2026, 6, 30))
    assert isinstance(clear, PowerFactorCharge)
    assert clear.findings == ()


def test_no_charge_is_made_of_numbers_that_are_none():
    day = date(2026, 6, 30)
    assert isinstance(power_factor_charge(800.0, -600.0, day), Refusal)
    assert isinstance(power_factor_charge(800.0, 600.0, day, max_power_kw=float("nan")), Refusal)
    nothing = Money(float("nan"), "VND", "2026-06")
    assert isinstance(power_factor_charge(800.0, 600.0, day, active_cost=nothing), Refusal)


def test_a_table_of_ones_own_that_lacks_a_step_is_named():
    rows = rows_of(
        '[[rows]]\nid="own"\ndocument="contract"\nlimit=0.9\nfrom_kw=0.0\nfloor=0.6\nbelow_floor_pct=50.0\n'
        'k_pct=[{power_factor=0.89,k=1.0}]\nsource="contract"\nchecked="read"\ntaken=2026-01-01\n',
        "own.toml",
    )
    remembered = [{**rows[0], "checked": "remembered"}]
    said = power_factor_charge(890.0, 455.96, date(2026, 6, 30), rows=remembered)
    assert isinstance(said, PowerFactorCharge)
    assert (said.k_pct, [finding.code for finding in said.findings]) == (1.0, ["remembered"])
    with pytest.raises(ConfigError, match=r"no step for 0\.80"):
        power_factor_charge(800.0, 600.0, date(2026, 6, 30), rows=rows)


def test_numbers_in_vietnamese_have_a_comma():
    rounded = power_factor_charge(895.5, 445.05, date(2026, 6, 30))
    assert isinstance(rounded, PowerFactorCharge)
    assert "0,8955" in rounded.findings[0].vi
    assert "0.8955" in rounded.findings[0].en
    fell = register_energy(1_234_567.5, 12.25)
    assert isinstance(fell, Refusal)
    assert "1234567,5 xuống 12,25" in fell.vi
