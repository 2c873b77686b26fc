"""Verified savings as line protocol, so that Grafana can show them: days, months and the total."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from store._escape import tag_text, text_field


class SavingMeasurement(StrEnum):
    """Measurements of savings; a point's time is the start of its day or month, or of verification."""

    DAY = "saving"
    MONTH = "saving_month"
    TOTAL = "saving_total"


@dataclass(frozen=True, slots=True)
class SavingTags:
    """Whose saving: one verification of one option's plan."""

    company: str
    site: str
    option: str
    plan: str
    verification: str


@dataclass(frozen=True, slots=True)
class SavingPoint:
    """Figures of one day, month or whole period.

    time_ns: UTC. fields: name with unit → value; NaN is left out (an excluded day has no saving).
    texts: words that belong to the point.
    """

    time_ns: int
    fields: Mapping[str, float]
    texts: Mapping[str, str]


def saving_lines(
    measurement: SavingMeasurement, points: Iterable[SavingPoint], tags: SavingTags
) -> list[str]:
    """One line a point; points without any figure or text are left out.

    Writing the same verification again overwrites its points with the same figures. Raises
    ValueError for a tag that is empty and for an infinite figure.
    """
    if not all((tags.company, tags.site, tags.option, tags.plan, tags.verification)):
        raise ValueError(f"a tag of a saving is empty: {tags}.")
    head = measurement.value + tag_text(**asdict(tags))
    lines = []
    for point in points:
        fields = [f"{name}={_number(name, value)}" for name, value in point.fields.items() if value == value]
        fields += [
            f"{name}={text_field(value.replace(chr(10), ' '))}"
            for name, value in point.texts.items()
            if value
        ]
        if fields:
            lines.append(f"{head} {','.join(fields)} {point.time_ns}")
    return lines


def _number(name: str, value: float) -> str:
    if math.isinf(value):
        raise ValueError(f"{name} of a saving is infinite.")
    return repr(float(value))
