"""Every fault that can be simulated changes what a client sees on its port, and in the way that its words say."""

from __future__ import annotations

import os
import select
import termios
import time
import tty
from collections.abc import Callable
from pathlib import Path

import pytest

from dodac.cli import main
from dodac.clock import SystemClock
from dodac.errors import ConfigError, InstrumentError
from dodac.samples import Reason
from dodac.site import parse_site
from drivers import load_profile
from drivers._simulate import Options, simulation
from drivers.connection_open import read_with
from drivers.profile import Iec62056Profile, Profile
from drivers.protocols import modbus
from drivers.protocols.mbus_frame import req_ud2
from drivers.simulator.electric import WIRING_FAULTS
from drivers.simulator.faults import FAULTS
from drivers.simulator.iec62056 import METER_FAULTS, SimulatedIec62056Meter
from drivers.simulator.publisher import PUBLISHER_FAULTS, SimulatedPublisher
from drivers.simulator.talker import TALKER_FAULTS, SimulatedTalker

POWER = load_profile("acrel.adl3000")
ENERGY = modbus.rtu(1, modbus.read_pdu(3, 0, 2))  # a counter of 32 bits
WATER = load_profile("generic.mbus-water")
LATE_S = 0.15


def ask(path: str, request: bytes, wait_s: float = 0.1) -> bytes:
    """What comes on a port: nothing for so long, or until 40 ms of silence."""
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        os.write(fd, request)
        came, end = b"", time.monotonic() + wait_s
        while (left := end - time.monotonic()) > 0:
            if select.select([fd], [], [], min(left, 0.04) if came else left)[0]:
                came += os.read(fd, 4096)
            elif came:
                break
        return came
    finally:
        os.close(fd)


def seen(profile: Profile, request: bytes, fault: str) -> tuple[bytes, bytes, bytes]:
    """The good answer, what comes while the fault is shown, and what comes then."""
    options = Options(baud=115_200, latency_s=0.0, faults=(fault,), fault_seconds=LATE_S)
    made = simulation(profile, options, lambda: 10.0)
    made.served.start()
    path = made.where()
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(fd)
        good = ask(path, request)
        made.tick()
        if fault == "unplug":
            end = time.monotonic() + 2
            while os.path.exists(path) and time.monotonic() < end:  # noqa: PTH110
                time.sleep(0.005)
            gone = not os.path.exists(path)  # noqa: PTH110
            while not os.path.exists(path) and time.monotonic() < end:  # noqa: PTH110
                time.sleep(0.005)
            os.close(fd)
            return good, b"gone" if gone else b"there", ask(path, request)
        came = ask(path, request, 0.05 if fault in ("late", "dead") else 0.1)
        after = ask(path, b"", LATE_S * 2) if fault == "late" else b""
        os.close(fd)
        return good, came, after
    finally:
        made.served.stop()


def one_bit(good: bytes, came: bytes) -> bool:
    return len(good) == len(came) and sum((a ^ b).bit_count() for a, b in zip(good, came, strict=True)) == 1


SHOWN: dict[str, Callable[[bytes, bytes, bytes], bool]] = {
    "late": lambda good, came, _: came == b"",
    "crc": lambda good, came, _: one_bit(good, came),
    "truncated": lambda good, came, _: good.startswith(came) and 0 < len(came) < len(good),
    "noise": lambda good, came, _: (
        came.endswith(good) and set(came[: -len(good)]) <= {0, 255} and came != good
    ),
    "echo": lambda good, came, asked: came == asked + good,
    "dead": lambda good, came, _: came == b"",
    "exception": lambda good, came, _: came not in (b"", good) and len(came) < len(good),
    "wrong_unit": lambda good, came, _: len(came) == len(good) and came != good,
    "sentinel": lambda good, came, _: len(came) == len(good) and came != good,
    "counter_zero_once": lambda good, came, _: len(came) == len(good) and came.count(0) > good.count(0),
    "word_swap": lambda good, came, _: came[3:7] == good[5:7] + good[3:5],
    "collision": lambda good, came, _: came not in (b"", good),
    "babble": lambda good, came, _: len(came) > 10 * len(good),
    "unplug": lambda good, came, _: came == b"gone",
}


@pytest.mark.parametrize("profile", [POWER, WATER], ids=["modbus", "mbus"])
@pytest.mark.parametrize("fault", list(FAULTS))
def test_each_fault_of_a_line_is_seen_by_who_asks(fault: str, profile: Profile) -> None:
    asked = ENERGY if profile is POWER else req_ud2(1, True)
    if (profile, fault) == (WATER, "word_swap"):
        with pytest.raises(ConfigError, match="can't show"):
            simulation(profile, Options(faults=(fault,)))
        return
    good, came, after = seen(profile, asked, fault)
    assert good
    assert SHOWN[fault](good, came, asked), f"{fault}: {came.hex(' ')} for {good.hex(' ')}"
    if fault in ("late", "unplug"):
        assert after == good


@pytest.mark.parametrize(("fault", "reason"), [("sentinel", Reason.SENTINEL), ("counter_zero_once", None)])
def test_faults_of_an_mbus_meter_reach_its_readings(fault: str, reason: Reason | None) -> None:
    made = simulation(WATER, Options(baud=115_200, latency_s=0.0, faults=(f"{fault}:1",)))
    made.served.start()
    try:
        site = parse_site(f'[site]\nid = "s"\ncompany = "c"\n{made.site()}', Path("site.toml"))
        if reason is None:
            sample, reader, _ = read_with(site, "my-meter", SystemClock())
            shown = dict(zip(reader.layout.channels, sample.values, strict=True))
            assert shown["volume_m3"] == 0.0
            assert shown["flow_m3h"] == made.expected()["flow_m3h"]
        else:
            sample, _, _ = read_with(site, "my-meter", SystemClock())
            assert {flag.reason for flag in sample.flags} == {reason}
    except InstrumentError:
        assert reason is not None  # a meter without any good value
    finally:
        made.served.stop()


@pytest.mark.parametrize("fault", ["rollover", "ct_reversed:1", "word_swap", "scaled_twice"])
def test_what_a_meter_can_not_show_is_not_taken_in_silence(fault: str) -> None:
    with pytest.raises(ConfigError, match="can't show"):
        simulation(WATER, Options(faults=(fault,)))


@pytest.mark.parametrize("fault", list(WIRING_FAULTS))
def test_each_fault_of_wiring_changes_the_readings(fault: str) -> None:
    ct = "400/5" if fault == "scaled_twice" else ""
    healthy = simulation(POWER, Options(ct=ct), lambda: 0.0).expected()
    wrong = simulation(POWER, Options(ct=ct, faults=(fault,)), lambda: 0.0).expected()
    assert {name for name in healthy if abs(healthy[name] - wrong[name]) > 1e-6}


def test_a_single_phase_meter_shows_the_power_of_one_phase() -> None:
    """It showed that of three, and dodac probe said that U, I and P don't fit."""
    shown = simulation(load_profile("eastron.sdm120"), Options(), lambda: 0.0).expected()
    assert shown["power_w"] == pytest.approx(
        shown["voltage_l1_v"] * shown["current_l1_a"] * shown["power_factor"], rel=1e-9
    )


@pytest.mark.parametrize("fault", list(TALKER_FAULTS))
def test_each_fault_of_an_instrument_that_prints_changes_its_line(fault: str) -> None:
    talker = SimulatedTalker(load_profile("servomex.4100-ascii"))  # type: ignore[arg-type]
    lines = {talker.next_line() for _ in range(20)}
    talker.fault(fault)
    wrong = talker.next_line()
    assert wrong not in lines
    assert (wrong == b"") == (fault == "dead")
    assert talker.next_line() in lines


@pytest.mark.parametrize("fault", list(PUBLISHER_FAULTS))
def test_each_fault_of_a_publisher_changes_its_messages(fault: str) -> None:
    talker = SimulatedPublisher(load_profile("tasmota.energy"), "mqtt://127.0.0.1:1")  # type: ignore[arg-type]
    now = 1_795_000_000.0
    good = [talker.next_messages(now) for _ in range(10)]
    talker.fault(fault)
    wrong = talker.next_messages(now)
    assert wrong not in good
    assert len(wrong) == {"dead": 0, "twice": 2}.get(fault, 1)
    assert talker.next_messages(now) in good


@pytest.mark.parametrize("fault", [kind for kind in METER_FAULTS if kind != "echo"])
def test_each_fault_of_a_meter_that_pushes_changes_its_telegram(fault: str) -> None:
    """The echo is of what a client sends: test_iec62056 asks for it."""
    profile = load_profile("generic.dsmr-p1")
    assert isinstance(profile, Iec62056Profile)
    meter = SimulatedIec62056Meter(profile, baud=115_200, every_s=0.02)
    golden = {test.data() for test in profile.tests}
    path = meter.start()
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(fd)
        attributes = termios.tcgetattr(fd)
        attributes[4] = attributes[5] = termios.B115200
        termios.tcsetattr(fd, termios.TCSANOW, attributes)
        ask(path, b"", 0.05)  # what came at another speed
        meter.fault(fault, 1000, seconds=0.5)
        ask(path, b"", 0.1)  # what was on its way
        came = ask(path, b"", 0.15)
        os.close(fd)
    finally:
        meter.stop()
    if fault in ("dead", "late"):
        assert came == b""
    elif fault == "noise":  # before telegrams that are whole
        assert any(telegram in came for telegram in golden)
        assert set(came) & {0, 127, 255}
    else:
        assert came
        assert not any(telegram in came for telegram in golden)


def test_simulate_twice_is_two_ports_and_a_broken_off_one_leaves_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for _ in range(2):
        assert main(["simulate", "tuf-2000m", "--seconds", "0.05"]) == 0
    first, second = capsys.readouterr().out.split()
    assert first != second
    assert not Path(first).exists()
