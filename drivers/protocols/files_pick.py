"""Which delimiter a file has: the one with which a header names most of what is wanted."""

from __future__ import annotations

from collections.abc import Sequence

from dodac.errors import DataError, Where
from drivers.protocols.files_grid import Grid
from drivers.protocols.files_head import (
    Header,
    find_header,
    guess_header,
    head_rows,
    no_header,
    trimmed,
)
from drivers.protocols.files_names import find_place


def first_header(grids: Sequence[Grid], wanted: Sequence[str]) -> tuple[Grid, Header]:
    """The grid (of one delimiter) in which the header names most of what is wanted."""
    found: list[tuple[int, int, Grid, Header]] = []
    heads = []
    for place, grid in enumerate(grids):
        rows = head_rows(grid)
        heads.append((grid, rows))
        header = find_header(rows, wanted)
        if header is not None:
            hits = sum(find_place(header.names, name) is not None for name in wanted)
            found.append((hits, -place, grid, header))
    if not any(rows for _, rows in heads):
        raise DataError("the file is empty.", Where(file=str(grids[0].path)))
    if found:
        _, _, grid, header = max(found, key=lambda item: item[:2])
        return grid, header
    grid, rows = max(heads, key=lambda item: _score(item[1]))
    raise no_header(rows, wanted, grid)


def _score(rows: Sequence[tuple[int, list[str] | None]]) -> tuple[int, int]:
    guess = guess_header(rows)
    widest = max((len(trimmed(cells or ())) for _, cells in rows), default=0)
    return (len(guess.names) if guess else 0, widest)


def header_of(grids: Sequence[Grid]) -> tuple[Grid, Header]:
    """The grid and the header that a file most likely has.

    Raises DataError when none of its rows is one.
    """
    found = [(grid, guess_header(head_rows(grid))) for grid in grids]
    best = max(found, key=lambda item: len(item[1].names) if item[1] else 0)
    if best[1] is None or len(best[1].names) < 2:
        raise DataError(
            "no header line with several columns was found.",
            Where(file=str(grids[0].path)),
            "Name columns by number: --column 2=CHANNEL.",
        )
    return best[0], best[1]
