"""The command `dodac analyse`: a saving from readings of a journal, an InfluxDB or table files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from audit._arguments import add_place, instrument_channel, opened, period, place_of, write_json
from audit.filestore import Column, add_files, channel_for, column, files_of, store_of_files
from dodac.errors import ConfigError, Exit

if TYPE_CHECKING:
    import pandas as pd

    from analysis import Model, Refusal, Savings
    from audit._arguments import Place
    from audit.records import Plan
    from dodac.contracts import Store

_EPILOG = """Examples:
  dodac analyse --file building.csv --energy "energy kWh" --temperature "outside °C" \\
      --baseline 2024-01-01..2024-12-31 --reporting 2025-01-01..2025-12-31 --model auto
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
        default="towt-daily",
        help="towt-daily (default), auto, or a kind of docs/explanation/baselines.md",
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
        "--influxdb", action="store_true", help="read from the site's InfluxDB instead of its journal"
    )
    parser.add_argument(
        "--allow-short", action="store_true", help="fit a baseline of less than 330 days, with a finding"
    )
    add_files(parser)
    arguments = parser.parse_args(argv)
    place = place_of(arguments)
    columns = _columns_of(arguments) if arguments.file else None
    plan = _plan_of(arguments, place, columns)

    from analysis import Refusal

    model, savings = _run(place, plan, arguments, columns)
    refusal = next((part for part in (model, savings) if isinstance(part, Refusal)), None)
    if arguments.json:
        write_json(_analysis_data(model, savings))
    else:
        _write_analysis(model, savings, place)
    return Exit.OK if refusal is None else Exit.FINDING


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
    from audit.records import Plan

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
    )
    check_plan(plan)
    return plan


def _run(
    place: Place, plan: Plan, arguments: argparse.Namespace, columns: Mapping[str, Column] | None
) -> tuple[Model | Refusal, Savings | Refusal | None]:
    from analysis import DEFAULT_METHOD, Refusal, avoided_energy
    from audit.models import fit_plan
    from audit.periods import period_frame

    notes: list[str] = []
    if columns is None:
        source: AbstractContextManager[Store] = opened(place, influxdb=arguments.influxdb)
    else:
        source = store_of_files(files_of(arguments, plan.zone), columns, notes)
    with source as store:
        for note in notes:
            sys.stderr.write(f"{note}\n")
        days = period_frame(store, plan, plan.baseline)
        model = fit_plan(plan, days, allow_short=arguments.allow_short)
        if isinstance(model, Refusal) or not arguments.reporting:
            if isinstance(model, Refusal) and not arguments.json:
                _write_thin(plan, days)
            return model, None
        frame = period_frame(store, plan, plan.reporting)
        method = arguments.method or DEFAULT_METHOD
        return model, avoided_energy(model, frame, confidence=plan.confidence, method=method)


def _write_thin(plan: Plan, days: pd.DataFrame) -> None:
    """Which channel is missing on how many days: a driver without readings on Sundays costs every Sunday."""
    gaps = {name: int(days[name].isna().sum()) for name in ("energy", *plan.drivers)}
    thin = ", ".join(f"{name} {count}" for name, count in gaps.items() if count)
    if thin:
        sys.stderr.write(f"Days of the baseline period without a reading: {thin} (of {len(days)}).\n")


def _analysis_data(model: Model | Refusal, savings: Savings | Refusal | None) -> dict[str, Any]:
    from analysis import Refusal
    from audit import _print as show

    if isinstance(model, Refusal):
        return {"refusal": show.refusal_data(model)}
    data: dict[str, Any] = {"baseline": show.model_data(model)}
    if isinstance(savings, Refusal):
        data["refusal"] = show.refusal_data(savings)
    elif savings is not None:
        data["saving"] = show.savings_data(savings)
    return data


def _write_analysis(model: Model | Refusal, savings: Savings | Refusal | None, place: Place) -> None:
    from analysis import Refusal
    from audit import _print as show

    if isinstance(model, Refusal):
        sys.stderr.write(show.refusal_text(model, place.language))
        return
    refused = isinstance(savings, Refusal)
    sys.stdout.write(
        show.analysis_text(model, None if isinstance(savings, Refusal) else savings, place.language)
    )
    if refused and isinstance(savings, Refusal):
        sys.stderr.write(show.refusal_text(savings, place.language))
