"""Exports of analysers and loggers as they come: words of three languages, units, states, several tables."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest

from dodac.clock import iso_utc
from dodac.errors import ConfigError, DataError
from dodac.samples import Reason
from drivers import FileReading, FileSpec, read_interval_file
from drivers.protocols.files_units import file_unit, split_name, unit_in_header
from drivers.protocols.files_words import Meaning, meanings, plain, vocabulary


def read(folder: Path, text: str | bytes, *columns: str, **options: Any) -> FileReading:
    path = folder / "data.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    mapped = tuple((name, target, None) for name, target in (c.split("=") for c in columns))
    reading = read_interval_file(path, FileSpec("x", mapped, **{"zone": "UTC", **options}))
    assert len(reading.samples) == reading.counts.samples
    return reading


def chosen(*header: str) -> dict[str, Meaning]:
    return {meaning.column: meaning for meaning in meanings(header)}


# ---- words


def test_at_is_flue_gas_in_german_and_air_in_english_and_asked_otherwise() -> None:
    assert chosen("Datum", "AT", "VT", "Zug", "O2")["AT"].channel == "t_flue_c"
    assert chosen("Date", "FT", "AT", "Draught", "O2")["AT"].channel == "t_air_c"
    for header in (("Date", "AT", "O2"), ("AT", "FT", "Zug")):
        asked = chosen(*header)["AT"]
        assert asked.channel is None
        assert set(asked.choices) == {"t_flue_c", "t_air_c"}


@pytest.mark.parametrize(
    ("name", "channel", "unit"),
    [
        ("O2 [%]", "o2_pct", "%"), ("% O2", "o2_pct", "%"), ("O₂", "o2_pct", None), ("CO ppm", "co_ppm", "ppm"),
        ("ppm CO", "co_ppm", "ppm"), ("CO_Dil", "co_ppm", None), ("Tgas", "t_flue_c", None), ("Rauchgas (°C)", "t_flue_c", "degC"),
        ("Verbrennungsluft", "t_air_c", None), ("Zug [mbar]", "draught_pa", "mbar"), ("P_Draft [inH2O]", "draught_pa", "inH2O"),
        ("Nhiệt độ khói (°C)", "t_flue_c", "degC"), ("Nồng độ O₂ (%)", "o2_pct", "%"), ("Công suất (kW)", "power_w", "kW"),
        ("P (kW)", "power_w", "kW"), ("Điện năng tiêu thụ (MWh)", "energy_interval_kwh", "MWh"), ("Lưu lượng [l/min]", "flow_m3h", "l/min"),
        ("AVG_V1[V]", "voltage_l1_v", "V"), ("AVG_V1[V][V]", "voltage_l1_v", "V"), ("I1_INST(A)_1", "current_l1_a", "A"),
        ("Gas [m3]", "volume_interval_m3", "m3"), ("co2_pct", "co2_pct", None),
    ],
)  # fmt: skip
def test_a_header_in_three_languages_is_one_channel(name: str, channel: str, unit: str | None) -> None:
    found = meanings([name])[0]
    assert (found.channel, found.unit) == (channel, unit)


def test_what_has_no_channel_or_no_conversion_is_named_and_left_out() -> None:
    found = chosen("qA [%]", "uCO ppm", "CO [mg/m3]", "O2 [kW]", "λ")
    assert all(meaning.channel is None and meaning.note for meaning in found.values())
    assert len(found) == 5
    two = chosen("CO", "CO_Dil")
    assert all(meaning.channel is None and meaning.choices == ("co_ppm",) for meaning in two.values())


def test_the_table_of_words_names_each_word_once_and_only_channels_that_are() -> None:
    import yaml

    from dodac.quantities import CHANNELS

    table = yaml.safe_load(
        (Path(__file__).parents[3] / "drivers" / "file_words.yaml").read_text(encoding="utf-8")
    )
    words = [plain(str(word)) for group in table["words"].values() for word in group]
    assert sorted(words) == sorted(set(words))
    assert set(table["words"]) <= set(CHANNELS)
    assert all(sense.channel in CHANNELS for senses in vocabulary().two_senses.values() for sense in senses)
    assert not set(words) & {plain(str(word)) for group in table["known"].values() for word in group}


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("KW", "kW"),
        ("kvar", "kvar"),
        ("°C", "degC"),
        ("MWh", "MWh"),
        ("mw", None),
        ("mg/m3", None),
        ("Boiler", None),
    ],
)
def test_case_of_a_unit_is_free_only_where_it_can_not_change_the_meaning(text: str, unit: str | None) -> None:
    assert file_unit(text) == unit


def test_a_name_is_not_taken_for_a_unit() -> None:
    assert split_name("Boiler A") == ("Boiler A", "")
    assert split_name("Line_T") == ("Line_T", "")
    assert unit_in_header("Energy_MWh") == "MWh"
    assert split_name("Power, kW") == ("Power", "kW")


# ---- the file


GERMAN = (
    "Gerät:;testo 350;;;;\nSeriennummer;61349163;;;;\nKunde;Nhà máy A;;;;\n;;;;;\n"
    "Datum;Uhrzeit;AT;O2;CO;Zug\n;;°C;%;ppm;mbar\n"
    "13.01.2026;08:00:00;182,4;3,4;12;-0,12\n13.01.2026;08:01:00;183,0;----;OFL;-0,12\n"
    "13.01.2026;08:02:00;>>>;3,5;4294967295;-1E38\n13.01.2026;08:03:00;--;N/A;;n.a.\n"
)


def test_a_german_export_with_units_below_and_missing_markers(tmp_path: Path) -> None:
    reading = read(tmp_path, GERMAN, "AT=t_flue_c", "O2=o2_pct", "CO=co_ppm", "Zug=draught_pa")
    first, second, third = reading.samples
    assert first.values == (182.4, 3.4, 12.0, -12.0)
    assert iso_utc(first.start_ns) == "2026-01-13T08:00:00Z"
    assert second.present == 0b1001
    assert not second.flags
    assert [(f.channel, f.reason) for f in third.flags] == [
        ("co_ppm", Reason.SENTINEL), ("draught_pa", Reason.SENTINEL)
    ]  # fmt: skip
    assert reading.counts.empty == 1
    assert (reading.facts["serial_number"], reading.facts["model"]) == ("61349163", "testo 350")
    assert reading.facts["customer"] == "Nhà máy A"
    # line 4 holds only delimiters: no words, no row
    assert reading.aside == (1, 2, 3, 4, 5, 6)


def test_several_tables_in_one_file_each_with_its_own_columns_and_units(tmp_path: Path) -> None:
    text = (
        "Date,Time,O2 %,P [kW]\n13/02/2026,10:00,3.1,1\n13/02/2026,10:01,3.2,2\n\n"
        "Customer,Second boiler\nDate,Time,P [MW],T stack\n13/02/2026,11:00,0.003,190\n13/02/2026,11:01,0.004,191\n"
        "13/02/2026,11:02\n"
    )
    reading = read(tmp_path, text, "O2=o2_pct", "P=power_w", "T stack=t_flue_c", interval="1min")
    assert [s.values[1] for s in reading.samples] == [1000.0, 2000.0, 3000.0, 4000.0]
    assert [s.present for s in reading.samples] == [0b011, 0b011, 0b110, 0b110]
    assert [(row.line, row.reason) for row in reading.refused] == [(9, "2 fields, the header has 4")]
    assert reading.facts["customer"] == "Second boiler"
    assert reading.aside == (1, 5, 6)


def test_rows_of_a_table_above_the_one_with_all_columns_are_not_passed_over(tmp_path: Path) -> None:
    text = "time,O2\n2026-01-01 00:00,3\n2026-01-01 00:01,4\ntime,CO,O2\n2026-01-01 00:02,10,3\n2026-01-01 00:03,11,3\n"
    reading = read(tmp_path, text, "O2=o2_pct", "CO=co_ppm")
    assert reading.counts.samples == 4
    # rows above any header are refused by line
    text = "2026-01-01 00:00,3,1\nModel,X\ntime,O2,CO\n2026-01-01 00:02,10,3\n2026-01-01 00:03,11,3\n"
    reading = read(tmp_path, text, "O2=o2_pct", "CO=co_ppm")
    assert [(row.line, row.reason) for row in reading.refused] == [(1, "a row above the header")]
    assert reading.aside == (2, 3)


def test_two_tables_of_the_same_moments_are_two_parts_of_them(tmp_path: Path) -> None:
    text = (
        "time,O2\n2026-01-01 00:00,3\n2026-01-01 00:01,4\ntime,CO\n2026-01-01 00:00,10\n2026-01-01 00:01,11\n"
    )
    reading = read(tmp_path, text, "O2=o2_pct", "CO=co_ppm")
    assert [(s.time_ns // 60_000_000_000 % 2, s.part) for s in reading.samples] == [
        (0, 0),
        (1, 0),
        (0, 1),
        (1, 1),
    ]
    assert reading.counts.refused == 0


def test_a_header_that_comes_again_is_no_row(tmp_path: Path) -> None:
    text = "time,O2\n2026-01-01 00:00,3\ntime,O2\n2026-01-01 00:01,4\n2026-01-01 00:02,5\n"
    reading = read(tmp_path, text, "O2=o2_pct")
    assert reading.counts.rows == reading.counts.samples == 3


def test_mass_per_volume_is_not_taken_for_ppm(tmp_path: Path) -> None:
    text = "time,CO [mg/m3],P [kW]\n2026-01-01 00:00,100,1\n2026-01-01 00:01,100,1\n"
    with pytest.raises(ConfigError, match="mg/m3"):
        read(tmp_path, text, "CO=co_ppm")
    with pytest.raises(ConfigError, match="kW"):
        read(tmp_path, text, "P=energy_interval_kwh")
    assert read(tmp_path, text, "P=power_w").samples[0].values == (1000.0,)


def test_a_unit_in_the_cell_must_be_the_columns_own(tmp_path: Path) -> None:
    text = "time,P [kW]\n2026-01-01 00:00,1.5 kW\n2026-01-01 00:01,2 MW\n2026-01-01 00:02,3\n"
    reading = read(tmp_path, text, "P=power_w")
    assert [s.values[0] for s in reading.samples] == [1500.0, 3000.0]
    assert "MW, not kW" in reading.refused[0].reason


def vietnamese_1258(text: str) -> bytes:
    """As Windows-1258 has it: tone marks follow their vowel."""
    parts = []
    for sign in text:
        try:
            parts.append(sign.encode("cp1258"))
        except UnicodeEncodeError:
            split = unicodedata.normalize("NFD", sign)
            base = unicodedata.normalize(
                "NFC", "".join(s for s in split if s not in "\u0300\u0301\u0303\u0309\u0323")
            )
            marks = "".join(s for s in split if s in "\u0300\u0301\u0303\u0309\u0323")
            parts.append(base.encode("cp1258") + marks.encode("cp1258"))
    return b"".join(parts)


@pytest.mark.parametrize("how", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1258"])
def test_vietnamese_headers_in_every_encoding_of_windows(tmp_path: Path, how: str) -> None:
    text = (
        "Nhà máy;Bia Củ Chi\nNgày;Giờ;Nhiệt độ khói (°C);Điện năng (kWh)\n"
        "13/01/2026;08:00;182,5;1.250,5\n13/01/2026;08:15;183;1.251\n"
    )
    data = vietnamese_1258(text) if how == "cp1258" else text.encode(how)
    reading = read(tmp_path, data, "Nhiệt độ khói=t_flue_c", "Điện năng=energy_interval_kwh")
    assert [s.values for s in reading.samples] == [(182.5, 1250.5), (183.0, 1251.0)]
    assert reading.facts == {"file: Nhà máy": "Bia Củ Chi"}


def test_west_european_text_is_not_read_as_vietnamese(tmp_path: Path) -> None:
    text = "Zähler;größe\nDatum;Kühlung [kW]\n13.01.2026 08:00;1,5\n13.01.2026 08:15;2,5\n"
    reading = read(tmp_path, text.encode("cp1252"), "Kühlung=power_w")
    assert reading.samples[0].values == (1500.0,)
    assert any("Windows-1252" in guess for guess in reading.guesses)


def test_date_and_time_apart_are_found_and_elapsed_time_is_not_one_of_them(tmp_path: Path) -> None:
    text = "DATE,ETIME,TIME,P\n2026/03/01,00:00:10,10:00:00,1\n2026/03/01,00:00:20,10:00:10,2\n"
    reading = read(tmp_path, text, "P=power_w")
    assert iso_utc(reading.samples[1].start_ns) == "2026-03-01T10:00:10Z"


def test_month_first_is_seen_from_the_whole_file_and_the_evidence_is_told(tmp_path: Path) -> None:
    text = "t,P\n" + "".join(f"1-{day}-2026 00:00,{day}\n" for day in range(9, 15))
    reading = read(tmp_path, text, "P=power_w")
    assert iso_utc(reading.samples[0].start_ns) == "2026-01-09T00:00:00Z"
    assert "date order: month-day-year (line 6: 1-13-2026)" in reading.guesses
    with pytest.raises(DataError, match="--date-format"):
        read(tmp_path, "t,P\n1-9-2026 00:00,1\n1-10-2026 00:00,2\n", "P=power_w")


def test_thousands_with_points_are_asked_for_where_whole_numbers_stand_beside(tmp_path: Path) -> None:
    rows = "t;kWh\n2026-01-01;{}\n2026-01-02;{}\n2026-01-03;987\n"
    with pytest.raises(DataError, match="--decimal"):
        read(tmp_path, rows.format("1.234", "2.500"), "kWh=energy_interval_kwh")
    reading = read(tmp_path, rows.format("1.234", "2.500"), "kWh=energy_interval_kwh", decimal=",")
    assert [s.values[0] for s in reading.samples] == [1234.0, 2500.0, 987.0]
    # more than one group can be nothing else
    assert read(tmp_path, rows.format("1.234.567", "2.500"), "kWh=energy_interval_kwh").samples[1].values == (
        2500.0,
    )


# ---- known formats


MICROCEM = "3-7-2001 10:24:00,10.5,0,V,12,0,V,15,0,V\n3-7-2001 10:25:00,10.6,0,C,12,0,V,15,0,M\n"


def test_a_microcem_log_is_month_first_and_only_valid_values_are_readings(tmp_path: Path) -> None:
    head = "Date/Time,O2,O2 Limit,O2 Status,CO,CO Limit,CO Status,NOx,NOx Limit,NOx Status\n"
    for text in (MICROCEM, head + MICROCEM):
        reading = read(tmp_path, text, "O2=o2_pct", "CO=co_ppm", "NOx=nox_ppm")
        assert iso_utc(reading.samples[0].start_ns) == "2001-03-07T10:24:00Z"
        assert reading.samples[0].values == (10.5, 12.0, 15.0)
        assert [(f.channel, f.reason, f.value) for f in reading.samples[1].flags] == [
            ("o2_pct", Reason.DEVICE_STATUS, 10.6), ("nox_ppm", Reason.DEVICE_STATUS, 15.0)
        ]  # fmt: skip


def test_a_status_column_can_be_named_with_its_good_texts(tmp_path: Path) -> None:
    text = "t,O2,State\n2026-01-01 00:00,3,RUN\n2026-01-01 00:01,4,PURGE\n2026-01-01 00:02,,PURGE\n"
    reading = read(tmp_path, text, "O2=o2_pct", statuses=(("State", ("run",)),))
    assert [bool(s.flags) for s in reading.samples] == [False, True, True]
    assert reading.samples[2].flags[0].value is None


def test_seconds_count_from_the_trigger_of_a_hioki_logger(tmp_path: Path) -> None:
    text = (
        '"File name","AUTO0001.MEM"\n"Trigger Time",\'26-03-01 10:00:00.000\n"CH1-1","Voltage","10 V"\n'
        '"Time","CH1-1[V]"\n+0.000E+00,+1.0E+00\n+1.000E+00,+1.1E+00\n+2.000E+00,+1.2E+00\n'
    )
    reading = read(tmp_path, text, "CH1-1=voltage_l1_v")
    assert iso_utc(reading.samples[2].start_ns) == "2026-03-01T10:00:02Z"
    assert reading.interval == "1s"
    with pytest.raises(ConfigError, match="no column looks like a time"):
        read(tmp_path, text.replace("Trigger", "Other"), "CH1-1=voltage_l1_v")


def test_yokogawa_and_lutron_tables_are_read_by_their_words(tmp_path: Path) -> None:
    text = (
        '"CW120"\n"File Type",1\nOUTPUT DATE,OUTPUT TIME,INTEG START,V1,P\n'
        "2026/03/01,10:00:00,09:59:00,220.1,2.2E+03\n2026/03/01,10:01:00,10:00:00,220.1,2.3E+03\n"
    )
    reading = read(tmp_path, text, "P=power_w", "V1=voltage_l1_v")
    assert iso_utc(reading.samples[0].start_ns) == "2026-03-01T10:00:00Z"
    lutron = "Place,Date,Time,P(SUM)\n,,,KW\n1,2026/03/01,10:00:00,2.2\n2,2026/03/01,10:00:10,2.3\n"
    assert read(tmp_path, lutron, "P(SUM)=power_w").samples[1].values == (2300.0,)


def test_columns_of_a_file_without_a_header_are_named_by_number(tmp_path: Path) -> None:
    reading = read(tmp_path, "2026-01-01 00:00;1,5\n2026-01-01 00:01;2,5\n", "2=power_w")
    assert [s.values[0] for s in reading.samples] == [1.5, 2.5]
    assert reading.counts.rows == 2


def test_a_power_that_is_mostly_below_zero_is_told_and_never_turned(tmp_path: Path) -> None:
    text = "t,P1,P2\n" + "".join(f"2026-01-01 00:0{n},-5,{n}\n" for n in range(4))
    reading = read(tmp_path, text, "P1=power_l1_w", "P2=power_l2_w")
    assert reading.samples[0].values[0] == -5.0
    assert len(reading.warnings) == 1
    assert "power_l1_w is below zero in 4 of 4 rows" in reading.warnings[0]


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    reading = read(tmp_path, "t,P\n2026-01-01 00:00,1\n2026-01-01 00:01,2\n", "P=power_w")
    (tmp_path / "data.csv").write_text("t,P\n2026-01-01 00:00,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="changed"):
        list(reading.read())
