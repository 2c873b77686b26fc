"""A simulated RS-485 line on a pseudo-terminal: several units, real line speed, faults."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import select
import shutil
import tempfile
import termios
import threading
import time
import tty
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from drivers.simulator.faults import FAULTS, OF_THE_IMAGE, Fault, Faults, distort
from drivers.simulator.units import LineUnit

_SPEEDS: Final = {
    getattr(termios, f"B{baud}"): baud
    for baud in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}


class SimulatedBus:
    """Units by address on one pseudo-terminal; an address without a unit is silence.

    baud: the speed the line runs at, byte by byte; a client that opens the port at another speed gets
    no answer. bits: per byte with start, parity and stop bits. latency_s: from request to answer;
    None: each Modbus profile's own typical time. seed: of the noise. script: asked once for each request
    that a unit answers, for faults that strike it besides those set by `fault`.
    """

    def __init__(
        self,
        units: Mapping[int, LineUnit],
        baud: int = 9600,
        *,
        bits: int = 10,
        latency_s: float | None = None,
        seed: int = 1,
        script: Callable[[], Sequence[Fault]] = tuple,
    ) -> None:
        self.units = dict(units)
        for address, unit in self.units.items():
            unit.address = address
        self.baud = baud
        self.requests = 0
        self._byte_s = bits / baud
        self._latency_s = latency_s
        self._chance = random.Random(seed)  # noqa: S311  (noise on a line, no secret)
        self._script = script
        self._faults = {address: Faults() for address in self.units}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._folder: Path | None = None
        self._master = self._slave = -1
        self._unplug_s: float | None = None
        self._free_s: dict[int, float] = {}

    def start(self) -> str:
        """Opens the pseudo-terminal and serves it; gives the path to read from."""
        self._folder = Path(tempfile.mkdtemp(prefix="dodac-line-"))
        self._plug_in()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="simulated line", daemon=True)
        self._thread.start()
        return self.path

    @property
    def path(self) -> str:
        """The port's path; it stays the same when the adapter is pulled out and put back."""
        if self._folder is None:
            raise RuntimeError("the simulated line is not started.")
        return str(self._folder / "port")

    def stop(self) -> None:
        """Ends the line and removes its port."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(timeout=5)
        self._pull_out()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def fault(self, unit: int, kind: str, count: int | None = None, seconds: float | None = None) -> None:
        """Makes a unit show a fault: for `count` answers, or for `seconds` (late: the delay).

        Without either: once, but `dead` until `clear`. Raises ValueError for an unknown kind or unit.
        """
        if kind not in FAULTS:
            raise ValueError(f'"{kind}" is not a fault; known are: {", ".join(FAULTS)}.')
        if kind == "unplug":
            with self._lock:
                self._unplug_s = 1.0 if seconds is None else seconds
            return
        if unit not in self._faults:
            raise ValueError(f"there is no unit {unit} on this line.")
        until = time.monotonic() + seconds if seconds is not None and kind != "late" else None
        if count is None and until is None and kind != "dead":
            count = 1
        with self._lock:
            self._faults[unit].add(Fault(kind, count, seconds or 0.0, until))

    def clear(self, unit: int) -> None:
        """Ends all faults of a unit."""
        with self._lock:
            self._faults[unit].clear()

    # ---- the line's thread

    def _plug_in(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        attributes = termios.tcgetattr(self._slave)
        attributes[4] = attributes[5] = getattr(termios, f"B{self.baud}", termios.B9600)
        termios.tcsetattr(self._slave, termios.TCSANOW, attributes)
        flags = fcntl.fcntl(self._master, fcntl.F_GETFL)
        fcntl.fcntl(self._master, fcntl.F_SETFL, flags | os.O_NONBLOCK)
        port = Path(self.path)
        port.unlink(missing_ok=True)
        port.symlink_to(os.ttyname(self._slave))

    def _pull_out(self) -> None:
        if self._folder is not None:
            Path(self.path).unlink(missing_ok=True)
        for fd in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._master = self._slave = -1

    def _run(self) -> None:
        heard = b""
        sending: list[tuple[float, bytes]] = []  # when each byte is on the line
        while not self._stopping.is_set():
            if self._unplug_s is not None:
                wait_s, self._unplug_s = self._unplug_s, None
                self._pull_out()
                heard, sending = b"", []
                self._stopping.wait(wait_s)
                if self._stopping.is_set():
                    return
                self._plug_in()
            now = time.monotonic()
            wait = min(0.05, max(0.0, sending[0][0] - now)) if sending else 0.05
            if select.select([self._master], [], [], wait)[0]:
                with contextlib.suppress(BlockingIOError, OSError):
                    heard += os.read(self._master, 4096)
                heard = self._listen(heard, sending)
            now = time.monotonic()
            ready = 0
            while ready < len(sending) and sending[ready][0] <= now:
                ready += 1
            if ready:
                data = b"".join(byte for _, byte in sending[:ready])
                del sending[:ready]
                with contextlib.suppress(BlockingIOError, OSError):
                    os.write(self._master, data)

    def _listen(self, heard: bytes, sending: list[tuple[float, bytes]]) -> bytes:
        """Takes whole requests out of what was heard and puts their answers in the queue."""
        any_unit = next(iter(self.units.values()), None)
        if any_unit is None or not self._same_speed():
            return b""
        while heard:
            length = any_unit.request_length(heard)
            if length is None:
                break
            if length == 0:
                heard = heard[1:]
                continue
            request, heard = heard[:length], heard[length:]
            self.requests += 1
            for address, unit in self.units.items():
                self._answer(address, unit, request, sending)
        return heard[-512:]

    def _same_speed(self) -> bool:
        speed = _SPEEDS.get(termios.tcgetattr(self._master)[4])
        return speed is None or speed == self.baud

    def _answer(
        self, address: int, unit: LineUnit, request: bytes, sending: list[tuple[float, bytes]]
    ) -> None:
        if unit.answer(request) is None:
            return
        now = time.monotonic()
        with self._lock:
            struck = [*self._faults[address].strike(now), *self._script()]
        kinds = [fault.kind for fault in struck]
        answer = unit.answer(request, OF_THE_IMAGE & set(kinds))
        if answer is None:
            return
        if "wrong_unit" in kinds:
            answer = unit.of_another(answer)
        data = distort(request, answer, kinds, self._chance)
        if data is None:
            return
        late_s = sum(fault.seconds for fault in struck if fault.kind == "late")
        # the request takes its time on the line too; a unit answers one request after another
        start = max(
            now + len(request) * self._byte_s + self._latency(unit) + late_s, self._free_s.get(address, 0.0)
        )
        sending.extend((start + (n + 1) * self._byte_s, data[n : n + 1]) for n in range(len(data)))
        self._free_s[address] = start + len(data) * self._byte_s
        sending.sort(key=lambda item: item[0])

    def _latency(self, unit: LineUnit) -> float:
        if self._latency_s is not None:
            return self._latency_s
        profile = getattr(unit, "profile", None)
        return profile.link.response_ms.typical / 1000 if profile is not None else 0.03
