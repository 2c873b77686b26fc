"""Reads YAML into plain values and keeps the line on which each key and item stands."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

Path = tuple[str | int, ...]

_MOST_LINES: Final = 50_000
_MOST_BRACKETS: Final = 5_000

_NUMBERS: Final = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_TRAP: Final = re.compile(r"[-+]?(0[0-9_]+|[0-9_]+(:[0-9_]+)+(\.[0-9_]*)?)")

_BaseLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BaseLoader):  # type: ignore[misc]
    """Tells the place of a value that only looks like a date or number, as 2026-13-45 does."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if isinstance(node, yaml.ScalarNode) and _TRAP.fullmatch(node.value) and node.tag in _NUMBERS:
            words = (
                f"{node.value} is octal or base 60 in YAML: write {_plain(node.value)}, or put it in quotes"
            )
            raise yaml.constructor.ConstructorError(None, None, words, node.start_mark)
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            words = f"{str(node.value)[:40]!r} can't be read as it looks ({error}); put text in quotes"
            raise yaml.constructor.ConstructorError(None, None, words, node.start_mark) from None


class DuplicateKeyError(ValueError):
    """A key stands twice in one mapping; `line` counts from 1."""

    def __init__(self, key: str, line: int) -> None:
        super().__init__(f'the key "{key}" is given twice.')
        self.line = line


def _plain(number: str) -> str:
    return "one number" if ":" in number else number.lstrip("+-0_") or "0"


def load(text: str) -> tuple[Any, dict[Path, int]]:
    """The values of a YAML text and the line (from 1) of every key and list item.

    Raises yaml.YAMLError for broken YAML and DuplicateKeyError for a key given twice.
    """
    if max(text.count("["), text.count("{")) > _MOST_BRACKETS:  # deep enough to end libyaml itself
        raise yaml.YAMLError("it is nested too deeply")
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, {}
        lines: dict[Path, int] = {}
        _walk(node, (), lines)
        return loader.construct_document(node), lines
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    finally:
        loader.dispose()


def _walk(node: yaml.Node, path: Path, lines: dict[Path, int]) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if len(lines) > _MOST_LINES:  # aliases of aliases grow without end
        words = "it holds too much for a profile"
        raise yaml.constructor.ConstructorError(None, None, words, node.start_mark)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here: Path = (*path, str(key.value))
            line = key.start_mark.line + 1
            if here in lines:
                raise DuplicateKeyError(str(key.value), line)
            lines[here] = line
            _walk(value, here, lines)
    elif isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            _walk(item, (*path, place), lines)


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of a path, or of its nearest ancestor that has one."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return lines.get((), 1)
