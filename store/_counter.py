"""Which differences of a stored counter's readings can be believed: the rules of dodac.counters, count by count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from store._exchanges import Break, counts

if TYPE_CHECKING:
    from dodac.counters import Floats, Ints, Rises


def believable_rises(time_ns: Ints, values: Floats, breaks: Iterable[Break] = ()) -> tuple[Rises, ...]:
    """Stretches between counter readings, of each count.

    Readings: sorted by time, finite. breaks: exchanges and rollovers that are known: each side counts on
    its own, so nothing is lost there, and is compared with how fast all of them rise.
    """
    from dodac.counters import fastest, rises

    known = tuple(breaks)
    if not known:
        return (rises(time_ns, values),)
    limit = fastest(values, time_ns, None)
    return tuple(rises(*one, limit=limit) for one in counts(time_ns, values, known))
