"""`dodac audit benefits`: the benefit table per option and summed, from the register and from files."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from dodac.errors import ConfigError, DataError, Exit

_WIDEST: Final = 44  # what is longer is a reason, and stands below the table
_HEADS: Final = {
    "factors": ("Factors", "Hệ số đã dùng"),
    "explained": ("The reported CO₂ of {id}, explained", "Giải thích số CO₂ báo cáo của {id}"),
}

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.benefits import BenefitRow, Explanation, Factors, OptionResult, PlantFuel
    from audit.register import Register
    from dodac.words import Language


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    from pathlib import Path

    parser.add_argument(
        "--file",
        action="append",
        type=Path,
        default=[],
        metavar="TOML",
        help="results reported in a file; repeatable",
    )
    parser.add_argument(
        "--by", choices=("option", "company", "province", "programme", "all"), default="option",
        help="a row each (default option), or one sum",
    )  # fmt: skip
    parser.add_argument("--currency", help="of the sums' money")
    parser.add_argument(
        "--grid-proxy", metavar="ID", help="grid factor that stands in where none covers the year"
    )
    parser.add_argument(
        "--grade",
        action="append",
        default=[],
        metavar="FUEL=ID",
        help="carbon factor of a fuel, e.g. coal=anthracite",
    )
    parser.add_argument(
        "--toe-grade",
        action="append",
        default=[],
        metavar="FUEL=ID",
        help="its TOE factor, e.g. coal=cam_5_6",
    )
    parser.add_argument(
        "--air",
        action="append",
        default=[],
        metavar="FUEL.POLLUTANT=ID",
        help="factor of dust, so2 or nox, e.g. coal.so2=so2-anthracite",
    )
    parser.add_argument(
        "--explain", action="store_true", help="show which named factors give what of each reported CO2"
    )


@dataclass(frozen=True)
class Shown:
    """What the command prints: rows, the factors that made them, explanations of reported totals by option."""

    rows: tuple[BenefitRow, ...]
    factors: Factors
    explained: tuple[tuple[OptionResult, Explanation], ...] = ()


def shown_of(arguments: argparse.Namespace, register: Register) -> Shown:
    """The rows that the arguments ask for; raises DataError when there is nothing to show."""
    from analysis.benefits import Factors, benefits, explain_reported, in_currency, summed
    from audit._benefits_file import read_settings
    from audit.benefits import read_results, results_of

    settings = read_settings(arguments.file)
    factors = Factors(
        grid_proxy=arguments.grid_proxy,
        grades=_pairs(arguments.grade),
        toe_grades=_pairs(arguments.toe_grade),
        air={**settings.air, **_air(arguments.air)},
        plant=settings.plant,
    )
    results = [*results_of(register, factors.confidence)]
    for path in arguments.file:
        results += read_results(path)
    if not results:
        raise DataError(
            "there is no verified saving yet.",
            todo="Verify one (dodac audit verify PLAN), or give --file results.toml.",
        )
    rows = tuple(benefits(result, factors, settings.rates, settings.discount) for result in results)
    reported = [result for result in results if "co2" in result.given] if arguments.explain else []
    explained = tuple(
        (
            result,
            explain_reported(
                result.amounts,
                result.start,
                result.end,
                result.given["co2"].value,
                plants=_named(settings.plant),
                factors=replace(factors, plant={}),
            ),
        )
        for result in reported
    )
    if arguments.by != "option":
        by = None if arguments.by == "all" else arguments.by
        rows = summed(rows, by, arguments.currency, settings.rates)
    elif arguments.currency:
        rows = tuple(in_currency(row, arguments.currency, settings.rates) for row in rows)
    return Shown(rows, factors, explained)


def text_of_rows(shown: Shown, language: Language) -> str:
    """The table for a terminal: a line a quantity, a column a row, then what to know, factors, explanations."""
    from analysis.benefits import explained_lines, factor_lines, table_lines, told
    from audit._print import text_of, word

    rows = shown.rows

    notes: list[str] = []

    def short(cell: str) -> str:
        if len(cell) <= _WIDEST:
            return cell
        if cell not in notes:
            notes.append(cell)
        return f"[{notes.index(cell) + 1}]"

    table = [[line[0], *map(short, line[1:])] for line in table_lines(rows, language)]
    widths = [max(len(line[place]) for line in table) for place in range(len(table[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]
    lines += [f"[{place}] {note}" for place, note in enumerate(notes, 1)]
    said = dict.fromkeys(text_of(item, language) for item in told(rows))
    if said:
        lines += [word("findings", language), *(f"  - {text}" for text in said if text not in notes)]
    made_with = factor_lines(rows, shown.factors, language)
    if made_with:
        lines += [_HEADS["factors"][language == "vi"], *(f"  - {text}" for text in made_with)]
    for result, explanation in shown.explained:
        head = _HEADS["explained"][language == "vi"].format(id=result.id)
        every = explained_lines(result, explanation, shown.factors, language)
        lines += [head, *(f"  - {text}" for text in every)]
    return "\n".join(lines) + "\n"


def write(arguments: argparse.Namespace, register: Register, language: Language) -> int:
    """Prints the table, or its data as JSON."""
    shown = shown_of(arguments, register)
    if arguments.json:
        from analysis.benefits import record
        from audit._arguments import write_json

        rows = [record(row) for row in shown.rows]
        explained = [{"id": result.id, **asdict(each)} for result, each in shown.explained]
        write_json({"rows": rows, "explained": explained} if arguments.explain else rows)
    else:
        sys.stdout.write(text_of_rows(shown, language))
    return Exit.OK


def _pairs(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        fuel, equals, name = text.partition("=")
        if not equals or not fuel or not name:
            raise ConfigError(f'"{text}" names no factor.', todo="Write FUEL=ID, e.g. coal=anthracite.")
        found[fuel.strip()] = name.strip()
    return found


def _air(texts: list[str]) -> dict[tuple[str, str], str]:
    found = {}
    for key, name in _pairs(texts).items():
        fuel, dot, pollutant = key.partition(".")
        if not dot:
            raise ConfigError(
                f'"{key}" names no fuel and pollutant.',
                todo="Write FUEL.POLLUTANT=ID, e.g. coal.so2=so2-anthracite.",
            )
        found[fuel, pollutant] = name
    return found


def _named(plant: Mapping[str, PlantFuel]) -> dict[str, Mapping[str, PlantFuel]]:
    """The laboratory's values under the name of their source."""
    return {"; ".join(dict.fromkeys(fuel.source for fuel in plant.values())): plant} if plant else {}
