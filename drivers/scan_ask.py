"""One reading request to one unit, remembered; what scan and probe ask with."""

from __future__ import annotations

from dodac.clock import SECOND_NS
from dodac.samples import Reason
from drivers.bus import Answer, Bus, BusFault
from drivers.profile import Table
from drivers.protocols import modbus
from drivers.protocols.modbus_identity import Framing
from drivers.protocols.modbus_serial import ASCII, RTU, ascii_frames
from drivers.protocols.planner import Block


class Asker:
    """Asks units over an open bus and keeps every answer; units that were heard late are in `late`.

    log: each request and its answer as whole frames of the line (RTU form over TCP too), for golden tests.
    remember: a block once answered or refused is not asked for again. turnaround_s: of the last answer.
    """

    def __init__(self, bus: Bus, framing: Framing = "rtu", *, remember: bool = False) -> None:
        self.bus = bus
        self.framing: Framing = framing
        self.late: set[int] = set()
        self.log: list[tuple[bytes, bytes]] = []
        self.turnaround_s = 0.0
        self._remember = remember
        self._known: dict[tuple[int, Block], bytes | modbus.ModbusException | BusFault] = {}

    def read(self, unit: int, block: Block, timeout_s: float, guard_s: float = 0.0) -> bytes:
        """The data bytes of a block; raises ModbusException, BusFault and LinkDown."""
        known = self._known.get((unit, block))
        if known is None:
            try:
                known = self._ask(unit, block, timeout_s, guard_s)
            except (modbus.ModbusException, BusFault) as refusal:
                known = refusal
            if self._remember and not (isinstance(known, BusFault) and known.reason == Reason.CRC):
                self._known[unit, block] = known
        if isinstance(known, bytes):
            return known
        raise known

    def words(self, unit: int, block: Block, timeout_s: float) -> dict[tuple[Table, int], int]:
        """A block as a register image; raises as `read`. After a silence the bus's guard passes."""
        data = self.read(unit, block, timeout_s, min(timeout_s, self.bus.late_guard_s))
        if block.table in ("coil", "discrete"):
            return {(block.table, block.address + n): data[n // 8] >> (n % 8) & 1 for n in range(block.count)}
        return {
            (block.table, block.address + n): int.from_bytes(data[2 * n : 2 * n + 2], "big")
            for n in range(block.count)
        }

    def _ask(self, unit: int, block: Block, timeout_s: float, guard_s: float) -> bytes:
        function = modbus.FUNCTIONS[block.table]
        pdu = modbus.read_pdu(function, block.address, block.count)
        size = modbus.byte_count(function, block.count)
        try:
            answer = self._exchange(unit, function, pdu, size, timeout_s, guard_s)
        except BusFault as fault:
            self._overhear(fault.stale + fault.raw + fault.late)
            raise
        self._overhear(answer.discarded)
        self.turnaround_s = answer.span_ns / SECOND_NS
        reply = self._pdu(answer.data)
        self.log.append((modbus.rtu(unit, pdu), modbus.rtu(unit, reply)))
        return modbus.pdu_data(reply, answer.data)

    def _exchange(
        self, unit: int, function: int, pdu: bytes, size: int, timeout_s: float, guard_s: float
    ) -> Answer:
        if self.framing == "tcp":
            number = self.bus.next_number()
            return self.bus.exchange(
                modbus.mbap(number, unit, pdu),
                lambda came: modbus.find_mbap(came, number, unit, function, size),
                timeout_s=timeout_s,
                guard_s=guard_s,
            )
        serial = ASCII if self.framing == "ascii" else RTU
        return self.bus.exchange(
            serial.frame(unit, pdu),
            lambda came: serial.find(came, unit, function, size),
            expected=serial.length(size),
            timeout_s=timeout_s,
            guard_s=guard_s,
        )

    def _pdu(self, frame: bytes) -> bytes:
        if self.framing == "tcp":
            return frame[7:]
        return (ASCII if self.framing == "ascii" else RTU).pdu(frame)

    def listen(self, seconds: float) -> bytes:
        """Waits for answers that come too late for their own request; gives what came."""
        came = self.bus.silence(seconds)
        self._overhear(came)
        return came

    def _overhear(self, came: bytes) -> None:
        if came:
            self.late |= answering(came, self.framing)


def answering(came: bytes, framing: Framing) -> set[int]:
    """The units whose whole answers (functions 1–4 or their refusals) stand among bytes."""
    found: set[int] = set()
    if framing == "tcp":
        frames = [came[start:end] for start, end in modbus.mbap_frames(came)]
        bodies = [frame[6:] for frame in frames]
    elif framing == "ascii":
        bodies = [body for _, _, body in ascii_frames(came)]
    else:
        bodies = list(_rtu_bodies(came))
    for body in bodies:
        if not 1 <= body[0] <= 247 or len(body) < 3:
            continue
        data = body[1] in modbus.TABLES and len(body) == body[2] + 3
        refused = body[1] & 0x80 and body[1] & 0x7F in modbus.TABLES and len(body) == 3
        if data or (refused and body[2] not in (10, 11)):  # 10, 11: a gateway, for a unit that is not there
            found.add(body[0])
    return found


def _rtu_bodies(came: bytes) -> list[bytes]:
    """Unit and PDU of the answers of the shapes we ask for: whole, with the right CRC."""
    bodies, start = [], 0
    while start + 5 <= len(came):
        function = came[start + 1]
        length = 5 if function & 0x80 else came[start + 2] + 5
        frame = came[start : start + length]
        if function & 0x7F in modbus.TABLES and len(frame) == length and modbus.rtu_whole(frame):
            bodies.append(frame[:-2])
            start += length
        else:
            start += 1
    return bodies
