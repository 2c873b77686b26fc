"""`dodac simulate` for instruments that print lines by themselves."""

from __future__ import annotations

import signal
import sys
import threading
import time

from dodac.errors import ConfigError, Exit
from drivers.profile import LineProfile


def talk(profile: LineProfile, *, baud: int | None, fault: str | None, seconds: float | None) -> int:
    """Prints the profile's golden lines on a pseudo-terminal until Ctrl-C, a fault every ten seconds."""
    from drivers.simulator.talker import TALKER_FAULTS, SimulatedTalker

    if fault is not None and fault not in TALKER_FAULTS:
        todo = f"It shows: {', '.join(TALKER_FAULTS)}."
        raise ConfigError(f'{profile.id} prints lines and can\'t show "{fault}".', None, todo)
    try:
        talker = SimulatedTalker(profile, every_s=2.0, baud=baud)
        if fault is not None:
            talker.fault(fault, 0)  # one that it can't show is told before it starts
    except ValueError as error:
        raise ConfigError(str(error)) from None
    start, ended = time.monotonic(), threading.Event()
    with talker:
        sys.stdout.write(f"{talker.path}\n")
        sys.stdout.flush()
        sys.stderr.write(f"{profile.id} prints at {talker.baud} baud; Ctrl-C ends it.\n")
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # the port is removed then too
        try:
            while seconds is None or time.monotonic() - start < seconds:
                left = 10.0 if seconds is None else start + seconds - time.monotonic()
                if fault is not None:
                    talker.fault(fault)
                ended.wait(max(0.0, min(10.0, left)))
        except KeyboardInterrupt:
            sys.stderr.write("\n")
    return Exit.OK
