"""What is told about counters: one event for each thing that a held reading turned out to be."""

from __future__ import annotations

from typing import Final

from collector._counter_state import OUTRUNS, Counter, Held, Lost
from dodac.clock import SECOND_NS, iso_utc
from dodac.contracts import Event, EventKind
from dodac.quantities import CHANNELS
from dodac.samples import Reason

DOUBTFUL: Final = 10
"""Readings held in a row after which it is told."""

_TELL: Final = "If the meter was exchanged or set: dodac exchange."


def meaning(instrument: str, name: str, counter: Counter, now: tuple[float, int]) -> Event | None:
    """What the held reading, confirmed by that of `now`, says of the meter; None when it only works harder."""
    held, last, since_ns = counter.held, counter.value, counter.time_ns
    if held is None or last is None:
        return None
    step = _step(name, last, held, since_ns)
    data: dict[str, str | int | float] = {"channel": name, "before": last, "after": held.value}
    if held.reason is Reason.RATE:
        if _works_harder(counter, held, last, now):
            return None
        limit = "than it ever did" if counter.limit is None else "than max_rate allows"
        text = f"{name} rose {step}, faster {limit}, and stays there. {_TELL}"
        return Event(held.time_ns, EventKind.ALARM, text, "counters", instrument, data=data)
    if counter.rolled_over():
        top = float(counter.top or 0.0)
        text = f"{name} began again from 0 at {top:.10g} {CHANNELS[name].unit}: {step}"
        data |= {f"end.{name}": top, f"start.{name}": 0.0}
        return Event(held.time_ns, EventKind.ROLLOVER, text, "counters", instrument, data=data)
    text = (
        f"{name} fell {step} and stays there: it was set back, or the meter was exchanged. "
        "What was consumed across it is not known until it is told: dodac exchange."
    )
    return Event(held.time_ns, EventKind.ALARM, text, "counters", instrument, data=data)


def _works_harder(counter: Counter, held: Held, last: float, now: tuple[float, int]) -> bool:
    if counter.limit is not None:  # a meter that renews what it shows less often than it is read
        return now[0] - last <= counter.limit * (now[1] - counter.before_ns)
    speed = (held.value - last) / max(held.time_ns - counter.time_ns, 1)
    return speed * (now[1] - held.time_ns) <= OUTRUNS * (now[0] - held.value)


def came_back(instrument: str, name: str, lost: Lost, value: float, time_ns: int) -> Event:
    """The count that a fall ended is back; a rollover that was told is taken back."""
    unit = CHANNELS[name].unit
    text = (
        f"{name} is back at its old count, {value:.10g} {unit} after {lost.value:.10g}: what it showed from "
        f"{iso_utc(lost.low_ns)} on was not its own and is no consumption"
    )
    data: dict[str, str | int | float] = {"channel": name, "before": lost.value, "after": value}
    if lost.top is None:
        return Event(time_ns, EventKind.NOTE, text, "counters", instrument, data=data)
    data |= {f"end.{name}": lost.top, f"start.{name}": 0.0, "withdrawn": 1}
    return Event(lost.low_ns, EventKind.ROLLOVER, text, "counters", instrument, data=data)


def stays_doubtful(instrument: str, name: str, counter: Counter, value: float, time_ns: int) -> Event:
    """Reading after reading is held, and none confirms another."""
    unit, since = CHANNELS[name].unit, iso_utc(counter.time_ns)
    text = (
        f"{name}: {DOUBTFUL} readings in a row do not follow one another as a counter's do; last good {since}: "
        f"{counter.value:.10g} {unit}, now {value:.10g}. They are kept, flagged, and count for nothing. "
        "Look at the meter, its scale and its wiring, and at max_rate in the site file."
    )
    data: dict[str, str | int | float] = {"channel": name, "before": counter.value or 0.0, "after": value}
    return Event(time_ns, EventKind.ALARM, text, "counters", instrument, data=data)


def _step(name: str, last: float, held: Held, since_ns: int) -> str:
    seconds = (held.time_ns - since_ns) / SECOND_NS
    return f"from {last:.10g} to {held.value:.10g} {CHANNELS[name].unit} within {seconds:.0f} s"
