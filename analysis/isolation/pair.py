"""Before and after: a saving from two tests, with what run scatter and instruments leave unsure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from analysis.isolation import _steady_words as steady_words
from analysis.isolation import _words as words
from analysis.isolation._matching import matched_runs, mean_of
from analysis.isolation.methods import Method
from analysis.isolation.steady import Run, SteadyRuns, steady_rules
from analysis.metrology import _words as metrology_words
from analysis.metrology.budget import Budget, Contribution, budget, from_values
from analysis.metrology.chain import Chain
from analysis.metrology.instruments import Instrument, flue_loss_limit_pct
from analysis.results import Finding, Refusal, Uncertainty
from dodac.errors import ConfigError, DataError


@dataclass(frozen=True)
class Side:
    """One side of a comparison: its runs, the instruments of its channels, what day it was.

    instruments: analysers and thermometers (absolute errors); chains: metering chains by channel
    (relative errors). Ids shared by both sides share their systematic error. basis, losses: what the
    figures of this side stand on, when they are not the method's own.
    """

    runs: SteadyRuns
    instruments: tuple[Instrument, ...] = ()
    chains: Mapping[str, Chain] = field(default_factory=dict)
    day: date | None = None
    basis: str | None = None
    losses: tuple[str, ...] | None = None


@dataclass(frozen=True)
class PairSaving:
    """What two tests show.

    before, after: mean figures (`unit`) over n_before, n_after separated runs; change = after − before.
    fraction: share of the energy saved per unit of useful output (steam, air, water) at matched load:
    negative when it got worse; half_width: ± of it. smallest_change, smallest_fraction: the smallest
    found one that counts as shown at that confidence (a true change of this size is shown by about
    every second pair). spot_pair: √2 times the analyser's margin, the least that one spot reading a side
    could show (points; boilers only). smallest_change_stable: what smallest_change would be if instruments
    on both sides had kept the very same errors: the same figure, unless their drift between two days is
    not stated or a clamp was put on anew.
    budget: of the fraction, source by source; change_budget: of the change.
    """

    method: str
    unit: str
    basis: str
    losses: tuple[str, ...]
    before: float
    after: float
    change: float
    fraction: float
    half_width: float
    confidence: float
    n_before: int
    n_after: int
    load_before: float
    load_after: float
    smallest_change: float
    smallest_fraction: float
    smallest_change_stable: float
    spot_pair: float | None
    uncertainty: Uncertainty
    budget: Budget
    change_budget: Budget
    findings: tuple[Finding, ...]

    @property
    def low(self) -> float:
        """The lower end of the saved fraction."""
        return self.fraction - self.half_width

    @property
    def high(self) -> float:
        """The upper end of the saved fraction."""
        return self.fraction + self.half_width


def compare_tests(
    before: Side, after: Side, method: Method, *, confidence: float = 0.9
) -> PairSaving | Refusal:
    """The saving between two tests of one machine, at matched load and on one basis.

    Scatter: s/√n of the runs' figures with n − 1 degrees of freedom on each side; instruments: limits
    of error through the method's own sensitivities; an instrument of the same id on both sides as one
    error (what cancels is computed) when both tests are of one day or its drift is stated; otherwise a
    class promises its limits on each day, not the same error on both: as two (finding drift_unknown).
    Likewise what a chain says is of one visit, a clamp put on anew (finding mounted_anew).
    Others independent; Welch–Satterthwaite and Student's t (JCGM 100:2008, 5 and G.4). Loads: the level
    at which most runs of both sides lie within ±10 % counts, the other runs are left out by name.
    Refused below three runs a side, at unmatched loads, on different bases or losses, without an
    accuracy class. Raises ConfigError for a confidence outside (0, 1).
    """
    refusal = _alike(before, after, method)
    if refusal is not None:
        return refusal
    rules = steady_rules(before.runs.kind)
    matched = matched_runs(
        before.runs, after.runs, str(rules["load"]), float(rules["match_pct"]), int(rules["runs"])
    )
    if isinstance(matched, Refusal):
        return matched
    runs_before, runs_after, notes = matched
    notes = [*before.runs.findings, *after.runs.findings, *notes]
    shared = _on_both(before, after)
    figures: list[tuple[float, list[Contribution]]] = []
    for name, side, runs in (("before", before, runs_before), ("after", after, runs_after)):
        found = _figure(name, side, runs, method, shared, notes)
        if isinstance(found, Refusal):
            return found
        figures.append(found)
    (b, lines_b), (a, lines_a) = figures
    stable = _change(b, lines_b, a, lines_a, method.unit, confidence)
    one_day = before.runs.runs[0].start.date() == after.runs.runs[-1].start.date()
    silent = () if one_day else tuple(key for key, drift in shared.items() if drift is None)
    anew = frozenset[str]() if one_day else _anew(before) & _anew(after)
    own = anew.union(f"{name}/{channel}/" for name, channel in silent)
    lines_b, lines_a = _apart(lines_b, own, "before"), _apart(lines_a, own, "after")
    fraction = 1.0 - b / a if method.better == "more" else 1.0 - a / b
    slope_b, slope_a = (-1.0 / a, b / a**2) if method.better == "more" else (a / b**2, -1.0 / b)
    whole = budget(
        fraction,
        [*(line.scaled(slope_b) for line in lines_b), *(line.scaled(slope_a) for line in lines_a)],
        unit="fraction",
        confidence=confidence,
    )
    change = _change(b, lines_b, a, lines_a, method.unit, confidence)
    if whole.standard <= 1e-12:
        return words.refuse_no_spread()
    spot = None
    if before.runs.kind == "boiler" and method.better == "more":
        spot = math.hypot(
            *(flue_loss_limit_pct(mean_of(runs, "o2_pct")) for runs in (runs_before, runs_after))
        )
    notes += _notes(a - b, change, whole, spot, method)
    if silent:
        ids = sorted({name for name, _ in silent})
        notes.append(words.drift_unknown(ids, change.half_width, stable.half_width, method.unit))
    if anew:
        ids = sorted({source.rsplit("/", 1)[0] for source in anew})
        notes.append(words.mounted_anew(ids, change.half_width, stable.half_width, method.unit))
    load = str(rules["load"])
    unique = {(note.code, note.en): note for note in notes}
    return PairSaving(
        method=method.name, unit=method.unit, basis=method.basis, losses=method.losses,
        before=b, after=a, change=a - b, fraction=fraction, half_width=whole.half_width, confidence=confidence,
        n_before=len(runs_before), n_after=len(runs_after),
        load_before=mean_of(runs_before, load), load_after=mean_of(runs_after, load),
        smallest_change=change.half_width, smallest_fraction=whole.half_width,
        smallest_change_stable=stable.half_width, spot_pair=spot,
        uncertainty=Uncertainty(
            "gum", confidence, whole.half_width, whole.dof + 1.0 if math.isfinite(whole.dof) else float(len(runs_before) + len(runs_after)),
            "JCGM 100:2008: scatter of separated runs and limits of the instruments",
            "JCGM 100:2008: phân tán giữa các lượt đo và giới hạn sai số của thiết bị đo",
        ),
        budget=whole, change_budget=change, findings=tuple(unique.values()),
    )  # fmt: skip


def _alike(before: Side, after: Side, method: Method) -> Refusal | None:
    if before.runs.kind != after.runs.kind:
        raise ConfigError(f"a {before.runs.kind} can't be compared with a {after.runs.kind}.")
    basis = [method.basis if side.basis is None else side.basis for side in (before, after)]
    if basis[0] != basis[1]:
        return words.refuse_basis(*basis)
    losses = [sorted(method.losses if side.losses is None else side.losses) for side in (before, after)]
    if losses[0] != losses[1]:
        return words.refuse_losses(", ".join(losses[0]), ", ".join(losses[1]))
    if before.runs.runs and after.runs.runs:
        ended, began = before.runs.runs[-1].end, after.runs.runs[0].start
        if (ended.tzinfo is None) != (began.tzinfo is None):
            raise DataError(
                "one test has times with a zone, the other without.", todo="Give both their zone."
            )
        if began <= ended:
            return words.refuse_order(f"{ended:%Y-%m-%d %H:%M}", f"{began:%Y-%m-%d %H:%M}")
    return None


def _on_both(before: Side, after: Side) -> dict[tuple[str, str], float | None]:
    """Drift (None: not stated) by id and channel of the instruments that stand on both sides."""
    found: dict[tuple[str, str], float | None] = {}
    for one in before.instruments:
        for two in after.instruments:
            if (one.id, one.channel) == (two.id, two.channel):
                stated = [item.drift for item in (one, two) if item.drift is not None]
                found[(one.id, one.channel)] = max(stated) if stated else None
    return found


def _anew(side: Side) -> frozenset[str]:
    """Sources of the side's chains that are errors of one visit."""
    return frozenset().union(*(chain.per_visit for chain in side.chains.values()))


def _apart(lines: list[Contribution], own: frozenset[str], side: str) -> list[Contribution]:
    """The lines; those of a source (or beginning of one) that errs anew as errors of this side's own."""
    found = tuple(own)
    return [
        replace(line, source=f"{line.source} {side}") if line.source.startswith(found) else line
        for line in lines
    ]


def _change(
    b: float, lines_b: list[Contribution], a: float, lines_a: list[Contribution], unit: str, confidence: float
) -> Budget:
    return budget(
        a - b, [*(line.scaled(-1.0) for line in lines_b), *lines_a], unit=unit, confidence=confidence
    )


def _figure(
    name: str,
    side: Side,
    runs: Sequence[Run],
    method: Method,
    shared: Mapping[tuple[str, str], float | None],
    notes: list[Finding],
) -> tuple[float, list[Contribution]] | Refusal:
    """Mean figure of one side and the lines of its uncertainty, in the method's unit."""
    values: list[float] = []
    for run in runs:
        for channel in method.channels:
            if not math.isfinite(run.means.get(channel, math.nan)):
                return steady_words.refuse_channel(channel, side.runs.kind)
        value = method.function(run.means)
        if isinstance(value, Refusal):
            return value
        if not (math.isfinite(value) and value > 0.0):
            return words.refuse_value(name, value)
        values.append(value)
    scatter = from_values(f"scatter {name}", f"scatter of runs {name}", values)
    if scatter.standard <= 1e-9 * abs(float(np.mean(values))):
        notes.append(words.no_scatter(name, len(values)))
    lines = [scatter]
    means = {channel: mean_of(runs, channel) for channel in method.channels}
    notes += method.findings(means)
    for channel in method.channels:
        found = _errors(name, side, channel, means[channel], shared, notes)
        if isinstance(found, Refusal):
            return found
        step = math.sqrt(math.fsum(line.effect**2 for line in found))
        if step == 0.0:
            continue
        ends: list[float] = []
        for moved in (step, -step):
            value = method.function({**means, channel: means[channel] + moved})
            if isinstance(value, Refusal):
                return value
            if not math.isfinite(value):
                return words.refuse_formula()
            ends.append(value)
        lines += [line.scaled((ends[0] - ends[1]) / (2.0 * step)) for line in found]
    return float(np.mean(values)), lines


def _errors(
    name: str,
    side: Side,
    channel: str,
    value: float,
    shared: Mapping[tuple[str, str], float | None],
    notes: list[Finding],
) -> list[Contribution] | Refusal:
    """What the instruments of a channel may be wrong by, in the channel's unit."""
    day = side.day if side.day is not None else _day(side.runs)
    lines: list[Contribution] = []
    own = [instrument for instrument in side.instruments if instrument.channel == channel]
    for instrument in own:
        key = (instrument.id, channel)
        if key in shared:
            # between two visits it moves once
            found = replace(instrument, drift=shared[key] if name == "after" else None).lines(
                value, day=day, side=name
            )
        else:
            found = instrument.lines(value, day=day, side=name)
        if isinstance(found, Refusal):
            return found
        lines += found[0]
        notes += found[1]
    chain = side.chains.get(channel)
    if chain is not None:
        lines += [line.scaled(abs(value)) for line in chain.lines]
        notes += chain.findings
    if not own and chain is None:
        return metrology_words.refuse_no_class(channel)
    return lines


def _day(runs: SteadyRuns) -> date | None:
    return runs.runs[0].start.date() if runs.runs else None


def _notes(moved: float, change: Budget, whole: Budget, spot: float | None, method: Method) -> list[Finding]:
    notes: list[Finding] = []
    if abs(whole.value) <= whole.half_width:
        notes.append(words.not_shown(moved, change.half_width, method.unit))
    elif whole.value < 0.0:
        notes.append(words.worse(moved, method.unit))
    if spot is not None and abs(moved) < spot:
        notes.append(words.below_spot_pair(moved, spot))
    if whole.remembered:
        notes.append(metrology_words.remembered(whole.remembered))
    return notes
