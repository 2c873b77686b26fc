"""Which samples go to a sink next: new ones first, then the backlog from its new end, no faster than allowed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from collector._delivery import Parcel
from dodac.clock import SECOND_NS, Clock

Row = tuple[Any, ...]
"""As the journal stores it; its seq is the first."""
Span = tuple[int, int]

_BETWEEN: Final = 100
_FORGETS_NS: Final = 15 * SECOND_NS
_BATCHES: Final = 40


class Waiting(Protocol):
    """The part of the journal that knows what a sink has not had."""

    def waiting_rows(
        self, sink: str, limit: int, newest_first: bool = True, before: int | None = None
    ) -> list[Row]: ...

    def last_seq(self) -> int: ...


class Lanes:
    """The next batches for one sink.

    Live are rows that came since the last look; the others are backlog. build makes a parcel of rows,
    backlog_per_s: None for no limit. One thread at a time may call it.
    """

    def __init__(
        self,
        journal: Waiting,
        sink: str,
        clock: Clock,
        build: Callable[[Sequence[Row]], Parcel],
        backlog_per_s: int | None,
    ) -> None:
        self._journal = journal
        self._sink = sink
        self._clock = clock
        self._build = build
        self._rate = backlog_per_s
        self._seen = journal.last_seq()
        self._ready: Parcel | None = None
        self._allowed = 0.0
        self._filled_ns = clock.monotonic_ns()

    @property
    def limited(self) -> bool:
        """True when the backlog goes no faster than a set rate."""
        return self._rate is not None

    def next(self, size: int) -> list[Parcel]:
        """Up to two batches, to be sent in this order; none when nothing waits."""
        top = self._journal.last_seq()
        floor, self._seen = self._seen, top
        ready, self._ready = self._ready, None
        if ready is None or not ready.seqs:
            rows = self._rows(size, top, floor)
            return [self._build(rows)] if rows else []
        # rows that are committed meanwhile must not push these out of the limit: they are the next look's
        fresh = (
            self._journal.waiting_rows(self._sink, min(size, top - floor), before=top + 1)
            if top > floor
            else []
        )
        live = [row for row in fresh if row[0] > floor]
        if not live:
            return [ready]
        made = self._build(live)
        # more new rows than fit: what was made ahead lies below them, so it is made again after them
        return [made, ready] if top - floor <= size else [made]

    def look_ahead(self, sent: Sequence[int], size: int) -> None:
        """Makes the batch that follows what has the seqs `sent`, while that is on its way."""
        self._ready = self._build(self._journal.waiting_rows(self._sink, size, before=min(sent)))

    def forget(self) -> None:
        """Drops what was made ahead: it is asked for again."""
        self._ready = None

    def _rows(self, size: int, top: int, floor: int) -> list[Row]:
        if self._rate is None:
            return self._journal.waiting_rows(self._sink, size)
        now_ns = self._clock.monotonic_ns()
        self._allowed += (now_ns - self._filled_ns) / SECOND_NS * self._rate
        self._allowed = min(self._allowed, float(self._rate))
        self._filled_ns = now_ns
        limit = min(size, top - floor + int(self._allowed))
        rows = self._journal.waiting_rows(self._sink, limit, before=top + 1) if limit else []
        self._allowed -= sum(1 for row in rows if row[0] <= floor)
        return rows


class Recent:
    """What a sink took in its last seconds, to be sent again after it went away.

    Kept in memory: VictoriaMetrics, and InfluxDB with a delayed fsync, acknowledge before they write.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._took: deque[tuple[int, list[Span]]] = deque(maxlen=_BATCHES)
        self._again: list[Span] = []

    def took(self, seqs: Sequence[int]) -> None:
        """Notes what was delivered just now."""
        now_ns = self._clock.monotonic_ns()
        self._took.append((now_ns, _spans(seqs)))
        while now_ns - self._took[0][0] > _FORGETS_NS:
            self._took.popleft()

    def away(self) -> None:
        """The sink can't be reached: what it had taken last is due again."""
        for _, spans in self._took:
            self._again += spans
        self._took.clear()

    def next(self, limit: int) -> Span | None:
        """A stretch of at most `limit` seqs that is due; sent() takes it off."""
        if not self._again:
            return None
        first, last = self._again[-1]
        return first, min(last, first + limit - 1)

    def sent(self, span: Span) -> None:
        """The stretch of next() is there again."""
        _, last = self._again.pop()
        if span[1] < last:
            self._again.append((span[1] + 1, last))


def _spans(seqs: Sequence[int]) -> list[Span]:
    """Stretches of seqs; what little lies between two may be sent too."""
    found: list[Span] = []
    for seq in sorted(seqs):
        if found and seq - found[-1][1] <= _BETWEEN:
            found[-1] = (found[-1][0], seq)
        else:
            found.append((seq, seq))
    return found
