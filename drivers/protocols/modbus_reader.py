"""Reads one Modbus instrument over a bus: plans, asks, tells late answers apart, decodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dodac.clock import Clock
from dodac.samples import Flag, Layout, Reason, Sample
from drivers._channel_times import ChannelTimes, slow_channels
from drivers.bus import Bus, BusFault
from drivers.profile import ModbusProfile, Table
from drivers.protocols import modbus
from drivers.protocols.modbus_ask import ModbusAsker, size_of
from drivers.protocols.modbus_identity import Framing, doubts, read_identity
from drivers.protocols.modbus_map import ModbusMap, Ratios, number, place
from drivers.protocols.planner import Block, Limits, Span, avoiding, pieces, plan

_REFUSALS: Final = (2, 3)


class ModbusReader(ModbusAsker):
    """One instrument at a unit number on a bus; used by the bus's thread only.

    intervals: channels that are read more seldom than at every poll, in ns; without it the profile's slow
    ones, once a minute.
    """

    def __init__(
        self,
        instrument: str,
        profile: ModbusProfile,
        unit: int,
        clock: Clock,
        *,
        framing: Framing = "rtu",
        ratios: Ratios | None = None,
        intervals: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(instrument, ModbusMap(profile, ratios), unit, clock, framing)
        self.layout = Layout(instrument, tuple(profile.channels))
        self.unit = str(unit)
        self.refused_channels: set[str] = set()
        self.fault_text = ""
        self._refused: set[Block] = set()
        self.times = ChannelTimes(slow_channels(profile) if intervals is None else intervals)
        self._read_once = False
        self._slow_left: list[list[str]] = []

    # ---- one sample

    @property
    def started(self) -> bool:
        """True when everything was read once, and there are both fast and slow channels."""
        return self._read_once and bool(self._names(slow=False)) and bool(self._names(slow=True))

    def slow_due(self) -> bool:
        """True when slow channels are to be read: at the start, then when their interval begins, block by block."""
        return not self._read_once or bool(self._slow_left) or self.times.any_due(self._clock.now_ns())

    def read(self, bus: Bus, *, everything: bool = False) -> Sample:
        """One sample of every channel that is due; unread ones are flagged with their reason."""
        now_ns = self._clock.now_ns()
        names = self._names(slow=False)
        if everything or not self._read_once or not names:
            names = self._names()
        elif due := set(self.times.due(now_ns)):
            names = [name for name in self._names() if name in due or not self.times.slow(name)]
        sample = self._sample(bus, names, raw=everything)
        if any(value == value for value in sample.values):
            self._read_once = True
            self.times.asked(names, now_ns)
        return sample

    def read_fast(self, bus: Bus) -> Sample:
        """One sample without the slow channels."""
        return self._sample(bus, self._names(slow=False))

    def read_slow(self, bus: Bus) -> Sample:
        """One sample of the next block of slow channels; whatever comes of it, it is due in its next interval."""
        if not self._slow_left:
            now_ns = self._clock.now_ns()
            due = set(self.times.due(now_ns) or self.times.every)
            self.times.asked(due, now_ns)
            names = {name: None for name in self._names(slow=True) if name in due}
            for block in plan(self.map.spans(names), self.map.limits):
                inside = [n for n in names if any(block.holds(s) for s in self.map.channels[n].spans)]
                self._slow_left += [inside] if inside else []
                names = {name: None for name in names if name not in inside}
        names_left = self._slow_left.pop(0) if self._slow_left else []
        sample = self._sample(bus, [name for name in names_left if name not in self.refused_channels])
        if any(flag.reason == Reason.NO_ANSWER for flag in sample.flags):
            self._slow_left.clear()
        return sample

    def _names(self, *, slow: bool | None = None) -> list[str]:
        """Channels that it does not refuse; only slow ones, or only the others, where told."""
        names = (name for name in self.map.channels if name not in self.refused_channels)
        return [name for name in names if slow is None or self.times.slow(name) is slow]

    def _sample(self, bus: Bus, names: list[str], *, raw: bool = False) -> Sample:
        now = self._clock.monotonic_ns()
        spans = self.map.spans(names)
        fast = self.map.spans([name for name in names if not self.times.slow(name)])
        self.image, self.blocks = {}, []
        wall_ns = self._clock.now_ns()
        states = self.map.status_apart(names)
        failed, frames, lost = self._read_spans(bus, spans, fast, states)
        values, flags = self.map.decode(self.image, names)
        if states and values:
            values, flags = self._confirmed(bus, names, states, failed, frames, flags)
        span_ns = self._clock.monotonic_ns() - now
        flagged = {flag.channel for flag in flags}
        for name in names:
            if name in values or name in flagged:
                continue
            needed = self.map.channels[name].spans
            reason = next((failed[s] for s in needed if s in failed), Reason.EXCEPTION)
            flags.append(Flag(name, reason))
            if lost & set(needed):
                self.refused_channels.add(name)
        if len(self.refused_channels) == len(self.map.channels):
            # an instrument that refuses everything is in fault, not without channels
            self.refused_channels.clear()
            self._refused.clear()
        order = self.layout.index
        return self.layout.sample(
            wall_ns + span_ns // 2,
            values,
            flags=sorted(flags, key=lambda flag: order[flag.channel]),
            span_ns=span_ns,
            raw=b"".join(frames) if flags or raw else None,
        )

    def _confirmed(
        self,
        bus: Bus,
        names: list[str],
        states: set[Span],
        failed: dict[Span, Reason],
        frames: list[bytes],
        flags: list[Flag],
    ) -> tuple[dict[str, float], list[Flag]]:
        """The readings whose status, read before them, is still good after them.

        An instrument that begins to zero, or ends it, between two requests gives no readings.
        """
        bad = {flag.channel for flag in flags}
        for span in states:
            for address in range(span.address, span.end):
                self.image.pop((span.table, address), None)
        words = self.fault_text
        again, more, _ = self._read_spans(bus, states, states, states)
        self.fault_text = words or self.fault_text
        failed.update(again)
        frames += more
        values, after = self.map.decode(self.image, names)
        return (
            {name: value for name, value in values.items() if name not in bad},
            flags + [flag for flag in after if flag.channel not in bad],
        )

    def probe(self, bus: Bus) -> bool:
        """True when the unit answers its smallest request, if only with a refusal.

        Where its readings can't be told apart from answers to earlier requests, the line is then heard out
        until it was silent for a whole guard, or for three guards where it never is.
        """
        names = self._names(slow=False) or list(self.map.channels)
        span = min(self.map.spans(names), key=lambda s: (s.count, s.address))
        try:
            # any answer of this unit will do here, so that a late one needs no telling apart
            self._ask(bus, span)
        except BusFault as fault:
            self.fault_text = fault.text
            return False
        except modbus.ModbusException:
            pass
        if self._tcp:
            return True
        # what answered may have been an earlier request: then the probe's own answer is still to come
        self._outstanding.add(modbus.FUNCTIONS[span.table], size_of(span), self._clock.monotonic_ns())
        if not self._tells_apart(names):
            self._hear_out(bus)
        return True

    def _tells_apart(self, names: list[str]) -> bool:
        """True when every reading can be asked for in a shape that no earlier answer has."""
        spans, now = self.map.spans(names), self._clock.monotonic_ns()
        return all(
            avoiding(
                block,
                spans,
                self.map.limits,
                size_of,
                self._outstanding.sizes(modbus.FUNCTIONS[block.table], now),
            )
            for block in plan(spans, self.map.limits)
        )

    def identify(self, bus: Bus) -> list[str]:
        """What speaks against this being the profile's model; empty when nothing does."""
        found = []
        for item in self.map.profile.identify:
            table: Table = item.table or "holding"
            span = place(item, table)
            try:
                # some registers answer differently inside a longer block (Carlo Gavazzi's 000Bh)
                self._read_block(bus, span, {span}, Limits())
            except (BusFault, modbus.ModbusException) as fault:
                found.append(f"register {item.address} ({table}): {fault}")
                continue
            value = number(self.image, item, table)
            low, high = item.range or (value, value)
            if not low <= value <= high or (item.values and value not in item.values):
                wanted = f"{low:g} to {high:g}" if item.range else f"one of {item.values}"
                found.append(f"register {item.address} ({table}) reads {value:g}, expected {wanted}")
        if self.map.profile.device_id:
            known = read_identity(bus, self._number, framing=self._framing)
            found += doubts(known, self.map.profile.device_id) if known is not None else []
        return found

    # ---- blocks

    def _read_spans(
        self, bus: Bus, spans: set[Span], fast: set[Span], states: set[Span]
    ) -> tuple[dict[Span, Reason], list[bytes], set[Span]]:
        """Fills the image; gives reasons of spans not read, the frames, and spans refused for good."""
        failed: dict[Span, Reason] = {}
        frames: list[bytes] = []
        lost: set[Span] = set()
        waiting: list[Block] = []
        # slow channels last: a block of theirs that stays silent must not cost the fast ones;
        # states first: they are read again after the numbers
        for block in sorted(
            plan(spans, self.map.limits),
            key=lambda b: (not any(b.holds(s) for s in fast), not any(b.holds(s) for s in states)),
        ):
            asked, gone = pieces(block, spans, self._refused)
            waiting += asked
            lost.update(gone)
        self.fault_text = ""
        while waiting:
            block = waiting.pop(0)
            inside = [s for s in spans if block.holds(s)]
            try:
                frames += self._read_block(bus, block, spans)
            except BusFault as fault:
                self.fault_text = self.fault_text or fault.text
                frames.append(fault.raw)
                failed.update(dict.fromkeys(inside, fault.reason))
                if fault.reason == Reason.NO_ANSWER or len(fault.raw) < self._serial.length(size_of(block)):
                    # each answer that does not come whole costs a timeout and a guard: such a unit is
                    # not asked again and again, the line belongs to the others too
                    rest = [s for b in waiting for s in spans if b.holds(s)]
                    failed.update(dict.fromkeys(rest, fault.reason))
                    break
            except modbus.ModbusException as refusal:
                frames.append(refusal.raw)
                if refusal.code in _REFUSALS and not self._awaited(block):
                    self._refused.add(block)
                    asked, gone = pieces(block, spans, self._refused)
                    lost.update(gone)
                    waiting = [*asked, *waiting]
                else:
                    self.fault_text = self.fault_text or str(refusal)
                    failed.update(dict.fromkeys(inside, Reason.EXCEPTION))
        return failed, frames, lost
