"""The options of `dodac analyse`: what they are called, which contradict each other, and faults in their words."""

from __future__ import annotations

import argparse
import math
import re
from datetime import date
from typing import Final

from audit._arguments import add_place, period
from audit._saving_kinds import KINDS
from audit.filestore import FILE_OPTIONS, add_files
from dodac.errors import ConfigError, DodacError
from dodac.quantities import nearest

_CHANNEL: Final = "INSTRUMENT:CHANNEL, or with --file COLUMN[:UNIT]"
_METER: Final = ("ct_class", "vt_class", "load", "power_factor")
# what a plan calls it → the option that says it here
_KEYS: Final = {
    "model": "--model", "interval": "--interval", "zone": "--timezone", "confidence": "--confidence",
    "energy": "--energy", "drivers": "--driver", "drivers.temperature": "--temperature",
    "metering": "--meter-class", "baseline": "--baseline", "reporting": "--reporting",
}  # fmt: skip
_TODO: Final = {
    "Add drivers.temperature.": "Name it: --temperature.",
    "Make them from hourly or daily temperatures with degree_columns().": "Name a temperature (--temperature) that is known by the hour or the day; hours are fitted with --interval day.",
    'Give driver="production".': "Name one: --driver NAME=COLUMN.",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add_place(parser)
    parser.add_argument("--energy", required=True, metavar="WHAT", help=f"what is to be saved: {_CHANNEL}")
    parser.add_argument("--temperature", metavar="WHAT", help="outdoor temperature, named the same way")
    parser.add_argument(
        "--driver",
        action="append",
        default=[],
        metavar="NAME=WHAT",
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
        "--interval", default="day", help="of the fit: 15min, 30min, hour, day (default), week, month, bill"
    )
    parser.add_argument("--timezone", help="default: the site's, or UTC with --journal or --file")
    parser.add_argument("--holidays", metavar="COUNTRY", help="public holidays and Tết: VN")
    parser.add_argument("--confidence", type=float, default=0.9, help="default 0.9")
    parser.add_argument("--method", help="of the uncertainty (default: the best measured)")
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
    meter.add_argument("--ct-class", metavar="CLASS", help="of its current transformers")
    meter.add_argument("--vt-class", metavar="CLASS", help="of its voltage transformers")
    meter.add_argument("--load", type=float, help="usual current / rated current (default 0.5)")
    meter.add_argument("--power-factor", type=float, help="usual cos φ (default 0.9)")
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


def check_options(arguments: argparse.Namespace) -> None:
    """Fills in what was not told; raises ConfigError for options that contradict each other or mean nothing.

    Before any file is read: who waits for a minute wants no misspelt word at its end.
    """
    if arguments.file and (arguments.journal is not None or arguments.influxdb):
        other = "--journal" if arguments.journal is not None else "--influxdb"
        raise ConfigError(f"--file and {other}: readings come from one of them.", todo="Leave one out.")
    if arguments.journal is not None and arguments.influxdb:
        raise ConfigError("--journal and --influxdb: readings come from one of them.", todo="Leave one out.")
    if not arguments.file:
        _needs(arguments, FILE_OPTIONS, "--file")
    if arguments.meter_class is None:
        _needs(arguments, _METER, "--meter-class")
    if arguments.savings != "normalised":
        _needs(arguments, ("normal_year",), "--savings normalised")
    if arguments.reporting is None:
        if arguments.savings != "avoided":
            raise ConfigError(
                f"--savings {arguments.savings} needs a reporting period.",
                todo="Name it: --reporting FROM..TO.",
            )
        _needs(arguments, ("method",), "--reporting")
    if not math.isfinite(arguments.confidence):
        raise ConfigError("--confidence is no number.", todo="Give e.g. 0.9.")
    _check_words(arguments)
    arguments.load = 0.5 if arguments.load is None else arguments.load
    arguments.power_factor = 0.9 if arguments.power_factor is None else arguments.power_factor


def _needs(arguments: argparse.Namespace, names: tuple[str, ...], option: str) -> None:
    """Raises ConfigError for an option that says nothing without another one."""
    for name in names:
        if getattr(arguments, name) not in (None, False):
            told = f"--{name.replace('_', '-')}"
            raise ConfigError(
                f"{told} means nothing without {option}.", todo=f"Leave it out, or give {option}."
            )


def _check_words(arguments: argparse.Namespace) -> None:
    from analysis import METHODS
    from analysis.fixed_conditions import PROJECTING
    from analysis.validity import profiles

    methods = PROJECTING if arguments.savings == "normalised" else tuple(METHODS)
    told = [("--method", arguments.method, methods)] if arguments.method is not None else []
    told += [("--validity", name, profiles()) for name in arguments.validity or ()]
    for option, word, known in told:
        if word not in known:
            near = nearest(word, known)
            raise ConfigError(
                f'{option}: "{word}" is none of those for this kind of saving.'
                if option == "--method" and word in METHODS
                else f'{option}: there is no {option.removeprefix("--").replace("validity", "profile")} "{word}".',
                todo=f'Did you mean "{near}"?' if near else f"Choose one of: {', '.join(known)}.",
            )


def days(text: str, option: str) -> tuple[str, str]:
    """FROM..TO as dates 2025-01-31, in order; raises ConfigError that names the option."""
    found = period(text, option)
    for each in found:
        try:
            known = date.fromisoformat(each)
        except ValueError:
            raise ConfigError(f'{option}: "{each}" is not a date.', todo="Write e.g. 2025-01-31.") from None
        if known.isoformat() != each:
            raise ConfigError(f'{option}: "{each}" is not written as 2025-01-31.', todo=f"Write {known}.")
        if not 1970 <= known.year < 2200:
            raise ConfigError(
                f"{option}: no meter reading is from the year {known.year}.", todo="Correct the date."
            )
    if found[0] > found[1]:
        raise ConfigError(f"{option}: {found[0]} is after {found[1]}.", todo="Swap them.")
    return found


def in_options(error: DodacError) -> DodacError:
    """The same fault in the words of the command line instead of a plan's or a program's."""
    what = error.what
    found = re.match(r'plan "analyse": ', what)
    if found is not None:
        key, colon, rest = what[found.end() :].partition(": ")
        option = _KEYS.get(key, f"--driver {key.removeprefix('drivers.')}" if "drivers." in key else "")
        what = f"{option}: {rest.removeprefix('metering: ')}" if colon and option else what[found.end() :]
    return type(error)(what, error.where, _TODO.get(error.todo, error.todo))
