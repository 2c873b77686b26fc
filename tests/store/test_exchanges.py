"""A technician's clock is some minutes off: what both meters counted still adds up, once."""

from __future__ import annotations

import numpy as np
import pytest

from dodac.clock import MINUTE_NS
from dodac.contracts import Event, EventKind
from dodac.quantities import Kind
from store._exchanges import Break, breaks_of
from store._intervals import per_step

OLD = [500.0 + 0.5 * n for n in range(30)]  # each minute; the work is done right after the last of them
END = 514.6


def _amount(start: float, typed_min: float) -> float:
    values = np.array(OLD + [start + 0.1 + 0.5 * n for n in range(30)])
    times = np.arange(len(values), dtype=np.int64) * MINUTE_NS
    edges = np.array([0, len(values) * MINUTE_NS], dtype=np.int64)
    known = Break(int(typed_min * MINUTE_NS), END, start)
    spans = np.zeros_like(times)
    amount, _ = per_step(Kind.COUNTER, times, spans, values, edges, 0, int(edges[-1]), [known])
    return float(amount[0])


@pytest.mark.parametrize("start", [0.0, 7.0, 505.0, 600.0, 5000.0])
@pytest.mark.parametrize("typed_min", [29.5, 29.0, 28.2, 20.0, 30.0, 31.0, 45.5])
def test_a_typed_time_some_minutes_off_neither_loses_nor_makes_up_anything(
    start: float, typed_min: float
) -> None:
    assert _amount(start, typed_min) == pytest.approx(END - OLD[0] + 0.1 + 0.5 * 29)


def test_a_withdrawal_takes_back_only_the_counters_that_it_names() -> None:
    def event(**data: float) -> Event:
        numbers = {key.replace("__", "."): value for key, value in data.items()}
        return Event(5, EventKind.EXCHANGE, "", "exchange", "m", data=numbers)

    told = [
        event(end__volume_m3=5.0, start__volume_m3=1.0),
        event(end__energy_import_kwh=9.0, start__energy_import_kwh=0.0),
        event(end__volume_m3=5.0, start__volume_m3=1.0, withdrawn=1),
    ]
    assert breaks_of(told, "volume_m3") == []
    assert breaks_of(told, "energy_import_kwh") == [Break(5, 9.0, 0.0)]
    assert breaks_of([*told, told[0]], "volume_m3") == [Break(5, 5.0, 1.0)]
