"""Sets of sequence numbers kept as a few inclusive ranges."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Range = tuple[int, int]


def runs(numbers: Iterable[int]) -> list[Range]:
    """The sorted inclusive runs of some whole numbers: 1 2 3 7 → (1, 3) (7, 7)."""
    found: list[Range] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] + 1 == number:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


class Ranges:
    """Disjoint inclusive ranges, sorted, touching ones merged."""

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        if isinstance(ranges, Ranges):
            self._firsts, self._lasts = ranges._firsts[:], ranges._lasts[:]  # noqa: SLF001
            return
        firsts, lasts = self._firsts, self._lasts
        for first, last in sorted(ranges):
            if lasts and first <= lasts[-1] + 1:
                lasts[-1] = max(lasts[-1], last)
            else:
                firsts.append(first)
                lasts.append(last)

    def __iter__(self) -> Iterator[Range]:
        return iter(zip(self._firsts, self._lasts, strict=True))

    def __len__(self) -> int:
        """How many numbers are inside."""
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._firsts, number) - 1
        return place >= 0 and number <= self._lasts[place]

    def add(self, first: int, last: int) -> tuple[list[Range], Range]:
        """Adds a range; gives the ranges it swallowed and the one that now holds it."""
        low = bisect_right(self._lasts, first - 2)
        high = bisect_right(self._firsts, last + 1)
        swallowed = list(zip(self._firsts[low:high], self._lasts[low:high], strict=True))
        if swallowed:
            first = min(first, swallowed[0][0])
            last = max(last, swallowed[-1][1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]
        return swallowed, (first, last)

    def gaps(self, first: int, last: int) -> list[Range]:
        """The ranges of [first, last] that are not inside."""
        found: list[Range] = []
        here = first
        for place in range(bisect_left(self._lasts, first), len(self._firsts)):
            begin, end = self._firsts[place], self._lasts[place]
            if begin > last:
                break
            if begin > here:
                found.append((here, begin - 1))
            here = end + 1
        if here <= last:
            found.append((here, last))
        return found

    def common(self, other: Ranges) -> Ranges:
        """The numbers that are inside both."""
        found = Ranges()
        for begin, end in other:
            place = bisect_left(self._lasts, begin)
            while place < len(self._firsts) and self._firsts[place] <= end:
                found.add(max(begin, self._firsts[place]), min(end, self._lasts[place]))
                place += 1
        return found

    def overlap(self, other: Ranges) -> int:
        """How many numbers are inside both."""
        return len(self.common(other))
