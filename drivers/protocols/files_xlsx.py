"""Workbooks (XLSX) as rows: one sheet, values as they were stored, merged headings repeated, dates as dates."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError

from dodac.errors import ConfigError, DataError, Where
from drivers.protocols.files_grid import Exact, Grid, Row
from drivers.protocols.files_words import is_date_word
from drivers.protocols.files_xlsx_cells import cell_text, shows_shares, values_of, with_shares

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

_MOST_UNPACKED: Final = 150_000_000
_MOST_TEXTS: Final = 40_000_000  # the table of shared texts is held whole
_MOST_OTHER: Final = 10_000_000  # styles and the like are held as trees
_LONGEST_ROW: Final = 2  # megabytes of XML
_MERGE: Final = re.compile(rb'<mergeCell\b[^>]*\bref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_FORMULA: Final = re.compile(rb"<f[ >/]")
_HIDDEN: Final = re.compile(rb'<(row|col)\b[^>]*\bhidden="(1|true)"')
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Looks:
    """What the sheet's XML tells that a streamed sheet does not."""

    formulas: bool = False
    hidden: bool = False
    merged: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)  # cell → its top left one


def xlsx_grid(path: Path, sheet: str | None) -> Grid:
    """One sheet of a workbook as rows.

    Raises ConfigError without openpyxl, for a sheet that is not there and when several could be meant;
    DataError for what is no workbook or is too large.
    """
    where = Where(file=str(path))
    _check_size(path, where)
    _check_rows(path, where)
    with _open(path, where) as file:
        book = _book(file, where, values=False)  # a formula without its value is a cell too
        shown = {
            name: book[name].sheet_state == "visible" for name in book.sheetnames if _is_table(book, name)
        }
        filled = [name for name in shown if shown[name] and _has_rows(book, name, where)]
        name = _chosen(sheet, list(shown), filled, where)
        book.close()
    hidden = [other for other in shown if not shown[other]]
    notes = [f'sheet "{name}"' + (f" of {', '.join(shown)}" if len(shown) > 1 else "")]
    if hidden:
        notes.append(f"hidden sheets, not read: {', '.join(hidden)}")
    looks = _looks(path, name, where)
    if looks.hidden:
        notes.append("rows or columns that are hidden in the sheet are read too")
    return Grid(path, lambda: _SheetRows(path, name, looks), "", tuple(notes), {}, "", ())


def _check_size(path: Path, where: Where) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {item.filename: item.file_size for item in archive.infolist()}
    except zipfile.BadZipFile:
        with path.open("rb") as file:
            old = file.read(4) == b"\xd0\xcf\x11\xe0"
        if old:
            raise DataError(
                "this is a workbook of the old kind (XLS) or one with a password.",
                where,
                "Save it as XLSX or CSV.",
            ) from None
        raise DataError("this workbook is damaged.", where, "Save it again, or as CSV.") from None
    except OSError as error:
        raise DataError(f"the file can't be read: {error.strerror}.", where) from None
    if "xl/workbook.xml" not in sizes:
        raise DataError("this is a ZIP archive and not a workbook.", where, "Unpack it first.")
    texts = sum(size for name, size in sizes.items() if name.endswith("sharedStrings.xml"))
    other = max(
        (size for name, size in sizes.items() if name.endswith(".xml") and not _is_large(name)), default=0
    )
    if sum(sizes.values()) > _MOST_UNPACKED or texts > _MOST_TEXTS or other > _MOST_OTHER:
        raise DataError(
            f"unpacked, this workbook takes {sum(sizes.values()) / 1e6:,.0f} MB.",
            where,
            "Save the sheet as CSV.",
        )


def _is_large(name: str) -> bool:
    return name.endswith("sharedStrings.xml") or "/worksheets/" in name


def _check_rows(path: Path, where: Where) -> None:
    """Refuses sheets made to fill the memory: a row, or one text, of megabytes."""
    try:
        with zipfile.ZipFile(path) as archive:
            for name in filter(_is_large, archive.namelist()):
                mark = b"row" if "/worksheets/" in name else b"<"
                without = 0
                with archive.open(name) as part:
                    while chunk := part.read(_CHUNK):
                        without = 0 if mark in chunk else without + 1
                        if without > _LONGEST_ROW:
                            raise DataError(
                                "a row of this workbook is megabytes long.", where, "Save it as CSV."
                            )
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(
            f"this workbook is damaged: {_why(error)}.", where, "Save it again, or as CSV."
        ) from None


def _open(path: Path, where: Where) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(f"the file can't be read: {error.strerror}.", where) from None


def _book(file: IO[bytes], where: Where, *, values: bool = True) -> Workbook:
    try:
        import openpyxl
    except ImportError:
        raise ConfigError(
            "workbooks need one more package.", where, "pip install 'dodac[xlsx]', or save the sheet as CSV."
        ) from None
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that do not matter here
            return openpyxl.load_workbook(file, read_only=True, data_only=values, keep_links=False)
    except Exception as error:  # noqa: BLE001  (openpyxl lets many kinds through for a damaged workbook)
        raise DataError(
            f"this workbook can't be read: {_why(error)}.", where, "Save it again, or as CSV."
        ) from None


def _why(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120].rstrip(".")


def _is_table(book: Workbook, name: str) -> bool:
    return hasattr(book[name], "iter_rows")


def _has_rows(book: Workbook, name: str, where: Where) -> bool:
    try:
        rows = 0
        for row in values_of(book, name):
            rows += sum(value is not None for value in row) > 1
            if rows > 1:
                return True
    except (ParseError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f'sheet "{name}" can\'t be read: {_why(error)}.', where) from None
    return False


def _chosen(sheet: str | None, names: list[str], filled: list[str], where: Where) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    if sheet is not None:
        if sheet in names:
            return sheet
        if sheet.isdecimal() and 1 <= int(sheet) <= len(names):
            return names[int(sheet) - 1]
        raise ConfigError(f'there is no sheet "{sheet}".', where, f"Sheets: {listed}.")
    if len(filled) == 1:
        return filled[0]
    if not filled:
        raise DataError("no visible sheet holds a table.", where, f"Sheets: {listed}; name one with --sheet.")
    several = ", ".join(f'"{name}"' for name in filled)
    raise ConfigError(f"several sheets hold tables: {several}.", where, f'Say which: --sheet "{filled[0]}".')


def _looks(path: Path, name: str, where: Where) -> _Looks:
    with _open(path, where) as file:
        book = _book(file, where)
        sheet: Any = book[name]
        inner = str(sheet._worksheet_path).lstrip("/")  # noqa: SLF001  (only openpyxl knows which part it is)
        book.close()
    formulas = hidden = False
    merged: dict[tuple[int, int], tuple[int, int]] = {}
    try:
        with zipfile.ZipFile(path) as archive, archive.open(inner) as part:
            tail = b""
            while chunk := part.read(_CHUNK):
                text = tail + chunk
                formulas = formulas or bool(_FORMULA.search(text))
                hidden = hidden or bool(_HIDDEN.search(text))
                for match in _MERGE.finditer(text):
                    _merge(match, merged)
                tail = text[-200:]
    except (KeyError, OSError, zipfile.BadZipFile, zlib.error, EOFError):
        return _Looks()
    return _Looks(formulas, hidden, merged)


def _merge(match: re.Match[bytes], merged: dict[tuple[int, int], tuple[int, int]]) -> None:
    left, top, right, bottom = (
        _column(match[1]), int(match[2]), _column(match[3]), int(match[4]),
    )  # fmt: skip
    if (right - left + 1) * (bottom - top + 1) > 2000 or len(merged) > 100_000:
        return
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            merged[row, column] = (top, left)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


class _SheetRows:
    """The rows of a sheet; a line is the number of its row."""

    def __init__(self, path: Path, name: str, looks: _Looks) -> None:
        self.width = 0
        self._path, self._name, self._looks = path, name, looks

    def __iter__(self) -> Iterator[Row]:
        where = Where(file=str(self._path))
        try:
            with _open(self._path, where) as file:
                book = _book(file, where)
                formulas: Iterator[tuple[Any, ...]] | None = None
                if self._looks.formulas:
                    formulas = values_of(_book(file, where, values=False), self._name)
                yield from self._rows(book, formulas)
                book.close()
        except (
            ParseError,
            ValueError,
            KeyError,
            TypeError,
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
        ) as error:
            raise DataError(f'sheet "{self._name}" can\'t be read: {_why(error)}.', where) from None

    def _rows(self, book: Workbook, formulas: Iterator[tuple[Any, ...]] | None) -> Iterator[Row]:
        dates: set[int] = set()
        tops: dict[tuple[int, int], str] = {}
        found = with_shares(book, self._name) if shows_shares(book) else values_of(book, self._name)
        for line, values in enumerate(found, start=1):
            written = next(formulas, ()) if formulas is not None else ()
            cells = [cell_text(value, place in dates, book.epoch) for place, value in enumerate(values)]
            for place, cell in enumerate(cells):
                if (
                    not cell
                    and place < len(written)
                    and isinstance(written[place], str)
                    and written[place][:1] == "="
                ):
                    cells[place] = "(formula without a stored value)"
            if self._looks.merged:
                self._fill(line, cells, tops)
            for place, cell in enumerate(cells):
                if cell and not isinstance(cell, Exact) and not cell[:1].isdigit() and is_date_word(cell):
                    dates.add(place)
            if any(cells):
                yield line, cells

    def _fill(self, line: int, cells: list[str], tops: dict[tuple[int, int], str]) -> None:
        """Repeats the text of merged cells; never a number, which would count twice."""
        for place in range(len(cells)):
            top = self._looks.merged.get((line, place))
            if top is None:
                continue
            if top == (line, place):
                if not isinstance(cells[place], Exact):
                    tops[top] = cells[place]
            elif not cells[place]:
                cells[place] = tops.get(top, "")
