"""api: the HTTP API, the technician's page and the live stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from api.app import create_app
    from api.server import Server

__all__ = ["Server", "create_app"]


def __getattr__(name: str) -> Any:
    # FastAPI and pandas are loaded when first used: `dodac serve --help` needs neither
    if name == "create_app":
        from api.app import create_app

        return create_app
    if name == "Server":
        from api.server import Server

        return Server
    raise AttributeError(name)
