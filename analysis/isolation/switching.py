"""Reads an on/off test: what switching saved, by blocks, with the drawing of lots itself as a check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import _notes as notes_of_savings
from analysis._frames import Bools, Floats, numbers
from analysis._student import t_two_sided
from analysis.isolation import _switch_words as switch_words
from analysis.isolation import _words as words
from analysis.isolation.options import OptionSaving, Stated, year_of
from analysis.isolation.schedule import SwitchingSchedule
from analysis.metrology.budget import Contribution, budget
from analysis.metrology.chain import Chain
from analysis.results import Finding, Refusal, Uncertainty
from dodac.errors import ConfigError, DataError

_LEAST_PERIODS = 4
_LEAST_COVERED = 0.9


@dataclass(frozen=True)
class OnOffSaving:
    """What switching saved, as a mean rate.

    saving_per_hour: (off − on) in `unit` per hour, at equal drivers; fraction: of the mean off rate.
    uncertainty: Student's t over periods within blocks; others: by the drawing of lots (no assumption on
    noise, None when too few lots exist). p_value: share of all drawings that show as much when switching
    does nothing. period_sd: scatter of periods within blocks. periods: one row each (rate, on, block, used).
    """

    saving_per_hour: float
    unit: str
    fraction: float
    uncertainty: Uncertainty
    others: tuple[Uncertainty, ...]
    p_value: float
    n_on: int
    n_off: int
    dof: float
    period_sd: float
    findings: tuple[Finding, ...]
    periods: pd.DataFrame
    lines: tuple[Contribution, ...] = ()

    def over_year(self, hours: Stated) -> OptionSaving | Refusal:
        """The saving of a year with a stated number of hours (value ± with its basis)."""
        return year_of(
            self.saving_per_hour, self.lines, hours, self.unit, self.uncertainty.confidence, self.findings
        )


def on_off_saving(
    frame: pd.DataFrame,
    schedule: SwitchingSchedule,
    *,
    energy: str = "energy",
    drivers: Sequence[str] = (),
    state: str | None = None,
    chain: Chain | None = None,
    unit: str = "kWh",
    confidence: float = 0.9,
    draws: int = 1999,
) -> OnOffSaving | Refusal:
    """The saving of a switchable measure from a randomised on/off test.

    frame: one row an interval (DatetimeIndex of starts, even spacing), `energy` the amount of the
    interval, drivers means of it, state (optional) 1 or 0 as it really was. Rows in the washout don't count;
    a period needs 90 % of its rest. Regression of the periods' mean rates on the switch, with a level a
    block (slow drift falls out) and the drivers: saving ± t(n − blocks − drivers − 1)·se. Noise that lives
    on within a period or over blocks is in the scatter of whole periods. The randomisation test redraws
    the lots within blocks (seeded); its interval inverts that test. Periods count as drawn, also when the
    switch was not followed. chain: the meter, whose error scales the saving.
    Refused below four periods on and off. Raises ConfigError or DataError for a frame that does not fit.
    Source: Fisher 1935; Imbens and Rubin 2015, ch. 5 and 9; on/off as M&V: IPMVP 2012 vol. I, 4.5.2.
    """
    if not 0.0 < confidence < 1.0 or draws < 99:
        raise ConfigError("the confidence must lie between 0 and 1, and at least 99 lots be drawn.")
    if energy in drivers or (state is not None and state in drivers):
        raise ConfigError("the energy and the switch can't be drivers of the saving.", todo="Leave them out.")
    if len(frame) < 2:
        return switch_words.refuse_few_periods(0, 0, _LEAST_PERIODS)
    table, notes = _periods(frame, schedule, energy, tuple(drivers), state)
    used = table["used"].to_numpy(dtype=bool)
    on, block = table["on"].to_numpy(dtype=bool)[used], table["block"].to_numpy()[used]
    n_on, n_off = int(on.sum()), int((~on).sum())
    if min(n_on, n_off) < _LEAST_PERIODS:
        return switch_words.refuse_few_periods(n_on, n_off, _LEAST_PERIODS)
    rate = table["rate"].to_numpy(dtype="float64")[used]
    if float(np.ptp(rate)) <= 1e-12 * float(np.max(np.abs(rate))):
        return switch_words.refuse_nothing_moves(energy)
    off = float(np.mean(rate[~on]))
    if off <= 0.0:
        return switch_words.refuse_not_consumed(energy, off)
    others, dropped = _design(table, used, block, tuple(drivers))
    if dropped:
        notes.append(switch_words.driver_dropped(dropped))
    basis = np.linalg.qr(others)[0]
    switch = on.astype("float64")
    y = rate - basis @ (basis.T @ rate)
    d = switch - basis @ (basis.T @ switch)
    weight = float(d @ d)
    dof = len(rate) - others.shape[1] - 1
    if weight < 1e-9 * len(rate) or dof < 1:
        return switch_words.refuse_not_separable()
    effect = float(d @ y) / weight
    left = y - effect * d
    sd = float(np.sqrt(left @ left / dof))
    scatter = Contribution("on/off scatter", "scatter of periods", sd / np.sqrt(weight), 1.0, dof=float(dof))
    lines = [scatter]
    if chain is not None:
        lines += [line.scaled(-effect) for line in chain.lines]
        notes += chain.findings
    whole = budget(-effect, lines, unit=f"{unit}/h", confidence=confidence)
    p_value, interval = _lots(
        switch, block, basis, y, d, effect, scatter.standard, confidence, draws, schedule.seed
    )
    randomised = () if interval is None else (
        Uncertainty(
            "randomisation", confidence, interval, float(len(rate)),
            "the lots redrawn within blocks, test inverted (Imbens and Rubin 2015, ch. 5)",
            "bốc thăm lại trong từng khối, đảo ngược kiểm định (Imbens và Rubin 2015, ch. 5)",
        ),
    )  # fmt: skip
    if abs(effect) <= whole.half_width:
        notes.append(notes_of_savings.not_significant(-effect, whole.half_width))
    elif effect > 0.0:
        notes.append(words.worse(effect, f"{unit}/h"))
    return OnOffSaving(
        saving_per_hour=-effect, unit=unit, fraction=-effect / off,
        uncertainty=Uncertainty(
            "blocks", confidence, whole.half_width, float(len(rate)),
            "regression of whole periods with a level a block, Student's t",
            "hồi quy theo chu kỳ với mức riêng từng khối, phân phối Student",
        ),
        others=randomised, p_value=p_value, n_on=n_on, n_off=n_off, dof=float(dof), period_sd=sd,
        findings=tuple(notes), periods=table, lines=tuple(lines),
    )  # fmt: skip


def _periods(
    frame: pd.DataFrame,
    schedule: SwitchingSchedule,
    energy: str,
    drivers: tuple[str, ...],
    state: str | None,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Mean hourly rate and drivers of each period, after its washout; `used` where it counts."""
    index = frame.index
    plan = schedule.frame
    if not isinstance(index, pd.DatetimeIndex) or index.hasnans:
        raise DataError(
            "the table has no times as its index.", todo="Give a DatetimeIndex of interval starts."
        )
    if not index.is_monotonic_increasing or not index.is_unique:
        raise DataError("the rows are not in order of time, or a time is there twice.")
    if (index.tz is None) != (pd.DatetimeIndex(plan.index).tz is None):
        raise DataError("schedule and readings differ: one has a zone, the other none.")
    columns = {name: numbers(frame, name) for name in (energy, *drivers, *((state,) if state else ()))}
    t = index.as_unit("ns").asi8 / 3.6e12
    step = float(np.median(np.diff(t)))
    starts, ends, begin = (
        pd.DatetimeIndex(values).as_unit("ns").asi8 / 3.6e12
        for values in (plan.index, plan["end"], plan["use_from"])
    )
    which = np.searchsorted(starts, t + 1e-6, side="right") - 1
    inside = which >= 0
    place = np.maximum(which, 0)
    inside &= (t >= begin[place] - 1e-6) & (t + step <= ends[place] + 1e-6)
    for name in (energy, *drivers):
        inside &= np.isfinite(columns[name])
    count = np.bincount(place[inside], minlength=len(plan)).astype("float64")
    rows = np.maximum(count, 1.0)
    table = plan[["end", "block", "on"]].copy()
    table["rate"] = np.bincount(place[inside], columns[energy][inside], len(plan)) / (rows * step)
    for name in drivers:
        table[name] = np.bincount(place[inside], columns[name][inside], len(plan)) / rows
    used = count * step >= _LEAST_COVERED * (ends - begin) - 1e-6
    # a block with only one state left says nothing about the switch
    on, block = table["on"].to_numpy(dtype=bool), table["block"].to_numpy()
    used &= np.isin(block, np.intersect1d(block[used & on], block[used & ~on]))
    table["used"] = used
    notes: list[Finding] = []
    if not used.all():
        notes.append(switch_words.periods_left_out(int((~used).sum()), len(plan)))
    if state is not None:
        known = inside & np.isfinite(columns[state])
        told = np.bincount(place[known], minlength=len(plan)).astype("float64")
        really = np.bincount(place[known], columns[state][known], len(plan)) / np.maximum(told, 1.0)
        unknown = used & (told < _LEAST_COVERED * count)
        wrong = used & ~unknown & (np.abs(really - table["on"].to_numpy(dtype="float64")) > 0.1)
        if unknown.any():
            notes.append(switch_words.state_unknown(int(unknown.sum()), int(used.sum())))
        if wrong.any():
            notes.append(switch_words.not_followed(int(wrong.sum()), int(used.sum())))
    return table, notes


def _design(
    table: pd.DataFrame, used: Bools, block: Floats, drivers: tuple[str, ...]
) -> tuple[Floats, list[str]]:
    """Levels of blocks and drivers that vary within them, as columns; names of drivers left out."""
    columns = [(block == level).astype("float64") for level in np.unique(block)]
    dropped: list[str] = []
    for name in drivers:
        values = table[name].to_numpy(dtype="float64")[used]
        spread = float(np.std(values))
        before = np.column_stack(columns)
        scaled = (values - float(np.mean(values))) / spread if spread > 0.0 else np.zeros(len(values))
        rest = scaled - before @ np.linalg.lstsq(before, scaled, rcond=None)[0]
        if float(rest @ rest) < 1e-8 * len(values):
            dropped.append(name)
        else:
            columns.append(scaled)
    return np.column_stack(columns), dropped


def _lots(
    switch: Floats,
    block: Floats,
    basis: Floats,
    y: Floats,
    d: Floats,
    effect: float,
    se: float,
    confidence: float,
    draws: int,
    seed: int,
) -> tuple[float, float | None]:
    """p of the randomisation test, and half of the interval that inverts it (None when lots are too few)."""
    draw = np.random.default_rng([seed, 1])
    order = np.argsort(draw.random((draws, len(switch))) + np.searchsorted(np.unique(block), block), axis=1)
    lots = switch[order]
    rest = lots - (lots @ basis) @ basis.T
    weight = np.sum(rest**2, axis=1)
    fine = weight > 1e-9
    slope, tied = (lots[fine] @ y) / weight[fine], (lots[fine] @ d) / weight[fine]
    slack = 1e-9 * max(abs(effect), se, 1e-12)

    def p(tau: float) -> float:
        as_far = np.abs(slope - tau * tied) >= abs(effect - tau) - slack
        return float((1 + np.sum(as_far)) / (1 + len(slope)))

    ends: list[float] = []
    alpha = 1.0 - confidence
    for sign in (1.0, -1.0):
        near, far = 0.0, max(se, 1e-12) * t_two_sided(confidence, 3)
        tries = 0
        while p(effect + sign * far) > alpha and tries < 40:
            near, far, tries = far, 2.0 * far, tries + 1
        if tries == 40:
            return p(0.0), None
        for _ in range(40):
            middle = 0.5 * (near + far)
            if p(effect + sign * middle) > alpha:
                near = middle
            else:
                far = middle
        ends.append(far)
    return p(0.0), max(ends)
