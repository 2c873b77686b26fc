"""What every link owes a bus."""

from __future__ import annotations

from typing import Protocol


class LinkDown(Exception):  # noqa: N818  (a state of the line, told upwards)
    """The port, gateway or adapter is away; the text says which and why."""


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
