"""Reads from a unit what decides between profiles, with as few requests as that takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from dodac.samples import Reason
from drivers.bus import BusFault
from drivers.probe import Candidate, rank, weigh
from drivers.probe_orders import ORDERS, turned
from drivers.profile import ModbusProfile, Profile, Table
from drivers.protocols import modbus
from drivers.protocols.modbus_identity import Identity, read_identity
from drivers.protocols.modbus_map import ModbusMap, number, place
from drivers.protocols.planner import Block, pieces, plan
from drivers.scan_ask import Asker

Image = dict[tuple[Table, int], int]
_PATIENCE_S: Final = 1.0
_TRIES: Final = 3  # for a block whose answer comes damaged
_SILENCES: Final = 3  # requests without an answer after which a profile is given up


def patience(turnaround_s: float) -> float:
    """How long to wait for a unit that has answered in such a time; many are silent where they have nothing."""
    return min(2.0, max(0.3, 4 * turnaround_s))


@dataclass
class Probe:
    """What a unit answered; `candidates` fills while it runs."""

    identity: Identity | None = None
    candidates: list[Candidate] = field(default_factory=list)
    images: dict[str, Image] = field(default_factory=dict)
    answered: bool = False

    @property
    def ranked(self) -> list[Candidate]:
        """The best first."""
        return rank(self.candidates)


def probe(
    asker: Asker,
    unit: int,
    profiles: Sequence[Profile],
    progress: Callable[[str, int, int], None] = lambda _name, _done, _total: None,
    into: Probe | None = None,
    patience_s: float = _PATIENCE_S,
) -> Probe:
    """Holds every Modbus profile against a unit: its own words first, then registers, then plausibility.

    `into` is filled as it goes, for those who are interrupted. Raises LinkDown.
    """
    found = into if into is not None else Probe()
    candidates = [p for p in profiles if isinstance(p, ModbusProfile)]
    progress("who it says it is", 0, len(candidates))
    found.identity = read_identity(asker.bus, unit, framing=asker.framing, timeout_s=patience_s)
    found.answered = found.identity is not None
    for done, profile in enumerate(candidates, start=1):
        progress(profile.id, done, len(candidates))
        reading = _Reading(asker, unit, profile, patience_s)
        reading.run()
        found.answered = found.answered or reading.answered
        found.images[profile.id] = reading.image
        found.candidates.append(weigh(profile, reading.image, reading.refused, found.identity))
    return found


class _Reading:
    """The registers of one profile on one unit."""

    def __init__(self, asker: Asker, unit: int, profile: ModbusProfile, patience_s: float) -> None:
        self.image: Image = {}
        self.refused: list[str] = []
        self.answered = False
        self._asker = asker
        self._unit = unit
        self._profile = profile
        self._patience_s = patience_s
        self._silent = 0

    def run(self) -> None:
        for item in self._profile.identify:
            # alone: some registers answer differently inside a longer block
            self._take(place(item, item.table or "holding"))
        known = not self._profile.identify or any(self._matches(order) for order in ORDERS)
        if not known or self._silent >= _SILENCES:
            return
        mapped = ModbusMap(self._profile)
        spans = mapped.spans(self._profile.channels)
        waiting = sorted(plan(spans, mapped.limits), key=lambda b: (b.address, b.table))
        refused: set[Block] = set()
        # with a register that fits, a refused block is worth splitting; else one tells enough
        worth = bool(self._profile.identify)
        while waiting and self._silent < _SILENCES:
            block = waiting.pop(0)
            if self._take(block):
                worth = True
                continue
            self.refused.append(f"registers {block.address} to {block.end - 1} ({block.table}) are refused")
            if not worth:
                return
            refused.add(block)
            asked, _ = pieces(block, spans, refused)
            waiting = [*asked, *waiting]

    def _take(self, block: Block) -> bool:
        for _ in range(_TRIES):
            try:
                self.image.update(self._asker.words(self._unit, block, self._patience_s))
            except modbus.ModbusException as refusal:
                self.answered = self.answered or refusal.code not in (10, 11)
                return False
            except BusFault as fault:
                if fault.reason == Reason.CRC:
                    continue  # damaged on the way: asked again
                break
            self.answered = True
            return True
        self._silent += 1
        return False

    def _matches(self, order: str) -> bool:
        """True when any identification register reads right with its words turned so."""
        for item in turned(self._profile, order).identify:  # type: ignore[arg-type]
            table: Table = item.table or "holding"
            span = place(item, table)
            if not all((table, address) in self.image for address in range(span.address, span.end)):
                continue
            value = number(self.image, item, table)
            if value in item.values or (item.range and item.range[0] <= value <= item.range[1]):
                return True
        return False
