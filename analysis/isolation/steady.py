"""Finds the separated steady runs in a technician's samples, and says why the rest does not count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from analysis._frames import Floats, numbers
from analysis._tables import Row, table
from analysis.isolation import _words as words
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError, DataError

# a window is tried at every twentieth of its length, not at every sample of a fast log
_TRIES_PER_WINDOW = 20


@dataclass(frozen=True)
class Run:
    """One steady run: start and end, number of samples, mean of each channel, largest distance from it."""

    start: pd.Timestamp
    end: pd.Timestamp
    samples: int
    means: Mapping[str, float]
    moved: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class SteadyRuns:
    """The separated runs of one test, and what of it did not count, with reasons."""

    kind: str
    runs: tuple[Run, ...]
    refused: tuple[Finding, ...] = ()
    findings: tuple[Finding, ...] = ()


def steady_rules(kind: str) -> Row:
    """The numbers of a steady state for "boiler", "compressor", "pump" or "fan" (tables/steady_state.toml)."""
    rows = {str(row["kind"]): row for row in table("steady_state")}
    if kind not in rows:
        raise ConfigError(
            f'there is no steady state of a "{kind}".', todo=f"Choose one of: {', '.join(rows)}."
        )
    return rows[kind]


def steady_runs(frame: pd.DataFrame, kind: str, *, rules: Row | None = None) -> SteadyRuns | Refusal:
    """The separated steady runs of a test.

    frame: one row a sample, DatetimeIndex in order; columns: the channels of the kind (boiler: o2_pct,
    t_flue_c, load; compressor: power_kw, flow_nm3_min, pressure_bar if any; pump, fan: power_kw,
    flow_m3_h), other numbers (averaged along), and optionally `run` (the technician's own mark: then at
    most one run a mark). A run is the first window (boiler: 10 minutes) in which every channel stays
    within its band around its mean; the next begins no sooner than the separation after it, so that
    samples seconds apart never count as two. Rows with a missing channel are left out.
    Refused when a channel is missing; raises DataError for a frame without times in order.
    Source of the numbers: tables/steady_state.toml, or `rules` (a row of a table of the plant's own).
    """
    rules = steady_rules(kind) if rules is None else rules
    bands = [
        band for band in rules["bands"] if not (band.get("optional") and band["channel"] not in frame.columns)
    ]
    for band in bands:
        if band["channel"] not in frame.columns:
            return words.refuse_channel(str(band["channel"]), kind)
    index = _times(frame)
    # rows without a mark are one more mark
    marks = pd.factorize(frame["run"])[0] if "run" in frame.columns else None
    columns = _columns(frame, [str(band["channel"]) for band in bands])
    keep = np.ones(len(frame), dtype=np.bool_)
    for band in bands:
        keep &= np.isfinite(columns[str(band["channel"])])
    if not keep.any():
        return SteadyRuns(kind, ())
    minutes = (index.as_unit("ns").asi8[keep] - index.as_unit("ns").asi8[0]) / 60e9
    columns = {name: values[keep] for name, values in columns.items()}
    stamps = index[keep]
    cuts = np.diff(minutes) > float(rules["gap_min"])
    if marks is not None:
        cuts |= np.diff(marks[keep]) != 0
    edges = [0, *(np.flatnonzero(cuts) + 1).tolist(), len(minutes)]
    runs: list[Run] = []
    refused: list[Finding] = []
    last = -np.inf
    for low, high in pairwise(edges):
        found, why = _stretch(minutes, columns, stamps, (low, high), rules, bands, last, marks is not None)
        runs += found
        if found:
            last = (found[-1].end - index[0]).total_seconds() / 60.0
        elif why is not None:
            refused.append(why)
    return SteadyRuns(kind, tuple(runs), tuple(refused))


def runs_from_rows(frame: pd.DataFrame, kind: str) -> SteadyRuns | Refusal:
    """Runs written down by hand: one row a run (its time as index), one figure a channel.

    Rows closer together than the separation are one run (averaged); that the plant was steady can't be
    seen and is said so (`steady_not_shown`).
    """
    rules = steady_rules(kind)
    channels = [str(band["channel"]) for band in rules["bands"] if not band.get("optional")]
    for channel in channels:
        if channel not in frame.columns:
            return words.refuse_channel(channel, kind)
    index = _times(frame)
    columns = _columns(frame, channels)
    keep = np.flatnonzero(np.all([np.isfinite(columns[channel]) for channel in channels], axis=0))
    groups: list[list[int]] = []
    separation = pd.Timedelta(minutes=float(rules["separation_min"]))
    for row in keep.tolist():
        if groups and index[row] - index[groups[-1][-1]] < separation:
            groups[-1].append(row)
        else:
            groups.append([row])
    refused: list[Finding] = []
    runs: list[Run] = []
    limit = rules.get("o2_max_pct")
    for group in groups:
        means = {name: float(np.mean(values[group])) for name, values in columns.items()}
        start = _text(index[group[0]])
        if limit is not None and means["o2_pct"] > float(limit):
            refused.append(words.too_much_oxygen(start, means["o2_pct"], float(limit)))
        elif means[str(rules["load"])] <= 0.0:
            refused.append(words.not_running(start, str(rules["load"])))
        else:
            runs.append(Run(index[group[0]], index[group[-1]], len(group), means))
    return SteadyRuns(kind, tuple(runs), tuple(refused), (words.steady_not_shown(kind),))


def _times(frame: pd.DataFrame) -> pd.DatetimeIndex:
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError("the samples have no times as their index.", todo="Give a DatetimeIndex.")
    if index.hasnans or not index.is_monotonic_increasing or not index.is_unique:
        raise DataError("the samples are not in order of time, or a time is missing or there twice.")
    return index


def _columns(frame: pd.DataFrame, needed: list[str]) -> dict[str, Floats]:
    """The needed channels, which must be numbers, and all others that are; notes and names are passed over."""
    found = {name: numbers(frame, name) for name in needed}
    for name in frame.columns:
        if name != "run" and name not in found and frame[name].dtype.kind in "fiub":
            found[str(name)] = numbers(frame, str(name))
    return found


def _text(moment: pd.Timestamp) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")


def _band(band: Mapping[str, Any], mean: float) -> float:
    return float(band["band"]) if "band" in band else float(band["band_pct"]) / 100.0 * abs(mean)


def _stretch(
    minutes: Floats,
    columns: Mapping[str, Floats],
    stamps: pd.DatetimeIndex,
    edges: tuple[int, int],
    rules: Row,
    bands: list[Mapping[str, Any]],
    last: float,
    marked: bool,
) -> tuple[list[Run], Finding | None]:
    """The runs within one stretch without gaps, or the best reason why there is none."""
    low, high = edges
    t = minutes[low:high]
    window, separation = float(rules["window_min"]), float(rules["separation_min"])
    step = float(np.median(np.diff(t))) if len(t) > 1 else 0.0
    # each sample speaks for one step: ten samples a minute apart cover ten minutes
    covered = t[-1] - t[0] + step
    start = _text(stamps[low])
    if covered < window - 1e-6:
        return [], words.stretch_short(start, float(covered), window)
    earliest = last + separation
    if t[-1] + step - window < earliest - 1e-6:
        return [], words.too_close(start, float(max(t[0] - last, 0.0)), separation)
    runs: list[Run] = []
    best: tuple[float, Finding] | None = None
    place = int(np.searchsorted(t, earliest - 1e-6))
    while place < len(t) and t[place] + window <= t[-1] + step + 1e-6:
        end = int(np.searchsorted(t, t[place] + window - step + 1e-6, side="right"))
        run, excess, why = _window(columns, stamps, (low + place, low + end), rules, bands)
        if run is not None:
            runs.append(run)
            if marked:
                break
            place = int(np.searchsorted(t, t[end - 1] + separation - 1e-6))
            continue
        if why is not None and (best is None or excess < best[0]):
            best = (excess, why)
        place = max(place + 1, int(np.searchsorted(t, t[place] + window / _TRIES_PER_WINDOW - 1e-6)))
    return runs, best[1] if best is not None else None


def _window(
    columns: Mapping[str, Floats],
    stamps: pd.DatetimeIndex,
    edges: tuple[int, int],
    rules: Row,
    bands: list[Mapping[str, Any]],
) -> tuple[Run | None, float, Finding | None]:
    low, high = edges
    start = _text(stamps[low])
    if high - low < int(rules["samples"]):
        return None, np.inf, words.few_samples(start, high - low, int(rules["samples"]))
    means = {name: float(_mean(values[low:high])) for name, values in columns.items()}
    if means[str(rules["load"])] <= 0.0:
        return None, 1e9, words.not_running(start, str(rules["load"]))
    limit = rules.get("o2_max_pct")
    if limit is not None and means["o2_pct"] > float(limit):
        return None, 1e8, words.too_much_oxygen(start, means["o2_pct"], float(limit))
    moved: dict[str, float] = {}
    worst, which = 0.0, bands[0]
    for band in bands:
        name = str(band["channel"])
        moved[name] = float(np.max(np.abs(columns[name][low:high] - means[name])))
        ratio = moved[name] / max(_band(band, means[name]), 1e-12)
        if ratio > worst:
            worst, which = ratio, band
    if worst > 1.0 + 1e-9:
        name = str(which["channel"])
        return None, worst, words.unsteady(start, name, moved[name], _band(which, means[name]))
    return Run(stamps[low], stamps[high - 1], high - low, means, moved), 0.0, None


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.mean(known)) if len(known) else float("nan")
