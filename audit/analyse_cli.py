"""The command `dodac analyse`: a saving from readings of a journal, an InfluxDB or table files."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from audit._arguments import add_place, instrument_channel, opened, period, place_of, write_json
from audit._saving_kinds import KINDS, saving_of
from audit.filestore import Column, add_files, channel_for, column, files_of, store_of_files
from dodac.errors import ConfigError, Exit

if TYPE_CHECKING:
    import pandas as pd

    from analysis import Model, Refusal, Savings
    from analysis.baselines.select import Selection
    from analysis.events.detection import Detection
    from analysis.planning import Detectable
    from analysis.validity import Verdict
    from audit._arguments import Place
    from audit.records import Plan
    from dodac.contracts import Store

_EPILOG = """Examples:
  dodac analyse --file building.csv --energy "energy kWh" --temperature "outside °C" \\
      --baseline 2024-01-01..2024-12-31 --reporting 2025-01-01..2025-12-31
  dodac analyse --journal data/journal.db --energy main:energy_import_kwh \\
      --temperature weather:temperature_c --baseline 2024-01-01..2024-12-31 \\
      --reporting 2025-02-01..2026-01-31 --timezone Asia/Ho_Chi_Minh --holidays VN
"""


def analyse(argv: Sequence[str]) -> int:
    """`dodac analyse`: fits a baseline and gives the saving; 1 when there is no number to give."""
    parser = argparse.ArgumentParser(
        prog="dodac analyse",
        description="Fit a baseline on readings and give the saving with its uncertainty; nothing is registered.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_place(parser)
    parser.add_argument("--energy", required=True, metavar="INSTRUMENT:CHANNEL", help="what is to be saved")
    parser.add_argument("--temperature", metavar="INSTRUMENT:CHANNEL", help="outdoor temperature")
    parser.add_argument(
        "--driver",
        action="append",
        default=[],
        metavar="NAME=INSTRUMENT:CHANNEL",
        help="production and the like; repeatable",
    )
    parser.add_argument("--baseline", required=True, metavar="FROM..TO", help="local dates, both included")
    parser.add_argument("--reporting", metavar="FROM..TO", help="local dates, both included")
    parser.add_argument(
        "--model",
        default="auto",
        help="auto (default: the one that predicts unseen blocks best), or one of docs/explanation/baselines.md",
    )
    parser.add_argument(
        "--interval", default="day", help="of the fit: 15min, 30min, hour, day (default), week, month"
    )
    parser.add_argument(
        "--timezone", default=None, help="default: the site's, or UTC with --journal or --file"
    )
    parser.add_argument("--holidays", default=None, metavar="COUNTRY", help="public holidays and Tết: VN")
    parser.add_argument("--confidence", type=float, default=0.9, help="default 0.9")
    parser.add_argument("--method", default=None, help="of the uncertainty (default: the best measured)")
    parser.add_argument(
        "--savings", choices=KINDS, default="avoided",
        help="avoided (default); backcast: what the plant of today would have used before; normalised: both at fixed conditions",
    )  # fmt: skip
    parser.add_argument(
        "--normal-year",
        metavar="FROM..TO",
        help="conditions of a normalised saving (default: the baseline period's)",
    )
    meter = parser.add_argument_group("the meter's own accuracy, which then counts in the uncertainty")
    meter.add_argument(
        "--meter-class", metavar="CLASS", help="of the electricity meter: 0.2S, 0.5S, 1, 2, A, B, C"
    )
    meter.add_argument("--ct-class", default="", metavar="CLASS", help="of its current transformers")
    meter.add_argument("--vt-class", default="", metavar="CLASS", help="of its voltage transformers")
    meter.add_argument("--load", type=float, default=0.5, help="usual current / rated current (default 0.5)")
    meter.add_argument("--power-factor", type=float, default=0.9, help="usual cos φ (default 0.9)")
    parser.add_argument(
        "--influxdb", action="store_true", help="read from the site's InfluxDB instead of its journal"
    )
    parser.add_argument(
        "--allow-short", action="store_true", help="fit a baseline of less than 330 days, with a finding"
    )
    parser.add_argument(
        "--validity", action="append", metavar="PROFILE",
        help="judge the baseline: dodac (default), ashrae14, ipmvp, sep, nmec, caltrack; repeatable",
    )  # fmt: skip
    parser.add_argument("--events", action="store_true", help="look for non-routine events in both periods")
    add_files(parser)
    arguments = parser.parse_args(argv)
    place = place_of(arguments)
    columns = _columns_of(arguments) if arguments.file else None
    plan = _plan_of(arguments, place, columns)

    study = _run(place, plan, arguments, columns)
    if arguments.json:
        write_json(_data(study))
    else:
        _write(study, place)
    return Exit.OK if study.refusal is None else Exit.FINDING


@dataclass(frozen=True)
class _Study:
    """What an analysis gave; refusal: the first of baseline and saving that could not be had."""

    model: Model | Refusal
    savings: Savings | Refusal | None
    selection: Selection | None
    verdicts: tuple[Verdict, ...]
    events: dict[str, Detection | Refusal]
    smallest: Detectable | None = None

    @property
    def refusal(self) -> Refusal | None:
        from analysis import Refusal

        return next((part for part in (self.model, self.savings) if isinstance(part, Refusal)), None)


def _named_drivers(arguments: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """(name, what it is read from) of each --driver; raises ConfigError for a name missing or given twice."""
    seen = {"temperature"}
    for text in arguments.driver:
        name, equals, target = text.partition("=")
        if not equals or not name.isidentifier():
            raise ConfigError(f'--driver: "{text}" has no name.', todo="Write NAME=INSTRUMENT:CHANNEL.")
        if name in seen:
            raise ConfigError(f'--driver: "{name}" is given twice.')
        seen.add(name)
        yield name, target


def _columns_of(arguments: argparse.Namespace) -> dict[str, Column]:
    columns = {"energy": column(arguments.energy, "--energy")}
    if arguments.temperature:
        columns["temperature"] = column(arguments.temperature, "--temperature")
    return columns | {name: column(target, "--driver") for name, target in _named_drivers(arguments)}


def _plan_of(arguments: argparse.Namespace, place: Place, columns: Mapping[str, Column] | None) -> Plan:
    from audit.plans import check_plan
    from audit.records import Metering, Plan

    if columns is not None:
        drivers = {role: (role, channel_for(role, found)) for role, found in columns.items()}
        energy = drivers.pop("energy")
    else:
        energy = instrument_channel(arguments.energy, "--energy")
        drivers = {}
        if arguments.temperature:
            drivers["temperature"] = instrument_channel(arguments.temperature, "--temperature")
        for name, target in _named_drivers(arguments):
            drivers[name] = instrument_channel(target, "--driver")
    baseline = period(arguments.baseline, "--baseline")
    plan = Plan(
        id="analyse",
        option="analyse",
        ipmvp_option="C",
        boundary_en="",
        boundary_vi="",
        energy=energy,
        drivers=drivers,
        model=arguments.model,
        interval=arguments.interval,
        holidays=arguments.holidays,
        zone=place.zone if arguments.timezone is None else arguments.timezone,
        baseline=baseline,
        blackout=None,
        # without a reporting period the plan's check still wants one after the baseline
        reporting=period(arguments.reporting, "--reporting") if arguments.reporting else ("2199-12-31",) * 2,
        confidence=arguments.confidence,
        price=None,
        metering=None
        if arguments.meter_class is None
        else Metering(
            arguments.meter_class,
            arguments.load,
            arguments.power_factor,
            arguments.ct_class,
            arguments.vt_class,
        ),
    )
    check_plan(plan)
    return plan


def _run(
    place: Place, plan: Plan, arguments: argparse.Namespace, columns: Mapping[str, Column] | None
) -> _Study:
    from analysis import DEFAULT_METHOD, Refusal
    from analysis.validity import DEFAULT_PROFILE, validity
    from audit.metering import instruments_of
    from audit.models import chosen_of, fit_plan, select_plan
    from audit.periods import period_frame
    from audit.plans import AUTO

    notes: list[str] = []
    if columns is None:
        source: AbstractContextManager[Store] = opened(place, influxdb=arguments.influxdb)
    else:
        source = store_of_files(files_of(arguments, plan.zone), columns, notes)
    with source as store:
        for note in notes:
            sys.stderr.write(f"{note}\n")
        before = period_frame(store, plan, plan.baseline)
        after = period_frame(store, plan, plan.reporting) if arguments.reporting else None
        normal = period(arguments.normal_year, "--normal-year") if arguments.normal_year else None
        conditions = period_frame(store, plan, normal) if normal else None
    selection: Selection | None = None
    if plan.model == AUTO:
        selection = select_plan(plan, before, allow_short=arguments.allow_short)
        model = chosen_of(selection)
    else:
        model = fit_plan(plan, before, allow_short=arguments.allow_short)
    if isinstance(model, Refusal):
        if not arguments.json:
            _write_thin(plan, before)
        return _Study(model, None, selection, (), {})
    savings: Savings | Refusal | None = None
    if after is not None:
        method = arguments.method or DEFAULT_METHOD
        parts, told = instruments_of(plan.metering, plan.energy[0])
        savings = saving_of(
            arguments.savings, plan, model, before, after, conditions,
            method=method, instruments=parts, allow_short=arguments.allow_short,
        )  # fmt: skip
        if not isinstance(savings, Refusal):
            savings = replace(savings, findings=(*savings.findings, *told))
    known = None if savings is None or isinstance(savings, Refusal) else savings
    seen = known if arguments.savings == "avoided" else None
    profiles = arguments.validity or [DEFAULT_PROFILE]
    verdicts = tuple(validity(model, profile, savings=known) for profile in profiles)
    events = _events(plan, model, seen, before, after) if arguments.events else {}
    return _Study(model, savings, selection, verdicts, events, _smallest(model, plan.confidence))


def _smallest(model: Model, confidence: float) -> Detectable | None:
    """What a year after this baseline, in its own mean conditions, could show at all."""
    from analysis.planning import Detectable, smallest_saving

    found = smallest_saving(model, confidence=confidence)
    return found if isinstance(found, Detectable) and math.isfinite(found.fraction) else None


def _events(
    plan: Plan, model: Model, savings: Savings | None, before: pd.DataFrame, after: pd.DataFrame | None
) -> dict[str, Detection | Refusal]:
    from analysis.events.detection import baseline_events, savings_events

    days = before["day_type"] if plan.holidays else None
    found = {"baseline": baseline_events(model, before, day_types=days)}
    if savings is not None and after is not None:
        days = after["day_type"] if plan.holidays else None
        found["reporting"] = savings_events(savings, interval=plan.interval, day_types=days)
    return found


def _write_thin(plan: Plan, days: pd.DataFrame) -> None:
    """Which channel is missing on how many days: a driver without readings on Sundays costs every Sunday."""
    gaps = {name: int(days[name].isna().sum()) for name in ("energy", *plan.drivers)}
    thin = ", ".join(f"{name} {count}" for name, count in gaps.items() if count)
    if thin:
        sys.stderr.write(f"Days of the baseline period without a reading: {thin} (of {len(days)}).\n")


def _data(study: _Study) -> dict[str, Any]:
    from analysis import Refusal
    from audit import _print as show
    from audit._events_cli import events_data
    from audit.canonical import plain

    data: dict[str, Any] = {}
    if study.selection is not None:
        data["selection"] = show.selection_data(study.selection)
    if isinstance(study.model, Refusal):
        return {**data, "refusal": show.refusal_data(study.model)}
    data["baseline"] = show.model_data(study.model)
    if study.smallest is not None:
        data["smallest_saving"] = plain(study.smallest)
    data["validity"] = [show.verdict_data(verdict) for verdict in study.verdicts]
    if isinstance(study.savings, Refusal):
        data["refusal"] = show.refusal_data(study.savings)
    elif study.savings is not None:
        data["saving"] = show.savings_data(study.savings)
    if study.events:
        data["events"] = events_data(study.events)
    return data


def _write(study: _Study, place: Place) -> None:
    from analysis import Refusal
    from audit import _print as show
    from audit._events_cli import proposals_text

    if isinstance(study.model, Refusal):
        sys.stderr.write(show.refusal_text(study.model, place.language))
        return
    savings = study.savings
    sys.stdout.write(
        show.analysis_text(
            study.model,
            None if isinstance(savings, Refusal) else savings,
            place.language,
            selection=study.selection,
            verdicts=study.verdicts,
            smallest=study.smallest,
        )
    )
    if study.events:
        sys.stdout.write(proposals_text(study.events, study.model.unit, place.language))
    if isinstance(savings, Refusal):
        sys.stderr.write(show.refusal_text(savings, place.language))
