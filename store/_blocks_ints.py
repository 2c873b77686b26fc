"""Columns of whole numbers as few bytes: differences, just enough bytes each, like bytes together, deflated.

Written with the standard library alone (the collector runs without numpy), read either way.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate
from operator import sub
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

Piece = tuple[bytes, int, int]
"""Bytes, how many numbers they hold, and where in the bytes those begin."""

_DEFLATED: Final = 0x80
_ORDER_AT: Final = 4  # head byte: deflated | order of differences | bytes each
_SMALL: Final = 24  # fewer bytes than this deflate does not make smaller
_WRAP: Final = 1 << 64


def put_number(out: bytearray, number: int) -> None:
    """Appends a whole number, 0 or more: seven bits a byte, the lowest first."""
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def put_signed(out: bytearray, number: int) -> None:
    """Appends any whole number: small ones take few bytes whatever their sign."""
    put_number(out, number << 1 if number >= 0 else (-number << 1) - 1)


class Reading:
    """A place in bytes that numbers are taken from; IndexError past the end."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def number(self) -> int:
        """The next whole number, 0 or more."""
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def take(self, size: int) -> bytes:
        """So many bytes."""
        self.at += size
        if self.at > len(self.data):
            raise IndexError("the block ends early")
        return self.data[self.at - size : self.at]

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self.data) - self.at)


def deflated(data: bytes) -> bytes | None:
    """Raw deflate, None when that is no smaller."""
    if len(data) < _SMALL:
        return None
    packer = zlib.compressobj(6, zlib.DEFLATED, -15, 9)
    small = packer.compress(data) + packer.flush()
    return small if len(small) < len(data) else None


def inflated(data: bytes, size: int = 0) -> bytes:
    """What deflated() made, about so many bytes; zlib.error when it is not that."""
    return zlib.decompress(data, -15, size or zlib.DEF_BUF_SIZE)


def encode(numbers: Sequence[int], orders: Sequence[int] = (0, 1)) -> bytes:
    """Bytes of whole numbers within int64; `orders` of differences are tried, the smallest result kept."""
    best: bytes | None = None
    for order in orders:
        if order > len(numbers):
            continue
        left: Sequence[int] = numbers
        seeds = []
        for _ in range(order):
            seeds.append(left[0])
            left = list(map(sub, left[1:], left))
        made = _encode_left(left, order, seeds)
        if made is not None and (best is None or len(made) < len(best)):
            best = made
        if best is not None and len(best) < _SMALL // 2:
            break
    if best is None:
        raise ValueError("whole numbers outside of int64")
    return best


def _encode_left(left: Sequence[int], order: int, seeds: Sequence[int]) -> bytes | None:
    least, most = (min(left), max(left)) if left else (0, 0)
    width = ((most - least).bit_length() + 7) // 8
    if width > 8 or not -_WRAP // 2 <= least < _WRAP // 2:
        return None  # differences of far numbers
    data = b""
    if width:
        wide = array("Q", [number - least for number in left])
        if sys.byteorder == "big":
            wide.byteswap()
        raw = wide.tobytes()
        data = b"".join([raw[plane::8] for plane in range(width)])
    small = deflated(data)
    out = bytearray((width | order << _ORDER_AT | (_DEFLATED if small is not None else 0),))
    put_signed(out, least)
    for seed in seeds:
        put_signed(out, seed)
    return bytes(out) + (data if small is None else small)


def decode(data: bytes, count: int, at: int = 0) -> list[int]:
    """So many whole numbers from bytes that begin at a place; IndexError when they do not fit."""
    order, width, least, seeds, data = _opened(data, count, at)
    size = count - order
    if width:
        raw = bytearray(8 * size)
        for plane in range(width):
            raw[plane::8] = data[plane * size : (plane + 1) * size]
        wide = array("Q")
        wide.frombytes(raw)
        if sys.byteorder == "big":
            wide.byteswap()
        numbers = [number + least for number in wide] if least else list(wide)
    else:
        numbers = [least] * size
    for seed in reversed(seeds):
        numbers = list(accumulate(numbers, initial=seed))
    return numbers


def decode_array(data: bytes, count: int, at: int = 0) -> Ints:
    """The same as an array: sums wrap around as the bytes do, so every int64 comes back."""
    return _array(count, *_opened(data, count, at))


def decode_arrays(pieces: Sequence[Piece]) -> Ints:
    """The numbers of several columns, one after the other: those made alike are read together."""
    import numpy as np

    opened = [(count, *_opened(data, count, at)) for data, count, at in pieces]
    order, width = opened[0][1:3]
    alike = all(one[1] == order and one[2] == width and one[0] > order for one in opened)
    if len(opened) == 1 or not alike or order > 1 or not 0 < width < 3:
        return np.concatenate([_array(*one) for one in opened])
    counts = np.array([one[0] for one in opened])
    sizes = counts - order
    if width == 1:
        left = np.frombuffer(b"".join([one[5] for one in opened]), np.uint8).astype(np.int64)
    else:
        planes = np.empty((int(sizes.sum()), 2), np.uint8)
        for plane in range(2):
            some = [
                one[5][plane * size : (plane + 1) * size]
                for one, size in zip(opened, sizes.tolist(), strict=True)
            ]
            planes[:, plane] = np.frombuffer(b"".join(some), np.uint8)
        left = planes.view("<u2").reshape(-1).astype(np.int64)
    left += np.repeat(np.array([one[3] for one in opened]), sizes)
    if order == 0:
        return left
    # one running sum over all columns: each begins with its seed less what the one before ended with
    numbers = np.empty(int(counts.sum()), np.int64)
    begins = np.cumsum(counts) - counts
    seeds = np.array([one[4][0] for one in opened])
    ends = seeds + np.add.reduceat(left, np.cumsum(sizes) - sizes)
    inside = np.ones(len(numbers), bool)
    inside[begins] = False
    numbers[inside] = left
    numbers[begins] = seeds
    numbers[begins[1:]] -= ends[:-1]
    return np.add.accumulate(numbers, out=numbers)


def _array(count: int, order: int, width: int, least: int, seeds: Sequence[int], data: bytes) -> Ints:
    import numpy as np

    numbers = np.empty(count, np.int64)
    left = numbers[order:]
    if width == 1:
        left[:] = np.frombuffer(data, np.uint8)
    elif width:
        size = count - order
        room = 2 if width == 2 else 4 if width <= 4 else 8
        planes = np.zeros((size, room), np.uint8)
        planes[:, :width] = np.frombuffer(data, np.uint8).reshape(width, size).T
        left[:] = planes.view(f"<u{room}").reshape(size)
    else:
        left.fill(least)
    if width and least:
        left += least
    for place in reversed(range(order)):
        numbers[place] = seeds[place]
        np.add.accumulate(numbers[place:], out=numbers[place:])
    return numbers


def _opened(data: bytes, count: int, at: int) -> tuple[int, int, int, list[int], bytes]:
    """Order, bytes each, least, seeds and the bytes of a column, of just the length they must have."""
    head = data[at]
    order, width = head >> _ORDER_AT & 3, head & 15
    least, at = _signed(data, at + 1)
    seeds = []
    for _ in range(order):
        seed, at = _signed(data, at)
        seeds.append(seed)
    size = width * (count - order)
    rest = inflated(data[at:], size) if head & _DEFLATED else data[at:]
    if len(rest) != size:
        raise IndexError("a column has another length")
    return order, width, least, seeds, rest


def _signed(data: bytes, at: int) -> tuple[int, int]:
    value = data[at]
    at += 1
    if value > 0x7F:
        value &= 0x7F
        shift = 7
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
    return (value >> 1 if not value & 1 else -((value + 1) >> 1)), at
