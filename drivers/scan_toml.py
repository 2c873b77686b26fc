"""What to write into the site file for what was found."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

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
