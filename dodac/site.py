"""The site file: TOML, strict, every fault with its line and the nearest key."""

from __future__ import annotations

import stat
from datetime import date as Date
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from dodac._site_checks import check_references
from dodac._site_faults import config_error
from dodac._toml_files import parse_toml, read_toml_text
from dodac._toml_lines import key_lines, line_of
from dodac.clock import duration_ns
from dodac.errors import ConfigError, Where
from dodac.quantities import Measurement, nearest

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, str_strip_whitespace=True)


def _no_secrets(parts: SplitResult, todo: str) -> None:
    """Raises ValueError for a URL with a password, or with a port that is none."""
    if parts.password:
        raise ValueError(f"keep the password out of the site file: use {todo}.")
    try:
        good = parts.port is None or parts.port > 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("a port is a number from 1 to 65535.")


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

    @field_validator("host")
    @classmethod
    def _host(cls, value: str) -> str:
        try:
            value.encode("idna")
        except UnicodeError:
            good = False
        else:
            good = not any(sign.isspace() or sign in "/@\0" for sign in value)
        if not good:
            raise ValueError('write a name or an address, e.g. "192.168.1.50".')
        return value

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
        _no_secrets(parts, "password_file")
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

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.due is not None and self.due < self.date:
            raise ValueError(f"due {self.due} is before the calibration of {self.date}.")
        return self


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

    @field_validator("ct_ratio", "vt_ratio")
    @classmethod
    def _ratio(cls, value: str | None) -> str | None:
        if value is not None and 0 in (float(side) for side in value.split("/")):
            raise ValueError('a ratio has two sides above zero, e.g. "400/5".')
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
        if parts.username:
            raise ValueError("keep the password out of the site file: use token_file.")
        _no_secrets(parts, "token_file")
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
    _lines: dict[tuple[str | int, ...], int] = PrivateAttr(default_factory=dict)

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

    def where(self, *keys: str | int) -> Where:
        """The place of a key in the site file, with its line: where("serve", "port")."""
        return Where(file=str(self.path), line=line_of(self._lines, keys))

    def where_instrument(self, id: str, key: str = "id") -> Where:
        """The place of an instrument's key, or of its table when it does not have it."""
        place = next((number for number, item in enumerate(self.instruments) if item.id == id), 0)
        line = line_of(self._lines, ("instruments", place, key))
        return Where(file=str(self.path), line=line, instrument=id)

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
    return parse_site(read_toml_text(path, "site", "Make one: dodac init FOLDER"), path)


def parse_site(text: str, path: Path) -> Site:
    """Checks the text of a site file; see load_site."""
    data = parse_toml(text, path)
    lines = key_lines(text)
    try:
        site = Site.model_validate(data)
    except ValidationError as error:
        raise config_error(error, data, lines, path, _model_at) from None
    site._path, site._lines = path, lines  # noqa: SLF001  (its own class, same module)
    check_references(site)
    return site


_TABLES: dict[str, type[BaseModel]] = {
    "site": SiteInfo,
    "influxdb": InfluxConfig,
    "store": StoreConfig,
    "serve": ServeConfig,
}


def _model_at(loc: tuple[str | int, ...], kind: str | None) -> type[BaseModel]:
    """The model whose keys are valid at the parent of a location; `kind` is that of its connection."""
    if len(loc) <= 1:
        return Site
    head = str(loc[0])
    if head == "instruments":
        return Calibration if "calibration" in loc[2:-1] else InstrumentConfig
    if head == "connections":
        return _CONNECTION_KINDS.get(kind or "", SerialConnection)
    return _TABLES.get(head, Site)
