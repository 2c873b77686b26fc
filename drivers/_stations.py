"""One instrument on a line as the line's thread sees it: its reader, its fault, when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from dodac.quantities import Measurement
from dodac.samples import Layout, Reason, Sample
from drivers.bus import Reader
from drivers.counters import CounterWatch

LINE_REASONS: Final = frozenset({Reason.NO_ANSWER, Reason.CRC, Reason.LATE_ANSWER, Reason.EXCEPTION})


@dataclass
class Station:
    """One instrument: what it was read with, and the state of its fault."""

    reader: Reader
    measurement: Measurement
    queued: bool = False
    last_good_ns: int | None = None
    fault_ns: int | None = None
    fault_told: bool = False
    failures: int = 0
    garbled: int = 0
    retry_ns: int = 0
    refused: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    counters: CounterWatch = field(init=False)

    def __post_init__(self) -> None:
        self.counters = CounterWatch(self.reader.layout)


def without_line_faults(sample: Sample, layout: Layout) -> Sample:
    """The sample with channels that failed on the line absent instead of flagged again."""
    values = {n: v for n, v in zip(layout.channels, sample.values, strict=True) if v == v}
    flags = [flag for flag in sample.flags if flag.reason not in LINE_REASONS]
    return layout.sample(
        sample.time_ns,
        values,
        flags=flags,
        span_ns=sample.span_ns,
        time_source=sample.time_source,
        raw=sample.raw,
        part=sample.part,
    )
