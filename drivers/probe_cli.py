"""The command probe: which profile fits a unit, with the evidence for and against each."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from dodac.errors import ConfigError, Exit, InstrumentError
from dodac.quantities import CHANNELS
from drivers.links import LineSettings, LinkDown
from drivers.probe import deciding, inseparable
from drivers.probe_orders import under_all_orders
from drivers.probe_read import Probe, patience, probe
from drivers.profile import ModbusProfile, Profile
from drivers.protocols.modbus_identity import Framing
from drivers.scan import FoundUnit
from drivers.scan_ask import Asker
from drivers.scan_cli import check_target, ended_with_a_stop
from drivers.scan_modbus import candidate_json, framings, modbus_scan, open_asker
from drivers.scan_profiles import usable_profiles
from drivers.scan_progress import Progress
from drivers.scan_target import SerialTarget, TcpTarget, not_held, own_profiles, target_of
from drivers.scan_toml import Entry, beside, tables

_EPILOG: Final = """Examples:
  dodac probe bus1 3                    unit 3 on a connection of the site file
  dodac probe /dev/ttyUSB0 3            the speed and parity are found first
  dodac probe 192.168.1.50 3 --json
  dodac probe bus1 3 --golden eastron.sdm630 > block.yaml    a test for a profile, from the live meter

Only reading requests are sent. Exit codes: 0 a profile fits, 1 none does, 3 the unit does not answer.
"""
_WELL: Final = 4.0


def run(argv: Sequence[str]) -> int:
    """`dodac probe CONNECTION|PORT|HOST UNIT`."""
    parser = argparse.ArgumentParser(
        prog="dodac probe",
        description="Asks a Modbus unit who it is and holds every profile against what it answers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", help="a connection of the site file, a port, or host[:port]")
    parser.add_argument("unit", type=int, help="its address, 1-247")
    parser.add_argument("--site", type=Path, default=Path("site.toml"), help="site file (default site.toml)")
    parser.add_argument("--baud", help="speed of the line (found by trying)")
    parser.add_argument("--frame", help="data bits, parity, stop bits, e.g. 8E1 (found by trying)")
    parser.add_argument(
        "--framing", choices=["rtu", "ascii", "tcp"], help="Modbus frames (rtu; behind a host tcp)"
    )
    parser.add_argument(
        "--golden", metavar="PROFILE", help="write a test block for this profile from what was read"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args(argv)
    args.all, args.wait = False, 0.3
    if not 1 <= args.unit <= 247:
        raise ConfigError(f"a Modbus address is a number from 1 to 247, not {args.unit}.")
    target = check_target(target_of(args.target, args.site))
    if isinstance(target, SerialTarget):
        not_held(target)
    profiles, wrong = usable_profiles(own_profiles(args.site))
    for words in wrong:
        sys.stderr.write(f"dodac probe: {words}\n")
    golden = _golden_profile(args.golden, profiles)
    progress, found = Progress(), Probe()
    try:
        unit = _reached(args, target, profiles, progress)
        setting, framing = unit.setting, unit.framing
        link, asker = open_asker(target, setting, framing)
    except LinkDown as error:
        raise InstrumentError(ended_with_a_stop(error)) from None
    finally:
        progress.end()
    ended = ""
    try:
        wanted = [golden] if golden is not None else profiles

        def tell(name: str, done: int, total: int) -> None:
            progress.tell(f"{name} ({done} of {total}); Ctrl-C ends it")

        probe(asker, args.unit, wanted, tell, found, patience(unit.turnaround_s))
    except KeyboardInterrupt:
        ended = "ended early; this is what was found so far"
    except LinkDown as error:
        ended = str(error)
    finally:
        progress.end()
        link.close()
    if golden is not None:
        return _write_golden(golden, args.unit, asker, ended)
    if not found.answered and not ended:
        raise _silent(args, setting)
    site = _site(target, args.unit, setting, framing, found, args.site)
    if args.json:
        sys.stdout.write(
            json.dumps(_json(args.unit, setting, framing, found, profiles, site), indent=2) + "\n"
        )
    else:
        _tell(args.unit, setting, framing, found, profiles, site)
    if ended:
        sys.stderr.write(f"dodac probe: {ended}.\n")
        return Exit.INTERRUPTED if ended.startswith("ended early") else Exit.INSTRUMENT
    return Exit.OK if found.ranked else Exit.FINDING


def _reached(
    args: argparse.Namespace,
    target: SerialTarget | TcpTarget,
    profiles: Sequence[Profile],
    progress: Progress,
) -> FoundUnit:
    """At which setting and in which frames the unit answers, and how fast; InstrumentError when at none."""
    tried = 0
    left = framings(target, args.framing)
    while left:
        framing = left.pop(0)
        work = modbus_scan(target, framing, [args.unit], profiles, args)
        work.progress = lambda now: progress.tell(f"looking for the unit: {now.words}")
        try:
            work.run()
        except LinkDown:
            if not left:  # a server may hang up on frames that it does not know
                raise
        if work.found:
            return work.found[0]
        tried += len(work.settings)
        for note in work.notes:
            sys.stderr.write(f"dodac probe: {note}\n")
    words = f"no answer from unit {args.unit} at {tried} setting{'s' if tried > 1 else ''} of the line."
    raise InstrumentError(
        words, None, "Check address, wiring (A/B) and power; dodac scan looks at every address."
    )


def _silent(args: argparse.Namespace, setting: LineSettings | None) -> InstrumentError:
    at = f" at {setting}" if setting is not None else ""
    return InstrumentError(
        f"unit {args.unit}{at} answered once, and then no more.", None, "Check the wiring."
    )


def _golden_profile(id: str | None, profiles: Sequence[Profile]) -> ModbusProfile | None:
    if id is None:
        return None
    from drivers.catalogue import load_profile

    profile = next((p for p in profiles if p.id == id), None) or load_profile(id)
    if not isinstance(profile, ModbusProfile):
        raise ConfigError(
            f"{id} speaks {profile.protocol}; probe asks Modbus units.", None, "See dodac sniff --golden."
        )
    return profile


def _write_golden(profile: ModbusProfile, unit: int, asker: Asker, ended: str) -> int:
    from drivers.sniff_golden import modbus_block

    if ended:
        raise InstrumentError(f"{ended}.")
    block, words = modbus_block(profile, [(q, a) for q, a in asker.log if q[1] in (1, 2, 3, 4)])
    if not block:
        raise InstrumentError(f"unit {unit} gave nothing that {profile.id} reads: {words}.")
    sys.stdout.write(block)
    sys.stderr.write(f"dodac probe: {words}\n")
    return Exit.OK


def _site(
    target: SerialTarget | TcpTarget,
    unit: int,
    setting: LineSettings | None,
    framing: Framing,
    found: Probe,
    site: Path,
) -> str:
    ranked = found.ranked
    profile = ranked[0].profile if ranked else ""
    words = [] if not ranked or not ranked[0].order else [ranked[0].order]
    if same := [other.profile for other in (inseparable(ranked) if ranked else [])]:
        words.append(f"or {', '.join(same)}: the type plate decides")
    entry = Entry(f"unit-{unit}", unit, profile, "; ".join(words))
    return beside(tables(target, [entry], setting=setting, framing=framing), site)


def _alternatives(found: Probe) -> list[dict[str, str]]:
    """Those that can't be told from the first, each with the reading that would decide."""
    ranked = found.ranked
    return [
        {"profile": other.profile, "decided_by": deciding(ranked[0], other)}
        for other in (inseparable(ranked) if ranked else [])
    ]


def _orders(found: Probe, profiles: Sequence[Profile]) -> dict[str, dict[str, float]]:
    """Voltage and frequency of the first profile that has them, under all four orders."""
    ranked = found.ranked
    by_id = {p.id: p for p in profiles if isinstance(p, ModbusProfile)}
    tried = [c.profile for c in ranked] if ranked else list(found.images)
    for name in tried:
        orders = under_all_orders(by_id[name], found.images[name]) if name in by_id else {}
        if orders:
            return {str(order): values for order, values in orders.items()}
    return {}


def _json(
    unit: int,
    setting: LineSettings | None,
    framing: Framing,
    found: Probe,
    profiles: Sequence[Profile],
    site: str,
) -> dict[str, Any]:
    return {
        "unit": unit,
        "setting": str(setting) if setting is not None else None,
        "framing": framing,
        "identity": dict(found.identity.texts) if found.identity is not None else {},
        "candidates": [candidate_json(c) for c in found.ranked[:8]],
        "inseparable": _alternatives(found),
        "orders": _orders(found, profiles),
        "ruled_out": sorted(c.profile for c in found.candidates if c.score <= 0),
        "site": site,
    }


def _tell(
    unit: int,
    setting: LineSettings | None,
    framing: Framing,
    found: Probe,
    profiles: Sequence[Profile],
    site: str,
) -> None:
    say = sys.stdout.write
    say(f"unit {unit} answers at {setting if setting is not None else framing}\n")
    said = str(found.identity) if found.identity is not None else ""
    say(f"it says of itself: {said}\n" if said else "it does not say who it is (functions 43/14 and 17)\n")
    ranked = found.ranked
    for place, candidate in enumerate(ranked[:4]):
        how = "fits well" if candidate.score >= _WELL or candidate.strong else "fits weakly"
        turned = f", {candidate.order}" if candidate.order else ""
        say(f"\n{place + 1}. {candidate.profile}  ({how}, {candidate.score:.1f}{turned})\n")
        for words in [*candidate.strong, *candidate.supports]:
            say(f"   + {words}\n")
        for words in candidate.against:
            say(f"   - {words}\n")
    for other in _alternatives(found):
        say(f"\n{ranked[0].profile} and {other['profile']} can't be told apart: {other['decided_by']}.\n")
    orders = _orders(found, profiles)
    if orders:
        say("\nvoltage and frequency under each word order\n")
        for order, values in orders.items():
            shown = "  ".join(f"{name} {value:.5g} {CHANNELS[name].unit}" for name, value in values.items())
            say(f"   {order}  {shown}\n")
    if not ranked:
        say("\nno profile fits; docs/how-to/add-a-meter.md shows how to write one\n")
    say(f"\nfor the site file:\n\n{site}")
