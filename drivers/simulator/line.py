"""A simulated RS-485 line on a port: several units, real line speed and settings, faults."""

from __future__ import annotations

import random
import select
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, Self

from drivers.simulator.faults import FAULTS, OF_THE_IMAGE, Fault, Faults, distort
from drivers.simulator.ports import Port, PtyPort, Rfc2217Port
from drivers.simulator.units import LineUnit
from drivers.simulator.wire import Setting, fits, heard

PortKind = Literal["pty", "rfc2217"]


class SimulatedBus:
    """Units by address on one port; an address without a unit is silence.

    baud: the speed the line runs at, byte by byte. A client that opens the port at another speed makes
    bits that no unit understands: silence, and what it hears itself is garbled. frame: the same for
    parity, e.g. 8E1; None: any is taken. own: units that are set otherwise, address → (baud, frame).
    bits: per byte with start, parity and stop bits (the frame's). latency_s: from request to answer;
    None: each Modbus profile's own typical time. seed: of the noise. script: asked once for each request
    that a unit answers, for faults that strike it besides those set by `fault`. echo: the adapter hears
    what it sends. port: a pseudo-terminal, which hides some settings (see PtyPort), or an RFC 2217 server
    on 127.0.0.1, which shows them all.
    """

    def __init__(
        self,
        units: Mapping[int, LineUnit],
        baud: int = 9600,
        *,
        frame: str | None = None,
        own: Mapping[int, tuple[int, str]] | None = None,
        bits: int | None = None,
        latency_s: float | None = None,
        seed: int = 1,
        script: Callable[[], Sequence[Fault]] = tuple,
        echo: bool = False,
        port: PortKind = "pty",
    ) -> None:
        self.units = dict(units)
        for address, unit in self.units.items():
            unit.address = address
        self.baud = baud
        self.echo = echo
        self.requests = 0
        self._any_frame = frame is None
        self._setting = Setting.of(baud, frame or "8N1")
        self._own = {address: Setting.of(*words) for address, words in (own or {}).items()}
        self._bits = bits or (10 if frame is None else self._setting.byte_bits)
        self._latency_s = latency_s
        self._chance = random.Random(seed)  # noqa: S311  (noise on a line, no secret)
        self._script = script
        self._faults = {address: Faults() for address in self.units}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._kind = port
        self._port: Port | None = None
        self._unplug_s: float | None = None
        self._babble_until_s = 0.0
        self._free_s: dict[int, float] = {}
        self._heard: dict[Setting, bytes] = {}
        self._sending: list[tuple[float, bytes, Setting]] = []  # when each byte is on the line

    def start(self) -> str:
        """Opens the port and serves it; gives the path to read from."""
        self._port = PtyPort() if self._kind == "pty" else Rfc2217Port()
        self._port.plug_in(self.baud)
        self._stopping.clear()
        self._thread = threading.Thread(
            target=self._run, args=(self._port,), name="simulated line", daemon=True
        )
        self._thread.start()
        return self.path

    @property
    def path(self) -> str:
        """The port's path; it stays the same when the adapter is pulled out and put back."""
        if self._port is None:
            raise RuntimeError("the simulated line is not started.")
        return self._port.path

    def stop(self) -> None:
        """Ends the line and removes its port."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(timeout=5)
        port, self._port = self._port, None
        if port is not None:
            port.pull_out()
            port.remove()

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
        if kind in ("unplug", "babble"):
            length = 1.0 if seconds is None else seconds
            with self._lock:
                if kind == "unplug":
                    self._unplug_s = length
                else:
                    self._babble_until_s = time.monotonic() + length
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

    def _run(self, port: Port) -> None:
        while not self._stopping.is_set():
            if self._unplug_s is not None:
                wait_s, self._unplug_s = self._unplug_s, None
                port.pull_out()
                self._heard, self._sending = {}, []
                self._stopping.wait(wait_s)
                if self._stopping.is_set():
                    return
                port.plug_in(self.baud)
            now = time.monotonic()
            if now < self._babble_until_s and not self._sending:
                self._send(self._chance.randbytes(16), now, self._setting)
            wait = min(0.05, max(0.0, self._sending[0][0] - now)) if self._sending else 0.05
            if select.select(port.waits_on(), [], [], wait)[0]:
                self._listen(port.read(), self._client(port))
            self._deliver(port)

    def _deliver(self, port: Port) -> None:
        """Gives the client the bytes that are on the line by now, as its own setting hears them."""
        now, ready = time.monotonic(), 0
        while ready < len(self._sending) and self._sending[ready][0] <= now:
            ready += 1
        if not ready:
            return
        due = self._sending[:ready]
        del self._sending[:ready]
        client = self._client(port)
        data = b"".join(
            byte if not self._deaf(client, sent) else heard(byte, sent, client)[0] for _, byte, sent in due
        )
        port.write(data)

    def _listen(self, data: bytes, client: Setting) -> None:
        """Takes whole requests out of what was heard and puts their answers in the queue."""
        any_unit = next(iter(self.units.values()), None)
        if any_unit is None or not data:
            return
        if self.echo:
            self._send(data, time.monotonic(), client)
        for setting in {self._setting_of(address) for address in self.units}:
            came, errors = heard(data, client, setting) if self._deaf(client, setting) else (data, 0)
            if errors:
                self._heard.pop(setting, None)  # a byte in error makes a unit drop the whole frame
                continue
            buffer = self._heard.get(setting, b"") + came
            while buffer:
                length = any_unit.request_length(buffer)
                if length is None:
                    break
                if length == 0:
                    buffer = buffer[1:]
                    continue
                request, buffer = buffer[:length], buffer[length:]
                self.requests += 1
                for address, unit in self.units.items():
                    if self._setting_of(address) == setting:
                        self._answer(address, unit, request)
            self._heard[setting] = buffer[-512:]

    def _client(self, port: Port) -> Setting:
        """How the client is set; a pseudo-terminal hides 7 data bits, which then count as the line's own."""
        setting = port.setting()
        return setting if self._kind != "pty" else replace(setting, bits=self._setting.bits)

    def _setting_of(self, address: int) -> Setting:
        return self._own.get(address, self._setting)

    def _deaf(self, sent: Setting, by: Setting) -> bool:
        """True when one side can't understand the other."""
        if self._any_frame and not self._own:
            return 0 not in (sent.baud, by.baud) and sent.baud != by.baud
        return not fits(sent, by)

    def _answer(self, address: int, unit: LineUnit, request: bytes) -> None:
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
        setting = self._setting_of(address)
        byte_s = self._byte_s(setting)
        # the request takes its time on the line too; a unit answers one request after another
        start = max(
            now + len(request) * byte_s + self._latency(unit) + late_s, self._free_s.get(address, 0.0)
        )
        self._free_s[address] = self._send(data, start, setting)

    def _send(self, data: bytes, start_s: float, setting: Setting) -> float:
        """Puts bytes on the line, one after another; gives when the last is over."""
        byte_s = self._byte_s(setting)
        self._sending.extend((start_s + (n + 1) * byte_s, data[n : n + 1], setting) for n in range(len(data)))
        self._sending.sort(key=lambda item: item[0])
        return start_s + len(data) * byte_s

    def _byte_s(self, setting: Setting) -> float:
        bits = self._bits if setting is self._setting else setting.byte_bits
        return bits / (setting.baud or self.baud)

    def _latency(self, unit: LineUnit) -> float:
        if self._latency_s is not None:
            return self._latency_s
        profile = getattr(unit, "profile", None)
        return profile.link.response_ms.typical / 1000 if profile is not None else 0.03
