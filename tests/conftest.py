"""Fixtures of all tests: the real servers of tests/servers.py."""

import importlib.util
import sys
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Registers tests/servers.py by its path.

    tests/ itself must not be on sys.path: its folders carry the names of the rooms.
    """
    spec = importlib.util.spec_from_file_location("servers", Path(__file__).parent / "servers.py")
    assert spec is not None
    assert spec.loader is not None
    servers = importlib.util.module_from_spec(spec)
    sys.modules["servers"] = servers  # a test may say: from servers import Mosquitto
    spec.loader.exec_module(servers)
    config.pluginmanager.register(servers, "dodac-servers")
