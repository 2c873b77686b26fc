"""Finds the separated steady runs in a technician's samples, and says why the rest does not count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from analysis._frames import Floats
from analysis._tables import Row, table
from analysis.isolation import _steady_words as words
from analysis.isolation._samples import Samples, columns_of, samples_of, times_of
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError

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
    samples seconds apart never count as two. Samples faster than `average_s` (10 s, faster than any cell
    answers) are averaged over it first. Rows with a missing channel are left out; readings that are
    those of an earlier run to the last digit are a copy and don't count.
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
    index = times_of(frame)
    # rows without a mark are one more mark
    marks = pd.factorize(frame["run"])[0] if "run" in frame.columns else None
    needed = [str(band["channel"]) for band in bands]
    columns = columns_of(frame, needed)
    keep = np.ones(len(frame), dtype=np.bool_)
    for name in needed:
        keep &= np.isfinite(columns[name])
    if not keep.any():
        return SteadyRuns(kind, ())
    samples = samples_of(
        index, columns, keep, marks, float(rules["gap_min"]), float(rules.get("average_s", 0.0))
    )
    runs: list[Run] = []
    refused: list[Finding] = []
    notes: list[Finding] = []
    seen: dict[bytes, str] = {}
    last = -np.inf
    for low, high in pairwise(samples.edges):
        found, why = _stretch(samples, (low, high), rules, bands, last, marks is not None)
        for start, end, run in found:
            last = float(samples.last_min[end - 1])
            copy = _same_as(samples, (start, end), needed, seen)
            if copy is not None:
                refused.append(words.copied(_text(run.start), copy))
                continue
            notes += _doubts(samples, (start, end), run, needed)
            runs.append(run)
        if not found and why is not None:
            refused.append(why)
    return SteadyRuns(kind, tuple(runs), tuple(refused), tuple(notes))


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
    index = times_of(frame)
    columns = columns_of(frame, channels)
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
    for group in groups:
        means = {name: float(np.mean(values[group])) for name, values in columns.items()}
        start = _text(index[group[0]])
        outside = _outside(start, means, rules)
        if outside is not None:
            refused.append(outside)
        else:
            runs.append(Run(index[group[0]], index[group[-1]], len(group), means))
    return SteadyRuns(kind, tuple(runs), tuple(refused), (words.steady_not_shown(kind),))


def _text(moment: pd.Timestamp) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")


def _band(band: Mapping[str, Any], mean: float) -> float:
    return float(band["band"]) if "band" in band else float(band["band_pct"]) / 100.0 * abs(mean)


def _stretch(
    samples: Samples,
    edges: tuple[int, int],
    rules: Row,
    bands: list[Mapping[str, Any]],
    last: float,
    marked: bool,
) -> tuple[list[tuple[int, int, Run]], Finding | None]:
    """The runs (with their places) within one stretch without gaps, or the best reason why there is none."""
    low, high = edges
    t, ends = samples.first_min[low:high], samples.last_min[low:high]
    window, separation = float(rules["window_min"]), float(rules["separation_min"])
    step = float(np.median(np.diff(t))) if len(t) > 1 else 0.0
    # each sample speaks for one step: ten samples a minute apart cover ten minutes
    covered = t[-1] - t[0] + step
    start = _text(samples.first[low])
    if covered < window - 1e-6:
        return [], words.stretch_short(start, float(covered), window)
    earliest = last + separation
    if t[-1] + step - window < earliest - 1e-6:
        return [], words.too_close(start, float(max(t[0] - last, 0.0)), separation)
    runs: list[tuple[int, int, Run]] = []
    best: tuple[float, Finding] | None = None
    place = int(np.searchsorted(t, earliest - 1e-6))
    while place < len(t) and t[place] + window <= t[-1] + step + 1e-6:
        end = int(np.searchsorted(t, t[place] + window - step + 1e-6, side="right"))
        run, excess, why = _window(samples, (low + place, low + end), rules, bands)
        if run is not None:
            runs.append((low + place, low + end, run))
            if marked:
                break
            place = int(np.searchsorted(t, ends[end - 1] + separation - 1e-6))
            continue
        if why is not None and (best is None or excess < best[0]):
            best = (excess, why)
        place = max(place + 1, int(np.searchsorted(t, t[place] + window / _TRIES_PER_WINDOW - 1e-6)))
    return runs, best[1] if best is not None else None


def _window(
    samples: Samples, edges: tuple[int, int], rules: Row, bands: list[Mapping[str, Any]]
) -> tuple[Run | None, float, Finding | None]:
    low, high = edges
    start = _text(samples.first[low])
    if high - low < int(rules["samples"]):
        return None, np.inf, words.few_samples(start, high - low, int(rules["samples"]))
    means = {
        name: _mean(values[low:high], samples.known[name][low:high])
        for name, values in samples.columns.items()
    }
    refusal = _outside(start, means, rules)
    if refusal is not None:
        return None, 1e9, refusal
    moved: dict[str, float] = {}
    worst, which = 0.0, bands[0]
    for band in bands:
        name = str(band["channel"])
        moved[name] = float(np.max(np.abs(samples.columns[name][low:high] - means[name])))
        ratio = moved[name] / max(_band(band, means[name]), 1e-12)
        if ratio > worst:
            worst, which = ratio, band
    if worst > 1.0 + 1e-9:
        name = str(which["channel"])
        return None, worst, words.unsteady(start, name, moved[name], _band(which, means[name]))
    readings = int(np.sum(samples.count[low:high]))
    return Run(samples.first[low], samples.last[high - 1], readings, means, moved), 0.0, None


def _outside(start: str, means: Mapping[str, float], rules: Row) -> Finding | None:
    """Why these means can't be those of a machine at load, if they can't."""
    if means[str(rules["load"])] <= 0.0:
        return words.not_running(start, str(rules["load"]))
    if "o2_max_pct" in rules and means["o2_pct"] > float(rules["o2_max_pct"]):
        return words.too_much_oxygen(start, means["o2_pct"], float(rules["o2_max_pct"]))
    if "o2_min_pct" in rules and means["o2_pct"] < float(rules["o2_min_pct"]):
        return words.too_little_oxygen(start, means["o2_pct"], float(rules["o2_min_pct"]))
    return None


def _same_as(
    samples: Samples, edges: tuple[int, int], needed: list[str], seen: dict[bytes, str]
) -> str | None:
    """The start of an earlier run with these very readings (None too when nothing moves: no proof of copying)."""
    low, high = edges
    table = np.stack([samples.columns[name][low:high] for name in needed])
    if float(np.max(np.ptp(table, axis=1))) == 0.0:
        return None
    key = table.tobytes()
    earlier = seen.get(key)
    seen.setdefault(key, _text(samples.first[low]))
    return earlier


def _doubts(samples: Samples, edges: tuple[int, int], run: Run, needed: list[str]) -> list[Finding]:
    """What is odd about a run that counts: nothing moves in it, or a further channel was read in part of it."""
    low, high = edges
    start, notes = _text(run.start), []
    if all(run.moved[name] == 0.0 for name in needed):
        notes.append(words.frozen(start, run.samples))
    for name, known in samples.known.items():
        read = int(np.sum(known[low:high]))
        if 0 < read < run.samples:
            notes.append(words.partly_read(start, name, read, run.samples))
    return notes


def _mean(values: Floats, weights: Floats) -> float:
    total = float(np.sum(weights))
    return float(np.sum(np.where(weights > 0, values, 0.0) * weights) / total) if total else float("nan")
