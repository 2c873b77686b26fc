"""The part of the query interface that both stores share: frames from arrays of readings."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Final

from dodac.clock import DAY_NS
from dodac.errors import DataError, Where
from dodac.quantities import Kind
from dodac.quantities import channel as channel_named
from dodac.samples import FIRST_REVISION, Sample
from store import _intervals
from store._codec import PART_LIMIT
from store._exchanges import Break, breaks_of
from store._steps import edges

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from dodac.contracts import Event

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Readings = tuple[Ints, Ints, Floats]
    """time_ns, span_ns, values (rows × channels, NaN where not good), sorted by time and part."""

CONTEXT_NS: Final = 400 * DAY_NS
"""How far before and after a window neighbours are looked for: more than a year of monthly readings."""


class ArrayStore(ABC):
    """series() and intervals() on top of two reads that a store gives as arrays."""

    @abstractmethod
    def _readings(self, instrument: str, channels: tuple[str, ...], start_ns: int, end_ns: int) -> Readings:
        """Good readings in the window."""

    def _values(
        self, instrument: str, channels: tuple[str, ...], start_ns: int, end_ns: int
    ) -> tuple[Ints, Floats]:
        """The same without spans, which a store may then leave where they are."""
        time_ns, _, values = self._readings(instrument, channels, start_ns, end_ns)
        return time_ns, values

    @abstractmethod
    def _context(
        self, instrument: str, channel: str, before_ns: int, after_ns: int, count: int
    ) -> tuple[Readings, Readings]:
        """Up to `count` good readings just before one time, and as many from another on; both ascending."""

    @abstractmethod
    def counter_events(self, instrument: str) -> list[Event]:
        """Exchanges and rollovers of an instrument, in the order in which they were recorded."""

    def breaks(self, instrument: str, channel: str) -> list[Break]:
        """Where a counter's count ended and another began, as far as it was told, in time order."""
        return breaks_of(self.counter_events(instrument), channel)

    def around(
        self, instrument: str, channel: str, time_ns: int, count: int
    ) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
        """Up to `count` good readings just before a moment, and as many from it on, each as (UTC ns, value)."""
        before, after = self._context(instrument, channel, time_ns, time_ns, count)
        return _pairs(before), _pairs(after)

    def series(self, instrument: str, channels: Iterable[str], start_ns: int, end_ns: int) -> pd.DataFrame:
        """Good values only: index "time" (UTC, ns), one float64 column a channel, NaN where absent.

        Rows without any good value of the channels asked for are left out.
        """
        import numpy as np
        import pandas as pd

        names = _known(instrument, channels)
        time_ns, values = self._values(instrument, names, start_ns, end_ns)
        if np.isnan(values[:, 0]).any():  # whole columns need no second look, nor a copy
            some = ~np.isnan(values).all(axis=1)
            time_ns, values = time_ns[some], values[some]
        elif not values.flags.writeable:  # bytes of rows as they came: the frame is the caller's own
            values = values.copy()
        return pd.DataFrame(values, index=time_index(time_ns), columns=list(names), copy=False)

    def intervals(
        self, instrument: str, channel: str, start_ns: int, end_ns: int, step: str, zone: str = "UTC"
    ) -> pd.DataFrame:
        """Amounts or means per calendar step of local time, with coverage.

        Steps are whole; only time inside [start_ns, end_ns) counts, so the coverage of a step that
        the window cuts is below 1. How amounts and means are made: store/_intervals.py.
        """
        import numpy as np
        import pandas as pd

        (name,) = _known(instrument, [channel])
        marks = edges(start_ns, end_ns, step, zone)
        inside = self._readings(instrument, (name,), start_ns, end_ns)
        before, after = self._context(instrument, name, start_ns, end_ns, _intervals.CONTEXT)
        time_ns, span_ns, values = (
            np.concatenate(parts) for parts in zip(before, inside, after, strict=True)
        )
        good = ~np.isnan(values[:, 0])
        kind = channel_named(name).kind
        breaks = self.breaks(instrument, name) if kind is Kind.COUNTER else ()
        value, coverage = _intervals.per_step(
            kind, time_ns[good], span_ns[good], values[good, 0], marks, start_ns, end_ns, breaks
        )
        index = time_index(marks[:-1]).tz_convert(zone)
        return pd.DataFrame({"value": value, "coverage": coverage}, index=index)


def _pairs(readings: Readings) -> list[tuple[int, float]]:
    return list(zip(readings[0].tolist(), readings[2][:, 0].tolist(), strict=True))


def _known(instrument: str, channels: Iterable[str]) -> tuple[str, ...]:
    names = tuple(channels)
    for name in names:
        try:
            channel_named(name)
        except ValueError as error:
            raise DataError(str(error), Where(instrument=instrument)) from None
    if not names or len(set(names)) != len(names):
        raise DataError("name at least one channel, each once.", Where(instrument=instrument))
    return names


def time_index(time_ns: Ints) -> pd.DatetimeIndex:
    """A UTC index "time" with nanoseconds."""
    import pandas as pd

    return pd.DatetimeIndex(time_ns.view("datetime64[ns]"), name="time").tz_localize("UTC")


def is_revision(part: int) -> bool:
    """True for a part that replaces lower ones; a conflict's lies above: it holds nothing good."""
    return FIRST_REVISION <= part < PART_LIMIT


def counting(samples: Iterable[Sample]) -> Iterator[Sample]:
    """Samples in time order without those that a correction or a withdrawal of their time replaces."""
    for _, together in groupby(samples, key=lambda sample: sample.time_ns):
        found = list(together)
        newest = max((sample.part for sample in found if is_revision(sample.part)), default=0)
        yield from (sample for sample in found if sample.part >= newest)


def without_corrected(readings: Readings, parts: Ints, flagged: Mapping[int, int] | None = None) -> Readings:
    """Readings without those that a correction of the same instrument and time replaces.

    flagged: the highest correction by time among those that hold no good value, where these are no rows.
    """
    import numpy as np

    revised = (parts >= FIRST_REVISION) & (parts < PART_LIMIT)
    newest: dict[int, int] = dict(flagged or {})
    if not revised.any() and not newest:
        return readings
    time_ns, span_ns, values = readings
    for moment, part in zip(time_ns[revised].tolist(), parts[revised].tolist(), strict=True):
        newest[moment] = max(part, newest.get(moment, 0))
    kept = np.array(
        [part >= newest.get(moment, 0) for moment, part in zip(time_ns.tolist(), parts.tolist(), strict=True)]
    )
    return time_ns[kept], span_ns[kept], values[kept]


def empty_readings(count: int) -> Readings:
    """No readings of so many channels."""
    import numpy as np

    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, count), np.float64)


def flag_frame(rows: list[tuple[int, int, str, str, float]]) -> pd.DataFrame:
    """The frame of flags from (time_ns, part, channel, reason, value or NaN), in a fixed order."""
    import numpy as np
    import pandas as pd

    rows = sorted(rows, key=lambda row: row[:4])
    times = np.array([row[0] for row in rows], dtype=np.int64)
    return pd.DataFrame(
        {
            "time": time_index(times),
            "channel": pd.Series([row[2] for row in rows], dtype="str"),
            "reason": pd.Series([row[3] for row in rows], dtype="str"),
            "value": np.array(
                [row[4] if math.isfinite(row[4]) else math.nan for row in rows], dtype=np.float64
            ),
        }
    )
