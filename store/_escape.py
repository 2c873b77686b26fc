"""How line protocol writes tags and texts."""

from __future__ import annotations

_TAG = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", "\n": "\\ ", "\r": "\\ ", "\\": "/"})
_TEXT = str.maketrans({'"': '\\"', "\\": "\\\\"})


def tag_text(**tags: str) -> str:
    """Tags in the order of their names, escaped, each with its comma; empty ones are left out.

    Line protocol has no way to write a backslash safely in a tag: it becomes "/".
    """
    return "".join(f",{key}={value.translate(_TAG)}" for key, value in sorted(tags.items()) if value)


def text_field(value: str) -> str:
    """A text as the value of a field, in quotes."""
    return f'"{value.translate(_TEXT)}"'
