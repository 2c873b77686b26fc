"""`dodac audit benefits`: the benefit table per option and summed, from the register and from files."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from dodac.errors import ConfigError, DataError, Exit

_WIDEST: Final = 44  # what is longer is a reason, and stands below the table

if TYPE_CHECKING:
    from analysis.benefits import BenefitRow
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


def rows_of(arguments: argparse.Namespace, register: Register) -> tuple[BenefitRow, ...]:
    """The rows that the arguments ask for; raises DataError when there is nothing to show."""
    from analysis.benefits import Factors, benefits, summed
    from audit.benefits import read_results, results_of

    factors = Factors(
        grid_proxy=arguments.grid_proxy,
        grades=_pairs(arguments.grade),
        toe_grades=_pairs(arguments.toe_grade),
    )
    results = [*results_of(register, factors.confidence)]
    for path in arguments.file:
        results += read_results(path)
    if not results:
        raise DataError(
            "there is no verified saving yet.",
            todo="Verify one (dodac audit verify PLAN), or give --file results.toml.",
        )
    rows = [benefits(result, factors) for result in results]
    if arguments.by == "option":
        return tuple(rows)
    return summed(rows, None if arguments.by == "all" else arguments.by, arguments.currency)


def text_of_rows(rows: tuple[BenefitRow, ...], language: Language) -> str:
    """The table for a terminal: a line a quantity, a column a row, then what to know."""
    from analysis.benefits import table_lines
    from audit._print import text_of, word

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
    told = dict.fromkeys(text_of(finding, language) for row in rows for finding in row.findings)
    lines += [f"[{place}] {note}" for place, note in enumerate(notes, 1)]
    if told:
        lines += [word("findings", language), *(f"  - {text}" for text in told)]
    return "\n".join(lines) + "\n"


def write(arguments: argparse.Namespace, register: Register, language: Language) -> int:
    """Prints the table, or its data as JSON."""
    rows = rows_of(arguments, register)
    if arguments.json:
        from analysis.benefits import record
        from audit._arguments import write_json

        write_json([record(row) for row in rows])
    else:
        sys.stdout.write(text_of_rows(rows, language))
    return Exit.OK


def _pairs(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        fuel, equals, name = text.partition("=")
        if not equals or not fuel or not name:
            raise ConfigError(f'"{text}" names no factor.', todo="Write FUEL=ID, e.g. coal=anthracite.")
        found[fuel.strip()] = name.strip()
    return found
