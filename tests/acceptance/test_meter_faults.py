"""Faults as real meters, links and loggers make them, on both ways (a file, the store): no wrong kWh or m³."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from analysis.prepare import Exchange, counter_intervals
from dodac.quantities import Kind
from store._exchanges import Break
from store._intervals import per_step

DRAWS = 300
SOAK = 3000
MINUTE = 60 * 10**9
STEPS = {1: "15min", 15: "15min", 60: "hour", 1440: "day"}
START = pd.Timestamp("2026-03-02", tz="Asia/Ho_Chi_Minh").as_unit("ns").value


@dataclass
class Case:
    """Readings as written, and what was true: `face` never rolls over, `time` is the clock of the world."""

    rng: np.random.Generator
    minutes: int
    resolution: float
    time: np.ndarray
    face: np.ndarray
    stamp: np.ndarray
    written: np.ndarray
    touched: np.ndarray
    there: np.ndarray
    names: list[str] = field(default_factory=list)
    unknown: list[tuple[int, int]] = field(default_factory=list)  # nobody can know what was used
    top: float | None = None
    told_top: bool = False
    swaps: list[tuple[int, float, float]] = field(default_factory=list)

    @property
    def most(self) -> float:
        return float(np.diff(self.face).max())

    def place(self, length: int = 1, edge: int = 24) -> slice:
        first = int(self.rng.integers(edge, len(self.time) - length - edge))
        return slice(first, first + length)


def use(rng: np.random.Generator, n: int, minutes: int) -> np.ndarray:
    """What is used between readings: offices, shifts, pumps, dwellings, a well that stands still for days."""
    day = np.arange(n) * minutes / 1440
    hour = day * 24 % 24
    kind = int(rng.integers(6))
    noise = rng.gamma(4.0, 0.25, n)
    if minutes == 1440:
        found = (20 + 8 * np.sin(day / 58)) * noise * np.where(np.floor(day) % 7 >= 5, rng.uniform(0, 1), 1)
    elif kind == 0:
        found = 3 + 12 * ((hour > 7) & (hour < 18)) * noise
    elif kind == 1:
        found = np.where((hour > 6) & (hour < 22) & (np.floor(day) % 7 < 6), 20 * noise, 0.4)
    elif kind == 2:
        found = np.where(rng.random(n) < 0.12, np.ceil(rng.exponential(4.0, n)), 0.0)  # draws of water
    elif kind == 3:
        found = np.where((np.floor(day) + 5) % 9 < 4, 0.0, 2 * noise)  # stands still for days
    elif kind == 4:
        found = np.where(np.sin(np.arange(n) / 5) > 0, 9.0, 0.2) * (0.9 + 0.2 * rng.random(n))
    else:
        found = 0.05 + rng.exponential(1.0, n)
    return found * float(rng.choice([0.05, 1.0, 40.0])) * minutes / 15


def case(rng: np.random.Generator) -> Case:
    minutes = int(rng.choice([1, 15, 15, 60, 60, 1440]))
    n = {1: 2000, 15: 96 * 14, 60: 24 * 35, 1440: 330}[minutes] + int(rng.integers(100))
    used = use(rng, n, minutes)
    resolution = float(rng.choice([0.001, 0.01, 0.1, 1.0]))
    while resolution > 0.3 * used[used > 0].mean():
        resolution /= 10
    digits = int(rng.integers(3, 7))
    start = float(rng.uniform(0.05, 1.0)) * 10.0**digits * max(1.0, used.mean())
    raw = np.floor((start + np.concatenate(([0.0], np.cumsum(used)))) / resolution)
    face = raw * resolution
    time = START + np.arange(n + 1) * minutes * MINUTE
    return Case(
        rng,
        minutes,
        resolution,
        time,
        face,
        time.copy(),
        face.copy(),
        *np.zeros((1, n + 1), bool),
        np.ones(n + 1, bool),
    )


def put(c: Case, where: slice, values: object, name: str) -> None:
    """Writes wrong readings, unless they could be right (the first of UNDETECTABLE)."""
    trial = c.written.copy()
    trial[where] = values
    off = np.abs(trial[where] - c.written[where])
    good = np.isfinite(trial[where])
    if not good.all() or (off > 3 * c.resolution).any():
        before, after = c.written[where.start - 1], c.written[where.stop]
        inside = trial[where]
        chain = np.diff(np.concatenate(([before], inside[good], [after])))
        rises = len(chain) > 1 and bool((chain >= -2 * c.resolution).all()) and chain.max() <= 3.3 * c.most
        stands = good.all() and len(np.unique(inside)) == 1 and inside[0] == before
        if rises and not stands:
            return
        c.written, c.touched[where] = trial, True
        c.names.append(name)


# on the whole register


def rollover(c: Case) -> None:
    counts = c.face / c.resolution
    top = float(c.rng.choice([10.0**5, 10.0**6, 2.0**16, 2.0**24, 2.0**32]))
    at = c.place(1, 60).start
    while c.face[at] == c.face[at - 1] and at < len(c.face) - 60:
        at += 1
    step = counts[at] - counts[at - 1]
    if step < 1 or counts[-1] - counts[0] > 0.8 * top or step > 0.02 * top:
        return
    shifted = counts - counts[at] + top + int(c.rng.integers(0, max(int(step), 1)))
    if shifted[0] < 0:
        return
    c.face = shifted * c.resolution
    c.written = np.where(shifted >= top, shifted - top, shifted) * c.resolution
    c.top = top * c.resolution
    c.told_top = bool(c.rng.random() < 0.7)
    c.names.append("rollover")


def float32(c: Case) -> None:
    c.written = c.written.astype(np.float32).astype(np.float64)
    c.face = c.written.copy()
    c.resolution = max(c.resolution, float(np.spacing(np.float32(c.face.max()))))
    c.names.append("float32")


def reset(c: Case) -> None:
    at = c.place(1, 60).start
    c.written[at:] = c.face[at:] - c.face[at - 1]
    lost(c, at, "reset to 0")


def restored(c: Case) -> None:
    at, back = c.place(1, 90).start, int(c.rng.integers(5, 60))
    if c.face[at - 1] - c.face[at - 1 - back] > 3 * c.resolution:
        c.written[at:] = c.face[at:] - c.face[at - 1] + c.face[at - 1 - back]
        lost(c, at, "reset to an old count")


def exchange(c: Case) -> None:
    at = c.place(1, 60).start
    new = float(np.round(c.rng.uniform(0, 2000))) * c.resolution
    if abs(new - c.face[at - 1]) <= 20 * c.most:
        return
    c.written[at:] = c.face[at:] - c.face[at - 1] + new
    if c.rng.random() < 0.5:
        moment = int(c.time[at - 1] + (c.time[at] - c.time[at - 1]) * c.rng.random())
        c.swaps.append((moment, float(c.face[at - 1]), new))
        c.names.append("exchange, told")
    else:
        lost(c, at, "exchange")


def unit(c: Case) -> None:
    """From one telegram on Wh for kWh, or m³ for litres, and back some time later."""
    where = c.place(int(c.rng.integers(1, len(c.time) // 5)), 40)
    # where the count itself is small nothing can be told: one of UNDETECTABLE
    if c.written[where].min() > 80 * c.most:
        put(c, where, c.written[where] * float(c.rng.choice([0.001, 1000.0])), "unit")


def coarse(c: Case) -> None:
    at = c.place(1, 60).start
    coarser = c.resolution * 10
    if c.most > 6 * coarser:
        c.written[at:] = np.floor(c.written[at:] / coarser + 1e-9) * coarser
        c.face[at:] = np.floor(c.face[at:] / coarser + 1e-9) * coarser
        c.resolution = coarser
        c.names.append("resolution")


def lost(c: Case, at: int, name: str) -> None:
    c.unknown.append((int(c.time[at - 1]), int(c.time[at])))
    c.names.append(name)


# on some readings


def digit(c: Case) -> None:
    where = c.place()
    counts = f"{c.written[where][0] / c.resolution:.0f}"
    k = int(c.rng.integers(len(counts)))
    wrong = counts[:k] + str(c.rng.integers(10)) + counts[k + 1 :]
    put(c, where, float(wrong) * c.resolution, "digit")


def decimals(c: Case) -> None:
    where = c.place(int(c.rng.integers(1, 4)))
    put(c, where, c.written[where] * 10.0 ** int(c.rng.choice([-3, -2, -1, 1, 2, 3])), "decimal point")


def words_swapped(c: Case) -> None:
    where = c.place(int(c.rng.integers(1, 8)))
    counts = np.round(c.written[where] / c.resolution).astype(np.int64) % 2**32
    put(c, where, ((counts % 65536) * 65536 + counts // 65536) * c.resolution, "words swapped")


def torn(c: Case) -> None:
    where = c.place()
    put(c, where, c.written[where] + float(c.rng.choice([-1, 1])) * 65536 * c.resolution, "torn read")


def spike(c: Case) -> None:
    where = c.place(int(c.rng.integers(1, 3)))
    put(c, where, np.abs(c.written[where] + c.rng.normal() * c.most * 10 ** c.rng.uniform(0.7, 3)), "spike")


def error(c: Case) -> None:
    where = c.place(int(c.rng.integers(1, 40)))
    wrong = c.rng.choice([0.0, 2.0**31 - 1, 2.0**32 - 1, 65535.0, -1.0, 9.99e9])
    put(c, where, float(wrong) * (c.resolution if c.rng.random() < 0.5 else 1.0), "error value")


def stuck(c: Case) -> None:
    where = c.place(int(c.rng.integers(3, 80)))
    inside = np.diff(c.face)[where.start - 1 : where.stop]
    # what it catches up must be more than an interval ever holds: else the third of UNDETECTABLE
    if inside.sum() > 1.6 * c.most:
        put(c, where, c.written[where.start - 1], "stuck")


def stale(c: Case) -> None:
    where = c.place(int(c.rng.integers(1, 5)), 90)
    back = int(c.rng.integers(where.stop - where.start + 1, 80))
    put(c, where, c.written[where.start - back : where.stop - back], "stale telegrams")


def missing(c: Case) -> None:
    longest = {1: 400, 15: 400, 60: 168, 1440: 21}[c.minutes]
    where = c.place(int(c.rng.integers(1, longest)))
    if any(c.time[where.start - 1] < b and a < c.time[where.stop] for a, b in c.unknown):
        return
    c.there[where] = False
    c.names.append("gap")


# on the rows


def again(c: Case) -> None:
    where = c.place(int(c.rng.integers(1, 30)))
    order = np.arange(len(c.time))
    _order(c, np.insert(order, where.stop + int(c.rng.integers(0, 20)), order[where]), "rows twice")


def late(c: Case) -> None:
    where = c.place(int(c.rng.integers(1, 30)))
    order = np.arange(len(c.time))
    at = min(where.start + int(c.rng.integers(1, 60)), len(order) - 31)
    _order(c, np.insert(np.delete(order, order[where]), at, c.rng.permutation(order[where])), "late rows")


def _order(c: Case, order: np.ndarray, name: str) -> None:
    for one in ("time", "stamp", "face", "written", "touched", "there"):
        setattr(c, one, getattr(c, one)[order])
    c.names.append(name)


def clock(c: Case) -> None:
    where = c.place(int(c.rng.integers(6, 60)))
    stamp = c.stamp.copy()
    stamp[where] += int(c.rng.choice([-1, 1])) * max(60, c.minutes) * int(c.rng.integers(1, 5)) * MINUTE
    moves = np.diff(c.face)[where.start - 1 : where.stop] > 0
    if c.there[where.start - 3 : where.stop + 3].all() and moves.mean() > 0.9 and (np.diff(stamp) < 0).any():
        c.stamp, c.touched[where] = stamp, True
        c.names.append("clock")


WHOLE = (rollover, float32, reset, restored, exchange, coarse)
PLACES = (digit, decimals, words_swapped, torn, spike, error, stuck, stale, missing, missing, unit)
ROWS = (again, late, clock)


def draw(seed: int, rows: tuple = ROWS) -> Case:
    rng = np.random.default_rng([20261122, seed])
    c = case(rng)
    for kinds, most in ((WHOLE, 2), (PLACES, 6), (rows, 2)):
        for number in rng.choice(len(kinds), size=int(rng.integers(most)), replace=False).tolist():
            kinds[number](c)
    return c


def by_file(c: Case) -> tuple[pd.Series, list]:
    index = (
        pd.DatetimeIndex(c.stamp.astype("datetime64[ns]")).tz_localize("UTC").tz_convert("Asia/Ho_Chi_Minh")
    )
    rows = pd.Series(c.written, index=index)[c.there]
    told = [Exchange(pd.Timestamp(at, tz="UTC"), old, new) for at, old, new in c.swaps]
    found = counter_intervals(rows, STEPS[c.minutes], exchanges=told, top=c.top if c.told_top else None)
    got = pd.Series(found.frame["amount"].to_numpy(), index=found.frame.index.as_unit("ns").asi8)
    return got, [(g.start.as_unit("ns").value, g.end.as_unit("ns").value, g.total) for g in found.gaps]


def by_store(c: Case) -> tuple[pd.Series, list]:
    """As the journal gives them: in order of time, of one moment the first."""
    good = c.there & np.isfinite(c.written)
    stamp, value = c.stamp[good], c.written[good]
    when, first = np.unique(stamp, return_index=True)
    length = max(c.minutes, 15) * MINUTE
    edges = np.arange(START, when[-1] + length, length)
    told = [Break(at, old, new) for at, old, new in c.swaps]
    spans = np.zeros(len(when), np.int64)
    amount, share = per_step(Kind.COUNTER, when, spans, value[first], edges, START, int(edges[-1]), told)
    return pd.Series(np.where(share >= 0.999, amount, np.nan), index=edges[:-1]), []


def judge(c: Case, way) -> dict:
    got, gaps = way(c)
    order = np.argsort(c.time, kind="stable")
    when, first = np.unique(c.time[order], return_index=True)
    face = c.face[order][first]
    bad = np.zeros(len(when), bool)
    np.logical_or.at(bad, np.searchsorted(when, c.time), c.touched | ~c.there)
    every = 15 if c.minutes == 1 else 1
    truth = pd.Series(np.diff(face[::every]), index=when[::every][: len(face[::every]) - 1])
    clean = ~np.logical_or.reduce(
        [np.roll(bad, -k)[: len(bad) - every][::every][: len(truth)] for k in range(every + 1)]
    )
    for begin, end in c.unknown:
        clean &= ~((truth.index < end) & (truth.index + every * c.minutes * MINUTE > begin))
    got = got.reindex(truth.index)
    tolerance = 2.5 * c.resolution + 1e-6
    off = (got - truth).abs()
    at = dict(zip(when.tolist(), face.tolist(), strict=True))
    totals = sum(
        abs(total - (at[end] - at[begin])) > tolerance
        for begin, end, total in gaps
        if np.isfinite(total)
        and begin in at
        and end in at
        # an exchange that nobody told, inside a gap: one of UNDETECTABLE
        and not any(begin < after and before < end for before, after in c.unknown)
    )
    return {
        "wrong": int((off > tolerance).sum()), "kwh": float(off[off > tolerance].sum()), "clean": int(clean.sum()),
        "kept": int(got.notna().to_numpy()[clean].sum()), "totals": int(totals), "names": ", ".join(c.names),
        "minutes": c.minutes,
    }  # fmt: skip


def table(first: int, draws: int, way) -> pd.DataFrame:
    # a store gives readings in order of time: a clock that was wrong is one of UNDETECTABLE there
    rows = ROWS if way is by_file else ROWS[:2]
    return pd.DataFrame(
        [{**judge(draw(seed, rows), way), "seed": seed} for seed in range(first, first + draws)]
    )


@pytest.fixture(scope="module", params=[by_file, by_store], ids=["file", "store"])
def found(request) -> tuple[str, pd.DataFrame]:
    return request.param.__name__[3:], table(0, DRAWS, request.param)


def test_no_fault_of_a_meter_becomes_consumption(found, figure):
    name, draws = found
    kept = 100 * draws["kept"].sum() / draws["clean"].sum()
    figure(
        f"meter faults, {name}: wrong intervals, totals, kept %",
        f"{draws['wrong'].sum()}, {draws['totals'].sum()}, {kept:.3f}",
        "0, 0, ≥ 99",
    )
    assert draws["wrong"].sum() == 0, draws[draws["wrong"] > 0]
    assert draws["totals"].sum() == 0, draws[draws["totals"] > 0]
    assert kept >= 99


def test_every_fault_was_tried():
    names = Counter(name for seed in range(DRAWS) for name in draw(seed).names)
    assert len(names) >= 20, names


@pytest.mark.soak
@pytest.mark.parametrize("way", [by_file, by_store])
def test_in_thousands_of_draws_at_most_one_in_100_has_a_wrong_amount(way):
    """What remains are faults that coincide so that they look like consumption: the classes of UNDETECTABLE."""
    draws = table(100_000, SOAK, way)
    assert (draws["wrong"] > 0).sum() <= SOAK / 100, draws[draws["wrong"] > 0]
    assert draws["kept"].sum() / draws["clean"].sum() >= 0.98
