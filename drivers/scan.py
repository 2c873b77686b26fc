"""Looks for Modbus units on a serial line or behind a gateway, by reading requests only."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from dodac.clock import Clock
from dodac.samples import Reason
from drivers.bus import Bus, BusFault
from drivers.links import LineSettings, Link
from drivers.profile import Table
from drivers.protocols import modbus
from drivers.protocols.modbus_identity import Framing
from drivers.scan_ask import Asker

_TABLES: Final[tuple[Table, ...]] = ("holding", "input")
_UNLIKELY: Final = (246, 231)  # nobody sets these: whoever answers does not look at the number
_FIRST: Final = 3  # units asked at every setting before the whole range at any
_BEFORE_S: Final = 0.06  # how long a line is listened to before anything is asked
_TRIES: Final = 4  # for a unit whose answers come damaged
_FLOOD: Final = 400  # bytes with one request: no answer is as long
_FLOODED: Final = (
    "bytes come unasked: an instrument that sends by itself, another master, or a loose wire. "
    "Look with dodac sniff."
)
Open = Callable[[LineSettings | None], tuple[Link, float]]
"""Makes the link for a setting (None: it has none), and the time of one byte on it."""


@dataclass(frozen=True, slots=True)
class FoundUnit:
    """A unit that answered. setting: None behind a gateway. answer: "data", or its refusal by name.

    turnaround_s: from request to answer. note: what is strange about it.
    """

    unit: int
    setting: LineSettings | None
    framing: Framing
    answer: str
    turnaround_s: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a scan has come."""

    words: str
    done: int
    total: int
    found: int


@dataclass
class ModbusScan:
    """One scan; `found` and `notes` fill while it runs, so that whoever ends it early has them.

    units: in the order asked. settings: the likeliest first; (None,) behind a gateway. wait_s: for an
    answer to begin; slower units are heard while the next ones are asked, and then asked again with
    patience_s. everything: go on after a setting that has units, and ask every unit for both kinds of
    registers.
    """

    open: Open
    clock: Clock
    units: Sequence[int]
    settings: Sequence[LineSettings | None]
    framing: Framing = "rtu"
    wait_s: float = 0.1
    patience_s: float = 2.0
    everything: bool = False
    progress: Callable[[Step], None] = lambda _: None
    found: list[FoundUnit] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0
    _done: int = 0

    def run(self) -> None:
        """Scans; raises LinkDown when the port or host is away."""
        start = time.monotonic()
        try:
            self._run()
        finally:
            self.seconds = time.monotonic() - start
            self.found.sort(key=lambda unit: unit.unit)

    def _run(self) -> None:
        first = list(self.units[:_FIRST]) if len(self.settings) > 1 else []
        rest = list(self.units[len(first) :])
        self._settings_left = list(self.settings)
        likely: list[LineSettings | None] = []
        for setting in self.settings if first else ():
            if self._at(setting, first, both=True):
                likely.append(setting)
                if not self.everything:
                    break
        order = likely + [s for s in self.settings if s not in likely]
        for setting in order:
            hit = self._at(setting, rest, both=self.everything or len(self.units) <= _FIRST)
            if (hit or setting in likely) and not self.everything:
                others = len(self.settings) - 1
                if others:
                    self.notes.append(
                        f"units answered at {setting}: the other {others} settings were left out (--all tries them)."
                    )
                break

    def _at(self, setting: LineSettings | None, units: Sequence[int], *, both: bool) -> bool:
        """Asks units at one setting; True when any answered."""
        if not units:
            return False
        link, byte_s = self.open(setting)
        link.open()
        try:
            bus = Bus(link, self.clock, timeout_s=self.wait_s, late_guard_s=0.0, quiet_s=0.03, byte_s=byte_s)
            return _Pass(self, bus, setting, both).run(units)
        finally:
            link.close()

    def tell(self, setting: LineSettings | None, unit: int) -> None:
        """Progress: this unit is asked now."""
        self._done += 1
        place = "" if setting is None else f"{setting}, "
        total = max(self._done, len(self.units) * len(self.settings))
        self.progress(Step(f"{place}unit {unit}", self._done, total, len(self.found)))

    def note(self, words: str) -> None:
        """Something to be told at the end, once."""
        if words not in self.notes:
            self.notes.append(words)


class _Pass:
    """Units at one setting of one open line."""

    def __init__(self, scan: ModbusScan, bus: Bus, setting: LineSettings | None, both: bool) -> None:
        self.scan = scan
        self.bus = bus
        self.setting = setting
        self.both = both
        self.asker = Asker(bus, scan.framing)
        self.hits: dict[int, str] = {}
        self.damaged: list[int] = []
        self.silent: list[int] = []
        self.absent: str | None = None  # what units that can't be there answer
        self.checked = False
        self.answered = False
        self.wait_s = scan.wait_s

    def run(self, units: Sequence[int]) -> bool:
        if self._floods():
            return False
        before = len(self.scan.found)
        try:
            for unit in units:
                self.scan.tell(self.setting, unit)
                if not self._unit(unit):
                    break
            if self.silent and (self.asker.late or self.setting is None or self.hits):
                self.asker.listen(min(1.0, 4 * self.scan.wait_s))
        finally:
            self.scan.requests += self.bus.counters["requests"]
            self._add_unconfirmed()
        self._late(units)
        self._collisions()
        return self.answered or len(self.scan.found) > before

    def _floods(self) -> bool:
        """True when bytes come without end before anything was asked."""
        came, end = 0, time.monotonic() + _BEFORE_S
        while (left := end - time.monotonic()) > 0:
            came += len(self.bus.link.read(left))
        if came < 6 or came * max(self.bus.byte_s, 0.0001) < _BEFORE_S / 2:
            return False
        self.scan.note(_FLOODED)
        return True

    def _unit(self, unit: int) -> bool:
        """Asks one unit; False when going on here makes no sense."""
        for table in _TABLES if self.both else _TABLES[:1]:
            answer, whole = self._ask(unit, table, self._wait())
            if whole is None:
                return False
            if whole:
                if answer != self.absent:
                    self.hits[unit] = answer
                    self._confirm(unit, answer)
                return self._everyone()
            if answer == "gateway":
                # it takes its time before it gives a unit up, and asks one after another: keep in step
                self.wait_s = max(self.scan.wait_s, 1.5 * self.asker.turnaround_s)
                return True
        if not self.damaged or self.damaged[-1] != unit:
            self.silent.append(unit)
        elif len(set(self.damaged)) >= _FIRST and not self.hits:
            # whoever is asked, bytes come and never an answer: they are nobody's
            self.scan.note(_FLOODED)
            self.damaged.clear()
            return False
        return True

    def _wait(self) -> float:
        """How long for an answer; the first silence behind a gateway is waited out, it may be told late."""
        first = self.setting is None and not self.silent and self.wait_s == self.scan.wait_s
        return max(self.wait_s, self.scan.patience_s) if first else self.wait_s

    def _ask(self, unit: int, table: Table, wait_s: float) -> tuple[str, bool | None]:
        """What came and whether it is the unit's answer; None: the line drowns us."""
        from drivers.protocols.planner import Block

        try:
            self.asker.read(unit, Block(table, 0, 2), wait_s)
        except modbus.ModbusException as refusal:
            if refusal.code in (10, 11):
                self.scan.note(f"the gateway answers for units that are not there ({refusal}).")
                return "gateway", False
            return str(refusal), True
        except BusFault as fault:
            if len(fault.raw) > _FLOOD:
                self.scan.note(_FLOODED)
                return "", None
            if fault.reason == Reason.CRC:
                self.damaged.append(unit)
            elif fault.raw:
                self.scan.note("the adapter hears its own requests (echo); they are told apart.")
            return "", False
        return "data", True

    def _confirm(self, unit: int, answer: str) -> None:
        turnaround = self.asker.turnaround_s
        self.scan.found.append(
            FoundUnit(unit, self.setting, self.scan.framing, answer, turnaround, "not yet confirmed")
        )
        again, whole = self._ask(unit, "input", self.scan.patience_s / 2)
        note = "" if whole else "answered once, not again: bad wiring, or two masters on the line?"
        self.scan.found[-1] = FoundUnit(
            unit, self.setting, self.scan.framing, "data" if again == "data" else answer, turnaround, note
        )

    def _add_unconfirmed(self) -> None:
        """Whoever was heard while others were asked is there, even if the scan ends now."""
        known = {unit.unit for unit in self.scan.found if unit.setting == self.setting}
        for unit in sorted(self.asker.late - known - set(self.hits)):
            if self.absent is None:
                words = f"slow: its answer came later than {self.scan.wait_s:g} s"
                self.scan.found.append(FoundUnit(unit, self.setting, self.scan.framing, "late", 0.0, words))

    def _late(self, units: Sequence[int]) -> None:
        """Asks those heard out of turn again, with patience: slow ones answer, what was never there does not."""
        for unit in [u for u in self.scan.found if u.answer == "late" and u.setting == self.setting]:
            self.scan.found.remove(unit)
            answer, whole = self._ask(unit.unit, "holding", self.scan.patience_s)
            if whole:
                turnaround = self.asker.turnaround_s
                words = f'slow: it took {turnaround:.1f} s; write timeout = "2s" on its connection'
                self.scan.found.append(
                    FoundUnit(unit.unit, self.setting, self.scan.framing, answer, turnaround, words)
                )
            else:
                self.scan.note(
                    f"an answer of unit {unit.unit} was heard, and none when it was asked: another master on the "
                    "line, or an answer with a wrong number."
                )
        self.damaged = [unit for unit in self.damaged if unit not in self.asker.late and unit in units]

    def _collisions(self) -> None:
        """Where something answers and not wholly: asked again; what is never whole is told, not listed."""
        for unit in dict.fromkeys(self.damaged):
            if any(u.unit == unit and u.setting == self.setting for u in self.scan.found):
                continue
            came = []
            for _ in range(_TRIES):
                before = len(self.damaged)
                answer, whole = self._ask(unit, "holding", self.scan.patience_s / 4)
                if whole:
                    words = "answers are damaged now and then: look at wiring and termination"
                    turnaround = self.asker.turnaround_s
                    self.scan.found.append(
                        FoundUnit(unit, self.setting, self.scan.framing, answer, turnaround, words)
                    )
                    break
                came.append(len(self.damaged) > before)
            else:
                if all(came):
                    at = "" if self.setting is None else f" at {self.setting}"
                    self.scan.note(
                        f"unit {unit}{at}: something answers, and never whole. Two instruments with this address, or a "
                        "disturbed line: take one off and scan again."
                    )

    def _everyone(self) -> bool:
        """After three answers in a row, whether units that can't be there answer too; False ends the pass."""
        if self.checked or len(self.hits) < _FIRST or self.silent:
            return True
        self.checked = True
        answers = [self._ask(unit, table, self.scan.wait_s) for unit in _UNLIKELY for table in _TABLES]
        if not all(whole for _, whole in answers):
            return True
        mine = [unit for unit in self.scan.found if unit.setting == self.setting]
        if "data" not in {answer for answer, _ in answers}:
            self.absent = answers[0][0]
            self.answered = True
            self.scan.found[:] = [u for u in self.scan.found if u not in mine or u.answer != self.absent]
            self.scan.note(
                f"every address answers, those without an instrument with {self.absent}: only units that answer "
                "otherwise are listed."
            )
            return True
        self.scan.found[:] = [u for u in self.scan.found if u not in mine[1:]]
        note = "answers at every address: it does not look at the unit number"
        first = self.scan.found[-1]
        self.scan.found[-1] = FoundUnit(
            first.unit, first.setting, first.framing, first.answer, first.turnaround_s, note
        )
        return False
