"""One instrument on a USB plug, through pyusb: bulk transfers out and in."""

from __future__ import annotations

import contextlib
import errno
import importlib
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from dodac.errors import ConfigError
from drivers.links._link import LinkDown

_OUT: Final = 0x02
_IN: Final = 0x81
_MOST: Final = 16_384  # a multiple of every packet size: a longer packet can't overflow it
_HEAD: Final = 5


class Plug(Protocol):
    """One plugged-in device: bulk write, bulk read (b"" when nothing came in time), close; OSError when away."""

    def write(self, data: bytes, timeout_ms: int) -> None: ...
    def read(self, size: int, timeout_ms: int) -> bytes: ...
    def close(self) -> None: ...


class UsbLink:
    """Frames of a 5-byte head and a body, each in a transfer of its own.

    plugs: opens what is plugged in. wanted: says whether an open link is the instrument looked for; without
    it there must be just one.
    """

    def __init__(
        self,
        name: str,
        plugs: Callable[[], Sequence[Callable[[], Plug]]],
        wanted: Callable[[UsbLink], bool] | None = None,
        write_s: float = 5.0,
    ) -> None:
        self.name = name
        self.opened = 0
        self._plugs = plugs
        self._wanted = wanted
        self._write_ms = max(1, round(write_s * 1000))
        self._plug: Plug | None = None

    def open(self) -> None:
        """Opens the instrument; LinkDown says that it is not plugged in, or that there are several."""
        self.close()
        try:
            found = list(self._plugs())
        except OSError as error:
            raise LinkDown(f"{self.name}: {error}") from None
        if not found:
            raise LinkDown(f"{self.name}: no such instrument is plugged in and switched on")
        if self._wanted is None and len(found) > 1:
            words = f"{len(found)} are plugged in: write serial_number in the site file"
            raise LinkDown(f"{self.name}: {words}")
        trouble = "another serial number is plugged in"
        for opener in found:
            try:
                self._plug = opener()
                if self._wanted is None or self._wanted(self):
                    self.opened += 1
                    return
            except OSError as error:
                denied = error.errno == errno.EACCES
                trouble = "no permission for it: see docs/how-to/testo-350-usb.md" if denied else str(error)
            except LinkDown as error:
                trouble = str(error).removeprefix(f"{self.name}: ")
            self.close()
        raise LinkDown(f"{self.name}: {trouble}")

    def close(self) -> None:
        """Gives the device back; never raises."""
        plug, self._plug = self._plug, None
        if plug is not None:
            with contextlib.suppress(Exception):
                plug.close()

    def write(self, data: bytes) -> None:
        """Sends one frame: its head, then its body."""
        plug = self._open_plug()
        try:
            plug.write(data[:_HEAD], self._write_ms)
            plug.write(data[_HEAD:], self._write_ms)
        except OSError as error:
            raise LinkDown(f"{self.name}: {error}") from None

    def read(self, timeout_s: float) -> bytes:
        """What has come, waiting up to timeout_s; LinkDown when the plug was pulled."""
        try:
            return self._open_plug().read(_MOST, max(1, round(timeout_s * 1000)))
        except OSError as error:
            raise LinkDown(f"{self.name}: {error}") from None

    def _open_plug(self) -> Plug:
        if self._plug is None:
            raise LinkDown(f"{self.name}: not open")
        return self._plug


class PyusbPlug:
    """A device opened through pyusb; interface 0, bulk endpoints 0x02 and 0x81."""

    def __init__(self, device: Any, usb: Any) -> None:
        self._device = device
        self._usb = usb
        with contextlib.suppress(NotImplementedError):  # only Linux has kernel drivers in the way
            if device.is_kernel_driver_active(0):
                device.detach_kernel_driver(0)
        usb.util.claim_interface(device, 0)

    def write(self, data: bytes, timeout_ms: int) -> None:
        """Sends one transfer."""
        if self._device.write(_OUT, data, timeout_ms) != len(data):
            raise OSError("the transfer was cut short")

    def read(self, size: int, timeout_ms: int) -> bytes:
        """One transfer, b"" when none came in time."""
        try:
            return bytes(self._device.read(_IN, size, timeout_ms))
        except self._usb.core.USBTimeoutError:
            return b""

    def close(self) -> None:
        """Gives the interface back."""
        self._usb.util.release_interface(self._device, 0)
        self._usb.util.dispose_resources(self._device)


def pyusb_plugs(vendor: int, products: Sequence[int]) -> Callable[[], Sequence[Callable[[], Plug]]]:
    """Finds devices by vendor and product through pyusb.

    Raises ConfigError when pyusb or the machine's libusb is missing.
    """
    try:
        core = importlib.import_module("usb.core")
        usb = importlib.import_module("usb")
        importlib.import_module("usb.util")
    except ImportError:
        words = "USB instruments need pyusb, which is not installed."
        raise ConfigError(words, None, "Install it: pip install 'dodac[usb]'") from None

    def plugs() -> Sequence[Callable[[], Plug]]:
        try:
            found = [
                device
                for product in products
                for device in core.find(find_all=True, idVendor=vendor, idProduct=product)
            ]
        except core.NoBackendError:
            raise OSError("libusb is missing on this machine: install libusb-1.0-0") from None
        return [lambda device=device: PyusbPlug(device, usb) for device in found]  # type: ignore[misc]

    return plugs
