"""What the rooms owe each other: the way in (Inbox) and the way out (Store)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dodac.samples import Layout, Sample

if TYPE_CHECKING:
    import pandas as pd


class EventKind(StrEnum):
    """What an event tells: a closed list."""

    START = "start"
    STOP = "stop"
    FAULT_START = "fault_start"
    FAULT_END = "fault_end"
    GAP = "gap"
    CLOCK_JUMP = "clock_jump"
    EXCHANGE = "exchange"
    ROLLOVER = "rollover"
    IMPORT = "import"
    DAMAGE = "damage"
    ALARM = "alarm"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an instrument, a connection or the collector itself.

    time_ns: UTC; a gap's start. end_ns: a gap's end, else None.
    """

    time_ns: int
    kind: EventKind
    text: str
    source: str = ""
    instrument: str | None = None
    end_ns: int | None = None
    data: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A payload that could not become samples, kept with its reason."""

    time_ns: int
    source: str
    topic: str
    payload: bytes
    reason: str
    instrument: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What tells a message that is sent again from a new one, kept in the commit that holds the message.

    session: whose messages; body: for the source alone to read, added to what it told before.
    """

    session: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Repeat:
    """A sample or payload that is in the journal already, by its receipt: counted as a duplicate."""

    instrument: str | None


class Inbox(Protocol):
    """The one way in for every kind of measurement. Any thread may call it.

    `done` is called after the commit that holds the item, in the order received, from the
    thread that commits; a source acknowledges then and not before. `sample` and `samples`
    block while the in-flight window is full (back-pressure). A layout is told before the first
    sample that uses it; telling it again is free.
    """

    def layout(self, layout: Layout) -> None: ...

    def sample(self, sample: Sample, *, source: str, done: Callable[[], None] | None = None) -> None: ...

    def samples(
        self, samples: Iterable[Sample], *, source: str, done: Callable[[], None] | None = None
    ) -> None: ...

    def dead_letter(self, letter: DeadLetter, *, done: Callable[[], None] | None = None) -> None: ...

    def event(self, event: Event) -> None: ...


@runtime_checkable
class Memory(Protocol):
    """What an inbox may know of earlier runs, for sources that ask it.

    A source hands in a receipt as the attribute `receipt` of a `done`: it is stored in the commit that
    holds the (last) item. repeats: as samples(), for what the receipts showed to be there already.
    """

    def receipts(self, session: str) -> bytes: ...

    def newest_ns(self, instrument: str) -> int | None: ...

    def repeats(
        self, repeats: Sequence[Repeat], *, source: str, done: Callable[[], None] | None = None
    ) -> None: ...


class Store(Protocol):
    """The one way out: the same call on the journal and on InfluxDB gives the same frame.

    All times are UTC nanoseconds, all windows half open [start_ns, end_ns).
    """

    def instruments(self) -> tuple[str, ...]:
        """Ids of the instruments that have samples, sorted."""
        ...

    def channels(self, instrument: str) -> tuple[str, ...]:
        """Channels the instrument has had, sorted."""
        ...

    def series(self, instrument: str, channels: Iterable[str], start_ns: int, end_ns: int) -> pd.DataFrame:
        """Good values only: a DatetimeIndex "time" (UTC, ns), one float64 column a channel, NaN where absent.

        Rows without any good value of the channels asked for are left out.
        """
        ...

    def intervals(
        self, instrument: str, channel: str, start_ns: int, end_ns: int, step: str, zone: str = "UTC"
    ) -> pd.DataFrame:
        """Amounts (counter, interval) or means (gauge) per step of local time ("15min", "1h", "1D", "MS").

        Index: start of each step (tz-aware in `zone`); columns value (float64, NaN without data)
        and coverage (0…1, the share of the step that readings speak for).
        """
        ...

    def samples(self, instrument: str, start_ns: int, end_ns: int) -> Iterator[Sample]:
        """Samples in time order, flagged ones too."""
        ...

    def flags(self, instrument: str, start_ns: int, end_ns: int) -> pd.DataFrame:
        """Columns time (UTC), channel, reason, value (as read, NaN when none)."""
        ...

    def events(self, start_ns: int, end_ns: int) -> list[Event]:
        """Events whose time, or gap, touches the window, in time order."""
        ...
