"""Norms (định mức): in force on a day, by size of plant, beside a plant's own figure."""

from __future__ import annotations

from datetime import date

import pytest

from analysis._tables import in_force, table
from analysis.benefits import against, norm, norms_of
from analysis.benefits.norms import _fits
from dodac.errors import ConfigError

NOW = date(2024, 6, 1)


@pytest.mark.parametrize(
    ("product", "day", "capacity", "value", "unit"),
    [
        ("beer", date(2018, 1, 1), 10, 306, "MJ/hl"),
        ("beer", NOW, 10, 286, "MJ/hl"),
        ("beer", NOW, 20, 196, "MJ/hl"),
        ("beer", NOW, 19.9, 286, "MJ/hl"),
        ("beer", NOW, 100, 196, "MJ/hl"),
        ("beer", NOW, 100.1, 129, "MJ/hl"),
        ("tissue", NOW, 10_000, 14_572, "MJ/t"),
        ("soft_drink_still", NOW, None, 107, "MJ/hl"),
        ("billet_arc", NOW, None, 2500, "MJ/t"),
        ("hot_rolled_long", date(2017, 1, 1), None, 1650, "MJ/t"),
        ("packaging_paper", NOW, 60_000, 6713, "MJ/t"),
        ("tissue", NOW, 5_000, 13_169, "MJ/t"),
        ("shrimp", NOW, 500, 2050, "kWh/t"),
    ],
)
def test_the_norm_in_force_on_the_day_and_for_the_size_is_taken(product, day, capacity, value, unit):
    found = norm(product, day, capacity)
    assert (found.value, found.unit) == (value, unit)
    assert found.document.startswith("Circular")


def test_a_norm_out_of_force_is_refused_with_what_is_known():
    for day in (date(2010, 1, 1), date(2026, 1, 1)):
        refused = norm("beer", day, 50)
        assert refused.code == "norm_not_in_force"
        assert "beer-medium-2025" in refused.en


def test_a_norm_by_size_asks_for_the_size():
    assert norm("beer", NOW).code == "norm_by_size"
    assert "million l/year" in norm("beer", NOW).en
    assert norm("shrimp", NOW, 100).code == "norm_size_not_covered"


def test_a_norm_whose_figure_was_not_seen_is_named_not_invented():
    refused = norm("packaging", date(2025, 6, 1))
    assert refused.code == "norm_figure_not_seen"
    assert "29/2024" in refused.en
    assert "38/2016" in norm("packaging", NOW).en


def test_a_benchmark_is_no_norm():
    assert norm("beer", NOW, kind="benchmark", per="MJ/hl").value == 207
    assert norm("beer", NOW, kind="benchmark", per="hl/hl").value == 4.3
    assert norm("beer", NOW, kind="benchmark", per="kWh/l").value == 207
    with pytest.raises(ConfigError, match="several quantities"):
        norm("beer", NOW, kind="benchmark")


def test_a_plants_figure_stands_beside_the_norm_in_its_unit():
    aim = norm("beer", NOW, 50)
    found = against(0.62, "kWh/l", aim)  # 0.62 kWh/l = 62 kWh/hl = 223.2 MJ/hl
    assert found.value == pytest.approx(223.2)
    assert found.above_pct == pytest.approx(100 * (223.2 / 196 - 1))
    assert not found.met
    assert against(190, "MJ/hl", aim).met
    assert against(1.05, "kWh/kg", norm("catfish", NOW, 500)).above_pct == pytest.approx(0.0)
    assert against(float("nan"), "MJ/hl", aim).code == "not_a_number"
    for unit in ("MJ/t", "kWh", "MJ/furlong"):
        with pytest.raises(ConfigError):
            against(1, unit, aim)


def test_an_unknown_product_names_the_nearest():
    with pytest.raises(ConfigError, match="beer"):
        norms_of("beeer")


def test_every_size_on_every_day_has_one_norm_at_most():
    rows = [row for row in table("norms") if row["kind"] == "norm"]
    sizes = {
        size + step
        for row in rows
        for key in ("capacity_from", "capacity_to", "capacity_above", "capacity_below")
        if (size := row.get(key)) is not None
        for step in (-0.5, 0, 0.5)
    }
    days = {row[key] for row in rows for key in ("valid_from", "valid_to") if key in row}
    for row in rows:
        assert row["valid_from"] <= row.get("valid_to", date.max)
        assert ("capacity_unit" in row) == any(key.startswith("capacity_") for key in row)
    for product in {row["product"] for row in rows}:
        own = [row for row in rows if row["product"] == product]
        for day in days:
            current = in_force(own, day)
            assert all(sum(_fits(row, size) for row in current) <= 1 for size in sizes), (product, day)
