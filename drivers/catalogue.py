"""Finds and loads profiles; every fault comes with file, line and the nearest name."""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ValidationError

from dodac.errors import ConfigError, Where
from dodac.quantities import nearest
from drivers._profile_checks import problems
from drivers._yaml_lines import DuplicateKeyError, line_of, load
from drivers.profile import PROTOCOLS, Profile

FOLDER: Final = Path(__file__).parent / "profiles"
_AN_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")


def profile_files(own: Path | None = None) -> dict[str, Path]:
    """Profile id → file: those of dodac, then those of the user's own folder, which win.

    Raises ConfigError when two of the user's own have one id.
    """
    files = {path.stem: path for path in sorted(FOLDER.glob("*/*.yaml"))}
    if own is not None and own.is_dir():
        mine: dict[str, list[Path]] = {}
        for path in _own(own, "*.yaml"):
            mine.setdefault(path.stem, []).append(path)
        files.update({name: _only(paths) for name, paths in mine.items()})
    return files


def _own(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.rglob(pattern) if not path.is_dir())


def _only(paths: list[Path]) -> Path:
    if len(paths) > 1:
        words = f"another profile has the id {paths[0].stem}, too: {paths[1]}."
        raise ConfigError(words, Where(file=str(paths[0])), "Keep one of the two, or give one another id.")
    return paths[0]


def load_profiles(own: Path | None = None) -> dict[str, Profile]:
    """All profiles by id; `own` is a folder of the user's own profiles.

    Raises ConfigError (file, line, nearest name) for the first that is not right.
    """
    return {name: _load(path) for name, path in profile_files(own).items()}


def load_profile(id: str, own: Path | None = None) -> Profile:
    """The profile of that id.

    Raises ConfigError with the nearest id when there is none, or with file and line when it is wrong.
    """
    path = _file_of(id, own)
    if path is None:
        files = profile_files(own)
        near = nearest(id, files)
        todo = f'Did you mean "{near}"?' if near else "See them all: dodac profiles"
        other = _own(own, "*.yml") if own is not None and own.is_dir() else []
        for path in (path for path in other if path.stem == id):
            todo = f"Rename {path}: a profile ends in .yaml."
        raise ConfigError(f'there is no profile "{id}".', None, todo)
    return _load(path)


def _file_of(id: str, own: Path | None) -> Path | None:
    """The file of one profile, found without listing the whole library."""
    if _AN_ID.fullmatch(id) is None:
        return None
    if own is not None and own.is_dir():
        mine = _own(own, f"{id}.yaml")
        if mine:
            return _only(mine)
    return next((path for kind in _kinds() if (path := kind / f"{id}.yaml").is_file()), None)


@cache
def _kinds() -> tuple[Path, ...]:
    return tuple(sorted(path for path in FOLDER.iterdir() if path.is_dir()))


def _load(path: Path) -> Profile:
    try:
        return _cached(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise ConfigError(f"the profile can't be read: {error.strerror}.", Where(file=str(path))) from None


@lru_cache(maxsize=512)
def _cached(path: Path, _changed: int) -> Profile:
    data = path.read_bytes()
    try:
        return parse_profile(data.decode("utf-8-sig"), path)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        words = "the profile can't be read: it is not UTF-8 text."
        raise ConfigError(words, Where(file=str(path), line=line), "Save it as UTF-8.") from None


def parse_profile(text: str, path: Path) -> Profile:
    """Checks the text of one profile.

    Raises ConfigError with file, line and nearest name for: broken YAML, an unknown key, unit or
    channel, a wrong type, a missing test, an id that is not the file's name.
    """
    try:
        data, lines = load(text)
    except DuplicateKeyError as error:
        raise ConfigError(str(error), Where(file=str(path), line=error.line)) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        words = getattr(error, "problem", None) or str(error)
        if isinstance(error, yaml.reader.ReaderError):  # a character that no text has
            line, words = text.count("\n", 0, error.position) + 1, error.reason
        raise ConfigError(f"this is not YAML: {words}.", Where(file=str(path), line=line)) from None
    if not isinstance(data, dict):
        raise ConfigError("a profile is a mapping of keys.", Where(file=str(path), line=1))
    if not data.get("tests"):
        raise ConfigError(
            "a profile needs at least one test.",
            Where(file=str(path), line=line_of(lines, ("tests",))),
            "Add tests: with real frames or messages and the values expected of them.",
        )
    model = PROTOCOLS.get(str(data.get("protocol")))
    if model is None:
        known = ", ".join(PROTOCOLS)
        near = nearest(str(data.get("protocol")), PROTOCOLS)
        raise ConfigError(
            f'a profile needs a known protocol, not "{data.get("protocol")}".',
            Where(file=str(path), line=line_of(lines, ("protocol",))),
            f'Did you mean "{near}"?' if near else f"Write one of: {known}.",
        )
    try:
        profile = model.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        raise _config_error(error, data, lines, path) from None
    if profile.id != path.stem:
        raise ConfigError(
            f'the id "{profile.id}" is not the file\'s name "{path.stem}".',
            Where(file=str(path), line=line_of(lines, ("id",))),
            f"Rename the file to {profile.id}.yaml.",
        )
    for where, words in problems(profile):
        raise ConfigError(words, Where(file=str(path), line=line_of(lines, where)))
    return profile


def _config_error(
    error: ValidationError, data: dict[str, Any], lines: dict[tuple[str | int, ...], int], path: Path
) -> ConfigError:
    # a mistyped key is missing under its right name too: the typing is what to tell
    found = error.errors()
    first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])
    loc = tuple(first["loc"])
    loc = tuple(word for word in loc if word != "[key]")
    dotted = ".".join(str(word) for word in loc)
    where = Where(file=str(path), line=line_of(lines, loc))
    match first["type"]:
        case "extra_forbidden":
            known = _known_keys(PROTOCOLS[str(data["protocol"])], loc[:-1])
            near = nearest(str(loc[-1]), known)
            todo = f'Did you mean "{near}"?' if near else f"Known here: {', '.join(known)}."
            return ConfigError(f'unknown key "{dotted}".', where, todo)
        case "missing":
            return ConfigError(f'the key "{dotted}" is missing.', where, "Add it.")
        case _:
            message = first["msg"].removeprefix("Value error, ")
            given = first.get("input")
            shown = "" if isinstance(given, dict | list) else f" (it is {_short(repr(given))})"
            near = nearest(str(given), _literal(first)) if isinstance(given, str) else None
            key = f'"{dotted}": ' if dotted else ""
            return ConfigError(f"{key}{message}{shown}", where, f'Did you mean "{near}"?' if near else "")


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:60]} … of {len(text)} characters"


def _literal(first: Any) -> list[str]:
    """The words allowed where a literal or enum was expected."""
    expected = str(first.get("ctx", {}).get("expected", ""))
    return [word.strip("' ") for word in expected.replace(" or ", ",").split(",") if word.strip()]


def _known_keys(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """The keys valid at a location, found by walking the models' annotations."""
    here: type[BaseModel] = model
    for word in loc:
        field = next((f for n, f in here.model_fields.items() if word in (n, f.alias)), None)
        if field is None:
            continue  # a dict's key or a list's place
        inner = _model_in(field.annotation)
        if inner is None:
            return []
        here = inner
    return [field.alias or name for name, field in here.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found is not None:
            return found
    return None
