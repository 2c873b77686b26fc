"""Bills: whole local days, the last day in or out, registers, tariff hours, money, gaps and overlaps."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dodac.clock import DAY_NS, local_text
from dodac.errors import ConfigError, DataError
from drivers import FileReading
from drivers.protocols.files_bill_spec import BillSpec
from drivers.protocols.files_bills import read_bills

ENERGY = (("kWh", "energy_interval_kwh", None),)
ZONE = "Asia/Ho_Chi_Minh"
VERIFI = Path(__file__).parents[4] / "shared" / "data" / "mv" / "verifi-example" / "meter_readings.csv"


def read(folder: Path, text: str, **options: Any) -> FileReading:
    path = folder / "bills.csv"
    path.write_text(text, encoding="utf-8")
    dates = {} if {"read_column", "month_column", "delivered_column"} & set(options) else {
        "from_column": "from", "to_column": "to"
    }  # fmt: skip
    reading = read_bills(path, BillSpec("meter", **{"columns": ENERGY, **dates, **options}))
    counts = reading.counts
    assert counts.rows == counts.samples + counts.refused + counts.repeated + counts.empty
    return reading


def days(reading: FileReading) -> list[tuple[str, str]]:
    """First day, and the first day that is no more of the period."""
    return [
        (local_text(s.start_ns, ZONE, "%Y-%m-%d"), local_text(s.end_ns, ZONE, "%Y-%m-%d"))
        for s in reading.samples
    ]


INCLUSIVE = "from,to,kWh\n2026-01-05,2026-02-04,100\n2026-02-05,2026-03-04,200\n"
SHARED = "from,to,kWh\n2026-01-05,2026-02-05,100\n2026-02-05,2026-03-05,200\n"


def test_the_last_day_is_in_or_out_as_the_bills_that_follow_show(tmp_path: Path) -> None:
    same = [("2026-01-05", "2026-02-05"), ("2026-02-05", "2026-03-05")]
    inclusive, shared = read(tmp_path, INCLUSIVE), read(tmp_path, SHARED)
    assert days(inclusive) == days(shared) == same
    assert any("inclusive" in guess for guess in inclusive.guesses)
    assert any("shared" in guess for guess in shared.guesses)
    assert inclusive.samples[0].span_ns == 31 * DAY_NS


def test_what_nothing_shows_is_asked_and_not_guessed(tmp_path: Path) -> None:
    one = "from,to,kWh\n2026-01-05,2026-02-04,100\n"
    with pytest.raises(DataError, match="--bounds"):
        read(tmp_path, one)
    assert days(read(tmp_path, one, bounds="shared")) == [("2026-01-05", "2026-02-04")]
    with pytest.raises(DataError, match="both"):
        read(tmp_path, SHARED + "2026-03-06,2026-04-05,1\n")
    assert days(read(tmp_path, "from,to,kWh\n2026-01-01,2026-01-31,1\n")) == [("2026-01-01", "2026-02-01")]
    with pytest.raises(DataError, match="--date-format"):
        read(tmp_path, "from,to,kWh\n05/01/2026,04/02/2026,100\n05/02/2026,04/03/2026,200\n")


def test_a_thousands_point_is_asked_for(tmp_path: Path) -> None:
    text = INCLUSIVE.replace(",100", ",12.345").replace(",200", ",13.500")
    with pytest.raises(DataError, match="--decimal"):
        read(tmp_path, text)
    assert read(tmp_path, text, decimal=",").samples[0].values == (12345.0,)


def test_gaps_are_named_overlaps_refused_and_repeats_left_out(tmp_path: Path) -> None:
    text = (
        INCLUSIVE
        + "2026-02-05,2026-03-04,200\n2026-03-01,2026-03-31,5\n2026-05-05,2026-06-04,300\n2026-01-05,2026-02-04,7\n"
    )
    reading = read(tmp_path, text, bounds="inclusive")
    assert [row.line for row in reading.left_out] == [4]
    assert [row.line for row in reading.refused] == [5, 7]
    assert "overlaps the period of line 3" in reading.refused[0].reason
    assert "--where" in reading.refused[1].reason
    assert reading.warnings == ("no bill for 2026-03-05 – 2026-05-04 (61 days)",)


def test_an_adjustment_below_zero_stands_beside_its_bill(tmp_path: Path) -> None:
    reading = read(tmp_path, INCLUSIVE + "2026-01-05,2026-02-04,-30\n")
    assert sorted((s.values[0], s.part) for s in reading.samples) == [(-30.0, 1), (100.0, 0), (200.0, 0)]
    assert any("adjustment" in warning for warning in reading.warnings)


EVN = (
    "Từ ngày;Đến ngày;Chỉ số cũ;Chỉ số mới;HSN;BT;CĐ;TĐ;Tổng;Tiền (VND);Loại\n"
    "05/01/2026;04/02/2026;1000;1100;400;20.000;12.000;8.000;40.000;80.000.000;\n"
    "05/02/2026;28/02/2026;1100;1150;400;10.000;6.000;4.000;20.500;41.500.000;Ước tính\n"
)
EVN_COLUMNS = (
    ("BT", "energy_normal_interval_kwh", None), ("CĐ", "energy_peak_interval_kwh", None), ("TĐ", "energy_offpeak_interval_kwh", None),
)  # fmt: skip
EVN_OPTIONS: dict[str, Any] = {
    "from_column": "Từ ngày", "to_column": "Đến ngày", "old_column": "Chỉ số cũ", "new_column": "Chỉ số mới",
    "factor_column": "HSN", "cost_column": "Tiền", "estimated_column": "Loại", "bounds": "inclusive",
}  # fmt: skip


def test_an_evn_bill_has_tariff_hours_registers_and_money_with_its_day(tmp_path: Path) -> None:
    columns = (*EVN_COLUMNS, ("Tổng", "energy_interval_kwh", None))
    reading = read(tmp_path, EVN, columns=columns, **EVN_OPTIONS)
    assert reading.samples[0].values == (20_000.0, 12_000.0, 8_000.0, 40_000.0)
    first = reading.events[0]
    assert first.data == {
        "from": "2026-01-05", "to": "2026-02-04", "cost": 80e6, "currency": "VND", "price_date": "2026-02-04"
    }  # fmt: skip
    assert (first.time_ns, first.end_ns) == (reading.samples[0].start_ns, reading.samples[0].end_ns)
    assert reading.events[1].data["estimated"] == 1
    told = " · ".join(reading.warnings)
    assert "line 3: the readings give 20000, the bill says 20500" in told
    assert "make 20000 kWh, the bill says 20500" in told
    assert "an estimated reading" in told


def test_without_a_column_of_energy_it_follows_from_hours_or_registers(tmp_path: Path) -> None:
    reading = read(tmp_path, EVN, columns=EVN_COLUMNS, **EVN_OPTIONS)
    assert [s.values[-1] for s in reading.samples] == [40_000.0, 20_000.0]
    reading = read(tmp_path, EVN, columns=(), **EVN_OPTIONS)
    assert [s.values for s in reading.samples] == [(40_000.0,), (20_000.0,)]
    fallen = read(tmp_path, EVN.replace("1100;1150", "1100;50"), columns=(), **EVN_OPTIONS)
    assert [row.line for row in fallen.refused] == [3]
    assert "roll over" in fallen.refused[0].reason


def test_units_and_currencies_inside_the_cells_are_taken_off(tmp_path: Path) -> None:
    text = "from,to,kWh,tiền (đ)\n2026-01-01,2026-01-31,40.000 kWh,80.000.000 đ\n2026-02-01,2026-02-28,1 MWh,5 VND\n"
    reading = read(tmp_path, text, cost_column="tiền")
    assert reading.samples[0].values == (40_000.0,)
    assert reading.events[0].data["cost"] == 80e6
    assert [row.line for row in reading.refused] == [3]


def test_money_needs_its_currency(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--currency"):
        read(tmp_path, EVN.replace(" (VND)", ""), columns=EVN_COLUMNS, **EVN_OPTIONS)
    with pytest.raises(ConfigError, match="three letters"):
        read(tmp_path, EVN, columns=EVN_COLUMNS, currency="dong", **EVN_OPTIONS)


def test_hours_of_the_tariff_on_rows_of_their_own_are_one_bill(tmp_path: Path) -> None:
    rows = "".join(
        f"{first},{last},{hours},{amount},{amount * 2}\n"
        for first, last in (("2026-01-05", "2026-02-04"), ("2026-02-05", "2026-03-04"))
        for hours, amount in (("BT", 1000), ("CĐ", 500), ("TĐ", 400))
    )
    text = f"from,to,bộ,kWh,tiền (nghìn đồng)\n{rows}2026-02-05,2026-03-04,XX,1,1\n"
    reading = read(tmp_path, text, tariff_column="bộ", cost_column="tiền")
    names = (
        "energy_normal_interval_kwh",
        "energy_peak_interval_kwh",
        "energy_offpeak_interval_kwh",
        "energy_interval_kwh",
    )
    for sample in reading.samples:
        found = dict(zip(reading.layout.channels, sample.values, strict=True))
        assert [found[name] for name in names] == [1000.0, 500.0, 400.0, 1900.0]
    assert len(reading.samples) == 2
    assert [row.line for row in reading.left_out] == [3, 4, 6, 7]
    assert [row.line for row in reading.refused] == [8]
    assert reading.events[0].data["cost"] == 3_800_000.0
    assert reading.events[0].data["currency"] == "VND"


def test_a_day_of_reading_ends_one_period_and_begins_the_next(tmp_path: Path) -> None:
    text = "read,m3\n2026-01-05,50\n2026-02-04,60\n2026-03-06,70\n"
    water = (("m3", "volume_interval_m3", None),)
    reading = read(tmp_path, text, columns=water, read_column="read")
    assert days(reading) == [("2026-01-05", "2026-02-04"), ("2026-02-04", "2026-03-06")]
    assert [row.line for row in reading.left_out] == [2]
    assert "--first-from" in reading.left_out[0].reason
    reading = read(tmp_path, text, columns=water, read_column="read", first_from="2025-12-06")
    assert days(reading)[0] == ("2025-12-06", "2026-01-05")


def test_months_and_deliveries(tmp_path: Path) -> None:
    reading = read(tmp_path, "kỳ,kWh\nTháng 01/2026,5\nT2/2026,6\n2026-03,7\n13/2026,8\n", month_column="kỳ")
    assert days(reading) == [
        ("2026-01-01", "2026-02-01"),
        ("2026-02-01", "2026-03-01"),
        ("2026-03-01", "2026-04-01"),
    ]
    assert [row.line for row in reading.refused] == [5]
    oil = (("oil", "fuel_interval_m3", "l"),)
    reading = read(
        tmp_path, "day,oil\n2026-01-15,5000\n2026-03-20,4000\n", columns=oil, delivered_column="day"
    )
    assert days(reading) == [("2026-01-15", "2026-01-16"), ("2026-03-20", "2026-03-21")]
    assert reading.samples[0].values == (5.0,)
    assert not reading.warnings
    assert any("when it was used is not known" in guess for guess in reading.guesses)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"columns": (("kWh", "power_w", "kW"),)}, "amount of a period"),
        ({"columns": (("kWh", "energy_interval_kwh", "m3"),)}, "convert"),
        ({"columns": ()}, "no column"),
        ({"from_column": None, "to_column": None}, "--from and --to"),
        ({"to_column": None}, "--from and --to"),
        ({"old_column": "kWh"}, "--old and --new"),
        ({"where": (("kWh", "nothing"),)}, "no row has"),
        ({"zone": "Asia/Nowhere"}, "time zone"),
    ],
)
def test_what_is_missing_or_wrong_is_asked_in_words(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises((ConfigError, DataError), match=words):
        read(tmp_path, INCLUSIVE, **change)


def test_broken_rows_are_refused_by_line(tmp_path: Path) -> None:
    text = (
        INCLUSIVE
        + "2026-03-05,2026-02-01,5\n2026-03-05,2028-03-05,5\n2026-03-05,x,5\n2026-03-05,2026-04-04,1O\n"
    )
    reading = read(tmp_path, text)
    assert [row.line for row in reading.refused] == [4, 5, 6, 7]


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.tuples(st.integers(20, 40), st.integers(0, 10**6)), min_size=2, max_size=15),
    st.sampled_from(["inclusive", "shared"]),
    st.randoms(use_true_random=False),
)
def test_bills_cover_every_day_once_whatever_their_order(
    tmp_path: Path, bills: list[tuple[int, int]], bounds: str, rng: Any
) -> None:
    day, lines = date(2025, 3, 14), []
    for length, amount in bills:
        end = day + timedelta(length)
        lines.append(f"{day},{end if bounds == 'shared' else end - timedelta(1)},{amount}")
        day = end
    rng.shuffle(lines)
    reading = read(tmp_path, "from,to,kWh\n" + "\n".join(lines) + "\n")
    assert sum(s.values[0] for s in reading.samples) == sum(amount for _, amount in bills)
    ordered = sorted(reading.samples, key=lambda s: s.start_ns)
    assert all(a.end_ns == b.start_ns for a, b in pairwise(ordered))
    assert ordered[-1].end_ns - ordered[0].start_ns == sum(n for n, _ in bills) * DAY_NS
    assert not reading.warnings


@pytest.mark.skipif(not VERIFI.exists(), reason="shared data not here")
def test_the_bills_of_the_example_plants_are_read_meter_by_meter() -> None:
    import csv

    with VERIFI.open(encoding="utf-8") as file:
        rows = [
            r for r in csv.DictReader(file) if r["facility"] == "HQ (Simple)" and r["meter"] == "Electricity"
        ]
    reading = read_bills(
        VERIFI,
        BillSpec(
            "hq", (("energy", "energy_interval_kwh", "kWh"),), zone="UTC", read_column="read_date", cost_column="cost",
            currency="USD", where=(("facility", "HQ (Simple)"), ("meter", "Electricity")),
        ),
    )  # fmt: skip
    assert len(reading.samples) == len(rows) - 1
    assert not reading.refused
    assert sum(s.values[0] for s in reading.samples) == pytest.approx(
        sum(float(r["energy"]) for r in rows[1:])
    )
    assert sum(float(e.data["cost"]) for e in reading.events) == pytest.approx(
        sum(float(r["cost"]) for r in rows[1:])
    )


def test_readings_without_their_factor_give_no_amount(tmp_path: Path) -> None:
    text = "from;to;old;new;factor\n2026-01-05;2026-02-04;100;150;800\n2026-02-05;2026-03-04;150;200;\n"
    options = {"columns": (), "old_column": "old", "new_column": "new", "factor_column": "factor"}
    reading = read(tmp_path, text, bounds="inclusive", **options)
    assert [sample.values[0] for sample in reading.samples] == [40_000.0]
    assert [row.line for row in reading.refused] == [3]
