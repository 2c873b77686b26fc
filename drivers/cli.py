"""The commands profiles, read and simulate."""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dodac.clock import SystemClock, iso_utc, local_text
from dodac.errors import ConfigError, Exit
from dodac.quantities import CHANNELS, Kind, nearest
from drivers.profile import (
    HttpTjfProfile,
    Iec62056Profile,
    LineProfile,
    ManualProfile,
    ModbusProfile,
    MqttProfile,
    Profile,
    SparkplugProfile,
    UsbViewProfile,
)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def profiles(argv: Sequence[str]) -> int:
    """`dodac profiles`: the list; `dodac profiles show ID`: one with its channels and caveats."""
    parser = argparse.ArgumentParser(
        prog="dodac profiles",
        description="Lists the instruments dodac can read, or shows one.",
        epilog="Examples: dodac profiles; dodac profiles show eastron.sdm630; dodac profiles check --site my-plant",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable")
    parser.add_argument(
        "--site", type=Path, default=Path("site.toml"), help="its folder's profiles/ count too"
    )
    parser.add_argument(
        "--json-schema", action="store_true", help="the JSON Schema of a profile, for editors"
    )
    parser.add_argument("action", nargs="?", choices=["list", "show", "check"], default="list")
    parser.add_argument("id", nargs="?", help="the profile to show or check")
    args = parser.parse_args(argv)
    from drivers.catalogue import load_profile, load_profiles

    own = (args.site if args.site.is_dir() else args.site.parent) / "profiles"
    if args.json_schema:
        from drivers.profile import as_json_schema

        _say(json.dumps(as_json_schema(), indent=2, ensure_ascii=False))
        return Exit.OK
    if args.action == "show":
        if args.id is None:
            raise ConfigError("which profile?", None, "Write: dodac profiles show eastron.sdm630")
        return _show(load_profile(args.id, own), as_json=args.json)
    found = load_profiles(own) if args.id is None else {args.id: load_profile(args.id, own)}
    if args.action == "check":
        return _check(found)
    if args.json:
        _say(json.dumps([_row(profile) for profile in found.values()], indent=2, ensure_ascii=False))
        return Exit.OK
    rows = [("id", "maker", "models", "kind", "protocol", "hardware")]
    rows += [tuple(str(v) for v in _row(profile).values()) for profile in found.values()]  # type: ignore[misc]
    _table(rows)
    return Exit.OK


def _row(profile: Profile) -> dict[str, str]:
    return {
        "id": profile.id,
        "maker": profile.maker,
        "models": ", ".join(profile.models),
        "kind": profile.kind.value,
        "protocol": profile.protocol,
        "hardware": profile.evidence.hardware,
    }


def _table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        _say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _show(profile: Profile, *, as_json: bool) -> int:
    if as_json:
        _say(json.dumps(profile.model_dump(mode="json", by_alias=True), indent=2, ensure_ascii=False))
        return Exit.OK
    _say(f"{profile.id}: {profile.maker} {', '.join(profile.models)}")
    if profile.summary:
        _say(profile.summary)
    _say(f"\nkind {profile.kind.value}, protocol {profile.protocol}, hardware: {profile.evidence.hardware}")
    if isinstance(profile, ModbusProfile):
        baud = ", ".join(str(b) for b in profile.link.baud)
        _say(f"line: {baud} baud, {', '.join(profile.link.frame)}; the first is tried first")
    _say("\nchannels")
    rows = [
        (f"  {name}", CHANNELS[name].unit, CHANNELS[name].kind.value, CHANNELS[name].en)
        for name in profile.channels
    ]
    _table(rows)
    _say("\nknown from")
    for source in profile.evidence.map:
        _say(f"  {source}")
    if profile.caveats:
        _say("\ncaveats")
        for caveat in profile.caveats:
            _say(f"  {caveat.text}\n    (source: {caveat.source})")
    _say(f"\nin the site file\n{_site_example(profile)}")
    return Exit.OK


def _site_example(profile: Profile) -> str:
    """The tables that a site file needs for an instrument of this profile."""
    if isinstance(profile, MqttProfile):
        connection = 'broker]\nkind = "mqtt"\nurl = "mqtt://127.0.0.1:1883"'
        place, words = 'connection = "broker"\n', ""
        if isinstance(profile, SparkplugProfile):
            place += 'address = "GROUP/NODE/DEVICE"'
            words = "    # as in the topics of its messages"
        elif "{address}" in profile.topic:
            place += 'address = "WORD"'
            words = f"    # topic {profile.topic}"
        else:
            place += f'topic = "{profile.topic}"'
    elif isinstance(profile, HttpTjfProfile):
        connection = 'analyser]\nkind = "http"\nhost = "192.168.1.50"'
        place, words = (
            'connection = "analyser"\nserial_number = "61300001"',
            "    # on the analyser; checked at every read",
        )
    elif isinstance(profile, UsbViewProfile):
        connection, place, words = 'analyser]\nkind = "usb"', 'connection = "analyser"', ""
    elif isinstance(profile, ManualProfile):
        connection, place, words = 'hand]\nkind = "manual"', 'connection = "hand"', ""
    else:
        connection = 'bus1]\nkind = "serial"\nport = "/dev/serial/by-id/..."'
        connection += f'\nbaud = {profile.link.baud[0]}\nframe = "{profile.link.frame[0]}"'
        place = 'connection = "bus1"'
        place += "" if isinstance(profile, LineProfile | Iec62056Profile) else "\naddress = 1"
        if isinstance(profile, Iec62056Profile) and profile.link.mode == "readout":
            place += '\nevery = "5min"'
        words = (
            ""
            if isinstance(profile, ModbusProfile | LineProfile | Iec62056Profile)
            else '    # or the 8 digits on the meter: "12345678"'
        )
    text = f'[connections.{connection}\n\n[[instruments]]\nid = "my-meter"\nprofile = "{profile.id}"\n{place}{words}'
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


def _check(found: Mapping[str, Profile]) -> int:
    """Runs the golden tests of the profiles; a finding is exit code 1."""
    from drivers.golden import check

    code = Exit.OK
    for profile in found.values():
        wrong = check(profile)
        _say(f"{profile.id}: {len(profile.tests)} tests {'pass' if not wrong else 'run, findings:'}")
        for words in wrong:
            code = Exit.FINDING
            _say(f"  {words}")
    return code


def read(argv: Sequence[str]) -> int:
    """`dodac read INSTRUMENT`: one reading now, raw and scaled; exit code 3 when it does not answer."""
    parser = argparse.ArgumentParser(
        prog="dodac read",
        description="Reads an instrument of the site file once and prints its values.",
        epilog="Example: dodac read boiler1-power --site my-plant",
    )
    parser.add_argument("instrument", help="its id in the site file")
    parser.add_argument("--site", type=Path, default=Path("site.toml"), help="site file (site.toml)")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    args = parser.parse_args(argv)
    from dodac.site import load_site
    from drivers.connection_open import read_with
    from drivers.noting_connection import take_notes

    site = load_site(args.site)
    sample, reader, doubts = read_with(site, args.instrument, SystemClock())
    flags = {flag.channel: flag for flag in sample.flags}
    raw, notes = _raw(reader), [note.text for note in take_notes(reader)]
    readings: list[dict[str, Any]] = []
    for place, name in enumerate(reader.layout.channels):
        if not sample.present >> place & 1:
            continue
        value, flag = sample.values[place], flags.get(name)
        shown = value if flag is None else flag.value
        readings.append(
            {
                "channel": name,
                "value": shown if shown is None or math.isfinite(shown) else None,
                "unit": CHANNELS[name].unit,
                "raw": raw.get(name, ""),
                "flag": None if flag is None else flag.reason.value,
            }
        )
    if args.json:
        whole = {
            "instrument": args.instrument,
            "time": iso_utc(sample.time_ns),
            "span_ms": round(sample.span_ns / 1e6, 3),
            "readings": readings,
            "doubts": doubts,
            "notes": notes,
            "raw": (sample.raw or b"").hex(" "),
        }
        _say(json.dumps(whole, indent=2, ensure_ascii=False))
    else:
        when = local_text(sample.time_ns, site.site.timezone, "%Y-%m-%d %H:%M:%S %z")
        _say(f"{args.instrument}  {when}  ({sample.span_ns / 1e6:.0f} ms)")
        rows = [
            (
                f"  {r['channel']}",
                "–" if r["value"] is None else f"{r['value']:.7g}",
                str(r["unit"]),
                str(r["raw"]),
                "" if r["flag"] is None else f"not good: {r['flag']}",
            )
            for r in readings
        ]
        _table(rows)
    if reader.fault_text:
        sys.stderr.write(f"dodac read: {reader.fault_text}\n")
    for note in notes:
        sys.stderr.write(f"dodac read: {note}\n")
    for doubt in doubts:
        sys.stderr.write(f"dodac read: this may be another model: {doubt}.\n")
    return Exit.FINDING if flags or doubts else Exit.OK


def _raw(reader: Any) -> dict[str, str]:
    """Raw bytes by channel, for readers that keep a register image."""
    from drivers.protocols.modbus_reader import ModbusReader

    if not isinstance(reader, ModbusReader):
        return {}
    from drivers.protocols.modbus_map import raw_hex

    return {name: raw_hex(reader.image, mapped) for name, mapped in reader.map.channels.items()}


def simulate(argv: Sequence[str]) -> int:
    """`dodac simulate PROFILE`: serves a Modbus or line profile on a pseudo-terminal until Ctrl-C."""
    from drivers.simulator import FAULTS, SimulatedBus, SimulatedUnit
    from drivers.simulator.talker import TALKER_FAULTS

    parser = argparse.ArgumentParser(
        prog="dodac simulate",
        description="Serves the profile of a Modbus instrument, or of one that prints lines, on a pseudo-terminal "
        "at real line speed. "
        "Prints the port: write it into the site file as a serial connection's port.",
        epilog="Example: dodac simulate eastron.sdm630 --unit 3 --value power_w=4321. Faults: "
        + "; ".join(f"{kind}: {words}" for kind, words in (FAULTS | TALKER_FAULTS).items()),
    )
    parser.add_argument("profile", help="id of a Modbus or line profile (dodac profiles)")
    parser.add_argument(
        "--site", type=Path, default=Path("site.toml"), help="its folder's profiles/ count too"
    )
    parser.add_argument("--unit", type=int, default=1, help="address on the line (1)")
    parser.add_argument("--baud", type=int, help="line speed (the profile's first)")
    parser.add_argument(
        "--value", action="append", default=[], metavar="CHANNEL=NUMBER", help="a fixed value"
    )
    parser.add_argument("--fault", choices=list(FAULTS | TALKER_FAULTS), help="shown once every ten seconds")
    parser.add_argument(
        "--fault-seconds", type=float, default=1.5, help="how long late, dead and unplug last (1.5)"
    )
    parser.add_argument("--seconds", type=float, help="end after so long (default: Ctrl-C)")
    args = parser.parse_args(argv)
    for option, number in (("--seconds", args.seconds), ("--fault-seconds", args.fault_seconds)):
        if number is not None and not 0 < number < threading.TIMEOUT_MAX:
            raise ConfigError(f"{option}: {number:g} is no length of time.", None, "Write seconds above 0.")
    if args.baud is not None and not 50 <= args.baud <= 4_000_000:
        raise ConfigError(f"--baud: {args.baud} is no line speed.", None, "Write 50 to 4000000, e.g. 9600.")
    from drivers.catalogue import load_profile

    own = (args.site if args.site.is_dir() else args.site.parent) / "profiles"
    profile = load_profile(args.profile, own)
    if isinstance(profile, LineProfile):
        from drivers._cli_talk import talk

        return talk(profile, baud=args.baud, fault=args.fault, seconds=args.seconds)
    if args.fault in TALKER_FAULTS and args.fault not in FAULTS:
        raise ConfigError(f'{profile.id} prints no lines and can\'t show "{args.fault}".')
    if not isinstance(profile, ModbusProfile):
        raise ConfigError(
            f"only Modbus and line profiles can be simulated, {profile.id} speaks {profile.protocol}."
        )
    if not 1 <= args.unit <= 247:
        raise ConfigError(f"a Modbus address is 1 to 247, not {args.unit}.")
    fixed = dict(_fixed(word, profile) for word in args.value)
    baud = args.baud or profile.link.baud[0]
    start = time.monotonic()
    unit = SimulatedUnit(profile, lambda: {**_moving(profile, time.monotonic() - start), **fixed})
    line = SimulatedBus({args.unit: unit}, baud=baud)
    with line:
        _say(line.path)
        sys.stdout.flush()
        sys.stderr.write(f"{profile.id} as unit {args.unit} at {baud} baud; Ctrl-C ends it.\n")
        ended = threading.Event()
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # the port is removed then too
        try:
            while args.seconds is None or time.monotonic() - start < args.seconds:
                left = 10.0 if args.seconds is None else start + args.seconds - time.monotonic()
                if args.fault is not None:
                    timed = args.fault in ("late", "unplug", "dead")
                    line.fault(args.unit, args.fault, seconds=args.fault_seconds if timed else None)
                ended.wait(max(0.0, min(10.0, left)))
        except KeyboardInterrupt:
            sys.stderr.write("\n")
    return Exit.OK


def _fixed(word: str, profile: Profile) -> tuple[str, float]:
    name, _, number = word.partition("=")
    if name not in profile.channels:
        near = nearest(name, profile.channels)
        hint = f'Did you mean "{near}"?' if near else f"It has: {', '.join(profile.channels)}."
        raise ConfigError(f'{profile.id} has no channel "{name}".', None, hint)
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f'"{word}" is no value.', None, f"Write e.g. {name}=12.5")
    return name, value


_MIDDLES = {
    "voltage": 230.0, "current": 25.0, "power": 15_000.0, "apparent power": 16_000.0, "reactive power": 4_000.0,
    "power factor": 0.95, "frequency": 50.0, "oxygen": 6.0, "carbon dioxide": 12.0, "carbon monoxide": 80.0,
    "temperature": 60.0, "flow": 12.0, "quality": 85.0, "pressure": 6.0,
}  # fmt: skip


def _moving(profile: Profile, seconds: float) -> dict[str, float]:
    """Plausible values: gauges swing by 1 %, counters rise."""
    values = {}
    for name, spec in profile.channels.items():
        channel = CHANNELS[name]
        if channel.kind == Kind.COUNTER:
            values[name] = 10_000.0 + seconds / 100
            continue
        low, high = spec.range or (channel.low, channel.high)
        middle = 180.0 if name == "t_flue_c" else _MIDDLES.get(channel.quantity, min(high, max(low, 1.0)))
        values[name] = min(high, max(low, middle * (1 + 0.01 * math.sin(seconds / 5))))
    return values
