"""A serial port through pyserial: own deadlines on the file descriptor, pty quirks, unplugging."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import termios
import time
from pathlib import Path
from typing import Any, Final

import serial

from drivers.links._link import LineSettings, LinkDown

_PTY_MAJORS: Final = range(136, 144)
_TAKEN: Final = "another program uses the port"
_HUNG_UP: Final = ("reader thread died", "socket disconnected")
"""pyserial's words for it, of RFC 2217 and of raw sockets."""
_GONE: Final = (OSError, serial.SerialException, termios.error, TypeError, ValueError, NotImplementedError)


def is_pty(port: str) -> bool:
    """True for the slave side of a Linux pseudo-terminal, behind a link too."""
    try:
        return os.major(Path(port).stat().st_rdev) in _PTY_MAJORS
    except OSError:
        return False


class SerialLink:
    """A device path (/dev/ttyUSB0, /dev/serial/by-id/…) or a pyserial URL (rfc2217://, socket://).

    Devices are locked against other programs. Timeouts are waited for here, not in pyserial: setting
    ser.timeout after opening runs tcsetattr, which fails on a pty that was opened with parity.
    low_latency: whether the adapter's short latency mode is on; None before the port was opened, and for
    pseudo-terminals and URLs, which have none.
    """

    def __init__(self, port: str, baud: int = 9600, frame: str = "8N1") -> None:
        self.name = port
        self.settings = LineSettings(baud, frame)
        self.low_latency: bool | None = None
        self._serial: Any = None
        self._fd: int | None = None

    def open(self) -> None:
        """Opens the port; LinkDown says what is wrong with it."""
        self.close()
        try:
            self._serial = self._opened(self.settings.frame)
        except termios.error as error:
            # Linux ptys know only 8 bits without parity: the second opening gives EINVAL
            if error.args[:1] != (errno.EINVAL,) or not is_pty(self.name):
                raise LinkDown(f"{self.name}: the port refuses {self.settings}") from None
            try:
                self._serial = self._opened(f"8N{self.settings.frame[2]}")
            except _GONE as second:
                raise LinkDown(f"{self.name}: {_words(second)}") from None
        except _GONE as error:
            raise LinkDown(f"{self.name}: {_opening(error, self.name)}") from None
        if "://" not in self.name:
            self._fd = self._serial.fileno()
            self._check_parity()
            self._adapter()
            with contextlib.suppress(*_GONE):
                termios.tcflush(self._fd, termios.TCIOFLUSH)

    def _adapter(self) -> None:
        """Keeps programs out that heed no lock, and has bytes handed on at once (FTDI: 1 ms instead of 16)."""
        if self._fd is None or is_pty(self.name):
            return
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._fd, termios.TIOCEXCL)
        try:
            self._serial.set_low_latency_mode(True)
        except Exception:  # noqa: BLE001  (drivers refuse it in many ways; the port works without)
            self.low_latency = False
        else:
            self.low_latency = True

    def _opened(self, frame: str) -> Any:
        common: dict[str, Any] = {
            "baudrate": self.settings.baud,
            "bytesize": int(frame[0]),
            "parity": frame[1],
            "stopbits": int(frame[2]),
        }
        if "://" in self.name:
            if not self.name.startswith("rfc2217://"):  # pyserial's RFC 2217 port refuses a write timeout
                common["write_timeout"] = 5
            return serial.serial_for_url(self.name, timeout=0.02, **common)
        return serial.Serial(self.name, timeout=0, exclusive=True, **common)

    def change(self, settings: LineSettings) -> None:
        """Waits until all that was written has gone out, then goes on with these settings; LinkDown.

        A port that is opened again later has the same ones.
        """
        if self._serial is None:
            raise LinkDown(f"{self.name}: not open")
        try:
            if self._fd is not None:
                termios.tcdrain(self._fd)
            try:
                self._apply(settings.baud, settings.frame)
            except termios.error as error:
                # a Linux pty keeps no parity, so asking for it twice is EINVAL
                if error.args[:1] != (errno.EINVAL,) or not is_pty(self.name):
                    raise LinkDown(f"{self.name}: the port refuses {settings}") from None
                self._apply(settings.baud, f"8N{settings.frame[2]}")
            self.settings = settings
            self._check_parity()
            if self._fd is not None:
                termios.tcflush(self._fd, termios.TCIFLUSH)
        except _GONE as error:
            raise LinkDown(f"{self.name}: {_words(error)}") from None

    def _apply(self, baud: int, frame: str) -> None:
        wanted = {"baudrate": baud, "bytesize": int(frame[0]), "parity": frame[1], "stopbits": int(frame[2])}
        self._serial.apply_settings(wanted)

    def change_speed(self, baud: int) -> None:
        """Waits until all that was written has gone out, then goes on at another speed; LinkDown."""
        if self._serial is None:
            raise LinkDown(f"{self.name}: not open")
        try:
            if self._fd is not None:
                termios.tcdrain(self._fd)
            self._serial.baudrate = baud
            self._check_parity()
        except _GONE as error:
            # a Linux pty that was opened with parity takes no other settings, and has no speed
            if not is_pty(self.name):
                raise LinkDown(f"{self.name}: {_words(error)}") from None

    def _check_parity(self) -> None:
        """Has the kernel check the parity it was asked for: pyserial switches that off.

        A byte in error then reads as 00, which no checksum lets pass.
        """
        if self._fd is None or self.settings.frame[1] == "N":
            return
        with contextlib.suppress(*_GONE):
            attributes = termios.tcgetattr(self._fd)
            attributes[0] |= termios.INPCK
            termios.tcsetattr(self._fd, termios.TCSANOW, attributes)

    def close(self) -> None:
        """Closes the port; a port that is gone already is no fault."""
        port, self._serial, self._fd = self._serial, None, None
        if port is not None:
            with contextlib.suppress(*_GONE):
                port.close()

    def write(self, data: bytes) -> None:
        """Sends all bytes; LinkDown when the port is gone or takes nothing for 5 s."""
        if self._serial is None:
            raise LinkDown(f"{self.name}: not open")
        try:
            if self._fd is None:
                self._serial.write(data)
                return
            while data:
                if not select.select([], [self._fd], [], 5.0)[1]:
                    raise LinkDown(f"{self.name}: the port takes no bytes")
                data = data[os.write(self._fd, data) :]
        except BlockingIOError:
            raise LinkDown(f"{self.name}: the port takes no bytes") from None
        except _GONE as error:
            raise LinkDown(f"{self.name}: {_words(error)}") from None

    def read(self, timeout_s: float) -> bytes:
        """What has come, waiting up to timeout_s for the first byte; LinkDown when the port is gone."""
        if self._serial is None:
            raise LinkDown(f"{self.name}: not open")
        try:
            if self._fd is None:
                return self._read_url(timeout_s)
            if not select.select([self._fd], [], [], max(0.0, timeout_s))[0]:
                return b""
            data = os.read(self._fd, 4096)
        except BlockingIOError:
            return b""
        except _GONE as error:
            raise LinkDown(f"{self.name}: {_words(error)}") from None
        if not data:
            raise LinkDown(f"{self.name}: the device was unplugged")
        return data

    def _read_url(self, timeout_s: float) -> bytes:
        deadline = time.monotonic() + max(0.0, timeout_s)
        while True:
            waiting = self._serial.in_waiting
            data: bytes = self._serial.read(max(1, waiting)) if waiting or timeout_s > 0 else b""
            if data or time.monotonic() >= deadline:
                return data


def _opening(error: BaseException, port: str) -> str:
    """Why a port does not open; where another program has it, which one."""
    words = _words(error)
    return f"{words}{_who(port)}; end it, or give dodac another adapter" if words == _TAKEN else words


def _who(port: str) -> str:
    """The programs that have a port open, as far as this user may see: " (picocom, process 812)"."""
    device = os.path.realpath(port)
    found = []
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda folder: int(folder.name)):
        with contextlib.suppress(OSError):
            if any(str(handle.readlink()) == device for handle in (process / "fd").iterdir()):
                if int(process.name) == os.getpid():
                    found.append("this process itself")
                else:
                    found.append(f"{(process / 'comm').read_text().strip()}, process {process.name}")
    return f" ({'; '.join(found)})" if found else ""


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        match error.errno:
            case errno.ENOENT:
                return "there is no such port; is the adapter plugged in?"
            case errno.EACCES:
                return "no permission; add the user to the group dialout"
            case errno.EAGAIN | errno.EBUSY:
                return _TAKEN
            case errno.EIO | errno.ENXIO | errno.ENODEV:
                return "the device was unplugged"
            case _:
                return os.strerror(error.errno)
    if "Could not configure port" in str(error):
        return "this is not a serial port"
    if any(words in str(error) for words in _HUNG_UP):
        return "the other side closed the connection"
    return str(error) or type(error).__name__
