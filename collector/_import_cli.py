"""`dodac import FILE`: readings and bills of a file into the journal."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from collector import _import as work
from collector import _import_words as words
from collector._import_read import Taken, take
from collector.cli import add_where, journal_path
from dodac.clock import SystemClock
from dodac.errors import DataError, Exit
from dodac.quantities import Measurement
from dodac.site import Site


def import_command(argv: Sequence[str]) -> int:
    """The command; what was guessed is shown before it is taken."""
    args = _parser().parse_args(argv)
    path, site = journal_path(args)
    known = [] if site is None else [item.id for item in site.instruments]
    instrument = work.check_instrument_id(args.instrument, known)
    measurement = args.measurement = _measurement(args, site)
    zone = args.timezone
    if zone is None:
        zone = site.site.timezone if site is not None else "Asia/Ho_Chi_Minh"
    taken = take(args, instrument, zone)
    return _preview(args, taken) if args.preview else _import(args, path, site, taken, measurement, zone)


def _preview(args: argparse.Namespace, taken: Taken) -> int:
    now_ns = SystemClock().now_ns()
    if args.json:
        sys.stdout.write(
            json.dumps(words.preview_dict(taken, now_ns=now_ns), ensure_ascii=False, indent=2) + "\n"
        )
    else:
        sys.stdout.write(words.preview_text(taken, now_ns=now_ns) + "\n")
    clean = taken.reading.counts.samples and not taken.reading.refused and not taken.to_decide
    return Exit.OK if clean else Exit.FINDING


def _import(
    args: argparse.Namespace,
    path: Path,
    site: Site | None,
    taken: Taken,
    measurement: Measurement | None,
    zone: str,
) -> int:
    reading = taken.reading
    for guess in reading.guesses:
        _say(f"guessed: {guess}")
    for line in words.not_read(taken):
        _say(line)
    if args.timezone is None:
        _say(f"times without an offset were read as {zone} (say --timezone to change it)")
    if reading.refused:
        rows = f"{len(reading.refused)} of {reading.counts.rows} rows can't be used:"
        _say(f"{args.file}: {rows}\n{words.rows_text(reading.refused)}")
        if not args.keep_good:
            raise DataError(
                f"nothing was imported from {args.file}.",
                todo="Correct the file, or add --keep-good to import the other rows.",
            )
    doubts = words.doubts_text(reading, SystemClock().now_ns())
    if doubts:
        _say(f"{args.file}: {doubts}")
    instrument = reading.layout.instrument
    result = work.import_into(path, reading, work.import_facts(site, instrument, measurement))
    count = result.ledger.totals()
    done = {
        "file": str(args.file),
        "instrument": instrument,
        "received": count.received,
        "committed": count.committed,
        "duplicate": count.duplicate,
        "conflict": count.conflict,
        "rows": reading.counts.rows,
        "guesses": list(reading.guesses),
        "warnings": list(reading.warnings),
        "facts": dict(reading.facts),
        **words.rows_dict(reading),
    }
    if args.json:
        sys.stdout.write(json.dumps(done, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(
            f"{instrument}: received {count.received} = committed {count.committed} + duplicate "
            f"{count.duplicate} + conflict {count.conflict}; refused rows {len(reading.refused)}"
            + (f"; left out {len(reading.left_out)}" if reading.left_out else "")
            + (f"; flagged {len(reading.doubted)}" if reading.doubted else "")
            + "\n"
        )
    if count.conflict:
        _say(f"{count.conflict} rows differ from what the journal has for the same time; kept, and flagged")
    return Exit.FINDING if count.conflict else Exit.OK


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _measurement(args: argparse.Namespace, site: Site | None) -> Measurement | None:
    """The measurement given, which an instrument of the site file or the journal may know itself."""
    if args.measurement is not None:
        return Measurement(args.measurement)
    if site is not None:
        return site.instrument(args.instrument).measurement
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dodac import",
        description="Read a file of readings or of bills into the journal: CSV and other text, XLSX, TJF, a Kyoritsu "
        "KEW folder, a log of lines. Add --preview to see what was guessed; nothing ambiguous is imported.",
        epilog="Example: dodac import eload.csv --journal b.db --instrument building --measurement electricity "
        "--column eload=energy_interval_kwh --time time --stamp end --interval 1d --timezone UTC",
    )
    add = parser.add_argument
    add("file", type=Path, help="the file, or a folder of a KEW logger")
    add_where(parser)
    add("--instrument", required=True, metavar="ID", help="the instrument the readings belong to")
    add("--measurement", choices=[m.value for m in Measurement], help="what it measures (with --journal)")
    add("--column", action="append", default=[], metavar="NAME=CHANNEL[:UNIT]", help="repeatable")
    add("--guessed", action="store_true", help="take the columns as their names say, if nothing is ambiguous")
    add("--time", metavar="NAME", help="the column of times, or two joined by + (default: found)")
    add("--stamp", choices=["start", "end", "middle", "instant"],
        help="which moment of its interval a row's time names (default start)")  # fmt: skip
    add("--interval", metavar="LENGTH", help='"15min", "1h", "1d", "1mo" (default: found from the file)')
    add("--timezone", metavar="ZONE", help="zone of times without an offset (default: the site's)")
    add(
        "--date-format",
        metavar="FORMAT",
        help='"ymd", "dmy", "mdy", "unix_s", "unix_ms", "relative" (seconds) or a strptime pattern',
    )
    add("--trigger", metavar="TIME", help="when relative times began, where the file does not say it")
    add("--delimiter", metavar="SIGN", help='between columns: ",", ";", "|", "tab" (default: found)')
    add("--decimal", choices=[".", ","], help="decimal sign (default: found from the numbers)")
    add("--encoding", metavar="NAME", help="of text: utf-8, utf-16, cp1258, cp1252 … (default: found)")
    add(
        "--sheet",
        metavar="NAME",
        help="of a workbook, by name or number (default: the only one with a table)",
    )
    add("--status", action="append", default=[], metavar="COLUMN=GOOD[,GOOD]",
        help="a column that says whether readings are valid, and the texts that mean so (repeatable)")  # fmt: skip
    add("--profile", metavar="ID", help="the file is a log of lines that this instrument printed")
    add("--preview", action="store_true", help="show what would be read, import nothing")
    add("--keep-good", action="store_true", help="import the good rows of a file that has broken ones")
    add("--json", action="store_true", help="the result (or the preview) as JSON")
    bills = parser.add_argument_group("bills", "amounts of billed periods; columns are found by their names")
    add = bills.add_argument
    add("--bills", action="store_true", help="the file holds bills")
    add("--from", dest="from_column", metavar="COLUMN", help="first day of the period")
    add("--to", dest="to_column", metavar="COLUMN", help="last day of the period")
    add("--bounds", choices=["inclusive", "shared"],
        help="the last day belongs to the period, or is the first day of the next (default: found)")  # fmt: skip
    add("--read", metavar="COLUMN", help="day of reading: each bill speaks for the days since the one before")
    add("--first-from", metavar="DATE", help="day of the reading before the first one of the file")
    add("--month", metavar="COLUMN", help="calendar month of the bill")
    add("--delivered", metavar="COLUMN", help="day on which a delivery (fuel) came")
    add("--old", metavar="COLUMN", help="the meter's reading at the beginning")
    add("--new", metavar="COLUMN", help="the meter's reading at the end")
    add("--factor", metavar="COLUMN", help="what their difference is multiplied by")
    add(
        "--register",
        metavar="CHANNEL",
        help="what the meter's readings count (default: what the column of amounts is)",
    )
    add("--cost", metavar="COLUMN", help="the money, kept as an event of the period")
    add("--currency", metavar="CODE", help='of the money, e.g. "VND" (default: from the header)')
    add("--estimated", metavar="COLUMN", help="says which readings are estimates")
    add(
        "--hours",
        metavar="COLUMN",
        help="the tariff's hours a row speaks for (BT, CĐ, TĐ), each on its own row",
    )
    add(
        "--where",
        action="append",
        default=[],
        metavar="COLUMN=TEXT",
        help="only rows with this text (repeatable)",
    )
    return parser
