"""`dodac import`: what was guessed is shown first, nothing ambiguous is taken, the same file twice counts once."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from dodac.cli import main
from drivers import FileReading
from store import Journal, JournalStore

ANALYSER = (
    "Model;KM905\nSerial number;77123\nDatum;Uhrzeit;AT;VT;O2 [%];qA [%]\n"
    "13.01.2026;08:00:00;182,4;25,1;3,4;7\n13.01.2026;08:01:00;183,0;25,2;3,5;7\n"
)
BILLS = (
    "Từ ngày;Đến ngày;Điện năng (MWh);Thành tiền (VND)\n05/01/2026;04/02/2026;40,5;80.000.000\n"
    "05/02/2026;20/03/2026;41,5;81.000.000\n"
)


class Run:
    """The command in a folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.journal = folder / "j.db"
        self.err = ""

    def __call__(self, name: str, *words: str, measurement: str = "flue_gas") -> tuple[int, str]:
        common = ["--journal", str(self.journal), "--instrument", "x", "--measurement", measurement]
        code = int(main(["import", str(self.folder / name), *common, *words]))
        told = self._capsys.readouterr()
        self.err = told.err
        return code, told.out

    def json(self, name: str, *words: str, **more: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self(name, "--json", *words, **more)[1])
        return found

    def stored(self) -> list[tuple[float, ...]]:
        with JournalStore(self.journal) as store:
            return [sample.values for sample in store.samples("x", 0, 1 << 62)]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(tmp_path, capsys)


def test_every_guess_is_shown_with_unit_factor_and_evidence_before_it_is_taken(run: Run) -> None:
    (run.folder / "a.csv").write_text(ANALYSER, encoding="utf-8")
    code, out = run("a.csv", "--preview")
    assert code == 0
    for shown in (
        "--column AT=t_flue_c", '"vt" stands beside it', "--column 'O2 [%]=o2_pct:%'", "delimiter: semicolon", "comma",
        "day-month-year (line 4: 13.01.2026)", '"Datum" + "Uhrzeit"', '"qA [%]": loss: no channel, left out', "serial_number: 77123",
        "t_flue_c = 182.4 degC", "1–3",
    ):  # fmt: skip
        assert shown in out
    assert not run.journal.exists()
    shown = run.json("a.csv", "--preview")
    assert shown["columns_guessed"] is True
    assert [c["channel"] for c in shown["columns"]] == ["t_flue_c", "t_air_c", "o2_pct"]
    assert shown["first_rows"][0]["values"]["o2_pct"] == 3.4
    assert shown["columns_not_read"] == ["qA [%]"]
    # without the columns it is refused; as guessed, it is taken
    assert run("a.csv")[0] == 2
    assert "--guessed" in run.err
    assert run("a.csv", "--guessed")[0] == 0
    assert run.stored() == [(182.4, 25.1, 3.4), (183.0, 25.2, 3.5)]
    with Journal.open(run.journal) as journal:
        assert journal.facts()["x"]["serial_number"] == "77123"
        events = [event for _, event in journal.events_after(0, 10)]
    assert events[-1].data["file model"] == "KM905"


def test_what_can_mean_two_things_is_never_taken_as_guessed(run: Run) -> None:
    (run.folder / "a.csv").write_text(ANALYSER.replace("VT", "X"), encoding="utf-8")
    code, out = run("a.csv", "--preview")
    assert code == 1
    assert "To be decided" in out
    assert "--column AT=t_flue_c or --column AT=t_air_c" in out
    assert run("a.csv", "--guessed")[0] == 2
    assert "--column AT=t_flue_c" in run.err
    assert not run.journal.exists()
    assert run("a.csv", "--column", "AT=t_flue_c", "--column", "O2=o2_pct")[0] == 0
    # another instrument's file under the same id is told, its number not taken over
    (run.folder / "b.csv").write_text(ANALYSER.replace("77123", "88000"), encoding="utf-8")
    run("b.csv", "--guessed")
    assert "88000" in run.err
    with Journal.open(run.journal) as journal:
        assert journal.facts()["x"]["serial_number"] == "77123"


def test_bills_cost_once_however_often_they_are_imported(run: Run) -> None:
    (run.folder / "b.csv").write_text(BILLS, encoding="utf-8")
    code, out = run("b.csv", "--bills", "--preview", measurement="electricity")
    assert code == 0
    assert "bill 2026-01-05 – 2026-02-04: 80000000.00 VND" in out
    assert 'from: "Từ ngày"; to: "Đến ngày"' in out
    for committed in (2, 0):
        done = run.json("b.csv", "--bills", "--guessed", measurement="electricity")
        assert (done["received"], done["committed"], done["duplicate"]) == (2, committed, 2 - committed)
    assert run.stored() == [(40_500.0,), (41_500.0,)]
    with Journal.open(run.journal) as journal:
        costs = [e.data["cost"] for _, e in journal.events_after(0, 100) if "cost" in e.data]
    assert costs == [80e6, 81e6]


def test_a_kew_folder_needs_no_columns(run: Run) -> None:
    card = run.folder / "S0001"
    card.mkdir()
    rows = "".join(f"2026/03/01,10:00:0{n},00000:00:0{n},220,219,221,-5,-6,-4,\n" for n in range(1, 5))
    (card / "INPS0001.KEW").write_text(
        f"KEW6315\nDATE,TIME,ELAPSED TIME,AVG_V1[V],,,AVG_P1[W],,,\n{rows}", encoding="ascii"
    )
    assert run("S0001", measurement="electricity")[0] == 0
    assert "below zero in 4 of 4" in run.err
    assert run.stored() == [(220.0, -5.0)] * 4


def test_a_tjf_file_needs_no_columns(run: Run) -> None:
    def channel(xmlid: str, unit: str, *values: float) -> dict[str, Any]:
        stamps = ("2026-01-13T08:00:00", "2026-01-13T08:01:00")
        return {
            "type": {"name": xmlid, "xmlid": xmlid},
            "unit": {"name": unit, "xmlid": unit},
            "values": [{"value": v, "timeStamp": t} for v, t in zip(values, stamps, strict=True)],
        }

    document = {
        "device": {"name": "testo 300", "serial": "61349163"},
        "channels": [
            channel("O2", "UNIT_PERCENT", 3.5, 3.6),
            channel("T_Flue", "UNIT_DEG_C", 182.0, 183.0),
            channel("Lambda", "UNIT_NONE", 1.2, 1.21),
        ],
        "properties": [{"name": "Fuel", "id": 104, "description": "Erdgas", "values": []}],
    }
    (run.folder / "m.tjf").write_bytes(b"\xef\xbb\xbf" + json.dumps(document).encode())
    done = run.json("m.tjf")
    assert (done["committed"], done["rows"]) == (2, 2)
    assert done["facts"]["serial_number"] == "61349163"
    assert "Not read: Lambda = 1.2 UNIT_NONE: excess air ratio is computed by the instrument" in run.err
    with Journal.open(run.journal) as journal:
        assert journal.facts()["x"]["fuel"] == "Erdgas"
    assert run.json("m.tjf")["duplicate"] == 2
    (run.folder / "e.tjf").write_text('{"errors":[{"errorcode":1}]}', encoding="utf-8")
    assert run("e.tjf")[0] == 1
    assert "no measuring instrument is connected" in run.err


def test_a_log_of_printed_lines_is_read_with_the_instruments_profile(run: Run) -> None:
    (run.folder / "log.txt").write_text(
        "19/01/05 ; 14:50:25 ; O2 ; 20.3 ; % ; ;\nnoise\n19/01/05 ; 14:50:26 ; O2 ; 20.4 ; % ;F;\n",
        encoding="ascii",
    )
    assert run("log.txt", "--profile", "servomex.multiexact", "--preview")[0] == 2
    assert "--date-format" in run.err
    log = ("--profile", "servomex.multiexact", "--date-format", "ymd")
    code, out = run("log.txt", *log, "--preview")
    assert "3 rows: 2 samples, 1 refused" in out
    assert code == 1
    assert "2019-01-05T07:50:25Z" in out
    done = run.json("log.txt", *log, "--keep-good")
    assert [row["line"] for row in done["refused_rows"]] == [2]
    assert [row["line"] for row in done["flagged_rows"]] == [3]
    assert run("log.txt", "--profile", "eastron.sdm630")[0] == 2


def test_a_log_with_checksums_is_believed_line_by_line(run: Run) -> None:
    line = " 06-10-20;09:17:58;  ;S1S1S1S1;01;I1;Oxygen;20.379; % ;    ;  ; ; ;"
    total = f"{sum(line[1:].encode()) & 0xFFFF:04X}"
    other = line.replace("09:17:58", "09:17:59")
    (run.folder / "log.txt").write_text(f"{line}{total};\n{other}{total};\n", encoding="ascii")
    shown = run.json(
        "log.txt", "--profile", "servomex.4100-ascii", "--date-format", "%d-%m-%y %H:%M:%S", "--preview"
    )
    assert shown["first_rows"][0]["start"] == "2020-10-06T02:17:58Z"
    assert shown["first_rows"][0]["values"] == {"o2_pct": 20.379}
    assert [row["line"] for row in shown["refused_rows"]] == [2]
    assert "checksum" in shown["refused_rows"][0]["reason"]


def test_a_sheet_is_asked_for_and_a_missing_package_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for name in ("a", "b"):
        sheet = book.create_sheet(name)
        for row in (["Date", "kWh"], ["2026-01-01", 1], ["2026-01-02", 2], ["2026-01-03", 3]):
            sheet.append(row)
    book.save(run.folder / "w.xlsx")
    assert run("w.xlsx", "--guessed", measurement="electricity")[0] == 2
    assert '--sheet "a"' in run.err
    assert run("w.xlsx", "--guessed", "--sheet", "b", measurement="electricity")[0] == 0
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert run("w.xlsx", "--guessed", "--sheet", "b", measurement="electricity")[0] == 2
    assert "pip install 'dodac[xlsx]'" in run.err


def test_a_heading_of_two_rows_in_a_workbook_is_guessed_by_its_lower_one(run: Run) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (
        ["Bảng theo dõi"], ["Từ ngày", "Đến ngày", "Điện năng (kWh)", None, None], [None, None, "BT", "CĐ", "TĐ"],
        ["01/01/2026", "31/01/2026", 100, 50, 40], ["01/02/2026", "28/02/2026", 110, 55, 44],
    ):  # fmt: skip
        book.active.append(row)
    for cells in ("A2:A3", "B2:B3", "C2:E2"):
        book.active.merge_cells(cells)
    book.save(run.folder / "w.xlsx")
    assert run("w.xlsx", "--bills", "--guessed", measurement="electricity")[0] == 0
    assert [row[-1] for row in run.stored()] == [190.0, 209.0]


def test_columns_of_a_second_table_are_proposed_too(run: Run) -> None:
    text = (
        "Date,Time,O2\n2026-01-01,10:00,3\n2026-01-01,10:01,4\nDate,Time,T stack,O2\n"
        "2026-01-01,11:00,190,3\n2026-01-01,11:01,191,3\n"
    )
    (run.folder / "a.csv").write_text(text, encoding="utf-8")
    assert [c["channel"] for c in run.json("a.csv", "--preview")["columns"]] == ["o2_pct", "t_flue_c"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--column", "a"], "another shape"),
        (["--column", "a=o2"], "o2_pct"),
        (["--status", "a", "--column", "O2=o2_pct"], "--status"),
        (["--where", "a=b", "--column", "O2=o2_pct"], "--bills"),
        (["--encoding", "klingon", "--column", "O2=o2_pct"], "not an encoding"),
        (["--delimiter", "ab", "--column", "O2=o2_pct"], "not a delimiter"),
        (["--bills", "--where", "x", "--column", "O2=energy_interval_kwh"], "--where"),
        (["--bills", "--register", "energy"], "not a canonical channel"),
    ],
)
def test_a_wrong_option_is_one_message(run: Run, words: list[str], says: str) -> None:
    (run.folder / "a.csv").write_text("Date,O2\n2026-01-01,3\n2026-01-02,3\n", encoding="utf-8")
    assert run("a.csv", *words)[0] == 2
    assert says in run.err
    assert not run.journal.exists()


def test_a_file_is_gone_through_and_never_held_whole(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # 44 MB took 1.2 GB once; benchmarks/import_file.py measures the whole of it
    def whole(self: FileReading) -> None:
        pytest.fail("all samples of a file were asked for at once")

    monkeypatch.setattr(FileReading, "samples", property(whole))
    rows = "".join(f"2026-01-01 {n // 60:02d}:{n % 60:02d},{n}\n" for n in range(1400))
    (run.folder / "a.csv").write_text(f"time,kWh\n{rows}", encoding="utf-8")
    assert run("a.csv", "--guessed", "--preview", measurement="electricity")[0] == 0
    assert run.json("a.csv", "--guessed", measurement="electricity")["committed"] == 1400


WATER = (
    "Kỳ;Chỉ số cũ;Chỉ số mới;Khối lượng tiêu thụ (m3);Thành tiền (đồng)\n01/2026;1.200;1.350;150;1.875.000\n"
    "02/2026;1.350;1.500;150;1.875.000\nTổng cộng;;;300;3.750.000\n"
)


def test_the_readings_of_a_water_meter_are_no_energy(run: Run) -> None:
    (run.folder / "water.csv").write_text(WATER, encoding="utf-8")
    found = run.json("water.csv", "--bills", "--preview", measurement="water")
    assert [sample["values"] for sample in found["first_rows"]] == [{"volume_interval_m3": 150.0}] * 2
    bare = "\n".join(";".join(row.split(";")[:3]) for row in WATER.splitlines()[:3]) + "\n"
    (run.folder / "bare.csv").write_text(bare, encoding="utf-8")
    found = run.json("bare.csv", "--bills", "--decimal", ",", "--preview", measurement="water")
    assert [sample["values"] for sample in found["first_rows"]] == [{"volume_interval_m3": 150.0}] * 2
    assert run("bare.csv", "--bills", "--decimal", ",", "--preview", measurement="heat")[0] != 0
    assert "--register" in run.err


def test_a_unit_that_was_guessed_is_not_held_against_a_second_table(run: Run) -> None:
    text = "Time,P (kW)\n2026-03-13 08:00,1.5\n2026-03-13 08:15,1.6\nTime,P (W)\n2026-03-13 08:30,1700\n"
    (run.folder / "power.csv").write_text(text, encoding="utf-8")
    assert run("power.csv", "--guessed", measurement="electricity")[0] == 0
    assert run.stored() == [(1500.0,), (1600.0,), (1700.0,)]


def test_a_printout_kept_as_text_is_imported_as_one_moment(run: Run) -> None:
    text = "KANE958\nSERIAL NO 77123\nDATE 13/03/26\nTIME 14:05:33\nO2 % 5.4\nCO ppm 25\nFLUE C 182\n"
    (run.folder / "print.txt").write_text(text, encoding="utf-8")
    assert run("print.txt", "--guessed")[0] != 0  # 13/03/26 alone may be the 13th of 2026 or the 26th of 2013
    assert run("print.txt", "--guessed", "--date-format", "dmy", "--timezone", "UTC")[0] == 0, run.err
    assert run.stored() == [(5.4, 25.0, 182.0)]
    with Journal.open(run.journal) as journal:
        assert journal.facts()["x"]["serial_number"] == "77123"
