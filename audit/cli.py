"""The commands `dodac analyse` (a saving from readings) and `dodac audit` (the register)."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit._arguments import add_place, instrument_channel, opened, period, place_of
from dodac.clock import SystemClock
from dodac.errors import ConfigError, Exit

if TYPE_CHECKING:
    import pandas as pd

    from analysis import Model, Refusal, Savings
    from audit._arguments import Place
    from audit.records import Plan
    from audit.register import Register

_ANALYSE_EPILOG = """Example:
  dodac analyse --journal data/journal.db --energy main:energy_import_kwh \\
      --temperature weather:temperature_c --baseline 2024-01-01..2024-12-31 \\
      --reporting 2025-02-01..2026-01-31 --timezone Asia/Ho_Chi_Minh --holidays VN
"""


def analyse(argv: Sequence[str]) -> int:
    """`dodac analyse`: fits a baseline and gives the saving; 1 when there is no number to give."""
    parser = argparse.ArgumentParser(
        prog="dodac analyse",
        description="Fit a baseline on readings and give the saving with its uncertainty; nothing is registered.",
        epilog=_ANALYSE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_place(parser)
    parser.add_argument("--energy", required=True, metavar="INSTRUMENT:CHANNEL", help="what is to be saved")
    parser.add_argument(
        "--temperature", required=True, metavar="INSTRUMENT:CHANNEL", help="outdoor temperature"
    )
    parser.add_argument(
        "--driver",
        action="append",
        default=[],
        metavar="NAME=INSTRUMENT:CHANNEL",
        help="production and the like",
    )
    parser.add_argument("--baseline", required=True, metavar="FROM..TO", help="local dates, both included")
    parser.add_argument("--reporting", metavar="FROM..TO", help="local dates, both included")
    parser.add_argument("--model", default="towt-daily", help="towt-daily")
    parser.add_argument("--timezone", default=None, help="default: the site's, or UTC with --journal")
    parser.add_argument("--holidays", default=None, metavar="COUNTRY", help="public holidays and Tết: VN")
    parser.add_argument("--confidence", type=float, default=0.9, help="default 0.9")
    parser.add_argument("--method", default="exact", help="exact (default), g14 or sun_baltazar")
    parser.add_argument(
        "--influxdb", action="store_true", help="read from the site's InfluxDB instead of its journal"
    )
    parser.add_argument(
        "--allow-short", action="store_true", help="fit a baseline of less than 330 days, with a finding"
    )
    arguments = parser.parse_args(argv)
    place = place_of(arguments)
    plan = _plan_of(arguments, place)

    from analysis import Refusal

    model, savings = _run(place, plan, arguments)
    refusal = next((part for part in (model, savings) if isinstance(part, Refusal)), None)
    if arguments.json:
        _write_json(_analysis_data(model, savings))
    else:
        _write_analysis(model, savings, place)
    return Exit.OK if refusal is None else Exit.FINDING


def _plan_of(arguments: argparse.Namespace, place: Place) -> Plan:
    from audit.plans import check_plan
    from audit.records import Plan

    drivers = {"temperature": instrument_channel(arguments.temperature, "--temperature")}
    for text in arguments.driver:
        name, equals, target = text.partition("=")
        if not equals or not name.isidentifier():
            raise ConfigError(f'--driver: "{text}" has no name.', todo="Write NAME=INSTRUMENT:CHANNEL.")
        if name in drivers:
            raise ConfigError(f'--driver: "{name}" is given twice.')
        drivers[name] = instrument_channel(target, "--driver")
    baseline = period(arguments.baseline, "--baseline")
    plan = Plan(
        id="analyse",
        option="analyse",
        ipmvp_option="C",
        boundary_en="",
        boundary_vi="",
        energy=instrument_channel(arguments.energy, "--energy"),
        drivers=drivers,
        model=arguments.model,
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
    place: Place, plan: Plan, arguments: argparse.Namespace
) -> tuple[Model | Refusal, Savings | Refusal | None]:
    from analysis import Refusal, avoided_energy
    from audit.models import fit_plan
    from audit.periods import period_frame

    with opened(place, influxdb=arguments.influxdb) as store:
        days = period_frame(store, plan, plan.baseline)
        model = fit_plan(plan, days, allow_short=arguments.allow_short)
        if isinstance(model, Refusal) or not arguments.reporting:
            if isinstance(model, Refusal) and not arguments.json:
                _write_thin(plan, days)
            return model, None
        frame = period_frame(store, plan, plan.reporting)
        return model, avoided_energy(model, frame, confidence=plan.confidence, method=arguments.method)


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


def audit(argv: Sequence[str]) -> int:
    """`dodac audit`: the register's entries, and the steps from an option to a verified saving."""
    parser = argparse.ArgumentParser(
        prog="dodac audit",
        description="The register: an option and its plan are registered before the measure, the baseline is frozen "
        "before reporting data are read, the saving is verified against it. Entries are never changed.",
        epilog="Examples: dodac audit add-option option.toml; dodac audit add-plan plan.toml; dodac audit freeze PLAN; "
        "dodac audit verify PLAN; dodac audit list (what the files hold: docs/how-to/verify-a-saving.md)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help: str, *positional: tuple[str, str]) -> argparse.ArgumentParser:
        sample = {"id": "trim-plan", "plan": "trim-plan", "file": f"{name.removeprefix('add-')}.toml"}
        shown = " ".join([name, *(sample[word] for word, _ in positional)])
        found = commands.add_parser(
            name,
            help=help,
            description=f"{help[0].upper()}{help[1:]}.",
            epilog=f"Example: dodac audit {shown} --site my-plant",
        )
        add_place(found)
        found.add_argument("--register", type=Path, default=None, help="register file (default: the site's)")
        for word, words in positional:
            found.add_argument(word, help=words)
        return found

    command("list", "what stands in the register")
    command("show", "one entry in full", ("id", "id of an option, plan, baseline or saving"))
    for added in (
        command("add-option", "register an option", ("file", "TOML file of the option")),
        command("add-plan", "register the M&V plan of an option", ("file", "TOML file of the plan")),
    ):
        added.add_argument("--why", default="", help="reason of a correction")
    freeze = command("freeze", "fit a plan's baseline and fix it", ("plan", "id of the plan"))
    freeze.add_argument("--why", default="", help="reason to freeze another one")
    command("verify", "the saving against the frozen baseline", ("plan", "id of the plan"))
    arguments = parser.parse_args(argv)
    return _AUDIT[arguments.command](arguments)


def _register(arguments: argparse.Namespace) -> tuple[Register, Place]:
    from audit.register import Register

    place = place_of(arguments)
    return Register(arguments.register or place.register, SystemClock()), place


def _list(arguments: argparse.Namespace) -> int:
    register, place = _register(arguments)
    if arguments.json:
        _write_json(
            [
                {"kind": row.kind, "id": row.id, "version": row.version, "digest": row.digest,
                 "registered_ns": str(row.registered_ns)}
                for row in register.entries()
            ]
        )  # fmt: skip
        return Exit.OK
    from audit._listing import listing

    sys.stdout.write(listing(register, place.zone, place.language))
    return Exit.OK


def _show(arguments: argparse.Namespace) -> int:
    from dodac.errors import DataError
    from dodac.quantities import nearest

    register, _ = _register(arguments)
    rows = register.entries()
    found = [row for row in rows if row.id == arguments.id]
    if not found:
        near = nearest(arguments.id, {row.id for row in rows})
        todo = f'Did you mean "{near}"?' if near else "See dodac audit list."
        raise DataError(f'there is no entry "{arguments.id}" in the register.', todo=todo)
    entries = []
    for row in found:
        data = asdict(row)
        data["registered_ns"] = str(row.registered_ns)
        data["body"] = json.loads(row.body)
        entries.append(data)
    _write_json(entries)
    return Exit.OK


def _add_option(arguments: argparse.Namespace) -> int:
    from audit.planfile import read_option

    register, _ = _register(arguments)
    added = register.add_option(read_option(Path(arguments.file)), why=arguments.why)
    return _registered(arguments, "option", added.id)


def _add_plan(arguments: argparse.Namespace) -> int:
    from audit.planfile import read_plan

    register, _ = _register(arguments)
    added = register.add_plan(read_plan(Path(arguments.file)), why=arguments.why)
    return _registered(arguments, "plan", added.id)


def _registered(arguments: argparse.Namespace, kind: str, id: str) -> int:
    if arguments.json:
        _write_json({"kind": kind, "id": id})
    else:
        sys.stdout.write(f"{id}\n")
    return Exit.OK


def _freeze(arguments: argparse.Namespace) -> int:
    from analysis import Refusal
    from audit import _print as show
    from audit.models import model_of

    register, place = _register(arguments)
    with opened(place) as store:
        result = register.freeze_baseline(arguments.plan, store, why=arguments.why)
    if isinstance(result, Refusal):
        return _refused(arguments, result, place)
    if arguments.json:
        _write_json({"id": result.id, "data_digest": result.data_digest, **show.model_data(model_of(result))})
    else:
        sys.stdout.write(f"{result.id}\n{show.analysis_text(model_of(result), None, place.language)}")
    return Exit.OK


def _verify(arguments: argparse.Namespace) -> int:
    from analysis import Refusal
    from audit._listing import saving_text
    from audit.canonical import plain

    register, place = _register(arguments)
    with opened(place) as store:
        result = register.verify(arguments.plan, store)
    if isinstance(result, Refusal):
        return _refused(arguments, result, place)
    if arguments.json:
        _write_json(plain(result))
    else:
        sys.stdout.write(saving_text(result, place.language))
    return Exit.OK


def _refused(arguments: argparse.Namespace, refusal: Refusal, place: Place) -> int:
    from audit import _print as show

    if arguments.json:
        _write_json({"refusal": show.refusal_data(refusal)})
    else:
        sys.stderr.write(show.refusal_text(refusal, place.language))
    return Exit.FINDING


def _write_json(data: object) -> None:
    json.dump(data, sys.stdout, ensure_ascii=False, indent=2, allow_nan=False)
    sys.stdout.write("\n")


_AUDIT = {
    "list": _list,
    "show": _show,
    "add-option": _add_option,
    "add-plan": _add_plan,
    "freeze": _freeze,
    "verify": _verify,
}
