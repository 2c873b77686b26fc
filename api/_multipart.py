"""multipart/form-data, as a browser without our script sends a form: bounded, and no more than needed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_NAME: Final = re.compile(rb'(?:^|[;\s])name="((?:[^"\\\r\n]|\\.)*)"', re.IGNORECASE)
_FILE: Final = re.compile(rb'(?:^|[;\s])filename="', re.IGNORECASE)
_BOUNDARY: Final = re.compile(r"""(?:^|;)\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))""", re.IGNORECASE)
MAX_PARTS: Final = 200


@dataclass(frozen=True, slots=True)
class FormData:
    """Text fields by name, each with all its values in order, and files by name (empty ones left out)."""

    fields: dict[str, list[str]]
    files: dict[str, bytes]


def parse_multipart(content_type: str, body: bytes) -> FormData:
    """The fields of a body.

    Raises ValueError when it is no multipart/form-data, or torn.
    """
    kind, _, rest = content_type.partition(";")
    found = _BOUNDARY.search(f";{rest}")
    if kind.strip().lower() != "multipart/form-data" or found is None:
        raise ValueError("no multipart/form-data")
    mark = b"\r\n--" + (found[1] or found[2]).encode("ascii", "replace")
    pieces = (b"\r\n" + body).split(mark)
    # before the first mark there is nothing, after the last one stands "--"
    if len(pieces) < 2 or not pieces[-1].startswith(b"--") or len(pieces) > MAX_PARTS:
        raise ValueError("torn")
    fields: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    for piece in pieces[1:-1]:
        head, blank, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = _name(head) if blank else None
        if name is None:
            raise ValueError("torn")
        if _FILE.search(head):
            if content:
                files[name] = content
        else:
            fields.setdefault(name, []).append(content.decode("utf-8", "replace"))
    return FormData(fields, files)


def _name(head: bytes) -> str | None:
    for line in head.split(b"\r\n"):
        key, _, value = line.partition(b":")
        if key.strip().lower() == b"content-disposition":
            match = _NAME.search(value)
            return None if match is None else match[1].decode("utf-8", "replace")
    return None
