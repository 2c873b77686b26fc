"""Draws the lots of an on/off test: blocks with as many periods on as off, in an order nobody chose."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis._student import t_two_sided
from analysis.isolation import _switch_words as words
from analysis.results import Refusal
from dodac.errors import ConfigError

_MOST_PERIODS = 10_000


@dataclass(frozen=True)
class SwitchingSchedule:
    """A drawn schedule: frame with one row a period (index start; end, use_from, block, on).

    use_from: what comes before it in the period is washout and is not analysed. The seed draws the
    same schedule again.
    """

    frame: pd.DataFrame
    seed: int
    block: int
    period_hours: float
    washout_hours: float


def switching_schedule(
    start: str | pd.Timestamp,
    periods: int,
    *,
    seed: int,
    period_hours: float = 24.0,
    washout_hours: float = 0.0,
    min_switch_hours: float = 0.0,
    block: int = 4,
) -> SwitchingSchedule | Refusal:
    """A block-randomised on/off schedule: each block of `block` periods has half of them on, in drawn order.

    start: local start of the first period (whole days keep their local midnight); periods: a multiple of
    block; min_switch_hours: the shortest time the plant may be left in a state; washout_hours: how long
    a change lives on after a switch. Refused when a period is shorter than the minimum or the washout
    eats half of it. Raises ConfigError for an odd block or an impossible number.
    Source: randomised block design (Fisher 1935, §22–27; Box, Hunter and Hunter 2005, ch. 4).
    """
    if block < 2 or block % 2:
        raise ConfigError(f"a block of {block} periods has no half.", todo="Give an even number, e.g. 4.")
    if periods < block or periods % block:
        raise ConfigError(f"{periods} periods are no whole number of blocks of {block}.")
    if not (period_hours > 0.0 and math.isfinite(period_hours) and washout_hours >= 0.0):
        raise ConfigError("the length of a period and the washout must be positive hours.")
    if period_hours < min_switch_hours:
        return words.refuse_schedule(
            f"Periods of {period_hours:g} h are shorter than the {min_switch_hours:g} h the plant must be left in a state.",
            f"Chu kỳ {period_hours:g} h ngắn hơn {min_switch_hours:g} h tối thiểu giữa hai lần chuyển trạng thái.",
        )
    if washout_hours > period_hours / 2.0:
        return words.refuse_schedule(
            f"A washout of {washout_hours:g} h eats more than half of a period of {period_hours:g} h: make periods longer.",
            f"Thời gian chờ ổn định {washout_hours:g} h chiếm hơn nửa chu kỳ {period_hours:g} h: hãy kéo dài chu kỳ.",
        )
    draw = np.random.default_rng(seed)
    half = np.repeat([True, False], block // 2)
    on = np.concatenate([draw.permutation(half) for _ in range(periods // block)])
    days = period_hours / 24.0
    step = f"{int(days)}D" if days == int(days) else pd.Timedelta(hours=period_hours)
    first: pd.Timestamp | None = None
    with suppress(ValueError, TypeError):
        first = pd.Timestamp(start)
    if first is None or pd.isna(first):
        raise ConfigError(
            f'"{start}" is no moment to start at.', todo="Write e.g. 2026-05-04 or 2026-05-04 06:00."
        )
    edges = pd.date_range(first, periods=periods + 1, freq=step)
    frame = pd.DataFrame(
        {
            "end": edges[1:],
            "use_from": edges[:-1] + pd.Timedelta(hours=washout_hours),
            "block": np.arange(periods) // block,
            "on": on,
        },
        index=edges[:-1].rename("start"),
    )
    return SwitchingSchedule(frame, seed, block, period_hours, washout_hours)


def periods_needed(
    period_sd: float, half_width: float, *, confidence: float = 0.9, block: int = 4, drivers: int = 0
) -> int | Refusal:
    """How many periods give a saving ± half_width (same unit as period_sd, the scatter of periods within blocks).

    From t(ν)·sd·√(4/n) ≤ half_width with ν = n − n/block − drivers − 1; a multiple of block. period_sd: from
    a pilot (`OnOffSaving.period_sd`) or from past days. Refused beyond 10 000 periods.
    """
    if not (half_width > 0.0 and period_sd >= 0.0 and math.isfinite(period_sd)):
        raise ConfigError("the scatter and the wanted ± must be positive numbers.")
    if block < 2 or block % 2:
        raise ConfigError(f"a block of {block} periods has no half.")
    for n in range(block, _MOST_PERIODS + 1, block):
        dof = n - n // block - drivers - 1
        # the analysis itself asks for four on and four off
        if dof < 1 or n < 8:
            continue
        if t_two_sided(confidence, dof) * period_sd * math.sqrt(4.0 / n) <= half_width:
            return n
    return words.refuse_unreachable(half_width, _MOST_PERIODS)
