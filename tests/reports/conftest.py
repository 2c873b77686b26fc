"""Fixtures of the reports' tests: a case to render, and a real site folder."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from audit import SavingCase, VerifiedSaving
from dodac.site import Site


def _load(name: str) -> ModuleType:
    """A helper module beside this file; the folder itself must not be on sys.path."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def make_case() -> Any:
    return _load("example_case").example_case


@pytest.fixture(scope="session")
def case(make_case: Any) -> SavingCase:
    found: SavingCase = make_case()
    return found


@pytest.fixture(scope="session")
def real_site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, VerifiedSaving]:
    plant = _load("example_case").plant
    made: tuple[Site, VerifiedSaving] = _load("example_site").make_site(
        tmp_path_factory.mktemp("site"), plant
    )
    return made
