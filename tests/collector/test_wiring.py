"""`dodac wiring` over a real line: each fault is found, a healthy meter passes, and the journal remembers it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dodac.cli import main
from dodac.contracts import EventKind
from drivers import load_profile
from drivers.profile import ModbusProfile
from drivers.simulator import SimulatedBus, SimulatedUnit
from drivers.simulator.electric import Load, Wiring, meter, wiring_fault
from store import Journal, JournalStore

WORDS = ["--readings", "2", "--seconds", "0", "--json"]


@contextmanager
def plant(
    folder: Path,
    wired: Wiring,
    load: Load | None = None,
    *,
    profile: str = "eastron.sdm630",
    ct: str = "",
    running: bool = False,
) -> Iterator[str]:
    known = load_profile(profile)
    assert isinstance(known, ModbusProfile)
    primary, _, secondary = ct.partition("/")
    ratio = float(primary) / float(secondary) if ct else 1.0
    start = time.monotonic()

    def seconds() -> float:
        return time.monotonic() - start if running else 0.0

    unit = SimulatedUnit(known, meter(known, seconds, load=load, wiring=wired, ct=ratio))
    with SimulatedBus({1: unit}, baud=115200, latency_s=0.0) as line:
        text = f"""[site]
id = "s"
company = "c"
language = "en"
[connections.bus]
kind = "serial"
port = "{line.path}"
baud = 115200
[[instruments]]
id = "meter"
profile = "{profile}"
connection = "bus"
every = "500ms"
"""
        (folder / "site.toml").write_text(text + (f'ct_ratio = "{ct}"\n' if ct else ""), encoding="utf-8")
        yield str(folder)


def run(site: str, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, str]]:
    code = main(["wiring", "meter", "--site", site, *WORDS, *more])
    told = json.loads(capsys.readouterr().out)
    return code, {row["check"]: row["code"] for row in told["checks"]}


@pytest.mark.parametrize(
    ("fault", "check", "code"),
    [
        ("ct_reversed:2", "direction", "mixed_signs"),
        ("ct_crossed:13", "direction", "mixed_signs"),
        ("voltage_missing:3", "voltage", "voltage_lost"),
    ],
)
def test_a_fault_of_wiring_is_a_finding(
    fault: str, check: str, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with plant(tmp_path, wiring_fault(fault)) as site:
        exit_code, found = run(site, capsys)
    assert (exit_code, found[check]) == (1, code)


def test_all_reversed_is_asked_and_answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with plant(tmp_path, wiring_fault("ct_all_reversed")) as site:
        assert run(site, capsys)[0] == 0
        assert run(site, capsys, "--generation", "no")[0] == 1
        assert run(site, capsys, "--generation", "yes")[0] == 0


def test_two_transformers_are_judged_as_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load = Load(angle_deg=(70.0, 70.0, 70.0))
    with plant(tmp_path, Wiring(wires=3), load) as site:
        code, found = run(site, capsys, "--wires", "3")
    assert (code, found["direction"]) == (0, "two_ok")
    with plant(tmp_path, wiring_fault("ct_reversed:1", Wiring(wires=3)), load) as site:
        assert run(site, capsys, "--wires", "3")[0] == 1


def test_a_meter_that_multiplies_itself_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load = Load(current_a=(200.0, 205.0, 198.0))
    with plant(tmp_path, Wiring(), load, profile="acrel.adl3000", ct="400/5") as site:
        assert run(site, capsys, "--clamp", "1=200") == (0, run(site, capsys, "--clamp", "1=200")[1])
    with plant(tmp_path, wiring_fault("scaled_twice"), load, profile="acrel.adl3000", ct="400/5") as site:
        code, found = run(site, capsys)
        assert (code, found["ratio"]) == (1, "scaled_twice_seen")
        code, found = run(site, capsys, "--clamp", "1=200")
        assert (code, found["ratio"]) == (1, "scaled_twice")


def test_the_step_of_a_counter_grows_with_its_transformers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load = Load(current_a=(3600.0, 3600.0, 3600.0))
    with plant(tmp_path, Wiring(), load, profile="acrel.adl3000", ct="4000/5", running=True) as site:
        # a step of 0.01 kWh is one of 8 kWh here: what moves in a second can't be judged
        code, found = run(site, capsys, "--seconds", "1.5")
    assert (code, found["energy"]) == (0, "energy_small")


def test_currents_beyond_belief_are_evidence_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load = Load(
        current_a=(400.0, 390.0, 410.0)
    )  # 32 000 A once multiplied twice: no reading for anything else
    with plant(tmp_path, wiring_fault("scaled_twice"), load, profile="acrel.adl3000", ct="400/5") as site:
        code, found = run(site, capsys)
    assert (code, found["ratio"]) == (1, "scaled_twice_seen")


def test_the_outcome_stands_in_the_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with plant(tmp_path, Wiring()) as site:
        assert main(["wiring", "meter", "--site", site, "--readings", "1", "--clamp", "1=25"]) == 0
    out = capsys.readouterr().out
    assert "direction and phase" in out
    store = JournalStore(tmp_path / "data" / "journal.db")
    try:
        (event,) = [e for e in store.events(0, 1 << 62) if e.kind is EventKind.NOTE]
    finally:
        store.close()
    assert event.instrument == "meter"
    assert event.data["what"] == "wiring"
    assert event.data["result"] == "ok"
    assert event.data["clamp_l1_a"] == 25.0


def test_readings_of_a_running_collector_are_judged_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with plant(tmp_path, wiring_fault("ct_reversed:3")) as site:
        assert main(["run", "--site", site, "--for", "2s"]) == 0
        capsys.readouterr()
        assert main(["wiring", "meter", "--site", site, "--last", "1min", "--json"]) == 1
        told = json.loads(capsys.readouterr().out)
        assert {"mixed_signs"} <= {row["code"] for row in told["checks"]}
        with Journal.open(tmp_path / "data" / "journal.db"):  # as a collector holds it
            assert main(["wiring", "meter", "--site", site, "--last", "1min"]) == 1
        assert "was not kept" in capsys.readouterr().err
        assert main(["wiring", "meter", "--site", site, "--last", "soon"]) == 2
        assert "--last" in capsys.readouterr().err


def test_wrong_words_are_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with plant(tmp_path, Wiring()) as site:
        assert main(["wiring", "meter", "--site", site, "--clamp", "4=10"]) == 2
        assert "1=183.5" in capsys.readouterr().err
        assert main(["wiring", "metre", "--site", site]) == 2
    assert main(["wiring", "meter", "--site", site, *WORDS]) == 3  # the line is gone
    assert "no such port" in capsys.readouterr().err
