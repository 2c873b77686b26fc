"""Exports that look right and are read wrong: each of these was, or would be without a word in its favour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dodac.clock import iso_utc
from dodac.errors import DataError
from drivers import FileReading, FileSpec, read_interval_file
from drivers.protocols.files_words import meanings

POWER = ("P (kW)", "power_w", None)


def read(folder: Path, text: str, *columns: tuple[str, str, str | None], **options: Any) -> FileReading:
    path = folder / "data.csv"
    path.write_text(text, encoding="utf-8")
    reading = read_interval_file(path, FileSpec("x", columns or (POWER,), **{"zone": "UTC", **options}))
    assert len(reading.samples) == reading.counts.samples
    return reading


def values(reading: FileReading) -> list[float]:
    return [sample.values[0] for sample in reading.samples]


# ---- numbers


def test_a_point_in_a_file_of_commas_is_a_fault_and_not_a_thousand_times_more(tmp_path: Path) -> None:
    rows = "2026-03-13 08:00;12,5;0.125\n2026-03-13 09:00;13,5;0.150\n2026-03-13 10:00;1,5;1.050,5\n"
    reading = read(tmp_path, f"Time;P (kW);I\n{rows}", POWER, ("I", "current_l1_a", None))
    assert values(reading) == [1500.0]
    assert reading.samples[0].values[1] == 1050.5
    assert [(row.line, "decimal comma" in row.reason) for row in reading.refused] == [(2, True), (3, True)]


@pytest.mark.parametrize("header", ["kW", "KW"])
def test_a_column_that_is_called_kw_is_in_kw(tmp_path: Path, header: str) -> None:
    text = f"Time;{header}\n2026-03-13 08:00;1\n2026-03-13 09:00;2\n"
    assert values(read(tmp_path, text, (header, "power_w", None))) == [1000.0, 2000.0]


@pytest.mark.parametrize("told", [None, "kW"])
def test_the_same_column_further_down_in_another_unit_keeps_its_own(tmp_path: Path, told: str | None) -> None:
    rows = (
        "Time,P (kW)",
        "2026-03-13 08:00,1.5",
        "2026-03-13 08:15,1.6",
        "Time,P (W)",
        "2026-03-13 08:30,1700",
    )
    reading = read(tmp_path, "\n".join(rows) + "\n", ("P (kW)", "power_w", told))
    assert values(reading) == [1500.0, 1600.0, 1700.0]
    assert not reading.refused
    # a unit told against the first header is the user's word for all tables
    assert values(read(tmp_path, "\n".join(rows) + "\n", ("P (kW)", "power_w", "W")))[:2] == [1.5, 1.6]


def test_the_unit_beside_a_number_is_looked_at_in_every_row(tmp_path: Path) -> None:
    text = (
        "Date,Time,CH1 Value,CH1 Unit\n2026/3/12,08:00:00,25.4,Degree C\n2026/3/12,08:00:10,77.9,Degree F\n"
        "2026/3/12,08:00:20,25.5,Degree C\n"
    )
    reading = read(tmp_path, text, ("CH1 Value", "temperature_c", None))
    assert values(reading) == [25.4, 25.5]
    assert [(row.line, row.reason) for row in reading.refused] == [
        (3, 'column "CH1 Value": the number is in degF, not degC')
    ]


def test_a_percent_sign_in_a_cell_of_percent_by_volume_is_no_other_unit(tmp_path: Path) -> None:
    text = "Time;O2\n2026-03-13 08:00;5,4%\n2026-03-13 08:15;5,5 %\n"
    assert values(read(tmp_path, text, ("O2", "o2_pct", None))) == [5.4, 5.5]


def test_amounts_that_never_fall_are_asked_about(tmp_path: Path) -> None:
    energy = ("Energy (kWh)", "energy_interval_kwh", None)
    index = "".join(f"2026-03-13 {h:02d}:00,{123456.7 + h * 10:.1f}\n" for h in range(24))
    (warning,) = read(tmp_path, f"Time,Energy (kWh)\n{index}", energy).warnings
    assert "energy_import_kwh" in warning
    used = "".join(f"2026-03-13 {h:02d}:00,{10 + h % 5}\n" for h in range(24))
    assert not read(tmp_path, f"Time,Energy (kWh)\n{used}", energy).warnings


# ---- times


def test_a_clock_of_twelve_hours_without_am_and_pm_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"2026-03-13 {h % 12 or 12:02d}:{h:02d},{h}\n" for h in range(24))
    with pytest.raises(DataError, match="without AM and PM"):
        read(tmp_path, f"Time,P (kW)\n{rows}")
    newest_first = "".join(f"2026-03-13 {h % 12 or 12:02d}:{h:02d},{h}\n" for h in range(23, -1, -1))
    with pytest.raises(DataError, match="without AM and PM"):
        read(tmp_path, f"Time,P (kW)\n{newest_first}")
    morning = "".join(f"2026-03-13 {h:02d}:00,{h}\n" for h in range(1, 13))
    assert len(values(read(tmp_path, f"Time,P (kW)\n{morning}"))) == 12


def test_one_date_with_a_short_year_can_be_read_from_both_ends(tmp_path: Path) -> None:
    rows = "Date,Time,P (kW)\n25/03/26,08:00,1\n25/03/26,08:15,2\n"
    with pytest.raises(DataError, match="day or year may come first"):
        read(tmp_path, rows)
    found = [read(tmp_path, rows, date_format=order).samples[0].start_ns for order in ("dmy", "ymd")]
    assert [iso_utc(ns)[:10] for ns in found] == ["2026-03-25", "2025-03-26"]
    two_days = rows + "26/03/26,08:30,3\n"  # a year does not change over night
    assert iso_utc(read(tmp_path, two_days, interval="15min").first_ns)[:10] == "2026-03-25"


@pytest.mark.parametrize(
    "stamp",
    [
        "13-Mar-26 08:00", "13-MAR-2026 08:00:00", "13 Mar 2026 08:00", "13 März 2026 08:00", "13-Thg3-2026 8:00 SA",
        "13 thg 3 2026 08:00", "08:00 13/03/2026", "8:00:00 SA 13/03/2026", "08:00, 13.03.2026", "2026-03-13T08:00",
    ],
)  # fmt: skip
def test_months_in_words_and_the_time_before_the_date_are_read(tmp_path: Path, stamp: str) -> None:
    reading = read(tmp_path, f"Thời gian;P (kW)\n{stamp};1\n", interval="1h")
    assert iso_utc(reading.first_ns) == "2026-03-13T08:00:00Z"


@pytest.mark.parametrize(
    "stamp", ["13-Foo-2026 08:00", "31-Feb-2026 08:00", "25:00 13/03/2026", "13 Mar 08:00"]
)
def test_what_is_no_date_after_all_is_refused(tmp_path: Path, stamp: str) -> None:
    good = "13-Mar-2026 09:00;2\n13-Mar-2026 10:00;3\n13-Mar-2026 11:00;3\n"
    reading = read(tmp_path, f"Time;P (kW)\n{good}{stamp};1\n")
    assert [row.line for row in reading.refused] == [5]


def test_dates_that_a_program_wrote_as_midnights_go_with_their_column_of_times(tmp_path: Path) -> None:
    rows = "".join(f"2026-03-12 00:00:00,{clock},1\n" for clock in ("08:00", "08:30", "09:00"))
    reading = read(tmp_path, f"Ngày,Giờ,P (kW)\n{rows}")
    assert [iso_utc(sample.start_ns)[11:16] for sample in reading.samples] == ["08:00", "08:30", "09:00"]
    # a time of day of something else is not the row's time
    days = "".join(f"2026-03-{day} 00:00:00,14:{day},1\n" for day in (12, 13, 14))
    assert read(tmp_path, f"Ngày,Max demand at,P (kW)\n{days}").interval == "1d"


def test_stamps_that_run_to_24_00_are_ends(tmp_path: Path) -> None:
    rows = "".join(f"13/03/2026 {n // 2:02d}:{n % 2 * 30:02d};{n}\n" for n in range(1, 49))
    reading = read(tmp_path, f"Thời điểm;P (kW)\n{rows}")
    assert iso_utc(reading.first_ns) == "2026-03-13T00:00:00Z"
    assert iso_utc(reading.last_ns) == "2026-03-14T00:00:00Z"
    assert any("24:00" in guess for guess in reading.guesses)
    assert iso_utc(read(tmp_path, f"Thời điểm;P (kW)\n{rows}", stamp="start").first_ns)[11:16] == "00:30"


@pytest.mark.parametrize(
    ("header", "zone", "other"),
    [("Time (UTC)", "UTC", "Asia/Ho_Chi_Minh"), ("Giờ GMT+7", "Asia/Ho_Chi_Minh", "UTC")],
)
def test_the_zone_that_a_header_names_is_not_passed_over(
    tmp_path: Path, header: str, zone: str, other: str
) -> None:
    text = f"{header};P (kW)\n2026-03-13 08:00;1\n2026-03-13 09:00;2\n"
    assert len(values(read(tmp_path, text, zone=zone))) == 2
    with pytest.raises(DataError, match="--timezone"):
        read(tmp_path, text, zone=other)


def test_a_date_that_stays_behind_after_midnight_is_told(tmp_path: Path) -> None:
    rows = "".join(f"13/03/2026;{h % 24:02d}:30;{h}\n" for h in range(8, 32))
    (warning,) = read(tmp_path, f"Ngày;Giờ;P (kW)\n{rows}").warnings
    assert "1 times a row is earlier" in warning
    newest = "".join(f"13/03/2026;{h:02d}:30;{h}\n" for h in range(23, 8, -1))
    assert not read(tmp_path, f"Ngày;Giờ;P (kW)\n{newest}").warnings


def test_two_steps_that_differ_show_no_interval(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--interval"):
        read(tmp_path, "Time;P (kW)\n2026-03-01;1\n2026-03-16;2\n2026-04-03;3\n")


# ---- what stands below a table


def test_totals_notes_and_empty_rows_below_a_table_are_no_rows(tmp_path: Path) -> None:
    text = (
        "Ngày;Giờ;P (kW)\n13/03/2026;08:00;1\n13/03/2026;09:00;2\n;;\nTổng cộng;;3\n;Trung bình;1,5\n"
        "Ghi chú: đổi công tơ 12/03/2026;;\nPrinted by admin\n;;4\n13/03/2026;;5\n13/03/2026;1\n"
    )
    reading = read(tmp_path, text)
    assert values(reading) == [1000.0, 2000.0]
    assert reading.aside == (1, 4, 5, 6, 7, 8)
    # a number without a date or without its time of day, and a torn row, are refused as ever
    assert [row.line for row in reading.refused] == [9, 10, 11]
    assert reading.facts["file: Ghi chú"] == "đổi công tơ 12/03/2026"


# ---- words


@pytest.mark.parametrize(
    ("header", "channel"),
    [
        ("CO2(tCO2)", None), ("Electricity (VND)", None), ("Điện năng (đồng)", None), ("Nước (nghìn đồng)", None), ("Gas [$]", None),
        ("Gas (MBTU)", None), ("O2 (dry)", "o2_pct"), ("Power (Total)", "power_w"), ("AVG_PF[_]", "power_factor"),
        ("Điện năng (kWh)", "energy_interval_kwh"), ("kW", "power_w"),
    ],
)  # fmt: skip
def test_money_and_units_that_are_unknown_are_no_readings(header: str, channel: str | None) -> None:
    (meaning,) = meanings(["Time", header])
    assert meaning.channel == channel
