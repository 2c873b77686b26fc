"""`dodac clock`: readings whose time nobody knew, and telling it by hand."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from collector._clock_inbox import is_moved, noted
from collector._clock_keeper import FACTS
from collector._clock_parts import Decision
from collector._clock_words import SOURCE
from collector.cli import add_where, journal_path
from dodac.clock import SECOND_NS, SystemClock, duration_ns, iso_utc, local_text, parse_time_ns
from dodac.contracts import Event, EventKind
from dodac.errors import ConfigError, Exit, StorageError, Where
from dodac.samples import FIRST_REVISION

if TYPE_CHECKING:
    from store import JournalStore

_FOREVER_NS: Final = 1 << 62


@dataclass(slots=True)
class Doubtful:
    """Readings of one boot without a known time: how many samples, from when to when (since the boot).

    started_ns: monotonic time of the first start of the collector in that boot; None when not known.
    """

    boot: str
    samples: int
    first_ns: int
    last_ns: int
    started_ns: int | None


def clock(argv: Sequence[str]) -> int:
    """`dodac clock`: lists readings without a known time, or gives them one."""
    parser = argparse.ArgumentParser(
        prog="dodac clock",
        description="Readings that were taken while this computer had no good clock: which there are, and giving them "
        "their times by what a person knows. What is stored is never changed: corrections are appended. "
        "Exit code 1 while there are some.",
        epilog='Example: dodac clock --boot 55ba62b0c56d44df --started "2026-11-22T08:05" --operator Lan --site my-plant',
    )
    add_where(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--boot", metavar="ID", help="which boot of the computer, from the list")
    parser.add_argument(
        "--started", metavar="TIME", help="when dodac run was started first in that boot (local)"
    )
    parser.add_argument("--first", metavar="TIME", help="when the first of these readings was taken (local)")
    parser.add_argument(
        "--from", dest="begin", metavar="TIME", help="with --to, --shift: readings stored from then"
    )
    parser.add_argument(
        "--to", dest="end", metavar="TIME", help="until then; their clock was wrong all that time"
    )
    parser.add_argument("--shift", metavar="±DURATION", help='what is added to their times, "+7h" or "-365d"')
    parser.add_argument("--operator", default="", metavar="NAME", help="who says so")
    args = parser.parse_args(_signed(argv))
    path, site = journal_path(args)
    zone = site.site.timezone if site is not None else "UTC"
    if args.begin or args.end or args.shift:
        if not (args.begin and args.end and args.shift) or args.boot:
            raise ConfigError("--from, --to and --shift go together, without --boot.")
        begin_ns, end_ns = _time(args.begin, zone, "--from"), _time(args.end, zone, "--to")
        shift_ns = _shift(args.shift)
        why = f"a person set their clock right{_by(args.operator)}"
        return _fix(
            path, Decision("", begin_ns, end_ns, shift_ns, 0, 0, why, begin_ns - 1, end_ns), as_json=args.json
        )
    found, told = _found(path)
    if args.boot is None:
        if args.started or args.first:
            raise ConfigError("--started and --first need --boot.", todo="dodac clock lists the boots.")
        return _list(found, told, zone, as_json=args.json)
    one = next((one for one in found if one.boot == args.boot), None)
    if one is None:
        known = ", ".join(one.boot for one in found) or "none"
        raise ConfigError(
            f'there are no readings without a time of a boot "{args.boot}".',
            Where(file=str(path)),
            f"There are some of: {known}.",
        )
    if bool(args.started) == bool(args.first):
        raise ConfigError("say either --started or --first.")
    if args.started and one.started_ns is None:
        raise ConfigError("no start of dodac run is noted for that boot.", todo="Say --first instead.")
    at_ns = one.started_ns if args.started else one.first_ns
    assert at_ns is not None  # noqa: S101  (looked at above)
    offset_ns = _time(args.started or args.first, zone, "--started" if args.started else "--first") - at_ns
    if one.last_ns + offset_ns > SystemClock().now_ns() + 300 * SECOND_NS:
        raise ConfigError(
            f"the last of them would be of {iso_utc(one.last_ns + offset_ns)}, which is not yet.",
            todo="Check date and time.",
        )
    why = f"a person told the time{_by(args.operator)}"
    decision = Decision(one.boot, 0, one.last_ns, offset_ns, offset_ns, 0, why)
    return _fix(path, decision, as_json=args.json)


def _signed(argv: Sequence[str]) -> list[str]:
    """A negative shift stays with its option: argparse would take "-7h" for an option itself."""
    out = list(argv)
    for place, text in enumerate(out[:-1]):
        if text == "--shift":
            out[place : place + 2] = [f"--shift={out[place + 1]}"]
            break
    return out


def _by(operator: str) -> str:
    return f" ({operator})" if operator else ""


def _time(text: str, zone: str, option: str) -> int:
    try:
        return parse_time_ns(text, zone)
    except (ValueError, OverflowError):
        raise ConfigError(f'{option}: "{text}" is no time; write e.g. 2026-11-22T08:05.') from None


def _shift(text: str) -> int:
    sign, size = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    try:
        return sign * duration_ns(size)
    except ValueError as error:
        raise ConfigError(f"--shift: {error}") from None


def _found(path: Path) -> tuple[list[Doubtful], str]:
    """Readings without a known time by boot, and what the last run said of the clock."""
    from store import JournalStore

    store = JournalStore(path)
    try:
        events = store.events(0, _FOREVER_NS)
        told = store.facts().get(FACTS, {}).get("fault", "")
        if not any(e.source == SOURCE and e.kind is EventKind.FAULT_START for e in events):
            return [], told
        return _by_boot(store, events), told
    finally:
        store.close()


def _by_boot(store: JournalStore, events: Sequence[Event]) -> list[Doubtful]:
    starts: dict[str, int] = {}
    for event in events:
        boot = str(event.data.get("boot", ""))
        if event.kind is EventKind.START and boot:
            boot_ns = int(event.data["boot_ns"])
            starts[boot] = min(boot_ns, starts.get(boot, boot_ns))
    found: dict[str, Doubtful] = {}
    for instrument in store.instruments():
        waiting: dict[tuple[int, int], tuple[str, int]] = {}
        for sample in store.samples(instrument, 0, _FOREVER_NS):
            note = noted(sample.raw)
            if note is not None and note.doubt is not None and sample.part < FIRST_REVISION:
                waiting[sample.time_ns, sample.part] = note.boot, note.boot_ns
            elif sample.part >= FIRST_REVISION and is_moved(sample.raw):
                waiting.pop((sample.time_ns, sample.part - FIRST_REVISION), None)
        for boot, boot_ns in waiting.values():
            one = found.setdefault(boot, Doubtful(boot, 0, boot_ns, boot_ns, starts.get(boot)))
            one.samples += 1
            one.first_ns, one.last_ns = min(one.first_ns, boot_ns), max(one.last_ns, boot_ns)
    return list(found.values())


def _list(found: Sequence[Doubtful], told: str, zone: str, *, as_json: bool) -> int:
    now_ns = SystemClock().now_ns()
    if as_json:
        data: dict[str, Any] = {
            "now": iso_utc(now_ns),
            "fault": told,
            "boots": [asdict(one) for one in found],
        }
        sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")
        return Exit.FINDING if found or told else Exit.OK
    if told:
        sys.stdout.write(f"The last dodac run: {told}\n")
    for one in found:
        hours = (one.last_ns - one.first_ns) / 3600 / SECOND_NS
        after = (
            f", the first {(one.first_ns - one.started_ns) / SECOND_NS:.0f} s after dodac run was started"
            if one.started_ns is not None
            else ""
        )
        sys.stdout.write(
            f"boot {one.boot}: {one.samples} samples without a known time over {hours:.1f} h{after}\n"
        )
    if not found:
        sys.stdout.write(f"Every reading has its time. Now it is {local_text(now_ns, zone)} ({zone}).\n")
    return Exit.FINDING if found or told else Exit.OK


def _fix(path: Path, decision: Decision, *, as_json: bool) -> int:
    from collector._alive import CURSOR
    from collector._clock_fix import Fixer
    from collector.ingest import Ingest
    from store import Journal

    if not path.exists():
        raise ConfigError("there is no journal.", Where(file=str(path)))
    machine = SystemClock()
    try:
        opened = Journal.open(path, wait_s=1.0)
    except StorageError as error:
        return _wait(path, decision, error, as_json=as_json)
    with opened as journal:
        ingest = Ingest(journal, machine)
        ingest.start()
        fixer = Fixer(journal, ingest, machine)
        fixer.decide(decision)
        count = fixer.carry_out()
        ingest.stop()
        if (
            not decision.boot
            and decision.begin_ns <= journal.cursor(CURSOR) <= decision.end_ns + 60 * SECOND_NS
        ):
            journal.set_cursor(CURSOR, 0)  # the note of a run whose clock was wrong holds back no other
    if as_json:
        sys.stdout.write(json.dumps({"moved": count, "offset_ns": decision.offset_ns}) + "\n")
    else:
        sys.stdout.write(
            f"{count} samples have their right time now; what was stored first is still there.\n"
        )
    return Exit.OK if count else Exit.FINDING


def _wait(path: Path, decision: Decision, reason: StorageError, *, as_json: bool) -> int:
    """dodac run has the journal: it takes up what a person tells."""
    from collector._clock_told import tell
    from store import JournalStore

    JournalStore(path).close()  # what is no journal says so here
    try:
        tell(path, decision)
    except OSError as error:
        raise StorageError(
            f"what you told can't be kept: {error.strerror or error}.",
            Where(file=str(path)),
            "Make room or correct the rights, then tell it again.",
        ) from reason
    if as_json:
        sys.stdout.write(json.dumps({"waiting": True, "offset_ns": decision.offset_ns}) + "\n")
    else:
        sys.stdout.write(
            "dodac run has the journal and moves them within a few seconds: dodac clock tells when they are.\n"
        )
    return Exit.OK
