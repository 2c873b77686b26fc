"""Modbus frames, pure: the four read requests, RTU and TCP envelopes, and finding the right answer.

Source: Modbus application protocol V1.1b3 §6 and §7; Modbus over serial line V1.02 §2.5; Modbus
messaging on TCP/IP V1.0b §3. Only reading requests can be made here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from drivers.profile import Table

FUNCTIONS: Final[dict[Table, int]] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
TABLES: Final[dict[int, Table]] = {number: table for table, number in FUNCTIONS.items()}
MAX_REGISTERS: Final = 125
MAX_BITS: Final = 2000

EXCEPTIONS: Final[dict[int, str]] = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge: still working",
    6: "device busy",
    7: "negative acknowledge",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target does not respond",
}


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_CRC: Final[tuple[int, ...]] = tuple(_crc_of_byte(byte) for byte in range(256))


class ModbusException(Exception):  # noqa: N818  (the standard's own word)
    """The instrument refused: its exception code and the code's name."""

    def __init__(self, code: int, raw: bytes = b"") -> None:
        self.code = code
        self.raw = raw
        super().__init__(f"exception {code:02X}, {EXCEPTIONS.get(code, 'not in the standard')}")


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS: polynomial A001 reflected, start FFFF; sent low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC[(crc ^ byte) & 0xFF]
    return crc


def read_pdu(function: int, address: int, count: int) -> bytes:
    """Function, address, count of a reading request.

    Raises ValueError for any function but 1–4 and for a count or address out of the standard's bounds.
    """
    if function not in TABLES:
        raise ValueError(f"function {function} does not read; only 1–4 are ever sent.")
    limit = MAX_BITS if function <= 2 else MAX_REGISTERS
    if not (1 <= count <= limit and address >= 0 and address + count <= 0x10000):
        raise ValueError(f"{count} items from {address} can't be asked for in one request.")
    return bytes((function, address >> 8, address & 0xFF, count >> 8, count & 0xFF))


def byte_count(function: int, count: int) -> int:
    """How many data bytes the answer to such a request carries."""
    return (count + 7) // 8 if function <= 2 else 2 * count


def rtu(unit: int, pdu: bytes) -> bytes:
    """An RTU frame: unit, PDU, CRC."""
    body = bytes((unit,)) + pdu
    return body + crc16(body).to_bytes(2, "little")


def rtu_whole(frame: bytes) -> bool:
    """True when the CRC at the end fits the rest."""
    return len(frame) >= 4 and crc16(frame[:-2]).to_bytes(2, "little") == frame[-2:]


def find_rtu(buffer: bytes, unit: int, function: int, data_bytes: int) -> tuple[int, int] | None:
    """Where the answer of that unit, function and byte count stands in a buffer, or None.

    Bytes before it (noise of the line's turnaround, an echo, another answer) are skipped; a frame
    counts only with the right CRC. Exception answers of that function are found too.
    """
    length = data_bytes + 5
    for start in range(len(buffer) - 4):
        if buffer[start] != unit:
            continue
        if buffer[start + 1] == function and buffer[start + 2] == data_bytes:
            end = start + length
        elif buffer[start + 1] == function | 0x80:
            end = start + 5
        else:
            continue
        if end <= len(buffer) and rtu_whole(buffer[start:end]):
            return start, end
    return None


def rtu_answer(buffer: bytes, start: int) -> int | None:
    """Where the whole reading answer or refusal ends that stands at `start`, whatever unit's; None: none."""
    if len(buffer) < start + 5:
        return None
    function = buffer[start + 1]
    if function in TABLES:
        end = start + 5 + buffer[start + 2]
    elif function & 0x7F in TABLES:
        end = start + 5
    else:
        return None
    return end if end <= len(buffer) and rtu_whole(buffer[start:end]) else None


def mbap(transaction: int, unit: int, pdu: bytes) -> bytes:
    """A Modbus TCP frame: transaction, protocol 0, length, unit, PDU."""
    return transaction.to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big") + bytes((unit,)) + pdu


def find_mbap(
    buffer: bytes, transaction: int, unit: int, function: int, data_bytes: int
) -> tuple[int, int] | None:
    """Where the answer with that transaction number stands in a stream of MBAP frames, or None.

    Answers with other numbers are passed over. An answer of the right number but another unit,
    function or length is no answer.
    """
    for start, end in mbap_frames(buffer):
        frame = buffer[start:end]
        if int.from_bytes(frame[:2], "big") == transaction and frame[6] == unit:
            good = frame[7] == function and len(frame) == data_bytes + 9 and frame[8] == data_bytes
            if good or (frame[7] == function | 0x80 and len(frame) == 9):
                return start, end
    return None


def mbap_frames(buffer: bytes) -> Iterator[tuple[int, int]]:
    """Where whole Modbus TCP frames stand in a stream ([start, end)), whatever they carry."""
    start = 0
    while start + 8 <= len(buffer):
        length = int.from_bytes(buffer[start + 4 : start + 6], "big")
        end = start + 6 + length
        if buffer[start + 2 : start + 4] != b"\0\0" or not 3 <= length <= 254:
            start += 1  # not the head of a frame: look for the next one
            continue
        if end > len(buffer):
            return
        yield start, end
        start = end


def answer_data(frame: bytes, *, tcp: bool = False) -> bytes:
    """The data bytes of an answer frame that was found; raises ModbusException for a refusal."""
    return pdu_data(frame[7:] if tcp else frame[1:-2], frame)


def pdu_data(pdu: bytes, frame: bytes) -> bytes:
    """The data bytes of an answer's PDU; raises ModbusException (with the whole frame) for a refusal."""
    if pdu[0] & 0x80:
        raise ModbusException(pdu[1], frame)
    return pdu[2:]
