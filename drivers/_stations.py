"""One instrument on a line as the line's thread sees it: its reader, its fault, when it is tried again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from dodac.quantities import Measurement
from dodac.samples import Layout, Reason, Sample
from drivers.bus import Reader

LINE_REASONS: Final = frozenset({Reason.NO_ANSWER, Reason.CRC, Reason.LATE_ANSWER, Reason.EXCEPTION})


@dataclass
class Station:
    """One instrument: what it was read with, when it was wanted, and the state of its fault.

    due_ns, every_ns: the last time a read was wanted, and since the one before (UTC). answers: it is there,
    even if none of the channels that are read now can be. slow_took_ns: the latest blocks of slow channels,
    which differ in length.
    """

    reader: Reader
    measurement: Measurement
    queued: bool = False
    served: bool = False
    last_good_ns: int | None = None
    fault_ns: int | None = None
    fault_told: bool = False
    due_ns: int | None = None
    every_ns: int | None = None
    slow_took_ns: deque[int] = field(default_factory=lambda: deque(maxlen=12))
    answers: bool = False
    failures: int = 0
    garbled: int = 0
    retry_ns: int = 0
    refused: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    def wanted(self, due_ns: int) -> None:
        """A read is wanted for that time."""
        if self.due_ns is not None:
            self.every_ns = due_ns - self.due_ns
        self.due_ns = due_ns

    def expected_ns(self, now_ns: int) -> int | None:
        """When the next read will be wanted, as far as one can know; None when one can't (UTC)."""
        if self.due_ns is None or self.every_ns is None:
            return None
        expected = self.due_ns + self.every_ns
        return expected if expected > now_ns else None


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
