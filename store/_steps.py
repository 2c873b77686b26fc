"""Calendar steps of local time: their edges in UTC nanoseconds, daylight saving included."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from dodac.clock import HOUR_NS, MINUTE_NS
from dodac.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_STEP: Final = re.compile(r"^(\d*)(min|h|D|MS)$")


def edges(start_ns: int, end_ns: int, step: str, zone: str) -> npt.NDArray[np.int64]:
    """UTC ns of the edges of all steps that touch [start_ns, end_ns); one more than steps.

    "15min" and "1h" count from each local midnight (the day's last step ends with the day),
    "1D" are local days of 23, 24 or 25 hours, "MS" local months. Raises DataError on another
    step, an unknown zone or an empty window.
    """
    import numpy as np
    import pandas as pd

    match = _STEP.match(step)
    if match is None or (match.group(1) and int(match.group(1)) < 1):
        raise DataError(f'"{step}" is not a step; write e.g. "15min", "1h", "1D" or "MS".')
    if end_ns <= start_ns:
        raise DataError("the window is empty: its end must be after its start.")
    count, unit = int(match.group(1) or 1), match.group(2)
    try:
        local = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise DataError(f'"{zone}" is not a time zone; write e.g. "Asia/Ho_Chi_Minh".') from None
    first = pd.Timestamp(start_ns, unit="ns", tz="UTC").tz_convert(local).tz_localize(None).normalize()
    last = pd.Timestamp(end_ns - 1, unit="ns", tz="UTC").tz_convert(local).tz_localize(None).normalize()
    if unit == "MS":
        first = first.replace(day=1)
        days = pd.date_range(first, last + pd.DateOffset(months=count), freq=f"{count}MS")
    else:
        stride = count if unit == "D" else 1
        days = pd.date_range(first, last + pd.Timedelta(days=stride), freq=f"{stride}D")
    marks = (
        days.tz_localize(local, nonexistent="shift_forward", ambiguous=np.ones(len(days), dtype=bool))
        .tz_convert("UTC")
        .as_unit("ns")
        .asi8
    )
    if unit in ("min", "h"):
        length = count * (MINUTE_NS if unit == "min" else HOUR_NS)
        inner = [np.arange(a, b, length) for a, b in pairwise(marks)]
        marks = np.concatenate([*inner, marks[-1:]])
    low = np.searchsorted(marks, start_ns, side="right") - 1
    high = np.searchsorted(marks, end_ns, side="left")
    found: npt.NDArray[np.int64] = marks[low : high + 1]
    return found
