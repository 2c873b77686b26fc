"""Files as people really have them: cut, mixed, upside down; no row goes unheard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dodac.clock import iso_utc
from dodac.errors import ConfigError, DataError, DodacError, Exit
from drivers import FileReading, FileSpec, read_interval_file

ENERGY = (("kWh", "energy_interval_kwh", None),)
HEAD = "time,kWh\n"


def read(folder: Path, text: str | bytes, **options: Any) -> FileReading:
    path = folder / "data.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    reading = read_interval_file(path, FileSpec("meter", **{"columns": ENERGY, "zone": "UTC", **options}))
    assert len(reading.samples) == reading.counts.samples  # read now: the next call writes the file anew
    return reading


def hours(stamps: list[str], first: int = 1) -> str:
    return HEAD + "".join(f"{stamp},{value}\n" for value, stamp in enumerate(stamps, start=first))


def test_every_row_that_gave_no_reading_is_listed_with_its_line(tmp_path: Path) -> None:
    text = hours(["2026-01-01 00:00", "2026-01-01 01:00", "2026-01-01 02:00"])
    text += "2026-01-01 03:00,\n2026-01-01 02:00,3\n2026-01-01 04:00,1e12\n2026-01-01 05:00,N/a\n"
    reading = read(tmp_path, text)
    assert [(row.line, row.reason) for row in reading.left_out] == [
        (5, "no value"),
        (6, "says again what line 4 says"),
        (8, "no value"),
    ]
    assert [(row.line, row.reason) for row in reading.doubted] == [
        (7, "energy_interval_kwh out_of_range (1e+12)")
    ]
    counts = reading.counts
    assert counts.rows == counts.samples + len(reading.refused) + len(reading.left_out) == 7


def test_a_file_with_the_newest_row_first_keeps_its_days(tmp_path: Path) -> None:
    # its midnights were taken for midnights of the old date and moved by a day
    stamps = [f"2026-01-0{day} {hour:02d}:00" for day in (1, 2) for hour in range(24)]
    down = read(tmp_path, hours(stamps[::-1]), stamp="end")
    up = read(tmp_path, hours(stamps), stamp="end")
    assert sorted(s.time_ns for s in down.samples) == [s.time_ns for s in up.samples]
    assert "the newest row stands first" in down.guesses


def test_the_double_hour_of_a_file_with_the_newest_row_first(tmp_path: Path) -> None:
    stamps = [f"2024-10-27 0{hour}:00" for hour in (0, 1, 2, 2, 3, 4, 5)]
    down = read(tmp_path, hours(stamps[::-1]), zone="Europe/Berlin")
    starts = [iso_utc(sample.start_ns)[11:13] for sample in down.samples]
    assert starts == ["04", "03", "02", "01", "00", "23", "22"]


@pytest.mark.parametrize("stamp", ["0001-01-01", "1600-01-01", "1969-12-31", "2300-01-01", "9999-12-31"])
def test_a_clock_that_was_never_set_is_a_refused_row_and_no_crash(tmp_path: Path, stamp: str) -> None:
    for zone in ("UTC", "Asia/Ho_Chi_Minh", "America/New_York"):
        text = hours([f"{stamp} 23:00", "2026-01-01 00:00", "2026-01-01 01:00", "2026-01-01 02:00"])
        reading = read(tmp_path, text, zone=zone, interval="1h")
        assert [row.line for row in reading.refused] == [2]
        assert f"year {int(stamp[:4])}" in reading.refused[0].reason


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    text = 'time,kWh,note\n2026-01-01 00:00,1,"a\u2028b\x0bc\x0cd\x85e"\n2026-01-01 01:00,x,\n2026-01-01 02:00,1,\n'
    reading = read(tmp_path, text, interval="1h")
    assert [row.line for row in reading.refused] == [3]


def test_a_note_in_quotation_marks_may_run_over_lines(tmp_path: Path) -> None:
    text = 'time,kWh,note\n2026-01-01 00:00,1,"a\nb, c"\n2026-01-01 01:00,2,d\n2026-01-01 02:00,oh,d\n'
    reading = read(tmp_path, text, interval="1h")
    assert [s.values[0] for s in reading.samples] == [1, 2]
    assert [row.line for row in reading.refused] == [5]


def test_a_quotation_mark_too_many_swallows_no_good_row(tmp_path: Path) -> None:
    text = 'time,kWh,note\n2026-01-01 00:00,1,"a\n2026-01-01 01:00,2,b\n2026-01-01 02:00,3,"c"\n'
    reading = read(tmp_path, text, interval="1h")
    assert [s.values[0] for s in reading.samples] == [2, 3]
    assert [(row.line, row.reason) for row in reading.refused] == [(2, "a quotation mark is not closed")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b" \n\n", "empty"),
        (b"time,kWh\n", "a header and no rows"),
        (b"time,kWh\nx\ny\n", "1 field, the header has 2"),
        (b"PK\x03\x04\x14\x00", "workbook"),
        (b"time,kWh\n2026-01-01,1\n\x00\x00\n", "zero bytes"),
        (b"time,kWh\n2026-01-01 00:00,1\n2026-01-01 01:00,2\n", ""),
    ],
)
def test_what_is_wrong_with_a_whole_file_is_said(tmp_path: Path, data: bytes, words: str) -> None:
    if not words:
        assert len(read(tmp_path, data).samples) == 2
        return
    with pytest.raises(DataError, match=words) as caught:
        read(tmp_path, data)
    assert caught.value.exit_code == Exit.FINDING


def test_a_torn_utf_16_file_keeps_all_lines_but_the_last(tmp_path: Path) -> None:
    whole = hours(["2026-01-01 00:00", "2026-01-01 01:00", "2026-01-01 02:00"]).encode("utf-16")
    reading = read(tmp_path, whole[:-3])
    assert [s.values[0] for s in reading.samples] == [1, 2]
    assert [row.line for row in reading.refused] == [4]


def test_a_cut_last_line_is_pointed_at(tmp_path: Path) -> None:
    text = hours(["2026-01-01 00:00", "2026-01-01 01:00"])
    assert any("line 3 has no line end" in guess for guess in read(tmp_path, text[:-1]).guesses)
    assert not any("line end" in guess for guess in read(tmp_path, text).guesses)


def test_two_columns_of_one_name_are_not_chosen_between(tmp_path: Path) -> None:
    text = "time,kWh,kWh\n2026-01-01,1,2\n2026-01-02,1,2\n"
    with pytest.raises(ConfigError, match="by its number: 2, 3"):
        read(tmp_path, text)
    by_number = read(tmp_path, text, columns=(("3", "energy_interval_kwh", None),))
    assert [s.values[0] for s in by_number.samples] == [2, 2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"date_format": "%d.%m.%Y"}, "does not follow"),
        ({"time_column": "kWh"}, "not a date"),
        ({"interval": "999999mo"}, "not a duration"),
        ({"interval": "99999999d"}, "hundred years"),
    ],
)
def test_a_wrong_option_is_told_with_what_it_met(tmp_path: Path, options: dict[str, str], words: str) -> None:
    with pytest.raises(DodacError, match=words):
        read(tmp_path, hours(["2026-01-01 00:00", "2026-01-01 01:00"]), **options)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="folder"):
        read_interval_file(tmp_path, FileSpec("meter", ENERGY))


@pytest.mark.parametrize(
    ("zone", "day", "winter"),
    [
        ("Europe/Berlin", "2024-03-31 02:30", "Etc/GMT-1"),
        ("America/New_York", "2024-03-10 02:30", "Etc/GMT+5"),
    ],
)
def test_a_logger_on_winter_time_is_told_its_own_fixed_zone(
    tmp_path: Path, zone: str, day: str, winter: str
) -> None:
    reading = read(tmp_path, hours([day, "2024-05-01 00:00", "2024-05-01 01:00"]), zone=zone, interval="1h")
    assert winter in reading.refused[0].reason
