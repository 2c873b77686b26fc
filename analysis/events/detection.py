"""Looks for non-routine events in what a model leaves unexplained, and proposes them; it adjusts nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analysis._frames import Bools, Floats, numbers, used_mask
from analysis.data import Interval, MeterData
from analysis.events import _words as words
from analysis.events._pattern import pattern_cuts, whole_days, without_pattern
from analysis.events._rows import in_order, interval_of, neighbours, rows_of, usual_days
from analysis.events._segments import Noise, cuts, noise_of, outliers, refined
from analysis.events._shapes import Piece, shapes, with_turns
from analysis.events._weighed import abrupt, weighed
from analysis.results import Finding, Model, Refusal, Savings
from dodac.errors import ConfigError

# (fewest rows, shortest piece, half window of the running median, dearer because noise is known worse)
_LIMITS: Final = {
    Interval.DAY: (60, 7, 10, 1.0),
    Interval.WEEK: (30, 4, 4, 1.3),
    Interval.MONTH: (24, 4, 4, 1.6),
    Interval.BILL: (24, 4, 4, 1.6),
}
_OUTAGE_SHARE: Final = 0.1
_PATTERN_SHARE: Final = 0.1
_SHORT_RUN: Final = 3
# Bai (1997): 90 % of |found − true|·δ²/long-run variance lie below
_BAI_90: Final = 7.0
_T_90: Final = 1.645


@dataclass(frozen=True)
class Event:
    """A possible non-routine event: a proposal, on which a person decides.

    kind: "step" (lasting), "pattern" (lasting, of the week: another rest day or shift plan), "temporary", "outage", "ramp" or "drift" (a ramp that goes on to the end).
    start, end: first and last day (local dates, both included; to the end of the data for step and
    drift). earliest, latest: 90 % interval of the start. change: mean of measured minus expected energy
    of an interval against the time around it (unit; positive: more used), ± half_width at 90 %.
    total: change over the event's intervals. share: change / expected energy of an interval, NaN
    where that is not known.
    """

    kind: str
    start: str
    end: str
    earliest: str
    latest: str
    change: float
    half_width: float
    intervals: int
    share: float
    unit: str
    interval: str
    period: str
    en: str
    vi: str

    @property
    def total(self) -> float:
        """The event's energy in all."""
        return self.change * self.intervals


@dataclass(frozen=True)
class Detection:
    """Proposed events, flagged outliers, and the noise they were told apart from.

    noise_sd (unit, one interval), rho: of the series without its changes; smallest_step: the least
    lasting change (unit an interval) that half a period of these data can show.
    """

    events: tuple[Event, ...]
    outliers: tuple[str, ...]
    interval: str
    intervals: int
    noise_sd: float
    rho: float
    smallest_step: float
    findings: tuple[Finding, ...]


def baseline_events(
    model: Model, frame: pd.DataFrame | MeterData, *, day_types: pd.Series[str] | None = None
) -> Detection | Refusal:
    """Events within a baseline: changes in the residuals of its own period.

    frame: the baseline's data with the model's columns; day_types: see `detect`. A baseline that
    holds an event describes two plants.
    """
    from analysis.models import predict

    frame = frame.frame if isinstance(frame, MeterData) else frame
    energy = numbers(frame, str(model.settings["energy"]))
    expected = predict(model, frame).to_numpy()
    used = used_mask(frame, [energy, np.asarray(expected, dtype=np.float64)])
    table = pd.DataFrame({"measured": energy, "expected": expected, "used": used}, index=frame.index)
    return detect(table, interval=model.interval, unit=model.unit, period="baseline", day_types=day_types)


def savings_events(
    savings: Savings, *, interval: Interval | str | None = None, day_types: pd.Series[str] | None = None
) -> Detection | Refusal:
    """Events within a reporting period: changes in the saving from one interval to the next.

    interval: of the saving's rows, found from their distance when not given; day_types: see `detect`.
    """
    frame = savings.frame
    table = pd.DataFrame(
        {
            "measured": frame["measured"],
            "expected": frame["adjusted_baseline"],
            "used": frame["used"],
        }
    )
    step = interval if interval is not None else interval_of(pd.DatetimeIndex(frame.index))
    return detect(table, interval=step, unit=savings.unit, period="reporting", day_types=day_types)


def detect(
    frame: pd.DataFrame,
    *,
    interval: Interval | str,
    unit: str,
    period: str = "reporting",
    day_types: pd.Series[str] | None = None,
    least_share: float = 0.02,
    strictness: float = 1.0,
) -> Detection | Refusal:
    """Changes in measured − expected energy that noise with memory does not explain.

    frame: DatetimeIndex of local starts; columns measured, expected (unit), used (bool). day_types:
    words by local day; days that are not "normal" (holidays, Tết with its neighbours) are not searched.
    Hours are searched as days. Levels are fitted by optimal partitioning at a price per change of
    (2 ln n + 4) long-run variances (Yao 1988's 2 ln n, raised until AR(1) noise with ρ up to 0.9 gave a
    false event in at most about one series in twenty, docs/decisions/0025-event-detection.md);
    strictness multiplies it. What noise with long memory or a wave of a year explains as well is told as a
    finding, and abrupt changes that stand out of slow noise are added (`analysis.events._weighed`). Changes below
    least_share of the expected energy are not proposed. Refused with fewer than 60 days, 30 weeks or 24 months.
    """
    step = Interval(interval)
    if not 0.0 < strictness < math.inf:
        raise ConfigError(f"a strictness of {strictness} makes no sense.", todo="Give 1, or more for fewer.")
    frame = in_order(frame, step)
    y, expected, measured, rows = rows_of(frame, step)
    if step.seconds is not None and step.seconds < 86_400:
        step = Interval.DAY
    kept = ~np.isnan(y)
    if day_types is not None and step is Interval.DAY:
        kept &= usual_days(rows, day_types)
    needed, least, half, dearer = _LIMITS[step]
    there = int(np.sum(kept))
    if there < needed:
        return words.refuse_short(needed, there, step.value)
    findings = [words.left_out(len(rows) - there, step.value)] if there < len(rows) else []
    e, m = expected[kept], measured[kept]
    z = m - _usual_share(e, m, period) * e
    days = pd.DatetimeIndex(rows[kept])
    weekday = days.day_of_week.to_numpy()
    usual = float(np.mean(np.abs(e)))
    turns = _turns(z, days, _PATTERN_SHARE * usual) if step is Interval.DAY else []
    flat = without_pattern(z, weekday, turns) if step is Interval.DAY else z
    far, tame = outliers(flat, half)
    noise = noise_of(tame, neighbours(days, step) & ~far[1:] & ~far[:-1])
    if noise.long_run <= 0.0:
        # a model that explains all but single rows: nothing to weigh a change against
        noise = Noise(0.0, 0.0, float(np.var(tame)) or 1e-30)
    price = (2.0 * math.log(there) + 4.0) * noise.long_run * strictness * dearer
    price *= 1.0 + 3.0 * max(noise.rho - 0.7, 0.0)
    places = _moved(tame, cuts(tame, price, least), noise.rho, least)
    pieces = with_turns(tame, shapes(tame, places, price, least), turns, 2 * least)
    pieces, slow = weighed(tame, pieces, step.per_year, strictness)
    pieces += _short_runs(flat, far, pieces, noise, price)
    if step is Interval.DAY:
        pieces += abrupt(flat, tame, pieces, _SHORT_RUN, step.per_year, strictness)
    events = tuple(
        _event(piece, e, m, days, noise, step, unit, period)
        for piece in sorted(pieces, key=lambda piece: piece.start)
        if piece.kind == "pattern" or abs(piece.change) >= least_share * usual
    )
    if events:
        findings.append(words.proposed(len(events), period))
    if slow:
        starts = ", ".join(_day(days[piece.start]) for piece in slow[:5])
        findings.append(words.slow(len(slow), starts + (", …" if len(slow) > 5 else "")))
    lone = [_day(moment) for moment in days[far]]
    if lone:
        shown = ", ".join(lone[:5]) + (", …" if len(lone) > 5 else "")
        findings.append(words.outliers(len(lone), there, step.value, shown))
    smallest = math.sqrt(price * 4.0 / there)
    return Detection(events, tuple(lone), step.value, there, noise.sd, noise.rho, smallest, tuple(findings))


def _turns(y: Floats, days: pd.DatetimeIndex, material: float) -> list[int]:
    """Rows from which the week has another pattern."""
    filled, every = whole_days(y, days)
    places = pattern_cuts(filled, every.day_of_week.to_numpy(), material)
    civil = pd.DatetimeIndex([str(day)[:10] for day in days])
    return sorted({int(np.sum(civil < every[place])) for place in places})


def _usual_share(expected: Floats, measured: Floats, period: str) -> float:
    """What the measure leaves of the expected energy, so that a saving in per cent is no event each season."""
    total = float(np.sum(expected))
    if period != "reporting" or total <= 0.0:
        return 1.0
    share = float(np.sum(measured)) / total
    return share if 0.2 <= share <= 2.0 else 1.0


def _moved(y: Floats, places: list[int], rho: float, least: int) -> list[int]:
    """Each cut moved to where AR(1) errors put it, between its neighbours."""
    found = list(places)
    for number, place in enumerate(places):
        left = found[number - 1] if number else 0
        right = places[number + 1] if number + 1 < len(places) else len(y)
        found[number] = refined(y, place, left, right, rho, least)
    return found


def _short_runs(y: Floats, far: Bools, pieces: list[Piece], noise: Noise, price: float) -> list[Piece]:
    """Runs of outliers too short for a piece of their own: three intervals and more at twice the price.

    The mean of a few values that remember each other varies like one value, not like the long run.
    """
    found = []
    start = None
    for place in range(len(y) + 1):
        inside = place < len(y) and far[place]
        if inside and start is None:
            start = place
        elif not inside and start is not None:
            around = np.concatenate([y[max(0, start - 14) : start], y[place : place + 14]])
            change = float(np.mean(y[start:place]) - np.median(around)) if len(around) else 0.0
            long = place - start
            share = min(noise.sd**2 / noise.long_run, 1.0 / long)
            clear = long >= _SHORT_RUN and change**2 > 2.0 * price * share
            taken = any(piece.start < place and start < piece.end for piece in pieces if not piece.lasting)
            if clear and not taken:
                found.append(Piece("temporary", start, place, change, len(around)))
            start = None
    return found


def _event(
    piece: Piece,
    expected: Floats,
    measured: Floats,
    days: pd.DatetimeIndex,
    noise: Noise,
    step: Interval,
    unit: str,
    period: str,
) -> Event:
    n = len(days)
    inside = slice(piece.start, piece.end)
    kind = piece.kind
    usual = float(np.mean(expected[inside]))
    if kind == "temporary" and usual > 0.0 and float(np.mean(measured[inside])) <= _OUTAGE_SHARE * usual:
        kind = "outage"
    count = piece.end - piece.start
    half = _T_90 * math.sqrt(noise.long_run * (1.0 / count + 1.0 / max(piece.around, 1)))
    # a found change is on the large side: one standard error less dates it more honestly
    clear = max(abs(piece.change) - half / _T_90, 0.5 * abs(piece.change))
    reach = min(n, math.ceil(_BAI_90 * noise.long_run / clear**2)) if clear else n
    if kind == "pattern":
        reach = min(reach, 7)  # the week itself dates it
    if kind in ("ramp", "drift"):
        reach = max(reach, (piece.end - piece.start) // 4)
    start, end = _day(days[piece.start]), _day(days[piece.end - 1])
    en, vi = words.event(kind, step.value, unit, start, end, piece.change, half)
    return Event(
        kind=kind,
        start=start,
        end=end,
        earliest=_day(days[max(0, piece.start - reach)]),
        latest=_day(days[min(n - 1, piece.start + reach)]),
        change=piece.change,
        half_width=half,
        intervals=count,
        share=piece.change / usual if usual > 0.0 else math.nan,
        unit=unit,
        interval=step.value,
        period=period,
        en=en,
        vi=vi,
    )


def _day(moment: pd.Timestamp) -> str:
    return moment.strftime("%Y-%m-%d")
