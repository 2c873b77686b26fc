"""The command `dodac analyse`: a saving from readings of a journal, an InfluxDB or table files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit._analyse_options import add_options, check_options, days, in_options
from audit._arguments import instrument_channel, opened, place_of, write_json
from audit.filestore import Column, channel_for, column, files_of, store_of_files
from dodac.errors import ConfigError, DodacError, Exit

if TYPE_CHECKING:
    from audit._analysis import Study, Wanted
    from audit._arguments import Place
    from audit.records import Plan
    from dodac.contracts import Store

_LARGE: Final = 10_000_000
_EPILOG: Final = """Examples:
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
    add_options(parser)
    arguments = parser.parse_args(argv)
    check_options(arguments)
    place = place_of(arguments)
    columns = _columns_of(arguments) if arguments.file else None
    plan = _plan_of(arguments, place, columns)
    wanted = _wanted_of(arguments)
    notes: list[str] = []
    try:
        study = _study(place, plan, wanted, arguments, columns, notes)
    except DodacError as error:
        raise in_options(error) from None
    from audit._analysis_print import refused_text, study_data, study_text

    if arguments.json:
        write_json(study_data(study, notes))
    else:
        sys.stdout.write(study_text(study, place.language))
        sys.stderr.write(refused_text(study, place.language))
    return Exit.OK if study.refusal is None else Exit.FINDING


def _study(
    place: Place,
    plan: Plan,
    wanted: Wanted,
    arguments: argparse.Namespace,
    columns: Mapping[str, Column] | None,
    notes: list[str],
) -> Study:
    from audit._analysis import study_of

    source: AbstractContextManager[Store]
    if columns is None:
        source = opened(place, influxdb=arguments.influxdb)
    else:
        _say_long(arguments.file)
        source = store_of_files(files_of(arguments, plan.zone), columns, notes)
    with source as store:
        sys.stderr.write("".join(f"{note}\n" for note in notes))
        return study_of(store, plan, wanted)


def _say_long(paths: Sequence[Path]) -> None:
    """Tells who waits for large files that they are being read."""
    for path in paths:
        size = path.stat().st_size if path.is_file() else 0
        if size > _LARGE:
            sys.stderr.write(f"{path.name}: reading {size / 1e6:.0f} MB, this may take some minutes …\n")
            sys.stderr.flush()


def _named_drivers(arguments: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """(name, what it is read from) of each --driver; raises ConfigError for a name missing or given twice."""
    seen = {"temperature"}
    for text in arguments.driver:
        name, equals, target = text.partition("=")
        if not equals or not name.isidentifier():
            named = "COLUMN" if arguments.file else "INSTRUMENT:CHANNEL"
            raise ConfigError(
                f'--driver: "{text}" has no name.',
                todo=f"Write NAME={named}; the name is one word of letters, digits and _.",
            )
        if name in seen:
            raise ConfigError(
                f'--driver: "{name}" is given twice.', todo="Give each driver a name of its own."
            )
        seen.add(name)
        yield name, target


def _columns_of(arguments: argparse.Namespace) -> dict[str, Column]:
    columns = {"energy": column(arguments.energy, "--energy")}
    if arguments.temperature is not None:
        columns["temperature"] = column(arguments.temperature, "--temperature")
    columns |= {name: column(target, "--driver") for name, target in _named_drivers(arguments)}
    for name, found in columns.items():
        if name != "energy" and found.name == columns["energy"].name:
            raise ConfigError(
                f'--{"temperature" if name == "temperature" else "driver"}: "{found.name}" is the energy itself, '
                "which would explain all of it.",
                todo="Name another column.",
            )
    return columns


def _plan_of(arguments: argparse.Namespace, place: Place, columns: Mapping[str, Column] | None) -> Plan:
    from audit.plans import check_plan
    from audit.records import Metering, Plan

    if columns is not None:
        drivers = {role: (role, channel_for(role, found)) for role, found in columns.items()}
        energy = drivers.pop("energy")
    else:
        energy = instrument_channel(arguments.energy, "--energy")
        drivers = {}
        if arguments.temperature is not None:
            drivers["temperature"] = instrument_channel(arguments.temperature, "--temperature")
        for name, target in _named_drivers(arguments):
            drivers[name] = instrument_channel(target, "--driver")
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
        baseline=days(arguments.baseline, "--baseline"),
        blackout=None,
        # without a reporting period the plan's check still wants one after the baseline
        reporting=days(arguments.reporting, "--reporting")
        if arguments.reporting is not None
        else ("2199-12-31",) * 2,
        confidence=arguments.confidence,
        price=None,
        metering=None
        if arguments.meter_class is None
        else Metering(
            arguments.meter_class,
            arguments.load,
            arguments.power_factor,
            arguments.ct_class or "",
            arguments.vt_class or "",
        ),
    )
    try:
        check_plan(plan)
    except ConfigError as error:
        raise in_options(error) from None
    return plan


def _wanted_of(arguments: argparse.Namespace) -> Wanted:
    from analysis import DEFAULT_METHOD
    from analysis.validity import DEFAULT_PROFILE
    from audit._analysis import Wanted

    return Wanted(
        reporting=arguments.reporting is not None,
        kind=arguments.savings,
        normal_year=None if arguments.normal_year is None else days(arguments.normal_year, "--normal-year"),
        method=arguments.method or DEFAULT_METHOD,
        profiles=tuple(dict.fromkeys(arguments.validity or [DEFAULT_PROFILE])),
        events=arguments.events,
        allow_short=arguments.allow_short,
    )
