"""Amounts of bytes as people write them."""

from __future__ import annotations

import re
from typing import Final

_SIZE: Final = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)\s*$")
_BYTES: Final = {
    "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
_LARGEST: Final = 2**60


def size_bytes(text: str) -> int:
    """Bytes of "500MB", "8GB" or "16GiB".

    Raises ValueError on anything else, below one byte, and beyond an exbibyte.
    """
    match = _SIZE.match(text)
    size = round(float(match.group(1)) * _BYTES[match.group(2)]) if match else 0
    if not 1 <= size <= _LARGEST:
        raise ValueError(f'"{text}" is not a size; write e.g. "500MB", "8GB" or "16GiB".')
    return size


def size_text(count: int) -> str:
    """Bytes for people, with three figures: 8.00 GB, 512 MB, 1.23 kB."""
    for unit in ("TB", "GB", "MB", "kB"):
        share = count / _BYTES[unit]
        if share >= 1:
            digits = 2 if share < 10 else 1 if share < 100 else 0
            return f"{share:.{digits}f} {unit}"
    return f"{count} B"
