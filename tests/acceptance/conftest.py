"""Acceptance on the shared data: `figure` records what `make accept` prints; without the data they skip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "shared" / "data"
_FIGURES: list[tuple[str, str, str]] = []


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data beside the repository."""
    if not SHARED.exists():
        pytest.skip(f"the shared data are not at {SHARED}")
    return SHARED


@pytest.fixture
def figure() -> Callable[[str, float | str, str], None]:
    """figure(label, value, wanted): one line of the table printed at the end."""

    def record(label: str, value: float | str, wanted: str = "") -> None:
        shown = value if isinstance(value, str) else f"{value:.6g}"
        _FIGURES.append((label, shown, wanted))

    return record


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the figures."""
    if not _FIGURES:
        return
    terminalreporter.section("acceptance figures")
    width = max(len(label) for label, _, _ in _FIGURES)
    for label, value, wanted in _FIGURES:
        terminalreporter.line(f"{label:<{width}}  {value:>14}  {wanted and 'wanted: ' + wanted}".rstrip())
