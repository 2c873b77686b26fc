"""M-Bus frames (EN 13757-2): single character, short and long frame; built, found and checked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ACK: Final = b"\xe5"
SELECTED: Final = 0xFD  # the meter that a secondary selection chose
_WINDOW: Final = 8192
ANY: Final = 0xFE  # the only meter on a line answers, whatever its address


class Refusal(StrEnum):
    """Why a frame or its content is refused: a closed list."""

    FRAME = "frame"
    CHECKSUM = "checksum"
    NOT_AN_ANSWER = "not_an_answer"
    APPLICATION_ERROR = "application_error"
    APPLICATION_BUSY = "application_busy"
    ALARM = "alarm"
    UNKNOWN_CI = "unknown_ci"
    ENCRYPTED = "encrypted"
    PREMATURE_END = "premature_end"
    TOO_MANY_DIFE = "too_many_dife"
    TOO_MANY_VIFE = "too_many_vife"
    RESERVED = "reserved"


class MbusRefusal(Exception):  # noqa: N818  (a finding about bytes, with its reason)
    """Bytes that are no good M-Bus answer: the reason and words for people."""

    def __init__(self, reason: Refusal, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


@dataclass(frozen=True, slots=True)
class LongFrame:
    """Control field, address, control information and user data of a long frame."""

    control: int
    address: int
    ci: int
    data: bytes


def snd_nke(address: int) -> bytes:
    """Resets the link: the next REQ_UD2 with frame count bit 1 gets the first telegram."""
    return _short(0x40, address)


def req_ud2(address: int, frame_count: bool) -> bytes:
    """Asks for the next telegram; the same frame count bit again asks for the same telegram."""
    return _short(0x7B if frame_count else 0x5B, address)


def select_secondary(identification: bytes) -> bytes:
    """Selects the meter whose 8 identification bytes (as on the wire, 0xF nibbles and 0xFF match all) fit."""
    if len(identification) != 8:
        raise ValueError(f"a secondary address has 8 bytes, not {len(identification)}.")
    return long_frame(0x53, SELECTED, 0x52, identification)


def _short(control: int, address: int) -> bytes:
    return bytes((0x10, control, address, (control + address) & 0xFF, 0x16))


def long_frame(control: int, address: int, ci: int, data: bytes) -> bytes:
    """A long frame with its lengths and checksum; up to 252 bytes of data."""
    body = bytes((control, address, ci)) + data
    if len(body) > 255:
        raise ValueError(f"{len(data)} bytes of data don't fit one frame.")
    return b"".join((b"\x68", bytes((len(body),)) * 2, b"\x68", body, bytes((sum(body) & 0xFF,)), b"\x16"))


def parse_long(frame: bytes) -> LongFrame:
    """The long frame that the bytes are, wholly.

    Raises MbusRefusal for anything else.
    """
    if len(frame) < 9 or frame[0] != 0x68 or frame[3] != 0x68:
        raise MbusRefusal(Refusal.FRAME, f"{len(frame)} bytes that are no long frame")
    length = frame[1]
    if frame[2] != length or length < 3:
        raise MbusRefusal(Refusal.FRAME, f"the two lengths are {length} and {frame[2]}")
    if len(frame) != length + 6:
        raise MbusRefusal(Refusal.FRAME, f"{len(frame)} bytes where the length says {length + 6}")
    if frame[-1] != 0x16:
        raise MbusRefusal(Refusal.FRAME, f"the frame ends with {frame[-1]:02X}, not 16")
    body = frame[4:-2]
    if sum(body) & 0xFF != frame[-2]:
        raise MbusRefusal(
            Refusal.CHECKSUM, f"the checksum is {frame[-2]:02X}, the bytes give {sum(body) & 0xFF:02X}"
        )
    return LongFrame(body[0], body[1], body[2], bytes(body[3:]))


def find_long(came: bytes, address: int | None) -> tuple[int, int] | None:
    """Where the first whole answer (RSP_UD) stands in what has come; None while there is none.

    address: only from this meter; None: from any. What came more than 8 kB ago is not looked at again: no
    frame is as long, and a line of noise would cost more with every piece.
    """
    start = came.find(0x68, max(0, len(came) - _WINDOW))
    while start >= 0:
        if len(came) - start >= 9 and came[start + 1] == came[start + 2] and came[start + 3] == 0x68:
            end = start + came[start + 1] + 6
            if end <= len(came) and came[end - 1] == 0x16:
                try:
                    frame = parse_long(came[start:end])
                except MbusRefusal:
                    pass
                else:
                    if frame.control & 0xCF == 0x08 and address in (None, frame.address):
                        return start, end
        start = came.find(0x68, start + 1)
    return None


def find_ack(came: bytes, request: bytes) -> tuple[int, int] | None:
    """Where the single character E5 stands: first, or right after our own echo; an E5 inside a frame is none."""
    start = len(request) if came.startswith(request) else 0
    return (start, start + 1) if came[start : start + 1] == ACK else None
