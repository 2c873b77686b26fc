"""The command scan: ports, units, meters, topics and beacons, by reading and listening only."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from dodac.clock import SystemClock
from dodac.errors import ConfigError, Exit, InstrumentError
from drivers.links import LineSettings, Link, LinkDown
from drivers.profile import Profile
from drivers.scan_progress import Progress
from drivers.scan_target import (
    BrokerTarget,
    Login,
    SerialTarget,
    TcpTarget,
    not_held,
    own_profiles,
    target_of,
)
from drivers.scan_toml import beside
from drivers.scan_words import addresses, bauds, frames, seconds, what_else

_EPILOG: Final = """Examples:
  dodac scan                              the serial ports of this machine
  dodac scan /dev/ttyUSB0                 Modbus units 1-32 at the likeliest speeds and parities
  dodac scan /dev/ttyUSB0 --all           units 1-247 at every speed and parity
  dodac scan bus1                         a connection of the site file
  dodac scan /dev/ttyUSB0 --protocol mbus   M-Bus: addresses 0-250, then by secondary address
  dodac scan 192.168.1.50                 units behind a Modbus TCP gateway
  dodac scan mqtt://broker.local          topics of a broker, for ten seconds
  dodac scan beacons                      analysers that tell of themselves in the local network

Only reading requests are sent, and only to what is named. Ctrl-C ends a scan with what was found so far.
"""


@dataclass
class Report:
    """What a scan found, for people and as JSON."""

    target: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    site: str = ""
    seconds: float = 0.0
    requests: int = 0
    complete: bool = True
    fault: str = ""
    lines: list[str] = field(default_factory=list)


def scan(argv: Sequence[str]) -> int:
    """`dodac scan [TARGET]`: 0 something was found, 1 nothing, 3 the port or host is away, 130 interrupted."""
    parser = argparse.ArgumentParser(
        prog="dodac scan",
        description="Looks for instruments and prints what to write into the site file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", nargs="?", help="port, host[:port], mqtt://host, beacons, or a connection")
    parser.add_argument("--site", type=Path, default=Path("site.toml"), help="site file (default site.toml)")
    parser.add_argument("--protocol", choices=["modbus", "mbus"], default="modbus", help="on a line (modbus)")
    parser.add_argument("--units", help="addresses, e.g. 1-32,40 (Modbus 1-32; M-Bus 0-250)")
    parser.add_argument("--baud", help="only these speeds, e.g. 9600,19200")
    parser.add_argument("--frame", help="only these frames, e.g. 8N1,8E1")
    parser.add_argument(
        "--framing", choices=["rtu", "ascii", "tcp"], help="Modbus frames (rtu; behind a host tcp)"
    )
    parser.add_argument("--all", action="store_true", help="every address at every setting, to the end")
    parser.add_argument(
        "--wait", type=float, help="seconds to wait for an answer to begin (0.1; behind a host 0.3)"
    )
    parser.add_argument("--no-probe", action="store_true", help="do not ask which profile fits")
    parser.add_argument("--no-secondary", action="store_true", help="M-Bus: primary addresses only")
    parser.add_argument("--topic", action="append", help="topic filter on a broker (#)")
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="how long to listen to a broker or for beacons (10)"
    )
    parser.add_argument("--user", help="user of the broker")
    parser.add_argument("--password-file", type=Path, help="file with the broker's password, mode 0600")
    parser.add_argument("--ca-file", type=Path, help="certificate of the broker's authority")
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args(argv)
    seconds(args.seconds, "--seconds")
    if args.wait is not None:
        seconds(args.wait, "--wait", 0.01, 10.0)
    report = Report(args.target or "ports")
    progress = Progress()
    try:
        _run(args, report, progress)
    except KeyboardInterrupt:
        report.complete = False
    except LinkDown as error:
        report.complete, report.fault = False, str(error)
    finally:
        progress.end()
    report.site = beside(report.site, args.site)
    return _told(report, args)


def _run(args: argparse.Namespace, report: Report, progress: Progress) -> None:
    if args.target is None:
        _ports(report)
        return
    if args.target == "beacons":
        _beacons(args, report, progress)
        return
    target = target_of(args.target, args.site, Login(args.user, args.password_file, args.ca_file))
    if isinstance(target, BrokerTarget):
        _broker(args, target, report, progress)
        return
    if isinstance(target, SerialTarget):
        not_held(target)
    if args.protocol == "mbus":
        _mbus(args, target, report, progress)
    else:
        from drivers.scan_modbus import scan_modbus

        scan_modbus(args, target, report, progress)


def _told(report: Report, args: argparse.Namespace) -> int:
    if args.json:
        whole = {k: v for k, v in asdict(report).items() if k not in ("rows", "lines")}
        sys.stdout.write(json.dumps({**whole, "found": report.rows}, indent=2, ensure_ascii=False) + "\n")
    else:
        for line in report.lines:
            sys.stdout.write(f"{line}\n")
        if report.site:
            sys.stdout.write(f"\nfor the site file:\n\n{report.site}")
    for note in report.notes:
        sys.stderr.write(f"dodac scan: {note}\n")
    if report.requests:
        sys.stderr.write(f"dodac scan: {report.requests} requests in {report.seconds:.1f} s.\n")
    if report.fault:
        words = "what was found before stands above" if report.rows else "nothing was found before"
        sys.stderr.write(f"dodac scan: {ended_with_a_stop(report.fault)} {words.capitalize()}.\n")
        return Exit.INSTRUMENT
    if not report.complete:
        sys.stderr.write("dodac scan: ended early; this is what was found so far.\n")
        return Exit.INTERRUPTED
    if not report.rows:
        sys.stderr.write(f"dodac scan: nothing was found. {what_else(args)}".rstrip() + "\n")
        return Exit.FINDING
    return Exit.OK


def _ports(report: Report) -> None:
    from drivers.scan_ports import serial_ports

    for port in serial_ports():
        report.rows.append(asdict(port))
        report.lines.append(
            f"{port.name}\n  {port.adapter} ({port.device}){': ' + port.problem if port.problem else ''}"
        )
    if not report.rows:
        report.notes.append(
            "no serial port is here: plug the adapter in, and look with dmesg whether it is seen."
        )
    else:
        report.notes.append(
            "look on one of them: dodac scan PORT; analysers in the network: dodac scan beacons"
        )


def _beacons(args: argparse.Namespace, report: Report, progress: Progress) -> None:
    from drivers.protocols.testo_beacon import BEACON_PORT, listen
    from drivers.scan_toml import plain_id

    progress.tell(f"listening on UDP port {BEACON_PORT} for {args.seconds:g} s")
    try:
        found = listen(args.seconds)
    except OSError as error:
        words = f"UDP port {BEACON_PORT} can't be listened on: {error.strerror}."
        raise InstrumentError(words, None, "Does another program of the maker run here? End it.") from None
    for beacon in found:
        report.rows.append(asdict(beacon))
        report.lines.append(
            f"{beacon.model}  serial number {beacon.serial_number or 'not told'}  at {beacon.host}:{beacon.port}"
        )
        name = plain_id(f"testo-{beacon.serial_number or beacon.host}").replace(".", "-")
        report.site += (
            f'[connections.{name}]\nkind = "http"\nhost = {json.dumps(beacon.host)}\n\n'
            f'[[instruments]]\nid = "{name}"\nprofile = "testo.300-http"\nconnection = "{name}"\n'
            f"serial_number = {json.dumps(beacon.serial_number)}\n\n"
        )


def _mbus(
    args: argparse.Namespace, target: SerialTarget | TcpTarget, report: Report, progress: Progress
) -> None:
    from drivers.protocols.mbus_search import Progress as Step
    from drivers.scan_mbus import MBUS_SETTINGS, MbusScan, mbus_fits
    from drivers.scan_profiles import usable_profiles
    from drivers.scan_toml import Entry, plain_id, tables

    own = target.setting if isinstance(target, SerialTarget) else None
    chosen: Sequence[LineSettings] = MBUS_SETTINGS
    if isinstance(target, TcpTarget):
        chosen = MBUS_SETTINGS[:1]  # the converter at the other end knows the speed
    elif args.baud or args.frame:
        chosen = [
            LineSettings(b, f) for b in bauds(args.baud) or [2400] for f in frames(args.frame) or ["8E1"]
        ]
    elif own is not None:
        chosen = [own]

    def step(now: Step) -> None:
        progress.tell(f"M-Bus {now.where}: {len(now.found)} found, {now.asked} requests (Ctrl-C ends it)")

    work = MbusScan(
        _opener(target), SystemClock(), chosen, addresses(args.units or "0-250", 0, 250),
        not args.no_secondary, args.all, step,
    )  # fmt: skip
    try:
        work.run()
    finally:
        profiles, wrong = usable_profiles(own_profiles(args.site))
        report.notes += wrong
        report.requests, report.seconds, entries = work.requests, work.seconds, []
        for setting, meter in work.found:
            fitting = mbus_fits(meter, profiles)
            header = meter.header
            words = f"{header.manufacturer} {header.identification}, {header.medium_name}" if header else ""
            shown = meter.address if meter.address is not None else "no address of its own"
            report.rows.append(
                {
                    "address": meter.address, "primary": meter.primary, "secondary": meter.secondary,
                    "setting": str(setting), "header": words, "problem": meter.problem,
                    "profiles": [name for name, _ in fitting],
                }
            )  # fmt: skip
            report.lines.append(
                f"address {shown}  {words}  {', '.join(name for name, _ in fitting[:3])}  {meter.problem}".rstrip()
            )
            if meter.address is not None:
                profile = fitting[0][0] if fitting else ""
                name = plain_id(
                    f"{header.manufacturer}-{header.identification}" if header else f"meter-{shown}"
                )
                entries.append(Entry(name, meter.address, profile, words))
        if entries:
            framing = "rtu" if isinstance(target, TcpTarget) else ""
            report.site = tables(target, entries, setting=work.found[0][0], framing=framing)


def _opener(target: SerialTarget | TcpTarget) -> Callable[[LineSettings], Link]:
    if isinstance(target, SerialTarget):
        return target.link
    return lambda _: target.link()


def _broker(args: argparse.Namespace, target: BrokerTarget, report: Report, progress: Progress) -> None:
    from drivers.scan_broker import Listening, fits, shape
    from drivers.scan_profiles import usable_profiles
    from drivers.scan_toml import Entry, plain_id, tables

    work = Listening(target.place, args.topic or ("#",))
    try:
        work.listen(
            args.seconds,
            lambda spent, count: progress.tell(
                f"{spent:.0f} of {args.seconds:g} s: {count} topics (Ctrl-C ends it)"
            ),
        )
    finally:
        progress.end()
        profiles: list[Profile]
        profiles, wrong = usable_profiles(own_profiles(args.site))
        report.notes += wrong
        report.seconds = work.seconds
        entries: dict[tuple[str, str], Entry] = {}
        for topic in sorted(work.topics.values(), key=lambda t: t.name):
            found = fits(topic, profiles)
            rate = topic.messages / max(work.seconds, 0.1)
            report.rows.append(
                {
                    "topic": topic.name, "messages": topic.messages, "per_minute": round(rate * 60, 1),
                    "bytes": topic.size, "retained": topic.retained, "shape": shape(topic),
                    "profiles": [asdict(fit) for fit in found],
                }
            )  # fmt: skip
            words = ", ".join(fit.profile for fit in found[:3]) or shape(topic)
            old = " (a retained message: old)" if topic.retained else ""
            report.lines.append(
                f"{topic.name}  {topic.messages} messages, {rate * 60:.3g} a minute  {words}{old}"
            )
            best = next((fit for fit in found if not fit.profile.startswith("generic.")), None)
            if best is not None:
                name = plain_id(f"{best.address}-{best.profile.split('.')[-1]}")
                entries.setdefault((best.profile, best.address), Entry(name, best.address, best.profile))
        if work.left_out:
            report.notes.append(
                f"{work.left_out} messages of further topics were left out: name some with --topic."
            )
        report.site = tables(target, list(entries.values()))


def check_target(target: object) -> SerialTarget | TcpTarget:
    """A line or gateway; ConfigError for a broker."""
    if isinstance(target, SerialTarget | TcpTarget):
        return target
    raise ConfigError("a broker has no units.", None, "Name a port, a host, or such a connection.")


def ended_with_a_stop(words: object) -> str:
    """Words as a sentence."""
    text = str(words)
    return text if text.endswith((".", "?", "!")) else f"{text}."
