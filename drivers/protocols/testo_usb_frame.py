"""Frames of the testo 350 and 330-2 on USB: what may be sent, and what comes back; pure.

Facts: github xacn-ma/testo350 (structs and one captured answer). Nothing else than the requests here is
ever sent: two handshakes and three queries.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Final

VENDOR: Final = 0x128D
PRODUCTS: Final = {0x000E: "testo 350 control unit", 0x000F: "testo 350", 0x0014: "testo 330-2"}

START: Final = 0x22
HEAD: Final = struct.Struct("<BI")
_MOST: Final = 65_536
_STATUS: Final = struct.Struct("<IIBBHH")
_VIEW: Final = struct.Struct("<HBB")
_RECORD: Final = struct.Struct("<BI4sHbf")
_GET: Final = 0x25
STATUS: Final = 0x1D
COUNT: Final = 0x1A
VIEW: Final = 0x1B
RUNNING: Final = 2
_STATES: Final = {
    0: "it starts up",
    1: "it is idle, no measurement runs",
    3: "it is zeroing",
    4: "it is rinsing",
    5: "it is zeroing and starts then",
    6: "it waits for its dead time",
    7: "it is stabilising",
}


@dataclass(frozen=True, slots=True)
class MeasuringStatus:
    """What the analyser does: state 2 is measuring; seconds of that state, and how long it takes."""

    state: int
    seconds: int
    seconds_of: int

    @property
    def running(self) -> bool:
        """True while its values are readings of the gas."""
        return self.state == RUNNING

    @property
    def text(self) -> str:
        """The state for people."""
        if self.running:
            return "it measures"
        words = _STATES.get(self.state, f"it is in state {self.state}, no measurement")
        return f"{words} ({self.seconds} of {self.seconds_of} s)" if self.seconds_of else words


@dataclass(frozen=True, slots=True)
class ViewRecord:
    """One line of the display: value, or the error code that stands in its place.

    resolution: the place of the last digit shown, as a power of ten.
    """

    connector: int
    ident: int
    value: float | None
    error: int | None
    unit_word: int
    resolution: int
    dilution: float


def frame(body: bytes) -> bytes:
    """A body behind its head."""
    return HEAD.pack(START, len(body)) + body


def ask_serial() -> bytes:
    """The first handshake: the serial number."""
    return frame(b"\x40")


def ask_ident() -> bytes:
    """The second handshake: the ident that every query carries."""
    return frame(b"\x42")


def query(ident: bytes, serial: bytes, command: int) -> bytes:
    """A query: STATUS, COUNT or VIEW (of all values); ValueError for any other."""
    if command not in (STATUS, COUNT, VIEW):
        raise ValueError(f"command {command:#04x} is not one that may be sent.")
    body = b"\x4f" + ident + serial + bytes((command, _GET))
    return frame(body if command == STATUS else body + b"\x00")


def find_frame(data: bytes, size: int | None) -> tuple[int, int] | None:
    """Where a whole frame of that body size stands (None: of a list of values); None: not there yet."""
    start = data.find(START)
    while start != -1:
        if len(data) - start < HEAD.size:
            return None
        length = HEAD.unpack_from(data, start)[1]
        # no other answer has the length of a list: a late one is never taken for it
        of_list = _VIEW.size <= length <= _MOST and (length - _VIEW.size) % _RECORD.size == 0
        fits = length == size if size is not None else of_list
        if fits and len(data) - start >= HEAD.size + length:
            return start, start + HEAD.size + length
        start = data.find(START, start + 1)
    return None


def body_of(data: bytes) -> bytes:
    """The body of a whole frame."""
    return data[HEAD.size :]


def serial_of(body: bytes) -> str:
    """The serial number in the answer to the first handshake; ValueError when it is refused."""
    result, serial = struct.unpack("<II", body)
    if result != 0:
        raise ValueError(f"the analyser refuses the handshake (result {result})")
    return str(serial)


def status_of(body: bytes) -> MeasuringStatus:
    """The measuring status; ValueError for another length."""
    if len(body) != _STATUS.size:
        raise ValueError(f"a measuring status has {_STATUS.size} bytes, not {len(body)}")
    seconds, seconds_of, state, _, _, _ = _STATUS.unpack(body)
    return MeasuringStatus(state, seconds, seconds_of)


def view_of(body: bytes) -> tuple[ViewRecord, ...]:
    """The records of a view; ValueError when length and count do not agree.

    The word before the count is not read: in the one captured answer it differs from the application that
    the analyser named in the same conversation.
    """
    if len(body) < _VIEW.size:
        raise ValueError(f"a list of values has at least {_VIEW.size} bytes, not {len(body)}")
    count = _VIEW.unpack_from(body)[2]
    if len(body) != _VIEW.size + count * _RECORD.size:
        raise ValueError(f"{len(body)} bytes are no list of {count} values")
    return tuple(_record(*fields) for fields in _RECORD.iter_unpack(body[_VIEW.size :]))


def _record(
    connector: int, ident: int, word: bytes, unit: int, resolution: int, dilution: float
) -> ViewRecord:
    raw = int.from_bytes(word, "little")
    (number,) = struct.unpack("<f", word)
    # error codes are small integers: as a float they are denormal, which no analyser measures
    wrong = not math.isfinite(number) or (raw != 0 and raw & 0x7F80_0000 == 0)
    value, error = (None, raw) if wrong else (float(number), None)
    return ViewRecord(connector, ident, value, error, unit, resolution, dilution)
