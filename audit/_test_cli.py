"""The command `dodac test`: the steady runs of a technician's test, and what a measure saved between two."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from audit._arguments import Place, add_place, add_reading, opened, place_of, write_json
from audit._test_print import (
    WORDS,
    document_of,
    finding_lines,
    plain_runs,
    refused,
    result_lines,
    run_lines,
    year_line,
)
from dodac.errors import ConfigError, Exit

if TYPE_CHECKING:
    from analysis import Refusal
    from analysis.isolation import Method, OptionSaving, Side, SteadyRuns
    from analysis.metrology import Instrument
    from audit._test_sources import Source
    from dodac.words import Language

_SOURCES: Final = "A source is a CSV or XLSX file, or an instrument of the journal; @DAY or @FROM..TO takes these days of it."
_COMPARE: Final = f"""{_SOURCES}

Examples:
  dodac test compare --before before.csv --after after.csv --fuel natural_gas --instrument SN0815 \\
      --limits o2_pct=0.3,t_flue_c=2,t_air_c=1 --drift o2_pct=0.1,t_flue_c=0.5,t_air_c=0.5
  dodac test compare --before analyser1@2026-03-02 --after analyser1@2026-04-02 --fuel cam_5 --method bs845 \\
      --limits en-50379-2
  dodac test compare --kind compressor --before march.csv --after april.csv --limits power_kw=1%,flow_nm3_min=2%
"""
_KINDS: Final = ("boiler", "compressor", "pump", "fan")


def test(argv: Sequence[str]) -> int:
    """`dodac test steady|compare`: 1 when there are too few runs, no number, or no change to be seen."""
    arguments = _parser().parse_args(argv)
    from audit._test_sources import source_of

    if arguments.command == "steady":
        texts = [("SOURCE", text) for text in arguments.source]
    else:
        texts = [("--before", text) for text in arguments.before]
        texts += [("--after", text) for text in arguments.after]
    sources = [source_of(text, option) for option, text in texts]
    # with files alone no site file is asked for
    arguments.file = all(source.path is not None for source in sources)
    place = place_of(arguments)
    if arguments.command == "steady":
        return _steady(sources, arguments, place)
    first = len(arguments.before)
    return _compare(sources[:first], sources[first:], arguments, place)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dodac test",
        description="Tests of one machine before and after a measure (docs/how-to/measure-before-and-after.md).",
        epilog="Examples: dodac test steady before.csv; dodac test compare --help",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    steady = commands.add_parser(
        "steady",
        help="which runs of a test count, and why the rest does not",
        description="Which runs of a test count, and why the rest does not.",
        epilog="Example: dodac test steady before.csv --channel load=steam",
    )
    steady.add_argument("source", nargs="+", help="FILE, FILE@DAY or INSTRUMENT@DAY")
    compare = commands.add_parser(
        "compare",
        help="what a measure saved, from tests before and after it",
        description="What a measure saved, from at least three separated steady runs on each side.",
        epilog=_COMPARE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    compare.add_argument("--before", action="append", required=True, metavar="SOURCE", help="repeatable")
    compare.add_argument("--after", action="append", required=True, metavar="SOURCE", help="repeatable")
    compare.add_argument("--fuel", metavar="ID", help="of a boiler (dodac combustion --fuels)")
    compare.add_argument(
        "--method", choices=("siegert", "bs845"), default="siegert",
        help="of a boiler: siegert (net, default) or bs845 (gross; also biomass and coal)",
    )  # fmt: skip
    compare.add_argument(
        "--wet-o2", action="store_true", help="O2 is of wet gas on both sides (zirconia probe)"
    )
    compare.add_argument("--with-co", action="store_true", help="count the loss by CO on both sides")
    compare.add_argument("--instrument", metavar="SN", help="the one instrument of both sides, by its number")
    compare.add_argument(
        "--limits", action="append", default=[], metavar="WHAT",
        help="limits of error ±: a profile (en-50379-2, metas-2004 …), or CHANNEL=NUMBER or CHANNEL=NUMBER%% "
        "with commas between; repeatable, the later counts",
    )  # fmt: skip
    compare.add_argument("--drift", metavar="CHANNEL=NUMBER,…", help="± what it moved between two days")
    compare.add_argument("--year", metavar="N", type=float, help="fuel or electricity of a year before")
    compare.add_argument("--year-limits", metavar="N", type=float, help="± of --year")
    compare.add_argument("--year-basis", metavar="TEXT", default="", help="where --year is from")
    compare.add_argument("--unit", default="kWh", help="of --year (default kWh)")
    for one in (steady, compare):
        one.add_argument("--kind", choices=_KINDS, default="boiler", help="the machine (default boiler)")
        add_reading(one)
        add_place(one)
    return parser


def _runs(
    sources: Sequence[Source], arguments: argparse.Namespace, place: Place, notes: list[str]
) -> SteadyRuns | Refusal:
    from analysis.isolation import runs_from_rows, steady_rules, steady_runs
    from audit._test_sources import Written, channels_told, samples_frame

    rules = steady_rules(arguments.kind)
    told: list[str] = []
    written = Written(arguments.time, arguments.date_format, arguments.sheet)
    frame = samples_frame(
        sources, rules, channels_told(arguments.channel), place.zone, lambda: opened(place), told, written
    )
    notes += told
    if not arguments.json:
        sys.stderr.write("".join(f"{note}\n" for note in told))
    reader = runs_from_rows if arguments.rows else steady_runs
    return reader(frame, arguments.kind)


def _steady(sources: Sequence[Source], arguments: argparse.Namespace, place: Place) -> int:
    from analysis import Refusal
    from analysis.isolation import steady_rules

    notes: list[str] = []
    found = _runs(sources, arguments, place, notes)
    if isinstance(found, Refusal):
        return refused(found, arguments.json, place.language)
    needed = int(steady_rules(arguments.kind)["runs"])
    if arguments.json:
        write_json({"kind": arguments.kind, "runs_needed": needed, **plain_runs(found), "read": notes})
    else:
        lines = [
            WORDS["runs"][place.language].format(n=len(found.runs), needed=needed),
            *run_lines(found, place.language),
            *finding_lines(found.findings, place.language),
        ]
        sys.stdout.write("\n".join(lines) + "\n")
    return Exit.OK if len(found.runs) >= needed else Exit.FINDING


def _compare(
    before: Sequence[Source], after: Sequence[Source], arguments: argparse.Namespace, place: Place
) -> int:
    from analysis import Refusal
    from analysis.isolation import Side, Stated, compare_tests, scale_to_year

    language, notes = place.language, list[str]()
    for option, number in (("--year", arguments.year), ("--year-limits", arguments.year_limits)):
        if number is not None and not (math.isfinite(number) and number > 0.0):
            raise ConfigError(f"{option} must be a number above 0, not {number:g}.")
    method = _method(arguments)
    if arguments.instrument is None and before[0].path is None and before[0].name == after[0].name:
        arguments.instrument = before[0].name
    tools = [_instruments(arguments, method, side) for side in ("before", "after")]
    sides: list[Side] = []
    for sources, own in zip((before, after), tools, strict=True):
        runs = _runs(sources, arguments, place, notes)
        if isinstance(runs, Refusal):
            return refused(runs, arguments.json, language)
        sides.append(Side(runs, own))
    pair = compare_tests(sides[0], sides[1], method)
    if isinstance(pair, Refusal):
        if not arguments.json:
            sys.stdout.write("\n".join(_side_lines(sides, language)) + "\n")
        return refused(pair, arguments.json, language, sides)
    year: OptionSaving | None = None
    if arguments.year is not None:
        amount = Stated(arguments.year, arguments.year_limits, arguments.year_basis, arguments.unit)
        scaled = scale_to_year(pair, amount, unit=arguments.unit)
        if isinstance(scaled, Refusal):
            return refused(scaled, arguments.json, language, sides)
        year = scaled
    shown = abs(pair.fraction) > pair.half_width
    if arguments.json:
        write_json(document_of(pair, sides, year, shown, notes))
        return Exit.OK if shown else Exit.FINDING
    lines = [*_side_lines(sides, language), *result_lines(pair, shown, language)]
    if year is not None:
        lines.append(year_line(year, arguments.year, language))
    lines += finding_lines(pair.findings if year is None else year.findings, language)
    sys.stdout.write("\n".join(lines) + "\n")
    return Exit.OK if shown else Exit.FINDING


def _side_lines(sides: Sequence[Side], language: Language) -> list[str]:
    lines = []
    for name, side in zip(("before", "after"), sides, strict=True):
        lines += [WORDS[name][language], *run_lines(side.runs, language)]
    return lines


def _method(arguments: argparse.Namespace) -> Method:
    from analysis import fuel
    from analysis.isolation import bs845_efficiency, siegert_efficiency, specific_energy, specific_power

    if arguments.kind == "boiler":
        if arguments.fuel is None:
            raise ConfigError("--fuel is needed for a boiler.", todo="dodac combustion --fuels lists them.")
        by = bs845_efficiency if arguments.method == "bs845" else siegert_efficiency
        return by(fuel(arguments.fuel).id, with_co=arguments.with_co, wet_o2=arguments.wet_o2)
    return specific_power() if arguments.kind == "compressor" else specific_energy()


def _instruments(arguments: argparse.Namespace, method: Method, side: str) -> tuple[Instrument, ...]:
    from analysis import Refusal
    from analysis.metrology import Accuracy, Instrument, accuracy

    limits: dict[str, Accuracy] = {}
    for text in arguments.limits:
        if "=" in text:
            for channel, number, percent in _pairs(text, "--limits", method):
                limits[channel] = Accuracy(relative_pct=number) if percent else Accuracy(number)
            continue
        for channel in method.channels:
            found = accuracy(text, channel)
            if not isinstance(found, Refusal):
                limits[channel] = found
    missing = [channel for channel in method.channels if channel not in limits]
    if missing:
        raise ConfigError(
            f"nothing says how wrong {', '.join(missing)} may be.",
            todo=f"Take it from the data sheet: --limits {','.join(f'{name}=NUMBER' for name in missing)}.",
        )
    drift = {} if arguments.drift is None else {
        channel: number for channel, number, _ in _pairs(arguments.drift, "--drift", method)
    }  # fmt: skip
    if drift and arguments.instrument is None:
        raise ConfigError("--drift is of one instrument on both sides.", todo="Name it: --instrument SN.")
    # nobody said that it was one instrument
    name = f"instrument {side}" if arguments.instrument is None else arguments.instrument
    return tuple(
        Instrument(name, channel, limit, drift=drift.get(channel))
        for channel, limit in limits.items()
        if channel in method.channels
    )


def _pairs(text: str, option: str, method: Method) -> Iterator[tuple[str, float, bool]]:
    for part in text.split(","):
        channel, _, figure = (word.strip() for word in part.partition("="))
        percent = figure.endswith("%")
        try:
            number = float(figure.removesuffix("%"))
        except ValueError:
            number = math.nan
        least = 0.0 if option == "--drift" else 1e-12
        if channel not in method.channels or not (math.isfinite(number) and number >= least):
            raise ConfigError(
                f'{option}: "{part}" is no limit of a channel.',
                todo=f"Write CHANNEL=NUMBER; the channels are {', '.join(method.channels)}.",
            )
        yield channel, number, percent
