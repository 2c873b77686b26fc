"""The commands init, run, status, import and export."""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dodac.clock import SECOND_NS, SystemClock, duration_ns
from dodac.errors import ConfigError, Exit, StorageError

if TYPE_CHECKING:
    from collector.collector import Collector
    from dodac.site import Site


_STOPS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGPWR") if hasattr(signal, name)
)
_AGAIN_S: Final = 2.0
_POWER_S: Final = 120.0  # a look at a file of the kernel
_WAIT_S: Final = 3.0  # dodac enter and the page hold the journal for a moment while they store an entry


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
    """`dodac run`: collects until SIGINT, SIGTERM, SIGPWR, or the mains stays away (power_file)."""
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
    from collector._power import watch_of_site
    from collector.collector import Collector
    from dodac.site import load_site

    site = load_site(args.site)
    log_to_stderr(verbose=args.verbose)
    if not site.instruments:
        raise ConfigError("the site file has no instruments yet.", todo=f"Add some to {site.path}.")
    if site.influxdb is None and not site.sinks and all(item.profile is None for item in site.instruments):
        raise ConfigError(
            "there is nothing to collect: no instrument of the site file has a profile.",
            site.where("instruments"),
            "Readings of the others come in by dodac import FILE.",
        )
    stop = threading.Event()
    for number in _STOPS:
        signal.signal(number, lambda *_: stop.set())
    # the watchdog of the service manager ends a process that hangs with SIGABRT: where it hung goes to the log
    with contextlib.suppress(OSError):  # where the output is no file
        faulthandler.enable()
    collector = _when_there_is_room(lambda: Collector(site, SystemClock(), wait_s=_WAIT_S), stop)
    if collector is None:
        return Exit.STORAGE
    collector.start()
    power = watch_of_site(site, SystemClock(), collector.inbox.event, stop.set)
    if power is not None:
        collector.also_watch("power", _POWER_S, power)
    _words(
        f"Collecting until Ctrl-C{'' if args.span is None else f' or for {args.span}'}. In another terminal: "
        f"dodac status --site {args.site} (the ledger), dodac serve --site {args.site} (the page)."
    )
    stop.wait(None if span_ns is None else span_ns / SECOND_NS)
    # a second Ctrl-C ends at once, whatever hangs
    for number in _STOPS:
        signal.signal(number, signal.SIG_DFL)
    clean = collector.stop()
    if power is not None:
        power.stop()  # after the watch, which would miss it
    _words(collector.ledger().text())
    return Exit.OK if clean else Exit.STORAGE


def _when_there_is_room(begin: Callable[[], Collector], stop: threading.Event) -> Collector | None:
    """The collector, as soon as its journal can be written; None when told to stop before.

    A full disk at the start is told once and waited for: what is not read meanwhile is told as a gap then.
    """
    from store import may_pass

    told = ""
    while not stop.is_set():
        try:
            return begin()
        except StorageError as error:
            if not may_pass(error):
                raise
            if str(error) != told:
                told = str(error)
                _words(f"{told}\nNothing is collected until then; it is tried again every {_AGAIN_S:.0f} s.")
        stop.wait(_AGAIN_S)
    return None


def status(argv: Sequence[str]) -> int:
    """`dodac status`: ledger, rows and open gaps, read from the journal."""
    parser = argparse.ArgumentParser(
        prog="dodac status",
        description="The ledger of a site's journal: what was received, stored, delivered, and what is in fault; "
        "also while dodac run works. Exit code 5 when a sample is not accounted for.",
        epilog="Examples: dodac status --site my-plant; dodac status --site my-plant --health",
    )
    add_where(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument(
        "--health", action="store_true", help="only whether dodac run works and is well; exit code 1 when not"
    )
    args = parser.parse_args(argv)
    if args.health:
        return _health(args)
    from collector._report import read_report

    path, site = journal_path(args)
    report = read_report(path, site)
    if args.json:
        sys.stdout.write(json.dumps(report.as_dict(), ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.write(report.text() + "\n")
    return Exit.OK if report.ledger.balanced() else Exit.INTEGRITY


def _health(args: argparse.Namespace) -> int:
    from collector._socket import health_of, look

    path, _ = journal_path(args)
    health = health_of(look(path))
    if args.json:
        sys.stdout.write(json.dumps(health, ensure_ascii=False) + "\n")
    else:
        lines = [f"{fault['code']}: {fault['text']}" for fault in health["faults"]]
        sys.stdout.write("\n".join([health["status"], *lines]) + "\n")
    return Exit.OK if health["status"] == "ok" else Exit.FINDING


def import_file(argv: Sequence[str]) -> int:
    """`dodac import FILE`: a file of readings or of bills into the journal."""
    from collector._import_cli import import_command

    return import_command(argv)


def export(argv: Sequence[str]) -> int:
    """`dodac export INSTRUMENT`: good readings as CSV."""
    parser = argparse.ArgumentParser(
        prog="dodac export",
        description="Good readings of the journal as CSV, times in UTC; what is flagged, corrected or withdrawn is left out.",
        epilog="Example: dodac export boiler1-power --site my-plant --channel power_w --from 2026-11-01 --to 2026-12-01 "
        "> power.csv",
    )
    parser.add_argument("instrument", help="instrument id")
    add_where(parser)
    parser.add_argument("--channel", action="append", default=[], help="only this channel (repeatable)")
    parser.add_argument("--from", dest="start", metavar="TIME", help="ISO date or time, inclusive")
    parser.add_argument("--to", dest="end", metavar="TIME", help="ISO date or time, exclusive")
    args = parser.parse_args(argv)
    from collector._export import export_csv

    path, site = journal_path(args)
    zone = site.site.timezone if site is not None else "UTC"
    rows = export_csv(path, args.instrument, args.channel, args.start, args.end, zone, sys.stdout)
    _words(f"{rows} rows of {args.instrument}")
    return Exit.OK if rows else Exit.FINDING


def add_where(parser: argparse.ArgumentParser) -> None:
    """The options that say which journal is meant."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--site", type=Path, default=None, help="site file (default site.toml)")
    group.add_argument("--journal", type=Path, help="a journal file, without a site file")


def journal_path(args: argparse.Namespace) -> tuple[Path, Site | None]:
    """The journal that the options name, and the site file if there is one."""
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
