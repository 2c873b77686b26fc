"""`dodac store`: the journal's file, how it stands, copies of it, its size, its version."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from collector.cli import add_where, journal_path
from dodac.clock import DAY_NS, iso_utc
from dodac.errors import ConfigError, Exit, StorageError, Where
from dodac.sizes import size_text

if TYPE_CHECKING:
    from dodac.site import Site
    from store.keeping import Verified

_EVERY_S: Final = 2.0


def store(argv: Sequence[str]) -> int:
    """`dodac store`: status, compact, backup, restore, check, forget, upgrade, downgrade."""
    parser = argparse.ArgumentParser(
        prog="dodac store",
        description="The journal's file: how it stands, a copy of it while dodac run works, its return, and its size. "
        "Exit code 5 when a stored byte is not what was written.",
        epilog="Examples: dodac store status --site my-plant; dodac store backup /media/usb/journal.db --site my-plant; "
        "dodac store restore /media/usb/journal.db --verify",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    table: dict[str, Callable[[argparse.Namespace], int]] = {}

    def verb(name: str, run: Callable[[argparse.Namespace], int], words: str) -> argparse.ArgumentParser:
        file = " /media/usb/journal.db" if name in ("backup", "restore") else ""
        file = " http://10.0.0.5:8086/field" if name == "forget" else file
        made = verbs.add_parser(
            name,
            help=words,
            description=words[0].upper() + words[1:] + ".",
            epilog=f"Example: dodac store {name}{file} --site my-plant",
        )
        add_where(made)
        made.add_argument("--json", action="store_true", help="as JSON")
        table[name] = run
        return made

    verb(
        "status",
        _status,
        "rows, bytes, what waits for each sink, oldest and newest, disk writes, how long it lasts",
    )
    verb("compact", _compact, "pack what is old and give free space back to the disk")
    made = verb(
        "backup", _backup, "copy the journal to a file, also while dodac run works; the copy is read whole"
    )
    made.add_argument("file", type=Path, metavar="FILE", help="where to (mode 0600)")
    made.add_argument("--force", action="store_true", help="replace a file that is there")
    made = verb(
        "restore", _restore, "put a copy in the journal's place, or only check it; the old file is kept"
    )
    made.add_argument("file", type=Path, metavar="FILE", help="a copy that dodac store backup made")
    made.add_argument("--verify", action="store_true", help="only read it whole and say what it holds")
    verb("check", _check, "read the whole journal: structure, every row and block, no number missing")
    made = verb("forget", _forget, "drop the account of a server that is no longer in the site file")
    made.add_argument("sink", metavar="SINK", help="its name, as dodac store status shows it")
    made = verb("upgrade", _upgrade, "bring an older journal to this version, as dodac run does by itself")
    made.add_argument(
        "--copy", type=Path, metavar="FILE", help="where the copy of before goes (default: beside it)"
    )
    made = verb("downgrade", _downgrade, "bring the journal one version back, for the dodac before this one")
    made.add_argument(
        "--copy", type=Path, metavar="FILE", help="where the copy of before goes (default: beside it)"
    )
    args = parser.parse_args(argv)
    return table[args.verb](args)


def _status(args: argparse.Namespace) -> int:
    from collector._store_status import read_status

    found = read_status(*journal_path(args))
    _show(args, found.as_dict(), found.text())
    return Exit.OK


def _compact(args: argparse.Namespace) -> int:
    from store.keeping import must_be_journal, rewrite, shrink, standing_of

    path, site = journal_path(args)
    must_be_journal(path)
    before = standing_of(path)
    packed: int | None = None
    try:
        packed = _pack(path, site)
    except StorageError as error:
        if "another dodac process" not in error.what:
            raise
        _words("dodac run has the journal and packs it by itself; free space is given back beside it.")
    if not shrink(path, _progress("given back")):
        if packed is None:
            raise StorageError(
                "this journal was made by an older dodac: to give space back it must be written anew, and dodac run "
                "has it.",
                Where(file=str(path)),
                "Stop dodac run, call dodac store compact, start it again.",
            )
        rewrite(path, _words)
    after = standing_of(path)
    told = {"before": before.on_disk, "after": after.on_disk, "packed": packed}
    _show(
        args,
        told,
        f"{path}: {size_text(before.on_disk)} before, {size_text(after.on_disk)} now"
        + (f"; {packed} samples packed" if packed else ""),
    )
    return Exit.OK


def _pack(path: Path, site: Site | None) -> int:
    from collector._upkeep import Plan, plan_of
    from collector.facts import sink_configs
    from store import Journal

    plan = plan_of(site) if site is not None else Plan(pack_after_ns=DAY_NS)
    sinks = list(sink_configs(site)) if site is not None else []
    tell = _progress("packed")
    with Journal.open(path) as journal:
        done, of = 0, journal.last_seq()
        while moved := journal.pack(time.time_ns() - plan.pack_after_ns, sinks):
            done += moved
            tell(done, of)
    return done


def _backup(args: argparse.Namespace) -> int:
    from store.keeping import backup

    path, _ = journal_path(args)
    found = backup(path, args.file, force=args.force, progress=_progress("copied and checked"))
    _show(
        args,
        _plain(found, args.file),
        f"{args.file}: {_holds(found)}, {size_text(args.file.stat().st_size)}; sound",
    )
    return Exit.OK


def _restore(args: argparse.Namespace) -> int:
    from store.keeping import restore, verify_file

    if args.verify:
        return _verified(args, verify_file(args.file, _progress("checked")), args.file)
    path, _ = journal_path(args)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = restore(path, args.file, _progress("checked"))
    told = {"journal": str(path), "kept": str(kept) if kept is not None else None}
    _show(
        args,
        told,
        f"{path} is {args.file} now" + (f"; the old file is kept as {kept.name}" if kept is not None else ""),
    )
    return Exit.OK


def _check(args: argparse.Namespace) -> int:
    from store.keeping import verify_file

    path, _ = journal_path(args)
    return _verified(args, verify_file(path, _progress("checked")), path)


def _forget(args: argparse.Namespace) -> int:
    from collector.facts import sink_configs
    from store import Journal, JournalStore

    path, site = journal_path(args)
    _must_exist(path)
    if site is not None and args.sink in sink_configs(site):
        raise ConfigError(
            f'"{args.sink}" is still in the site file.',
            Where(file=str(site.path)),
            "Take its table out first, and start dodac run again.",
        )
    with Journal.open(path) as journal:
        if not journal.forget(args.sink):
            with JournalStore(path) as store:
                names = ", ".join(f'"{name}"' for name in sorted(store.accounts().sinks)) or "none"
            raise ConfigError(
                f'this journal keeps no account of "{args.sink}".',
                Where(file=str(path)),
                f"It knows {names}.",
            )
    _show(
        args,
        {"journal": str(path), "forgotten": args.sink},
        f"{path}: {args.sink} is forgotten; no sample was touched",
    )
    return Exit.OK


def _upgrade(args: argparse.Namespace) -> int:
    from store.versions import VERSION, come_forward

    path, _ = journal_path(args)
    before = come_forward(path, args.copy)
    words = "has this version already" if before == VERSION else f"went from version {before} to {VERSION}"
    _show(args, {"journal": str(path), "before": before, "version": VERSION}, f"{path} {words}")
    return Exit.OK


def _downgrade(args: argparse.Namespace) -> int:
    from store.versions import go_back

    path, _ = journal_path(args)
    version = go_back(path, args.copy, _progress("unpacked"))
    _show(
        args, {"journal": str(path), "version": version},
        f"{path} has version {version} now: start the dodac before this one (this one would bring it forward again)",
    )  # fmt: skip
    return Exit.OK


def _verified(args: argparse.Namespace, found: Verified, path: Path) -> int:
    faults = "".join(f"\n  {text}" for text in found.findings)
    words = "sound" if not found.findings else f"{len(found.findings)} FAULTS{faults}"
    _show(args, _plain(found, path), f"{path}: {_holds(found)}; {words}")
    return Exit.INTEGRITY if found.findings else Exit.OK


def _holds(found: Verified) -> str:
    text = f"version {found.version}, {found.samples} samples, {found.events} events, {found.dead_letters} dead letters"
    if found.first_ns is None or found.last_ns is None:
        return text
    return f"{text}, from {iso_utc(found.first_ns)} to {iso_utc(found.last_ns)}"


def _plain(found: Verified, path: Path) -> dict[str, Any]:
    return {
        "file": str(path),
        "version": found.version,
        "samples": found.samples,
        "events": found.events,
        "dead_letters": found.dead_letters,
        "oldest": iso_utc(found.first_ns) if found.first_ns is not None else None,
        "newest": iso_utc(found.last_ns) if found.last_ns is not None else None,
        "findings": list(found.findings),
    }


def _must_exist(path: Path) -> None:
    if not path.exists():
        raise StorageError("there is no journal here.", Where(file=str(path)), "Collect first: dodac run.")


def _show(args: argparse.Namespace, data: dict[str, Any], text: str) -> None:
    sys.stdout.write((json.dumps(data, ensure_ascii=False, indent=2) if args.json else text) + "\n")


def _words(text: str) -> None:
    sys.stderr.write(text + "\n")


def _progress(what: str) -> Callable[[int, int], None]:
    """One line on stderr every few seconds of a long work."""
    last = time.monotonic()

    def tell(done: int, of: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY_S:
            last = time.monotonic()
            _words(f"  {what}: {min(1.0, done / of) if of else 1.0:.0%}")

    return tell
