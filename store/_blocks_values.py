"""One channel's values in a block: as whole numbers by the coarsest scale that gives every bit back."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from store import _blocks_ints as ints

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

# Codes are stored: append to these, never reorder. The scale stands in the high half of the byte.
BITS: Final = 0  # the 64 bits as they are
SINGLE: Final = 1  # bits of a float32 of the same value
DIVIDED: Final = 2  # number / 10**scale
TIMES: Final = 3  # number * 10**-scale, as drivers scale
SINGLE_DIVIDED: Final = 4  # the float32 nearest to number / 10**scale, as meters send it

_EXACT: Final = 1 << 53
_POWERS: Final = tuple(float(10**scale) for scale in range(10))
_PARTS: Final = tuple(float(f"1e-{scale}") for scale in range(10))


def encode(values: array[float]) -> bytes:
    """Bytes of some float64 values; decode gives the same bits."""
    whole = values.tobytes()
    for scale in range(7):
        for mode in (DIVIDED, TIMES) if scale else (DIVIDED,):
            numbers = _numbers(values, whole, mode, scale)
            if numbers is not None:
                return bytes((mode | scale << 4,)) + ints.encode(numbers)
    single = _single(values, whole)
    if single is not None:
        short = single.tobytes()
        for scale in range(5):
            numbers = _numbers(values, short, SINGLE_DIVIDED, scale)
            if numbers is not None:
                return bytes((SINGLE_DIVIDED | scale << 4,)) + ints.encode(numbers)
        return bytes((SINGLE,)) + ints.encode(array("I", short))
    for scale in range(7, 10):
        numbers = _numbers(values, whole, DIVIDED, scale)
        if numbers is not None:
            return bytes((DIVIDED | scale << 4,)) + ints.encode(numbers)
    return bytes((BITS,)) + ints.encode(array("q", whole))


def decode(data: bytes, count: int, at: int = 0) -> Sequence[float]:
    """So many values of one channel from bytes that begin at a place."""
    head = data[at]
    return _floats(ints.decode(data, count, at + 1), head & 15, head >> 4)


def decode_array(data: bytes, count: int, at: int = 0) -> Floats:
    """The same as an array."""
    return _scaled(ints.decode_array(data, count, at + 1), data[at])


def decode_arrays(pieces: Sequence[ints.Piece]) -> Floats:
    """The values of one channel in several blocks, one after the other."""
    import numpy as np

    heads = {data[at] for data, _, at in pieces}
    if len(heads) > 1:
        return np.concatenate([decode_array(*piece) for piece in pieces])
    return _scaled(ints.decode_arrays([(data, count, at + 1) for data, count, at in pieces]), heads.pop())


def _scaled(numbers: Ints, head: int) -> Floats:
    import numpy as np

    mode, scale = head & 15, head >> 4
    if mode == BITS:
        return numbers.view(np.float64)
    if mode == SINGLE:
        return numbers.astype(np.uint32).view(np.float32).astype(np.float64)
    if mode == TIMES:
        return np.multiply(numbers, _PARTS[scale], dtype=np.float64)
    found: Floats = np.divide(numbers, _POWERS[scale], dtype=np.float64)
    if mode == DIVIDED:
        return found
    if mode == SINGLE_DIVIDED:
        return found.astype(np.float32).astype(np.float64)
    raise IndexError("a column of a form that this version does not know")


def _floats(numbers: Sequence[int], mode: int, scale: int) -> array[float]:
    if mode == BITS:
        found = array("d")
        found.frombytes(array("q", numbers).tobytes())
        return found
    if mode == SINGLE:
        single = array("f")
        single.frombytes(array("I", numbers).tobytes())
        return array("d", single)
    if mode == TIMES:
        part = _PARTS[scale]
        return array("d", [number * part for number in numbers])
    power = _POWERS[scale]
    if mode == DIVIDED:
        return array("d", [number / power for number in numbers])
    if mode == SINGLE_DIVIDED:
        return array("d", array("f", [number / power for number in numbers]))
    raise IndexError("a column of a form that this version does not know")


def _numbers(values: array[float], whole: bytes, mode: int, scale: int) -> list[int] | None:
    """Values as whole numbers of a scale, None when some value would not come back bit by bit."""
    power = _POWERS[scale]
    # most scales fail at once: a few values tell
    for few in (values[:1], values[-4:], values) if len(values) > 8 else (values,):
        try:
            numbers = [round(value * power) for value in few]
        except (ValueError, OverflowError):  # not finite
            return None
        if max(map(abs, numbers), default=0) >= _EXACT:
            return None
        if few is not values and not _same(few, numbers, mode, scale):
            return None
    back = _floats(numbers, mode, scale)
    made = array("f", back).tobytes() if mode == SINGLE_DIVIDED else back.tobytes()
    return numbers if made == whole else None


def _same(values: array[float], numbers: list[int], mode: int, scale: int) -> bool:
    return _floats(numbers, mode, scale) == values


def _single(values: array[float], whole: bytes) -> array[float] | None:
    try:
        single = array("f", values)
    except OverflowError:
        return None
    return single if array("d", single).tobytes() == whole else None
