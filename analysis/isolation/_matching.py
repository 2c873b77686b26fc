"""Runs of both sides at one load: which count, which are left out by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.isolation import _words as words
from analysis.isolation.steady import Run, SteadyRuns
from analysis.results import Finding, Refusal


def mean_of(runs: Sequence[Run], channel: str) -> float:
    """Mean of a channel over runs."""
    return float(np.mean([run.means[channel] for run in runs]))


def matched_runs(
    before: SteadyRuns, after: SteadyRuns, load: str, match_pct: float, needed: int
) -> tuple[list[Run], list[Run], list[Finding]] | Refusal:
    """Runs of both sides within match_pct of the load at which most of both lie, chosen by load alone.

    load: the channel; findings name the runs left out. Refused below `needed` runs on a side, and when the
    means of what is left still differ by more than match_pct.
    """
    for side, runs in (("before", before), ("after", after)):
        if len(runs.runs) < needed:
            why = runs.refused[0] if runs.refused else None
            return words.refuse_few_runs(
                side, len(runs.runs), needed, why.en if why else "", why.vi if why else ""
            )
    loads = [np.array([run.means[load] for run in side.runs]) for side in (before, after)]
    share = match_pct / 100.0 + 1e-9
    middle = float(np.median(loads[0]))

    def near(level: float) -> list[int]:
        return [int(np.sum(np.abs(values - level) <= share * level)) for values in loads]

    def worth(level: float) -> tuple[int, int, float]:
        return min(near(level)), sum(near(level)), -abs(level - middle)

    level = max((middle, *loads[0].tolist()), key=worth)
    kept: list[list[Run]] = []
    notes: list[Finding] = []
    for side, runs in (("before", before), ("after", after)):
        inside = [run for run in runs.runs if abs(run.means[load] - level) <= share * level]
        notes += [
            words.load_differs(
                side, f"{run.start:%Y-%m-%d %H:%M}", run.means[load], level * (1 - share), level * (1 + share)
            )
            for run in runs.runs
            if run not in inside
        ]
        kept.append(inside)
    if min(len(runs) for runs in kept) < needed:
        return words.refuse_loads(mean_of(before.runs, load), mean_of(after.runs, load), match_pct)
    first, second = (mean_of(runs, load) for runs in kept)
    # both sides lie within ± of the level, and may still stand at its two ends
    if abs(second / first - 1.0) > share:
        return words.refuse_loads(first, second, match_pct)
    return kept[0], kept[1], notes
