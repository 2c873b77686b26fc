"""Entries of the register for options A and B: plans of tests, frozen tests, and what they saved."""

from __future__ import annotations

from dataclasses import dataclass, field

from analysis.results import Finding
from audit.records import Evidence, Option
from dodac.money import Money
from dodac.words import Language, number_text


@dataclass(frozen=True)
class Agreed:
    """A figure that nobody measured: value ± plus_minus, where it is from, and who agreed it when.

    distribution: "rectangular" (limits) or "normal" (expanded, k = 2).
    """

    name: str
    value: float
    plus_minus: float
    unit: str
    basis: str
    by: str
    at: str
    distribution: str = "rectangular"


@dataclass(frozen=True)
class Tool:
    """Limits of error ± of one channel of an instrument: limit (channel's unit), limit_pct (% of reading) or a profile.

    drift: ± it moved between the two tests, None where nobody knows; side: before, after or "" for both.
    """

    id: str
    channel: str
    limit: float = 0.0
    limit_pct: float = 0.0
    profile: str = ""
    drift: float | None = None
    side: str = ""


@dataclass(frozen=True)
class Switching:
    """A test by switching the measure on and off as lots say: periods from `start` (local), drawn with a seed.

    energy, drivers: (instrument, channel) of meters; interval: hour, 30min or 15min; washout_hours: after a switch,
    not analysed. See analysis.isolation.switching_schedule.
    """

    energy: tuple[str, str]
    start: str
    periods: int
    seed: int
    period_hours: float = 24.0
    block: int = 4
    washout_hours: float = 0.0
    drivers: dict[str, tuple[str, str]] = field(default_factory=dict)
    interval: str = "hour"


@dataclass(frozen=True)
class IsolatedPlan:
    """The M&V plan of an option measured by itself, registered before the measure starts.

    test: "pair" (share saved between two tests × the agreed amounts), "formula" (of measured channels,
    name → side and channel, and agreed figures) or "on_off" (saving an hour by switching × the agreed hours). kind, fuel, method, wet_o2, with_co: of the machine, as `dodac test`
    has them; resource: column of the benefit table (grade, density_kg_l: of a fuel); unit: of the saving;
    blackout, reporting: local dates [from, to]; price: of one unit.
    """

    id: str
    option: str
    ipmvp_option: str
    test: str
    resource: str
    unit: str
    boundary_en: str
    boundary_vi: str
    zone: str
    reporting: tuple[str, str]
    instruments: tuple[Tool, ...] = ()
    kind: str = ""
    agreed: tuple[Agreed, ...] = ()
    fuel: str = ""
    method: str = "siegert"
    wet_o2: bool = False
    with_co: bool = False
    formula: str = ""
    measured: dict[str, tuple[str, str]] = field(default_factory=dict)
    grade: str = ""
    density_kg_l: float | None = None
    blackout: tuple[str, str] | None = None
    confidence: float = 0.9
    price: Money | None = None
    switching: Switching | None = None
    registered_ns: int = 0


@dataclass(frozen=True)
class ReadAs:
    """How a test was read: channels ("load=steam"), rows (each a run), and how times of files are written."""

    channels: tuple[str, ...] = ()
    rows: bool = False
    time: str = ""
    date_format: str = ""
    sheet: str = ""


@dataclass(frozen=True)
class TakenFrom:
    """A file (name, SHA-256 of its bytes, kept beside the register) or an instrument (its samples), and the days taken."""

    name: str
    period: tuple[str, str] | None
    sha256: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class CountedRun:
    """One steady run that counts: local start and end with offset, samples, mean of each channel."""

    start: str
    end: str
    samples: int
    means: dict[str, float]


@dataclass(frozen=True)
class ReadTest:
    """One side as it was read: where from, the runs that count, and why the rest does not.

    digest: SHA-256 over the runs, numbers to 10 significant figures.
    """

    sources: tuple[TakenFrom, ...]
    read_as: ReadAs
    runs: tuple[CountedRun, ...]
    not_counted: tuple[Finding, ...]
    findings: tuple[Finding, ...]
    digest: str


@dataclass(frozen=True)
class FrozenTest:
    """The test before the measure, or the lots (start, on?) of a test by switching, fixed before what comes after is read."""

    id: str
    plan: str
    frozen_ns: int
    plan_digest: str
    test: ReadTest
    version: str
    lots: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True)
class BudgetLine:
    """What one source does to the saving: effect (standard uncertainty with its sign), share of the variance."""

    source: str
    effect: float
    share: float


@dataclass(frozen=True)
class IsolatedSaving:
    """A saving by option A or B that refers to its plan, its frozen test and the test after the measure.

    before, after: the figure that was compared (figure, figure_unit; nan-free: None for a formula);
    share: saved share of the energy used before, with its ± (None for a formula); p_value: share of all drawings of lots
    that show as much by chance (switching only); smallest_share: the least the
    pair could show; coverage_factor: k of half_width; stipulated_share: of the variance; evidence_class: "verified"
    for option B, where everything was measured; for A "measured", or "estimated" where more than half of the
    variance is agreed and not measured.
    """

    id: str
    plan: str
    baseline: str
    verified_ns: int
    start: str
    end: str
    unit: str
    ipmvp_option: str
    saving: float
    half_width: float
    confidence: float
    coverage_factor: float
    stipulated_share: float
    evidence_class: str
    test: ReadTest
    budget: tuple[BudgetLine, ...]
    findings: tuple[Finding, ...]
    version: str
    figure: str = ""
    figure_unit: str = ""
    before: float | None = None
    after: float | None = None
    share: float | None = None
    share_half_width: float | None = None
    smallest_share: float | None = None
    p_value: float | None = None
    money: Money | None = None
    money_half_width: float | None = None


@dataclass(frozen=True)
class IsolatedCase:
    """All that a report shows about one saving by option A or B, computed again from files and samples."""

    option: Option
    plan: IsolatedPlan
    baseline: FrozenTest
    verified: IsolatedSaving
    instruments: dict[str, dict[str, str]] = field(default_factory=dict)


def stated_text(value: float, language: Language) -> str:
    """A stated figure with no more digits than it was stated with."""
    digits = len(f"{value:.6f}".rstrip("0").partition(".")[2])
    return number_text(value, digits, language)


__all__ = [
    "Agreed",
    "BudgetLine",
    "CountedRun",
    "FrozenTest",
    "IsolatedCase",
    "IsolatedPlan",
    "IsolatedSaving",
    "ReadAs",
    "ReadTest",
    "Switching",
    "TakenFrom",
    "Tool",
    "stated_text",
]
