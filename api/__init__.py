"""api: the HTTP API, the technician's page and the live stream."""

from api.app import create_app
from api.server import Server

__all__ = ["Server", "create_app"]
