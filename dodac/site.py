"""The site file: TOML, strict, every fault with its line and the nearest key."""

from __future__ import annotations

import stat
from pathlib import Path

from pydantic import BaseModel, Field, PrivateAttr, ValidationError

from dodac._site_checks import check_references
from dodac._site_faults import config_error
from dodac._site_tables import (
    CONNECTION_KINDS,
    Calibration,
    CollectorConfig,
    Connection,
    FileConnection,
    HttpConnection,
    Id,
    InfluxConfig,
    InstrumentConfig,
    ManualConnection,
    MqttConnection,
    SerialConnection,
    ServeConfig,
    SiteInfo,
    StoreConfig,
    Strict,
    TcpConnection,
    UsbConnection,
)
from dodac._toml_files import parse_toml, read_toml_text
from dodac._toml_lines import key_lines, line_of
from dodac.errors import ConfigError, Where
from dodac.quantities import nearest

__all__ = [
    "Calibration",
    "CollectorConfig",
    "Connection",
    "FileConnection",
    "HttpConnection",
    "InfluxConfig",
    "InstrumentConfig",
    "ManualConnection",
    "MqttConnection",
    "SerialConnection",
    "ServeConfig",
    "Site",
    "SiteInfo",
    "StoreConfig",
    "TcpConnection",
    "UsbConnection",
    "load_site",
    "parse_site",
]


class Site(Strict):
    """A whole site file."""

    site: SiteInfo
    connections: dict[Id, Connection] = Field(default_factory=dict)
    instruments: tuple[InstrumentConfig, ...] = Field(default=(), strict=False)
    influxdb: InfluxConfig | None = None
    sinks: dict[Id, InfluxConfig] = Field(default_factory=dict)
    collector: CollectorConfig = CollectorConfig()
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

    @property
    def photos_path(self) -> Path:
        """The folder of photos taken with readings by hand."""
        return self.folder / self.store.photos

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
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise ConfigError(
                f"the secret file can't be read: {why}.",
                Where(file=str(path)),
                f"Create it with the secret as its only line: install -m 600 /dev/null {path}",
            ) from None
        if stat.S_IMODE(mode) & 0o077:
            raise ConfigError(
                f"others may read this secret (mode {stat.S_IMODE(mode):04o}).",
                Where(file=str(path)),
                f"Run: chmod 600 {path}",
            )
        if not text:
            raise ConfigError("the secret file is empty.", Where(file=str(path)), "Write the secret into it.")
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
    "sinks": InfluxConfig,
    "collector": CollectorConfig,
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
        return CONNECTION_KINDS.get(kind or "", SerialConnection)
    return _TABLES.get(head, Site)
