"""The command `dodac enter`: a reading by hand typed at the keyboard."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dodac.clock import Clock, SystemClock
from dodac.errors import ConfigError, DataError, Exit, StorageError, Where
from dodac.quantities import nearest
from dodac.words import Language

if TYPE_CHECKING:
    from collector.enter import Desk
    from drivers.manual_forms import SiteForm
    from drivers.protocols.manual import Typed
    from drivers.protocols.manual_entry import Photo
    from store import JournalStore


_PATIENCE_S: Final = 2.5  # a collector that runs looks every second


def enter(argv: Sequence[str], *, clock: Clock | None = None, ask: Callable[[str], str] | None = None) -> int:
    """`dodac enter INSTRUMENT`: checks what is typed, keeps it, stores it when it can."""
    parser = _parser()
    args = parser.parse_args(argv)
    from collector._enter_talk import ask_terminal, dialogue, settle, told
    from collector.enter import Desk
    from dodac.site import load_site

    site = load_site(args.site)
    clock = clock or SystemClock()
    desk = Desk(site, clock, _Journal(site.journal_path))
    language = args.language or site.site.language
    if args.instrument is None:
        return _list(desk, language, as_json=args.json)
    one = desk.form(args.instrument)
    operator, note = _short(args.operator, "--operator", 80), _short(args.note, "--note", 2000)
    if args.list or args.withdraw:
        from collector._enter_past import list_past, withdraw

        if args.value or args.corrects or (args.list and args.withdraw):
            raise ConfigError("--list and --withdraw stand alone: no values, no --corrects.")
        if args.list:
            return list_past(desk, one, language, clock, as_json=args.json)
        return withdraw(
            desk, one, args.withdraw, language, clock,
            operator=operator, note=note, patience_s=_PATIENCE_S, as_json=args.json,
        )  # fmt: skip
    typed = _typed(args.value, one)
    if not typed:
        if not (ask or sys.stdin.isatty()):
            raise ConfigError(
                "no value is given, and nobody is at a terminal to be asked.",
                None,
                f"Write CHANNEL=VALUE; the form has: {', '.join(one.form.profile.channels)}.",
            )
        ask = ask or ask_terminal
    elif ask is None and sys.stdin.isatty():
        ask = ask_terminal
    start_ns, end_ns = _times(args, one, desk, clock)
    photo = _photo(args.photo, desk)
    if not typed and ask is not None:
        typed = dialogue(one, desk, end_ns, language, ask)
    from drivers.protocols.manual_entry import Entry

    entry = Entry(
        id=os.urandom(8).hex(),
        instrument=args.instrument,
        values=typed,
        start_ns=start_ns,
        end_ns=end_ns,
        operator=operator,
        note=note,
        photo=photo,
        typed_ns=clock.now_ns(),
        corrects=args.corrects or "",
    )
    taken = settle(desk, one, entry, language, yes=args.yes, ask=ask)
    if taken.state == "waiting" and desk.settled(entry.instrument, entry.id, _PATIENCE_S):
        taken = replace(taken, state="stored", why="")
    return told(desk, one, taken, language, as_json=args.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dodac enter",
        description="Type a reading taken by eye, from a bill or with a kit. Without an instrument: the site's forms. "
        "Without values: each field is asked. A decimal comma is understood, and a unit behind the number.",
        epilog='Example: dodac enter effluent ph=7,2 cod_mg_l="1,2 g/l" --at 2026-11-22T08:30 --operator Lan',
    )
    add = parser.add_argument
    add("instrument", nargs="?", help="its id in the site file")
    add("value", nargs="*", metavar="CHANNEL=VALUE", help="what was read, as on the form")
    add("--site", type=Path, default=Path("site.toml"), help="site file (default site.toml)")
    add("--at", metavar="TIME", help="when it was read (default now); local to the site without an offset")
    add("--from", dest="start", metavar="TIME", help="start of the period (bills, production)")
    add("--to", dest="end", metavar="TIME", help="end of the period; a day alone is its start")
    add("--operator", default=os.environ.get("DODAC_OPERATOR", ""), help="who read it ($DODAC_OPERATOR)")
    add("--note", default="", help="a remark that is kept with it")
    add("--photo", type=Path, metavar="FILE", help="a picture (JPEG, PNG, WebP up to 8 MB)")
    add("--corrects", metavar="ID", help="replace an earlier entry of the same time (its id)")
    add("--list", action="store_true", help="what was typed before, with its ids and what became of it")
    add(
        "--withdraw",
        metavar="ID",
        help="take an earlier entry back: its time was wrong (its id, from --list)",
    )
    add("--yes", action="store_true", help="answer every question with yes")
    add("--language", choices=["vi", "en"], help="default: the site's")
    add("--json", action="store_true", help="as JSON")
    return parser


class _Journal:
    """The journal for reading, opened when it is first there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store: JournalStore | None = None

    def __call__(self) -> JournalStore | None:
        from store import JournalStore

        # an empty file is what a full disk left of the first try
        if self._store is None and self._path.is_file() and self._path.stat().st_size:
            self._store = JournalStore(self._path)
        return self._store


def _list(desk: Desk, language: Language, *, as_json: bool) -> int:
    from collector._enter_talk import say
    from drivers.manual_words import channel_name, of, unit_words

    forms = desk.forms()
    if as_json:
        rows = [
            {
                "instrument": name,
                "profile": one.form.profile.id,
                "measurement": one.measurement.value,
                "channels": {c: one.form.unit(c) for c in one.form.profile.channels},
            }
            for name, one in forms.items()
        ]
        sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
        return Exit.OK
    if not forms:
        sys.stderr.write(say("none", language) + "\n")
        return Exit.FINDING
    for name, one in forms.items():
        sys.stdout.write(f"{name}  {one.item.name or of(one.form.profile.form.title, language)}\n")
        for channel in one.form.profile.channels:
            words = channel_name(one.form.profile, channel, language)
            unit = unit_words(one.form.unit(channel), language)
            sys.stdout.write(f"  {channel}  {words}{f' ({unit})' if unit else ''}\n")
    return Exit.OK


def _typed(words: Sequence[str], one: SiteForm) -> dict[str, Typed]:
    from drivers.protocols.manual import Typed

    channels = one.form.profile.channels
    typed: dict[str, Typed] = {}
    for word in words:
        name, sign, text = word.partition("=")
        name = name.strip()
        if not sign or name not in channels:
            near = nearest(name, channels)
            hint = f'Did you mean "{near}=…"?' if near else f"It has: {', '.join(channels)}."
            what = f'this form has no field "{name}".' if sign else f'"{word}" is no CHANNEL=VALUE.'
            raise ConfigError(what, Where(instrument=one.item.id), hint)
        if name in typed:
            raise ConfigError(f"{name} is given twice.", Where(instrument=one.item.id), "Give it once.")
        typed[name] = Typed(text)
    return typed


def _times(args: argparse.Namespace, one: SiteForm, desk: Desk, clock: Clock) -> tuple[int, int]:
    """Start and end of what the entry speaks of; that of the corrected entry when nothing is said."""
    from collector._enter_past import find_past

    zone = desk.site.site.timezone
    where = Where(instrument=one.item.id)
    if args.corrects and not (args.at or args.start or args.end):
        old = find_past(desk, one.item.id, args.corrects, clock)
        return old.entry.start_ns, old.entry.end_ns
    if one.form.period:
        if args.at or not (args.start and args.end):
            raise ConfigError(
                "this form speaks of a period.", where, "Give --from TIME --to TIME, e.g. --from 2026-10-01 --to 2026-11-01."
            )  # fmt: skip
        return _time(args.start, zone, "--from"), _time(args.end, zone, "--to")
    if args.start or args.end:
        raise ConfigError(
            "this form speaks of one moment.", where, "Give --at TIME instead of --from and --to."
        )
    at_ns = clock.now_ns() if args.at is None else _time(args.at, zone, "--at")
    return at_ns, at_ns


def _time(text: str, zone: str, option: str) -> int:
    from collector.entered import moment_ns

    try:
        return moment_ns(text, zone)
    except ValueError:
        raise ConfigError(
            f'{option}: "{text}" is no ISO 8601 time.', None, "Write e.g. 2026-11-22T08:30 or 2026-11-22."
        ) from None


def _photo(path: Path | None, desk: Desk) -> Photo | None:
    from drivers._photos import MAX_PHOTO

    if path is None:
        return None
    where = Where(file=str(path))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PHOTO + 1)
    except OSError as error:
        raise DataError(f"the photo can't be read: {error.strerror}.", where) from None
    try:
        return desk.photos.keep(data)
    except ValueError as error:
        what = "is larger than 8 MB" if str(error) == "size" else "is no JPEG, PNG or WebP"
        raise DataError(f"the photo {what}.", where, "Take it again, or save it smaller.") from None
    except OSError as error:
        raise StorageError(
            f"the photo can't be kept: {error.strerror}.", Where(file=str(desk.photos.folder))
        ) from None


def _short(text: str, option: str, most: int) -> str:
    clean = "".join(sign for sign in text if sign.isprintable() or sign == "\n").strip()
    if len(clean) > most:
        raise ConfigError(f"{option} is longer than {most} characters.")
    return clean
