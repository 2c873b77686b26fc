"""Analysers and thermometers: limits of error as a function of the reading, by profile or certificate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Literal

from analysis._tables import table
from analysis.metrology import _words as words
from analysis.metrology.budget import Contribution, Distribution, from_limit
from analysis.metrology.certificates import Certificate, in_force, line_of
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError


@dataclass(frozen=True)
class Accuracy:
    """Limits of error ± of a channel: absolute (its unit), relative (% of reading), the greater or the sum."""

    absolute: float = 0.0
    relative_pct: float = 0.0
    rule: Literal["greater", "sum"] = "greater"
    distribution: Distribution = Distribution.RECTANGULAR
    reference: str = "data sheet"
    checked: str = "read"

    def __post_init__(self) -> None:
        figures = (self.absolute, self.relative_pct)
        if not all(math.isfinite(value) and value >= 0.0 for value in figures) or sum(figures) == 0.0:
            raise ConfigError("limits of error need a positive absolute or relative figure.")

    def limit(self, value: float) -> float:
        """± limit at a reading, in the channel's unit."""
        relative = self.relative_pct / 100.0 * abs(value)
        return self.absolute + relative if self.rule == "sum" else max(self.absolute, relative)


def accuracy(profile: str, channel: str) -> Accuracy | Refusal:
    """The limits of error that a profile gives a channel.

    profile: "metas-2004", "en-50379-2", "vn-circular-10-2021", "type-k-1", "type-k-2", "pt100-aa", "pt100-a",
    "pt100-b" (a thermometer's serves every channel). Refused where the profile does not speak of the
    channel. Raises ConfigError for an unknown profile.
    """
    rows = [row for row in table("accuracy_instruments") if row["profile"] == profile]
    if not rows:
        known = sorted({str(row["profile"]) for row in table("accuracy_instruments")})
        raise ConfigError(
            f'there are no limits of error "{profile}".', todo=f"Choose one of: {', '.join(known)}."
        )
    row = next(
        (row for row in rows if row["channel"] in (channel, "temperature") and "o2_to" not in row), None
    )
    if row is None:
        known = sorted({str(row["channel"]) for row in rows})
        return words.refuse_unknown_class(f"channel {channel}", profile, known)
    rule: Literal["greater", "sum"] = "sum" if row.get("rule") == "sum" else "greater"
    return Accuracy(
        float(row.get("absolute", 0.0)), float(row.get("relative_pct", 0.0)), rule,
        reference=str(row["source"]), checked=str(row["checked"]),
    )  # fmt: skip


def flue_loss_limit_pct(o2_pct: float) -> float:
    """± limit (points) of a flue-gas loss measured by a maintained analyser, by its O₂ (METAS 2004, table 2)."""
    rows = [row for row in table("accuracy_instruments") if row["channel"] == "q_a_pct"]
    return float(next((row for row in rows if o2_pct <= float(row["o2_to"])), rows[-1])["absolute"])


@dataclass(frozen=True)
class Instrument:
    """One channel of one instrument: its limits of error, and its certificate when there is one.

    id: serial number or the like; readings of one id share its systematic error, on both sides of a
    comparison. drift: ± limits (channel's unit) of what it may have moved between two visits, not
    shared; None: nothing is known of it.
    """

    id: str
    channel: str
    accuracy: Accuracy | None = None
    certificate: Certificate | None = None
    drift: float | None = None

    def lines(
        self, value: float, *, day: date | None = None, side: str = ""
    ) -> tuple[list[Contribution], list[Finding]] | Refusal:
        """Budget lines of a reading (channel's unit) and findings; a certificate in force overrides the limits."""
        counts, notes = in_force(self.certificate, self.id, day)
        name = f"{self.id} {self.channel}"
        if counts and self.certificate is not None:
            lines = [line_of(self.certificate, f"{self.id}/{self.channel}", name, value)]
        elif self.accuracy is not None:
            lines = [
                from_limit(
                    f"{self.id}/{self.channel}/class", name, self.accuracy.limit(value),
                    distribution=self.accuracy.distribution,
                    reference=self.accuracy.reference, checked=self.accuracy.checked,
                )
            ]  # fmt: skip
        else:
            return words.refuse_no_class(name)
        if self.drift is not None:
            lines.append(
                from_limit(
                    f"{self.id}/{self.channel}/drift {side}".strip(),
                    f"{name} drift",
                    self.drift,
                    reference="drift stated",
                )
            )
        return lines, notes
