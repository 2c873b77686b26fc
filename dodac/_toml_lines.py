"""Line numbers of keys in a TOML text: tomllib reads values but does not say where they stand."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable

Path = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t]*")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}\r\n#]*")


def key_lines(text: str) -> dict[Path, int]:
    """The line (from 1) on which each table, key and array item begins; items count from 0.

    `text` is TOML that tomllib accepts; of anything else, the lines up to the first fault.
    """
    return _Scanner(text).run()


def line_of(lines: dict[Path, int], path: Iterable[str | int]) -> int | None:
    """The line of a path, or of its nearest ancestor that has one."""
    words = tuple(path)
    while words:
        if words in lines:
            return lines[words]
        below = [number for known, number in lines.items() if known[: len(words)] == words]
        if below:  # a table that is only named by what stands in it
            return min(below)
        words = words[:-1]
    return None


class _Scanner:
    """Walks a TOML text once; `_at` is the place reached."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted = (0, 1)  # a place and its line, so that lines are counted once
        self._lines: dict[Path, int] = {}
        self._last: dict[Path, int] = {}  # the last item of each array of tables

    def run(self) -> dict[Path, int]:
        here: Path = ()
        self._skip(_SPACE)
        while self._at < len(self._text):
            before = self._at
            if self._text[self._at] == "[":
                here = self._header()
            else:
                self._pair(here)
            self._skip(_SPACE)
            if self._at == before:
                break
        return self._lines

    def _line(self) -> int:
        place, line = self._counted
        line += self._text.count("\n", place, self._at)
        self._counted = (self._at, line)
        return line

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match.group()

    def _next_is(self, sign: str) -> bool:
        return self._text.startswith(sign, self._at)

    def _key(self) -> Path:
        words: list[str] = []
        while True:
            self._skip(_BLANK)
            quoted = self._skip(_STRING)
            words.append(_unquoted(quoted) if quoted else self._skip(_BARE))
            self._skip(_BLANK)
            if not self._next_is("."):
                return tuple(words)
            self._at += 1

    def _header(self) -> Path:
        line = self._line()
        many = self._next_is("[[")
        self._at += 2 if many else 1
        names = self._key()
        self._at += 2 if many else 1
        here: Path = ()
        for place, name in enumerate(names):
            here = (*here, name)
            if place == len(names) - 1 and many:
                self._last[here] = self._last.get(here, -1) + 1
            if here in self._last:
                here = (*here, self._last[here])
        self._lines.setdefault(here, line)
        return here

    def _pair(self, here: Path) -> None:
        line = self._line()
        path = (*here, *self._key())
        if not self._next_is("="):
            return
        self._at += 1
        self._lines.setdefault(path, line)
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._next_is("["):
            self._items("]", path)
        elif self._next_is("{"):
            self._items("}", path)
        elif not self._skip(_STRING):
            self._skip(_PLAIN)

    def _items(self, end: str, path: Path) -> None:
        """The items of an array, or the pairs of an inline table."""
        self._at += 1
        number = 0
        while True:
            self._skip(_SPACE)
            if self._at >= len(self._text) or self._next_is(end):
                break
            before = self._at
            if end == "}":
                self._pair(path)
            else:
                self._lines.setdefault((*path, number), self._line())
                self._value((*path, number))
                number += 1
            self._skip(_SPACE)
            if self._next_is(","):
                self._at += 1
            if self._at == before:
                return
        self._at += 1


def _unquoted(text: str) -> str:
    try:
        return str(tomllib.loads(f"x = {text}")["x"])
    except tomllib.TOMLDecodeError:
        return text[1:-1]
