"""reports: charts and reports of verified savings, in Vietnamese and English."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports import charts
    from reports.html import headline, month_rows, render_html
    from reports.tests_html import headline_of_tests, render_tests_html

__all__ = ["charts", "headline", "headline_of_tests", "month_rows", "render_html", "render_tests_html"]


def __getattr__(name: str) -> Any:
    # pandas comes with the records of analysis: `dodac report --help` does not need it
    if name == "charts":
        return importlib.import_module("reports.charts")
    if name in ("headline", "month_rows", "render_html"):
        return getattr(importlib.import_module("reports.html"), name)
    if name in ("render_tests_html", "headline_of_tests"):
        return getattr(importlib.import_module("reports.tests_html"), name)
    raise AttributeError(name)
