"""Workbooks: dates as numbers, merged headings, formulas without a value, sheets to choose from, bombs."""

from __future__ import annotations

import datetime as dt
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dodac.clock import iso_utc
from dodac.errors import ConfigError, DataError, DodacError
from drivers import FileReading, FileSpec, read_interval_file

openpyxl = pytest.importorskip("openpyxl")
ENERGY = (("kWh", "energy_interval_kwh", None),)


def book(path: Path, fill: Callable[[Any], None]) -> Path:
    made = openpyxl.Workbook()
    fill(made)
    made.save(path)
    return path


def read(path: Path, **options: Any) -> FileReading:
    return read_interval_file(path, FileSpec("m", **{"columns": ENERGY, "zone": "UTC", **options}))


def rows(*lines: list[Any]) -> Callable[[Any], None]:
    def fill(made: Any) -> None:
        for line in lines:
            made.active.append(line)

    return fill


def test_dates_numbers_and_texts_of_a_sheet_are_rows(tmp_path: Path) -> None:
    path = book(
        tmp_path / "a.xlsx",
        rows(
            ["Serial", "123"], [], ["Ngày", "kWh"], [dt.datetime(2026, 1, 1), 1.234],  # noqa: DTZ001
            [46024, 1000], ["03/01/2026", "2.5"], ["x", 3], [dt.date(2026, 1, 5), None],
        ),
    )  # fmt: skip
    reading = read(path, interval="1d", date_format="dmy")
    assert [iso_utc(s.start_ns)[:10] for s in reading.samples] == ["2026-01-01", "2026-01-02", "2026-01-03"]
    # stored as a number, so 1.234 is not a thousand and more
    assert [s.values[0] for s in reading.samples] == [1.234, 1000.0, 2.5]
    assert [row.line for row in reading.refused] == [7]
    assert [row.line for row in reading.left_out] == [8]
    assert reading.facts == {"serial_number": "123"}


def test_times_of_day_beside_dates_and_fractions_of_a_day(tmp_path: Path) -> None:
    start = dt.datetime(2026, 1, 1)  # noqa: DTZ001
    lines = [[start.date(), (start + dt.timedelta(minutes=15 * n)).time(), n] for n in range(8)]
    reading = read(book(tmp_path / "a.xlsx", rows(["Date", "Time", "kWh"], *lines)))
    assert reading.interval == "15min"
    assert iso_utc(reading.samples[5].start_ns) == "2026-01-01T01:15:00Z"
    lines = [[46023 + n / 96, n] for n in range(8)]
    reading = read(book(tmp_path / "b.xlsx", rows(["Time", "kWh"], *lines)))
    assert iso_utc(reading.samples[5].start_ns) == "2026-01-01T01:15:00Z"
    assert reading.interval == "15min"


def test_merged_headings_are_repeated_and_merged_numbers_never(tmp_path: Path) -> None:
    def fill(made: Any) -> None:
        sheet = made.active
        sheet.append(["Date", "Energy", None, "note"])
        sheet.append([None, "kWh", "kvarh", None])
        for n in range(1, 5):
            sheet.append([dt.date(2026, 1, n), 10 * n, 1, None])
        sheet.merge_cells("A1:A2")
        sheet.merge_cells("B1:C1")
        sheet.merge_cells("B5:B6")

    reading = read(book(tmp_path / "a.xlsx", fill))
    assert [s.values[0] for s in reading.samples] == [10.0, 20.0, 30.0]
    assert [(row.line, row.reason) for row in reading.left_out] == [(6, "no value")]


def test_a_formula_without_its_value_is_refused_by_line(tmp_path: Path) -> None:
    lines = [[dt.date(2026, 1, n), n] for n in range(1, 4)]
    path = book(tmp_path / "a.xlsx", rows(["Date", "kWh"], *lines, [dt.date(2026, 1, 4), "=SUM(B2:B4)"]))
    reading = read(path)
    assert [row.line for row in reading.refused] == [5]
    assert "formula" in reading.refused[0].reason


def test_several_sheets_are_asked_for_and_hidden_ones_named(tmp_path: Path) -> None:
    def fill(made: Any) -> None:
        for name in ("Điện", "Nước", "ẩn"):
            sheet = made.create_sheet(name)
            sheet.append(["Date", "kWh"])
            for n in range(1, 4):
                sheet.append([dt.date(2026, 1, n), n if name == "Điện" else 100 + n])
        made["ẩn"].sheet_state = "hidden"

    path = book(tmp_path / "a.xlsx", fill)
    with pytest.raises(ConfigError, match='--sheet "Điện"'):
        read(path)
    assert read(path, sheet="Nước").samples[0].values == (101.0,)
    hidden = read(path, sheet="ẩn")
    assert hidden.samples[0].values == (101.0,)
    assert any("hidden" in guess for guess in read(path, sheet="Nước").guesses)
    with pytest.raises(ConfigError, match="there is no sheet"):
        read(path, sheet="Gas")
    (tmp_path / "t.csv").write_text("t,kWh\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="only workbooks"):
        read(tmp_path / "t.csv", sheet="1")


def bomb(path: Path, name: str, data: bytes, times: int) -> Path:
    book(path, rows(["Date", "kWh"], [dt.date(2026, 1, 1), 1]))
    with zipfile.ZipFile(path) as archive:
        parts = {item: archive.read(item) for item in archive.namelist()}
    parts[name] = parts.get(name, b"")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for item, content in parts.items():
            with archive.open(item, "w") as part:
                if item != name:
                    part.write(content)
                    continue
                part.write(content[:-20])
                for _ in range(times):
                    part.write(data)
    return path


@pytest.mark.parametrize(
    ("name", "data", "times"),
    [
        ("xl/worksheets/sheet1.xml", b"<row><c/></row>" * 70_000, 200),  # 200 MB
        ("xl/worksheets/sheet1.xml", b"<c/>" * 250_000, 5),  # one row without an end
        ("xl/worksheets/sheet1.xml", b"x" * 1_000_000, 5),  # one text without an end
        ("xl/sharedStrings.xml", b"<si><t>x</t></si>" * 60_000, 60),
        ("xl/styles.xml", b"<xf/>" * 200_000, 20),
    ],
)
def test_a_small_workbook_that_unpacks_to_a_large_one_is_refused(
    tmp_path: Path, name: str, data: bytes, times: int
) -> None:
    path = bomb(tmp_path / "a.xlsx", name, data, times)
    assert path.stat().st_size < 2_000_000
    with pytest.raises(DataError, match=r"MB|megabytes"):
        read(path)


def test_what_is_no_workbook_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(DataError, match="XLS"):
        read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(DataError, match="not a workbook"):
        read(path)


def test_damaged_workbooks_give_words(tmp_path: Path) -> None:
    lines = [[dt.date(2026, 1, n), n] for n in range(1, 10)]
    path = book(tmp_path / "a.xlsx", rows(["Date", "kWh"], *lines))
    whole = path.read_bytes()
    rng = random.Random(7)
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if rng.random() < 0.3:
            del data[rng.randrange(len(data)) :]
        path.write_bytes(bytes(data))
        try:
            reading = read(path)
            assert len(reading.samples) == reading.counts.samples
        except DodacError as error:
            assert str(error)  # noqa: PT017


def test_a_number_shown_as_a_percentage_is_what_is_shown(tmp_path: Path) -> None:
    def fill(made: Any) -> None:
        made.active.append(["Ngày", "O2 (%)", "cosφ"])
        for day in (1, 2, 3):
            made.active.append([dt.datetime(2026, 1, day), 0.034, 0.98])  # noqa: DTZ001
            made.active.cell(day + 1, 2).number_format = "0.0%"
        made.active.cell(4, 3).number_format = '0.00" %"'  # a sign that is only written beside the number
        made.active.cell(3, 3).number_format = "0%"

    path = book(tmp_path / "a.xlsx", fill)
    reading = read(path, columns=(("O2 (%)", "o2_pct", None), ("cosφ", "power_factor", None)))
    assert [sample.values for sample in reading.samples] == [(3.4, 0.98), (3.4, 0.98)]
    assert [(row.line, row.reason) for row in reading.refused] == [
        (3, 'column "cosφ": the number is in %, not 1')
    ]


def test_dates_of_which_some_stayed_text_may_all_be_wrong(tmp_path: Path) -> None:
    # a program that expects the month first makes a date of 04/10/2026 and leaves 13/04/2026 alone
    days: list[Any] = [dt.datetime(2026, month, 4) for month in (10, 11, 12)]  # noqa: DTZ001
    path = book(tmp_path / "a.xlsx", rows(["Ngày", "kWh"], *([day, 1] for day in [*days, "13/04/2026"])))
    with pytest.raises(DataError, match="days for months"):
        read(path)
    assert read(path, date_format="dmy", interval="1d").counts.samples == 4


def test_a_sheet_of_formulas_without_values_and_a_web_page_say_what_they_are(tmp_path: Path) -> None:
    formulas = rows(["Ngày", "kWh"], *([dt.datetime(2026, 1, day), "=1+1"] for day in (1, 2, 3)))  # noqa: DTZ001
    reading = read(book(tmp_path / "a.xlsx", formulas))
    assert [row.line for row in reading.refused] == [2, 3, 4]
    assert "formula without a stored value" in reading.refused[0].reason
    (tmp_path / "b.xls").write_text("<html><table><tr><td>Ngày</td></tr></table></html>", encoding="utf-8")
    with pytest.raises(DataError, match="web page"):
        read(tmp_path / "b.xls")


def test_hidden_rows_are_read_and_told(tmp_path: Path) -> None:
    def fill(made: Any) -> None:
        rows(["Ngày", "kWh"], *([dt.datetime(2026, 1, day), day] for day in (1, 2, 3)))(made)  # noqa: DTZ001
        made.active.row_dimensions[3].hidden = True

    reading = read(book(tmp_path / "a.xlsx", fill))
    assert reading.counts.samples == 3
    assert any("hidden" in guess for guess in reading.guesses)
