"""A meter, its link and its logger simulated telegram by telegram, each with faults of its own: no wrong amounts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from analysis.prepare import counter_intervals
from dodac.quantities import Kind
from store._intervals import per_step

DRAWS, SOAK = 200, 3000
MINUTE = 60 * 10**9
START = (
    pd.Timestamp("2025-10-20", tz="Europe/Berlin").as_unit("ns").value
)  # the week in which summer time ends
RATES = {
    "no answer": 0.8, "outage": 0.7, "error code": 0.5, "bits flipped": 0.6, "another slave answers": 0.4,
    "old telegram": 0.5, "display held": 0.4, "half written": 0.5, "sent twice": 0.8, "sent late": 0.5,
    "meter restarts from 0": 0.25, "meter restarts from its memory": 0.25, "meter exchanged": 0.25,
    "logger restarts at 0 for a while": 0.3,
}  # fmt: skip
"""Faults a draw on average."""


@dataclass
class Stream:
    """Telegrams as they arrived, and what was true."""

    minutes: int
    pulse: float
    used: np.ndarray  # pulses per step
    rows: list[tuple[int, float]] = field(default_factory=list)  # (number of the true moment, value)
    wrong: set[int] = field(
        default_factory=set
    )  # numbers of telegrams that are not what the meter counted then
    unknown: set[int] = field(default_factory=set)  # steps in which nobody knows what was used
    names: list[str] = field(default_factory=list)


def pulses(rng: np.random.Generator, n: int, minutes: int) -> np.ndarray:
    """Integer pulses a step: heat pump, solar export (nothing at night), tap, compressor, base load."""
    hour = np.arange(n) * minutes / 60 % 24
    mean = float(rng.choice([4.0, 40.0, 900.0])) * max(1.0, minutes / 60)
    kind = int(rng.integers(5))
    level = [
        np.full(n, 1.0), np.clip(np.sin((hour - 7) / 11 * np.pi), 0, None) * (hour > 7) * (hour < 18),
        (rng.random(n) < 0.15) * rng.exponential(3.0, n), 0.3 + (np.sin(np.arange(n) / 7) > 0.2),
        0.5 + ((hour > 5) & (hour < 21)),
    ][kind if minutes < 1440 else 4]  # fmt: skip
    return rng.poisson(mean * level).astype(np.int64)


def stream(seed: int) -> Stream:
    rng = np.random.default_rng([77, seed])
    minutes = int(rng.choice([15, 15, 30, 60, 1440]))
    n = {15: 1344, 30: 1000, 60: 840, 1440: 365}[minutes]
    used = pulses(rng, n, minutes)
    s = Stream(minutes, float(rng.choice([0.001, 0.01, 0.1, 1.0])), used)
    most = int(used.max())
    count = int(rng.integers(60 * most, 4000 * most))
    other = int(rng.integers(60 * most, 4000 * most))
    happens = {
        name: set(rng.integers(40, n - 40, rng.poisson(rate)).tolist()) for name, rate in RATES.items()
    }
    silent = held = coded = zeros = -1
    sent: list[int] = []
    late: list[tuple[int, int, float]] = []
    code, shown = 0, count

    def at(name: str, k: int) -> bool:
        if k in happens[name]:
            s.names.append(name)
            return True
        return False

    for k in range(n + 1):
        if k:
            count += int(used[k - 1])
            other += int(rng.integers(0, most + 1))
        before = count - int(used[k - 1]) if k else count
        quiet = silent >= k or held >= k or coded >= k or zeros >= k
        # nobody can tell an exchange within a gap: UNDETECTABLE
        if not quiet and k > 60:
            if at("meter restarts from 0", k):
                count, _ = int(used[k - 1]), s.unknown.add(k - 1)
            elif at("meter restarts from its memory", k) and used[k - 40 : k].sum() > 3 * most:
                count, _ = count - int(used[k - 40 : k].sum()), s.unknown.add(k - 1)
            elif at("meter exchanged", k) and abs(before - other) > 30 * most:
                count, _ = other, s.unknown.add(k - 1)
        if k - 1 in s.unknown:
            happens["sent late"] -= set(range(k - 30, k + 30))
            for name in (
                "outage",
                "no answer",
                "display held",
                "error code",
                "logger restarts at 0 for a while",
            ):
                happens[name] -= set(range(k - 2, k + 4))
        # what stands still into a gap, or to the end, is one of UNDETECTABLE
        if held < k and at("outage", k):
            silent = min(k + int(rng.integers(5, 21 if minutes == 1440 else 400)), n - 9)
        if at("no answer", k):
            silent = max(silent, k + int(rng.integers(0, 3)))
        if at("display held", k):
            length = int(rng.integers(6, 50))
            # less than an interval may hold is one of UNDETECTABLE
            rest = used[k + length : k + length + 3].all() and silent < k and k + length < n - 9
            if (
                used[k : k + length].sum() > 2 * most
                and rest
                and not s.unknown & set(range(k, k + length + 2))
            ):
                held, shown = k + length, count
        if at("error code", k):
            coded, code = (
                k + int(rng.integers(0, 20)),
                int(rng.choice([0, 65535, 2**31 - 1, 2**32 - 1, 99999999])),
            )
        if at("logger restarts at 0 for a while", k):
            zeros = k + int(rng.integers(0, 60))
        if silent >= k:
            s.wrong.add(k)
            continue
        value = count
        if held >= k:
            value = shown
        elif zeros >= k:
            value = 0
        elif coded >= k:
            value = code
        elif at("bits flipped", k):
            value = count ^ (1 << int(rng.integers(0, 28)))
        elif at("another slave answers", k):
            value = other
        elif at("old telegram", k) and len(sent) > 50:
            value = sent[-int(rng.integers(2, 48))]
        elif at("half written", k):
            value = (count & 0xFFFF) | (((count >> 16) ^ 1) << 16)
        if value != count:
            step = value - (sent[-1] if sent else value)
            # what rises as a meter may is the first of UNDETECTABLE
            if held < k and 0 <= step <= 4 * most:
                value = count
            else:
                s.wrong.add(k)
        sent.append(value)
        row = (k, value * s.pulse)
        if at("sent late", k):
            late.append((k + int(rng.integers(1, 30)), *row))
        else:
            s.rows.append(row)
        if at("sent twice", k):
            s.rows.append(row)
        for due in [one for one in late if one[0] <= k]:
            s.rows.append(due[1:])
            late.remove(due)
    s.rows += [one[1:] for one in late]
    return s


def edges(s: Stream) -> np.ndarray:
    if s.minutes < 1440:
        return START + np.arange(len(s.used) + 1) * s.minutes * MINUTE
    days = pd.date_range("2025-10-20", periods=len(s.used) + 1, freq="D", tz="Europe/Berlin")
    return days.as_unit("ns").asi8


def by_file(s: Stream) -> np.ndarray:
    marks = edges(s)
    index = pd.DatetimeIndex(marks[[k for k, _ in s.rows]].astype("datetime64[ns]")).tz_localize("UTC")
    rows = pd.Series([value for _, value in s.rows], index=index.tz_convert("Europe/Berlin"))
    found = counter_intervals(rows, {15: "15min", 30: "30min", 60: "hour", 1440: "day"}[s.minutes])
    got = pd.Series(found.frame["amount"].to_numpy(), index=found.frame.index.as_unit("ns").asi8)
    return got.reindex(marks[:-1]).to_numpy()


def by_store(s: Stream) -> np.ndarray:
    marks, values = edges(s), dict(reversed(s.rows))
    moments = np.array(sorted(values))
    value = np.array([values[k] for k in moments.tolist()])
    spans = np.zeros(len(moments), np.int64)
    amount, share = per_step(Kind.COUNTER, marks[moments], spans, value, marks, int(marks[0]), int(marks[-1]))
    return np.where(share >= 0.999, amount, np.nan)


def judge(s: Stream, way) -> dict:
    got, truth = way(s), s.used * s.pulse
    off = np.abs(got - truth)
    bad = np.zeros(len(truth) + 1, bool)
    bad[list(s.wrong)] = True
    clean = ~(bad[:-1] | bad[1:])
    clean[list(s.unknown)] = False
    wrong = off > 1e-6 * max(1.0, float(truth.sum()))
    return {
        "wrong": int(wrong.sum()), "kwh": float(off[wrong].sum()), "clean": int(clean.sum()),
        "kept": int(np.isfinite(got[clean]).sum()), "names": ", ".join(s.names), "minutes": s.minutes,
    }  # fmt: skip


def table(first: int, draws: int, way) -> pd.DataFrame:
    return pd.DataFrame([judge(stream(seed), way) for seed in range(first, first + draws)])


@pytest.mark.parametrize("way", [by_file, by_store])
def test_no_telegram_that_lies_becomes_an_amount(way, figure):
    found = table(0, DRAWS, way)
    kept = 100 * found["kept"].sum() / found["clean"].sum()
    figure(
        f"meter streams, {way.__name__[3:]}: wrong intervals, kept %",
        f"{found['wrong'].sum()}, {kept:.3f}",
        "0, ≥ 99",
    )
    assert found["wrong"].sum() == 0, found[found["wrong"] > 0]
    assert kept >= 99


@pytest.mark.soak
@pytest.mark.parametrize("way", [by_file, by_store])
def test_in_thousands_of_streams_few_have_a_wrong_amount(way):
    """What remains are faults that coincide so that they look like consumption: the classes of UNDETECTABLE.

    Printed: 7 of these 3 000 streams, 4 of 2 000 others: a rate of 0.2 %. One in 250 is twice that; before
    decision 27, 87 in 100 went wrong by store.
    """
    found = table(100_000, SOAK, way)
    assert (found["wrong"] > 0).sum() <= SOAK / 250, found[found["wrong"] > 0]
    assert found["kept"].sum() / found["clean"].sum() >= 0.99
