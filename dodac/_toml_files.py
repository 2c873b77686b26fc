"""Reads a TOML file that a person wrote: every fault of the file itself in one sentence with its line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from dodac.errors import ConfigError, Where

# the largest site file we know of has 20 kB; what is larger is something else
_LARGEST: Final = 4_000_000


def read_toml_text(path: Path, word: str, todo: str = "") -> str:
    """The text of a TOML file, without the mark that Windows editors put in front.

    `word` is what the file is to the user ("site", "plan"), `todo` how to make one.
    Raises ConfigError when it is not there, can't be read, is too large, or is not UTF-8 (with the line).
    """
    where = Where(file=str(path))
    try:
        if path.is_dir():
            raise ConfigError(f"this is a folder, not a {word} file.", where, "Name the file in it.")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(f"there is no such {word} file.", where, todo) from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"the {word} file can't be read: {why}.", where) from None
    if len(data) > _LARGEST:
        raise ConfigError(f"this is no {word} file: it is larger than {_LARGEST // 1_000_000} MB.", where)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"the {word} file can't be read: it is not UTF-8 text.",
            Where(file=str(path), line=line),
            "Save it as UTF-8 in your editor.",
        ) from None


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """The values of a TOML text; ConfigError with the line when it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        words = str(error)
        match = re.search(r"at line (\d+), column", words)
        # "at end of document": the last line that holds something
        line = int(match.group(1)) if match else text.rstrip().count("\n") + 1
        if declared := re.match(r"Cannot declare \((.+?),?\) twice", words):
            raise _twice(
                text, re.findall(r"'([^']*)'", declared.group(1)), Where(file=str(path), line=line)
            ) from None
        raise ConfigError(f"this is not TOML: {words}.", Where(file=str(path), line=line)) from None
    except (RecursionError, ValueError) as error:
        words = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ConfigError(f"this is not TOML: {words}.", Where(file=str(path))) from None


def _twice(text: str, names: list[str], where: Where) -> ConfigError:
    """A table that stands in the file a second time, which pasting easily makes: where the first one is."""
    name = ".".join(names)
    header = re.compile(
        r"\s*\[" + r"\s*\.\s*".join(rf"[\"']?{re.escape(word)}[\"']?" for word in names) + r"\s*\]"
    )
    first = next((n for n, line in enumerate(text.splitlines(), start=1) if header.match(line)), where.line)
    before = f" (before: line {first})" if first != where.line else ""
    todo = "Keep one of them, or give this one another name (then in its instruments too)."
    return ConfigError(f"this is not TOML: [{name}] stands twice{before}.", where, todo)
