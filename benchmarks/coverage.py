"""Coverage of the intervals by simulation, as the table of docs/explanation/savings.md."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS)]

from coverage_cases import CONFIDENCE, simulate, table_cases, towt_designs  # noqa: E402

DRAWS = 3000


def main() -> None:
    """Prints one line a case: share of intervals that held the truth, width against the oracle's."""
    out = sys.stdout.write
    out(f"nominal {100 * CONFIDENCE:.0f} %, {DRAWS} draws a case\n\n")
    out("| case | ρ | exact_memory | exact | g14 | sun_baltazar | width / oracle's |\n")
    out("|---|---|---|---|---|---|---|\n")
    for place, case in enumerate(table_cases(towt_designs())):
        shown = simulate(case, DRAWS, seed=2000 + place)
        shares = " | ".join(
            f"{shown.share[name]:.1f}" for name in ("exact_memory", "exact", "g14", "sun_baltazar")
        )
        rho = "–" if case.rho is None else f"{case.rho:g}"
        wide = "–" if shown.oracle is None else f"{shown.width['exact_memory'] / shown.oracle:.2f}"
        out(f"| {case.name} | {rho} | {shares} | {wide} |\n")


if __name__ == "__main__":
    main()
