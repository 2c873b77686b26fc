"""The command read: one reading of an instrument now, raw and scaled, or as a test for its profile."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from dodac.clock import SystemClock, iso_utc, local_text
from dodac.errors import ConfigError, Exit
from dodac.quantities import CHANNELS, nearest
from dodac.samples import Sample
from dodac.site import Site, load_site
from dodac.words import plain_text
from drivers._table import table_text
from drivers.bus import Reader
from drivers.connection_open import load_profile_of, read_with
from drivers.noting_connection import take_notes
from drivers.profile import Iec62056Profile, LineProfile
from drivers.read_raw import golden_block, raw_by_channel

_EPILOG: Final = """Examples:
  dodac read boiler1-power --site my-plant            every channel, with the bytes it came from
  dodac read boiler1-power power_w                    one channel
  dodac read boiler1-power --golden > block.yaml      a test for its profile, from the live instrument

Only reading requests are sent. Exit codes: 0 every value is good, 1 one is not or the model is in doubt,
3 it does not answer.
"""


def read(argv: Sequence[str]) -> int:
    """`dodac read INSTRUMENT [CHANNEL ...]`: one reading now; exit code 3 when it does not answer."""
    parser = argparse.ArgumentParser(
        prog="dodac read",
        description="Reads an instrument of the site file once and prints its values, raw and scaled.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("instrument", help="its id in the site file")
    parser.add_argument("channel", nargs="*", default=[], help="only these channels (all)")
    parser.add_argument("--site", type=Path, default=Path("site.toml"), help="site file (default site.toml)")
    parser.add_argument("--golden", action="store_true", help="write a test block for its profile instead")
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args(argv)
    if args.golden and (args.json or args.channel):
        words = "--golden writes a whole reading as a block of a profile."
        raise ConfigError(words, None, "Leave --json and the channels out.")
    site = load_site(args.site)
    _check_channels(site, args.instrument, args.channel)
    waits_s = _listens(site, args.instrument)
    if waits_s:
        _tell(f"it sends by itself: listening, up to {waits_s:g} s (Ctrl-C ends)")
    sample, reader, doubts = read_with(site, args.instrument, SystemClock())
    profile = load_profile_of(site, site.instrument(args.instrument))
    if args.golden:
        block, words = golden_block(profile, reader, sample)
        sys.stdout.write(block)
        _tell(f"{words}.")
    else:
        rows = _rows(sample, reader, raw_by_channel(profile, reader, sample), args.channel)
        notes = [note.text for note in take_notes(reader)]
        _show(args, site, sample, rows, doubts, notes)
        for note in notes:
            _tell(note)
    if reader.fault_text:
        _tell(reader.fault_text)
    for doubt in doubts:
        _tell(f"this may be another model: {doubt}.")
    if args.golden:
        return Exit.OK if block and not doubts else Exit.FINDING
    return Exit.OK if rows and not doubts and all(row["flag"] is None for row in rows) else Exit.FINDING


def _check_channels(site: Site, instrument: str, wanted: Sequence[str]) -> None:
    """Raises ConfigError for a channel that the instrument's profile does not have."""
    item = site.instrument(instrument)
    if item.profile is None or not wanted:
        return
    profile = load_profile_of(site, item)
    for name in wanted:
        if name not in profile.channels:
            near = nearest(name, profile.channels)
            hint = f'Did you mean "{near}"?' if near else f"It has: {', '.join(profile.channels)}."
            raise ConfigError(f'{profile.id} has no channel "{name}".', site.where_instrument(item.id), hint)


def _listens(site: Site, instrument: str) -> float:
    """How long one that sends by itself is listened to; 0 for one that is asked."""
    item = site.instrument(instrument)
    if item.profile is None:
        return 0.0
    profile = load_profile_of(site, item)
    if isinstance(profile, LineProfile) and profile.link.query is None:
        return profile.link.silence_s
    if isinstance(profile, Iec62056Profile) and profile.link.mode == "push":
        return profile.link.silence_s
    return 0.0


def _rows(
    sample: Sample, reader: Reader, raw: Mapping[str, str], wanted: Collection[str]
) -> list[dict[str, Any]]:
    flags = {flag.channel: flag for flag in sample.flags}
    rows: list[dict[str, Any]] = []
    for place, name in enumerate(reader.layout.channels):
        if not sample.present >> place & 1 or (wanted and name not in wanted):
            continue
        value, flag = sample.values[place], flags.get(name)
        shown = value if flag is None else flag.value
        rows.append(
            {
                "channel": name,
                "value": shown if shown is None or math.isfinite(shown) else None,
                "unit": CHANNELS[name].unit,
                "raw": raw.get(name, ""),
                "flag": None if flag is None else flag.reason.value,
            }
        )
    return rows


def _show(
    args: argparse.Namespace,
    site: Site,
    sample: Sample,
    rows: Sequence[Mapping[str, Any]],
    doubts: Sequence[str],
    notes: Sequence[str],
) -> None:
    absent = [name for name in args.channel if name not in {row["channel"] for row in rows}]
    if args.json:
        whole = {
            "instrument": args.instrument,
            "time": iso_utc(sample.time_ns),
            "span_ms": round(sample.span_ns / 1e6, 3),
            "readings": rows,
            "absent": absent,
            "doubts": doubts,
            "notes": notes,
            "raw": (sample.raw or b"").hex(" "),
        }
        sys.stdout.write(json.dumps(whole, indent=2, ensure_ascii=False) + "\n")
        return
    when = local_text(sample.time_ns, site.site.timezone, "%Y-%m-%d %H:%M:%S %z")
    sys.stdout.write(f"{args.instrument}  {when}  ({sample.span_ns / 1e6:.0f} ms)\n")
    cells = [
        (
            f"  {row['channel']}",
            "–" if row["value"] is None else plain_text(row["value"]),
            str(row["unit"]),
            str(row["raw"]),
            "" if row["flag"] is None else f"not good: {row['flag']}",
        )
        for row in rows
    ]
    sys.stdout.write(table_text(cells))
    for name in absent:
        _tell(f"{name} is not in what the instrument sent")


def _tell(words: str) -> None:
    sys.stderr.write(f"dodac read: {words}\n")
