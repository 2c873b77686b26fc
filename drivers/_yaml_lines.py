"""Reads YAML into plain values and keeps the line on which each key and item stands."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

Path = tuple[str | int, ...]

_MOST_LINES: Final = 50_000
_MOST_BRACKETS: Final = 5_000

_NUMBERS: Final = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_NOT_AS_IT_LOOKS: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_TRAP: Final = re.compile(r"[-+]?(0[0-9_]+|[0-9_]+(:[0-9_]+)+(\.[0-9_]*)?)")

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
        try:
            return loader.construct_document(node), lines
        except _NOT_AS_IT_LOOKS as error:
            raise _located(loader, node) or yaml.YAMLError(str(error)) from None
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
    elif node.tag in _NUMBERS and _TRAP.fullmatch(node.value):
        words = f"{node.value} is octal or base 60 in YAML: write {_plain(node.value)}, or put it in quotes"
        raise yaml.constructor.ConstructorError(None, None, words, node.start_mark)


def _located(loader: Any, node: yaml.Node) -> yaml.YAMLError | None:
    """The value that only looks like a date or number (2026-13-45), with its place."""
    if not isinstance(node, yaml.ScalarNode):
        children = [child for pair in node.value for child in (pair if isinstance(pair, tuple) else (pair,))]
        return next((found for child in children if (found := _located(loader, child))), None)
    try:
        loader.recursive_objects.clear()  # where it stopped the first time
        loader.construct_object(node)
    except _NOT_AS_IT_LOOKS as error:
        words = f"{node.value[:40]!r} can't be read as it looks ({error}); put text in quotes"
        return yaml.constructor.ConstructorError(None, None, words, node.start_mark)
    return None


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of a path, or of its nearest ancestor that has one."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return lines.get((), 1)
