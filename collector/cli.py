"""The commands init, run, status, import and export."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from dodac.clock import SECOND_NS, SystemClock, duration_ns
from dodac.errors import ConfigError, DataError, Exit
from dodac.quantities import Measurement

if TYPE_CHECKING:
    from dodac.site import Site


_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " "}


def _words(text: str) -> None:
    sys.stderr.write(text + "\n")


def init(argv: Sequence[str]) -> int:
    """`dodac init FOLDER`: writes a commented site file."""
    parser = argparse.ArgumentParser(
        prog="dodac init",
        description="Write a commented site file to start from.",
        epilog="Example: dodac init my-plant",
    )
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path(), help="where to write site.toml (default: here)"
    )
    args = parser.parse_args(argv)
    from collector._init_site import write_site

    path = write_site(args.folder)
    sys.stdout.write(f"{path}\n")
    _words(
        f"Next: fill in port, address and profile in {path}, then read it once:\n"
        f"  dodac read boiler1-power --site {path}"
    )
    return Exit.OK


def run(argv: Sequence[str]) -> int:
    """`dodac run`: collects until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="dodac run",
        description="Collect until Ctrl-C: read every instrument of the site file into the journal, and send it to "
        "InfluxDB when the site file has one. One line is written when a fault starts and one when it ends; at the end "
        "the ledger.",
        epilog="Examples: dodac run --site my-plant; dodac run --site my-plant --for 8h",
    )
    parser.add_argument("--site", type=Path, default=Path("site.toml"), help="site file (default site.toml)")
    parser.add_argument("--for", dest="span", metavar="TIME", help='end by itself, e.g. "10s" or "8h"')
    parser.add_argument("--verbose", action="store_true", help="debug lines too")
    args = parser.parse_args(argv)
    span_ns = _duration(args.span, "--for") if args.span is not None else None
    from collector._log import log_to_stderr
    from collector.collector import Collector
    from dodac.site import load_site

    site = load_site(args.site)
    log_to_stderr(verbose=args.verbose)
    if not site.instruments:
        raise ConfigError("the site file has no instruments yet.", todo=f"Add some to {site.path}.")
    if site.influxdb is None and all(item.profile is None for item in site.instruments):
        raise ConfigError(
            "there is nothing to collect: no instrument of the site file has a profile.",
            site.where("instruments"),
            "Readings of the others come in by dodac import FILE.",
        )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    collector = Collector(site, SystemClock())
    collector.start()
    _words(
        f"Collecting until Ctrl-C{'' if args.span is None else f' or for {args.span}'}. In another terminal: "
        f"dodac status --site {args.site} (the ledger), dodac serve --site {args.site} (the page)."
    )
    stop.wait(None if span_ns is None else span_ns / SECOND_NS)
    # a second Ctrl-C ends at once, whatever hangs
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    clean = collector.stop()
    _words(collector.ledger().text())
    return Exit.OK if clean else Exit.STORAGE


def status(argv: Sequence[str]) -> int:
    """`dodac status`: ledger, rows and open gaps, read from the journal."""
    parser = argparse.ArgumentParser(
        prog="dodac status",
        description="The ledger of a site's journal: what was received, stored, delivered, and what is in fault; "
        "also while dodac run works. Exit code 5 when a sample is not accounted for.",
        epilog="Example: dodac status --site my-plant",
    )
    _where(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args(argv)
    from collector._report import read_report

    path, site = _journal_path(args)
    report = read_report(path, site)
    if args.json:
        sys.stdout.write(json.dumps(report.as_dict(), ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.write(report.text() + "\n")
    return Exit.OK if report.ledger.balanced() else Exit.INTEGRITY


def import_file(argv: Sequence[str]) -> int:
    """`dodac import FILE`: a file of interval data into the journal."""
    args = _import_parser().parse_args(argv)
    from collector import _import as work
    from collector import _import_words as words
    from drivers.protocols.files import FileSpec, read_interval_file

    path, site = _journal_path(args)
    known = [] if site is None else [item.id for item in site.instruments]
    instrument = work.check_instrument_id(args.instrument, known)
    measurement = _measurement(args, site)
    columns, guessed = work.columns_or_fault(args.column, args.file, preview=args.preview)
    zone = args.timezone
    if zone is None:
        zone = site.site.timezone if site is not None else "Asia/Ho_Chi_Minh"
    spec = FileSpec(
        instrument=instrument,
        columns=tuple(columns),
        zone=zone,
        time_column=args.time,
        stamp=args.stamp,
        interval=args.interval,
        date_format=args.date_format,
        delimiter=_DELIMITERS.get(args.delimiter, args.delimiter),
        decimal=args.decimal,
    )
    reading = read_interval_file(args.file, spec)
    if args.preview:
        now_ns = SystemClock().now_ns()
        sys.stdout.write(words.preview_text(reading, columns, guessed=guessed, now_ns=now_ns) + "\n")
        return Exit.FINDING if reading.refused or not reading.samples else Exit.OK
    for guess in reading.guesses:
        _words(f"guessed: {guess}")
    if args.timezone is None:
        _words(f"times without an offset were read as {zone} (say --timezone to change it)")
    if reading.refused:
        rows = f"{len(reading.refused)} of {reading.counts.rows} rows can't be used:"
        _words(f"{args.file}: {rows}\n{words.rows_text(reading.refused)}")
        if not args.keep_good:
            raise DataError(
                f"nothing was imported from {args.file}.",
                todo="Correct the file, or add --keep-good to import the other rows.",
            )
    doubts = words.doubts_text(reading, SystemClock().now_ns())
    if doubts:
        _words(f"{args.file}: {doubts}")
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
        "refused_rows": [asdict(row) for row in reading.refused],
        "left_out_rows": [asdict(row) for row in reading.left_out],
        "flagged_rows": [asdict(row) for row in reading.doubted],
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
        _words(f"{count.conflict} rows differ from what the journal has for the same time; kept, and flagged")
    return Exit.FINDING if count.conflict else Exit.OK


def export(argv: Sequence[str]) -> int:
    """`dodac export INSTRUMENT`: good readings as CSV."""
    parser = argparse.ArgumentParser(
        prog="dodac export",
        description="Good readings of the journal as CSV, times in UTC; flagged ones are left out.",
        epilog="Example: dodac export boiler1-power --site my-plant --channel power_w --from 2026-11-01 --to 2026-12-01 "
        "> power.csv",
    )
    parser.add_argument("instrument", help="instrument id")
    _where(parser)
    parser.add_argument("--channel", action="append", default=[], help="only this channel (repeatable)")
    parser.add_argument("--from", dest="start", metavar="TIME", help="ISO date or time, inclusive")
    parser.add_argument("--to", dest="end", metavar="TIME", help="ISO date or time, exclusive")
    args = parser.parse_args(argv)
    from collector._report import export_csv

    path, site = _journal_path(args)
    zone = site.site.timezone if site is not None else "UTC"
    rows = export_csv(path, args.instrument, args.channel, args.start, args.end, zone, sys.stdout)
    _words(f"{rows} rows of {args.instrument}")
    return Exit.OK if rows else Exit.FINDING


def _where(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--site", type=Path, default=None, help="site file (default site.toml)")
    group.add_argument("--journal", type=Path, help="a journal file, without a site file")


def _journal_path(args: argparse.Namespace) -> tuple[Path, Site | None]:
    if args.journal is not None:
        return args.journal, None
    from dodac.site import load_site

    site = load_site(args.site if args.site is not None else Path("site.toml"))
    return site.journal_path, site


def _duration(text: str, option: str) -> int:
    try:
        return duration_ns(text)
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None


def _measurement(args: argparse.Namespace, site: Site | None) -> Measurement | None:
    """The measurement given, which an instrument of the site file or the journal may know itself."""
    if args.measurement is not None:
        return Measurement(args.measurement)
    if site is not None:
        return site.instrument(args.instrument).measurement
    return None


def _import_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dodac import",
        description="Read a CSV file of interval data into the journal.",
        epilog="Example: dodac import eload.csv --journal b.db --instrument building --measurement electricity "
        "--column eload=energy_interval_kwh --time time --stamp end --interval 1d --timezone UTC",
    )
    add = parser.add_argument
    add("file", type=Path, help="CSV file")
    _where(parser)
    add("--instrument", required=True, metavar="ID", help="the instrument the readings belong to")
    add("--measurement", choices=[m.value for m in Measurement], help="what it measures (with --journal)")
    add("--column", action="append", default=[], metavar="NAME=CHANNEL[:UNIT]", help="repeatable")
    add("--time", metavar="NAME", help="the column of times (default: the first that holds times)")
    add("--stamp", choices=["start", "end", "middle", "instant"], default="start",
        help="which moment of its interval a row's time names (default start)")  # fmt: skip
    add("--interval", metavar="LENGTH", help='"15min", "1h", "1d", "1mo" (default: found from the file)')
    add("--timezone", metavar="ZONE", help="zone of times without an offset (default: the site's)")
    add(
        "--date-format",
        metavar="FORMAT",
        help='"ymd", "dmy", "mdy", "unix_s", "unix_ms" or a strptime pattern',
    )
    add("--delimiter", metavar="SIGN", help='between columns: ",", ";", "|", "tab" (default: found)')
    add("--decimal", choices=[".", ","], help="decimal sign (default: found from the numbers)")
    add("--preview", action="store_true", help="show what would be read, import nothing")
    add("--keep-good", action="store_true", help="import the good rows of a file that has broken ones")
    add("--json", action="store_true", help="the result as JSON")
    return parser
