"""What to write into the site file for what was found."""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from drivers.links import LineSettings
from drivers.scan_target import BrokerTarget, SerialTarget, TcpTarget, shown_port


@dataclass(frozen=True, slots=True)
class Entry:
    """One instrument: its profile ("" when none fits) and what to say about that; setting of its own.

    slow: it needs more patience than one second.
    """

    id: str
    address: int | str
    profile: str
    words: str = ""
    setting: LineSettings | None = None


def tables(
    target: SerialTarget | TcpTarget | BrokerTarget,
    entries: Sequence[Entry],
    *,
    setting: LineSettings | None = None,
    framing: str = "",
    slow: bool = False,
) -> str:
    """The tables of a connection (left out when the site file has it) and its instruments, as TOML."""
    name = target.connection or ("broker" if isinstance(target, BrokerTarget) else "bus1")
    lines = [] if target.connection else [*_connection(name, target, setting, framing, slow), ""]
    for entry in entries:
        lines += _instrument(name, entry, setting)
    return "\n".join(lines).rstrip() + "\n" if entries else ""


def beside(text: str, site: Path) -> str:
    """The tables under names that the site file does not have yet; as they are when there is none to look at."""
    path = site / "site.toml" if site.is_dir() else site
    try:
        known = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return text
    connections, instruments = known.get("connections"), known.get("instruments")
    taken = set(connections) if isinstance(connections, dict) else set()
    ids = (
        [item.get("id") for item in instruments if isinstance(item, dict)]
        if isinstance(instruments, list)
        else []
    )
    for name in re.findall(r"^\[connections\.([^\]]+)\]$", text, re.MULTILINE):
        new = _free(name, taken, "" if name == "bus1" else "-")
        text = text.replace(f"[connections.{name}]", f"[connections.{new}]")
        text = text.replace(f'\nconnection = "{name}"\n', f'\nconnection = "{new}"\n')
    for name in re.findall(r'^id = "([^"]+)"$', text, re.MULTILINE):
        text = text.replace(f'\nid = "{name}"\n', f'\nid = "{_free(name, set(ids), "-")}"\n')
    return text


def _free(name: str, taken: Collection[object], between: str) -> str:
    """The name, or with the first number behind it that makes it one of its own; bus1 becomes bus2."""
    stem = name if between else name.rstrip("0123456789")
    numbered = (f"{stem}{between}{number}" for number in itertools.count(2))
    return name if name not in taken else next(new for new in numbered if new not in taken)


def plain_id(words: str) -> str:
    """Words as an id of the site file."""
    text = re.sub(r"[^a-z0-9._-]+", "-", words.lower()).strip("-._")
    return text[:64] or "instrument"


def _connection(
    name: str,
    target: SerialTarget | TcpTarget | BrokerTarget,
    setting: LineSettings | None,
    framing: str,
    slow: bool,
) -> list[str]:
    lines = [f"[connections.{name}]"]
    if isinstance(target, BrokerTarget):
        lines += ['kind = "mqtt"', f"url = {json.dumps(target.url)}"]
        if target.place.user:
            lines += [f"user = {json.dumps(target.place.user)}", 'password_file = "secrets/broker"']
        return lines
    if isinstance(target, TcpTarget):
        lines += ['kind = "tcp"', f"host = {json.dumps(target.host)}", f"port = {target.port}"]
        lines += ['framing = "rtu"'] if framing == "rtu" else []
    else:
        lines += ['kind = "serial"', f"port = {json.dumps(shown_port(target.port))}"]
        if setting is not None:
            lines += [f"baud = {setting.baud}", f'frame = "{setting.frame}"']
        lines += ['framing = "ascii"'] if framing == "ascii" else []
    return [*lines, 'timeout = "2s"'] if slow else lines


def _instrument(connection: str, entry: Entry, setting: LineSettings | None) -> list[str]:
    profile = f'profile = "{entry.profile}"' if entry.profile else '# profile = ""'
    words = entry.words or ("" if entry.profile else "no profile fits: see docs/how-to/add-a-meter.md")
    lines = [
        "[[instruments]]",
        f'id = "{entry.id}"',
        f"{profile}  # {words}" if words else profile,
        f'connection = "{connection}"',
        f"address = {json.dumps(entry.address, ensure_ascii=False)}",
    ]
    if entry.setting is not None and setting is not None and entry.setting != setting:
        lines += [f"baud = {entry.setting.baud}", f'frame = "{entry.setting.frame}"']
    return [*lines, ""]
