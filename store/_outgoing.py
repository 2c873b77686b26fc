"""Stored rows as line protocol, without the samples between: a backlog of millions is sent like this."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from dodac.clock import SECOND_NS
from dodac.samples import Layout
from store._codec import Row, decode
from store.lines import SPAN_FIELD, Tags, flag_lines, head_of, line

# {"power_w":1.5,"o2_pct":3.0} becomes power_w=1.5,o2_pct=3.0
_TO_FIELDS: Final = bytes.maketrans(b":", b"=")
_OUT: Final = b'{}"'


class Outgoing:
    """Makes the lines of rows.

    layouts: those of the journal by its own numbers. tags: an instrument's, None when no measurement
    of it is known. One thread at a time may call it.
    """

    def __init__(
        self, layouts: Callable[[], Mapping[int, Layout]], tags: Callable[[str], Tags | None]
    ) -> None:
        self._layouts = layouts
        self._tags = tags
        self._plain: dict[tuple[int, bytes | None], _Plain] = {}

    def instrument(self, row: Row) -> str:
        """Whose row it is."""
        return self._layouts()[row[4]].instrument

    def sendable(self, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
        """Rows in the order of their times, which servers take best, and those whose measurement nobody knows."""
        layouts = self._layouts()
        numbers = {row[4] for row in rows}
        strange = {number for number in numbers if self._tags(layouts[number].instrument) is None}
        known = sorted(rows, key=_time_of)
        if not strange:
            return known, []
        return [row for row in known if row[4] not in strange], [row for row in rows if row[4] in strange]

    def text(self, rows: Sequence[Row]) -> str:
        """All lines of sendable rows, parted by line feeds; those of rows with flags or parts come last."""
        made: dict[tuple[int, bytes | None], _Plain] = {}
        fields: list[Any] = []
        told: list[tuple[str, Row]] = []
        odd: list[Row] = []
        for row in rows:
            key = row[4], row[7]
            plain = made.get(key) or made.setdefault(key, self._plain_of(key))
            if row[9] is None and not row[3] and len(row[8]) == plain.size > 0:
                fields.append(plain.fields(*plain.unpack(row[8])))
                told.append((plain.head, row))
            else:
                odd.append(row)
        encoded = _encode()(fields)
        if b"null" in encoded:  # nothing that is no finite number ever goes out
            odd, told, encoded = list(rows), [], b""
        texts = encoded.translate(_TO_FIELDS, _OUT).decode().split("\n")
        lines = [
            f"{head} {text} {row[2]}"
            if row[5] < SECOND_NS
            else f"{head} {text},{SPAN_FIELD}={row[5] / SECOND_NS!r} {row[2]}"
            for (head, row), text in zip(told, texts, strict=False)
        ]
        return "\n".join([*lines, *(text for row in odd for text in self.lines(row))])

    def lines(self, row: Row) -> tuple[str, ...]:
        """The lines of one sendable row: its good values, if any, and one for each flag."""
        layout = self._layouts()[row[4]]
        tags = self._tags(layout.instrument)
        if tags is None:
            return ()
        sample = decode(row, layout)
        text = line(sample, layout, tags)
        return ((text,) if text else ()) + tuple(flag_lines(sample, tags, row[0]))

    def _plain_of(self, key: tuple[int, bytes | None]) -> _Plain:
        number, present = key
        layout = self._layouts()[number]
        tags = self._tags(layout.instrument)
        known = self._plain.get(key)
        if known is None or known.tags is not tags:
            carried = -1 if present is None else int.from_bytes(present, "little")
            channels = [name for place, name in enumerate(layout.channels) if carried >> place & 1]
            known = self._plain[key] = _Plain(channels, tags)
        return known


class _Plain:
    """How rows of one layout that carry the same channels, all good, become lines."""

    __slots__ = ("fields", "head", "size", "tags", "unpack")

    def __init__(self, channels: Sequence[str], tags: Tags | None) -> None:
        from msgspec import defstruct

        self.tags = tags
        self.head = "" if tags is None else head_of(tags)
        self.fields: Any = defstruct("Fields", [(name, float) for name in channels], gc=False)
        body = struct.Struct(f"<{len(channels)}d")
        self.unpack, self.size = body.unpack, body.size


@cache
def _encode() -> Callable[[list[Any]], bytes]:
    """Floats as the shortest text that gives the same float64, like repr, in a tenth of its time."""
    from msgspec.json import Encoder

    return Encoder().encode_lines


def _time_of(row: Row) -> int:
    return row[2]
