"""The command `dodac`: a table of commands, each loaded only when it is called."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from dodac.errors import DodacError, Exit


@dataclass(frozen=True, slots=True)
class Command:
    """A command's name, the function behind it ("room.module:function"), and its one line of help."""

    name: str
    target: str
    help: str


COMMANDS: Final[tuple[Command, ...]] = (
    Command("demo", "api.demo:run", "the whole job on a simulated plant, no hardware needed"),
    Command("init", "collector.cli:init", "write a site file to start from"),
    Command("scan", "drivers.scan_cli:scan", "look for instruments: ports, units on a line, topics, beacons"),
    Command("probe", "drivers.probe_cli:run", "which profile fits a Modbus unit, with the evidence"),
    Command(
        "sniff", "drivers.sniff_cli:run", "listen to a line: frames with what they say, tests for profiles"
    ),
    Command("profiles", "drivers.cli:profiles", "list the instruments dodac can read, or show one"),
    Command("read", "drivers.read_cli:read", "read an instrument of the site file once and print its values"),
    Command("doctor", "collector.doctor:doctor", "look at ports, clock, disk, broker, InfluxDB: what to do"),
    Command("wiring", "collector.wiring:wiring", "check how a power meter is wired: phases, signs, CTs"),
    Command(
        "simulate", "drivers._cli_simulate:simulate", "serve an instrument without hardware, faults on demand"
    ),
    Command("run", "collector.cli:run", "collect: read every instrument into the journal (and InfluxDB)"),
    Command("status", "collector.cli:status", "the ledger: received, stored, delivered, lost"),
    Command(
        "enter",
        "collector._enter:enter",
        "type a reading by hand: a gauge, a bill, production, a water sample",
    ),
    Command(
        "exchange",
        "collector._exchange_cli:exchange",
        "record that a meter was exchanged: its last and the new one's first reading",
    ),
    Command(
        "clock", "collector._clock_cli:clock", "readings taken without a good clock, and telling their times"
    ),
    Command("import", "collector.cli:import_file", "read a file of readings or of bills into the journal"),
    Command(
        "store", "collector._store_cli:store", "the journal's file: how it stands, back up, restore, compact"
    ),
    Command("export", "collector.cli:export", "write readings of the journal as CSV"),
    Command(
        "analyse", "audit.analyse_cli:analyse", "fit a baseline and give the saving with its uncertainty"
    ),
    Command(
        "combustion",
        "audit._combustion_cli:combustion",
        "a flue-gas reading: losses, efficiency, and what tuning would save",
    ),
    Command(
        "test",
        "audit._test_cli:test",
        "a machine's tests before and after: steady runs, the saving, the smallest change",
    ),
    Command("audit", "audit.cli:audit", "the register: options, plans, frozen baselines, verified savings"),
    Command("report", "reports.cli:report", "write the report of a verified saving (HTML)"),
    Command("serve", "api.cli:serve", "the web page and the HTTP API"),
    Command("dashboards", "dashboards.cli:dashboards", "write Grafana's provisioning files"),
)

_USAGE = """dodac measures what a factory uses and proves what it saved.

Usage: dodac COMMAND [options]        (dodac COMMAND --help for one command)

Commands:
{commands}

Examples:
  dodac demo                     see everything work, no hardware needed
  dodac init my-plant            write my-plant/site.toml
  dodac read boiler1-power       one reading now, raw and scaled
  dodac run                      collect until Ctrl-C

Exit codes: 0 ok, 1 finding, 2 usage or configuration, 3 instrument, 4 storage, 5 integrity, 130 interrupted.
"""


def usage() -> str:
    """The help text of the command table."""
    width = max(len(command.name) for command in COMMANDS)
    return _USAGE.format(commands="\n".join(f"  {c.name:<{width}}  {c.help}" for c in COMMANDS))


def load(command: Command) -> Callable[[Sequence[str]], int]:
    """Imports the function behind a command."""
    module, function = command.target.split(":")
    target: Callable[[Sequence[str]], int] = getattr(importlib.import_module(module), function)
    return target


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code; errors become one message on stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    _show_any_sign()
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(usage())
        return Exit.OK
    if words[0] in ("-V", "--version", "version"):
        from dodac import __version__

        sys.stdout.write(f"dodac {__version__}\n")
        return Exit.OK
    command = next((c for c in COMMANDS if c.name == words[0]), None)
    if command is None:
        from dodac.quantities import nearest

        near = nearest(words[0], [c.name for c in COMMANDS])
        hint = f' Did you mean "dodac {near}"?' if near else " See dodac --help."
        sys.stderr.write(f'dodac: there is no command "{words[0]}".{hint}\n')
        return Exit.USAGE
    try:
        return _flushed(load(command), words[1:])
    except DodacError as error:
        return _ended(f"dodac {command.name}: {error}", error.exit_code)
    except KeyboardInterrupt:
        return _ended("", Exit.INTERRUPTED)
    except BrokenPipeError:
        # the reader of our output went away (dodac … | head): nothing to tell it
        _no_more_output()
        return Exit.OK
    except OSError as error:
        _no_more_output()
        place = f"{error.filename}: " if error.filename else ""
        return _ended(f"dodac {command.name}: {place}{error.strerror or error}.", Exit.STORAGE)
    except MemoryError:
        return _ended(f"dodac {command.name}: there is not enough memory for this.", Exit.STORAGE)


def _flushed(function: Callable[[Sequence[str]], int], argv: Sequence[str]) -> int:
    """Runs a command and empties its output here, where a closed pipe or a full disk can still be told."""
    try:
        code = function(argv)
    except SystemExit:  # argparse has shown its help or a fault of usage
        sys.stdout.flush()
        raise
    sys.stdout.flush()
    return code


def _show_any_sign() -> None:
    """A terminal of another character set shows ? for a sign that it lacks, not a fault of ours."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _ended(message: str, code: Exit) -> int:
    sys.stderr.write(f"{message}\n")
    return code


def _no_more_output() -> None:
    # else the interpreter tries once more at its end, and complains in its own words
    with contextlib.suppress(OSError):  # no descriptors are left: the message counts
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
