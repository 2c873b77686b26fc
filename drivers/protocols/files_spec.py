"""What is asked of a file of readings, and what it gave."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, overload

from dodac.contracts import Event
from dodac.samples import Layout, Sample

Stamp = Literal["start", "end", "middle", "instant"]

MISSING: tuple[str, ...] = (
    "", "NA", "N/A", "#N/A", "NaN", "null", "None", "OFL", "?", "OL", "O.L", "O.L.", "+OL", "-OL", "UFL", "over", "under",
    "k.A.", "k. A.", "n.a.", "n/v", "void", "invalid", "#VALUE!", "#REF!", "#DIV/0!", "#NUM!", "không có",
)  # fmt: skip
"""Cells that stand for no reading; so do those of nothing but - – . * < >."""
SENTINELS: tuple[float, ...] = (4294967295.0, -1e38)


@dataclass(frozen=True, slots=True)
class FileSpec:
    """How a file of readings is to be read; what is None is found from the file and said.

    columns: (column in the header, canonical channel, unit or None); without a unit the header's own
      ("Energy [MWh]", "Energy_MWh", a row of units) counts, else the channel's. A column may be a number
      from 1. time_column: its name, or two names joined by "+" (date and time apart); None: the first
      column that holds dates, with the one that holds times of day where these stand apart. stamp: which
      moment of the interval the stamp names; None: the start, unless the format says otherwise. interval: "15min", "1h", "1d" (calendar days of `zone`),
      "1mo" (calendar months). date_format: "ymd", "dmy", "mdy", "unix_s", "unix_ms", "relative" (seconds
      from the file's trigger time) or a strptime pattern. missing: cells that mean no reading, in any
      case. statuses: (column, texts that mean good): other texts flag the row device_status, or only the
      channel of the column whose name the status column begins with. sheet: of a workbook. trigger: the
      time that relative stamps count from, where the file does not say it.
    """

    instrument: str
    columns: tuple[tuple[str, str, str | None], ...]
    zone: str = "Asia/Ho_Chi_Minh"
    time_column: str | None = None
    stamp: Stamp | None = None
    interval: str | None = None
    date_format: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    missing: tuple[str, ...] = MISSING
    sentinels: tuple[float, ...] = SENTINELS
    encoding: str | None = None
    statuses: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sheet: str | None = None
    trigger: str | None = None


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One row that was not used, or not as it stands: its line in the file and why."""

    line: int
    reason: str


class RowList(Sequence[RefusedRow]):
    """Rows with their reasons, small enough for a file of which every row is on it."""

    def __init__(self) -> None:
        self._lines = array("q")
        self._reasons: list[str] = []
        self._known: dict[str, str] = {}

    def add(self, line: int, reason: str) -> None:
        """Adds a row."""
        self._lines.append(line)
        if len(self._known) < 1000:
            reason = self._known.setdefault(reason, reason)
        self._reasons.append(reason)

    def sort(self) -> None:
        """Puts the rows in the order of their lines."""
        order = sorted(range(len(self._lines)), key=self._lines.__getitem__)
        self._lines = array("q", (self._lines[place] for place in order))
        self._reasons = [self._reasons[place] for place in order]

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, place: int) -> RefusedRow: ...
    @overload
    def __getitem__(self, place: slice) -> list[RefusedRow]: ...
    def __getitem__(self, place: int | slice) -> RefusedRow | list[RefusedRow]:
        if isinstance(place, slice):
            return [RefusedRow(*row) for row in zip(self._lines[place], self._reasons[place], strict=True)]
        return RefusedRow(self._lines[place], self._reasons[place])

    def __iter__(self) -> Iterator[RefusedRow]:
        return (RefusedRow(*row) for row in zip(self._lines, self._reasons, strict=True))


@dataclass(frozen=True, slots=True)
class FileCounts:
    """rows = samples + refused + repeated + empty.

    repeated: the same stamp with the same values again; empty: a stamp without any value;
    flagged: samples with a flagged reading; backward: rows stamped before the row above them.
    """

    rows: int
    samples: int
    refused: int
    repeated: int
    empty: int
    flagged: int
    backward: int


@dataclass(frozen=True, slots=True)
class TakenColumn:
    """One column as it is read: canonical = value · scale + offset."""

    column: str
    channel: str
    unit: str
    scale: float
    offset: float


@dataclass(frozen=True)
class FileReading:
    """What a file gave: samples of one instrument in file order, and every row that gave none.

    refused: rows that can't be used. left_out: rows that say nothing (no value, or said before).
    doubted: rows whose sample carries a flag instead of a value. guesses: what was found, in words.
    aside: lines that are no rows (headers, units, words about the instrument). facts: what the file says
    of the instrument. warnings: what the readings themselves make doubtful. first_ns, last_ns: UTC.
    unused: columns that nothing was read from. events: what is kept beside the readings (the cost of a bill).
    `read` goes through the file once more; `samples` holds all at once and is for small files.
    """

    path: Path
    layout: Layout
    read: Callable[[], Iterator[Sample]]
    refused: Sequence[RefusedRow]
    guesses: tuple[str, ...]
    interval: str
    counts: FileCounts
    left_out: Sequence[RefusedRow] = ()
    doubted: Sequence[RefusedRow] = ()
    columns: tuple[TakenColumn, ...] = ()
    aside: tuple[int, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    first_ns: int = 0
    last_ns: int = 0
    latest_start_ns: int = 0
    events: tuple[Event, ...] = ()
    unused: tuple[str, ...] = ()

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """All samples."""
        return tuple(self.read())


def held(
    path: Path,
    layout: Layout,
    samples: Sequence[Sample],
    refused: RowList,
    *,
    rows: int,
    guesses: Sequence[str] = (),
    interval: str = "instant",
    **more: Any,
) -> FileReading:
    """The reading of a small file whose samples are all there."""
    refused.sort()
    left_out: RowList = more.get("left_out") or RowList()
    repeated = sum(row.reason.startswith("says again") for row in left_out)
    counts = FileCounts(
        rows=rows,
        samples=len(samples),
        refused=len(refused),
        repeated=repeated,
        empty=len(left_out) - repeated,
        flagged=sum(1 for sample in samples if sample.flags),
        backward=0,
    )
    return FileReading(
        path, layout, lambda: iter(samples), refused, tuple(guesses), interval, counts,
        first_ns=min((s.start_ns for s in samples), default=0),
        last_ns=max((s.end_ns for s in samples), default=0),
        latest_start_ns=max((s.start_ns for s in samples), default=0),
        **more,
    )  # fmt: skip
