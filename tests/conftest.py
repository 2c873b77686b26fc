"""Fixtures of all tests: real servers (servers.py, line_servers.py) and the rows of fault_rows.py."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _by_path(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # a test may say: from servers import Mosquitto
    spec.loader.exec_module(module)
    return module


_FAULT_ROWS = _by_path("fault_rows")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of tests/fault_rows.py: they must be known before the plugins are registered."""
    _FAULT_ROWS.pytest_addoption(parser)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The choice of tests/fault_rows.py."""
    _FAULT_ROWS.pytest_collection_modifyitems(config, items)


def pytest_configure(config: pytest.Config) -> None:
    """Registers the files of servers by their paths.

    tests/ itself must not be on sys.path: its folders carry the names of the rooms.
    """
    for name in ("servers", "line_servers", "fault_proxy", "damaged_journals"):
        config.pluginmanager.register(_by_path(name), f"dodac-{name}")


fault_row = _FAULT_ROWS.fault_row
