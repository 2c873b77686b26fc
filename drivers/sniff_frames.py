"""What Modbus frames look like from outside: their lengths, which are requests, and what they say; pure."""

from __future__ import annotations

from typing import Final

from drivers.protocols import modbus
from drivers.protocols.modbus_serial import LONGEST_ASCII, ascii_as_rtu

LONGEST: Final = 256
_COLON: Final = 0x3A
_WRITES: Final = {5: "one coil", 6: "one register", 15: "coils", 16: "registers"}
_KNOWN: Final = frozenset({*modbus.TABLES, *_WRITES, 17, 43})


def frame_at(buffer: bytes | bytearray, start: int) -> tuple[int, bytes] | None:
    """The end of a whole frame that begins here, and the frame as RTU has it; None when there is none.

    At least four bytes begin here. Both kinds are looked for: an ASCII frame (with the right LRC) is given as the RTU frame of its content.
    """
    lengths = _lengths(bytes(buffer[start : start + 8])) if buffer[start + 1] & 0x7F in _KNOWN else ()
    for length in lengths:
        frame = bytes(buffer[start : start + length])
        if len(frame) == length and modbus.rtu_whole(frame):
            return start + length, frame
    if buffer[start] == _COLON:
        end = buffer.find(b"\r\n", start, start + LONGEST_ASCII) + 2
        heard = ascii_as_rtu(bytes(buffer[start:end])) if end > start else None
        if heard is not None and heard[1] & 0x7F in _KNOWN:
            return end, heard
    return None


def damaged_words(data: bytes) -> str:
    """What bytes that make no frame may have been; "" when there is no telling."""
    if data[:1] == b":" and data.endswith(b"\r\n"):
        return "like an ASCII frame, damaged"
    if len(data) >= 5 and 1 <= data[0] <= 247 and len(data) in _lengths(data[:8]) and data[1] != 43:
        return f"like a frame of unit {data[0]}, function {data[1] & 0x7F}, damaged"
    return ""


def _lengths(head: bytes) -> list[int]:
    """The lengths that a frame with this head may have."""
    function = head[1]
    if function & 0x7F not in _KNOWN or head[0] > 247:
        return []
    if function & 0x80:
        return [5]
    match function:
        case 1 | 2 | 3 | 4:
            return [8, head[2] + 5]
        case 5 | 6:
            return [8]
        case 15 | 16:
            return [8, *([head[6] + 9] if len(head) > 6 else [])]
        case 17:
            return [4, head[2] + 5]
        case 43:
            return [7, *_device_id(head)]
        case _:
            return []


def _device_id(head: bytes) -> list[int]:
    # objects have lengths of their own: any end is tried, the CRC decides
    return list(range(10, LONGEST)) if head[2:3] == b"\x0e" else []


def is_request(frame: bytes) -> bool:
    """True for a frame with the shape of a request."""
    match frame[1]:
        case 1 | 2 | 3 | 4:
            return len(frame) == 8
        case 15 | 16:
            return len(frame) > 8
        case 17:
            return len(frame) == 4
        case 43:
            return len(frame) == 7
        case function:
            return function in _WRITES


def answers(request: bytes, frame: bytes) -> bool:
    """True when a frame of the same unit and function has the shape of the answer to a request."""
    function = request[1]
    if function in modbus.TABLES:
        size = modbus.byte_count(function, int.from_bytes(request[4:6], "big"))
        return frame[2] == size and len(frame) == size + 5
    if function in _WRITES:
        return len(frame) == 8 and frame[2:6] == request[2:6]
    return len(frame) > len(request)


def request_words(frame: bytes) -> str:
    """What a request asks for."""
    function, address = frame[1], int.from_bytes(frame[2:4], "big")
    count = int.from_bytes(frame[4:6], "big")
    if function in modbus.TABLES:
        last = f" to {address + count - 1}" if count > 1 else ""
        return f"read {modbus.TABLES[function]} {address}{last}"
    if function in _WRITES:
        return f"another master writes {_WRITES[function]} from {address}"
    return "who are you? (function 43/14)" if function == 43 else f"function {function}"


def answer_words(frame: bytes) -> str:
    """What an answer carries."""
    if frame[1] in modbus.TABLES:
        return f"{frame[2]} bytes: {frame[3:-2].hex(' ')}"
    if frame[1] in _WRITES:
        return "done"
    return frame[2:-2].decode("latin-1").encode("ascii", "replace").decode()
