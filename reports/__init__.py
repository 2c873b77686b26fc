"""reports: charts and reports of verified savings, in Vietnamese and English."""

from reports import charts
from reports.html import headline, month_rows, render_html

__all__ = ["charts", "headline", "month_rows", "render_html"]
