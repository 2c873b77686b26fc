"""Photos that belong to readings by hand: checked, bounded, named by their digest, never executed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from drivers._spool import sweep, write_durably
from drivers.protocols.manual_entry import Photo

MAX_PHOTO: Final = 8 * 1024 * 1024
SUFFIX: Final[dict[str, str]] = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


def kind_of(data: bytes) -> str:
    """The media type that the first bytes of a picture show; "" for what is no JPEG, PNG or WebP."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return ""


class Photos:
    """The folder of photos; a picture kept twice is one file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, data: bytes) -> Photo:
        """Keeps a picture (file mode 0640), on disk on return.

        Raises ValueError for what is too large or no picture ("size", "kind"), OSError.
        """
        if len(data) > MAX_PHOTO:
            raise ValueError("size")
        kind = kind_of(data)
        if not kind:
            raise ValueError("kind")
        photo = Photo(hashlib.sha256(data).hexdigest(), kind, len(data))
        path = self.path(photo)
        if not path.is_file() or path.stat().st_size != len(data):
            sweep(self.folder)
            write_durably(path, data)
        return photo

    def path(self, photo: Photo) -> Path:
        """Where a picture lies."""
        return self.folder / f"{photo.sha256}.{SUFFIX[photo.kind]}"

    def find(self, sha256: str) -> Photo | None:
        """A kept picture by its digest in hexadecimal."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            return None
        for kind in SUFFIX:
            path = self.path(Photo(sha256, kind, 0))
            if path.is_file():
                return Photo(sha256, kind, path.stat().st_size)
        return None
