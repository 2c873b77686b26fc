"""Uncertainty budgets as the GUM has them: sources, sensitivities, degrees of freedom, expanded uncertainty."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from analysis._student import t_two_sided
from dodac.errors import ConfigError, DataError

GUM: Final = "JCGM 100:2008"


class Distribution(StrEnum):
    """What is known of an error: limits alone, limits of a difference of two, or a standard uncertainty."""

    NORMAL = "normal"
    RECTANGULAR = "rectangular"
    TRIANGULAR = "triangular"


_DIVISOR: Final = {Distribution.RECTANGULAR: math.sqrt(3.0), Distribution.TRIANGULAR: math.sqrt(6.0)}


@dataclass(frozen=True)
class Contribution:
    """One line of a budget: what one source of error does to one input.

    source: id of the cause; the same id in two lines is the same error, so that the lines add with
    their signs, while different ids are independent. standard: standard uncertainty in the unit of
    the input; sensitivity: ∂result/∂input, with its sign. dof: how well `standard` is known (∞ for
    limits of error). checked: read, computed, remembered or agreed, as the tables have it.
    """

    source: str
    name: str
    standard: float
    sensitivity: float = 1.0
    distribution: Distribution = Distribution.NORMAL
    dof: float = math.inf
    reference: str = ""
    checked: str = "read"

    @property
    def effect(self) -> float:
        """sensitivity × standard uncertainty, with its sign (unit of the result)."""
        return self.sensitivity * self.standard

    def scaled(self, sensitivity: float) -> Contribution:
        """The same line seen through a further sensitivity (chain rule)."""
        return replace(self, sensitivity=self.sensitivity * sensitivity)


def from_limit(
    source: str,
    name: str,
    limit: float,
    *,
    distribution: Distribution = Distribution.RECTANGULAR,
    sensitivity: float = 1.0,
    reference: str = "",
    checked: str = "read",
) -> Contribution:
    """A line from limits of error ±limit: limit/√3 rectangular, limit/√6 triangular (JCGM 100:2008, 4.3.7, 4.3.9)."""
    if not (math.isfinite(limit) and limit >= 0.0):
        raise ConfigError(f'the limit of error of "{name}" is {limit}; it must be a number from 0 up.')
    if distribution not in _DIVISOR:
        raise ConfigError(
            "limits of error are rectangular or triangular.", todo="Use from_expanded for U and k."
        )
    standard = limit / _DIVISOR[distribution]
    return Contribution(source, name, standard, sensitivity, distribution, math.inf, reference, checked)


def from_expanded(
    source: str, name: str, expanded: float, *, k: float = 2.0, sensitivity: float = 1.0, reference: str = ""
) -> Contribution:
    """A line from a certificate's expanded uncertainty U and its k: U/k, normal (JCGM 100:2008, 4.3.3)."""
    if not (math.isfinite(expanded) and expanded >= 0.0 and math.isfinite(k) and k > 0.0):
        raise ConfigError(f'"{name}": U = {expanded} with k = {k} is no expanded uncertainty.')
    return Contribution(source, name, expanded / k, sensitivity, Distribution.NORMAL, math.inf, reference)


def from_values(source: str, name: str, values: Sequence[float], *, sensitivity: float = 1.0) -> Contribution:
    """A line from the scatter of independent values: s/√n with n − 1 degrees of freedom (JCGM 100:2008, 4.2).

    Raises DataError below two values or where one is no number.
    """
    n = len(values)
    if n < 2 or not all(math.isfinite(value) for value in values):
        raise DataError(f'the scatter of "{name}" needs at least two numbers, {n} values are there.')
    mean = math.fsum(values) / n
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    return Contribution(
        source, name, spread / math.sqrt(n), sensitivity, Distribution.NORMAL, n - 1.0, f"{GUM}, 4.2"
    )


@dataclass(frozen=True)
class SourcePart:
    """All lines of one source: effect on the result (with sign), degrees of freedom, share of the variance."""

    source: str
    effect: float
    dof: float
    share: float


@dataclass(frozen=True)
class Budget:
    """A result with its combined and expanded uncertainty and everything that went into it.

    standard: combined standard uncertainty; dof: effective degrees of freedom; k: coverage factor
    (Student's t at `confidence`); half_width = k·standard; all in `unit`.
    """

    value: float
    unit: str
    confidence: float
    standard: float
    dof: float
    k: float
    half_width: float
    contributions: tuple[Contribution, ...]
    sources: tuple[SourcePart, ...]

    @property
    def remembered(self) -> tuple[str, ...]:
        """References of lines whose figures are not checked yet."""
        return tuple(
            sorted(
                {
                    line.reference
                    for line in self.contributions
                    if line.checked == "remembered" and line.effect
                }
            )
        )


def budget(
    value: float, contributions: Sequence[Contribution], *, unit: str = "", confidence: float = 0.9
) -> Budget:
    """Combines the lines of a budget and expands the result to `confidence`.

    Lines of one source add with their signs (fully correlated), sources in quadrature (JCGM 100:2008,
    5.1.2, 5.2.2); effective degrees of freedom by Welch–Satterthwaite (G.4.1) over the sources, a
    source of several lines having the least of theirs; k = t(confidence, ν_eff), interpolated (G.4.1).
    Raises ConfigError for a confidence outside (0, 1), DataError for a line that is no number.
    """
    if not 0.0 < confidence < 1.0:
        raise ConfigError(f"a confidence of {confidence} is not between 0 and 1.")
    effects: dict[str, float] = {}
    freedom: dict[str, float] = {}
    for line in contributions:
        if not (math.isfinite(line.effect) and line.dof > 0.0):
            raise DataError(f'"{line.name}" of {line.source} has no finite effect on the result.')
        effects[line.source] = effects.get(line.source, 0.0) + line.effect
        freedom[line.source] = min(freedom.get(line.source, math.inf), line.dof)
    variance = math.fsum(effect**2 for effect in effects.values())
    standard = math.sqrt(variance)
    # effects below 1e-150 underflow when raised to the fourth power: shares of the variance do not
    shares = {source: (effect**2 / variance if variance else 0.0) for source, effect in effects.items()}
    inverse = math.fsum(share**2 / freedom[source] for source, share in shares.items())
    dof = 1.0 / inverse if inverse > 0.0 else math.inf
    k = t_two_sided(confidence, min(dof, 1e9))
    parts = tuple(
        SourcePart(source, effect, freedom[source], shares[source]) for source, effect in effects.items()
    )
    return Budget(value, unit, confidence, standard, dof, k, k * standard, tuple(contributions), parts)


def sensitivities(
    function: Callable[[Mapping[str, float]], float], values: Mapping[str, float], steps: Mapping[str, float]
) -> dict[str, float]:
    """∂function/∂input for each input, by central differences over ± one standard uncertainty (JCGM 100:2008, 5.1.4 note 2).

    steps: the standard uncertainty of each input; an input without one (0) has sensitivity 0.
    Raises DataError where the function gives no number.
    """
    found: dict[str, float] = {}
    for name, step in steps.items():
        if step == 0.0:
            found[name] = 0.0
            continue
        above = function({**values, name: values[name] + step})
        below = function({**values, name: values[name] - step})
        if not (math.isfinite(above) and math.isfinite(below)):
            raise DataError(f'the result is no number when "{name}" moves by its uncertainty ({step:.3g}).')
        found[name] = (above - below) / (2.0 * step)
    return found


def propagate(
    function: Callable[[Mapping[str, float]], float],
    values: Mapping[str, float],
    errors: Mapping[str, Sequence[Contribution]],
    *,
    unit: str = "",
    confidence: float = 0.9,
) -> Budget:
    """A function of measured inputs with its uncertainty (JCGM 100:2008, 5).

    values: estimate of each input by name; errors: for each name the lines of its error (in the
    input's unit). The same source under two names is the same error, with both sensitivities.
    Raises ConfigError for errors of an input that is not there, DataError as `sensitivities` does.
    """
    for name in errors:
        if name not in values:
            raise ConfigError(f'there is no input "{name}".', todo=f"The inputs are: {', '.join(values)}.")
    value = function(values)
    if not math.isfinite(value):
        raise DataError("the result is no number.")
    steps = {name: math.sqrt(math.fsum(line.effect**2 for line in lines)) for name, lines in errors.items()}
    slopes = sensitivities(function, values, steps)
    lines = [line.scaled(slopes[name]) for name, found in errors.items() for line in found]
    return budget(value, lines, unit=unit, confidence=confidence)
