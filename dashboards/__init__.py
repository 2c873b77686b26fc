"""dashboards: Grafana's dashboards and provisioning files, and a running Grafana's API."""

from dashboards.live import LIVE_UID, live_dashboard
from dashboards.panels import DATASOURCE_UID
from dashboards.provisioning import site_dashboards, write_files
from dashboards.savings import SAVINGS_UID, savings_dashboard

__all__ = [
    "DATASOURCE_UID",
    "LIVE_UID",
    "SAVINGS_UID",
    "live_dashboard",
    "savings_dashboard",
    "site_dashboards",
    "write_files",
]
