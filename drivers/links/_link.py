"""What every link owes a bus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


class LinkDown(Exception):  # noqa: N818  (a state of the line, told upwards)
    """The port, gateway or adapter is away; the text says which and why."""


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Speed and frame (data bits, parity, stop bits: 8N1, 7E1 …) of a serial line."""

    baud: int = 9600
    frame: str = "8N1"

    @property
    def byte_s(self) -> float:
        """How long one byte takes: start bit, data bits, parity bit, stop bits."""
        return (1 + int(self.frame[0]) + (self.frame[1] != "N") + int(self.frame[2])) / self.baud

    def __str__(self) -> str:
        return f"{self.baud} {self.frame}"


class Link(Protocol):
    """Bytes out and in over one line; used by one thread."""

    name: str

    def open(self) -> None:
        """Opens the line; raises LinkDown when it can't be."""
        ...

    def close(self) -> None:
        """Closes the line; never raises."""
        ...

    def write(self, data: bytes) -> None:
        """Sends all bytes; raises LinkDown."""
        ...

    def read(self, timeout_s: float) -> bytes:
        """What has come, waiting up to timeout_s for the first byte; b"" when none came.

        Raises LinkDown.
        """
        ...


@runtime_checkable
class SettableLink(Protocol):
    """A link whose line speaks at a speed and in a frame that can be changed while it is open."""

    settings: LineSettings

    def change(self, settings: LineSettings) -> None:
        """Waits until all that was written has gone out, then goes on with these settings; LinkDown."""
        ...
