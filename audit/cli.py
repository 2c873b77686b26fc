"""The command `dodac audit`: the register's entries, and the steps from an option to a verified saving."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from audit._arguments import add_place, add_reading, opened, opened_if_there, place_of, write_json
from dodac.clock import SystemClock
from dodac.errors import ConfigError, Exit

if TYPE_CHECKING:
    from audit._arguments import Place
    from audit.register import Register


def audit(argv: Sequence[str]) -> int:
    """`dodac audit`: the register's entries, and the steps from an option to a verified saving."""
    parser = argparse.ArgumentParser(
        prog="dodac audit",
        description="The register: an option and its plan are registered before the measure, the baseline is frozen "
        "before reporting data are read, the saving is verified against it. Entries are never changed.",
        epilog="Examples: dodac audit add-option option.toml; dodac audit add-plan plan.toml; dodac audit freeze PLAN; "
        "dodac audit verify PLAN; dodac audit list (what the files hold: docs/how-to/verify-a-saving.md)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help: str, *positional: tuple[str, str]) -> argparse.ArgumentParser:
        sample = {
            "id": "trim-plan",
            "plan": "trim-plan",
            "saving": "trim-plan-s1",
            "file": f"{name.removeprefix('add-')}.toml",
        }
        shown = " ".join([name, *(sample[word] for word, _ in positional)])
        found = commands.add_parser(
            name,
            help=help,
            description=f"{help[0].upper()}{help[1:]}.",
            epilog=f"Example: dodac audit {shown} --site my-plant",
        )
        add_place(found)
        found.add_argument("--register", type=Path, default=None, help="register file (default: the site's)")
        for word, words in positional:
            found.add_argument(word, help=words)
        return found

    command("list", "what stands in the register")
    command("show", "one entry in full", ("id", "id of an option, plan, baseline or saving"))
    for added in (
        command("add-option", "register an option", ("file", "TOML file of the option")),
        command("add-plan", "register the M&V plan of an option", ("file", "TOML file of the plan")),
        command(
            "add-decision", "register what was decided about an event", ("file", "TOML file of the decision")
        ),
    ):
        added.add_argument("--why", default="", help="reason of a correction")
    command("events", "what looks like a non-routine event, and what was decided", ("plan", "id of the plan"))
    freeze = command("freeze", "fit a plan's baseline and fix it", ("plan", "id of the plan"))
    freeze.add_argument("--why", default="", help="reason to freeze another one")
    verify = command("verify", "the saving against the frozen baseline", ("plan", "id of the plan"))
    for tested, when in ((freeze, "before"), (verify, "after")):
        tested.add_argument(
            "--test", action="append", default=[], metavar="SOURCE",
            help=f"of a plan of tests: the test {when} the measure, as FILE, FILE@DAY or INSTRUMENT@DAY; repeatable",
        )  # fmt: skip
        add_reading(tested)
    command(
        "case",
        "a verified saving, computed again from readings and files",
        ("saving", "id of a verified saving"),
    )
    watch = command(
        "watch", "does the saving last: by quarter, with early warning", ("plan", "id of the plan")
    )
    watch.add_argument("--by", choices=("quarter", "half"), default="quarter", help="default quarter")
    from audit import _benefits_cli

    _benefits_cli.add_arguments(
        command("benefits", "what the options saved, with emissions, TOE and payback")
    )
    arguments = parser.parse_args(argv)
    return _AUDIT[arguments.command](arguments)


def _register(arguments: argparse.Namespace) -> tuple[Register, Place]:
    from audit.register import Register

    place = place_of(arguments)
    return Register(arguments.register or place.register, SystemClock()), place


def _list(arguments: argparse.Namespace) -> int:
    register, place = _register(arguments)
    if arguments.json:
        write_json(
            [
                {"kind": row.kind, "id": row.id, "version": row.version, "digest": row.digest,
                 "registered_ns": str(row.registered_ns)}
                for row in register.entries()
            ]
        )  # fmt: skip
        return Exit.OK
    from audit._listing import listing

    sys.stdout.write(listing(register, place.zone, place.language))
    return Exit.OK


def _show(arguments: argparse.Namespace) -> int:
    from dodac.errors import DataError
    from dodac.quantities import nearest

    register, _ = _register(arguments)
    rows = register.entries()
    found = [row for row in rows if row.id == arguments.id]
    if not found:
        near = nearest(arguments.id, {row.id for row in rows})
        todo = f'Did you mean "{near}"?' if near else "See dodac audit list."
        raise DataError(f'there is no entry "{arguments.id}" in the register.', todo=todo)
    entries = []
    for row in found:
        data = asdict(row)
        data["registered_ns"] = str(row.registered_ns)
        data["body"] = json.loads(row.body)
        entries.append(data)
    write_json(entries)
    return Exit.OK


def _add_option(arguments: argparse.Namespace) -> int:
    from audit.planfile import read_option

    register, _ = _register(arguments)
    added = register.add_option(read_option(Path(arguments.file)), why=arguments.why)
    return _registered(arguments, "option", added.id)


def _add_plan(arguments: argparse.Namespace) -> int:
    from audit.planfile import read_plan
    from audit.records import Plan

    register, _ = _register(arguments)
    plan = read_plan(Path(arguments.file))
    if isinstance(plan, Plan):
        register.add_plan(plan, why=arguments.why)
    else:
        register.isolated.add_plan(plan, why=arguments.why)
    return _registered(arguments, "plan", plan.id)


def _add_decision(arguments: argparse.Namespace) -> int:
    from audit.planfile import read_decision

    register, _ = _register(arguments)
    added = register.add_decision(read_decision(Path(arguments.file)), why=arguments.why)
    return _registered(arguments, "decision", added.id)


def _events(arguments: argparse.Namespace) -> int:
    from audit._events_cli import events_data, events_of, events_text

    register, place = _register(arguments)
    with opened(place) as store:
        found = events_of(register, arguments.plan, store)
    if arguments.json:
        write_json(events_data(found))
    else:
        sys.stdout.write(events_text(found, register, arguments.plan, place.language))
    return Exit.OK


def _watch(arguments: argparse.Namespace) -> int:
    from analysis import Refusal
    from audit._watch_cli import watch_data, watch_of, watch_text

    register, place = _register(arguments)
    with opened(place) as store:
        found = watch_of(register, arguments.plan, store, arguments.by)
    if arguments.json:
        write_json(watch_data(found))
    else:
        sys.stdout.write(watch_text(found, arguments.by, place.language))
    warned = not isinstance(found[2], Refusal) and found[2].alarm
    return Exit.FINDING if warned or found[1].findings else Exit.OK


def _benefits(arguments: argparse.Namespace) -> int:
    from audit import _benefits_cli

    if arguments.file and arguments.site is None and arguments.journal is None and arguments.register is None:
        # reported results alone need no site
        arguments.register = arguments.file[0].with_name("no-register.sqlite")
    register, place = _register(arguments)
    return _benefits_cli.write(arguments, register, place.language)


def _registered(arguments: argparse.Namespace, kind: str, id: str) -> int:
    if arguments.json:
        write_json({"kind": kind, "id": id})
    else:
        sys.stdout.write(f"{id}\n")
    return Exit.OK


def _freeze(arguments: argparse.Namespace) -> int:
    from analysis import Refusal
    from audit import _isolated_cli
    from audit import _print as show
    from audit._isolated_cli import refused
    from audit.models import model_of

    register, place = _register(arguments)
    if register.isolated.has_plan(arguments.plan):
        return _isolated_cli.freeze(register, arguments, place)
    _no_tests(arguments)
    with opened(place) as store:
        result = register.freeze_baseline(arguments.plan, store, why=arguments.why)
    if isinstance(result, Refusal):
        return refused(arguments.json, result, place.language)
    if arguments.json:
        write_json({"id": result.id, "data_digest": result.data_digest, **show.model_data(model_of(result))})
    else:
        sys.stdout.write(f"{result.id}\n{show.analysis_text(model_of(result), None, place.language)}")
    return Exit.OK


def _verify(arguments: argparse.Namespace) -> int:
    from analysis import Refusal
    from audit import _isolated_cli
    from audit._isolated_cli import refused
    from audit._listing import saving_text
    from audit.canonical import plain

    register, place = _register(arguments)
    if register.isolated.has_plan(arguments.plan):
        return _isolated_cli.verify(register, arguments, place)
    _no_tests(arguments)
    with opened(place) as store:
        result = register.verify(arguments.plan, store)
    if isinstance(result, Refusal):
        return refused(arguments.json, result, place.language)
    if arguments.json:
        write_json(plain(result))
    else:
        sys.stdout.write(saving_text(result, place.language))
    return Exit.OK


def _case(arguments: argparse.Namespace) -> int:
    from audit import _isolated_cli
    from audit._listing import saving_text
    from audit.canonical import plain

    register, place = _register(arguments)
    if register.isolated.has_saving(arguments.saving):
        with opened_if_there(place) as tests:
            return _isolated_cli.show(register.isolated.case(arguments.saving, tests), arguments, place)
    with opened(place) as store:
        case = register.case(arguments.saving, store)
    if arguments.json:
        write_json(plain(case.verified))
    else:
        sys.stdout.write(saving_text(case.verified, place.language))
    return Exit.OK


def _no_tests(arguments: argparse.Namespace) -> None:
    if arguments.test:
        raise ConfigError(
            f'plan "{arguments.plan}" goes by meters, not by tests.',
            todo="Leave --test out, or name another plan.",
        )


_AUDIT = {
    "list": _list,
    "show": _show,
    "add-option": _add_option,
    "add-plan": _add_plan,
    "add-decision": _add_decision,
    "benefits": _benefits,
    "watch": _watch,
    "events": _events,
    "case": _case,
    "freeze": _freeze,
    "verify": _verify,
}
