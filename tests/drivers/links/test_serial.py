"""The serial port: what pseudo-terminals and unplugged adapters do to a driver."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from drivers.links import LineSettings, LinkDown
from drivers.links.serial import SerialLink, is_pty


@pytest.fixture
def pty() -> Iterator[tuple[int, str]]:
    master, slave = os.openpty()
    yield master, os.ttyname(slave)
    for fd in (master, slave):
        try:
            os.close(fd)
        except OSError:
            continue


def test_bytes_go_and_come(pty: tuple[int, str]) -> None:
    master, path = pty
    link = SerialLink(path)
    link.open()
    link.write(b"\x01\x04\x0a\x0d\x11\x13\xff")
    assert os.read(master, 100) == b"\x01\x04\x0a\x0d\x11\x13\xff"
    os.write(master, b"\x0d\x0a\x00\x7f")
    assert link.read(1.0) == b"\x0d\x0a\x00\x7f"
    link.close()


def test_a_timeout_is_kept_without_touching_the_port(pty: tuple[int, str]) -> None:
    link = SerialLink(pty[1])
    link.open()
    start = time.monotonic()
    assert link.read(0.05) == b""
    assert 0.045 < time.monotonic() - start < 0.5
    link.close()


@pytest.mark.parametrize("frame", ["8E1", "7E1", "8O1"])
def test_a_port_with_parity_opens_again_on_a_pty(pty: tuple[int, str], frame: str) -> None:
    """Linux ptys drop parity and refuse the second tcsetattr with EINVAL: M-Bus and IEC 62056 need it."""
    link = SerialLink(pty[1], 2400, frame)
    for _ in range(3):
        link.open()
        link.write(b"x")
        assert os.read(pty[0], 1) == b"x"
        link.close()


def test_no_such_port_says_so() -> None:
    with pytest.raises(LinkDown, match="no such port"):
        SerialLink("/dev/ttyUSB-not-there").open()


def test_two_programs_do_not_share_a_port(pty: tuple[int, str]) -> None:
    first, second = SerialLink(pty[1]), SerialLink(pty[1])
    first.open()
    with pytest.raises(LinkDown, match="another program"):
        second.open()
    first.close()
    second.open()
    second.close()


def test_a_file_is_no_port(tmp_path: object) -> None:
    path = f"{tmp_path}/file"
    with open(path, "wb"):  # noqa: PTH123
        pass
    with pytest.raises(LinkDown):
        SerialLink(path).open()
    assert not is_pty(path)


def test_an_unplugged_adapter_is_known_by_reading_and_writing() -> None:
    master, slave = os.openpty()
    link = SerialLink(os.ttyname(slave))
    link.open()
    os.close(slave)
    os.close(master)
    with pytest.raises(LinkDown):
        link.read(1.0)
    with pytest.raises(LinkDown):
        link.write(b"x")
    link.close()
    with pytest.raises(LinkDown, match="not open"):
        link.read(0.0)


def test_a_serial_server_is_reached_by_its_url() -> None:
    link = SerialLink("loop://")
    link.open()
    link.write(b"abc")
    came = b""
    while len(came) < 3:
        more = link.read(1.0)
        assert more
        came += more
    assert came == b"abc"
    assert link.read(0.0) == b""
    link.close()


def test_the_speed_changes_while_the_port_is_open(pty: tuple[int, str]) -> None:
    master, path = pty
    link = SerialLink(path, 300, "7E1")
    link.open()
    link.write(b"\x06050\r\n")
    link.change_speed(9600)
    assert termios.tcgetattr(master)[4] == termios.B9600
    assert os.read(master, 100) == b"\x06050\r\n"
    os.write(master, b"x")
    assert link.read(1.0) == b"x"
    link.close()
    with pytest.raises(LinkDown, match="not open"):
        link.change_speed(300)


def test_the_program_that_has_the_port_is_named(pty: tuple[int, str]) -> None:
    """ "Another program uses the port" left a technician searching for which one."""
    code = f"import serial, sys; p = serial.Serial({pty[1]!r}, exclusive=True); print('has it', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "has it\n"
        with pytest.raises(LinkDown) as error:
            SerialLink(pty[1]).open()
        assert other.stdin is not None
        other.stdin.close()
    assert "another program uses the port" in str(error.value)
    assert f"process {other.pid}" in str(error.value)
    assert "end it, or" in str(error.value)


def test_settings_change_together_and_hold_when_the_port_is_opened_again(pty: tuple[int, str]) -> None:
    master, path = pty
    link = SerialLink(path)
    link.open()
    for settings in (LineSettings(19200, "8N2"), LineSettings(2400, "8E1"), LineSettings(2400, "8O1")):
        os.write(master, b"meant for the unit before")
        link.change(settings)
        assert link.read(0.01) == b""
    link.change(LineSettings(19200, "8N2"))
    link.open()
    attributes = termios.tcgetattr(master)
    assert (attributes[4], attributes[2] & termios.CSTOPB) == (termios.B19200, termios.CSTOPB)
    assert link.settings == LineSettings(19200, "8N2")
    link.close()
    with pytest.raises(LinkDown, match="not open"):
        link.change(LineSettings())


class Adapter:
    """What pyserial gives for an adapter that knows the low-latency mode, or refuses it."""

    def __init__(self, *, knows: bool) -> None:
        self.knows = knows
        self.asked = 0

    def set_low_latency_mode(self, on: bool) -> None:
        self.asked += on
        if not self.knows:
            raise ValueError("not supported")


@pytest.mark.parametrize("knows", [True, False])
def test_low_latency_is_asked_for_and_known_to_be_on_or_off(
    pty: tuple[int, str], monkeypatch: pytest.MonkeyPatch, knows: bool
) -> None:
    link = SerialLink(pty[1])
    link.open()
    before: bool | None = link.low_latency
    assert before is None  # a pty has none
    monkeypatch.setattr("drivers.links.serial.is_pty", lambda _: False)
    adapter, real = Adapter(knows=knows), link._serial
    link._serial = adapter
    link._adapter()
    found: bool | None = link.low_latency
    assert found is knows
    assert adapter.asked == 1
    link._serial = real
    link.close()


def test_a_port_without_permission_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise serial.SerialException(errno.EACCES, "could not open port")

    monkeypatch.setattr("drivers.links.serial.serial.Serial", refused)
    with pytest.raises(LinkDown, match="no permission; add the user to the group dialout"):
        SerialLink("/dev/ttyUSB0").open()


def test_a_link_by_id_is_followed_when_the_adapter_comes_back_as_another_device(tmp_path: Path) -> None:
    by_id = tmp_path / "usb-adapter"
    link = SerialLink(str(by_id))
    for word in (b"first", b"second"):
        master, slave = os.openpty()
        by_id.unlink(missing_ok=True)
        by_id.symlink_to(os.ttyname(slave))
        link.open()
        os.write(master, word)
        assert link.read(2.0) == word
        os.close(slave)
        os.close(master)
        with pytest.raises(LinkDown):
            link.read(0.2)
    link.close()
