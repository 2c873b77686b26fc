"""The command sniff: listens to a line, says what is said on it, and writes tests for profiles."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TextIO

from dodac.clock import iso_utc, local_text
from dodac.errors import ConfigError, Exit, InstrumentError, Where
from dodac.quantities import CHANNELS
from dodac.words import plain_text
from drivers.links import LineSettings, LinkDown
from drivers.profile import Iec62056Profile, LineProfile, MbusProfile, ModbusProfile, Profile
from drivers.scan_cli import ended_with_a_stop
from drivers.scan_target import SerialTarget, TcpTarget, not_held, own_profiles, target_of
from drivers.scan_words import bauds, frames, seconds
from drivers.sniff import Heard, ModbusSniffer, Sniffer
from drivers.sniff_golden import block_of
from drivers.sniff_source import Piece, of_file, of_link, recorded
from drivers.sniff_text import MbusSniffer, PlainSniffer, ReceiverSniffer, receiver_of

_EPILOG: Final = """Examples:
  dodac sniff /dev/ttyUSB0 --baud 9600 --frame 8E1          what master and meters say to each other
  dodac sniff /dev/ttyUSB0 --baud 9600 --profile eastron.sdm630     with the values of its channels
  dodac sniff bus1 --seconds 30 --golden eastron.sdm630 > block.yaml    a test for a profile
  dodac sniff /dev/ttyUSB0 --protocol line                  an instrument that prints by itself
  dodac sniff recording.hex                                 a recording: hexadecimal bytes, line by line

Nothing is ever sent. Exit codes: 0 something was understood, 1 nothing was, 3 the port went away.
"""
_KEPT: Final = 20_000  # heard items that --golden chooses from
_DEFAULTS: Final = {"modbus": "9600 8N1", "mbus": "2400 8E1", "line": "9600 8N1", "iec62056": "115200 8N1"}


def run(argv: Sequence[str]) -> int:
    """`dodac sniff PORT|CONNECTION|FILE|-`."""
    parser = argparse.ArgumentParser(
        prog="dodac sniff",
        description="Listens to a line without sending anything, and says what is said on it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", help="a port, a connection of the site file, a recording, or - for stdin")
    parser.add_argument("--site", type=Path, default=Path("site.toml"), help="site file (default site.toml)")
    parser.add_argument(
        "--baud", help="speed of the line (the profile's first, else the protocol's usual one)"
    )
    parser.add_argument("--frame", help="data bits, parity, stop bits, e.g. 8E1")
    parser.add_argument(
        "--protocol", choices=list(_DEFAULTS), help="what is spoken (the profile's, else modbus)"
    )
    parser.add_argument("--profile", help="show the values of this profile's channels")
    parser.add_argument("--unit", type=int, help="only what this unit is asked and answers")
    parser.add_argument("--golden", metavar="PROFILE", help="at the end, write a test block for this profile")
    parser.add_argument("--record", type=Path, help="write what comes into a file that sniff reads again")
    parser.add_argument("--seconds", type=float, help="end after so long (default: Ctrl-C)")
    parser.add_argument("--json", action="store_true", help="as JSON, one object a line")
    args = parser.parse_args(argv)
    if args.seconds is not None:
        seconds(args.seconds, "--seconds")
    if args.unit is not None and not 0 <= args.unit <= 253:
        raise ConfigError(
            f"--unit: {args.unit} is no address on a line.", None, "Write 1 to 247 (M-Bus 0 to 250)."
        )
    profile = _profile(args)
    protocol = args.protocol or (profile.protocol if profile is not None else "modbus")
    sniffer = _sniffer(protocol, profile, whole=_is_recording(args.source))
    session = _Session(args, sniffer, _zone(args.site))
    fault = ""
    try:
        session.follow(_source(args, protocol, profile))
    except KeyboardInterrupt:
        sys.stderr.write("\n")
    except LinkDown as error:
        fault = str(error)
    finally:
        session.close()
    return _ended(args, session, profile, fault)


class _Session:
    """What was heard so far."""

    def __init__(self, args: argparse.Namespace, sniffer: Sniffer, zone: str) -> None:
        self.heard: list[Heard] = []
        self.counts: Counter[str] = Counter()
        self.bytes = 0
        self._args = args
        self._sniffer = sniffer
        self._zone = zone
        self._record: TextIO | None = None
        if args.record is not None:
            try:
                self._record = args.record.open("w", encoding="ascii")
            except OSError as error:
                where = Where(file=str(args.record))
                raise ConfigError(f"the recording can't be written: {error.strerror}.", where) from None

    def follow(self, pieces: Iterator[Piece]) -> None:
        for data, time_ns in pieces:
            self.bytes += len(data)
            if data and self._record is not None:
                self._record.write(recorded(data, time_ns))
            self._take(self._sniffer.take(data, time_ns) if data else self._sniffer.idle())

    def close(self) -> None:
        """What is still in hand, and the recording."""
        self._take(self._sniffer.idle())
        if self._record is not None:
            self._record.close()

    def _take(self, items: Sequence[Heard]) -> None:
        for item in items:
            if self._args.unit is not None and item.unit not in (None, self._args.unit):
                continue
            self.counts[item.kind] += 1
            if len(self.heard) < _KEPT:
                self.heard.append(item)
            if self._args.golden is None:
                self._show(item)

    def _show(self, item: Heard) -> None:
        if self._args.json:
            sys.stdout.write(json.dumps(_json(item), ensure_ascii=False) + "\n")
        else:
            when = local_text(item.time_ns, self._zone, "%H:%M:%S.%f")[:-3] if item.time_ns else ""
            unit = f"unit {item.unit:3}" if item.unit is not None else ""
            sign = {"request": "→", "answer": "←", "refusal": "!", "unanswered": "…", "noise": "~"}.get(
                item.kind, "←"
            )
            sys.stdout.write("  ".join(part for part in (when, unit, f"{sign} {item.words}") if part) + "\n")
            for name, value in item.values.items():
                sys.stdout.write(f"      {name} {plain_text(value)} {CHANNELS[name].unit}\n")
            for name, reason in item.flags.items():
                sys.stdout.write(f"      {name} not good: {reason}\n")
        sys.stdout.flush()


def _ended(args: argparse.Namespace, session: _Session, profile: Profile | None, fault: str) -> int:
    counts = session.counts
    understood = sum(counts.values()) - counts["noise"]
    told = ", ".join(f"{counts[kind]} {kind}" for kind in counts) or "nothing"
    sys.stderr.write(f"dodac sniff: heard {told} in {session.bytes} bytes.\n")
    if session.bytes and not understood and _is_printed(session):
        sys.stderr.write(
            "dodac sniff: this is text, not frames: an instrument that prints? Add --protocol line.\n"
        )
    elif session.bytes and not understood:
        sys.stderr.write(
            "dodac sniff: bytes come and make no frame: another speed, parity or protocol? "
            "Try --baud, --frame, --protocol.\n"
        )
    code = Exit.OK if understood else Exit.FINDING
    if args.golden is not None and profile is not None:
        block, words = block_of(profile, session.heard, args.unit)
        sys.stdout.write(block)
        sys.stderr.write(f"dodac sniff: {words}.\n")
        code = Exit.OK if block else Exit.FINDING
    if fault:
        sys.stderr.write(f"dodac sniff: {ended_with_a_stop(fault)}\n")
        return Exit.INSTRUMENT
    return code


def _is_printed(session: _Session) -> bool:
    """True when what made no frame is lines of text."""
    data = b"".join(item.data for item in session.heard[:20])
    return data.isascii() and all(31 < byte < 127 or byte in b"\r\n\t" for byte in data)


def _profile(args: argparse.Namespace) -> Profile | None:
    name = args.golden or args.profile
    if name is None:
        return None
    if args.golden and args.profile and args.golden != args.profile:
        raise ConfigError("--golden and --profile name two profiles.", None, "Leave --profile out.")
    from drivers.catalogue import load_profile

    profile = load_profile(name, own_profiles(args.site))
    if profile.protocol not in _DEFAULTS:
        raise ConfigError(f"{name} speaks {profile.protocol}: there is no line to listen to.", None)
    if args.protocol is not None and args.protocol != profile.protocol:
        raise ConfigError(
            f"{name} speaks {profile.protocol}, not {args.protocol}.", None, "Leave --protocol out."
        )
    return profile


def _sniffer(protocol: str, profile: Profile | None, *, whole: bool) -> Sniffer:
    if isinstance(profile, LineProfile | Iec62056Profile):
        return ReceiverSniffer(receiver_of(profile, "UTC"), whole=whole)
    if protocol == "modbus":
        return ModbusSniffer(profile if isinstance(profile, ModbusProfile) else None)
    if protocol == "mbus":
        return MbusSniffer(profile if isinstance(profile, MbusProfile) else None)
    return PlainSniffer()


def _source(args: argparse.Namespace, protocol: str, profile: Profile | None) -> Iterator[Piece]:
    """The pieces to look at; InstrumentError when the port does not open."""
    if _is_recording(args.source):
        return of_file(None if args.source == "-" else Path(args.source))
    target = target_of(args.source, args.site)
    if not isinstance(target, SerialTarget | TcpTarget):
        raise ConfigError(
            "a broker has no line to listen to.", None, "See its topics: dodac scan mqtt://host"
        )
    link = (
        target.link(_setting(args, target, protocol, profile))
        if isinstance(target, SerialTarget)
        else target.link()
    )
    if isinstance(target, SerialTarget):
        not_held(target)
    try:
        link.open()
    except LinkDown as error:
        raise InstrumentError(ended_with_a_stop(error)) from None
    sys.stderr.write(f"dodac sniff: listening on {link.name}; Ctrl-C ends it.\n")
    return _closing(link, args.seconds)


def _is_recording(source: str) -> bool:
    return source == "-" or Path(source).is_file()


def _closing(link: Any, length: float | None) -> Iterator[Piece]:
    try:
        yield from of_link(link, length)
    finally:
        link.close()


def _setting(
    args: argparse.Namespace, target: SerialTarget, protocol: str, profile: Profile | None
) -> LineSettings:
    words = _DEFAULTS[protocol].split()
    usual = LineSettings(int(words[0]), words[1])
    if isinstance(profile, ModbusProfile | MbusProfile | LineProfile | Iec62056Profile):
        usual = LineSettings(profile.link.baud[0], profile.link.frame[0])
    known = target.setting or usual
    speeds, shapes = bauds(args.baud), frames(args.frame)
    if len(speeds) > 1 or len(shapes) > 1:
        raise ConfigError(
            "a line is listened to at one speed and frame at a time.", None, "Write one of each."
        )
    return LineSettings(speeds[0] if speeds else known.baud, shapes[0] if shapes else known.frame)


def _zone(site: Path) -> str:
    from dodac.site import load_site

    path = site / "site.toml" if site.is_dir() else site
    return load_site(path).site.timezone if path.is_file() else "Asia/Ho_Chi_Minh"


def _json(item: Heard) -> dict[str, Any]:
    return {
        "time": iso_utc(item.time_ns) if item.time_ns else None,
        "kind": item.kind,
        "unit": item.unit,
        "bytes": item.data.hex(" "),
        "request": item.request.hex(" "),
        "words": item.words,
        "values": dict(item.values),
        "flags": dict(item.flags),
    }
