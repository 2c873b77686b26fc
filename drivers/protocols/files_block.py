"""One table of a file: where its columns, their units, their states and its times stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Block:
    """One table of a file.

    line: of its header. places, statuses: where each column asked for, and each status column, stands;
    None where this block does not have it. times: its columns of times. units: from a row of their own.
    part: blocks with other columns are other parts of the same moments. beside: where the column of units
    of each column asked for stands ("CH1 Unit" right of "CH1 Value"); empty where none has one.
    """

    line: int
    names: tuple[str, ...]
    places: tuple[int | None, ...]
    statuses: tuple[int | None, ...]
    times: tuple[int, ...]
    part: int = 0
    units: Mapping[str, str] = field(default_factory=dict)
    beside: tuple[int | None, ...] = ()

    def stamp(self, cells: Sequence[str]) -> str:
        """The text of a row's time."""
        if len(self.times) == 1:
            return cells[self.times[0]].strip().lstrip("'")
        parts = [cells[place].strip().lstrip("'") for place in self.times]
        return " ".join(parts) if all(parts) else ""  # a date without its time of day is not midnight
