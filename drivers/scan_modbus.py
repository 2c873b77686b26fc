"""The Modbus part of the command scan: which settings and units, and what is told of those found."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dodac.clock import SystemClock
from drivers.bus import Bus
from drivers.links import LineSettings, Link, LinkDown
from drivers.probe import Candidate, inseparable
from drivers.probe_read import Probe, patience, probe
from drivers.profile import Profile
from drivers.protocols.modbus_identity import Framing
from drivers.scan import FoundUnit, ModbusScan, Step
from drivers.scan_ask import Asker
from drivers.scan_profiles import usable_profiles
from drivers.scan_progress import Progress
from drivers.scan_settings import LIKELY, likely_settings
from drivers.scan_target import SerialTarget, TcpTarget, own_profiles
from drivers.scan_toml import Entry, tables
from drivers.scan_words import addresses, bauds, frames

if TYPE_CHECKING:
    from drivers.scan_cli import Report


def scan_modbus(
    args: argparse.Namespace, target: SerialTarget | TcpTarget, report: Report, progress: Progress
) -> None:
    """Fills a report; raises LinkDown when the port or host goes away, with the report as far as it came."""
    profiles, wrong = usable_profiles(own_profiles(args.site))
    report.notes += wrong
    units = addresses(args.units or ("1-247" if args.all else "1-32"), 1, 247)
    work: ModbusScan | None = None
    try:
        left = framings(target, args.framing)
        while left:
            framing = left.pop(0)
            work = modbus_scan(target, framing, units, profiles, args)

            def step(now: Step) -> None:
                words = f"{now.words} ({now.done} of {now.total}), {now.found} found; Ctrl-C ends it"
                progress.tell(words)

            work.progress = step
            try:
                work.run()
            except LinkDown:
                if work.found or not left:  # a server may hang up on frames that it does not know
                    raise
            finally:
                report.requests += work.requests
                report.seconds += work.seconds
                report.notes += [note for note in work.notes if note not in report.notes]
            if work.found:
                break
    finally:
        found = work.found if work is not None else []
        report.rows = [_row(unit) for unit in found]
        report.lines = [_line(row) for row in report.rows]
        report.site = _site(target, found, [None] * len(found))
    if args.no_probe or not found:
        return
    guesses: list[Probe | None] = [None] * len(found)
    for place, unit in enumerate(found):
        guesses[place] = guess = _guess(target, unit, profiles, progress)
        _add(report.rows[place], guess)
        report.lines[place] = _line(report.rows[place])
        report.site = _site(target, found, guesses)


def framings(target: SerialTarget | TcpTarget, asked: str | None) -> list[Framing]:
    """The framings to try, one after another."""
    if asked is not None:
        return [asked]  # type: ignore[list-item]
    if isinstance(target, SerialTarget):
        return [target.framing]
    return [target.framing] if target.framing is not None else ["tcp", "rtu"]


def modbus_scan(
    target: SerialTarget | TcpTarget,
    framing: Framing,
    units: Sequence[int],
    profiles: Sequence[Profile],
    args: argparse.Namespace,
) -> ModbusScan:
    """A scan that is ready to run."""
    return ModbusScan(
        opener(target),
        SystemClock(),
        units,
        settings_of(target, framing, profiles, args),
        framing,
        wait_s=args.wait or (0.1 if isinstance(target, SerialTarget) else 0.3),
        everything=args.all,
    )


def settings_of(
    target: SerialTarget | TcpTarget, framing: Framing, profiles: Sequence[Profile], args: argparse.Namespace
) -> list[LineSettings | None]:
    """What to try, the likeliest first; a connection of the site file has its own only, unless all are asked for."""
    if isinstance(target, TcpTarget):
        return [None]
    asked_bauds, asked_frames = bauds(args.baud), frames(args.frame)
    own = target.setting
    if own is not None and not args.all and not asked_bauds and not asked_frames:
        return [own]
    if framing == "ascii" and not asked_frames:
        asked_frames = ["7E1", "8N1", "7O1"]
    likely = likely_settings(profiles, asked_bauds, asked_frames)
    if not args.all and not (asked_bauds and asked_frames):
        likely = likely[:LIKELY]
    if own is not None:
        likely = [own, *(s for s in likely if s != own)]
    return list(likely)


def opener(target: SerialTarget | TcpTarget) -> Callable[[LineSettings | None], tuple[Link, float]]:
    """Makes the link for a setting; see drivers.scan.Open."""

    def make(setting: LineSettings | None) -> tuple[Link, float]:
        if isinstance(target, TcpTarget):
            return target.link(), 0.0
        wanted = setting or LineSettings()
        return target.link(wanted), wanted.byte_s

    return make


def open_asker(
    target: SerialTarget | TcpTarget, setting: LineSettings | None, framing: Framing
) -> tuple[Link, Asker]:
    """An open line to ask one unit over, again and again; raises LinkDown."""
    link, byte_s = opener(target)(setting)
    link.open()
    bus = Bus(link, SystemClock(), timeout_s=1.0, late_guard_s=0.5, byte_s=byte_s)
    return link, Asker(bus, framing, remember=True)


def candidate_json(candidate: Candidate) -> dict[str, Any]:
    """A candidate as JSON."""
    return {
        "profile": candidate.profile,
        "score": candidate.score,
        "order": candidate.order or "as the profile says",
        "for": [*candidate.strong, *candidate.supports],
        "against": list(candidate.against),
        "values": dict(candidate.values),
    }


def _guess(
    target: SerialTarget | TcpTarget, unit: FoundUnit, profiles: Sequence[Profile], progress: Progress
) -> Probe:
    link, asker = open_asker(target, unit.setting, unit.framing)
    try:
        return probe(
            asker,
            unit.unit,
            profiles,
            lambda name, done, total: progress.tell(
                f"unit {unit.unit}: {name} ({done} of {total}); Ctrl-C ends it"
            ),
            patience_s=patience(unit.turnaround_s),
        )
    finally:
        link.close()


def _row(unit: FoundUnit) -> dict[str, Any]:
    return {
        "unit": unit.unit,
        "baud": unit.setting.baud if unit.setting else None,
        "frame": unit.setting.frame if unit.setting else None,
        "framing": unit.framing,
        "answer": unit.answer,
        "turnaround_ms": round(unit.turnaround_s * 1000, 1),
        "note": unit.note,
        "identity": "",
        "profiles": [],
    }


def _add(row: dict[str, Any], guess: Probe) -> None:
    row["identity"] = str(guess.identity) if guess.identity is not None else ""
    row["profiles"] = [
        {"profile": c.profile, "score": c.score, "order": c.order or "as the profile says"}
        for c in guess.ranked[:5]
    ]


def _line(row: dict[str, Any]) -> str:
    at = f"  {row['baud']} {row['frame']}" if row["baud"] else f"  {row['framing']}"
    names = ", ".join(p["profile"] for p in row["profiles"][:3])
    parts = [
        f"unit {row['unit']:3}{at}",
        row["answer"],
        f"{row['turnaround_ms']:.0f} ms",
        row["identity"],
        names,
    ]
    return "  ".join(part for part in [*parts, row["note"]] if part)


def _site(
    target: SerialTarget | TcpTarget, found: Sequence[FoundUnit], guesses: Sequence[Probe | None]
) -> str:
    entries = [_entry(unit, guess) for unit, guess in zip(found, guesses, strict=True)]
    if not entries:
        return ""
    slow = any(unit.turnaround_s > 0.5 for unit in found)
    return tables(target, entries, setting=found[0].setting, framing=found[0].framing, slow=slow)


def _entry(unit: FoundUnit, guess: Probe | None) -> Entry:
    ranked = guess.ranked if guess is not None else []
    if not ranked:
        words = "not asked: dodac probe" if guess is None else ""
        return Entry(f"unit-{unit.unit}", unit.unit, "", words, unit.setting)
    alike = [c.profile for c in inseparable(ranked)]
    words = f"or {', '.join(alike)}: dodac probe tells more" if alike else ""
    if ranked[0].order:
        words = f"with its {ranked[0].order}: a profile of your own, see docs/how-to/find-the-meters.md"
    return Entry(f"unit-{unit.unit}", unit.unit, ranked[0].profile, words, unit.setting)
