"""Lines of a site file: speed and frame of each instrument, what they can carry, and the bus over them."""

from __future__ import annotations

from dodac.clock import SECOND_NS, Clock, duration_ns
from dodac.errors import ConfigError
from dodac.site import InstrumentConfig, SerialConnection, Site, TcpConnection
from drivers.bus import Bus
from drivers.links import LineSettings, Link
from drivers.profile import Iec62056Profile, LineProfile, ModbusProfile, Profile

PolledConfig = SerialConnection | TcpConnection


def of_its_own(config: PolledConfig, item: InstrumentConfig) -> PolledConfig:
    """The connection as this instrument wants it: its own speed and frame, where it says them."""
    if not isinstance(config, SerialConnection):
        return config
    own = {"baud": item.baud or config.baud, "frame": item.frame or config.frame}
    return config.model_copy(update=own)


def settings_of(config: PolledConfig) -> LineSettings | None:
    """Speed and frame of a serial line; None where there are none to set."""
    return LineSettings(config.baud, config.frame) if isinstance(config, SerialConnection) else None


def check_line(site: Site, item: InstrumentConfig, config: PolledConfig, profile: Profile) -> None:
    """Raises ConfigError when a serial line can't carry the profile's protocol, or can't be set as wanted.

    config: as this instrument wants it.
    """
    if not isinstance(config, SerialConnection):
        return
    connection = item.connection or ""
    if config.framing == "ascii" and not isinstance(profile, ModbusProfile):
        where = site.where("connections", connection, "framing")
        raise ConfigError(f'framing = "ascii" is one of Modbus; this line speaks {profile.protocol}.', where)
    seven = isinstance(profile, LineProfile | Iec62056Profile) or config.framing == "ascii"
    if config.frame.startswith("7") and not seven:
        own = item.frame is not None
        where = (
            site.where_instrument(item.id, "frame") if own else site.where("connections", connection, "frame")
        )
        words: str = "Modbus RTU" if isinstance(profile, ModbusProfile) else profile.protocol
        todo = 'Modbus ASCII has 7 bits: framing = "ascii".' if isinstance(profile, ModbusProfile) else ""
        raise ConfigError(f"{words} needs 8 data bits, not {config.frame}.", where, todo)
    shared = site.connections[connection]
    if config.port.startswith("socket://") and settings_of(config) != (
        settings_of(shared) if isinstance(shared, SerialConnection) else None
    ):
        text = f"{settings_of(config)} is not the connection's setting, and a raw socket can't change it."
        todo = "Use a serial server with RFC 2217 (rfc2217://host:port), or one line for each setting."
        key = "baud" if item.baud is not None else "frame"
        raise ConfigError(text, site.where_instrument(item.id, key), todo)


def open_bus(config: PolledConfig, clock: Clock) -> Bus:
    """The bus over a connection's link, not yet opened."""
    link: Link
    if isinstance(config, SerialConnection):
        from drivers.links.serial import SerialLink

        link = SerialLink(config.port, config.baud, config.frame)
        byte_s = link.settings.byte_s
    else:
        from drivers.links.tcp import TcpLink

        link, byte_s = TcpLink(config.host, config.port), 0.0
    return Bus(
        link,
        clock,
        timeout_s=duration_ns(config.timeout) / SECOND_NS,
        late_guard_s=duration_ns(config.late_guard) / SECOND_NS,
        byte_s=byte_s,
    )
