"""Interval files: every row becomes a sample or is named with its line and reason."""

from __future__ import annotations

import gzip
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dodac.clock import DAY_NS, HOUR_NS, MINUTE_NS, iso_utc, parse_time_ns
from dodac.errors import ConfigError, DataError, DodacError
from dodac.samples import Reason, TimeSource
from drivers import FileReading, FileSpec, read_interval_file

SHARED = Path(__file__).parents[4] / "shared" / "data" / "mv"
ENERGY = (("kWh", "energy_interval_kwh", None),)


def read(folder: Path, text: str | bytes, **options: Any) -> FileReading:
    path = folder / "data.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_interval_file(path, FileSpec("meter", **{"columns": ENERGY, **options}))


def spans(reading: FileReading, zone: str = "Asia/Ho_Chi_Minh") -> list[tuple[str, str]]:
    from dodac.clock import local_text

    return [
        (local_text(s.start_ns, zone, "%Y-%m-%d %H:%M"), local_text(s.end_ns, zone, "%Y-%m-%d %H:%M"))
        for s in reading.samples
    ]


def values(reading: FileReading) -> list[float]:
    return [sample.values[0] for sample in reading.samples]


PLAIN = "time,kWh\n2026-01-01 00:00,1.5\n2026-01-01 00:15,2\n2026-01-01 00:30,3\n"


# ---- time and interval


@pytest.mark.parametrize(
    ("stamp", "first"),
    [
        ("start", ("2026-01-01 00:00", "2026-01-01 00:15")),
        ("end", ("2025-12-31 23:45", "2026-01-01 00:00")),
        ("middle", ("2025-12-31 23:52", "2026-01-01 00:07")),
        ("instant", ("2026-01-01 00:00", "2026-01-01 00:00")),
    ],
)
def test_a_stamp_names_the_moment_it_was_said_to_name(
    tmp_path: Path, stamp: str, first: tuple[str, str]
) -> None:
    columns = (("kWh", "energy_import_kwh", None),)
    reading = read(tmp_path, PLAIN, stamp=stamp, columns=columns)
    assert spans(reading)[0] == first
    assert reading.interval == ("instant" if stamp == "instant" else "15min")
    assert {sample.time_source for sample in reading.samples} == {TimeSource.DEVICE}


def test_a_daily_row_stamped_at_its_end_belongs_to_the_day_before(tmp_path: Path) -> None:
    reading = read(tmp_path, "day,kWh\n2026-01-02,10\n2026-01-03,20\n2026-01-04,30\n", stamp="end")
    assert reading.interval == "1d"
    assert spans(reading)[0] == ("2026-01-01 00:00", "2026-01-02 00:00")


def test_a_day_has_23_or_25_hours_where_clocks_change(tmp_path: Path) -> None:
    text = "day,kWh\n2026-03-28,1\n2026-03-29,2\n2026-03-30,3\n2026-10-25,4\n2026-10-26,5\n2026-10-27,6\n"
    reading = read(tmp_path, text, zone="Europe/Berlin")
    assert [sample.span_ns / HOUR_NS for sample in reading.samples] == [24, 23, 24, 25, 24, 24]


def test_the_hour_that_comes_twice_is_two_hours_and_the_one_that_never_was_is_refused(
    tmp_path: Path,
) -> None:
    text = "t,kWh\n" + "".join(
        f"2026-10-25 {stamp},{n}\n" for n, stamp in enumerate(["01:00", "02:00", "02:00", "03:00"])
    )
    reading = read(tmp_path, text, zone="Europe/Berlin", interval="1h")
    starts = [sample.start_ns for sample in reading.samples]
    assert [b - a for a, b in pairwise(starts)] == [HOUR_NS] * 3
    text = "t,kWh\n2026-03-29 01:00,1\n2026-03-29 02:00,2\n2026-03-29 03:00,3\n"
    reading = read(tmp_path, text, zone="Europe/Berlin", interval="1h")
    assert [row.line for row in reading.refused] == [3]
    assert "does not exist" in reading.refused[0].reason


def test_calendar_months_are_found_and_kept(tmp_path: Path) -> None:
    reading = read(tmp_path, "m,kWh\n2026-01-01,1\n2026-02-01,2\n2026-03-01,3\n2026-04-01,4\n")
    assert reading.interval == "1mo"
    assert [sample.span_ns / DAY_NS for sample in reading.samples] == [31, 28, 31, 30]


def test_midnight_with_the_date_of_the_day_just_gone_is_read_as_its_end(tmp_path: Path) -> None:
    rows = [f"{d:02d}/03/26 {h % 24}:00,{d * 100 + h}" for d in (13, 14, 15) for h in range(1, 25)]
    text = "t,kWh\n" + "\n".join(rows) + "\n"
    reading = read(tmp_path, text, stamp="end")
    assert reading.counts.backward == 3
    assert all(b.start_ns == a.end_ns for a, b in pairwise(reading.samples))
    assert spans(reading)[23] == ("2026-03-13 23:00", "2026-03-14 00:00")
    assert any("00:00" in guess for guess in reading.guesses)
    # told otherwise, nothing is moved, but it is said
    assert any("look like ends" in guess for guess in read(tmp_path, text, stamp="start").guesses)


def test_a_proper_midnight_is_left_where_it_is(tmp_path: Path) -> None:
    text = "t,kWh\n2026-01-01 23:00,1\n2026-01-02 00:00,2\n2026-01-02 01:00,3\n"
    assert spans(read(tmp_path, text, stamp="end"))[1] == ("2026-01-01 23:00", "2026-01-02 00:00")
    # 24:00 is the same moment
    assert spans(read(tmp_path, text.replace("2026-01-02 00:00", "2026-01-01 24:00"), stamp="end"))[1] == (
        "2026-01-01 23:00",
        "2026-01-02 00:00",
    )


def test_intervals_that_can_not_be_right_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="overlap"):
        read(tmp_path, PLAIN, interval="1h")
    with pytest.raises(DataError, match="vary"):
        read(tmp_path, "t,kWh\n" + "".join(f"2026-01-01 {h:02d}:00,1\n" for h in (0, 1, 3, 7, 12, 20)))
    with pytest.raises(DataError, match="one stamp"):
        read(tmp_path, "t,kWh\n2026-01-01,1\n")
    with pytest.raises(ConfigError, match="instant"):
        read(tmp_path, PLAIN, stamp="instant")
    with pytest.raises(ConfigError):
        read(tmp_path, PLAIN, interval="soon")
    assert any("gaps" in guess for guess in read(tmp_path, PLAIN, interval="5min").guesses)


@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        ("2026-01-13 07:30", "2026-01-13T00:30:00Z"),
        ("2026-01-13T07:30:05.123456789", "2026-01-13T00:30:05.123456789Z"),
        ("2026-01-13T07:30:00Z", "2026-01-13T07:30:00Z"),
        ("2026-01-13T07:30:00-05:30", "2026-01-13T13:00:00Z"),
        ("13.01.2026 07:30", "2026-01-13T00:30:00Z"),
        ("13/1/26 7:30", "2026-01-13T00:30:00Z"),
        ("1/13/2026 7:30 PM", "2026-01-13T12:30:00Z"),
        ("13/1/2026 7:30:00 SA", "2026-01-13T00:30:00Z"),
        ("20260113 073000", "2026-01-13T00:30:00Z"),
        ("2026/1/13 07:30", "2026-01-13T00:30:00Z"),
    ],
)
def test_stamps_of_every_spelling_are_read_exactly(tmp_path: Path, stamp: str, utc: str) -> None:
    reading = read(tmp_path, f"t,kWh\n{stamp},1\n", interval="15min")
    assert iso_utc(reading.samples[0].start_ns) == utc


def test_epochs_patterns_and_split_columns_are_read_when_told(tmp_path: Path) -> None:
    first = parse_time_ns("2026-01-13T00:30:00Z", "UTC")
    reading = read(tmp_path, "t,kWh\n1768264200,1\n", interval="1h", date_format="unix_s")
    assert reading.samples[0].start_ns == first
    reading = read(tmp_path, "t,kWh\n1768264200000,1\n", interval="1h", date_format="unix_ms")
    assert reading.samples[0].start_ns == first
    reading = read(tmp_path, "t,kWh\n13 Jan 2026 07h30,1\n", interval="1h", date_format="%d %b %Y %Hh%M")
    assert reading.samples[0].start_ns == first
    text = "DATE,TIME,kWh,\n2026/01/13,07:30:00,1,\n"
    reading = read(tmp_path, text, interval="1h", time_column="DATE+TIME")
    assert reading.samples[0].start_ns == first


def test_day_or_month_first_is_decided_by_the_whole_file_or_asked(tmp_path: Path) -> None:
    text = "t,kWh\n01/02/2026,1\n02/02/2026,2\n03/02/2026,3\n"
    with pytest.raises(DataError, match="day or month"):
        read(tmp_path, text)
    assert spans(read(tmp_path, text, date_format="dmy"))[0][0] == "2026-02-01 00:00"
    assert spans(read(tmp_path, text, date_format="mdy", interval="1d"))[0][0] == "2026-01-02 00:00"
    late = "".join(f"{day:02d}/02/2026,1\n" for day in range(4, 14))
    assert spans(read(tmp_path, text + late))[0][0] == "2026-02-01 00:00"
    with pytest.raises(DataError, match="contradict"):
        read(tmp_path, text + "13/02/2026,1\n02/14/2026,1\n")
    with pytest.raises(DataError, match="year"):
        read(tmp_path, "t,kWh\n18/01/01,1\n18/01/02,1\n18/01/03,1\n")


# ---- text


def test_decimal_comma_semicolon_bom_metadata_and_units_row(tmp_path: Path) -> None:
    text = (
        "\ufeffLogger;X200\nSite;Nhà máy\n\nThời gian;Điện năng [MWh];P\n;[MWh];kW\n"
        "13.01.2026 00:00;1,5;2.000,25\n13.01.2026 01:00;0,25;1.000,5\n"
    )
    columns = (("Điện năng", "energy_interval_kwh", None), ("P", "power_w", "kW"))
    reading = read(tmp_path, text, columns=columns)
    assert values(reading) == [1500.0, 250.0]
    assert reading.samples[0].values[1] == 2_000_250.0
    words = " · ".join(reading.guesses)
    for said in ("semicolon", "line 4", "units", "Thời gian", "comma", "day-month-year", "MWh", "1h"):
        assert said in words


def test_thousands_and_decimals_are_never_mixed_up(tmp_path: Path) -> None:
    head = "t;kWh\n2026-01-01 00:00;"
    tail = "\n2026-01-01 01:00;"
    assert values(read(tmp_path, f"{head}1,234.5{tail}1,000")) == [1234.5, 1000.0]
    assert values(read(tmp_path, f"{head}1.234,5{tail}1.000")) == [1234.5, 1000.0]
    assert values(read(tmp_path, f"{head}1.234{tail}2.5")) == [1.234, 2.5]
    assert values(read(tmp_path, f"{head}0,125{tail}1,250")) == [0.125, 1.25]
    assert values(read(tmp_path, f"{head}1 234,5{tail}1\u00a0000")) == [1234.5, 1000.0]
    with pytest.raises(DataError, match="thousands"):
        read(tmp_path, f"{head}1,234{tail}2,000")
    assert values(read(tmp_path, f"{head}1,234{tail}2,000", decimal=",")) == [1.234, 2.0]


def test_other_encodings_and_compressed_files_are_read(tmp_path: Path) -> None:
    for data in (PLAIN.encode("utf-16"), gzip.compress(PLAIN.encode()), PLAIN.replace("\n", "\r\n").encode()):
        assert values(read(tmp_path, data)) == [1.5, 2.0, 3.0]
    latin = PLAIN.replace("time", "Zähler").encode("latin-1")
    assert any("Windows-1252" in guess for guess in read(tmp_path, latin).guesses)


# ---- rows


def test_every_row_that_is_not_used_is_named_with_its_line_and_reason(tmp_path: Path) -> None:
    text = (
        "time,kWh,x\n"
        "2026-01-01 00:00,1,a\n"
        "2026-01-01 00:15,1O,a\n"  # line 3: a letter
        ",2,a\n"  # 4: no stamp
        "2026-01-01 00:30,3\n"  # 5: too few
        "2026-01-01 00:45,4,a,b\n"  # 6: too many
        "2026-02-30 00:00,5,a\n"  # 7: no such day
        "2026-01-01 00:00,9,a\n"  # 8: same stamp, another value
        "2026-01-01 00:00,1,a\n"  # the same again
        "2026-01-01 01:00,,a\n"  # no reading
        "\n"
        '2026-01-01 01:15,"7,a\n'  # 12: a quotation mark is not closed
        "2026-01-01 01:30,inf,a\n"  # 13
        "2026-01-01 01:45,1_0,a\n"  # 14
        "2026-01-01 00:05,8,a\n"
        "2026-01-01 25:00,8,a\n"  # 16
    )
    reading = read(tmp_path, text, interval="15min", time_column="time")
    assert [row.line for row in reading.refused] == [3, 4, 5, 6, 7, 8, 12, 13, 14, 16]
    reasons = {row.line: row.reason for row in reading.refused}
    assert "1O" in reasons[3]
    assert "kWh" in reasons[3]
    assert "empty" in reasons[4]
    assert "2 fields" in reasons[5]
    assert "4 fields" in reasons[6]
    assert "no such day" in reasons[7]
    assert "line 2" in reasons[8]
    assert "quotation" in reasons[12]
    assert values(reading) == [1.0, 8.0]
    counts = reading.counts
    assert (counts.rows, counts.repeated, counts.empty, counts.backward) == (14, 1, 1, 2)
    assert counts.rows == counts.samples + counts.refused + counts.repeated + counts.empty


def test_values_that_can_not_be_are_flagged_and_kept_apart(tmp_path: Path) -> None:
    text = "t,O2,T\n2026-01-01 00:00,35,180\n2026-01-01 00:01,4294967295,181\n2026-01-01 00:02,----,182\n"
    columns = (("O2", "o2_pct", None), ("T", "t_flue_c", None))
    reading = read(tmp_path, text, columns=columns)
    first, second, third = reading.samples
    assert [(f.channel, f.reason, f.value) for f in first.flags] == [("o2_pct", Reason.OUT_OF_RANGE, 35.0)]
    assert second.flags[0].reason == Reason.SENTINEL
    assert not third.flags
    assert third.present == 0b10
    assert reading.counts.flagged == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": (("kwhh", "energy_interval_kwh", None),)}, 'Did you mean "kWh"'),
        ({"columns": (("kWh", "energy_interval_kw", None),)}, "energy_interval_kwh"),
        ({"columns": (("kWh", "energy_interval_kwh", "m3"),)}, "convert"),
        ({"columns": (("kWh", "energy_interval_kwh", "furlong"),)}, "unit"),
        ({"columns": ()}, "no column"),
        ({"columns": (("kWh", "power_w", "W"), ("time", "power_w", None))}, "two columns"),
        ({"zone": "Asia/Nowhere"}, "time zone"),
        ({"time_column": "tiem"}, 'Did you mean "time"'),
        ({"stamp": "beginning"}, "stamp"),
        ({"date_format": "dym"}, "date format"),
    ],
)
def test_what_was_asked_wrongly_is_said_with_the_nearest_name(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, PLAIN, **changes)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"\x00\x01\x02", b"\x1f\x8bnot gzip", b"kWh\n", b"time,kWh\n"]
)
def test_files_that_hold_no_rows_are_refused_in_words(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DodacError) as caught:
        read(tmp_path, data)
    assert "data.csv" in str(caught.value)
    with pytest.raises(ConfigError, match="no such file"):
        read_interval_file(tmp_path / "absent.csv", FileSpec("m", ENERGY))


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.sampled_from(
                [
                    "2026-01-01",
                    "01/02/2026 00:15",
                    "1,5",
                    "2",
                    "kWh",
                    "time",
                    "",
                    '"',
                    "é",
                    "24:00",
                    "NaN",
                    "1e999",
                ]
            )
            | st.text(max_size=6),
            max_size=4,
        ),
        max_size=8,
    ),
    st.sampled_from([",", ";", "\t"]),
)
def test_no_file_at_all_raises_anything_but_words(
    tmp_path: Path, rows: list[list[str]], delimiter: str
) -> None:
    text = "\n".join(delimiter.join(row) for row in [["time", "kWh"], *rows])
    try:
        reading = read(tmp_path, text.encode("utf-8", "surrogatepass"))
    except DodacError:
        return
    counts = reading.counts
    assert counts.rows == counts.samples + counts.refused + counts.repeated + counts.empty


def test_a_hundred_thousand_rows_take_seconds_and_not_minutes(tmp_path: Path) -> None:
    start = parse_time_ns("2023-01-01", "Asia/Ho_Chi_Minh")
    from dodac.clock import local_text

    rows = [
        f"{local_text(start + n * 15 * MINUTE_NS, 'Asia/Ho_Chi_Minh')},{n % 97}.25" for n in range(100_000)
    ]
    text = "time,kWh\n" + "\n".join(rows)
    begin = time.process_time()
    reading = read(tmp_path, text)
    assert reading.counts.samples == 100_000
    assert time.process_time() - begin < 5  # about 1 s alone on one core


# ---- real files, when they are there


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path


def test_the_steel_plants_year_is_gapless_although_its_midnights_carry_the_old_date() -> None:
    path = shared("steel-uci/Steel_industry_data.csv")
    columns = (("Usage_kWh", "energy_interval_kwh", None),)
    reading = read_interval_file(path, FileSpec("steel", columns, stamp="end", zone="Asia/Seoul"))
    assert (reading.counts.samples, reading.counts.refused, reading.counts.backward) == (35_040, 0, 365)
    assert all(b.start_ns == a.end_ns for a, b in pairwise(reading.samples))
    assert iso_utc(reading.samples[0].start_ns) == "2017-12-31T15:00:00Z"
    assert iso_utc(reading.samples[-1].end_ns) == "2018-12-31T15:00:00Z"


def test_the_empty_stamp_of_the_simulated_building_is_named() -> None:
    path = shared("rmv2/Data_pre_2.csv")
    columns = (("eload", "energy_interval_kwh", None), ("Temp", "temperature_c", "degC"))
    reading = read_interval_file(path, FileSpec("rmv2", columns, stamp="end", zone="Etc/GMT+5"))
    assert reading.counts.samples + reading.counts.refused == reading.counts.rows
    assert ["empty" in row.reason for row in reading.refused] == [True]


def test_end_stamped_days_are_the_days_before() -> None:
    path = shared("nmecr/eload.csv")
    columns = (("eload", "energy_interval_kwh", None),)
    reading = read_interval_file(path, FileSpec("b", columns, stamp="end", zone="America/New_York"))
    assert (reading.counts.samples, reading.interval) == (1095, "1d")
    assert spans(reading, "America/New_York")[0] == ("2012-02-29 00:00", "2012-03-01 00:00")
