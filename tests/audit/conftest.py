"""A plant's readings in a real journal, with a known saving, and its option and plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit import Money, Option, Plan, Register
from dodac.clock import ManualClock, parse_time_ns
from dodac.samples import Layout
from store import Journal, JournalStore

ZONE = "Asia/Ho_Chi_Minh"
MAIN = Layout("main", ("energy_interval_kwh",))
WEATHER = Layout("weather", ("temperature_c",))


def readings(start: str, days: int, saving: float, seed: int) -> pd.DataFrame:
    """Daily energy (kWh) and temperature (°C) of a plant that rests on Sundays."""
    random = np.random.default_rng(seed)
    index = pd.date_range(start, periods=days, freq="D", tz=ZONE)
    turn = 2 * np.pi * (index.day_of_year.to_numpy() - 110) / 365.25
    temperature = 26.5 + 4.0 * np.cos(turn) + random.normal(0.0, 1.5, days)
    work = np.where(index.day_of_week.to_numpy() < 6, 1.0, 0.4)
    energy = (work * (1000.0 + 20.0 * np.maximum(temperature - 25.0, 0.0))) * (1.0 - saving)
    return pd.DataFrame({"energy": energy + random.normal(0.0, 30.0, days), "t": temperature}, index=index)


def samples(frame: pd.DataFrame) -> list[tuple[str, object]]:
    items: list[tuple[str, object]] = []
    edges = [*frame.index, frame.index[-1] + pd.Timedelta(days=1)]
    for place, (energy, temperature) in enumerate(zip(frame["energy"], frame["t"], strict=True)):
        start, end = (edges[place + n].tz_convert("UTC").as_unit("ns").value for n in (0, 1))
        span = end - start
        items.append(("t", MAIN.sample(start + span // 2, {"energy_interval_kwh": energy}, span_ns=span)))
        items.append(("t", WEATHER.sample(start + span // 2, {"temperature_c": temperature}, span_ns=span)))
    return items


@pytest.fixture(scope="session")
def _plant_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plant") / "journal.sqlite"
    with Journal.open(path) as journal:
        journal.layout(MAIN)
        journal.layout(WEATHER)
        before = readings("2023-01-01", 365, 0.0, seed=1)
        after = readings("2024-02-01", 366, 0.1, seed=2)
        journal.commit([*samples(before), *samples(after)])
        journal.set_facts("main", {"serial number": "17110042"})
    return path


@pytest.fixture
def journal_path(_plant_file: Path, tmp_path: Path) -> Path:
    """Each test has its own copy of the journal, to spoil as it likes."""
    path = tmp_path / "journal.sqlite"
    path.write_bytes(_plant_file.read_bytes())
    return path


@pytest.fixture
def store(journal_path: Path) -> Iterator[JournalStore]:
    opened = JournalStore(journal_path)
    yield opened
    opened.close()


@pytest.fixture
def option() -> Option:
    return Option(
        id="boiler-trim",
        name_en="Oxygen trim on boiler 1",
        name_vi="Chỉnh oxy cho lò hơi 1",
        company="bia-sai-gon",
        site="cu-chi",
        asset="boiler1",
        status="implemented",
        investment=Money(250e6, "VND", "2023-11-01"),
    )


@pytest.fixture
def plan() -> Plan:
    return Plan(
        id="trim-plan",
        option="boiler-trim",
        ipmvp_option="C",
        boundary_en="whole plant",
        boundary_vi="toàn nhà máy",
        energy=("main", "energy_interval_kwh"),
        drivers={"temperature": ("weather", "temperature_c")},
        model="towt-daily",
        holidays=None,
        zone=ZONE,
        baseline=("2023-01-01", "2023-12-31"),
        blackout=("2024-01-01", "2024-01-31"),
        reporting=("2024-02-01", "2025-01-31"),
        confidence=0.9,
        price=Money(1899.0, "VND", "2024-01-01"),
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(parse_time_ns("2023-12-15", ZONE))


@pytest.fixture
def register(tmp_path: Path, clock: ManualClock) -> Register:
    return Register(tmp_path / "register.sqlite", clock)


@pytest.fixture
def write(journal_path: Path) -> Callable[..., None]:
    """Adds samples or events to the test's journal, as a collector would later."""

    def add(*items: object) -> None:
        with Journal.open(journal_path) as journal:
            journal.commit([("later", item) for item in items])

    return add
