"""Whose time an MQTT message gets, and whether its readings can be believed for it; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from dodac.clock import SECOND_NS
from dodac.samples import Flag, Layout, Reason, Sample, TimeSource
from drivers._device_clock import SANE_FROM_NS
from drivers.protocols.message import Decoded

_RETAINED_PART: Final = 1


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a message came (our clock, UTC ns), whether it may have waited for us, and was retained."""

    now_ns: int
    waited: bool
    retained: bool


@dataclass(frozen=True, slots=True)
class Stamp:
    """A sample's time, whose it is, why its readings are doubtful for it (None: they are not).

    clock_refused: the payload's own time was there and not believed.
    """

    time_ns: int
    source: TimeSource
    doubt: Reason | None
    clock_refused: bool = False


def stamp_of(decoded: Decoded, skew_s: float | None, arrival: Arrival) -> Stamp:
    """The payload's own time where its format has one and the clock is believable; else ours.

    skew_s: how far it may lie from our clock; None: it is never asked. What was stored and sent later
    (history), or is older than a message whose own time is right, may be as old as it likes; nothing of a
    message whose own time is wrong is believed. Not ours for a message that may have waited: that is
    time_unknown. Retained messages are stale.
    """
    waited = arrival.waited or arrival.retained
    if decoded.or_ns is not None and decoded.time_ns is not None:
        decoded = _one_of(decoded, decoded.time_ns, decoded.or_ns, skew_s, arrival, waited=waited)
    stamp = _stamp(decoded, skew_s, arrival.now_ns, waited)
    if arrival.retained:
        return Stamp(stamp.time_ns, stamp.source, Reason.STALE, stamp.clock_refused)
    return stamp


def _one_of(
    decoded: Decoded, first_ns: int, later_ns: int, skew_s: float | None, arrival: Arrival, *, waited: bool
) -> Decoded:
    """The hour that comes twice: which of the two it was, told by our clock; no time where that can't tell."""
    if not waited:
        near_ns = min(first_ns, later_ns, key=lambda ns: abs(ns - arrival.now_ns))
        return replace(decoded, time_ns=near_ns)
    possible = later_ns <= arrival.now_ns + round((skew_s or 0) * SECOND_NS)
    return replace(decoded, time_ns=None) if possible else decoded


def _stamp(decoded: Decoded, skew_s: float | None, now_ns: int, waited: bool) -> Stamp:
    refused = False
    if skew_s is not None and decoded.time_ns is not None:
        skew_ns = round(skew_s * SECOND_NS)
        sent_right = decoded.sent_ns is None or abs(now_ns - decoded.sent_ns) <= skew_ns
        old = decoded.history or (decoded.sent_ns is not None and sent_right)
        # what waited for us may be as old as our absence, which a restart does not know
        oldest_ns = SANE_FROM_NS if waited or old else max(SANE_FROM_NS, now_ns - skew_ns)
        if (waited or sent_right) and oldest_ns <= decoded.time_ns <= now_ns + skew_ns:
            return Stamp(decoded.time_ns, decoded.time_source, None)
        refused = True
        if not waited and not decoded.history:
            # its own clock is wrong, or it sends what it stored: nobody can tell
            return Stamp(now_ns, TimeSource.HOST, Reason.CLOCK, refused)
    if waited or decoded.history:
        return Stamp(now_ns, TimeSource.UNKNOWN, Reason.TIME_UNKNOWN, refused)
    return Stamp(now_ns, TimeSource.HOST, None)


def stamped(
    layout: Layout, decoded: Decoded, payload: bytes, stamp: Stamp, arrival: Arrival, part: int = 0
) -> Sample:
    """The sample; where its time is doubtful, every good reading is flagged with its value as read.

    part: even; tells apart samples of one time (see part_of).
    """
    values, flags = dict(decoded.values), list(decoded.flags)
    if stamp.doubt is not None:
        flags += [Flag(name, stamp.doubt, value) for name, value in values.items()]
        values = {}
    order = layout.index
    return layout.sample(
        stamp.time_ns,
        values,
        flags=sorted(flags, key=lambda flag: order[flag.channel]),
        time_source=stamp.source,
        raw=payload if flags else None,
        # a retained copy must not collide with the message itself
        part=part + (_RETAINED_PART if arrival.retained else 0),
    )


def part_of(layout: Layout, decoded: Decoded, stamp: Stamp, place: int, *, partial: bool) -> int:
    """Keeps apart samples that share a time; a message sent again gets the same, so it is a duplicate.

    place: which moment of its message it is. partial: messages carry some of the channels, so that
    several may speak of one moment; those carry different channels.
    """
    if stamp.time_ns not in (decoded.time_ns, decoded.or_ns):
        # all of a message that are stamped when it came; parts from 2048 on would be corrections
        return 2 * (place % 1023)
    if not partial:
        return 0
    names = [*decoded.values, *(flag.channel for flag in decoded.flags)]
    return 2 * (1 + min(layout.index[name] for name in names))
