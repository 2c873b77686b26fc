"""Numbers in 16-bit registers, pure: types, byte orders, and back again for the simulator."""

from __future__ import annotations

import struct
from typing import Final

from drivers.profile import NumberType, Order

WORDS: Final[dict[NumberType, int]] = {
    "u16": 1, "i16": 1, "u32": 2, "i32": 2, "f32": 2, "u64": 4, "i64": 4, "f64": 4,
}  # fmt: skip
_FORMATS: Final[dict[NumberType, str]] = {
    "u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "f32": ">f", "u64": ">Q", "i64": ">q", "f64": ">d",
}  # fmt: skip
BOUNDS: Final[dict[NumberType, tuple[int, int]]] = {
    "u16": (0, 0xFFFF),
    "i16": (-0x8000, 0x7FFF),
    "u32": (0, 0xFFFF_FFFF),
    "i32": (-0x8000_0000, 0x7FFF_FFFF),
    "u64": (0, 0xFFFF_FFFF_FFFF_FFFF),
    "i64": (-0x8000_0000_0000_0000, 0x7FFF_FFFF_FFFF_FFFF),
}


def reorder(data: bytes, order: Order) -> bytes:
    """Bytes as on the wire → most significant first, and the other way: it undoes itself.

    ABCD: as it is. CDAB: words reversed. BADC: bytes in each word swapped. DCBA: all reversed.
    """
    if order == "ABCD":
        return data
    if order == "DCBA":
        return data[::-1]
    words = [data[i : i + 2] for i in range(0, len(data), 2)]
    if order == "CDAB":
        return b"".join(reversed(words))
    return b"".join(word[::-1] for word in words)


def decode(data: bytes, type: NumberType, order: Order = "ABCD") -> float:
    """The number in 2, 4 or 8 bytes; may be NaN or infinite for floats."""
    value: float = struct.unpack(_FORMATS[type], reorder(data, order))[0]
    return value


def bits(data: bytes, order: Order = "ABCD") -> int:
    """The same bytes as an unsigned integer: what sentinels are compared with."""
    return int.from_bytes(reorder(data, order), "big")


def encode(value: float, type: NumberType, order: Order = "ABCD") -> bytes:
    """The bytes of a number on the wire; integers are rounded and held at the type's bounds."""
    if type in ("f32", "f64"):
        return reorder(struct.pack(_FORMATS[type], value), order)
    low, high = BOUNDS[type]
    return reorder(struct.pack(_FORMATS[type], max(low, min(high, round(value)))), order)


def encode_bits(pattern: int, type: NumberType, order: Order = "ABCD") -> bytes:
    """The bytes of a bit pattern (a sentinel) on the wire."""
    size = 2 * WORDS[type]
    return reorder((pattern & ((1 << 8 * size) - 1)).to_bytes(size, "big"), order)
