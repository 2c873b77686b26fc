"""What the store's tests share: layouts, and a world that is written to a journal and to InfluxDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dodac.contracts import Event, Store
from dodac.quantities import Measurement
from dodac.samples import Layout, Sample
from store import (
    InfluxSink,
    InfluxStore,
    InfluxTarget,
    Journal,
    JournalStore,
    Tags,
    event_line,
    flag_lines,
    line,
)

T0 = 1_790_000_000_000_000_000
POWER = Layout("boiler1-power", ("power_w", "energy_import_kwh", "frequency_hz"))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal that knows POWER."""
    with Journal.open(tmp_path / "journal.db") as opened:
        opened.layout(POWER)
        yield opened


def tags_of(instrument: str) -> Tags:
    """Tags whose values need every escape of line protocol."""
    return Tags("bia, sài=gòn", "cu chi", "boiler 1", instrument, Measurement.ELECTRICITY)


@dataclass
class World:
    """Layouts, samples and events, and the store they can be read from once filled."""

    fill: Callable[..., Store]


def _forward(journal: Journal, target: InfluxTarget) -> None:
    layouts = journal.layouts()
    lines: list[str] = []
    for seq, sample in journal.read_after(0, 1_000_000):
        text = line(sample, layouts[sample.layout], tags_of(sample.instrument))
        lines += [text] if text else []
        lines += flag_lines(sample, tags_of(sample.instrument), seq)
    events = journal.events_after(0, 1_000_000)
    parts = journal.event_parts(0, 1_000_000)
    lines += [event_line(event, "bia", "cu chi", seq, parts[seq]) for seq, event in events]
    sink = InfluxSink(target)
    for first in range(0, len(lines), 5000):
        result = sink.write(lines[first : first + 5000])
        assert result.ok, result
    sink.close()


def _target_of(server: Any) -> InfluxTarget:
    """A bucket of InfluxDB 2 (org and token) or a database of InfluxDB 1 (user and password)."""
    if hasattr(server, "token"):
        return InfluxTarget(server.url, server.bucket, server.org, server.token)
    return InfluxTarget(server.url, server.bucket, "", "", user=server.user, password=server.password)


@pytest.fixture(params=["journal", "packed", "partly-packed", "influxdb", "influxdb1"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """World.fill(layouts, samples, events) gives a Store: a journal's, or InfluxDB 2's or 1.6's after forwarding.

    The journal's samples stand in rows, in blocks, or in both: only every second one was delivered.
    """
    opened: list[Any] = []
    influx = request.getfixturevalue(request.param) if request.param.startswith("influxdb") else None

    def fill(layouts: Sequence[Layout], samples: Sequence[Sample], events: Sequence[Event] = ()) -> Store:
        path = tmp_path / "journal.db"
        with Journal.open(path) as journal:
            for layout in layouts:
                journal.layout(layout)
            journal.commit([("test", sample) for sample in samples] + [("test", event) for event in events])
            journal.mark("server", range(1, len(samples) + 1, 2), "delivered")
            if "packed" in request.param:
                while journal.pack(1 << 62, ["server"] if "partly" in request.param else (), whole=False):
                    pass
            if influx is not None:
                target = _target_of(influx)
                _forward(journal, target)
        store: JournalStore | InfluxStore = JournalStore(path) if influx is None else InfluxStore(target)
        opened.append(store)
        return store

    yield World(fill)
    for store in opened:
        store.close()
