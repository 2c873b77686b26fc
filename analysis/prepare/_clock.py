"""Rows whose stamps go back in time while the register goes on: the clock was wrong, or rows came late."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analysis._frames import Bools, Floats

Ints = NDArray[np.int64]

_LIKE: Final = 1.6  # median steps: longer than this is a leap
_REGULAR: Final = 0.9
_NEAR: Final = 500  # rows looked at on each side where the leap is not exactly as large as the step back
_FAR: Final = 4000  # the same where it is


def wrong_clock(time: Ints, value: Floats) -> tuple[Bools, int]:
    """Rows (in the order of the file) stamped by a wrong clock, and how often the clock was put back.

    time: every row's stamp; value: NaN where a row has none. Rows that came late fall back in time and
    are told by what lies around them: without them the time goes on at its pace. Where the clock was put
    back, or put right, a leap of the same size undoes it, and with the rows between the time goes on
    at its pace: those are wrong. Without such a leap the register decides; where it goes on, the rows up
    to the next leap that is large enough, and all of the time that is there twice, are in doubt.
    """
    wrong = np.zeros(len(time), dtype=bool)
    if len(time) < 3:
        return wrong, 0
    step = np.diff(time)
    forward = step[step > 0]
    if not len(forward):
        return wrong, 0
    usual = float(np.median(forward))
    jumps = 0
    leap = step.astype(np.float64) - usual
    leaps = np.flatnonzero(leap > 0.4 * usual)
    again = _said_before(time, value)
    # a logger that keeps its step, put back by about one
    regular = float(np.mean(np.abs(forward - usual) <= 0.25 * usual)) >= _REGULAR
    twice = (step >= 0) & (step < 0.5 * usual) & (value[1:] > value[:-1]) & regular
    for place in np.flatnonzero((step < 0) | twice).tolist():
        if wrong[place] or wrong[place + 1]:
            continue
        if step[place] < 0 and _repeats(time, again, place, _LIKE * usual):
            continue
        size = float(-step[place]) + usual
        far = _FAR if step[place] < 0 else _NEAR
        near = leaps[(leaps >= place - far) & (leaps <= place + far)]
        block = _block(time, near[np.abs(leap[near] - size) <= 0.6 * usual].tolist(), place, usual)
        if block is not None:
            jumps += 1
            wrong[block] = True
        elif step[place] < 0 and not _repeats(time, again, place) and _goes_on(step, value, place, usual):
            jumps += 1
            large = near[(leap[near] >= size - 0.6 * usual) & (np.abs(near - place) <= _NEAR)]
            if len(large):
                one = int(large[int(np.argmin(np.abs(large - place)))])
                wrong[slice(place + 1, one + 1) if one > place else slice(one + 1, place + 1)] = True
            back, most = time[place + 1], time[: place + 1].max()
            wrong[: place + 1] |= time[: place + 1] >= back
            wrong[place + 1 :] |= time[place + 1 :] <= most
    return wrong, jumps


def _said_before(time: Ints, value: Floats) -> Bools:
    """Rows whose stamp and reading an earlier row has too."""
    order = np.lexsort((np.arange(len(time)), value, time))
    same = (np.diff(time[order]) == 0) & (np.diff(value[order]) == 0)
    found = np.zeros(len(time), dtype=bool)
    found[order[1:][same]] = True
    return found


def _repeats(time: Ints, again: Bools, place: int, apart: float | None = None) -> bool:
    """Are the rows after a step back only rows that were there before, up to where the time goes on?

    apart: time must leap on after them, as it does after lone rows said again; a clock that was put
    back while nothing was used goes on at its pace.
    """
    new = np.flatnonzero(~again[place + 1 :])
    if not len(new):
        return True
    first = place + 1 + int(new[0])
    if first == place + 1 or time[first] < time[: place + 1].max():
        return False
    return apart is None or bool(time[first] - time[first - 1] > apart)


def _block(time: Ints, leaps: list[int], place: int, usual: float) -> slice | None:
    """The rows between a step back and the leap that undoes it, with which time goes on at its usual pace."""
    for leap in sorted(leaps, key=lambda one: abs(one - place)):
        rows = slice(place + 1, leap + 1) if leap > place else slice(leap + 1, place + 1)
        across = float(time[rows.stop] - time[rows.start - 1])
        inside = float(time[rows.stop - 1] - time[rows.start])
        # with the rows in their place there is one usual step before them and one after
        if abs(across - inside - 2 * usual) <= 0.6 * usual:
            return rows
    return None


def _goes_on(step: Ints, value: Floats, place: int, usual: float) -> bool:
    """Does the register go on across a step back in time? Late rows bring older readings."""
    stop = place + 1
    while stop < len(step) and 0 < step[stop] <= _LIKE * usual and stop - place < _FAR:
        stop += 1
    block = value[place + 1 : stop + 1]
    block = block[np.isfinite(block)]
    old = value[: place + 1][np.isfinite(value[: place + 1])][-3:]
    if not len(block) or not len(old):
        return True
    before = float(np.median(old))
    if len(block) <= 2:
        # the same count once more is a row that came late while nothing was used
        return bool(block[0] > old[-1] >= before)
    # the first reading that says something new, lone faults apart
    smooth = np.median(np.stack((block[:-2], block[1:-1], block[2:])), axis=0)
    new = np.flatnonzero(smooth != before)
    return bool(len(new) and smooth[new[0]] > before)
