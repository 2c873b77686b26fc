"""drivers: everything that knows the bytes of instruments; only reading, never writing."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drivers.bus import Bus, Reader
    from drivers.catalogue import load_profile, load_profiles
    from drivers.connection import Connection, ConnectionStatus, PolledConnection
    from drivers.connection_open import open_connections, read_once
    from drivers.profile import Profile
    from drivers.protocols.files import FileReading, FileSpec, read_interval_file

_HOMES = {
    "Bus": "drivers.bus",
    "Connection": "drivers.connection",
    "ConnectionStatus": "drivers.connection",
    "FileReading": "drivers.protocols.files",
    "FileSpec": "drivers.protocols.files",
    "PolledConnection": "drivers.connection",
    "Profile": "drivers.profile",
    "Reader": "drivers.bus",
    "load_profile": "drivers.catalogue",
    "load_profiles": "drivers.catalogue",
    "open_connections": "drivers.connection_open",
    "read_interval_file": "drivers.protocols.files",
    "read_once": "drivers.connection_open",
}

__all__ = [
    "Bus",
    "Connection",
    "ConnectionStatus",
    "FileReading",
    "FileSpec",
    "PolledConnection",
    "Profile",
    "Reader",
    "load_profile",
    "load_profiles",
    "open_connections",
    "read_interval_file",
    "read_once",
]


def __getattr__(name: str) -> Any:
    # loaded when first used: the command line stays quick, and a line reader needs no file formats
    if name not in _HOMES:
        raise AttributeError(f"module 'drivers' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
