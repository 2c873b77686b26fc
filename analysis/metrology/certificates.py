"""Calibration certificates: what a laboratory found overrides what the class allows, while it is in force."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from analysis.metrology import _words as words
from analysis.metrology.budget import Contribution, Distribution
from analysis.results import Finding
from dodac.errors import ConfigError


@dataclass(frozen=True)
class Certificate:
    """A calibration: expanded uncertainty U (% of reading, or absolute in the channel's unit) with its k.

    error_pct: the error (% of reading) it found that the readings are not corrected for. made, due: its
    date and the day until which it holds.
    """

    number: str
    made: date | None = None
    due: date | None = None
    expanded_pct: float = 0.0
    expanded: float = 0.0
    k: float = 2.0
    error_pct: float = 0.0
    laboratory: str = ""

    def __post_init__(self) -> None:
        figures = (self.expanded_pct, self.expanded)
        if not all(math.isfinite(figure) and figure >= 0.0 for figure in figures) or sum(figures) == 0.0:
            raise ConfigError(
                f"certificate {self.number} states no expanded uncertainty.",
                todo="Give expanded_pct (% of reading) or expanded (unit of the channel).",
            )
        if not (math.isfinite(self.k) and self.k > 0.0 and math.isfinite(self.error_pct)):
            raise ConfigError(f"certificate {self.number} has no usable k or error.")


def line_of(certificate: Certificate, instrument: str, name: str, value: float) -> Contribution:
    """The budget line of a certificate at a reading (unit of the channel): U/k, with an uncorrected error added in.

    Source: JCGM 100:2008, 4.3.3; an uncorrected error e enters as √(u² + e²) (F.2.4.5 in spirit: it
    belongs in the uncertainty when it is not removed from the result).
    """
    standard = (certificate.expanded_pct / 100.0 * abs(value) + certificate.expanded) / certificate.k
    standard = math.hypot(standard, certificate.error_pct / 100.0 * value)
    return Contribution(
        f"{instrument}/certificate", name, standard, 1.0, Distribution.NORMAL, math.inf,
        f"certificate {certificate.number}".strip(),
    )  # fmt: skip


def in_force(
    certificate: Certificate | None, instrument: str, day: date | None
) -> tuple[bool, list[Finding]]:
    """Does the certificate count on that day, and what is to be said about it?"""
    if certificate is None:
        return False, []
    found: list[Finding] = []
    if day is not None and certificate.due is not None and day > certificate.due:
        return False, [words.expired(instrument, certificate.due, day)]
    if day is None or certificate.due is None:
        found.append(words.undated(instrument))
    if day is not None and certificate.made is not None and certificate.made > day:
        found.append(words.not_yet(instrument, certificate.made, day))
    if certificate.error_pct:
        found.append(words.known_error(instrument, certificate.error_pct))
    return True, found
