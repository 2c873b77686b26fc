"""Where sniffed bytes come from: a port that is only listened to, or a recording in hexadecimal."""

from __future__ import annotations

import itertools
import re
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from dodac.clock import iso_utc, parse_time_ns
from dodac.errors import ConfigError, DataError, Where
from drivers.links import Link

_TIMED: Final = re.compile(r"\s*(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)\s+(.*)")
_SILENCE_S: Final = 0.05
_PIECE: Final = 4096
_LONGEST_LINE: Final = 1_000_000

Piece = tuple[bytes, int]
"""Bytes and when they came (UTC ns); no bytes: the line was silent."""


def of_link(link: Link, seconds: float | None) -> Iterator[Piece]:
    """What comes on an open link, for so long; nothing is ever sent. Raises LinkDown."""
    end = None if seconds is None else time.monotonic() + seconds
    silent = True
    while end is None or time.monotonic() < end:
        data = link.read(_SILENCE_S if not silent else 0.2)
        if data:
            silent = False
            yield data, time.time_ns()
        elif not silent:
            silent = True
            yield b"", time.time_ns()


def of_file(path: Path | None) -> Iterator[Piece]:
    """A recording: lines of hexadecimal bytes, each with a time before them or none; # begins a comment.

    None reads stdin. What is no hexadecimal text is taken as the bytes themselves. Raises ConfigError for
    a file that can't be read, DataError (file, line) for a line that is neither.
    """
    name = "stdin" if path is None else str(path)
    try:
        if path is None:
            yield from _pieces(sys.stdin.buffer, name)
        else:
            with path.open("rb") as source:
                yield from _pieces(source, name)
    except OSError as error:
        raise ConfigError(f"the recording can't be read: {error.strerror}.", Where(file=name)) from None


def _pieces(source: Any, name: str) -> Iterator[Piece]:
    """What comes, as it comes: a recording may be longer than the memory, and stdin may never end."""
    head = b""
    while _may_be_text(head) and len(head) < _PIECE and (more := source.read1(_PIECE)):
        head += more
    head = head.removeprefix(b"\xef\xbb\xbf")
    chunks = itertools.chain([head], iter(lambda: source.read1(_PIECE), b""))
    if not _is_hex(head):
        yield from ((chunk, 0) for chunk in chunks if chunk)
        return
    for number, line in enumerate(_lines(chunks), start=1):
        try:
            text = line.partition(b"#")[0].decode("ascii")
            match = _TIMED.fullmatch(text)
            time_ns = parse_time_ns(match.group(1), "UTC") if match else 0
            piece = bytes.fromhex((match.group(2) if match else text).replace(":", " ").replace(",", " "))
        except ValueError:
            where = Where(file=name, line=number)
            raise DataError(
                "this is neither a time nor hexadecimal bytes.", where, "Write e.g. 01 04 00 00."
            ) from None
        if piece:
            yield piece, time_ns


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > _LONGEST_LINE:
            yield rest  # no recording has such a line: it is told as what it is
            rest = b""
    yield rest


def recorded(piece: bytes, time_ns: int) -> str:
    """One line of a recording."""
    return f"{iso_utc(time_ns)} {piece.hex(' ')}\n"


def _may_be_text(head: bytes) -> bool:
    """True while the first line of what is no comment may still be going on."""
    lines = head.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    said = [line for line in lines if line.partition(b"#")[0].strip()]
    return not said or (said[0] is lines[-1] and said[0].isascii())


def _is_hex(data: bytes) -> bool:
    """True when the first line that says anything is one of hexadecimal bytes; comments are in any language."""
    for line in data.splitlines():
        text = line.partition(b"#")[0].decode("latin-1").strip()
        if text:
            match = _TIMED.fullmatch(text)
            rest = match.group(2) if match else text
            return re.fullmatch(r"(?:[0-9A-Fa-f]{2}[\s,:]*)+", rest) is not None
    return True
