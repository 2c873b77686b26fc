"""Kyoritsu KEW: the average is the reading, settings are facts, a reversed clamp is told and not turned."""

from __future__ import annotations

from pathlib import Path

import pytest

from dodac.clock import iso_utc
from dodac.errors import ConfigError, DataError
from drivers import FileSpec, read_interval_file
from drivers.protocols.files_open import open_grids

HEAD = "DATE,TIME,ELAPSED TIME,AVG_V1[V],,,AVG_A1[A],,,AVG_P[W],,,AVG_P2[W],,,AVG_PF[_],,,\r\n"
COLUMNS = (
    ("AVG_V1", "voltage_l1_v", None), ("AVG_P", "power_w", None), ("AVG_P2", "power_l2_w", None), ("AVG_PF", "power_factor", None),
)  # fmt: skip


def row(second: int, first: int = 1) -> str:
    stamp = f"2026/03/01,10:00:{second:02d},00000:00:{second - 1 + first:02d}"
    return f"{stamp},220.1,219,221,10,9,11,2000,1900,2100,-500,-600,-400,0.98,0.97,0.99,\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    there = tmp_path / "S0001"
    there.mkdir()
    (there / "INPS0001.KEW").write_text(
        "KEW6315,VER 1.0\r\n" + HEAD + "".join(row(n) for n in range(1, 7)), encoding="ascii", newline=""
    )
    (there / "INIS0001.KEW").write_text(
        "KEW6315\r\nSERIAL NUMBER,:,'01234567'\r\nWIRING,:,3P4W,\r\nCT RATIO,:,'400.00'\r\n",
        encoding="ascii",
        newline="",
    )
    (there / "SUPS0001.KEW").write_text("[BASIC]\r\nINTERVAL=1\r\n", encoding="ascii", newline="")
    (there / "INHS0001.KEW").write_bytes(b"KEW6315\r\nk,SIZE\r\n" + bytes(range(256)))
    return there


def test_of_average_least_and_highest_the_average_is_read(folder: Path) -> None:
    reading = read_interval_file(folder, FileSpec("logger", COLUMNS))
    assert reading.samples[0].values == (220.1, 2000.0, -500.0, 0.98)
    assert reading.counts.samples == 6
    assert reading.interval == "1s"
    names = open_grids(folder)[0]
    header = next(cells for _, cells in names.rows() if cells)
    assert header[3:6] == ["AVG_V1[V]", "MIN_V1[V]", "MAX_V1[V]"]
    assert len(set(header)) == len(header)


def test_elapsed_time_tells_whether_stamps_are_starts_or_ends(folder: Path) -> None:
    reading = read_interval_file(folder, FileSpec("logger", COLUMNS, zone="UTC"))
    assert iso_utc(reading.samples[0].end_ns) == "2026-03-01T10:00:01Z"
    file = folder / "INPS0001.KEW"
    file.write_text(
        "KEW6315\r\n" + HEAD + "".join(row(n, 0) for n in range(1, 7)), encoding="ascii", newline=""
    )
    reading = read_interval_file(file, FileSpec("logger", COLUMNS, zone="UTC"))
    assert iso_utc(reading.samples[0].start_ns) == "2026-03-01T10:00:01Z"
    # and what the user says counts
    reading = read_interval_file(file, FileSpec("logger", COLUMNS, zone="UTC", stamp="end"))
    assert iso_utc(reading.samples[0].end_ns) == "2026-03-01T10:00:01Z"


def test_settings_beside_the_readings_are_facts(folder: Path) -> None:
    facts = read_interval_file(folder, FileSpec("logger", COLUMNS)).facts
    assert facts["serial_number"] == "01234567"
    assert facts["wiring"] == "3P4W"
    assert facts["ct_ratio"] == "400.00"
    assert facts["file: BASIC.INTERVAL"] == "1"


def test_a_reversed_clamp_is_told_and_the_raw_sign_kept(folder: Path) -> None:
    reading = read_interval_file(folder, FileSpec("logger", COLUMNS))
    assert len(reading.warnings) == 1
    assert "power_l2_w is below zero in 6 of 6" in reading.warnings[0]
    assert all(sample.values[2] == -500.0 for sample in reading.samples)


def test_other_files_of_the_card_are_refused_with_what_they_hold(folder: Path) -> None:
    with pytest.raises(DataError, match="harmonics"):
        read_interval_file(folder / "INHS0001.KEW", FileSpec("logger", COLUMNS))
    with pytest.raises(DataError, match="settings"):
        read_interval_file(folder / "INIS0001.KEW", FileSpec("logger", COLUMNS))
    (folder / "INPS0002.KEW").write_text("x", encoding="ascii")
    with pytest.raises(ConfigError, match="INPS0002"):
        read_interval_file(folder, FileSpec("logger", COLUMNS))
    with pytest.raises(DataError, match="DATE,TIME"):
        read_interval_file(folder / "INPS0002.KEW", FileSpec("logger", COLUMNS))


def test_a_torn_last_row_is_refused_by_its_line(folder: Path) -> None:
    file = folder / "INPS0001.KEW"
    file.write_bytes(file.read_bytes()[:-60])
    reading = read_interval_file(folder, FileSpec("logger", COLUMNS))
    assert [r.line for r in reading.refused] == [8]
    assert reading.counts.samples == 5
