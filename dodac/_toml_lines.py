"""Line numbers of keys in a TOML text: tomllib reads values but does not say where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable

Path = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(
    r"""^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*="""
)
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)""")


def _parts(text: str) -> tuple[str, ...]:
    return tuple(a or b or c for a, b, c in _PART.findall(text))


def key_lines(text: str) -> dict[Path, int]:
    """The line (from 1) on which each table and key begins; array tables count from 0."""
    lines: dict[Path, int] = {}
    counts: dict[tuple[str, ...], int] = {}
    here: Path = ()
    quotes: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if quotes is not None:  # inside a multi-line string
            if quotes in line:
                quotes = None
            continue
        header = _HEADER.match(line)
        if header:
            names = _parts(header.group(2))
            if header.group(1) == "[[":
                counts[names] = counts.get(names, -1) + 1
                here = (*names, counts[names])
            elif names[:1] and (names[0],) in counts and len(names) > 1:
                here = (names[0], counts[(names[0],)], *names[1:])
            else:
                here = names
            lines.setdefault(here, number)
            continue
        key = _KEY.match(line)
        if key:
            path: Path = (*here, *_parts(key.group(1)))
            lines.setdefault(path, number)
            rest = line[key.end() :]
            # inline tables on this line: their keys stand on it too
            for inner in re.finditer(r"[{,]\s*([A-Za-z0-9_-]+)\s*=", rest):
                lines.setdefault((*path, inner.group(1)), number)
            for mark in ('"""', "'''"):
                if rest.count(mark) % 2 == 1:
                    quotes = mark
    return lines


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
