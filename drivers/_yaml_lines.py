"""Reads YAML into plain values and keeps the line on which each key and item stands."""

from __future__ import annotations

from typing import Any

import yaml

Path = tuple[str | int, ...]

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DuplicateKeyError(ValueError):
    """A key stands twice in one mapping; `line` counts from 1."""

    def __init__(self, key: str, line: int) -> None:
        super().__init__(f'the key "{key}" is given twice.')
        self.line = line


def load(text: str) -> tuple[Any, dict[Path, int]]:
    """The values of a YAML text and the line (from 1) of every key and list item.

    Raises yaml.YAMLError for broken YAML and DuplicateKeyError for a key given twice.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, {}
        lines: dict[Path, int] = {}
        _walk(node, (), lines)
        return loader.construct_document(node), lines
    finally:
        loader.dispose()


def _walk(node: yaml.Node, path: Path, lines: dict[Path, int]) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
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
