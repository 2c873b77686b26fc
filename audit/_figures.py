"""Figures that were computed again, held against those that were registered."""

from __future__ import annotations

import math
from collections.abc import Iterable

from dodac.errors import IntegrityError


def check_figures(
    saving_id: str, figures: Iterable[tuple[str, float | None, float | None]], scale: float = 0.0
) -> None:
    """Raises IntegrityError for the first of (name, registered, now) that differs; scale: of what is near zero.

    The sums may run in another order in another store; a changed reading moves far more than 1e-6.
    """
    for name, stored, again in figures:
        if (stored is None) != (again is None) or (
            stored is not None
            and again is not None
            and not math.isclose(stored, again, rel_tol=1e-6, abs_tol=max(1e-9 * scale, 1e-12))
        ):
            raise IntegrityError(
                f'saving "{saving_id}": {name} was registered as {stored} and is {again} now.',
                todo="Verify the plan again; the earlier saving stays in the register.",
            )
