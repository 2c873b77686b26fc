"""The site file: TOML, strict, every fault with its line and the nearest key."""

from __future__ import annotations

import stat
import tomllib
from datetime import date as Date
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator

from dodac._toml_lines import key_lines, line_of
from dodac.clock import duration_ns
from dodac.errors import ConfigError, Where
from dodac.quantities import Measurement, nearest

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, str_strip_whitespace=True)


class SiteInfo(_Strict):
    """[site]: who and where."""

    id: Id
    company: Id
    name: str = ""
    timezone: str = "Asia/Ho_Chi_Minh"
    language: Literal["vi", "en"] = "vi"

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f'"{value}" is not a time zone; write e.g. "Asia/Ho_Chi_Minh".') from None
        return value


class SerialConnection(_Strict):
    """A serial line: one port, one bus."""

    kind: Literal["serial"]
    port: str = Field(min_length=1)
    baud: int = Field(default=9600, ge=50, le=4_000_000)
    frame: Literal["8N1", "8N2", "8E1", "8O1", "7E1", "7O1"] = "8N1"
    timeout: str = "1s"
    late_guard: str = "2s"

    @field_validator("timeout", "late_guard")
    @classmethod
    def _duration(cls, value: str) -> str:
        duration_ns(value)
        return value


class TcpConnection(_Strict):
    """A TCP gateway: Modbus TCP, or serial frames over TCP."""

    kind: Literal["tcp"]
    host: str = Field(min_length=1)
    port: int = Field(default=502, ge=1, le=65535)
    framing: Literal["tcp", "rtu"] = "tcp"
    timeout: str = "1s"
    late_guard: str = "2s"

    @field_validator("timeout", "late_guard")
    @classmethod
    def _duration(cls, value: str) -> str:
        duration_ns(value)
        return value


class MqttConnection(_Strict):
    """An MQTT broker; QoS 1, a fixed client id, a session that outlives us."""

    kind: Literal["mqtt"]
    url: str
    client_id: str = ""
    user: str | None = None
    password_file: str | None = None
    ca_file: str | None = None
    share_group: str | None = None

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError("write mqtt://host:1883 or mqtts://host:8883.")
        if parts.password:
            raise ValueError("keep the password out of the site file: use password_file.")
        return value


class FileConnection(_Strict):
    """Readings come from files that somebody imports."""

    kind: Literal["file"]


Connection = Annotated[
    SerialConnection | TcpConnection | MqttConnection | FileConnection, Field(discriminator="kind")
]
_CONNECTION_KINDS: dict[str, type[BaseModel]] = {
    "serial": SerialConnection,
    "tcp": TcpConnection,
    "mqtt": MqttConnection,
    "file": FileConnection,
}


class Calibration(_Strict):
    """The last calibration of an instrument."""

    date: Date
    due: Date | None = None
    laboratory: str = ""
    certificate: str = ""


class InstrumentConfig(_Strict):
    """[[instruments]]: one physical meter or analyser.

    Polled and streamed instruments name a profile and a connection; an instrument fed by files
    names its measurement (and may name a connection of kind "file").
    """

    id: Id
    asset: Id = "site"
    name: str = ""
    profile: str | None = None
    measurement: Measurement | None = Field(default=None, strict=False)
    connection: str | None = None
    address: int | str | None = None
    topic: str | None = None
    every: str = "10s"
    serial_number: str = ""
    accuracy_class: str = ""
    ct_ratio: str | None = Field(default=None, pattern=r"^\d+(\.\d+)?/\d+(\.\d+)?$")
    vt_ratio: str | None = Field(default=None, pattern=r"^\d+(\.\d+)?/\d+(\.\d+)?$")
    calibration: Calibration | None = None

    @field_validator("every")
    @classmethod
    def _every(cls, value: str) -> str:
        duration_ns(value)
        return value

    @property
    def every_ns(self) -> int:
        """The polling interval."""
        return duration_ns(self.every)


class InfluxConfig(_Strict):
    """[influxdb]: where readings are forwarded to; the journal stays the truth."""

    url: str
    bucket: str = "dodac"
    org: str = "dodac"
    token_file: str | None = None

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError('write e.g. "http://127.0.0.1:8086".')
        if parts.password or parts.username:
            raise ValueError("keep secrets out of the site file: use token_file.")
        return value.rstrip("/")


class StoreConfig(_Strict):
    """[store]: the journal and the audit register, relative to the site file."""

    journal: str = "data/journal.db"
    register_file: str = Field(default="data/register.db", alias="register")


class ServeConfig(_Strict):
    """[serve]: where page and API listen; only this machine by default."""

    host: str = "127.0.0.1"
    port: int = Field(default=8321, ge=0, le=65535)
    token_file: str | None = None


class Site(_Strict):
    """A whole site file."""

    site: SiteInfo
    connections: dict[Id, Connection] = Field(default_factory=dict)
    instruments: tuple[InstrumentConfig, ...] = Field(default=(), strict=False)
    influxdb: InfluxConfig | None = None
    store: StoreConfig = StoreConfig()
    serve: ServeConfig = ServeConfig()
    _path: Path = PrivateAttr(default=Path("site.toml"))

    @property
    def path(self) -> Path:
        """Where the site file was read from."""
        return self._path

    @property
    def folder(self) -> Path:
        """Relative paths of the site file start here."""
        return self._path.parent

    @property
    def journal_path(self) -> Path:
        return self.folder / self.store.journal

    @property
    def register_path(self) -> Path:
        return self.folder / self.store.register_file

    def instrument(self, id: str) -> InstrumentConfig:
        """The instrument of that id; ConfigError naming the nearest one otherwise."""
        for item in self.instruments:
            if item.id == id:
                return item
        near = nearest(id, [item.id for item in self.instruments])
        todo = f'Did you mean "{near}"?' if near else "Add it under [[instruments]]."
        raise ConfigError(f'there is no instrument "{id}".', Where(file=str(self.path)), todo)

    def secret(self, name: str) -> str:
        """The content of a secret file (password_file, token_file), stripped.

        Raises ConfigError when it is missing or others may read it.
        """
        path = self.folder / name
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"the secret file can't be read: {error.strerror}.",
                Where(file=str(path)),
                f"Create it with the secret as its only line: install -m 600 /dev/null {path}",
            ) from None
        if stat.S_IMODE(mode) & 0o077:
            raise ConfigError(
                f"others may read this secret (mode {stat.S_IMODE(mode):04o}).",
                Where(file=str(path)),
                f"Run: chmod 600 {path}",
            )
        return text


def load_site(path: Path | str) -> Site:
    """Reads and checks a site file.

    Raises ConfigError with file, line and nearest key for: no such file, broken TOML, an unknown
    key, a wrong type, an id or an address given twice, a connection that is not defined, a secret
    file that is missing.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "site.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            "there is no such site file.", Where(file=str(path)), "Make one: dodac init FOLDER"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the site file can't be read: {error}.", Where(file=str(path))) from None
    return parse_site(text, path)


def parse_site(text: str, path: Path) -> Site:
    """Checks the text of a site file; see load_site."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        words = str(error)
        line = _decode_line(words)
        raise ConfigError(f"this is not TOML: {words}.", Where(file=str(path), line=line)) from None
    lines = key_lines(text)
    try:
        site = Site.model_validate(data)
        site._path = path  # noqa: SLF001  (its own class, same module)
    except ValidationError as error:
        raise _config_error(error, data, lines, path) from None
    _check_references(site, lines)
    return site


def _decode_line(words: str) -> int | None:
    if "line " not in words:
        return None
    digits = words.split("line ", 1)[1].split(",", 1)[0].strip(") ")
    return int(digits) if digits.isdigit() else None


_TABLES: dict[str, type[BaseModel]] = {
    "site": SiteInfo,
    "influxdb": InfluxConfig,
    "store": StoreConfig,
    "serve": ServeConfig,
}


def _model_at(loc: tuple[str | int, ...], data: dict[str, Any]) -> type[BaseModel]:
    """The model whose keys are valid at the parent of a location."""
    if len(loc) <= 1:
        return Site
    head = str(loc[0])
    if head == "instruments":
        return Calibration if "calibration" in loc[2:-1] else InstrumentConfig
    if head == "connections":
        entry = data.get("connections", {}).get(loc[1], {})
        kind = entry.get("kind") if isinstance(entry, dict) else None
        return _CONNECTION_KINDS.get(str(kind), SerialConnection)
    return _TABLES.get(head, Site)


def _config_error(
    error: ValidationError, data: dict[str, Any], lines: dict[tuple[str | int, ...], int], path: Path
) -> ConfigError:
    # a misspelt key is both unknown and missing: the unknown one can name its nearest
    first = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    loc = tuple(first["loc"])
    # the discriminator puts the kind's name into the location
    if len(loc) > 2 and loc[0] == "connections" and loc[2] in _CONNECTION_KINDS:
        loc = (*loc[:2], *loc[3:])
    key = str(loc[-1]) if loc else ""
    dotted = ".".join(str(word) for word in loc)
    where = Where(file=str(path), line=line_of(lines, loc) or 1)
    model = _model_at(loc, data)
    known = [field.alias or name for name, field in model.model_fields.items()]
    match first["type"]:
        case "extra_forbidden":
            near = nearest(key, known)
            todo = f'Did you mean "{near}"?' if near else f"Known here: {', '.join(known)}."
            return ConfigError(f'unknown key "{dotted}".', where, todo)
        case "missing":
            return ConfigError(f'the key "{dotted}" is missing.', where, "Add it.")
        case "union_tag_invalid" | "union_tag_not_found":
            given = data.get("connections", {}).get(loc[1], {}).get("kind") if len(loc) > 1 else None
            near = nearest(str(given), list(_CONNECTION_KINDS)) if given else None
            todo = f'Did you mean "{near}"?' if near else f"Write one of: {', '.join(_CONNECTION_KINDS)}."
            return ConfigError(f'"{dotted}" needs a known kind, not "{given}".', where, todo)
        case _:
            message = first["msg"].removeprefix("Value error, ")
            given = first.get("input")
            shown = "" if isinstance(given, dict | list) or "password" in message else f" (it is {given!r})"
            return ConfigError(f'"{dotted}": {message}{shown}', where)


def _check_references(site: Site, lines: dict[tuple[str | int, ...], int]) -> None:
    file = str(site.path)
    seen_ids: dict[str, int | None] = {}
    seen_addresses: dict[tuple[str, str], tuple[str, int | None]] = {}
    for place, item in enumerate(site.instruments):
        here = line_of(lines, ("instruments", place))
        id_line = line_of(lines, ("instruments", place, "id")) or here
        if item.id in seen_ids:
            raise ConfigError(
                f'the instrument id "{item.id}" is given twice (first on line {seen_ids[item.id]}).',
                Where(file=file, line=id_line, instrument=item.id),
                "Give each instrument its own id.",
            )
        seen_ids[item.id] = id_line
        if item.profile is None and item.measurement is None:
            raise ConfigError(
                "an instrument needs a profile (read by dodac) or a measurement (fed by files).",
                Where(file=file, line=here, instrument=item.id),
                f"Add profile = … (see dodac profiles) or measurement = one of {', '.join(Measurement)}.",
            )
        if item.profile is not None and item.connection is None:
            raise ConfigError(
                "an instrument with a profile needs a connection.",
                Where(file=file, line=here, instrument=item.id),
                "Add connection = one of: " + (", ".join(site.connections) or "(none is defined yet)") + ".",
            )
        if item.connection is not None and item.connection not in site.connections:
            near = nearest(item.connection, site.connections)
            raise ConfigError(
                f'there is no connection "{item.connection}".',
                Where(
                    file=file,
                    line=line_of(lines, ("instruments", place, "connection")) or here,
                    instrument=item.id,
                ),
                f'Did you mean "{near}"?' if near else f"Add [connections.{item.connection}].",
            )
        address = item.topic if item.topic is not None else item.address
        if item.connection is not None and address is not None:
            key = (item.connection, str(address))
            word = "topic" if item.topic is not None else "address"
            line = line_of(lines, ("instruments", place, word)) or here
            if key in seen_addresses:
                other, other_line = seen_addresses[key]
                raise ConfigError(
                    f'{word} {address} on connection "{item.connection}" is taken by "{other}" '
                    f"(line {other_line}).",
                    Where(file=file, line=line, instrument=item.id),
                    "Two instruments can't share an address: change one here and on the instrument.",
                )
            seen_addresses[key] = (item.id, line)
    for name, connection in site.connections.items():
        for key_name in ("password_file", "ca_file"):
            value = getattr(connection, key_name, None)
            if value is not None and not (site.folder / value).is_file():
                raise _missing_file(
                    site, line_of(lines, ("connections", name, key_name)), str(site.folder / value)
                )
    for table, config in (("influxdb", site.influxdb), ("serve", site.serve)):
        value = getattr(config, "token_file", None)
        if value is not None and not (site.folder / value).is_file():
            raise _missing_file(site, line_of(lines, (table, "token_file")), str(site.folder / value))


def _missing_file(site: Site, line: int | None, name: str) -> ConfigError:
    return ConfigError(
        f'the file "{name}" is not there.',
        Where(file=str(site.path), line=line),
        "Create it (mode 0600 for secrets) or correct the path.",
    )
