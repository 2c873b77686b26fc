"""The commands: a file is imported whole or not at all, run ends cleanly, kill -9 loses nothing acknowledged."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dodac.cli import main
from dodac.contracts import DeadLetter
from dodac.samples import Layout
from dodac.site import load_site
from store import Journal, JournalStore

DAYS = "".join(f"2026-01-{day:02d},{100 + day}.5\n" for day in range(1, 21))
GOOD = f"date,kwh\n{DAYS}"
NMECR = Path(__file__).parents[3] / "shared" / "data" / "mv" / "nmecr"


def dodac(*words: str | Path) -> int:
    return int(main([str(word) for word in words]))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "meter.csv"
    path.write_text(GOOD, encoding="utf-8")
    return path


def import_words(path: Path, journal: Path, *more: str) -> list[str | Path]:
    return [
        "import", path, "--journal", journal, "--instrument", "building", "--measurement", "electricity",
        "--column", "kwh=energy_interval_kwh", "--interval", "1d", "--timezone", "UTC", *more,
    ]  # fmt: skip


def stored(journal: Path) -> list[float]:
    store = JournalStore(journal)
    try:
        return [sample.values[0] for sample in store.samples("building", 0, 1 << 62)]
    finally:
        store.close()


def test_a_file_is_imported_and_the_same_file_again_adds_nothing(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "j.db"
    assert dodac(*import_words(file, journal)) == 0
    assert "received 20 = committed 20 + duplicate 0" in capsys.readouterr().out
    assert dodac(*import_words(file, journal, "--json")) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["committed"], again["duplicate"], again["conflict"]) == (0, 20, 0)
    assert stored(journal) == [100.5 + day for day in range(1, 21)]


def test_a_broken_row_is_named_by_line_and_nothing_is_imported(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "j.db"
    file.write_text(GOOD.replace("107.5", "abc").replace("2026-01-12", "2026-31-12"), encoding="utf-8")
    assert dodac(*import_words(file, journal)) == 1
    words = capsys.readouterr().err
    assert "line 8:" in words
    assert "line 13:" in words
    assert "--keep-good" in words
    assert not journal.exists()


def test_the_good_rows_are_kept_when_asked_and_the_refused_ones_listed(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "j.db"
    file.write_text(GOOD.replace("107.5", "abc"), encoding="utf-8")
    assert dodac(*import_words(file, journal, "--keep-good", "--json")) == 0
    told = capsys.readouterr()
    assert "line 8:" in told.err
    done = json.loads(told.out)
    assert done["committed"] == 19
    assert [row["line"] for row in done["refused_rows"]] == [8]
    assert len(stored(journal)) == 19


def test_a_value_that_changed_since_the_last_import_is_kept_beside_and_told(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "j.db"
    assert dodac(*import_words(file, journal)) == 0
    file.write_text(GOOD.replace("107.5", "99"), encoding="utf-8")
    assert dodac(*import_words(file, journal)) == 1
    assert "conflict 1" in capsys.readouterr().out
    assert 107.5 in stored(journal)


def test_columns_are_guessed_only_to_be_shown(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "j.db"
    words = ["import", file, "--journal", journal, "--instrument", "building", "--measurement", "electricity"]
    assert dodac(*words) == 2
    assert "--column kwh=energy_interval_kwh" in capsys.readouterr().err
    assert dodac(*words, "--preview") == 0
    shown = capsys.readouterr().out
    assert "--column kwh=energy_interval_kwh" in shown
    assert "20 rows: 20 samples, 0 refused" in shown
    assert not journal.exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["--column", "kwh=energy_kwh"], "not a canonical channel"),
        (["--column", "kwh"], "NAME=CHANNEL"),
        (["--column", "kwh=energy_interval_kwh:parsec"], "not a known unit"),
        (["--column", "nope=power_w"], "nope"),
        (["--timezone", "Mars/Base"], "Mars/Base"),
        (["--instrument", "Big Meter"], "can't be an instrument id"),
    ],
)
def test_a_mistyped_option_is_one_message_and_exit_2(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: list[str], says: str
) -> None:
    assert dodac(*import_words(file, tmp_path / "j.db", *change)) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert "Traceback" not in told.err
    assert not (tmp_path / "j.db").exists()


def test_a_missing_file_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dodac(*import_words(tmp_path / "no.csv", tmp_path / "j.db")) in (1, 2)
    assert "no.csv" in capsys.readouterr().err


def test_a_file_named_as_journal_by_mistake_is_left_alone(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert dodac(*import_words(file, file)) == 2
    assert "not a journal" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_instrument_that_nothing_describes_is_asked_about(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [w for w in import_words(file, tmp_path / "j.db") if w not in ("--measurement", "electricity")]
    assert dodac(*words) == 2
    assert "--measurement" in capsys.readouterr().err


def test_rows_without_a_reading_and_flagged_ones_are_told_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "meter.csv"
    path.write_text(GOOD + "2026-01-21,\n2026-01-22,1e12\n2026-01-20,120.5\n", encoding="utf-8")
    assert dodac(*import_words(path, tmp_path / "j.db")) == 0
    told = capsys.readouterr()
    for words in (
        "line 22: no value",
        "line 24: says again what line 21 says",
        "line 23: energy_interval_kwh out_of",
    ):
        assert words in told.err
    assert "left out 2; flagged 1" in told.out
    assert dodac(*import_words(path, tmp_path / "j2.db", "--json")) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["rows"] == done["received"] + len(done["left_out_rows"]) == 23
    assert [row["line"] for row in done["flagged_rows"]] == [23]


def test_of_many_refused_rows_every_line_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "meter.csv"
    path.write_text(GOOD + "x,1\n" * 30 + "2026-01-21,1\nx,1\n", encoding="utf-8")
    assert dodac(*import_words(path, tmp_path / "j.db", "--keep-good")) == 0
    assert "and 11 more, on lines 42–51, 53" in capsys.readouterr().err


def test_a_file_without_one_reading_is_a_finding_and_makes_no_journal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "meter.csv"
    path.write_text("date,kwh\n2026-01-01,\n2026-01-02,-\n", encoding="utf-8")
    assert dodac(*import_words(path, tmp_path / "j.db")) == 1
    assert "no row holds a reading" in capsys.readouterr().err
    assert not (tmp_path / "j.db").exists()


def test_an_empty_zone_is_not_taken_for_the_default(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dodac(*import_words(file, tmp_path / "j.db", "--timezone", "")) == 2
    assert "is not a time zone" in capsys.readouterr().err


def test_what_two_readings_of_a_number_need_can_be_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "meter.csv"
    path.write_text("date\tkwh\n2026-01-01\t1,500\n2026-01-02\t2,500\n", encoding="utf-8")
    assert dodac(*import_words(path, tmp_path / "j.db")) == 1
    assert '--decimal "," or --decimal "."' in capsys.readouterr().err
    assert dodac(*import_words(path, tmp_path / "j.db", "--decimal", ",", "--delimiter", "tab")) == 0
    assert stored(tmp_path / "j.db") == [1.5, 2.5]


def test_a_compressed_file_proposes_its_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "meter.csv.gz"
    path.write_bytes(gzip.compress(GOOD.encode()))
    assert dodac("import", path, "--journal", tmp_path / "j.db", "--instrument", "b", "--preview") == 0
    assert "--column kwh=energy_interval_kwh" in capsys.readouterr().out


def test_a_folder_as_journal_is_named(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dodac(*import_words(file, tmp_path)) == 2
    assert "this is a folder" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--from", "0001-01-01"), ("--to", "9999-12-31")])
def test_export_of_all_times_there_are(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, str]
) -> None:
    assert dodac(*import_words(file, tmp_path / "j.db")) == 0
    capsys.readouterr()
    assert dodac("export", "building", "--journal", tmp_path / "j.db", *words) == 0
    assert capsys.readouterr().out.count("\n") == 21


def test_export_backwards_is_a_fault_of_usage(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dodac(*import_words(file, tmp_path / "j.db")) == 0
    assert (
        dodac(
            "export", "building", "--journal", tmp_path / "j.db", "--from", "2026-02-01", "--to", "2026-01-01"
        )
        == 2
    )
    assert "Swap them" in capsys.readouterr().err


def test_run_without_anything_to_read_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site.toml"
    site.write_text(
        '[site]\nid = "a"\ncompany = "b"\n[[instruments]]\nid = "m"\nmeasurement = "water"\n',
        encoding="utf-8",
    )
    assert dodac("run", "--site", site, "--for", "1s") == 2
    assert "dodac import" in capsys.readouterr().err


def test_export_gives_back_what_was_imported(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "j.db"
    assert dodac(*import_words(file, journal)) == 0
    capsys.readouterr()
    assert (
        dodac("export", "--journal", journal, "building", "--from", "2026-01-05", "--to", "2026-01-07") == 0
    )
    assert capsys.readouterr().out.splitlines() == [
        "start_utc,end_utc,energy_interval_kwh [kWh]",
        "2026-01-05T00:00:00Z,2026-01-06T00:00:00Z,105.5",
        "2026-01-06T00:00:00Z,2026-01-07T00:00:00Z,106.5",
    ]
    assert dodac("export", "--journal", journal, "bilding") == 1
    assert 'Did you mean "building"?' in capsys.readouterr().err


def test_status_shows_the_ledger_of_a_journal(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "j.db"
    assert dodac("status", "--journal", journal) == 4
    assert dodac(*import_words(file, journal)) == 0
    assert dodac(*import_words(file, journal)) == 0
    capsys.readouterr()
    assert dodac("status", "--journal", journal, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ledger"]["balanced"]
    (row,) = report["ledger"]["sources"]
    assert (row["received"], row["committed"], row["duplicate"]) == (40, 20, 20)
    assert report["instruments"][0]["samples"] == 20
    assert dodac("status", "--journal", journal) == 0
    assert "building" in capsys.readouterr().out


def test_status_tells_why_payloads_were_set_aside_and_times_as_the_wall_clock_shows_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # "1 dead letters" was all a technician with a wrong topic ever saw; times were UTC with nine decimals
    (tmp_path / "site.toml").write_text(SITE.format(folder=tmp_path), encoding="utf-8")
    layout = Layout("meter1", ("power_w",))
    noon_ns = 1_790_000_000_123_456_789
    letters = [DeadLetter(noon_ns + n, "broker", "plant/x", b"{}", "not JSON", None) for n in range(3)]
    with Journal.open(tmp_path / "data" / "journal.db") as journal:
        journal.layout(layout)
        journal.commit([("bus1", layout.sample(noon_ns, {"power_w": 1.0}))])
        journal.commit([("broker", letter) for letter in letters])
    assert dodac("status", "--site", tmp_path) == 0
    out = capsys.readouterr().out
    assert "(Asia/Ho_Chi_Minh)" in out
    assert out.count("2026-09-21 21:13:20") == 2
    assert out.count("(unknown) from broker: not JSON (topic plant/x)") == 1
    assert dodac("status", "--site", tmp_path, "--json") == 0
    (kind,) = json.loads(capsys.readouterr().out)["set_aside"]
    assert (kind["reason"], kind["instrument"], kind["last"][-4:]) == ("not JSON", None, "791Z")


def test_init_writes_a_site_file_that_loads_and_never_overwrites_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "Nhà máy Đường"
    assert dodac("init", folder) == 0
    site = load_site(folder)
    assert site.site.id == "nha-may-duong"
    assert site.serve.host == "127.0.0.1"
    assert (folder / "secrets").stat().st_mode & 0o077 == 0
    before = (folder / "site.toml").read_bytes()
    assert dodac("init", folder) == 2
    assert "already" in capsys.readouterr().err
    assert (folder / "site.toml").read_bytes() == before


def test_init_refuses_what_can_be_no_folder_of_a_site(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert dodac("init", tmp_path / "file") == 2
    assert "not a folder" in capsys.readouterr().err
    assert dodac("init", tmp_path / "a\nx = 1") == 2  # it would have broken the file it writes
    assert "control characters" in capsys.readouterr().err


def test_the_examples_of_a_new_site_file_are_right_once_switched_on(tmp_path: Path) -> None:
    assert dodac("init", tmp_path) == 0
    path = tmp_path / "site.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    (tmp_path / "secrets" / "broker").touch(0o600)
    (tmp_path / "secrets" / "influx").touch(0o600)
    # examples begin with "#" and no blank; words with "# "
    path.write_text(
        "\n".join(t[1:] if t.startswith("#") and not t.startswith("# ") else t for t in lines),
        encoding="utf-8",
    )
    site = load_site(path)
    assert {item.id for item in site.instruments} == {"boiler1-power", "compressor1-power", "building"}
    assert set(site.connections) == {"bus1", "gateway1", "broker"}


def test_a_new_site_file_has_a_meter_to_fill_in_and_takes_a_single_adapter(tmp_path: Path) -> None:
    from collector._init_site import write_site

    adapters = tmp_path / "by-id"
    site = load_site(write_site(tmp_path / "none", adapters))
    assert [item.id for item in site.instruments] == ["boiler1-power"]
    assert site.instruments[0].calibration is None  # a made-up fact would stand in a report
    adapters.mkdir()
    (adapters / "usb-one").touch()
    assert f'port = "{adapters}/usb-one"' in write_site(tmp_path / "one", adapters).read_text(
        encoding="utf-8"
    )
    (adapters / "usb-two").touch()
    assert "usb-one" not in write_site(tmp_path / "two", adapters).read_text(encoding="utf-8")


SITE = """
[site]
id = "plant"
company = "acme"

[connections.bus1]
kind = "serial"
port = "{folder}/no-such-port"

[[instruments]]
id = "meter1"
profile = "eastron.sdm630"
connection = "bus1"
address = 1
every = "200ms"
"""


def start_run(folder: Path, *more: str) -> subprocess.Popen[str]:
    (folder / "site.toml").write_text(SITE.format(folder=folder), encoding="utf-8")
    words = [sys.executable, "-m", "dodac", "run", "--site", str(folder / "site.toml"), *more]
    return subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_with_a_dead_port_goes_on_says_so_once_and_ends_cleanly(
    tmp_path: Path, number: signal.Signals, kit: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    process = start_run(tmp_path)
    journal = tmp_path / "data" / "journal.db"

    def in_fault() -> bool:
        if not journal.exists():
            return False
        dodac("status", "--site", tmp_path, "--json")
        out = capsys.readouterr().out
        return bool(out) and bool(json.loads(out)["open_faults"])

    try:
        kit.until(in_fault, 20)
        time.sleep(0.5)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert out == ""
    assert "Traceback" not in err
    assert err.count("fault_start") == 1, err


def test_run_ends_by_itself_when_told_how_long(tmp_path: Path) -> None:
    process = start_run(tmp_path, "--for", "300ms")
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err


def test_an_unknown_key_in_the_site_file_is_exit_2_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE.format(folder=tmp_path) + "evry = 3\n", encoding="utf-8")
    assert dodac("run", "--site", tmp_path / "site.toml", "--for", "1s") == 2


CHILD = """
import itertools, sys
from pathlib import Path
from collector import Ingest
from dodac.clock import SystemClock
from dodac.samples import Layout
from store import Journal

layout = Layout("meter1", ("power_w",))
ingest = Ingest(Journal.open(Path(sys.argv[1])), SystemClock(), window=64)
ingest.start()
ingest.layout(layout)

def ack(number):
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()

first = int(sys.argv[2])
for number in itertools.count(first):
    ingest.sample(layout.sample(10**18 + number, {"power_w": float(number)}), source="bus",
                  done=lambda number=number: ack(number))
"""


@pytest.mark.parametrize("rounds", [4, pytest.param(100, marks=pytest.mark.soak)])
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, rounds: int) -> None:
    path = tmp_path / "j.db"
    acked: list[int] = []
    for round_ in range(rounds):
        first = round_ * 1_000_000
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), str(first)], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        assert process.stdout is not None
        for _ in range(200 + 77 * round_ % 1000):
            acked.append(int(process.stdout.readline()))
        process.kill()
        rest = process.stdout.read().split("\n")
        process.stdout.close()
        process.wait()
        acked += [int(word) for word in rest[:-1]]
    store = JournalStore(path)
    found = {sample.time_ns - 10**18 for sample in store.samples("meter1", 0, 1 << 62)}
    store.close()
    assert len(acked) > 200 * rounds
    assert set(acked) <= found


@pytest.mark.skipif(not NMECR.exists(), reason="the shared example data are not on this machine")
def test_the_example_building_imports_as_the_manual_says(tmp_path: Path) -> None:
    journal = tmp_path / "b.db"
    common = [
        "--journal",
        journal,
        "--time",
        "time",
        "--stamp",
        "end",
        "--interval",
        "1d",
        "--timezone",
        "UTC",
    ]
    assert dodac(
        "import", NMECR / "eload.csv", "--instrument", "building", "--measurement", "electricity",
        "--column", "eload=energy_interval_kwh", *common,
    ) == 0  # fmt: skip
    assert dodac(
        "import", NMECR / "temp.csv", "--instrument", "weather", "--measurement", "ambient",
        "--column", "temp=temperature_c:degF", *common,
    ) == 0  # fmt: skip
    values = stored(journal)
    assert len(values) == 1095
    assert values[0] == 21505.43952
