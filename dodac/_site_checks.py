"""What in a site file must fit together: ids, addresses, connections, files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dodac.clock import duration_ns
from dodac.errors import ConfigError, Where
from dodac.quantities import CHANNELS, Measurement, nearest

if TYPE_CHECKING:
    from dodac.site import Connection, InfluxConfig, InstrumentConfig, Site


def check_references(site: Site) -> None:
    """Raises ConfigError, with the line, for the first thing that does not fit."""
    _check_lines(site)
    _check_ids(site)
    for place, item in enumerate(site.instruments):
        _check_connection(site, place, item)
        _check_intervals(site, place, item)
    _check_addresses(site)
    _check_files(site)


def _at(site: Site, place: int, item: InstrumentConfig, key: str = "") -> Where:
    keys = ("instruments", place, key) if key else ("instruments", place)
    return Where(file=str(site.path), line=site.where(*keys).line, instrument=item.id)


def _check_ids(site: Site) -> None:
    seen: dict[str, int | None] = {}
    for place, item in enumerate(site.instruments):
        where = _at(site, place, item, "id")
        if item.id in seen:
            raise ConfigError(
                f'the instrument id "{item.id}" is given twice (first on line {seen[item.id]}).',
                where,
                "Give each instrument its own id.",
            )
        seen[item.id] = where.line


def _check_connection(site: Site, place: int, item: InstrumentConfig) -> None:
    if item.profile is None and item.measurement is None:
        raise ConfigError(
            "an instrument needs a profile (read by dodac) or a measurement (fed by files).",
            _at(site, place, item),
            f"Add profile = … (see dodac profiles) or measurement = one of {', '.join(Measurement)}.",
        )
    known = ", ".join(site.connections) or "(none is defined yet)"
    if item.connection is None:
        if item.profile is not None:
            raise ConfigError(
                "an instrument with a profile needs a connection.",
                _at(site, place, item),
                f"Add connection = one of: {known}.",
            )
        return
    if item.connection not in site.connections:
        near = nearest(item.connection, site.connections)
        raise ConfigError(
            f'there is no connection "{item.connection}".',
            _at(site, place, item, "connection"),
            f'Did you mean "{near}"?' if near else f"Add [connections.{item.connection}].",
        )
    kind = site.connections[item.connection].kind
    if item.profile is None and kind != "file":
        raise ConfigError(
            f'nothing says how to read it from the {kind} connection "{item.connection}".',
            _at(site, place, item, "connection"),
            "Add profile = … (see dodac profiles), or leave the connection out when files feed it.",
        )
    if item.profile is not None and kind == "file":
        raise ConfigError(
            "a file connection takes no profile.",
            _at(site, place, item, "profile"),
            "Name a measurement instead, or another connection.",
        )
    for key in ("silence", "taken_by"):
        if getattr(item, key) is not None and kind != "mqtt":
            raise ConfigError(
                f'{key} is for MQTT instruments; "{item.connection}" is {kind}.',
                _at(site, place, item, key),
                "Leave it out.",
            )
    if item.topic is not None and kind != "mqtt":
        raise ConfigError(
            f'only MQTT instruments have a topic; "{item.connection}" is {kind}.',
            _at(site, place, item, "topic"),
            "Write address = … instead.",
        )
    for key in ("baud", "frame"):
        if getattr(item, key) is not None and kind != "serial":
            raise ConfigError(
                f'only instruments on a serial line have a {key}; "{item.connection}" is {kind}.',
                _at(site, place, item, key),
                "Leave it out.",
            )


def _check_intervals(site: Site, place: int, item: InstrumentConfig) -> None:
    """A channel can't be read more often than its instrument."""
    named = [("slow", "slow channels", item.slow)] if item.slow is not None else []
    for channel, every in item.intervals.items():
        if channel not in CHANNELS:
            near = nearest(channel, CHANNELS)
            raise ConfigError(
                f'there is no channel "{channel}".',
                _at(site, place, item, "intervals"),
                f'Did you mean "{near}"?' if near else "See docs/reference/channels.md.",
            )
        named.append(("intervals", channel, every))
    for key, what, every in named:
        if duration_ns(every) < item.every_ns:
            raise ConfigError(
                f"{what} can't be read every {every}: the instrument is read every {item.every}.",
                _at(site, place, item, key),
                f'Write every = "{every}" and name the channels that are read more seldom.',
            )


def _reaches(connection: Connection) -> str:
    """What two connections may not both hold: a port; for the others, what is reached through them."""
    match connection.kind:
        case "serial":
            return f"port {connection.port}"
        case "tcp":
            return f"{connection.host.lower()}:{connection.port}"
        case "mqtt":
            return connection.url.rstrip("/").lower()
        case _:
            return ""


def _check_lines(site: Site) -> None:
    """Serial frames carry no request's number: on one line, behind a port or a gateway, one thread asks."""
    seen: dict[str, str] = {}
    for name, connection in site.connections.items():
        if connection.kind == "serial":
            line = connection.port
        elif connection.kind == "tcp" and connection.framing == "rtu":
            line = _reaches(connection)
        else:
            continue
        if line in seen:
            raise ConfigError(
                f'connection "{name}" has the port of "{seen[line]}": {line}.',
                site.where("connections", name, "port"),
                f'One line is one connection: give its instruments connection = "{seen[line]}".',
            )
        seen[line] = name


def _check_addresses(site: Site) -> None:
    seen: dict[tuple[str, str], tuple[str, int | None]] = {}
    for place, item in enumerate(site.instruments):
        address = item.topic if item.topic is not None else item.address
        if item.connection is None or address is None:
            continue
        key = (_reaches(site.connections[item.connection]) or item.connection, str(address).casefold())
        if item.topic is not None:
            key = (key[0], str(address))  # topics differ by case
        word = "topic" if item.topic is not None else "address"
        where = _at(site, place, item, word)
        if key in seen:
            other, line = seen[key]
            raise ConfigError(
                f'{word} {address} on connection "{item.connection}" is taken by "{other}" (line {line}).',
                where,
                "Two instruments can't share an address: change one here and on the instrument.",
            )
        seen[key] = (item.id, where.line)


def _check_files(site: Site) -> None:
    for name, connection in site.connections.items():
        for key in ("password_file", "ca_file"):
            _check_file(site, getattr(connection, key, None), "connections", name, key)
    _check_file(site, site.serve.token_file, "serve", "token_file")
    sinks: dict[tuple[str, ...], InfluxConfig] = {("sinks", name): sink for name, sink in site.sinks.items()}
    if site.influxdb is not None:
        sinks["influxdb",] = site.influxdb
    for keys, config in sinks.items():
        for key in ("token_file", "password_file", "ca_file"):
            _check_file(site, getattr(config, key), *keys, key)
    for key, path in (("journal", site.journal_path), ("register", site.register_path)):
        # os.path: in a folder of another user nobody knows, and who opens the file is told
        if os.path.isdir(path):  # noqa: PTH112
            raise ConfigError(
                f'"store.{key}" is a folder: {path}.', site.where("store", key), "Name a file in it."
            )
    if site.journal_path == site.register_path:
        raise ConfigError(
            "journal and register can't be the same file.", site.where("store", "register"), "Name two."
        )


def _check_file(site: Site, name: str | None, *keys: str) -> None:
    if name is not None and not (site.folder / name).is_file():
        raise ConfigError(
            f'the file "{site.folder / name}" is not there.',
            site.where(*keys),
            "Create it (mode 0600 for secrets) or correct the path.",
        )
