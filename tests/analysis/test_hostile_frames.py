"""Whatever frame is handed in: a number with its uncertainty, a reasoned refusal, or a fault that says what to do."""

import dataclasses
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from analysis import (
    KINDS,
    Model,
    Refusal,
    Savings,
    avoided_energy,
    backcast,
    chained,
    fit,
    meter_data,
    normalised,
    predict,
    smallest_saving,
)
from analysis.events.detection import baseline_events
from analysis.monitor import persistence
from dodac.errors import DodacError


def plant(start, seed, zone):
    index = pd.date_range(start, periods=366, freq="D", tz=zone)
    random = np.random.default_rng(seed)
    air = 20 + 8 * np.sin(2 * np.pi * (index.day_of_year.to_numpy() - 110) / 365) + random.normal(0, 2, 366)
    made = 100 + random.normal(0, 10, 366)
    use = 500 + 20 * np.maximum(air - 18, 0) + 2 * made + random.normal(0, 10, 366)
    return pd.DataFrame({"energy": use, "temperature": air, "made": made}, index=index)


def column(name, change):
    return lambda frame: frame.assign(**{name: change(frame[name])})


def indexed(change):
    return lambda frame: frame.set_axis(change(frame.index), axis=0)


WAYS = {
    "object": column("energy", lambda s: s.astype(object)),
    "int": column("energy", lambda s: s.round().astype(int)),
    "float32": lambda frame: frame.astype("float32"),
    "Int64": column("energy", lambda s: s.round().astype("Int64").where(np.arange(366) % 40 > 0)),
    "string": column("energy", lambda s: s.astype("string")),
    "words": column("energy", lambda s: pd.Series("abc", index=s.index)),
    "decimal": column("energy", lambda s: s.map(lambda v: Decimal(f"{v:.3f}"))),
    "complex": column("energy", lambda s: s.astype(complex)),
    "none": column("energy", lambda s: pd.Series([None] * 366, index=s.index)),
    "infinite": column("energy", lambda s: s.where(np.arange(366) % 50 > 0, np.inf)),
    "constant": column("energy", lambda s: s * 0 + 5),
    "zero": column("energy", lambda s: s * 0),
    "negative": column("energy", lambda s: -s),
    "1e12": column("energy", lambda s: s * 1e12),
    "1e300": column("energy", lambda s: s * 1e300),
    "1e-300": column("energy", lambda s: s * 1e-300),
    "air never moves": column("temperature", lambda s: s * 0 + 20),
    "collinear": lambda frame: frame.assign(made=2 * frame["temperature"] + 1),
    "none made on Sundays": column("made", lambda s: s.where(s.index.day_of_week != 6)),
    "twice a column": lambda frame: pd.concat([frame, frame[["energy"]]], axis=1),
    "no column": lambda frame: frame.drop(columns="temperature"),
    "numbered rows": lambda frame: frame.reset_index(drop=True),
    "texts": indexed(lambda i: i.strftime("%Y-%m-%d")),
    "periods": indexed(lambda i: i.tz_localize(None).to_period("D")),
    "two zones": indexed(
        lambda i: pd.Index([t.tz_localize(None).tz_localize("UTC" if n % 2 else "Asia/Tokyo") for n, t in enumerate(i)])
    ),
    "unsorted": lambda frame: frame.sample(frac=1, random_state=1),
    "a day twice": lambda frame: pd.concat([frame, frame.iloc[[3]]]).sort_index(),
    "a row without a day": indexed(lambda i: pd.DatetimeIndex([pd.NaT, *i[1:]])),
    "empty": lambda frame: frame.iloc[:0],
    "one row": lambda frame: frame.iloc[:1],
    "a column alone": lambda frame: frame["energy"],
    "an array": lambda frame: frame.to_numpy(),
    "nothing": lambda frame: None,
    "words in used": lambda frame: frame.assign(used="yes"),
    "nothing used": lambda frame: frame.assign(used=False),
}  # fmt: skip
DAILY = [kind.id for kind in KINDS.values() if "day" in kind.intervals]


def test_a_category_twice_or_of_lists_is_told_by_its_name(good):
    before, after, _ = good
    worked = before.assign(mode=np.where(before.index.day_of_week < 5, "work", "rest"))

    def data(frame):
        return meter_data(frame, unit="kWh", interval="day", temperature="temperature", categories=["mode"])

    with pytest.raises(DodacError, match='"mode" holds lists'):
        data(before.assign(mode=[["work"]] * len(before)))
    later = after.assign(mode="work")
    for kind in ("towt-daily", "regression"):
        model = fit(data(worked), kind)
        with pytest.raises(DodacError, match='"mode" is there more than once'):
            avoided_energy(model, pd.concat([later, later[["mode"]]], axis=1))


def finite(found):
    """The names of figures that are no numbers."""
    return [
        field.name
        for field in dataclasses.fields(found)
        if isinstance(value := getattr(found, field.name), float) and not math.isfinite(value)
    ]


def judged(call):
    """The result of a call that keeps the contract, None for a refusal or a fault in words."""
    fault = None
    try:
        found = call()
    except DodacError as error:
        fault = str(error)
    if fault is not None:
        assert len(fault) > 20
        assert "nan" not in fault.split()
        return None
    if isinstance(found, Refusal):
        assert found.en
        assert found.vi
        assert found.en != found.vi
        return None
    if isinstance(found, Savings):
        assert finite(found) == finite(found.uncertainty) == []
    if isinstance(found, Model):
        assert np.isfinite(found.coefficients).all()
        assert finite(found.statistics) == []
    return found


@pytest.fixture(scope="module")
def good():
    frames = plant("2023-01-01", 0, "Asia/Ho_Chi_Minh"), plant("2024-03-01", 1, "Asia/Ho_Chi_Minh")
    data = meter_data(frames[0], unit="kWh", interval="day", temperature="temperature", drivers=["made"])
    # no plant heats in this climate: kinds that want it are refused, and judged by their fit alone
    models = {kind: judged(lambda kind=kind: fit(data, kind)) for kind in DAILY}
    return *frames, {kind: model for kind, model in models.items() if model is not None}


@pytest.mark.parametrize("way", WAYS)
def test_every_kind_and_every_saving_stands_every_frame(way, good):
    before, after, models = good
    spoilt, later = WAYS[way](before), WAYS[way](after)
    data = judged(
        lambda: meter_data(spoilt, unit="kWh", interval="day", temperature="temperature", drivers=["made"])
    )
    for kind in DAILY:
        model = None if data is None else judged(lambda kind=kind: fit(data, kind, allow_short=True))
        if model is not None:
            judged(lambda model=model: avoided_energy(model, later))
    for model in (models["mean"], models["regression"], models["towt-daily"], models["3p-cooling"]):
        judged(lambda model=model: avoided_energy(model, later))
        judged(lambda model=model: backcast(model, spoilt))
        judged(lambda model=model: normalised(model, model, later))
        judged(lambda model=model: chained(model, spoilt, later))
        judged(lambda model=model: smallest_saving(model, later))
        judged(lambda model=model: predict(model, later))
        judged(lambda model=model: baseline_events(model, spoilt))
        judged(lambda model=model: persistence(model, later))
