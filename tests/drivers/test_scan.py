"""dodac scan on simulated lines and gateways: what is there is found, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dodac.clock import SystemClock
from dodac.errors import ConfigError, InstrumentError
from drivers._simulate import plausible
from drivers.catalogue import load_profile, load_profiles
from drivers.links import LineSettings, LinkDown
from drivers.links.serial import SerialLink
from drivers.links.tcp import TcpLink
from drivers.profile import LineProfile, ModbusProfile
from drivers.scan import ModbusScan, Step
from drivers.scan_ask import answering
from drivers.scan_ports import holders, lasting_name
from drivers.scan_settings import likely_settings
from drivers.scan_target import SerialTarget, TcpTarget, not_held, target_of
from drivers.scan_words import addresses, bauds, frames
from drivers.simulator import Fault, SimulatedBus, SimulatedGateway, SimulatedUnit
from drivers.simulator.talker import SimulatedTalker

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial's RFC 2217

FAST = (LineSettings(115200, "8N1"),)
SETTINGS = tuple(
    LineSettings(*words) for words in ((57600, "8N1"), *((115200, f) for f in ("8N1", "8E1", "8O1")))
)


def unit(id: str = "eastron.sdm630", **words: Any) -> SimulatedUnit:
    profile = load_profile(id)
    assert isinstance(profile, ModbusProfile)
    values = plausible(profile, 3.0)
    return SimulatedUnit(profile, lambda: values, **words)


def ready(
    path: str, units: Sequence[int], settings: Sequence[LineSettings] = FAST, **words: Any
) -> ModbusScan:
    def make(setting: LineSettings | None) -> tuple[SerialLink, float]:
        assert setting is not None
        return SerialLink(path, setting.baud, setting.frame), setting.byte_s

    return ModbusScan(make, SystemClock(), list(units), list(settings), wait_s=0.03, patience_s=0.4, **words)


def scanned(
    path: str, units: Sequence[int], settings: Sequence[LineSettings] = FAST, **words: Any
) -> ModbusScan:
    work = ready(path, units, settings, **words)
    work.run()
    return work


def line(units: dict[int, SimulatedUnit], frame: str = "8N1", **words: Any) -> SimulatedBus:
    return SimulatedBus(units, 115200, frame=frame, latency_s=0.002, **words)


def behind(gateway: SimulatedGateway, units: Sequence[int], framing: Any = "tcp") -> ModbusScan:
    host, port = gateway.start()
    work = ModbusScan(
        lambda _: (TcpLink(host, port), 0.0),
        SystemClock(),
        list(units),
        [None],
        framing,
        wait_s=0.05,
        patience_s=0.4,
    )
    work.run()
    return work


@pytest.mark.parametrize("frame", ["8E1", "8O1"])
def test_units_are_found_at_the_speed_and_parity_they_are_set_to(frame: str) -> None:
    with line({2: unit(), 5: unit()}, frame) as bus:
        work = scanned(bus.path, range(1, 6), SETTINGS)
    assert [(u.unit, str(u.setting), u.answer) for u in work.found] == [
        (2, f"115200 {frame}", "data"),
        (5, f"115200 {frame}", "data"),
    ]
    assert "the other 3 settings were left out" in work.notes[0]


def test_parity_is_found_through_a_serial_server_that_shows_it() -> None:
    settings = [LineSettings(115200, "8N1"), LineSettings(115200, "8E1")]
    with line({1: unit()}, "8E1", port="rfc2217") as bus:
        work = scanned(bus.path, [1], settings)
    assert [(u.unit, str(u.setting)) for u in work.found] == [(1, "115200 8E1")]


def test_an_empty_line_is_scanned_in_seconds_and_gives_nothing() -> None:
    """32 addresses × 8 settings; the figure is printed by benchmarks/scan_time.py."""
    with line({}) as bus:
        work = scanned(bus.path, range(1, 17), FAST)
    assert work.found == []
    assert work.requests == 16
    assert work.seconds < 16 * 0.6


def test_a_slow_meter_is_found_though_its_answer_comes_while_others_are_asked() -> None:
    with line({2: unit(), 5: unit()}) as bus:
        bus.fault(2, "late", count=50, seconds=0.2)
        work = scanned(bus.path, range(1, 9))
    assert [u.unit for u in work.found] == [2, 5]
    assert "slow" in work.found[0].note
    assert 0.15 < work.found[0].turnaround_s < 0.5


def test_an_adapter_that_hears_itself_makes_no_units() -> None:
    with line({2: unit()}, echo=True) as bus:
        work = scanned(bus.path, range(1, 6))
    assert [u.unit for u in work.found] == [2]
    assert any("echo" in note for note in work.notes)


def test_a_unit_that_only_refuses_is_there() -> None:
    with line({2: unit()}) as bus:
        bus.fault(2, "exception", count=50)
        work = scanned(bus.path, range(1, 4))
    assert [(u.unit, u.answer) for u in work.found] == [(2, "exception 04, device failure")]


def test_two_meters_with_one_address_are_told_and_not_listed() -> None:
    with line({2: unit(), 3: unit()}) as bus:
        bus.fault(2, "collision", count=50)
        work = scanned(bus.path, range(1, 5))
    assert [u.unit for u in work.found] == [3]
    assert any("unit 2" in note and "Two instruments" in note for note in work.notes)


def test_a_disturbed_line_hides_no_unit_and_makes_none() -> None:
    """A third of all answers damaged, torn, behind noise or under a wrong number."""
    import random

    chance = random.Random(5)

    def script() -> list[Fault]:
        kind = chance.choice(["crc", "truncated", "noise", "wrong_unit", "", "", "", "", "", ""])
        return [Fault(kind)] if kind else []

    with line({n: unit() for n in (2, 3, 5, 8)}, script=script) as bus:
        work = scanned(bus.path, range(1, 11))
    assert {u.unit for u in work.found} == {2, 3, 5, 8}


def test_an_instrument_that_answers_every_address_is_one_instrument() -> None:
    with line({1: unit(every_address=True)}) as bus:
        work = scanned(bus.path, range(1, 33))
    assert [u.unit for u in work.found] == [1]
    assert "every address" in work.found[0].note
    assert work.requests < 15


def test_a_line_that_babbles_without_end_gives_no_units_and_no_hang() -> None:
    with line({2: unit()}) as bus:
        bus.fault(2, "babble", seconds=60)
        time.sleep(0.05)
        work = scanned(bus.path, range(1, 33), SETTINGS)
    assert work.found == []
    assert any("unasked" in note for note in work.notes)
    assert work.seconds < 40


def test_an_instrument_that_prints_by_itself_is_told_once_and_makes_no_units() -> None:
    profile = load_profile("teledyne.3000t")
    assert isinstance(profile, LineProfile)
    with SimulatedTalker(profile, every_s=0.03, baud=115200) as talker:
        work = scanned(talker.path, range(1, 33), SETTINGS[1:3])
    assert work.found == []
    assert [note for note in work.notes if "unasked" in note]
    assert not [note for note in work.notes if "Two instruments" in note]


def test_noise_holds_no_units() -> None:
    import random

    chance = random.Random(7)
    assert answering(chance.randbytes(200_000), "rtu") == set()


def test_an_adapter_pulled_out_in_the_middle_leaves_what_was_found() -> None:
    with line({1: unit()}) as bus:
        work = ready(bus.path, range(1, 33))

        def pull(step: Step) -> None:
            if step.words.endswith("unit 8"):
                bus.fault(1, "unplug", seconds=0.2)
                time.sleep(0.1)

        work.progress = pull
        with pytest.raises(LinkDown):
            work.run()
    assert [u.unit for u in work.found] == [1]


def test_a_scan_ended_by_the_user_keeps_what_was_found() -> None:
    with line({1: unit()}) as bus:
        work = ready(bus.path, range(1, 33))

        def interrupt(step: Step) -> None:
            if step.words.endswith("unit 8"):
                raise KeyboardInterrupt

        work.progress = interrupt
        with pytest.raises(KeyboardInterrupt):
            work.run()
    assert [u.unit for u in work.found] == [1]


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
def test_a_gateway_that_answers_for_absent_units_makes_none_of_them(framing: Any) -> None:
    gateway = SimulatedGateway({3: unit()}, framing, absent=0x0B)
    with gateway:
        work = behind(gateway, range(1, 9), framing)
    assert [u.unit for u in work.found] == [3]
    assert any("gateway" in note for note in work.notes)


def test_a_gateway_that_waits_long_for_absent_units_loses_none_behind_them() -> None:
    """It asks its line one request after another: who hurries on gets all answers late."""
    with SimulatedGateway({3: unit(), 6: unit()}, absent=0x0B, absent_s=0.15) as gateway:
        work = behind(gateway, range(1, 9))
    assert [(u.unit, u.note) for u in work.found] == [(3, ""), (6, "")]


def test_a_gateway_that_waits_long_and_once_not_at_all_is_kept_in_step_with() -> None:
    """One request without any answer ended the patience: the next refusals came late, then the unit behind them."""

    class Forgetful(SimulatedGateway):
        def _request(self, heard: bytes) -> tuple[int, bytes | None] | None:
            return (12, None) if len(heard) >= 12 and heard[6] == 2 else super()._request(heard)

    with Forgetful({9: unit()}, absent=0x0B, absent_s=0.06) as gateway:
        host, port = gateway.start()
        work = ModbusScan(
            lambda _: (TcpLink(host, port), 0.0), SystemClock(), range(1, 10), [None], "tcp", wait_s=0.03, patience_s=0.3,
        )  # fmt: skip
        work.run()
    assert [(u.unit, u.note) for u in work.found] == [(9, "")]


def test_a_late_refusal_of_a_gateway_makes_no_unit() -> None:
    from drivers.protocols import modbus

    assert answering(modbus.mbap(7, 9, b"\x83\x0b"), "tcp") == set()
    assert answering(modbus.mbap(7, 9, b"\x83\x02"), "tcp") == {9}


def test_a_server_that_refuses_for_every_absent_unit_makes_none_of_them() -> None:
    """pymodbus answers exception 04 where there is no unit."""
    with SimulatedGateway({5: unit()}, absent=4) as gateway:
        work = behind(gateway, range(1, 9))
    assert [u.unit for u in work.found] == [5]
    assert any("every address answers" in note for note in work.notes)


def test_a_silent_gateway_gives_its_units_only() -> None:
    with SimulatedGateway({3: unit()}) as gateway:
        assert [u.unit for u in behind(gateway, range(1, 6)).found] == [3]


# ---- the order of settings, and words


def test_the_likeliest_settings_come_first() -> None:
    likely = likely_settings(load_profiles().values())
    assert str(likely[0]) == "9600 8N1"
    assert {str(s) for s in likely[:8]} >= {"9600 8N1", "9600 8E1", "19200 8E1", "2400 8N1", "38400 8N1"}
    assert not any(s.frame == "8N2" for s in likely)  # heard as 8N1
    asked = likely_settings(load_profiles().values(), [1200, 300], ["8N2"])
    assert {str(s) for s in asked} == {"1200 8N2", "300 8N2"}


def test_addresses_speeds_and_frames_are_checked() -> None:
    assert addresses("1-3, 7,7,2", 1, 247) == [1, 2, 3, 7]
    assert bauds("9600, 19200") == [9600, 19200]
    assert frames("8e1") == ["8E1"]
    for wrong in ("0", "248", "5-2", "a", "", "1-", "-1"):
        with pytest.raises(ConfigError, match="--units"):
            addresses(wrong, 1, 247)
    for call in (lambda: bauds("fast"), lambda: bauds("9"), lambda: frames("9N1")):
        with pytest.raises(ConfigError):
            call()


@pytest.mark.parametrize("wrong", ["mqtt://", "mqtt://u:p@h", "a b", "host:99999", "mqtt://h:x", "", "h:p:1"])
def test_what_is_no_place_is_refused_with_words(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        target_of(wrong, tmp_path)


def test_a_name_of_the_site_file_is_its_connection(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(
        '[site]\nid = "s"\ncompany = "c"\n[connections.bus1]\nkind = "serial"\nport = "/dev/x"\nbaud = 2400\n'
        'frame = "8E1"\n[connections.hand]\nkind = "manual"\n'
    )
    target = target_of("bus1", tmp_path)
    assert isinstance(target, SerialTarget)
    assert (target.port, str(target.setting)) == ("/dev/x", "2400 8E1")
    assert target_of("meter.local:1502", tmp_path) == TcpTarget("meter.local", 1502)
    with pytest.raises(ConfigError, match="manual"):
        target_of("hand", tmp_path)


def test_a_port_that_another_program_holds_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = tmp_path / "port"
    port.touch()
    process = tmp_path / "proc" / "812"
    (process / "fd").mkdir(parents=True)
    (process / "fd" / "5").symlink_to(port)
    (process / "cmdline").write_bytes(b"/opt/venv/bin/python\0-m\0/opt/venv/bin/dodac\0run\0--site\0x\0")
    assert holders(str(port), tmp_path / "proc") == ("dodac run (process 812)",)
    monkeypatch.setattr("drivers.scan_target.holders", lambda _: ("dodac run (process 812)",))
    with pytest.raises(InstrumentError, match="in use by dodac run"):
        not_held(SerialTarget(str(port)))


def test_a_port_is_named_by_what_stays(tmp_path: Path) -> None:
    device, names = tmp_path / "ttyUSB0", tmp_path / "by-id"
    device.touch()
    names.mkdir()
    (names / "usb-FTDI_1").symlink_to(device)
    assert lasting_name(str(device), names) == str(names / "usb-FTDI_1")
    assert lasting_name("/dev/other", names) == "/dev/other"
    assert lasting_name("/dev/other", tmp_path / "none") == "/dev/other"
