"""Counters that fall: held back until a second reading says the same.

Meters answer 0 once after power-up and are back at the next read; taken as good, the whole counter
would be booked as consumption. A fall counts as a reset only when it is seen twice and stays low.
"""

from __future__ import annotations

from dodac.quantities import CHANNELS, Kind
from dodac.samples import Flag, Layout, Reason, Sample

_STEP = 1e-6


class CounterWatch:
    """The last good value of each counter of one instrument."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._places = {
            name: place for place, name in enumerate(layout.channels) if CHANNELS[name].kind == Kind.COUNTER
        }
        self._good: dict[str, float] = {}
        self._fallen: dict[str, float] = {}

    def checked(self, sample: Sample) -> Sample:
        """The sample, with counters that fell flagged counter_fall and their value kept in the flag."""
        falls: dict[str, float] = {}
        for name, place in self._places.items():
            value = sample.values[place]
            if value != value:
                continue
            last, fallen = self._good.get(name), self._fallen.pop(name, None)
            # single-precision totals may come back one step of their mantissa lower
            if last is None or value >= last - abs(last) * _STEP or (fallen is not None and value >= fallen):
                self._good[name] = value
            else:
                self._fallen[name] = falls[name] = value
        if not falls:
            return sample
        values = {
            n: v
            for n, v in zip(self._layout.channels, sample.values, strict=True)
            if v == v and n not in falls
        }
        flags = [*sample.flags, *(Flag(n, Reason.COUNTER_FALL, v) for n, v in falls.items())]
        order = self._layout.index
        return self._layout.sample(
            sample.time_ns,
            values,
            flags=sorted(flags, key=lambda flag: order[flag.channel]),
            span_ns=sample.span_ns,
            time_source=sample.time_source,
            raw=sample.raw,
            part=sample.part,
        )
