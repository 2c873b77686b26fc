"""What `dodac simulate` serves: any profile, on the port or broker its protocol speaks through."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from dodac.errors import ConfigError
from drivers._simulate_faults import MORE_FAULTS, known_faults, line_faults, script, ticker
from drivers._simulate_values import fixed, plausible, values_of
from drivers.profile import (
    HttpTjfProfile,
    Iec62056Profile,
    LineProfile,
    MbusProfile,
    ModbusProfile,
    MqttProfile,
    Profile,
)
from drivers.simulator.faults import FAULTS

__all__ = ["MORE_FAULTS", "Options", "Served", "Simulation", "fixed", "plausible", "simulation"]

EVERY_S: Final = 10.0
"""How often a fault without a share is shown."""


class Served(Protocol):
    """Anything that is served: started once, ended once."""

    def start(self) -> object: ...
    def stop(self) -> None: ...


@dataclass(frozen=True)
class Options:
    """What a technician asks for; see `dodac simulate --help`."""

    unit: int | None = None
    baud: int | None = None
    frame: str = ""
    framing: str = "rtu"
    over: str = "pty"
    port: int = 0
    values: Mapping[str, float] = field(default_factory=dict)
    faults: Sequence[str] = ()
    fault_seconds: float = 1.5
    ct: str = ""
    wires: int = 4
    broker: str = ""
    every_s: float = 2.0
    seed: int = 1
    latency_s: float | None = None


@dataclass(frozen=True)
class Simulation:
    """A simulated instrument, ready to start.

    where: its port, known once it is started. site: the tables that read it. tick: shows the faults that
    come once every ten seconds. expected: good values that a reading taken now must give.
    """

    served: Served
    where: Callable[[], str]
    site: Callable[[], str]
    tick: Callable[[], None]
    expected: Callable[[], Mapping[str, float]]


def simulation(profile: Profile, options: Options, seconds: Callable[[], float] | None = None) -> Simulation:
    """What serves a profile; `seconds` since its start (default: the clock).

    Raises ConfigError for a profile that nothing can serve, and for values or faults it can't show.
    """
    start = time.monotonic()
    now = seconds or (lambda: time.monotonic() - start)
    if options.values and not isinstance(profile, ModbusProfile):
        words = f"{profile.id} is served with its golden values; --value is for Modbus profiles."
        raise ConfigError(words)
    match profile:
        case ModbusProfile():
            return _modbus(profile, options, now)
        case MbusProfile():
            return _mbus(profile, options)
        case Iec62056Profile():
            return _iec62056(profile, options)
        case LineProfile():
            return _line(profile, options)
        case HttpTjfProfile():
            from drivers._simulate_testo import ServedTesto

            testo = ServedTesto(profile, options)
            return Simulation(
                testo,
                lambda: testo.where,
                lambda: testo.tables(lambda connection: _site(profile, connection, "", options)),
                testo.tick,
                lambda: testo.expected,
            )
    if isinstance(profile, MqttProfile):
        return _mqtt(profile, options)
    raise ConfigError(f"nothing can serve {profile.id}: it speaks {profile.protocol}.")


# ---- lines that are asked


def _modbus(profile: ModbusProfile, options: Options, now: Callable[[], float]) -> Simulation:
    from drivers.simulator import SimulatedAsciiUnit, SimulatedBus, SimulatedGateway, SimulatedUnit

    unit = 1 if options.unit is None else options.unit
    if not 1 <= unit <= 247:
        raise ConfigError(f"a Modbus address is 1 to 247, not {unit}.")
    values = values_of(profile, options, now)
    served = (SimulatedAsciiUnit if options.framing == "ascii" else SimulatedUnit)(profile, values)
    baud = options.baud or profile.link.baud[0]
    frame = options.frame or profile.link.frame[0]
    if options.over.startswith("tcp"):
        framing = "rtu" if options.over == "tcp-rtu" else "tcp"
        asked = [f for f in line_faults(options) if f]
        if asked:
            raise ConfigError(f'"{asked[0]}" needs a serial line: leave --over out.')
        gateway = SimulatedGateway({unit: served}, framing="rtu" if framing == "rtu" else "tcp")
        place: list[tuple[str, int]] = []

        class Listening:
            def start(self) -> None:
                place.append(gateway.start(options.port))

            def stop(self) -> None:
                gateway.stop()

        def tcp_site() -> str:
            host, port = place[0]
            head = f'kind = "tcp"\nhost = "{host}"\nport = {port}\nframing = "{framing}"'
            return _site(profile, head, f"address = {unit}", options)

        return Simulation(
            Listening(), lambda: "{}:{}".format(*place[0]), tcp_site, lambda: None, lambda: dict(values())
        )
    bus = SimulatedBus(
        {unit: served}, baud, frame=_frame(options, frame), latency_s=options.latency_s, seed=options.seed, script=script(options),
        port="rfc2217" if options.over == "rfc2217" else "pty",
    )  # fmt: skip

    def site() -> str:
        head = f'kind = "serial"\nport = "{bus.path}"\nbaud = {baud}\nframe = "{frame}"'
        head += '\nframing = "ascii"' if options.framing == "ascii" else ""
        return _site(profile, head, f"address = {unit}", options)

    return Simulation(bus, lambda: bus.path, site, ticker(bus, unit, options), lambda: dict(values()))


def _mbus(profile: MbusProfile, options: Options) -> Simulation:
    from drivers.protocols.mbus_frame import parse_long
    from drivers.simulator import SimulatedBus
    from drivers.simulator.mbus import SimulatedMbusMeter

    golden = next((test for test in profile.tests if test.expect), profile.tests[0])
    known_faults(options, {kind: words for kind, words in FAULTS.items() if kind != "word_swap"}, profile)
    telegrams = [bytes.fromhex(text) for text in golden.telegrams]
    first = parse_long(telegrams[0])
    meter = SimulatedMbusMeter(telegrams)
    # primary address 0 is a meter's as it leaves the factory; longer ones are answered as they are
    address: int | str = first.address if 0 <= first.address <= 250 else first.data[3::-1].hex()
    unit = first.address
    if options.unit is not None and options.unit != unit:
        raise ConfigError(f"its golden telegrams come from address {unit}, not {options.unit}.")
    if options.over not in ("pty", "rfc2217"):
        raise ConfigError("a simulated M-Bus meter is on a serial line: leave --over out.")
    baud = options.baud or profile.link.baud[0]
    bus = SimulatedBus(
        {unit: meter}, baud, frame=_frame(options, options.frame or profile.link.frame[0]), latency_s=options.latency_s, seed=options.seed, script=script(options),
        port="rfc2217" if options.over == "rfc2217" else "pty",
    )  # fmt: skip
    shown = f'"{address}"' if isinstance(address, str) else f"{address}"

    def site() -> str:
        head = f'kind = "serial"\nport = "{bus.path}"\nbaud = {baud}\nframe = "{options.frame or profile.link.frame[0]}"'
        return _site(profile, head, f"address = {shown}", options)

    return Simulation(bus, lambda: bus.path, site, ticker(bus, unit, options), lambda: golden.expect)


def _iec62056(profile: Iec62056Profile, options: Options) -> Simulation:
    from drivers.simulator.iec62056 import METER_FAULTS, SimulatedIec62056Meter

    faults = known_faults(options, METER_FAULTS, profile)
    meter = SimulatedIec62056Meter(profile, baud=options.baud, every_s=options.every_s, seed=options.seed)
    place: list[str] = []

    class Listening:
        def start(self) -> None:
            place.append(meter.start())

        def stop(self) -> None:
            meter.stop()

    def site() -> str:
        head = f'kind = "serial"\nport = "{place[0]}"\nbaud = {meter.baud}\nframe = "{options.frame or profile.link.frame[0]}"'
        more = 'every = "5min"' if profile.link.mode == "readout" else ""
        return _site(profile, head, more, options)

    def tick() -> None:
        for kind in faults:
            meter.fault(kind, seconds=options.fault_seconds)

    return Simulation(Listening(), lambda: place[0], site, tick, lambda: profile.tests[0].expect)


def _line(profile: LineProfile, options: Options) -> Simulation:
    from drivers.simulator.talker import TALKER_FAULTS, SimulatedTalker

    faults = known_faults(options, TALKER_FAULTS, profile)
    try:
        talker = SimulatedTalker(
            profile,
            every_s=options.every_s,
            baud=options.baud,
            zone="Asia/Ho_Chi_Minh",  # a site file's default
        )
        for kind in faults:
            talker.fault(kind, 0)  # one that it can't show is told before it starts
    except ValueError as error:
        raise ConfigError(str(error)) from None
    place: list[str] = []

    class Talking:
        def start(self) -> None:
            place.append(talker.start())

        def stop(self) -> None:
            talker.stop()

    def site() -> str:
        head = f'kind = "serial"\nport = "{place[0]}"\nbaud = {talker.baud}\nframe = "{options.frame or profile.link.frame[0]}"'
        return _site(profile, head, "", options)

    def tick() -> None:
        for kind in faults:
            talker.fault(kind)

    golden = next(test for test in profile.tests if not test.flags)
    return Simulation(Talking(), lambda: place[0], site, tick, lambda: golden.expect)


def _mqtt(profile: MqttProfile, options: Options) -> Simulation:
    from drivers.simulator.publisher import PUBLISHER_FAULTS, SimulatedPublisher

    faults = known_faults(options, PUBLISHER_FAULTS, profile)
    if not options.broker:
        words = f"{profile.id} is published to a broker: say which."
        raise ConfigError(words, None, "Add --broker mqtt://127.0.0.1:1883")
    talker = SimulatedPublisher(profile, options.broker, every_s=options.every_s)

    def site() -> str:
        return _site(profile, f'kind = "mqtt"\nurl = "{options.broker}"', talker.site_line, options)

    def tick() -> None:
        for kind in faults:
            talker.fault(kind)

    return Simulation(talker, lambda: options.broker, site, tick, lambda: profile.tests[0].expect)


def _site(profile: Profile, connection: str, more: str, options: Options) -> str:
    """The tables of a site file that read what is served."""
    lines = [
        "[connections.simulated]", connection, "", "[[instruments]]", 'id = "my-meter"',
        f'profile = "{profile.id}"', 'connection = "simulated"',
    ]  # fmt: skip
    lines += [more] if more else []
    lines += [f'ct_ratio = "{options.ct}"'] if options.ct else []
    return "\n".join(lines) + "\n"


def _frame(options: Options, frame: str) -> str | None:
    """The frame a client must be set to; None: any, on a pseudo-terminal that hides it and none was asked for."""
    return frame if options.frame or options.over == "rfc2217" else None
