"""The fixture fault_row: a test of a fault says what it saw, and docs/reference/faults.md must say the same."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import pytest

_FILE = Path(__file__).parents[1] / "docs" / "make_faults.py"
_SPEC = importlib.util.spec_from_file_location("make_faults", _FILE)
assert _SPEC is not None
assert _SPEC.loader is not None
make_faults = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(make_faults)


def pytest_addoption(parser: pytest.Parser) -> None:
    """--fault-rows FILE: run only the tests of faults and write what they say there."""
    parser.addoption("--fault-rows", type=Path, help="run only tests that use fault_row; write their rows")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --fault-rows, keeps the tests that tell a row."""
    if config.getoption("--fault-rows") is not None:
        items[:] = [item for item in items if "fault_row" in getattr(item, "fixturenames", ())]


@pytest.fixture
def fault_row(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Call it at the end of a test with what was seen; see /docs/make_faults.py.

    fault: what went wrong · what_happens: what the program does about it · lost: how many
    acknowledged samples were gone, as counted by this test · named: what could not be had and where
    it is told · chapter: a key of make_faults.TITLES. The words must be the same in every run.
    """

    def tell(fault: str, what_happens: str, lost: int, named: str = "", *, chapter: str) -> None:
        assert chapter in make_faults.TITLES
        test = request.node.nodeid.partition("[")[0]
        row = {
            "chapter": chapter,
            "fault": fault,
            "what_happens": what_happens,
            "lost": lost,
            "named": named,
            "test": test,
        }
        assert not any("|" in str(word) or "\n" in str(word) for word in row.values()), (
            "words of a table cell"
        )
        target = request.config.getoption("--fault-rows")
        if target is not None:
            with target.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            return
        line = make_faults.table_line(fault, what_happens, lost, named, test)
        assert line in make_faults.PAGE.read_text(encoding="utf-8").splitlines(), (
            f"docs/reference/faults.md does not say this; run: python docs/make_faults.py {test}\n{line}"
        )

    return tell
