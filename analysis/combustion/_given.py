"""Numbers a formula is given: one that can't be is refused by name, so that nothing silent comes out."""

from __future__ import annotations

import math

from dodac.errors import ConfigError


def within(low: float, high: float, **given: float) -> None:
    """ConfigError naming the first of the given numbers that is missing, or outside low … high (both allowed)."""
    for name, value in given.items():
        if not (math.isfinite(value) and low <= value <= high):
            span = f" from {low:g}" if low > -math.inf else ""
            span += f" to {high:g}" if high < math.inf else ""
            raise ConfigError(f"{name} = {value:g} can't be here.", todo=f"Give a number{span}.")


def above(low: float, **given: float) -> None:
    """ConfigError naming the first of the given numbers that is missing, or not above low."""
    for name, value in given.items():
        if not (math.isfinite(value) and value > low):
            raise ConfigError(f"{name} = {value:g} can't be here.", todo=f"Give a number above {low:g}.")
