"""The command simulate: an instrument without hardware, on a port or a broker, with faults on demand."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from dodac.errors import ConfigError, Exit
from dodac.quantities import nearest


def simulate(argv: Sequence[str]) -> int:
    """`dodac simulate PROFILE`: serves an instrument until Ctrl-C."""
    from drivers._simulate import MORE_FAULTS, Options, fixed, simulation
    from drivers.simulator.electric import WIRING_FAULTS
    from drivers.simulator.faults import FAULTS
    from drivers.simulator.iec62056 import METER_FAULTS
    from drivers.simulator.publisher import PUBLISHER_FAULTS
    from drivers.simulator.talker import TALKER_FAULTS
    from drivers.simulator.testo_http import HTTP_FAULTS

    known = (
        FAULTS | MORE_FAULTS | WIRING_FAULTS | TALKER_FAULTS | METER_FAULTS | PUBLISHER_FAULTS | HTTP_FAULTS
    )
    parser = argparse.ArgumentParser(
        prog="dodac simulate",
        description="Serves an instrument's profile at real line speed on a pseudo-terminal (Modbus, M-Bus, IEC 62056-21, "
        "instruments that print lines), over TCP, or to a broker (MQTT). Prints where: the port alone on stdout, the "
        "site file's tables that read it beside it.",
        epilog="Example: dodac simulate eastron.sdm630 --unit 3 --value power_w=4321 --fault late:0.1. A fault is shown "
        "once every ten seconds, with a share (late:0.1) in that part of the answers. Faults: "
        + "; ".join(f"{kind}: {words}" for kind, words in known.items()).replace("%", "%%"),
    )
    parser.add_argument("profile", help="id of a profile (dodac profiles)")
    parser.add_argument(
        "--site", type=Path, default=Path("site.toml"), help="its folder's profiles/ count too"
    )
    parser.add_argument("--unit", type=int, help="address on the line (1; M-Bus: the golden telegram's)")
    parser.add_argument("--baud", type=int, help="line speed (the profile's first)")
    parser.add_argument(
        "--frame", choices=("8N1", "8N2", "8E1", "8O1", "7E1", "7O1"),
        help="data bits, parity, stop bits: who asks with others gets no answer (the profile's first over "
        "rfc2217; any on a pseudo-terminal, which hides them)",
    )  # fmt: skip
    parser.add_argument(
        "--framing", choices=("rtu", "ascii"), default="rtu", help="of Modbus on a line (rtu)"
    )
    parser.add_argument(
        "--over", choices=("pty", "rfc2217", "tcp", "tcp-rtu"), default="pty",
        help="pty: a pseudo-terminal; rfc2217: a serial server, which shows parity too; tcp: Modbus TCP",
    )  # fmt: skip
    parser.add_argument("--broker", default="", metavar="URL", help="MQTT: mqtt://127.0.0.1:1883")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between lines or messages (2)")
    parser.add_argument(
        "--value", action="append", default=[], metavar="CHANNEL=NUMBER", help="a fixed value (Modbus)"
    )
    parser.add_argument("--ct", default="", metavar="400/5", help="current transformer of a power meter")
    parser.add_argument("--wires", type=int, choices=(3, 4), default=4, help="3: two current transformers")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="FAULT[:SHARE or PHASE]",
        help="see below; may be repeated",
    )
    parser.add_argument(
        "--fault-seconds", type=float, default=1.5, help="how long late, dead, babble and unplug last (1.5)"
    )
    parser.add_argument("--seconds", type=float, help="end after so long (default: Ctrl-C)")
    parser.add_argument("--json", action="store_true", help="where it is and what reads it as one JSON line")
    args = parser.parse_args(argv)
    for option, number in (
        ("--seconds", args.seconds), ("--fault-seconds", args.fault_seconds), ("--every", args.every)
    ):  # fmt: skip
        if number is not None and not 0 < number < threading.TIMEOUT_MAX:
            raise ConfigError(f"{option}: {number:g} is no length of time.", None, "Write seconds above 0.")
    if args.baud is not None and not 50 <= args.baud <= 4_000_000:
        raise ConfigError(f"--baud: {args.baud} is no line speed.", None, "Write 50 to 4000000, e.g. 9600.")
    if args.unit is not None and not 0 <= args.unit <= 250:
        raise ConfigError(f"an address is 1 to 247 (M-Bus 0 to 250), not {args.unit}.")
    for word in args.fault:
        if word.partition(":")[0] not in known:
            near = nearest(word, known)
            hint = f'Did you mean "{near}"?' if near else f"Known: {', '.join(known)}."
            raise ConfigError(f'there is no fault "{word}".', None, hint)
    from drivers.catalogue import load_profile

    own = (args.site if args.site.is_dir() else args.site.parent) / "profiles"
    profile = load_profile(args.profile, own)
    options = Options(
        unit=args.unit, baud=args.baud, frame=args.frame or "", framing=args.framing, over=args.over, broker=args.broker,
        values=dict(fixed(word, profile) for word in args.value), faults=tuple(args.fault),
        fault_seconds=args.fault_seconds, ct=args.ct, wires=args.wires, every_s=args.every,
    )  # fmt: skip
    made = simulation(profile, options)
    start, ended = time.monotonic(), threading.Event()
    try:
        made.served.start()
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # the port is removed then too
        if args.json:
            words = {
                "profile": profile.id,
                "where": made.where(),
                "site": made.site(),
                "values": made.expected(),
            }
            sys.stdout.write(json.dumps(words, ensure_ascii=False) + "\n")
        else:
            sys.stdout.write(f"{made.where()}\n")
        sys.stdout.flush()
        sys.stderr.write(f"{profile.id} is served; Ctrl-C ends it. In the site file:\n\n{made.site()}\n")
        sys.stderr.flush()
        while args.seconds is None or time.monotonic() - start < args.seconds:
            made.tick()
            left = 10.0 if args.seconds is None else start + args.seconds - time.monotonic()
            ended.wait(max(0.0, min(10.0, left)))
    except KeyboardInterrupt:
        sys.stderr.write("\n")
    finally:
        made.served.stop()
    return Exit.OK
