"""What is remembered of one counter: where it stands, how fast it rises, and which of its readings is held."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from dodac.samples import Reason, Sample

STEP: Final = 1e-6  # single-precision totals may come back one step of their mantissa lower
OUTRUNS: Final = 20.0  # a rise so many times faster than any before is held, where no limit is known
_ENOUGH: Final = 3  # rises that must have been seen before they say what is fast
_NEAR_TOP: Final = 0.01  # how far from its end a counter may roll over while its pace is not known yet
_FASTER: Final = 3.0  # how much faster than ever before it may have gone while it rolled over
_RETURN_NS: Final = 2 * 86_400 * 10**9  # how long the old count may be away, or an exchanged meter's new one


@dataclass(slots=True)
class Kept:
    """A sample that was passed on with held readings, as it stands after what was promoted since."""

    sample: Sample
    part: int  # as it came
    alone: bool  # nothing else came for its moment: a correction would hide it


@dataclass(frozen=True, slots=True)
class Held:
    """A reading that waits for the next one to say what it was."""

    value: float
    time_ns: int
    reason: Reason
    kept: Kept


@dataclass(frozen=True, slots=True)
class Lost:
    """The count that a confirmed fall ended: it may yet come back. top: as told, if it was called a rollover."""

    value: float
    time_ns: int
    low: float
    low_ns: int
    top: float | None


@dataclass(frozen=True, slots=True)
class Swap:
    """An exchange that was recorded: from its moment on the new count may begin, at `start`."""

    time_ns: int
    start: float


@dataclass(slots=True)
class Counter:
    """One counter: its last good reading, how fast it has risen (per ns), and what is held.

    limit: how fast it can rise at all, per ns; top: where it begins again from 0. None: not known.
    before_ns: last reading with the value before; changed_ns: since when it shows its value; often: shortest time
    between two rises, for a meter may renew what it shows less often than it is read; step: its smallest rise so
    far, for a counter that shows whole units may rise by one of them at any reading; doubtful: readings held in a row;
    began_ns: since when it shows another count than before.
    """

    limit: float | None = None
    top: float | None = None
    value: float | None = None
    time_ns: int = 0
    before_ns: int = 0
    changed_ns: int = 0
    began_ns: int = -(1 << 62)
    often: int = 0
    step: float = math.inf
    first: tuple[float, ...] = ()
    fastest: float = 0.0
    rises: int = 0
    pace: float = math.inf
    doubtful: int = 0
    held: Held | None = None
    lost: Lost | None = None
    swap: Swap | None = None

    def room(self, time_ns: int) -> float:
        """The most that it may have risen by a time."""
        if self.rises:
            gap = time_ns - self.time_ns
            return self.pace * max(gap, self.often) + self.step
        return self.pace * (time_ns - self.changed_ns)

    def take(self, value: float, time_ns: int) -> None:
        """Believes a reading."""
        if self.value is not None and value > self.value and time_ns > self.time_ns:
            since = time_ns - self.changed_ns
            self.often = min(self.often, since) if self.rises > 1 else since if self.rises else 0
            self.rises += 1
            self.step = min(self.step, value - self.value)
            speed = (value - self.value) / (time_ns - self.time_ns)
            if self.rises > _ENOUGH:
                self.fastest = max(self.fastest, speed)
            else:  # one of the first may be a total that was loaded late: the middle one counts
                self.first = (*self.first, speed)
                self.fastest = sorted(self.first)[len(self.first) // 2]
            if self.limit is not None:
                self.pace = self.limit
            elif self.rises >= _ENOUGH:
                self.pace = OUTRUNS * self.fastest
        if value != self.value:
            self.before_ns, self.changed_ns = self.time_ns, time_ns
        self.value, self.time_ns, self.held, self.doubtful = value, time_ns, None, 0

    def start_at(self, value: float, time_ns: int) -> None:
        """Believes a reading of another count: it says nothing about how fast this one rises."""
        self.value, self.time_ns, self.held, self.doubtful = value, time_ns, None, 0
        self.before_ns = self.changed_ns = time_ns

    def goes_on(self, value: float, time_ns: int) -> bool:
        """True when a reading goes on from the held one as a counter can."""
        held = self.held
        if held is None or time_ns <= held.time_ns or value < held.value - abs(held.value) * STEP:
            return False
        pace = self.pace
        if held.reason is Reason.RATE and self.limit is None and self.value is not None:
            # a load that was switched on goes on as fast
            pace = max(pace, OUTRUNS * (held.value - self.value) / max(held.time_ns - self.time_ns, 1))
        return value - held.value <= pace * (time_ns - held.time_ns) + (self.step if self.rises else 0.0)

    def returns(self, value: float, time_ns: int) -> bool:
        """True when a reading leaps back to the count that a fall ended: what was between was none of the meter's."""
        lost, last = self.lost, self.value
        if lost is None or last is None:
            return False
        if time_ns - lost.time_ns > _RETURN_NS:
            self.lost = None
            return False
        if value - last < 0.5 * (lost.value - lost.low) or (
            math.isfinite(self.pace) and value - last <= self.room(time_ns)
        ):
            return False
        since = time_ns - lost.time_ns
        most = self.pace * since + (self.step if self.rises else 0.0)
        return -abs(lost.value) * STEP <= value - lost.value <= (most if self.rises else lost.value)

    def swapped(self, value: float, time_ns: int) -> bool:
        """True when a reading can be one of the new count that an exchange has told."""
        swap = self.swap
        if (
            swap is None
            or not 0 <= time_ns - swap.time_ns <= _RETURN_NS
            or value < swap.start - abs(swap.start) * STEP
        ):
            return False
        if math.isinf(self.pace):
            return True
        most = self.pace * (time_ns - swap.time_ns) + (self.step if self.rises else 0.0)
        return value - swap.start <= most

    def rolled_over(self) -> bool:
        """True when the held fall is the counter beginning again from 0, once.

        What it has risen must be what it can rise in that time; where it could have gone round twice, or
        half-way round at a pace that is only learned, nothing is said.
        """
        held, last, top = self.held, self.value, self.top
        if held is None or last is None or top is None or last > top * (1 + STEP) or held.value < 0:
            return False
        rise, gap = held.value + top - last, held.time_ns - self.time_ns
        step = self.step if self.rises else 0.0
        if self.limit is not None:
            return rise <= self.limit * gap + step < top
        if self.rises >= _ENOUGH:
            return rise <= _FASTER * self.fastest * gap + step < 0.5 * top
        return rise <= _NEAR_TOP * top
