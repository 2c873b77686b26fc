"""IPMVP options A and B: a saving from measured parameters, stipulated ones with their uncertainty."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from analysis import _notes as notes_of_savings
from analysis.isolation import _words as words
from analysis.isolation.pair import PairSaving
from analysis.metrology import _words as metrology_words
from analysis.metrology.budget import (
    Budget,
    Contribution,
    Distribution,
    budget,
    from_expanded,
    from_limit,
    from_values,
    propagate,
)
from analysis.metrology.chain import Chain
from analysis.results import Finding, Refusal, Uncertainty
from dodac.errors import ConfigError, DataError

Formula = Callable[[Mapping[str, float]], float]


@dataclass(frozen=True)
class Stated:
    """A figure nobody measured: value ± plus_minus, and where it is from.

    plus_minus: limits (rectangular), or with `distribution` normal an expanded uncertainty with k;
    None: not stated, which is refused. source: two figures of one source share their error.
    """

    value: float
    plus_minus: float | None
    basis: str
    unit: str = ""
    distribution: Distribution = Distribution.RECTANGULAR
    k: float = 2.0
    source: str | None = None

    def line(self, name: str) -> Contribution | Refusal:
        """Its line of a budget, in its own unit."""
        if self.plus_minus is None or not self.basis.strip():
            return words.refuse_no_uncertainty(name)
        source = f"stipulated {name}" if self.source is None else self.source
        if self.distribution is Distribution.NORMAL:
            return from_expanded(source, name, self.plus_minus, k=self.k, reference=self.basis)
        return from_limit(
            source,
            name,
            self.plus_minus,
            distribution=self.distribution,
            reference=self.basis,
            checked="agreed",
        )


@dataclass(frozen=True)
class Measured:
    """A measured parameter: mean of separated values, with the lines of its uncertainty (its own unit)."""

    value: float
    lines: tuple[Contribution, ...]
    findings: tuple[Finding, ...] = ()


def measured(
    name: str, values: Sequence[float], *, chain: Chain | None = None, lines: Sequence[Contribution] = ()
) -> Measured | Refusal:
    """A parameter from separated runs: mean, scatter s/√n (n − 1 degrees of freedom), instruments.

    values: one per separated run, at least three (NaN: not measured, counted as left out); chain: relative errors of its metering
    chain; lines: absolute ones (e.g. of Instrument.lines). Raises DataError for a value that is no number.
    """
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        raise DataError(
            f'a value of "{name}" is no number.', todo="Read the values as numbers first."
        ) from None
    known = [value for value in numbers if math.isfinite(value)]
    if len(known) < 3:
        return words.refuse_missing(name)
    value = math.fsum(known) / len(known)
    left_out = len(numbers) - len(known)
    found = [from_values(f"scatter {name}", f"scatter of {name}", known), *lines]
    if chain is not None:
        found += [line.scaled(abs(value)) for line in chain.lines]
    notes = [] if chain is None else list(chain.findings)
    if chain is None and not lines:
        notes.append(words.instrument_not_stated(name))
    if left_out:
        notes.append(words.values_left_out(name, left_out, len(numbers)))
    return Measured(value, tuple(found), tuple(notes))


@dataclass(frozen=True)
class OptionSaving:
    """A saving by option A or B with its uncertainty, what was stipulated, and how much of the variance that is."""

    ipmvp_option: Literal["A", "B"]
    saving: float
    unit: str
    uncertainty: Uncertainty
    budget: Budget
    stipulated: Mapping[str, Stated]
    stipulated_share: float
    findings: tuple[Finding, ...]

    @property
    def low(self) -> float:
        """The lower end of the interval."""
        return self.saving - self.uncertainty.half_width

    @property
    def high(self) -> float:
        """The upper end of the interval."""
        return self.saving + self.uncertainty.half_width


def option_a(
    formula: Formula,
    measured: Mapping[str, Measured | Refusal],
    stipulated: Mapping[str, Stated],
    *,
    unit: str,
    confidence: float = 0.9,
) -> OptionSaving | Refusal:
    """A saving by IPMVP option A: the key parameter measured, the rest stipulated, each with its uncertainty.

    formula: values by name (measured and stipulated together) → saving in `unit`. The report shows the
    stipulated figures, their basis, and their share of the variance. Refused when nothing is measured, a
    stipulated figure has no uncertainty or basis, or the formula gives no number.
    Source: IPMVP 2012 vol. I, 4.8.1 (vocabulary); JCGM 100:2008, 5.
    """
    return _saving("A", formula, measured, stipulated, unit, confidence)


def option_b(
    formula: Formula,
    measured: Mapping[str, Measured | Refusal],
    stipulated: Mapping[str, Stated] | None = None,
    *,
    unit: str,
    confidence: float = 0.9,
) -> OptionSaving | Refusal:
    """A saving by IPMVP option B: every parameter measured; a stipulated one is refused by name.

    Continuous metering of the measure alone goes through `fit` and the savings of a baseline instead,
    with the instrument's part. Source: IPMVP 2012 vol. I, 4.8.2 (vocabulary); JCGM 100:2008, 5.
    """
    if stipulated:
        return words.refuse_stipulated_in_b(list(stipulated))
    return _saving("B", formula, measured, {}, unit, confidence)


def scale_to_year(
    saving: PairSaving, *amounts: Stated, unit: str, confidence: float | None = None
) -> OptionSaving | Refusal:
    """A saved fraction as energy of a year: fraction × product of stated amounts (fuel before the measure in that year).

    amounts: e.g. fuel of a year, or fuel per tonne of steam before and tonnes of steam a year; each with
    its uncertainty and basis, or the scaling is refused. Uncertainties of fraction and amounts combine.
    """
    if not amounts:
        return words.refuse_no_uncertainty("yearly amount")
    confidence = saving.confidence if confidence is None else confidence
    for place, amount in enumerate(amounts, 1):
        if not (math.isfinite(amount.value) and amount.value > 0.0):
            return words.refuse_amount(f"amount {place}", amount.value)
    product = math.prod(amount.value for amount in amounts)
    if not math.isfinite(product):
        return words.refuse_formula()
    lines = [line.scaled(product) for line in saving.budget.contributions]
    stated = {f"amount {place}": amount for place, amount in enumerate(amounts, 1)}
    for place, (name, amount) in enumerate(stated.items()):
        line = amount.line(name)
        if isinstance(line, Refusal):
            return line
        others = math.prod(other.value for number, other in enumerate(amounts) if number != place)
        lines.append(line.scaled(saving.fraction * others))
    whole = budget(saving.fraction * product, lines, unit=unit, confidence=confidence)
    return _result("A", whole, stated, saving.findings)


def year_of(
    rate: float,
    lines: Sequence[Contribution],
    hours: Stated,
    unit: str,
    confidence: float,
    findings: Sequence[Finding],
) -> OptionSaving | Refusal:
    """A saving per hour with its lines over a stated number of hours a year."""
    line = hours.line("hours")
    if isinstance(line, Refusal):
        return line
    whole = budget(
        rate * hours.value,
        [*(one.scaled(hours.value) for one in lines), line.scaled(rate)],
        unit=unit,
        confidence=confidence,
    )
    return _result("A", whole, {"hours": hours}, findings)


def _saving(
    option: Literal["A", "B"],
    formula: Formula,
    measured: Mapping[str, Measured | Refusal],
    stipulated: Mapping[str, Stated],
    unit: str,
    confidence: float,
) -> OptionSaving | Refusal:
    if not measured:
        return words.refuse_nothing_measured()
    both = sorted(set(measured) & set(stipulated))
    if both:
        raise ConfigError(f'"{both[0]}" is both measured and stipulated.', todo="Leave one of them out.")
    values: dict[str, float] = {}
    errors: dict[str, Sequence[Contribution]] = {}
    notes: list[Finding] = []
    for name, parameter in measured.items():
        if isinstance(parameter, Refusal):
            return parameter
        values[name] = parameter.value
        # two parameters may have been given one name when they were measured; their scatter is their own
        errors[name] = [
            replace(line, source=f"scatter {name}") if line.source.startswith("scatter ") else line
            for line in parameter.lines
        ]
        notes += parameter.findings
    for name, stated in stipulated.items():
        line = stated.line(name)
        if isinstance(line, Refusal):
            return line
        values[name], errors[name] = stated.value, (line,)
    try:
        # numpy scalars warn where floats raise: both end in the check for a number
        with np.errstate(all="ignore"):
            whole = propagate(formula, values, errors, unit=unit, confidence=confidence)
    except (DataError, ArithmeticError, ValueError, TypeError):
        return words.refuse_formula()
    except KeyError as error:
        raise ConfigError(
            f"the formula needs {error}, which is neither measured nor stipulated.",
            todo=f"There are: {', '.join(values)}.",
        ) from None
    if whole.standard <= 1e-12 * abs(whole.value):
        return words.refuse_no_spread()
    own = {line.source for name in measured for line in errors[name]}
    if not any(part.source in own and part.effect for part in whole.sources):
        return words.refuse_nothing_measured()
    return _result(option, whole, stipulated, notes)


def _result(
    option: Literal["A", "B"], whole: Budget, stipulated: Mapping[str, Stated], notes: Sequence[Finding]
) -> OptionSaving:
    sources = {
        f"stipulated {name}" if stated.source is None else stated.source
        for name, stated in stipulated.items()
    }
    share = math.fsum(part.share for part in whole.sources if part.source in sources)
    found = list(notes)
    if share > 0.5:
        found.append(words.stipulated_dominates(share))
    if abs(whole.value) <= whole.half_width:
        found.append(notes_of_savings.not_significant(whole.value, whole.half_width))
    elif whole.value < 0.0:
        found.append(words.worse(whole.value, whole.unit))
    if whole.remembered:
        found.append(metrology_words.remembered(whole.remembered))
    unique = {(note.code, note.en): note for note in found}
    uncertainty = Uncertainty(
        "gum",
        whole.confidence,
        whole.half_width,
        whole.dof + 1.0 if math.isfinite(whole.dof) else 1.0,
        "JCGM 100:2008: scatter of runs, limits of instruments, stated uncertainty of what was stipulated",
        "JCGM 100:2008: phân tán giữa các lượt đo, giới hạn sai số thiết bị, độ không đảm bảo đã nêu của giá trị quy ước",
    )
    return OptionSaving(
        option, whole.value, whole.unit, uncertainty, whole, dict(stipulated), share, tuple(unique.values())
    )
