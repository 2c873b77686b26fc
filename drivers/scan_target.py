"""What a technician names on the command line: a port, a host, a broker, or a connection of the site file."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from dodac.errors import ConfigError, InstrumentError, Where
from dodac.site import MqttConnection, SerialConnection, Site, TcpConnection, load_site
from drivers.links import LineSettings, Link
from drivers.links.serial import is_pty
from drivers.protocols.modbus_identity import Framing
from drivers.scan_broker import Place
from drivers.scan_ports import holders, lasting_name

_MEMORY: Final = 1  # the major number of /dev/null, /dev/zero …
_SERVES: Final = ("dodac simulate", "dodac demo")


@dataclass(frozen=True, slots=True)
class SerialTarget:
    """A port; setting and framing are those of the site file where it was named by its connection."""

    port: str
    connection: str | None = None
    setting: LineSettings | None = None
    framing: Framing = "rtu"

    def link(self, setting: LineSettings) -> Link:
        """The port at a setting, not yet open."""
        from drivers.links.serial import SerialLink

        return SerialLink(self.port, setting.baud, setting.frame)


@dataclass(frozen=True, slots=True)
class TcpTarget:
    """A host; framing None: Modbus TCP first, then serial frames over TCP."""

    host: str
    port: int
    connection: str | None = None
    framing: Framing | None = None

    def link(self) -> Link:
        """The connection, not yet made."""
        from drivers.links.tcp import TcpLink

        return TcpLink(self.host, self.port, connect_s=3.0)


@dataclass(frozen=True, slots=True)
class BrokerTarget:
    """A broker, with the words of its URL for a site file."""

    place: Place
    url: str
    connection: str | None = None


Target = SerialTarget | TcpTarget | BrokerTarget


@dataclass(frozen=True, slots=True)
class Login:
    """How to get into a broker that the site file does not know."""

    user: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None


def own_profiles(site: Path) -> Path:
    """The folder of the site's own profiles, whether or not there is a site file."""
    return (site if site.is_dir() else site.parent) / "profiles"


def target_of(text: str, site_path: Path, login: Login | None = None) -> Target:
    """What the words mean; ConfigError for none of all.

    A connection of the site file wins; then mqtt:// and mqtts:// URLs, device paths and pyserial URLs,
    and else a host, with a port or 502.
    """
    site_file = site_path / "site.toml" if site_path.is_dir() else site_path
    if site_file.is_file():
        site = load_site(site_file)
        if text in site.connections:
            return _of_site(site, text)
    if text.startswith(("mqtt://", "mqtts://")):
        return _broker(text, login or Login())
    if "://" in text or text.startswith(("/", "./", "../")) or (text and Path(text).exists()):
        return SerialTarget(text)
    return _host(text)


def not_held(target: SerialTarget) -> None:
    """Raises InstrumentError, with words, when another program reads from the port."""
    if "://" in target.port or _is_no_line(target.port):
        return
    held = holders(target.port)
    if is_pty(target.port):
        # its other side is open in the program that serves it, and that one is no reader
        held = tuple(word for word in held if word.startswith("dodac ") and not word.startswith(_SERVES))
    if not held:
        return
    todo = "End it first, and start it again afterwards: two masters on one line spoil each other's answers."
    shown = ", ".join(held[:3]) + (f" and {len(held) - 3} more" if len(held) > 3 else "")
    raise InstrumentError(f"{target.port} is in use by {shown}.", None, todo)


def _is_no_line(port: str) -> bool:
    """True for /dev/null and its like, which everybody has open; opening it says what it is."""
    try:
        status = Path(port).stat()
    except OSError:
        return True
    return stat.S_ISCHR(status.st_mode) and os.major(status.st_rdev) == _MEMORY


def _of_site(site: Site, name: str) -> Target:
    config = site.connections[name]
    if isinstance(config, SerialConnection):
        setting = LineSettings(config.baud, config.frame)
        return SerialTarget(config.port, name, setting, config.framing)
    if isinstance(config, TcpConnection):
        return TcpTarget(config.host, config.port, name, config.framing)
    if isinstance(config, MqttConnection):
        from drivers._mqtt_config import address_of, tls_context

        host, port = address_of(config)
        password = site.secret(config.password_file) if config.password_file else None
        tls = tls_context(site, config) if config.url.startswith("mqtts") else None
        return BrokerTarget(Place(host, port, config.user, password, tls), config.url, name)
    where = site.where("connections", name, "kind")
    raise ConfigError(f"a {config.kind} connection has nothing to look for.", where)


def _broker(url: str, login: Login) -> BrokerTarget:
    parts = urlsplit(url)
    try:
        port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
    except ValueError:
        port = 0
    if not parts.hostname or not port or parts.password:
        todo = "Write mqtt://host:1883, and the password into a file: --user NAME --password-file FILE."
        raise ConfigError(f'"{url}" is no broker that can be asked.', None, todo)
    tls = None
    if parts.scheme == "mqtts":
        import ssl

        file = str(login.ca_file) if login.ca_file else None
        try:
            tls = ssl.create_default_context(cafile=file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"the certificates can't be read: {error}.", Where(file=file)) from None
    user = login.user or parts.username
    return BrokerTarget(Place(parts.hostname, port, user, _password(login.password_file), tls), url)


def _password(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError("others may read the password.", Where(file=str(path)), "chmod 600 it.")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        words = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"the password can't be read: {words}.", Where(file=str(path))) from None


def _host(text: str) -> TcpTarget:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?", text)
    port = int(match.group(2) or 502) if match else 0
    if match is None or not 1 <= port <= 65535:
        todo = (
            "Write a port (/dev/ttyUSB0), host or host:port, mqtt://host, or a connection of the site file."
        )
        raise ConfigError(f'"{text}" is no place to look at.', None, todo)
    return TcpTarget(match.group(1).strip("[]"), port)


def shown_port(port: str) -> str:
    """The port as it belongs in a site file: a name that lasts."""
    return port if "://" in port else lasting_name(str(Path(port).absolute()))
