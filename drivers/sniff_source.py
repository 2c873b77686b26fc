"""Where sniffed bytes come from: a port that is only listened to, or a recording in hexadecimal."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dodac.clock import iso_utc, parse_time_ns
from dodac.errors import ConfigError, DataError, Where
from drivers.links import Link

_TIMED: Final = re.compile(r"\s*(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)\s+(.*)")
_SILENCE_S: Final = 0.05
_PIECE: Final = 4096

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
        data = sys.stdin.buffer.read() if path is None else path.read_bytes()
    except OSError as error:
        raise ConfigError(f"the recording can't be read: {error.strerror}.", Where(file=name)) from None
    lines = data.splitlines()
    if not _is_hex(data):
        for start in range(0, len(data), _PIECE):
            yield data[start : start + _PIECE], 0
        return
    for number, line in enumerate(lines, start=1):
        text = line.decode("ascii").partition("#")[0]
        match = _TIMED.fullmatch(text)
        try:
            time_ns = parse_time_ns(match.group(1), "UTC") if match else 0
            piece = bytes.fromhex((match.group(2) if match else text).replace(":", " ").replace(",", " "))
        except ValueError:
            where = Where(file=name, line=number)
            raise DataError(
                "this is neither a time nor hexadecimal bytes.", where, "Write e.g. 01 04 00 00."
            ) from None
        if piece:
            yield piece, time_ns


def recorded(piece: bytes, time_ns: int) -> str:
    """One line of a recording."""
    return f"{iso_utc(time_ns)} {piece.hex(' ')}\n"


def _is_hex(data: bytes) -> bool:
    """True when the first line that says anything is one of hexadecimal bytes."""
    for line in data.splitlines()[:50]:
        text = line.decode("latin-1").partition("#")[0].strip()
        if text:
            match = _TIMED.fullmatch(text)
            rest = match.group(2) if match else text
            return data.isascii() and re.fullmatch(r"(?:[0-9A-Fa-f]{2}[\s,:]*)+", rest) is not None
    return data.isascii()
