"""Printouts of analysers: each quantity with its own moment, or none at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dodac.clock import iso_utc
from dodac.errors import DataError, DodacError
from drivers import FileReading, FileSpec, read_interval_file
from drivers.protocols.files_open import open_grids
from drivers.protocols.files_words import meanings

KANE = (
    "KANE958\nDATE 12/03/26\nTIME {time}\n\nNATURAL GAS\n----------------\nO2 %      {o2}\nCO ppm    25\nCO2 %     9.4\n"
    "FLUE C    182\nINLET C   24\nEFF(N) %  92.1\nSERIAL NO 123456789\n"
)
TESTO = (
    "testo 310\nV1.10   01234567/DE\n\n13.03.2026    14:05:33\n\nBrennstoff   Erdgas\n\n  3,4 % O2\n  ---- ppm CO\n"
    " 182,4 °C AT\n 25,1 °C VT\n -0,12 mbar Zug\n 12 mg/m³ NOx\n"
)


def read(folder: Path, text: str, **options: Any) -> FileReading:
    path = folder / "print.txt"
    path.write_text(text, encoding="utf-8")
    _, header = open_grids(path)[0], next(iter(open_grids(path)[0].rows()))
    columns = tuple((m.column, m.channel, m.unit) for m in meanings(header[1] or ()) if m.channel)
    return read_interval_file(path, FileSpec("x", columns, **{"zone": "UTC", **options}))


def found(reading: FileReading) -> list[tuple[str, dict[str, float]]]:
    names = reading.layout.channels
    return [
        (iso_utc(s.time_ns), {n: v for n, v in zip(names, s.values, strict=True) if v == v})
        for s in reading.samples
    ]


def test_a_printout_is_one_moment_with_each_quantity_in_its_unit(tmp_path: Path) -> None:
    reading = read(tmp_path, TESTO)
    assert found(reading) == [
        (
            "2026-03-13T14:05:33Z",
            {"o2_pct": 3.4, "t_flue_c": 182.4, "t_air_c": 25.1, "draught_pa": pytest.approx(-12.0)},
        )
    ]
    assert reading.interval == "instant"
    assert "NOx [mg/m³]" in reading.unused  # mass is no volume
    assert (reading.facts["model"], reading.facts["fuel"]) == ("testo 310", "Erdgas")


def test_several_printouts_below_one_another_keep_their_times(tmp_path: Path) -> None:
    text = KANE.format(time="14:05:33", o2="5.4") + "\n" + KANE.format(time="02:15:00 PM", o2="----")
    with pytest.raises(DataError, match="day or month first"):
        read(tmp_path, text)
    first, second = found(read(tmp_path, text, date_format="dmy"))
    assert first == (
        "2026-03-12T14:05:33Z",
        {"o2_pct": 5.4, "co_ppm": 25.0, "co2_pct": 9.4, "t_flue_c": 182.0, "t_air_c": 24.0},
    )
    assert second[0] == "2026-03-12T14:15:00Z"
    assert "o2_pct" not in second[1]


def test_a_value_whose_moment_is_not_sure_is_not_taken(tmp_path: Path) -> None:
    values = "O2 5.4 %\nCO 25 ppm\nCO2 9.4 %\n"
    no_time = read(tmp_path, f"Date 13.03.2026\n{values}\nDate 14.03.2026\nTime 08:00\n{values}")
    assert [row.line for row in no_time.refused] == [1]
    assert [when for when, _ in found(no_time)] == ["2026-03-14T08:00:00Z"]
    no_date = read(tmp_path, f"13.03.2026 08:00\n{values}\nTime 09:00\n{values}")
    assert [row.line for row in no_date.refused] == [6]
    with pytest.raises(DataError, match="stands on lines 2 and 5"):
        read(tmp_path, f"13.03.2026 08:00\n{values}O2 6.4 %\n")
    with pytest.raises(DataError, match="stand above the same values"):
        read(tmp_path, f"13.03.2026 08:00\n14.03.2026\n{values}")
    # dates below their values: nothing tells to which of the two they belong
    path = tmp_path / "below.txt"
    path.write_text(f"{values}13.03.2026 08:00\n{values}13.03.2026 09:00\n", encoding="utf-8")
    assert open_grids(path)[0].kind != "printout"


def test_another_date_on_the_sheet_is_not_the_time_of_the_measurement(tmp_path: Path) -> None:
    text = "13.03.2026 08:00\nCalibrated 01.02.2025\nNext service: 01.02.2027\nO2 ref 3 %\n"
    reading = read(tmp_path, f"{text}O2 5.4 %\nCO 25 ppm\nCO2 max 11.7 %\nTgas: 182 °C\n")
    assert found(reading) == [("2026-03-13T08:00:00Z", {"o2_pct": 5.4, "co_ppm": 25.0, "t_flue_c": 182.0})]
    assert reading.unused == ("O2 ref [%]", "CO2 max [%]")


@pytest.mark.parametrize("sign", [";", ",", "\t"])
def test_words_above_a_table_are_no_printout(tmp_path: Path, sign: str) -> None:
    limits = "".join(f"{name}{sign}{limit}\n" for name, limit in (("O2", 3), ("CO", 100), ("NO", 200)))
    rows = "".join(f"2026-03-13 08:0{n}:00{sign}5{sign}25{sign}80\n" for n in range(3))
    path = tmp_path / "table.csv"
    path.write_text(f"Date{sign}2026-03-13\n{limits}Time{sign}O2{sign}CO{sign}NO\n{rows}", encoding="utf-8")
    reading = read_interval_file(path, FileSpec("x", (("O2", "o2_pct", None),), zone="UTC"))
    assert reading.counts.samples == 3


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    "13.03.2026 08:00",
                    "Time 09:00",
                    "DATE 12/03/26",
                    "O2 5.4 %",
                    "CO 25 ppm",
                    "3,4 % O2",
                    "AT 182",
                    "x",
                    "----",
                ]
            ),
            st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), max_size=30),
        ),
        max_size=20,
    )
)
def test_any_lines_are_read_or_refused_in_words(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "any.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        reading = read_interval_file(path, FileSpec("x", (("O2 [%]", "o2_pct", None),), zone="UTC"))
    except DodacError:
        return
    written = {
        line.split()[0] if line.endswith("O2") else line.split()[1]
        for line in lines
        if line in ("O2 5.4 %", "3,4 % O2")
    }
    for sample in reading.samples:
        assert sample.time_ns > 0
        if reading.guesses and any("printout" in guess for guess in reading.guesses):
            assert f"{sample.values[0]:g}" in {word.replace(",", ".") for word in written}
