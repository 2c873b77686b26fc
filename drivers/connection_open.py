"""Opens the connections of a site file: checks that profile, address and connection fit together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from dodac.clock import SECOND_NS, Clock, duration_ns
from dodac.errors import ConfigError, InstrumentError, Where
from dodac.quantities import Measurement
from dodac.samples import Layout, Reason, Sample
from dodac.site import (
    FileConnection,
    HttpConnection,
    InstrumentConfig,
    ManualConnection,
    MqttConnection,
    SerialConnection,
    Site,
    TcpConnection,
    UsbConnection,
)
from drivers._channel_times import channel_times
from drivers._device_clock import with_tolerance
from drivers._open_line import PolledConfig, check_line, of_its_own, open_bus, settings_of
from drivers.bus import Bus, Reader
from drivers.catalogue import load_profile
from drivers.connection import Connection, PolledConnection
from drivers.links import LineSettings, LinkDown
from drivers.profile import (
    HttpTjfProfile,
    Iec62056Profile,
    LineProfile,
    LorawanProfile,
    ManualProfile,
    MbusProfile,
    ModbusProfile,
    MqttJsonProfile,
    MqttProfile,
    Profile,
    SparkplugProfile,
    UsbViewProfile,
)
from drivers.protocols.received import Receiver


def own_profiles(site: Site) -> Path:
    """The folder of the site's own profiles, beside the site file."""
    return site.folder / "profiles"


def open_connections(site: Site, clock: Clock) -> list[Connection]:
    """The connections of a site that have instruments with profiles, not yet started.

    Raises ConfigError when a profile is not there, does not fit its connection, or an address is
    missing or out of the protocol's bounds.
    """
    opened: list[Connection] = []
    for name, config in site.connections.items():
        members = [
            (item, load_profile_of(site, item))
            for item in site.instruments
            if item.connection == name and item.profile is not None
        ]
        for item, profile in members:
            channel_times(site, item, profile)
        if not members or isinstance(config, FileConnection):
            for item, _ in members:
                raise _misfit(site, item, "a file connection takes no profile: name a measurement instead.")
            continue
        if isinstance(config, HttpConnection | UsbConnection):
            from drivers._open_analyser import open_analyser

            opened.append(open_analyser(site, name, config, members, clock))
        elif isinstance(config, ManualConnection):
            from drivers.manual_forms import open_manual, site_form

            opened.append(open_manual(site, name, [site_form(site, *one) for one in members], clock))
        elif isinstance(config, MqttConnection):
            stream = _open_mqtt(site, name, config, members, clock)
            opened += [stream] if stream is not None else []  # None: other collectors take all of them
        elif any(_sends(profile) for _, profile in members):
            opened.append(_open_stream(site, name, config, members, clock))
        else:
            opened.append(_open_polled(site, name, config, members, clock))
    return opened


def read_once(site: Site, instrument_id: str, clock: Clock) -> tuple[Sample, Layout]:
    """Reads one polled instrument now, every channel, with its raw bytes.

    Raises InstrumentError when it does not answer, ConfigError when it is not a polled one.
    """
    sample, reader, _ = read_with(site, instrument_id, clock)
    return sample, reader.layout


def read_with(site: Site, instrument_id: str, clock: Clock) -> tuple[Sample, Reader, list[str]]:
    """As read_once, with the reader that holds what was read, and what speaks against the profile."""
    item = site.instrument(instrument_id)
    if item.profile is None or item.connection is None:
        raise _misfit(site, item, "its readings come from files.", "id", "Import one: dodac import FILE")
    config = site.connections[item.connection]
    profile = load_profile_of(site, item)
    if isinstance(config, HttpConnection | UsbConnection):
        from drivers._open_analyser import bus_and_reader

        bus, reader = bus_and_reader(site, item, profile, config, clock)
        return _read_with(bus, reader, item, "Is it switched on, and is this its address?")
    if isinstance(config, ManualConnection):
        words = "it is read by a person; it can't be asked."
        raise _misfit(site, item, words, "connection", f"Type the reading: dodac enter {item.id}")
    if not isinstance(config, SerialConnection | TcpConnection):
        open_connections(site, clock)  # what does not fit is told first
        raise _misfit(
            site,
            item,
            "an MQTT connection brings readings by itself; it can't be asked.",
            "connection",
            f"See what comes: dodac scan {item.connection}; collect it: dodac run.",
        )
    config = of_its_own(config, item)
    bus = open_bus(config, clock)
    reader = _reader(site, item, profile, config, clock)
    return _read_with(bus, reader, item, "Check address, wiring (A/B), baud rate and parity.")


def _read_with(
    bus: Bus, reader: Reader, item: InstrumentConfig, todo: str
) -> tuple[Sample, Reader, list[str]]:
    where = Where(instrument=item.id, connection=item.connection)
    try:
        bus.link.open()
        sample = reader.read(bus, everything=True)
        doubts = _doubts(reader, bus) if any(value == value for value in sample.values) else []
    except LinkDown as error:
        raise InstrumentError(f"{error}" if str(error).endswith("?") else f"{error}.", where) from None
    finally:
        bus.link.close()
    if not any(value == value for value in sample.values) and reader.fault_text:
        # an instrument that answers with an error is switched on, and it is the one that was asked
        answered = all(flag.reason is Reason.EXCEPTION for flag in sample.flags)
        raise InstrumentError(f"{reader.fault_text}.", where, "" if answered else todo)
    return sample, reader, doubts


def _doubts(reader: Reader, bus: Bus) -> list[str]:
    from drivers.protocols.modbus_reader import ModbusReader

    return reader.identify(bus) if isinstance(reader, ModbusReader) else []


def load_profile_of(site: Site, item: InstrumentConfig) -> Profile:
    """The profile an instrument names; ConfigError names the instrument."""
    assert item.profile is not None  # noqa: S101  (callers chose instruments with a profile)
    try:
        profile = load_profile(item.profile, own_profiles(site))
    except ConfigError as error:
        if error.where.file is not None:
            raise
        raise _misfit(site, item, error.what, "profile", error.todo) from None
    # a gauge read by eye can be on anything: there the site file may say what
    free = isinstance(profile, ManualProfile)
    if item.measurement is not None and item.measurement is not profile.kind and not free:
        words = f"{profile.id} measures {profile.kind}, not {item.measurement}."
        raise _misfit(site, item, words, "measurement", "Leave the measurement out: the profile knows it.")
    if item.clock_tolerance is None:
        return profile
    tolerant = with_tolerance(profile, duration_ns(item.clock_tolerance) / SECOND_NS)
    if tolerant is None:
        words = f"{profile.id} takes no time from its instruments."
        raise _misfit(site, item, words, "clock_tolerance", "Leave it out: the time is ours.")
    return tolerant


def _open_polled(
    site: Site,
    id: str,
    config: PolledConfig,
    members: Sequence[tuple[InstrumentConfig, Profile]],
    clock: Clock,
) -> Connection:
    readers: list[tuple[Reader, Measurement]] = []
    settings: dict[str, LineSettings] = {}
    taken: dict[str, str] = {}
    spoken = members[0][1].protocol
    for item, profile in members:
        if profile.protocol != spoken:
            words = (
                f'"{id}" speaks {spoken} (instrument {members[0][0].id}), this profile {profile.protocol}.'
            )
            raise _misfit(site, item, words, todo="One line speaks one protocol: use another connection.")
        own = of_its_own(config, item)
        reader = _reader(site, item, profile, own, clock)
        if (line := settings_of(own)) is not None:
            settings[item.id] = line
        if reader.unit in taken:
            words = f'the address {reader.unit} is taken by "{taken[reader.unit]}".'
            raise _misfit(site, item, words, "address")
        taken[reader.unit] = item.id
        readers.append((reader, profile.kind))
    return PolledConnection(id, open_bus(config, clock), readers, clock, settings)


def _open_stream(
    site: Site,
    id: str,
    config: PolledConfig,
    members: Sequence[tuple[InstrumentConfig, Profile]],
    clock: Clock,
) -> Connection:
    from drivers._stream import Stream
    from drivers.stream_connection import StreamConnection

    if len(members) > 1:
        words = f'on "{id}" {members[0][0].id} is to be heard alone: what sends by itself shares no line.'
        raise _misfit(site, members[1][0], words, "connection", "Use another connection.")
    ((item, profile),) = members
    config = of_its_own(config, item)
    check_line(site, item, config, profile)
    bus = open_bus(config, clock)
    return StreamConnection(id, Stream(bus.link, _receiver(site, item, profile), clock, bus.byte_s))


def _receiver(site: Site, item: InstrumentConfig, profile: Profile) -> Receiver:
    """What cuts and decodes the stream of an instrument that sends by itself."""
    if isinstance(profile, Iec62056Profile):
        from drivers.protocols.iec62056_receive import Iec62056Receiver

        return Iec62056Receiver(item.id, profile)
    from drivers.protocols.line import LineReceiver

    assert isinstance(profile, LineProfile)  # noqa: S101  (callers chose profiles that send by themselves)
    return LineReceiver(item.id, profile, site.site.timezone)


def _sends(profile: Profile) -> bool:
    """True for a model that sends by itself over a line of its own."""
    return (isinstance(profile, LineProfile) and profile.link.query is None) or (
        isinstance(profile, Iec62056Profile) and profile.link.mode == "push"
    )


def _open_mqtt(
    site: Site,
    id: str,
    config: MqttConnection,
    members: Sequence[tuple[InstrumentConfig, Profile]],
    clock: Clock,
) -> Connection | None:
    from drivers._mqtt_config import taken_here
    from drivers.mqtt_connection import MqttStream

    fitting: list[tuple[InstrumentConfig, MqttProfile]] = []
    for item, profile in members:
        if not isinstance(profile, MqttProfile):
            raise _misfit(site, item, f'the profile speaks {profile.protocol}, the connection "{id}" MQTT.')
        fitting.append((item, profile))
    here = [one for one in fitting if taken_here(site, one[0])]
    return MqttStream(site, id, config, here, clock) if here else None


def _reader(
    site: Site, item: InstrumentConfig, profile: Profile, config: PolledConfig, clock: Clock
) -> Reader:
    check_line(site, item, config, profile)
    match profile:
        case ModbusProfile():
            from drivers.protocols.modbus_map import Ratios
            from drivers.protocols.modbus_reader import ModbusReader

            return ModbusReader(
                item.id,
                profile,
                _unit(site, item, profile, config),
                clock,
                framing=config.framing,
                ratios=Ratios.stated(item.ct_ratio, item.vt_ratio),
                intervals=channel_times(site, item, profile),
            )
        case MbusProfile():
            from drivers.protocols.mbus import MbusReader

            if isinstance(config, TcpConnection) and config.framing != "rtu":
                raise _misfit(site, item, 'M-Bus over TCP carries serial frames: write framing = "rtu".')
            try:
                return MbusReader(item, profile, clock)
            except ConfigError as error:
                raise _misfit(site, item, error.what, "address", error.todo) from None
        case LineProfile():
            from drivers._stream import StreamReader
            from drivers.protocols.line_query import LineQueryReader

            if not _sends(profile):
                return LineQueryReader(item.id, profile, site.site.timezone)
            return StreamReader(_receiver(site, item, profile), open_bus(config, clock).byte_s)
        case Iec62056Profile():
            from drivers._stream import StreamReader
            from drivers.protocols.iec62056_reader import Iec62056Reader

            if _sends(profile):
                return StreamReader(_receiver(site, item, profile), open_bus(config, clock).byte_s)
            baud = config.baud if isinstance(config, SerialConnection) else profile.link.baud[0]
            try:
                return Iec62056Reader(item, profile, baud)
            except ConfigError as error:
                raise _misfit(site, item, error.what, "address", error.todo) from None
        case MqttJsonProfile() | LorawanProfile() | SparkplugProfile():
            raise _misfit(site, item, f"the profile speaks MQTT, the connection is {config.kind}.")
        case HttpTjfProfile() | UsbViewProfile() | ManualProfile():
            raise _misfit(
                site, item, f"the profile speaks {profile.protocol}, the connection is {config.kind}."
            )
        case _:
            assert_never(profile)


def _unit(site: Site, item: InstrumentConfig, profile: ModbusProfile, config: PolledConfig) -> int:
    address = item.address if item.address is not None else 1
    if address == profile.link.any_address:
        others = [other for other in site.instruments if other.connection == item.connection]
        if len(others) == 1:
            return profile.link.any_address
        words = f"at the address {address} all sensors answer at once: {len(others)} instruments are on this line."
        raise _misfit(site, item, words, "address", "Give each its own address, from 1 to 247.")
    if config.framing == "tcp" and address in (0, 255):
        return int(
            address
        )  # the device at the end of a TCP connection itself (Modbus messaging on TCP/IP §4.4)
    if not isinstance(address, int) or not 1 <= address <= 247:
        words = f"a Modbus address is a number from 1 to 247, not {address!r}."
        todo = "0 is a broadcast: it asks nobody." if address == 0 else ""
        raise _misfit(site, item, words, "address", todo)
    return address


def _misfit(
    site: Site, item: InstrumentConfig, words: str, key: str = "profile", todo: str = ""
) -> ConfigError:
    return ConfigError(words, site.where_instrument(item.id, key), todo)
