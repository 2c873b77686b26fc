"""A plan's test by switching: the lots that are drawn, what the meter counted, and the saving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from analysis.isolation import (
    OnOffSaving,
    OptionSaving,
    Stated,
    SwitchingSchedule,
    on_off_saving,
    switching_schedule,
)
from analysis.metrology import Distribution, chain_of
from analysis.metrology.budget import from_limit
from analysis.results import Refusal
from audit.canonical import sha256
from audit.evidence import evidence_of
from audit.isolated import IsolatedPlan, ReadAs, ReadTest, Switching, TakenFrom
from audit.periods import frame_digest, period_frame
from audit.records import Plan
from dodac.errors import ConfigError, DataError

if TYPE_CHECKING:
    from dodac.contracts import Store


@dataclass(frozen=True)
class Switched:
    """What switching saved an hour, and over the agreed hours."""

    hourly: OnOffSaving
    saving: OptionSaving


def schedule_of(plan: IsolatedPlan) -> SwitchingSchedule:
    """The lots that the plan's seed draws; raises ConfigError for a schedule that can't be."""
    told = _switching(plan)
    try:
        start = pd.Timestamp(told.start).tz_localize(plan.zone)
    except (ValueError, TypeError):
        raise ConfigError(
            f'switching.start: "{told.start}" is no local moment.', todo='Write "2026-05-04 06:00".'
        ) from None
    found = switching_schedule(
        start, told.periods, seed=told.seed, period_hours=told.period_hours, washout_hours=told.washout_hours, block=told.block
    )  # fmt: skip
    if isinstance(found, Refusal):
        raise ConfigError(f"switching: {found.en}", todo="Correct the periods.")
    return found


def drawn(plan: IsolatedPlan) -> tuple[ReadTest, tuple[tuple[str, bool], ...]]:
    """The lots as the register freezes them, with their digest."""
    frame = schedule_of(plan).frame
    lots = tuple((start.isoformat(), bool(on)) for start, on in zip(frame.index, frame["on"], strict=True))
    return ReadTest((), ReadAs(), (), (), (), sha256([list(lot) for lot in lots])), lots


def read_switched(plan: IsolatedPlan, store: Store | None) -> tuple[pd.DataFrame, ReadTest]:
    """What the meters counted over the drawn periods, with the evidence; raises DataError without a journal."""
    if store is None:
        raise DataError(
            "a test by switching reads meters, and there is no journal.", todo="Collect or import first."
        )
    schedule = schedule_of(plan).frame
    last = pd.Timestamp(schedule["end"].iloc[-1]) - pd.Timedelta(1, "ns")
    days = (f"{schedule.index[0]:%Y-%m-%d}", f"{last:%Y-%m-%d}")
    meters = _as_meters(plan, days)
    frame = period_frame(store, meters, days)
    evidence = evidence_of(store, meters, days)
    sources = tuple(
        TakenFrom(name, days, "", tuple(item for item in evidence if item.instrument == name))
        for name in dict.fromkeys(item.instrument for item in evidence)
    )
    return frame, ReadTest(sources, ReadAs(), (), (), (), frame_digest(frame))


def by_switching(plan: IsolatedPlan, frame: pd.DataFrame) -> Switched | Refusal:
    """The saving of a test by switching; one limit of the energy's meter scales it."""
    told = _switching(plan)
    lines = [
        from_limit(f"{tool.id}/{tool.channel}/class", f"{tool.id} {tool.channel}", tool.limit_pct / 100.0, reference="data sheet")
        for tool in plan.instruments
    ]  # fmt: skip
    counted = frame.assign(energy=frame["energy"].where(frame["used"]))
    hourly = on_off_saving(
        counted, schedule_of(plan), drivers=list(told.drivers), chain=chain_of(lines), unit=plan.unit, confidence=plan.confidence
    )  # fmt: skip
    if isinstance(hourly, Refusal):
        return hourly
    [item] = plan.agreed
    hours = Stated(
        item.value, item.plus_minus, item.basis, item.unit, Distribution(item.distribution), source=f"agreed: {item.name}"
    )  # fmt: skip
    saving = hourly.over_year(hours)
    return saving if isinstance(saving, Refusal) else Switched(hourly, saving)


def _switching(plan: IsolatedPlan) -> Switching:
    if plan.switching is None:
        raise ConfigError(
            f'plan "{plan.id}": switching: nothing is said of it.', todo="Add the table [switching]."
        )
    return plan.switching


def _as_meters(plan: IsolatedPlan, days: tuple[str, str]) -> Plan:
    """What `period_frame` reads: the meters of the test over its days."""
    told = _switching(plan)
    return Plan(
        id=plan.id, option=plan.option, ipmvp_option=plan.ipmvp_option, boundary_en="", boundary_vi="", energy=told.energy,
        drivers=told.drivers, model="mean", holidays=None, zone=plan.zone, baseline=days, blackout=None, reporting=days,
        confidence=plan.confidence, price=None, interval=told.interval,
    )  # fmt: skip
