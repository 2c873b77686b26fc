"""reports: charts and reports of verified savings, in Vietnamese and English."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports import charts
    from reports.html import headline, month_rows, render_html

__all__ = ["charts", "headline", "month_rows", "render_html"]


def __getattr__(name: str) -> Any:
    # pandas comes with the records of analysis: `dodac report --help` does not need it
    if name == "charts":
        return importlib.import_module("reports.charts")
    if name in ("headline", "month_rows", "render_html"):
        return getattr(importlib.import_module("reports.html"), name)
    raise AttributeError(name)
