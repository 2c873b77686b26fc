"""What every connection owes the collector: a line, a broker, a file, a person's hands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from dodac.contracts import Inbox
from dodac.quantities import Measurement
from dodac.samples import Layout
from drivers.turnaround import Turnaround


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """A connection's state, its counters, and the last good time (UTC ns) of each instrument.

    turnaround: how fast each polled instrument answers.
    """

    id: str
    state: Literal["up", "down", "starting"]
    counters: Mapping[str, int]
    last_good_ns: Mapping[str, int]
    turnaround: Mapping[str, Turnaround] = field(default_factory=dict)


class Connection(Protocol):
    """A way to instruments: a serial line, a gateway, a broker.

    `start` never raises because a port or a broker is away: it tells an event and tries again.
    `poll` (polled connections) queues a read and returns at once; False means that one is still
    queued: a missed tick. `stop` joins the threads.
    """

    @property
    def id(self) -> str: ...
    @property
    def instruments(self) -> tuple[str, ...]: ...
    @property
    def polled(self) -> bool: ...
    def layouts(self) -> tuple[Layout, ...]: ...
    def measurement(self, instrument: str) -> Measurement: ...
    def start(self, inbox: Inbox) -> None: ...
    def poll(self, instrument: str, due_ns: int) -> bool: ...
    def stop(self) -> None: ...
    def status(self) -> ConnectionStatus: ...
