"""A thousand seeded ways a counter goes wrong: no wrong kWh, nearly all clean intervals kept, totals across gaps right."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from analysis.prepare import UNDETECTABLE, Exchange, counter_intervals

DRAWS = 1000


@dataclass
class Plant:
    """A meter's true amounts, and the rows that a logger wrote."""

    rng: np.random.Generator
    step_ns: int
    time: np.ndarray  # ns of the reading's true moment, in the order written
    stamp: np.ndarray  # ns as written
    register: np.ndarray  # the meter's face, true
    written: np.ndarray
    touched: np.ndarray  # rows that a glitch touched
    absent: np.ndarray  # rows that are not in the file at all
    options: dict = field(default_factory=dict)
    exchanges: list = field(default_factory=list)
    whole: str = ""
    broken: list = field(default_factory=list)  # (ns, ns): nobody can know what was used between

    def span(self, low: int, high: int) -> slice:
        n = int(self.rng.integers(low, high + 1))
        first = int(self.rng.integers(30, len(self.time) - n - 30))
        return slice(first, first + n)


def load(rng: np.random.Generator, n: int, per_day: int) -> np.ndarray:
    hour = np.arange(n) / per_day * 24 % 24
    day = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None)
    shape = int(rng.integers(4))
    noise = rng.random(n)
    if shape == 0:
        found = 4 + 20 * day + 6 * noise
    elif shape == 1:
        found = np.where(day > 0.05, 10 + 30 * noise, 0.0)  # nothing at night
    elif shape == 2:
        found = 15 + 5 * noise + np.where(rng.random(n) < 0.1, 20.0, 0.0)  # batches
    else:
        found = 8 * rng.gamma(3.0, 0.5, n) + 1
    return found * float(rng.choice([0.2, 1.0, 30.0]))


def plant(rng: np.random.Generator) -> Plant:
    minutes = int(rng.choice([15, 30, 60]))
    per_day = 24 * 60 // minutes
    n = per_day * int(rng.integers(10, 31))
    resolution = float(rng.choice([0.001, 0.01, 0.1]))
    face = float(rng.uniform(2e4, 3e5)) + np.concatenate(([0.0], np.cumsum(load(rng, n, per_day))))
    face = np.round(face / resolution) * resolution
    start = pd.Timestamp("2026-03-01", tz="Asia/Ho_Chi_Minh").as_unit("ns").value
    time = start + np.arange(n + 1) * minutes * 60 * 10**9
    return Plant(
        rng, minutes * 60 * 10**9, time, time.copy(), face, face.copy(), *np.zeros((2, n + 1), dtype=bool)
    )


def most(p: Plant) -> float:
    return float(np.diff(p.register).max())


def put(p: Plant, where: slice, values: object) -> None:
    trial = p.written.copy()
    trial[where] = values
    good = np.flatnonzero(np.isfinite(trial))
    around = good[(good >= where.start - 3) & (good < where.stop + 3)]
    step = np.diff(trial[around])
    # what rises as a meter may is the first of UNDETECTABLE
    if len(np.unique(trial[where])) > 1 or where.stop - where.start == 1:
        step = step % p.options.get("top", 1e5) if "rollover" in p.whole else step
        if np.isfinite(trial[where]).all() and (step >= 0).all() and (step <= 3 * most(p)).all():
            return
    p.written, p.touched[where] = trial, True


def single_zero(p: Plant) -> None:
    put(p, p.span(1, 1), 0.0)


def zeros(p: Plant) -> None:
    put(p, p.span(2, 60), 0.0)


def spike_up(p: Plant) -> None:
    where = p.span(1, 3)
    put(p, where, p.written[where] + most(p) * p.rng.uniform(5, 5000))


def spike_down(p: Plant) -> None:
    where = p.span(1, 3)
    put(p, where, p.written[where] * p.rng.uniform(0.02, 0.9))


def error_value(p: Plant) -> None:
    put(p, p.span(1, 30), float(p.rng.choice([65535.0, 4294967295.0, 9999999.0, -1.0, np.nan, 1e12])))


def shifted_digits(p: Plant) -> None:
    where = p.span(1, 2)
    put(p, where, p.written[where] * float(p.rng.choice([0.001, 0.1, 10.0, 1000.0])))


def other_register(p: Plant) -> None:
    where = p.span(2, 12)
    n = where.stop - where.start
    put(p, where, p.rng.uniform(100, 1e4) + np.cumsum(p.rng.random(n) * most(p)))


def stands_still(p: Plant) -> None:
    where = p.span(4, 60)
    amounts = np.diff(p.register)
    inside = amounts[where.start - 1 : where.stop]
    # seen where it catches up more than any interval holds; where zeros are usual a shorter one is undetectable
    if inside.sum() > 1.1 * amounts.max():
        put(p, where, p.written[where.start - 1])


def missing(p: Plant) -> None:
    where = p.span(1, 300 if len(p.time) > 700 else 60)
    if p.whole == "exchanged for a higher count" and any(
        p.time[where.start - 1] < end and begin < p.time[where.stop] for begin, end in p.broken
    ):
        return  # one of UNDETECTABLE
    put(p, where, np.nan)
    p.absent[where] = p.rng.random() < 0.7


def reset(p: Plant) -> None:
    where = p.span(1, 1).start
    base = p.written[where - 1]
    lost = p.rng.uniform(0, 0.9) * (p.register[where] - p.register[where - 1])
    p.written[where:] = np.where(
        np.isfinite(p.written[where:]), p.register[where:] - p.register[where - 1] - lost, np.nan
    )
    p.touched[where:] |= False
    p.broken.append((p.time[where - 1], p.time[where]))
    assert base > p.written[where]


def exchanged(p: Plant, told: bool, higher: bool) -> None:
    where = p.span(1, 1).start
    between = p.rng.uniform(0, 1) * (p.register[where] - p.register[where - 1])
    old_last = p.written[where - 1] + between
    new_first = old_last + most(p) * 200 if higher else float(p.rng.uniform(0, 50))
    p.written[where:] = new_first + (p.register[where:] - p.register[where - 1] - between)
    if told:
        off = pd.Timedelta(minutes=int(p.rng.integers(-20, 20)))
        moment = pd.Timestamp(int(p.time[where] - p.step_ns // 2), tz="UTC") + off
        p.exchanges.append(Exchange(moment, old_last, new_first))
    else:
        p.broken.append((p.time[where - 1], p.time[where]))


def rollover(p: Plant, told: bool) -> None:
    top = 100_000.0
    where = p.span(1, 1).start
    face = p.register - p.register[where] + top + 0.2 * (p.register[where] - p.register[where - 1])
    if face.min() > 0 and face.max() < 2 * top:
        p.written = np.where(face >= top, face - top, face)
        if told:
            p.options["top"] = top


def late_rows(p: Plant) -> None:
    where = p.span(1, 20)
    order = np.arange(len(p.time))
    moved = order[where]
    rest = np.delete(order, moved)
    at = min(where.start + int(p.rng.integers(1, 40)), len(rest))
    reorder(p, np.insert(rest, at, moved))


def shuffled(p: Plant) -> None:
    where = p.span(5, 30)
    order = np.arange(len(p.time))
    order[where] = p.rng.permutation(order[where])
    reorder(p, order)


def reorder(p: Plant, order: np.ndarray) -> None:
    for name in ("time", "stamp", "register", "written", "touched", "absent"):
        setattr(p, name, getattr(p, name)[order])


def again(p: Plant) -> None:
    where = p.span(1, 20)
    order = np.arange(len(p.time))
    reorder(p, np.insert(order, where.stop, order[where]))


def conflicting(p: Plant) -> None:
    where = p.span(1, 1).start
    order = np.arange(len(p.time))
    reorder(p, np.insert(order, where + 1, where))
    p.written[where + 1] += most(p) * p.rng.uniform(0.1, 50)
    p.touched[where : where + 2] = True


def clock_back(p: Plant) -> None:
    clock(p, -1)


def clock_ahead(p: Plant) -> None:
    clock(p, 1)


def clock(p: Plant, sign: int) -> None:
    where = p.span(6, 60)
    off = sign * int(p.rng.integers(2, 12)) * p.step_ns
    stamp = p.stamp.copy()
    stamp[where] += off
    # where a gap hides it no stamp goes back: one of UNDETECTABLE
    if (np.diff(stamp[~p.absent]) < 0).any():
        p.stamp, p.touched[where] = stamp, True


# what changes the whole register or the order of rows comes first and once; the rest are added to it
WHOLE = {
    "reset to zero": reset,
    "rollover, told": lambda p: rollover(p, True),
    "rollover, found": lambda p: rollover(p, False),
    "exchanged, told": lambda p: exchanged(p, True, False),
    "exchanged, not told": lambda p: exchanged(p, False, False),
    "exchanged for a higher count": lambda p: exchanged(p, False, True),
}
ORDER = {
    "late rows": late_rows,
    "rows in disorder": shuffled,
    "rows twice": again,
    "one time, two values": conflicting,
    "clock put back for a while": clock_back,
    "clock ahead for a while": clock_ahead,
}
PLACES = {
    "single zero": single_zero,
    "zeros for a while": zeros,
    "spike up": spike_up,
    "spike down": spike_down,
    "error value": error_value,
    "shifted digits": shifted_digits,
    "another register's values": other_register,
    "stands still and catches up": stands_still,
    "missing stretch": missing,
}


def draw(seed: int) -> tuple[Plant, list[str]]:
    rng = np.random.default_rng(seed)
    p = plant(rng)
    names = []
    for kinds, count in (
        (WHOLE, int(rng.integers(2))),
        (PLACES, int(rng.integers(1, 4))),
        (ORDER, int(rng.integers(2))),
    ):
        for name in rng.choice(list(kinds), size=count, replace=False):
            p.whole = str(name) if kinds is WHOLE else p.whole
            kinds[name](p)
            names.append(str(name))
    return p, names


def judge(p: Plant) -> dict[str, float]:
    index = (
        pd.DatetimeIndex(p.stamp.astype("datetime64[ns]")).tz_localize("UTC").tz_convert("Asia/Ho_Chi_Minh")
    )
    step = {15: "15min", 30: "30min", 60: "hour"}[p.step_ns // (60 * 10**9)]
    rows = pd.Series(p.written, index=index)[~p.absent]
    found = counter_intervals(rows, step, exchanges=p.exchanges, **p.options)
    order = np.argsort(p.time, kind="stable")
    when, first = np.unique(p.time[order], return_index=True)
    face = p.register[order][first]
    bad = np.zeros(len(when), dtype=bool)
    np.logical_or.at(bad, np.searchsorted(when, p.time), p.touched)
    truth = pd.Series(np.diff(face), index=when[:-1])
    clean = ~(bad[:-1] | bad[1:])
    for begin, end in p.broken:
        clean &= ~((when[:-1] >= begin) & (when[1:] <= end))
    got = pd.Series(found.frame["amount"].to_numpy(), index=found.frame.index.as_unit("ns").asi8).reindex(
        when[:-1]
    )
    tolerance = 1e-6 * max(1.0, float(face[-1] - face[0]))
    off = (got - truth).abs()
    wrong = float(off[off > tolerance].sum())
    at = dict(zip(when.tolist(), face.tolist(), strict=True))
    totals = 0.0
    for gap in found.gaps:
        if np.isfinite(gap.total):
            begin, end = (one.as_unit("ns").value for one in (gap.start, gap.end))
            true = at[end] - at[begin] if begin in at and end in at else np.nan
            totals += 0.0 if abs(gap.total - true) <= tolerance else abs(gap.total - true)
    return {
        "wrong": wrong, "clean": float(clean.sum()), "kept": float(got.notna().to_numpy()[clean].sum()),
        "totals": totals, "gaps": float(len(found.gaps)),
    }  # fmt: skip


@pytest.fixture(scope="module")
def draws() -> tuple[pd.DataFrame, Counter]:
    rows, names = [], Counter()
    for seed in range(DRAWS):
        p, used = draw(seed)
        rows.append({**judge(p), "names": " + ".join(used)})
        names.update(used)
    return pd.DataFrame(rows), names


def test_no_glitch_becomes_consumption(draws, figure):
    table, names = draws
    figure("counter glitches: draws with classes", f"{len(table)}, {len(names)}", "1000")
    figure("counter glitches: wrong kWh", float(table["wrong"].sum()), "0")
    assert set(names) == {*WHOLE, *ORDER, *PLACES}
    assert table["wrong"].sum() == 0, table[table["wrong"] > 0]


def test_clean_intervals_are_kept(draws, figure):
    table, _ = draws
    share = 100 * table["kept"].sum() / table["clean"].sum()
    figure("counter glitches: clean intervals kept, %", float(share), "≥ 99")
    assert share >= 99


def test_totals_across_gaps_are_conserved(draws, figure):
    table, _ = draws
    figure(
        "counter glitches: gaps, error of their totals",
        f"{int(table['gaps'].sum())}, {table['totals'].sum():g} kWh",
        "0 kWh",
    )
    assert table["totals"].sum() == 0, table[table["totals"] > 0]


def test_what_can_not_be_seen_is_named(figure):
    assert len(UNDETECTABLE) >= 4
    for number, text in enumerate(UNDETECTABLE, 1):
        figure(f"counter glitches: undetectable {number}", text)
