"""What is known of every instrument now: last reading of each channel, and the last minutes of one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from api.display import ordered
from dodac.clock import MINUTE_NS, iso_utc
from dodac.quantities import CHANNELS
from dodac.samples import FIRST_REVISION, Layout, Reason, Sample

SPARK_POINTS: Final = 120
COURSE_BREAK_NS: Final = 30 * MINUTE_NS


@dataclass(frozen=True, slots=True)
class LastReading:
    """A channel's newest reading; value is None when it is flagged, with the reason."""

    channel: str
    time_ns: int
    value: float | None
    reason: str = ""


@dataclass
class InstrumentState:
    """One instrument's newest readings by channel, and the course of its leading channel."""

    id: str
    time_ns: int = 0
    readings: dict[str, LastReading] = field(default_factory=dict)
    courses: dict[str, deque[tuple[int, float]]] = field(default_factory=dict)

    @property
    def lead(self) -> str:
        """The channel that is drawn."""
        return ordered(self.readings)[0] if self.readings else ""


def unit_of(channel: str) -> str:
    """The canonical unit of a channel, "" when it is not known."""
    known = CHANNELS.get(channel)
    return known.unit if known is not None else ""


def broken_off(course: Sequence[tuple[int, float]], time_ns: int) -> bool:
    """True when what came before is another time: half an hour of nothing, and eight usual steps."""
    if not course:
        return False
    step_ns = course[-1][0] - course[-2][0] if len(course) > 1 else 0
    return time_ns - course[-1][0] > max(COURSE_BREAK_NS, 8 * step_ns)


class LiveState:
    """The newest readings; written by the following thread, read by requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._instruments: dict[str, InstrumentState] = {}

    def learn(self, sample: Sample, layout: Layout) -> bool:
        """Takes a sample in; False when every channel already had a newer reading."""
        fresh = False
        reasons = {flag.channel: flag.reason.value for flag in sample.flags}
        with self._lock:
            state = self._instruments.setdefault(sample.instrument, InstrumentState(sample.instrument))
            for place, channel in enumerate(layout.channels):
                if not sample.present >> place & 1:
                    continue
                known = state.readings.get(channel)
                # what was withdrawn hides nothing, whatever its time
                if (
                    known is not None
                    and known.time_ns > sample.time_ns
                    and known.reason != Reason.WITHDRAWN.value
                ):
                    continue
                fresh = True
                value = sample.values[place]
                good = value == value
                state.readings[channel] = LastReading(
                    channel, sample.time_ns, value if good else None, "" if good else reasons.get(channel, "")
                )
                course = state.courses.setdefault(channel, deque(maxlen=SPARK_POINTS))
                replaces = sample.part >= FIRST_REVISION and reasons.get(channel) != Reason.CONFLICT.value
                if replaces and course and course[-1][0] == sample.time_ns:
                    course.pop()
                if good:
                    if broken_off(course, sample.time_ns):
                        course.clear()
                    course.append((sample.time_ns, value))
            state.time_ns = max(state.time_ns, sample.time_ns)
        return fresh

    def instruments(self) -> dict[str, tuple[list[LastReading], str, list[tuple[int, float]]]]:
        """Instrument → (readings in display order, the drawn channel, its course)."""
        with self._lock:
            return {
                name: (
                    [state.readings[channel] for channel in ordered(state.readings)],
                    state.lead,
                    list(state.courses.get(state.lead, ())),
                )
                for name, state in sorted(self._instruments.items())
            }

    def snapshot(self, seq: int, now_ns: int) -> dict[str, Any]:
        """The data of a snapshot event."""
        return {
            "seq": seq,
            "now_ms": now_ns // 1_000_000,
            "instruments": [
                {
                    "id": name,
                    "readings": [
                        {
                            "channel": reading.channel,
                            "unit": unit_of(reading.channel),
                            "value": reading.value,
                            "time_ms": reading.time_ns // 1_000_000,
                            "reason": reading.reason,
                        }
                        for reading in readings
                    ],
                    "course": {
                        "channel": lead,
                        "points": [[time_ns // 1_000_000, value] for time_ns, value in course],
                    },
                }
                for name, (readings, lead, course) in self.instruments().items()
            ],
        }

    def sample(self, seq: int, sample: Sample, layout: Layout) -> dict[str, Any]:
        """The data of a sample event."""
        good = {
            channel: sample.values[place]
            for place, channel in enumerate(layout.channels)
            if sample.present >> place & 1 and sample.values[place] == sample.values[place]
        }
        return {
            "seq": seq,
            "instrument": sample.instrument,
            "time": iso_utc(sample.time_ns),
            "time_ms": sample.time_ns // 1_000_000,
            "values": good,
            "units": {channel: unit_of(channel) for channel in good},
            "flags": [{"channel": flag.channel, "reason": flag.reason.value} for flag in sample.flags],
        }
