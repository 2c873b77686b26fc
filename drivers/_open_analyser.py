"""Opens analysers that are alone on their connection: over HTTP, and on a USB plug."""

from __future__ import annotations

from collections.abc import Sequence

from dodac.clock import SECOND_NS, Clock, duration_ns
from dodac.errors import ConfigError
from dodac.site import HttpConnection, InstrumentConfig, Site, UsbConnection
from drivers.bus import Bus, Reader
from drivers.connection import Connection
from drivers.links.usb import UsbLink
from drivers.noting_connection import NotingConnection
from drivers.profile import HttpTjfProfile, Profile, UsbViewProfile

AnalyserConfig = HttpConnection | UsbConnection


def open_analyser(
    site: Site,
    id: str,
    config: AnalyserConfig,
    members: Sequence[tuple[InstrumentConfig, Profile]],
    clock: Clock,
) -> Connection:
    """The connection of one analyser; ConfigError when there are several."""
    if len(members) > 1:
        words = f'"{id}" has {members[0][0].id} already: one analyser has one {config.kind} connection.'
        where = site.where_instrument(members[1][0].id, "connection")
        raise ConfigError(words, where, "Write another connection for it.")
    ((item, profile),) = members
    bus, reader = bus_and_reader(site, item, profile, config, clock)
    return NotingConnection(id, bus, [(reader, profile.kind)], clock)


def bus_and_reader(
    site: Site, item: InstrumentConfig, profile: Profile, config: AnalyserConfig, clock: Clock
) -> tuple[Bus, Reader]:
    """The bus and reader of one analyser; ConfigError when profile and connection do not fit."""
    timeout_s = duration_ns(config.timeout) / SECOND_NS
    if isinstance(config, HttpConnection) and isinstance(profile, HttpTjfProfile):
        from drivers.links.http import HttpLink
        from drivers.protocols.testo_http import HttpTjfReader

        bus = Bus(HttpLink(config.host, config.port, timeout_s), clock, timeout_s=timeout_s)
        zone, serial = site.site.timezone, item.serial_number
        return bus, HttpTjfReader(item.id, profile, zone=zone, serial_number=serial)
    if isinstance(config, UsbConnection) and isinstance(profile, UsbViewProfile):
        from drivers.protocols.testo_usb import UsbViewReader

        link = _usb_link(config.serial_number or item.serial_number, clock, timeout_s)
        return Bus(link, clock, timeout_s=timeout_s), UsbViewReader(item.id, profile)
    words = (
        f"{profile.id} speaks {profile.protocol}: it can't be read over a connection of kind {config.kind}."
    )
    raise ConfigError(words, site.where_instrument(item.id, "profile"))


def _usb_link(serial: str, clock: Clock, timeout_s: float) -> UsbLink:
    from drivers.links.usb import pyusb_plugs
    from drivers.protocols.testo_usb import has_serial
    from drivers.protocols.testo_usb_frame import PRODUCTS, VENDOR

    wanted = (lambda link: has_serial(link, serial, clock)) if serial else None
    name = f"USB testo {serial}" if serial else "USB testo"
    return UsbLink(name, pyusb_plugs(VENDOR, tuple(PRODUCTS)), wanted, timeout_s)
