"""The serial port: what pseudo-terminals and unplugged adapters do to a driver."""

from __future__ import annotations

import os
import termios
import time
from collections.abc import Iterator

import pytest

from drivers.links import LinkDown
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
