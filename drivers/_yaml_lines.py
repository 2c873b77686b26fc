"""Reads YAML into plain values and keeps the line on which each key and item stands."""

from __future__ import annotations

from typing import Any, Final

import yaml

Path = tuple[str | int, ...]

_MOST_LINES: Final = 50_000
_MOST_BRACKETS: Final = 5_000

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
        raise yaml.YAMLError("it holds too much for a profile")
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
