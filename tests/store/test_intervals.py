"""Counters, amounts and means per step: faults of meters never become energy."""

from __future__ import annotations

import numpy as np
import pytest

from dodac.clock import HOUR_NS, MINUTE_NS, parse_time_ns
from dodac.errors import DataError
from dodac.quantities import Kind
from store._intervals import per_step
from store._steps import edges

T0 = 1_790_000_000_000_000_000
STEP = 15 * MINUTE_NS


def _amounts(
    values: list[float], kind: Kind = Kind.COUNTER, step: int = HOUR_NS
) -> tuple[np.ndarray, np.ndarray]:
    times = T0 + np.arange(len(values)) * STEP
    marks = np.arange(T0, times[-1] + step, step)
    return per_step(
        kind, times, np.zeros(len(times), np.int64), np.array(values, float), marks, T0, int(marks[-1])
    )


def test_statements_that_overlap_are_averaged_and_not_counted_twice() -> None:
    times = np.array([T0 + HOUR_NS // 2, T0 + HOUR_NS // 2 + 1])
    spans = np.array([HOUR_NS, HOUR_NS])
    marks = np.array([T0, T0 + HOUR_NS])
    value, coverage = per_step(Kind.INTERVAL, times, spans, np.array([10.0, 10.0]), marks, T0, T0 + HOUR_NS)
    assert value.tolist() == pytest.approx([10.0])
    assert coverage.tolist() == [1.0]


@pytest.mark.parametrize(
    ("day", "zone", "step", "count"),
    [
        ("2026-03-29", "Europe/Berlin", "1h", 23),
        ("2026-10-25", "Europe/Berlin", "1h", 25),
        ("2026-10-25", "Europe/Berlin", "15min", 100),
        ("2026-10-25", "Europe/Berlin", "1D", 1),
        ("2026-03-29", "Europe/Berlin", "6h", 4),
        ("2026-02-17", "Asia/Ho_Chi_Minh", "1h", 24),
        ("2026-02-17", "Asia/Kolkata", "30min", 48),
    ],
)
def test_a_local_day_has_the_steps_it_really_has(day: str, zone: str, step: str, count: int) -> None:
    from datetime import date, timedelta

    start = parse_time_ns(day, zone)
    end = parse_time_ns(str(date.fromisoformat(day) + timedelta(days=1)), zone)
    marks = edges(start, end, step, zone)
    assert (marks[0], marks[-1], len(marks) - 1) == (start, end, count)


def test_months_are_local_months_and_a_window_inside_a_step_gives_that_step() -> None:
    zone = "Asia/Ho_Chi_Minh"
    start, end = parse_time_ns("2026-01-15", zone), parse_time_ns("2026-03-01", zone)
    expected = [parse_time_ns(f"2026-0{month}-01", zone) for month in (1, 2, 3)]
    assert edges(start, end, "MS", zone).tolist() == expected
    inside = parse_time_ns("2026-01-15T12:20", zone)
    hour = [parse_time_ns(f"2026-01-15T{h}:00", zone) for h in (12, 13)]
    assert edges(inside, inside + 1, "1h", zone).tolist() == hour
    with pytest.raises(DataError, match="empty"):
        edges(start, start, "1h", zone)
