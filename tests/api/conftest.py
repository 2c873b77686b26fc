"""Fixtures of the interface's tests: those of the reports, and an application over the real site."""

import importlib.util
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

with warnings.catch_warnings():
    # starlette prefers httpx2, which is not among the locked packages; httpx still works
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

_spec = importlib.util.spec_from_file_location(
    "reports_fixtures", Path(__file__).parents[1] / "reports" / "conftest.py"
)
assert _spec is not None
assert _spec.loader is not None
_fixtures = importlib.util.module_from_spec(_spec)
sys.modules["reports_fixtures"] = _fixtures
_spec.loader.exec_module(_fixtures)

case = _fixtures.case
make_case = _fixtures.make_case
real_site = _fixtures.real_site

from api import create_app  # noqa: E402
from audit import VerifiedSaving  # noqa: E402
from dodac.site import Site  # noqa: E402


@pytest.fixture(scope="session")
def _running(real_site: tuple[Site, VerifiedSaving]) -> Iterator[TestClient]:
    with TestClient(create_app(real_site[0]), base_url="http://127.0.0.1:8321") as made:
        yield made


@pytest.fixture
def client(_running: TestClient) -> TestClient:
    """A client of the real site's application, following its journal; without cookies of earlier tests."""
    _running.cookies.clear()
    return _running
