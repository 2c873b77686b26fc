"""The command exchange: a meter was replaced, and its counters begin somewhere else."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dodac.clock import SystemClock, iso_utc, local_text
from dodac.errors import ConfigError, DataError, Exit, StorageError, Where

if TYPE_CHECKING:
    from collector.exchange import Exchange, ExchangeDesk
    from dodac.contracts import Event
    from store import JournalStore

_TIME_OF_DAY: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?")


def exchange(argv: Sequence[str]) -> int:
    """`dodac exchange INSTRUMENT`: records that its meter was exchanged, so that no consumption is lost or made up."""
    parser = argparse.ArgumentParser(
        prog="dodac exchange",
        description="Record that a meter was exchanged (or set): the last reading of the old one and the first of the new "
        "one. Amounts across the exchange then add up; the readings themselves stay as they were.",
        epilog="Examples: dodac exchange boiler1-water --at 2026-11-22T08:30 --old 12345.6 --new 0.2 --serial 17110042; "
        "dodac exchange boiler1-power --at 08:30 --old energy_import_kwh=501.5 --new energy_import_kwh=7; "
        "dodac exchange boiler1-power --list",
    )
    parser.add_argument("instrument", help="instrument id")
    parser.add_argument("--site", type=Path, default=Path("site.toml"), help="site file (default site.toml)")
    parser.add_argument(
        "--at", metavar="TIME", help="when the new meter began to count; local time of the site"
    )
    many = {"action": "append", "default": [], "metavar": "[CHANNEL=]READING"}
    parser.add_argument("--old", help="last reading of the old meter (repeatable)", **many)  # type: ignore[arg-type]
    parser.add_argument("--new", help="first reading of the new meter (repeatable)", **many)  # type: ignore[arg-type]
    parser.add_argument("--serial", default="", metavar="NUMBER", help="serial number of the new meter")
    parser.add_argument("--operator", default="", help="who did it")
    parser.add_argument("--note", default="", help="a note")
    parser.add_argument("--withdraw", action="store_true", help="take back the exchange recorded for --at")
    parser.add_argument(
        "--yes", action="store_true", help="record it although readings before or after speak against it"
    )
    parser.add_argument("--list", action="store_true", dest="listing", help="show what was recorded")
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args(argv)
    from collector.exchange import ExchangeDesk
    from dodac.site import load_site
    from store import JournalStore

    site = load_site(args.site)
    site.instrument(args.instrument)

    def journal() -> JournalStore | None:
        return JournalStore(site.journal_path) if site.journal_path.exists() else None

    desk = ExchangeDesk(site, SystemClock(), journal)
    if args.listing:
        return _list(desk, args)
    told = _told(desk, args)
    taken = desk.take(told, sure=args.yes)
    for doubt in taken.doubts:
        _words(doubt.vi if site.site.language == "vi" else doubt.en)
    if taken.state == "asked":
        _words("Nothing was recorded. Correct the numbers, or say --yes when they are right.")
        return Exit.FINDING
    if args.json:
        sys.stdout.write(
            json.dumps({"state": taken.state, **json.loads(told.raw())}, ensure_ascii=False) + "\n"
        )
    else:
        sys.stdout.write(f"{told.event().text}\n")
    if taken.state == "waiting":
        _words("kept; dodac run stores it within half a minute")
    if told.serial_number and not told.withdrawn:
        _words(
            f'Change serial_number of "{told.instrument}" in {site.path} too, and calibration if it has another.'
        )
    return Exit.OK


def _told(desk: ExchangeDesk, args: argparse.Namespace) -> Exchange:
    from collector.entered import moment_ns
    from collector.exchange import Exchange

    zone = desk.site.site.timezone
    if args.at is None:
        raise ConfigError("when was it? Give --at.", todo="e.g. --at 2026-11-22T08:30")
    text = args.at
    if _TIME_OF_DAY.fullmatch(text):
        text = f"{local_text(desk.clock.now_ns(), zone, '%Y-%m-%d')}T{text if text[2] == ':' else '0' + text}"
    try:
        time_ns = moment_ns(text, zone)
    except ValueError:
        raise ConfigError(
            f'--at "{args.at}" is no time that can be.',
            todo="Write e.g. --at 2026-11-22T08:30, or 08:30 of today.",
        ) from None
    if args.withdraw:
        counters = _recorded(desk, args.instrument, time_ns)
    else:
        old, new = (_readings(desk, args.instrument, texts) for texts in (args.old, args.new))
        if not old or set(old) != set(new):
            raise ConfigError(
                "each counter needs two readings: --old and --new.",
                todo="e.g. --old energy_import_kwh=501.5 --new energy_import_kwh=7",
            )
        counters = {name: (old[name], new[name]) for name in old}
    return Exchange(
        id=os.urandom(8).hex(),
        instrument=args.instrument,
        time_ns=time_ns,
        counters=counters,
        serial_number=args.serial.strip(),
        operator=args.operator.strip(),
        note=args.note.strip(),
        withdrawn=args.withdraw,
    )


def _readings(desk: ExchangeDesk, instrument: str, texts: Sequence[str]) -> dict[str, float]:
    from drivers.protocols.manual_numbers import parse_number

    found: dict[str, float] = {}
    for text in texts:
        name, sign, reading = text.rpartition("=")
        if not sign:
            known = desk.counters(instrument)
            if len(known) != 1:
                raise ConfigError(
                    f'which counter is "{text}" of? Write CHANNEL=READING.',
                    todo=f"Its counters: {', '.join(known) or 'none in the journal yet'}.",
                )
            (name,) = known
        number = parse_number(reading)
        if number is None or number.unit or len(number.meanings) != 1:
            raise ConfigError(
                f'"{reading}" is not one number.', todo="Write e.g. 12345.6, without unit or groups."
            )
        found[name.strip()] = float(number.meanings[0])
    return found


def _recorded(desk: ExchangeDesk, instrument: str, time_ns: int) -> dict[str, tuple[float, float]]:
    for event in reversed(_events(desk, instrument)):
        if event.time_ns == time_ns and not event.data.get("withdrawn"):
            names = [key.removeprefix("end.") for key in event.data if key.startswith("end.")]
            return {
                name: (float(event.data[f"end.{name}"]), float(event.data[f"start.{name}"])) for name in names
            }
    raise DataError(
        f"no exchange is recorded for {iso_utc(time_ns)}.",
        Where(instrument=instrument),
        "See them with --list.",
    )


def _events(desk: ExchangeDesk, instrument: str) -> list[Event]:
    store = desk.journal()
    if store is None:
        where = Where(file=str(desk.site.journal_path))
        raise StorageError("there is no journal here.", where, "Collect first: dodac run.")
    with store:
        return store.counter_events(instrument)


def _list(desk: ExchangeDesk, args: argparse.Namespace) -> int:
    zone = desk.site.site.timezone
    events = _events(desk, args.instrument)
    if not events:
        _words(f'No exchange is recorded for "{args.instrument}".')
    for event in events:
        if args.json:
            row: dict[str, Any] = {
                "time": iso_utc(event.time_ns),
                "kind": event.kind.value,
                "text": event.text,
            }
            sys.stdout.write(json.dumps({**row, **event.data}, ensure_ascii=False) + "\n")
        else:
            serial = event.data.get("serial_number")
            tail = f"  (serial number {serial})" if serial else ""
            sys.stdout.write(f"{local_text(event.time_ns, zone)}  {event.text}{tail}\n")
    return Exit.OK


def _words(text: str) -> None:
    sys.stderr.write(text + "\n")
