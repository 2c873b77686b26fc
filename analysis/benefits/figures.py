"""Figures with their evidence class, and sums that keep classes and shared errors apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from analysis.results import Finding, Refusal
from dodac.errors import ConfigError, DataError

_T = TypeVar("_T", Finding, Refusal)
# beyond any programme in any unit or currency of the table: a slip of the keyboard, refused before it overflows
LARGEST: Final = 1e18


class EvidenceClass(StrEnum):
    """How a figure is known, from the weakest to the strongest."""

    REPORTED = "reported"
    ESTIMATED = "estimated"
    MEASURED = "measured"
    VERIFIED = "verified"


EVIDENCE_VI = {
    EvidenceClass.REPORTED: "báo cáo",
    EvidenceClass.ESTIMATED: "ước tính",
    EvidenceClass.MEASURED: "đo được",
    EvidenceClass.VERIFIED: "đã kiểm chứng",
}


def believable(number: float) -> bool:
    """Is it a number, and not beyond LARGEST?"""
    return math.isfinite(number) and abs(number) <= LARGEST


@dataclass(frozen=True)
class Figure:
    """A value that can't be parted from its unit and evidence class.

    random: half width of its own error, None where nobody stated one; shared: half widths, signed as
    they move this value, by source id (the same factor or the same meter in several figures), all at one
    confidence; factors: ids of the factors it was made with. Raises DataError for NaN, infinity and what is
    beyond LARGEST.
    """

    value: float
    unit: str
    evidence: EvidenceClass
    random: float | None = None
    shared: Mapping[str, float] = field(default_factory=dict)
    factors: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        widths = (*self.shared.values(), *((self.random,) if self.random is not None else ()))
        if not all(believable(number) for number in (self.value, *widths)):
            raise DataError(f"{self.value} {self.unit} is no figure.", todo="Leave out what is not known.")
        if self.random is not None and self.random < 0:
            raise DataError(f"an uncertainty of {self.random} {self.unit} is below zero.")

    @property
    def half_width(self) -> float | None:
        """± of the value; None where its own error is not known."""
        return _width(self.random, self.shared)

    def times(self, factor: float, unit: str, name: str, width: float | None = None) -> Figure:
        """value · factor in another unit; `width` is the factor's own half width, shared by all who use it.

        First-order propagation (JCGM 100:2008, 5.1.2).
        """
        shared = {source: part * factor for source, part in self.shared.items()}
        if width:
            shared[name] = shared.get(name, 0.0) + self.value * width
        random = None if self.random is None else self.random * abs(factor)
        return Figure(
            self.value * factor, unit, self.evidence, random, shared, (*self.factors, name), self.findings
        )


@dataclass(frozen=True)
class Part:
    """The share of a sum that one evidence class gives; half_width None where any figure has none."""

    evidence: EvidenceClass
    value: float
    random: float | None
    shared: Mapping[str, float]
    count: int

    @property
    def half_width(self) -> float | None:
        """± of the part."""
        return _width(self.random, self.shared)


@dataclass(frozen=True)
class Total:
    """A sum by evidence class; `refused` are the figures it should hold and does not.

    Independent errors add in quadrature, those of one source linearly (JCGM 100:2008, 5.2.2, r = 1).
    """

    unit: str
    parts: tuple[Part, ...]
    factors: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    refused: tuple[Refusal, ...] = ()

    @property
    def value(self) -> float:
        """Sum over all classes; show `parts` beside it when `mixed`."""
        return math.fsum(part.value for part in self.parts)

    @property
    def mixed(self) -> bool:
        """More than one evidence class is in it."""
        return len(self.parts) > 1

    @property
    def complete(self) -> bool:
        """Nothing that belongs to it was refused."""
        return not self.refused

    @property
    def half_width(self) -> float | None:
        """± of the sum; None where any part has none."""
        if any(part.random is None for part in self.parts):
            return None
        shared: dict[str, float] = {}
        for part in self.parts:
            _merge(shared, part.shared)
        return _width(math.hypot(*(part.random or 0.0 for part in self.parts)), shared)

    def of(self, evidence: EvidenceClass) -> float:
        """The value of one class; 0 when there is none."""
        return next((part.value for part in self.parts if part.evidence is evidence), 0.0)


Cell = Total | Refusal | None


def total(items: Iterable[Figure | Total | Refusal | None]) -> Cell:
    """The sum of figures and sums of one unit.

    None when there is nothing; the first Refusal when nothing but refusals is there; else a Total that
    keeps the refusals it met. Raises ConfigError for different units.
    """
    figures: list[Figure | Part] = []
    units: list[str] = []
    factors: list[str] = []
    findings: list[Finding] = []
    refused: list[Refusal] = []
    for item in items:
        if item is None:
            continue
        if isinstance(item, Refusal):
            refused.append(item)
            continue
        units.append(item.unit)
        factors += item.factors
        findings += item.findings
        if isinstance(item, Total):
            figures += item.parts
            refused += item.refused
        else:
            figures.append(item)
    if not figures:
        return refused[0] if refused else None
    if len(set(units)) > 1:
        raise ConfigError(f"{' and '.join(sorted(set(units)))} don't add up.")
    parts = tuple(
        _part(evidence, [item for item in figures if item.evidence is evidence])
        for evidence in EvidenceClass
        if any(item.evidence is evidence for item in figures)
    )
    return Total(units[0], parts, tuple(dict.fromkeys(factors)), _once(findings), _once(refused))


def _part(evidence: EvidenceClass, items: list[Figure | Part]) -> Part:
    shared: dict[str, float] = {}
    for item in items:
        _merge(shared, item.shared)
    known = [item.random for item in items if item.random is not None]
    random = math.hypot(*known) if len(known) == len(items) else None
    count = sum(item.count if isinstance(item, Part) else 1 for item in items)
    return Part(evidence, math.fsum(item.value for item in items), random, shared, count)


def _merge(into: dict[str, float], shared: Mapping[str, float]) -> None:
    for source, width in shared.items():
        into[source] = into.get(source, 0.0) + width


def _width(random: float | None, shared: Mapping[str, float]) -> float | None:
    return None if random is None else math.hypot(random, *shared.values())


def _once(items: list[_T]) -> tuple[_T, ...]:
    seen: dict[tuple[str, str], _T] = {}
    for item in items:
        seen.setdefault((item.code, item.en), item)
    return tuple(seen.values())
