"""What is asked of an interval file, and what it gave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dodac.samples import Layout, Sample

Stamp = Literal["start", "end", "middle", "instant"]

MISSING: tuple[str, ...] = (
    "", "-", "--", "---", "----", "NA", "N/A", "#N/A", "NaN", "null", "None", "OFL", "?",
)  # fmt: skip
SENTINELS: tuple[float, ...] = (4294967295.0, -1e38)


@dataclass(frozen=True, slots=True)
class FileSpec:
    """How a file of interval data is to be read; what is None is found from the file and said.

    columns: (column in the header, canonical channel, unit or None); without a unit the header's own
      ("Energy [MWh]", "Energy_MWh") counts, else the channel's. A column may be a number from 1.
    time_column: its name, or two names joined by "+" (date and time apart); None: the first column
      that holds times. stamp: which moment of the interval the stamp names. interval: "15min", "1h",
      "1d" (calendar days of `zone`), "1mo" (calendar months). date_format: "ymd", "dmy", "mdy",
      "unix_s", "unix_ms" or a strptime pattern. missing: cells that mean no reading, in any case.
    """

    instrument: str
    columns: tuple[tuple[str, str, str | None], ...]
    zone: str = "Asia/Ho_Chi_Minh"
    time_column: str | None = None
    stamp: Stamp = "start"
    interval: str | None = None
    date_format: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    missing: tuple[str, ...] = MISSING
    sentinels: tuple[float, ...] = SENTINELS


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One row that was not used, or not as it stands: its line in the file and why."""

    line: int
    reason: str


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
class FileReading:
    """What a file gave: samples of one instrument in file order, and every row that gave none.

    refused: rows that can't be used. left_out: rows that say nothing (no value, or said before).
    doubted: rows whose sample carries a flag instead of a value. guesses: what was found, in words.
    """

    path: Path
    layout: Layout
    samples: tuple[Sample, ...]
    refused: tuple[RefusedRow, ...]
    guesses: tuple[str, ...]
    interval: str
    counts: FileCounts
    left_out: tuple[RefusedRow, ...] = ()
    doubted: tuple[RefusedRow, ...] = ()
