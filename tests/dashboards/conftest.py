"""A plant in a real InfluxDB, written with the store's own lines, and a case of a verified saving."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from analysis.results import FitStatistics, Savings, Uncertainty
from audit.records import FrozenBaseline, Money, Option, Plan, SavingCase, VerifiedSaving
from dodac.clock import SECOND_NS
from dodac.contracts import Event, EventKind
from dodac.quantities import Measurement
from dodac.samples import Flag, Layout, Reason
from dodac.site import Site, parse_site
from store.collector_lines import collector_line
from store.lines import Tags, event_line, flag_lines, line

ZONE = "Asia/Ho_Chi_Minh"
END_NS = 1_790_000_000 * SECOND_NS
SITE = """
[site]
id = "cu-chi"
company = "bia-sai-gon"
name = "Nhà máy bia Củ Chi"

[influxdb]
url = "http://127.0.0.1:8086"
bucket = "field"

[connections.bus1]
kind = "serial"
port = "/dev/ttyUSB0"

[[instruments]]
id = "boiler1-power"
asset = "boiler1"
profile = "eastron.sdm630"
connection = "bus1"
address = 3
every = "2min"
"""
# measurement → (instrument, channels with a value that moves by the hour)
PLANT = {
    Measurement.ELECTRICITY: ("boiler1-power", {"power_w": 18_000.0, "energy_import_kwh": 12_000.0}),
    Measurement.FLUE_GAS: (
        "boiler1-flue",
        {"o2_pct": 6.2, "co_ppm": 85.0, "t_flue_c": 212.0, "t_air_c": 31.0},
    ),
    Measurement.WATER: ("main-water", {"flow_m3h": 4.5, "volume_m3": 96_000.0}),
    Measurement.HEAT: ("heat-1", {"heat_kwh": 500.0}),
    Measurement.GAS: ("gas-1", {"gas_nm3": 300.0}),
    Measurement.STEAM: ("steam-1", {"steam_kg": 9_000.0}),
    Measurement.AMBIENT: ("weather", {"temperature_c": 29.5}),
}


@pytest.fixture
def site(tmp_path) -> Site:
    return parse_site(SITE, tmp_path / "site.toml")


@pytest.fixture
def plant() -> tuple[int, list[str]]:
    """The end, and the lines of six hours of a whole plant, one reading in ten minutes, with a flag and three events."""
    lines = []
    for measurement, (instrument, channels) in PLANT.items():
        layout = Layout(instrument, tuple(channels))
        tags = Tags("bia-sai-gon", "cu-chi", "boiler1", instrument, measurement)
        for place in range(36):
            time_ns = END_NS - (36 - place) * 600 * SECOND_NS
            good = {name: value + place for name, value in channels.items()}
            flags = []
            if place == 20 and "co_ppm" in good:
                good.pop("co_ppm")
                flags = [Flag("co_ppm", Reason.SENTINEL, 65535.0)]
            sample = layout.sample(time_ns, good, flags=flags)
            lines += [line(sample, layout, tags), *flag_lines(sample, tags, seq=place)]
    gap = END_NS - 3 * 3600 * SECOND_NS
    events = [
        Event(gap, EventKind.FAULT_START, 'no answer from "boiler1-flue"', "bus1", "boiler1-flue"),
        Event(gap, EventKind.GAP, "nothing came", "bus1", "boiler1-flue", end_ns=gap + 900 * SECOND_NS),
        Event(gap - SECOND_NS, EventKind.NOTE, "cleaned", "operator"),
    ]
    lines += [event_line(event, "bia-sai-gon", "cu-chi", seq) for seq, event in enumerate(events)]
    for place in range(36):
        time_ns = END_NS - (36 - place) * 600 * SECOND_NS
        told = {
            ("instrument", "boiler1-power"): {"missed_today": float(place)},
            ("sink", "http://influx/field"): {"waiting": 3.0},
        }
        lines += [
            collector_line("bia-sai-gon", "cu-chi", {"part": part, "of": of}, fields, time_ns)
            for (part, of), fields in told.items()
        ]
    return END_NS, lines


@pytest.fixture
def case() -> SavingCase:
    """Sixty days, two of them left out, saving 40 kWh a day with a verified ± 300 kWh."""
    days = pd.date_range("2026-01-10", periods=60, freq="D", tz=ZONE, unit="ns")
    adjusted = 1_000.0 + 50.0 * np.sin(np.arange(60))
    used = np.ones(60, dtype=bool)
    used[[5, 6]] = False
    measured = adjusted - 40.0
    measured[5] = math.nan
    saving = np.where(used, adjusted - measured, math.nan)
    frame = pd.DataFrame(
        {
            "measured": measured,
            "adjusted_baseline": adjusted,
            "saving": saving,
            "cumulative": np.cumsum(np.nan_to_num(saving)),
            "used": used,
        },
        index=days,
    )
    total, spent = float(adjusted[used].sum()), float(measured[used].sum())
    half = Uncertainty("exact", 0.9, 300.0, 200.0, "")
    period = ("2026-01-10", "2026-03-10")
    savings = Savings("avoided", "kWh", *period, total, spent, total - spent, half, (), 58, 2, (), frame)
    option = Option("vsd", "Speed control", "Biến tần", "bia-sai-gon", "cu-chi", "boiler1", "implemented")
    plan = Plan(
        "vsd-plan", "vsd", "C", "", "", ("boiler1-power", "energy_import_kwh"), {}, "towt-daily", None,
        ZONE, ("2025-01-01", "2025-12-31"), None, period, 0.9, Money(1_800.0, "VND", "2025-10-01"),
    )  # fmt: skip
    statistics = FitStatistics(365, 20, 0.9, 0.89, 30.0, 0.03, 0.0, 0.3)
    baseline = FrozenBaseline(
        "vsd-plan-baseline-1", "vsd-plan", END_NS, "", "towt-daily", "kWh", (), (), (), statistics, {},
        *plan.baseline, (), "0.1.0",
    )  # fmt: skip
    verified = VerifiedSaving(
        "vsd-plan-saving-1", "vsd-plan", baseline.id, END_NS, *period, "kWh", total, spent, total - spent,
        300.0, 0.9, "exact", 58, 2, (), (), Money((total - spent) * 1_800.0, "VND", "2025-10-01"), None, "",
    )  # fmt: skip
    return SavingCase(option, plan, baseline, verified, savings, frame)
