"""Files of the Kyoritsu power loggers KEW 6305, 6310 and 6315, as they lie on the SD card.

INPS*.KEW holds averages, least and highest values of each interval (only the average is a reading),
INIS*.KEW the settings. Layout as read from files by public tools; not tried on an instrument of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, Literal

from dodac.errors import ConfigError, DataError, Where
from drivers.protocols.files_facts import named_facts
from drivers.protocols.files_grid import CsvRows, Grid, Row
from drivers.protocols.files_text import open_text

_OTHERS: Final = {
    "INHS": "harmonics, in binary blocks",
    "EVTS": "events",
    "VALS": "values around events, in binary",
    "WAVS": "wave forms, in binary",
    "SUPS": "settings of the instrument",
    "INIS": "settings of the recording",
}
_HEADER_WITHIN: Final = 20


def is_kew(path: Path) -> bool:
    """True for a .KEW file and for a folder that holds some."""
    if path.is_dir():
        return any(True for _ in _files(path))
    return path.suffix.upper() == ".KEW"


def _files(folder: Path) -> Iterator[Path]:
    return (item for item in sorted(folder.iterdir()) if item.suffix.upper() == ".KEW" and item.is_file())


def kew_grid(path: Path) -> Grid:
    """The power intervals of a KEW folder or file, with the settings beside them as facts.

    Raises DataError for a file of another kind, ConfigError when a folder has several recordings.
    """
    folder = path if path.is_dir() else path.parent
    if path.is_dir():
        found = [item for item in _files(path) if item.name.upper().startswith("INPS")]
        if len(found) != 1:
            names = ", ".join(item.name for item in found) or "none"
            raise ConfigError(
                f"a folder of a KEW logger should hold one INPS file; here: {names}.",
                Where(file=str(path)),
                "Name the file itself.",
            )
        path = found[0]
    kind = path.name.upper()[:4]
    if kind in _OTHERS:
        raise DataError(
            f"this file holds {_OTHERS[kind]}; dodac reads the power intervals (INPS).",
            Where(file=str(path)),
            "Name the INPS file or its folder; THD stands in it too, where the logger was set to record it.",
        )
    text = open_text(path)
    head = list(islice(text.lines(), _HEADER_WITHIN))
    top = next((n for n, line in enumerate(head) if line.upper().startswith("DATE,TIME")), None)
    if top is None:
        raise DataError(
            "this is not the power file of a KEW logger (no line begins with DATE,TIME).",
            Where(file=str(path)),
        )
    columns = _names(head[top])
    rest = path.stem[4:]
    facts = {} if top == 0 else {"file: format": head[0].strip(" ,")[:100]}
    facts.update(_settings(folder, rest))
    first = next((line for line in islice(text.lines(), top + 1, top + 50) if line.strip()), "")
    stamp, evidence = _stamp(first.split(","), columns)
    notes = (
        *text.notes,
        "a Kyoritsu KEW power file: of average, least and highest value the average is read",
    )
    return Grid(
        path, lambda: _KewRows(CsvRows(text.lines(), ","), top + 1, columns), "", (*notes, evidence), facts,
        "Kyoritsu KEW", ("DATE", "TIME"), "ymd", stamp,
    )  # fmt: skip


class _KewRows:
    """Rows of an INPS file with a name for each of the three columns of a quantity."""

    def __init__(self, rows: CsvRows, header: int, names: list[str]) -> None:
        self._rows = rows
        self._header = header
        self._names = names
        self.width = 0

    def __iter__(self) -> Iterator[Row]:
        width = len(self._names)
        for line, cells in self._rows:
            if line < self._header:
                continue
            if line == self._header:
                yield line, list(self._names)
                continue
            if cells is not None and len(cells) > width and not "".join(cells[width:]).strip():
                del cells[width:]
            yield line, cells


def _names(header: str) -> list[str]:
    """ "AVG_V1[V],,,AVG_P[W],,," becomes AVG_V1[V], MIN_V1[V], MAX_V1[V], AVG_P[W] …"""
    cells = [cell.strip() for cell in header.split(",")]
    names: list[str] = []
    for cell in cells:
        if cell:
            names.append(cell)
        elif len(names) >= 1 and names[-1].startswith("AVG_"):
            names.append("MIN_" + names[-1][4:])
        elif len(names) >= 2 and names[-1].startswith("MIN_") and names[-2] == "AVG_" + names[-1][4:]:
            names.append("MAX_" + names[-1][4:])
        else:
            names.append("")
    while names and not names[-1]:  # the comma that closes the line
        names.pop()
    return names


def _stamp(cells: list[str], names: list[str]) -> tuple[Literal["start", "end"], str]:
    """Whether the times name starts or ends: the elapsed time of the first row tells."""
    place = names.index("ELAPSED TIME") if "ELAPSED TIME" in names else -1
    elapsed = cells[place].strip() if 0 <= place < len(cells) else ""
    if elapsed and not elapsed.strip("0:."):
        return "start", f"stamps name the start of their intervals: the first row's elapsed time is {elapsed}"
    if elapsed:
        return "end", f"stamps name the end of their intervals: the first row's elapsed time is {elapsed}"
    return "start", "stamps are taken as the start of their intervals: there is no elapsed time that tells"


def _settings(folder: Path, number: str) -> dict[str, str]:
    """Keys and values of the INIS and SUPS files of the same recording."""
    found: dict[str, str] = {}
    for item in _files(folder):
        kind = item.name.upper()[:4]
        if kind not in ("INIS", "SUPS") or (kind == "INIS" and item.stem[4:] != number):
            continue
        section = ""
        for line in islice(open_text(item).lines(), 2000):
            if kind == "INIS" and ",:," in line:
                key, _, value = line.partition(",:,")
            elif kind == "SUPS" and line.strip().startswith("["):
                section = line.strip().strip("[]") + "."
                continue
            elif kind == "SUPS" and "=" in line:
                key, _, value = line.partition("=")
                key = section + key.strip()
            else:
                continue
            value = value.strip().strip("',").strip()
            if key.strip() and value and len(found) < 200:
                found.setdefault(key.strip()[:60], value[:200])
    return named_facts(found)
