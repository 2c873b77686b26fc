"""Whether a row without a check sum can be what was written: rows of version 1, beside those of samples."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from dodac.contracts import EventKind
from dodac.samples import Layout

_Rule = Callable[[Any], bool]

_BETWEEN: Final = b"\x1f"
_MOST: Final = 1 << 48  # more samples than any journal can number
_OUTCOMES: Final = frozenset({"committed", "duplicate", "conflict", "dead_letter"})
_STATES: Final = frozenset({"delivered", "rejected", "expired", "lost", "dropped"})
_EVENTS: Final = frozenset(kind.value for kind in EventKind)


def _whole(value: Any) -> bool:
    return isinstance(value, int)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _maybe_whole(value: Any) -> bool:
    return value is None or isinstance(value, int)


def _maybe_text(value: Any) -> bool:
    return value is None or _text(value)


def _blob(value: Any) -> bool:
    return isinstance(value, bytes)


def _one_of(known: frozenset[str]) -> _Rule:
    return lambda value: isinstance(value, str) and value in known


def _json(kind: type) -> _Rule:
    def fits(value: Any) -> bool:
        try:
            return isinstance(value, str) and isinstance(json.loads(value), kind)
        except ValueError:
            return False

    return fits


_RULES: Final[Mapping[str, tuple[_Rule, ...]]] = {
    "names": (_whole, _text),
    "layouts": (_whole, _whole, _whole, _json(list)),
    "layouts_spare": (_whole, _whole, _whole, _json(list), _text),
    "conflicts": (_whole, _whole, _whole, _blob, _whole),
    "events": (_whole, _maybe_whole, _one_of(_EVENTS), _text, _text, _maybe_text, _json(dict)),
    "dead_letters": (_whole, _text, _text, _blob, _text, _maybe_text),
    "tallies": (_text, _text, _one_of(_OUTCOMES), _whole),
    "facts": (_text, _text, _text),
    "marks": (_text, _one_of(_STATES), _whole, _whole, _text),
    "cursors": (_text, _whole),
}


def is_plausible(table: str, columns: Sequence[Any]) -> bool:
    """True when every column (in the order of SUMMED) is of its kind."""
    if table == "marks" and not (
        _whole(columns[2]) and _whole(columns[3]) and 0 < columns[2] <= columns[3] < _MOST
    ):
        return False
    rules = _RULES[table]
    return len(columns) == len(rules) and all(fits(value) for fits, value in zip(rules, columns, strict=True))


def layout_of(layout_id: Any, instrument: Any, channels: Any) -> Layout | None:
    """The layout of a row, when its content is what its id says; None for one that is damaged."""
    found = _made(instrument, channels)
    return found if found is not None and found.id == layout_id else None


def mended(layout_id: int, instrument: bytes, channels: bytes, names: Iterable[str]) -> Layout | None:
    """The layout that a damaged row was: by its id under another name, or with one byte of its text put right."""
    for name in names:
        found = layout_of(layout_id, name, channels)
        if found is not None:
            return found
    as_read = _made(instrument, channels)
    if as_read is not None and _one_byte_apart(as_read.id, layout_id):
        return as_read  # the id itself is what was hit
    text = instrument + _BETWEEN + channels
    for place in range(len(text)):
        for byte in range(256):
            read, _, tried = (text[:place] + bytes([byte]) + text[place + 1 :]).partition(_BETWEEN)
            found = layout_of(layout_id, read, tried)
            if found is not None:
                return found
    return None


def _made(instrument: Any, channels: Any) -> Layout | None:
    try:
        name = instrument.decode() if isinstance(instrument, bytes) else instrument
        found = Layout(name, tuple(json.loads(channels)))
        return found if isinstance(found.id, int) else None  # TypeError: not all of them are text
    except (ValueError, TypeError):
        return None


def _one_byte_apart(one: int, other: int) -> bool:
    apart = one ^ other
    return any(apart & ~(0xFF << shift) == 0 for shift in range(0, 64, 8))
