"""The collector's own state as line protocol: what it counted, for dashboards; no samples, no part of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Final

from store._escape import tag_text

COLLECTOR_MEASUREMENT: Final = "collector"


def collector_line(
    company: str, site: str, tags: Mapping[str, str], fields: Mapping[str, float], time_ns: int
) -> str:
    """One line: tags company, site and those given, fields as floats; "" without a finite field."""
    told = ",".join(f"{name}={float(value)!r}" for name, value in sorted(fields.items()) if isfinite(value))
    if not told:
        return ""
    return f"{COLLECTOR_MEASUREMENT}{tag_text(company=company, site=site, **tags)} {told} {time_ns}"
