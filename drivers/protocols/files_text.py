"""The bytes of text files: packing, encoding and line ends; read line by line, as often as needed."""

from __future__ import annotations

import codecs
import gzip
import io
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Final, cast

from dodac.errors import ConfigError, DataError, Where

OFFICE: Final = b"PK\x03\x04"
_CHUNK: Final = 1 << 20
_PIECE: Final = 1 << 16  # signs; lines one by one would take twice as long
_LONGEST_LINE: Final = 1 << 20  # signs
_MOST_BYTES: Final = 2 << 30  # unpacked; a packed file can be anything
_NAMES: Final = {"cp1258": "Windows-1258", "cp1252": "Windows-1252", "latin-1": "Latin-1"}
# bytes that Windows-1258 has where Windows-1252 has other letters: marks after a vowel, and đ ơ ư
_MARKS: Final = frozenset(b"\xcc\xd2\xde\xec\xf2")
_VOWELS: Final = frozenset(b"aeiouyAEIOUY\xc2\xc3\xca\xd4\xd5\xdd\xe2\xe3\xea\xf4\xf5\xfd")


@dataclass(frozen=True, slots=True)
class Text:
    """A text file whose encoding is known; notes: what was guessed of it, in words."""

    path: Path
    encoding: str
    notes: tuple[str, ...]
    packed: bool = False

    def lines(self) -> Iterator[str]:
        """The lines as an editor counts them, without their ends.

        Raises DataError for one longer than a megabyte, or when the file can't be read any more.
        """
        where = Where(file=str(self.path))
        try:
            with _opened(self.path, packed=self.packed) as raw:
                text = io.TextIOWrapper(raw, encoding=self.encoding, errors="replace", newline=None)
                number, tail = 0, ""
                while chunk := text.read(_PIECE):
                    lines = (tail + chunk).split("\n")
                    tail = lines.pop()
                    number += len(lines)
                    if len(tail) >= _LONGEST_LINE:
                        raise DataError(
                            "this line is longer than a megabyte.",
                            Where(file=str(self.path), line=number + 1),
                        )
                    if self.encoding == "cp1258":
                        lines = [unicodedata.normalize("NFC", line) for line in lines]
                    yield from lines
                if tail:
                    yield unicodedata.normalize("NFC", tail) if self.encoding == "cp1258" else tail
        except (OSError, EOFError, zlib.error) as error:
            raise _unreadable(error, where) from None


def open_text(path: Path, encoding: str | None = None) -> Text:
    """Finds how a text file is packed and encoded.

    Raises ConfigError when it is not there or `encoding` is unknown, DataError when it can't be read or
    is no text.
    """
    where = Where(file=str(path))
    try:
        with path.open("rb") as file:
            head = file.read(4)
        packed = head[:2] == b"\x1f\x8b"
        with _opened(path, packed=packed) as raw:
            head = raw.read(4096)
            if head[:4] == OFFICE:
                raise DataError("this is a ZIP archive, not text.", where, "Unpack it first.")
            found = _told(encoding, where) or _by_mark(head)
            scan = _Scan()
            if not found.startswith("utf-16"):
                chunk = head
                while chunk:
                    scan.take(chunk, where)
                    chunk = raw.read(_CHUNK)
                scan.end()
            else:
                scan.open_end = False
    except FileNotFoundError:
        raise ConfigError("there is no such file.", where) from None
    except IsADirectoryError:
        raise ConfigError("this is a folder.", where, "Name a file in it.") from None
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise _unreadable(error, where) from None
    notes: list[str] = []
    if scan.bad_line is not None and not encoding:
        found = "cp1258" if scan.vietnamese > scan.other else "cp1252"
        if found == "cp1252" and scan.undefined:
            found = "latin-1"
        notes.append(f"encoding: line {scan.bad_line} is not UTF-8, all read as {_NAMES[found]}")
    elif found.startswith("utf-16") and head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        notes.append("encoding: UTF-16 without its mark")
    if scan.open_end and scan.lines:
        last = scan.lines + 1
        notes.append(f"line {last} has no line end: if the file was cut there, its last value is too")
    return Text(path, found, tuple(notes), packed)


def _opened(path: Path, *, packed: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def _unreadable(error: Exception, where: Where) -> DataError:
    why = getattr(error, "strerror", None) or str(error).rstrip(".")
    return DataError(f"the file can't be read: {why}.", where)


def _told(encoding: str | None, where: Where) -> str | None:
    if encoding is None:
        return None
    try:
        found = codecs.lookup(encoding).name
        "".encode(found)
    except (LookupError, ValueError):
        raise ConfigError(
            f'"{encoding}" is not an encoding.', where, "Write e.g. utf-8, utf-16, cp1258 or cp1252."
        ) from None
    return "utf-8-sig" if found == "utf-8" else found


def _by_mark(head: bytes) -> str:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    # without a mark, every other byte of plain text is zero
    pairs = len(head) // 2
    for name, zeros, letters in (("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2])):
        if pairs >= 8 and zeros.count(0) > pairs * 0.8 and letters.count(0) == 0:
            return name
    return "utf-8-sig"


class _Scan:
    """One look at all bytes: are they UTF-8, and if not, which of two old code pages are they?"""

    def __init__(self) -> None:
        self.lines = self.size = 0
        self.bad_line: int | None = None
        self.vietnamese = self.other = 0
        self.undefined = False
        self.open_end = False
        self._decode: Callable[..., str] = codecs.getincrementaldecoder("utf-8")().decode

    def take(self, chunk: bytes, where: Where) -> None:
        self.size += len(chunk)
        if self.size > _MOST_BYTES:
            raise DataError("the file is larger than 2 GB.", where, "Split it.")
        place = chunk.find(b"\x00")
        if place >= 0:
            line = self.lines + chunk.count(b"\n", 0, place) + 1
            raise DataError(
                "this is not a text file (it holds zero bytes).",
                Where(file=where.file, line=line),
                "Export it as CSV first; in a torn log, remove these bytes.",
            )
        if self.bad_line is None:
            try:
                self._decode(chunk)
            except UnicodeDecodeError as error:
                self.bad_line = self.lines + chunk.count(b"\n", 0, error.start) + 1
        if not chunk.isascii():
            self._old_pages(chunk)
        self.lines += chunk.count(b"\n") or chunk.count(b"\r")
        self.open_end = chunk[-1:] not in (b"\n", b"\r")

    def end(self) -> None:
        if self.bad_line is None:
            try:
                self._decode(b"", True)
            except UnicodeDecodeError:
                self.bad_line = self.lines + 1

    def _old_pages(self, chunk: bytes) -> None:
        for before, sign in pairwise(chunk):
            if sign < 0x80:
                continue
            if sign in _MARKS:
                self.vietnamese += before in _VOWELS
                self.other += before not in _VOWELS
            elif sign in b"\xf0\xd0\xfd\xdd":
                self.vietnamese += 1
            elif sign in b"\x81\x8d\x8f\x90\x9d":
                self.undefined = True
