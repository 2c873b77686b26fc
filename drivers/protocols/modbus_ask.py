"""Asks one Modbus unit for blocks so that no earlier answer can pass for the one that was asked for."""

from __future__ import annotations

from typing import Final

from dodac.clock import SECOND_NS, Clock
from dodac.samples import Reason
from drivers.bus import Bus, BusFault
from drivers.links import LinkDown
from drivers.profile import Table
from drivers.protocols import modbus
from drivers.protocols.modbus_identity import Framing
from drivers.protocols.modbus_late import Outstanding, instead
from drivers.protocols.modbus_map import ModbusMap
from drivers.protocols.modbus_serial import ASCII, RTU
from drivers.protocols.planner import Block, Limits, Span, avoiding

_SILENT_BEHIND_GATEWAY: Final = (10, 11)
_REFUSED_FOR_GOOD: Final = (1, 2, 3)
"""The request itself is wrong for this unit: it does not go on to answer it."""

_MOST_OLD: Final = 8
"""Old answers of one shape that are outwaited by asking once more for each; with more, nothing is believed."""


class ModbusAsker:
    """One unit on a bus; used by the bus's thread only. image: what the last answers said."""

    def __init__(self, name: str, map: ModbusMap, unit: int, clock: Clock, framing: Framing) -> None:
        self.map = map
        self.image: dict[tuple[Table, int], int] = {}
        self.blocks: list[Block] = []  # those whose answers fill the image
        self._name = name
        self._number = unit
        self._clock = clock
        self._framing = framing
        self._tcp = framing == "tcp"
        self._serial = ASCII if framing == "ascii" else RTU
        self._pause_s = map.profile.link.pause_ms / 1000
        self._guard_s = map.profile.link.late_guard_ms / 1000
        self._outstanding = Outstanding(self._serial)
        self._alone_ns = 0

    def _awaited(self, block: Block) -> bool:
        return bool(self._outstanding.awaited(modbus.FUNCTIONS[block.table], self._clock.monotonic_ns()))

    def _read_block(
        self, bus: Bus, block: Block, spans: set[Span], limits: Limits | None = None
    ) -> list[bytes]:
        """Reads a block so that no earlier answer can pass for its own; a damaged answer is asked again once.

        limits: what may be read around it, so that the answer looks different; the profile's when left out.
        """
        for attempt in (1, 2):
            try:
                return self._read_apart(bus, block, spans, limits or self.map.limits)
            except BusFault as fault:
                if fault.reason == Reason.NO_ANSWER or not fault.raw or attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def _read_apart(self, bus: Bus, block: Block, spans: set[Span], limits: Limits) -> list[bytes]:
        function = modbus.FUNCTIONS[block.table]
        if self._tcp:
            return [self._ask(bus, block)]
        taken = self._outstanding.sizes(function, self._clock.monotonic_ns())
        blocks = avoiding(block, spans, limits, size_of, taken)
        if blocks is not None:
            return [self._ask(bus, part) for part in blocks]
        # nothing can be asked that looks different: what comes within the guard is heard out first
        size = size_of(block)
        if self._outstanding.fresh(function, size, self._clock.monotonic_ns()) > 2:
            self._alone_ns = max(self._alone_ns, self._clock.monotonic_ns() + self._guard_ns(bus))
        while taken.count(size) and (left := self._alone_ns - self._clock.monotonic_ns()) > 0:
            self._strike_out(bus, bus.silence(left / SECOND_NS))
            taken = self._outstanding.sizes(function, self._clock.monotonic_ns())
        # with n old answers possible, the answer to request n + 1 is at the oldest that to the first
        # request of this round
        fresh = self._outstanding.fresh(function, size, self._clock.monotonic_ns())
        old = taken.count(size)
        if fresh > 2 or old > _MOST_OLD:
            text = f"{max(fresh, old)} late answers may still come that look like this one"
            raise BusFault(Reason.LATE_ANSWER, text)
        # only the last one fills the image: any before it may be another register's
        frames = [self._ask(bus, block, keep=False) for _ in range(old)]
        return [*frames, self._ask(bus, block)]

    def _hear_out(self, bus: Bus) -> None:
        """Listens until the line was silent for a whole guard; one that others talk on is given up in time."""
        end_ns = self._clock.monotonic_ns() + 3 * self._guard_ns(bus)
        while late := bus.silence(self._guard(bus)):
            self._strike_out(bus, late)
            if self._clock.monotonic_ns() >= end_ns:
                return
        self._outstanding.clear()

    def _guard(self, bus: Bus) -> float:
        return min(self._guard_s, bus.late_guard_s)

    def _guard_ns(self, bus: Bus) -> int:
        return round(self._guard(bus) * SECOND_NS)

    def _ask(self, bus: Bus, block: Block, *, keep: bool = True) -> bytes:
        function = modbus.FUNCTIONS[block.table]
        pdu = modbus.read_pdu(function, block.address, block.count)
        size = size_of(block)
        in_time_ns = self._clock.monotonic_ns() + round(bus.timeout_s * SECOND_NS)
        try:
            if self._tcp:
                number = bus.next_number()
                answer = bus.exchange(
                    modbus.mbap(number, self._number, pdu),
                    lambda came: modbus.find_mbap(came, number, self._number, function, size),
                    guard_s=0.0,
                    pause_s=self._pause_s,
                )
            else:
                answer = bus.exchange(
                    self._serial.frame(self._number, pdu),
                    lambda came: self._serial.find(came, self._number, function, size),
                    expected=self._serial.length(size),
                    guard_s=self._guard(bus),
                    silent_guard_s=bus.quiet_s,
                    others=self._serial.without_answers,
                    pause_s=self._pause_s,
                )
        except BusFault as fault:
            if fault.reason == Reason.CRC:
                fault.text = instead(fault.raw, self._framing, self._number, function, size) or fault.text
            if self._tcp:
                raise
            # what came before the request, or in its time with another shape, is no answer to it
            self._strike_out(bus, fault.stale)
            old = self._strike_out(bus, fault.raw)
            self._await(bus, function, size, in_time_ns)
            self._strike_out(bus, fault.late)
            if old:
                words = "only the answer to an earlier request came"
                raise BusFault(Reason.LATE_ANSWER, words, fault.raw, fault.late) from None
            raise
        except LinkDown:
            # the unit heard the request and does not know that the line is away: its answer waits for us
            if not self._tcp:
                self._await(bus, function, size, in_time_ns)
            raise
        self._strike_out(bus, answer.discarded)
        try:
            data = modbus.pdu_data(self._pdu(answer.data), answer.data)
        except modbus.ModbusException as refusal:
            if not self._tcp:
                self._doubt(bus, block, size, in_time_ns, refusal.code)
            if refusal.code in _SILENT_BEHIND_GATEWAY:
                raise BusFault(Reason.NO_ANSWER, str(refusal), answer.data) from None
            raise
        if not keep:
            return answer.data
        self.blocks.append(block)
        if function <= 2:
            for n in range(block.count):
                self.image[block.table, block.address + n] = data[n // 8] >> (n % 8) & 1
        else:
            for n in range(block.count):
                word = int.from_bytes(data[2 * n : 2 * n + 2], "big")
                self.image[block.table, block.address + n] = word
        return answer.data

    def _await(self, bus: Bus, function: int, size: int, in_time_ns: int) -> None:
        """An answer did not come, and may still: for the guard this unit is left alone.

        The guard begins when the answer is late, also where damage ended the waiting before. The others are
        asked meanwhile: their answers carry other numbers.
        """
        now = self._clock.monotonic_ns()
        self._alone_ns = max(now, in_time_ns) + self._guard_ns(bus)
        self._outstanding.add(function, size, now)
        bus.awaiting[self._name] = self._heard

    def _doubt(self, bus: Bus, block: Block, size: int, in_time_ns: int, code: int) -> None:
        """A request was refused, and its answer may come all the same."""
        function, now = modbus.FUNCTIONS[block.table], self._clock.monotonic_ns()
        if self._awaited(block):  # the refusal may be an older request's
            self._outstanding.add(function, size, now)
        elif code not in _REFUSED_FOR_GOOD:
            self._outstanding.refused.append((function, size, max(now, in_time_ns) + self._guard_ns(bus)))
        bus.awaiting[self._name] = self._heard

    def _pdu(self, frame: bytes) -> bytes:
        return frame[7:] if self._tcp else self._serial.pdu(frame)

    def _strike_out(self, bus: Bus, came: bytes) -> int:
        """Looks for late answers of every unit in what nobody asked for; gives how many were this one's."""
        found = {name: heard(came) for name, heard in bus.awaiting.items()} if came else {}
        for name, late in found.items():
            bus.counters["late_recognised"] += late
            bus.turnarounds[name].late += late
        return found.get(self._name, 0)

    def _heard(self, came: bytes) -> int:
        return self._outstanding.seen_in(self._number, came)


def size_of(block: Block) -> int:
    """How many data bytes the answer for a block carries."""
    return modbus.byte_count(modbus.FUNCTIONS[block.table], block.count)
