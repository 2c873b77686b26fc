"""Sparkplug B messages as readings: births, aliases, sequence, deaths."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from dodac.contracts import EventKind
from dodac.samples import Flag, Reason
from drivers.profile import SparkplugProfile
from drivers.protocols.message import Birth, Decoded, Message, MqttRefusal, Notice, Scale
from drivers.protocols.sparkplug_wire import GOOD, Metric, Payload, decode

_MS_NS: Final = 1_000_000
_LATEST_MS: Final = (2**63 - 1) // _MS_NS
_BDSEQ: Final = "bdSeq"
_RECENT: Final = 256  # messages of which one sent again is known
_NODE: Final = ""  # the owner of a node's own metrics


@dataclass(frozen=True, slots=True)
class Address:
    """GROUP/NODE/DEVICE; device is "" for the node itself."""

    group: str
    node: str
    device: str = _NODE

    @classmethod
    def parse(cls, text: str) -> Address:
        """From an instrument's address; raises ValueError."""
        words = text.split("/")
        if not 2 <= len(words) <= 3 or not all(words) or any(c in text for c in "+#\0"):
            raise ValueError(f'"{text}" is no Sparkplug address: write GROUP/NODE/DEVICE or GROUP/NODE')
        return cls(*words)

    @property
    def topic(self) -> str:
        """All messages of the node: births and sequence numbers are the node's."""
        return f"spBv1.0/{self.group}/+/{self.node}/#"

    @property
    def command_topic(self) -> str:
        """Where the node takes commands."""
        return f"spBv1.0/{self.group}/NCMD/{self.node}"


@dataclass(slots=True)
class _Birth:
    """What the births in force say; aliases and sequence belong to the node."""

    born: set[str] = field(default_factory=set)
    names: dict[tuple[str, int], str] = field(default_factory=dict)
    types: dict[tuple[str, str], int] = field(default_factory=dict)
    bdseq: int | None = None
    seq: int | None = None
    whole: set[str] = field(default_factory=set)  # whose aliases are sure: no message lost since

    def learn(self, owner: str, metrics: Iterable[Metric]) -> None:
        self.names = {key: name for key, name in self.names.items() if key[0] != owner}
        self.types = {key: kind for key, kind in self.types.items() if key[0] != owner}
        for metric in metrics:
            if metric.alias is not None and metric.name:
                self.names[owner, metric.alias] = metric.name
            if metric.name:
                self.types[owner, metric.name] = metric.datatype
        self.born.add(owner)
        self.whole.add(owner)


class SparkplugDecoder:
    """Decodes what one edge node publishes, for one device of it.

    Data before a birth can't be read (an alias is only a number, a datatype is not repeated) and are
    refused. A message lost on the way may have been a birth: from then on metrics with an alias only are
    refused until the next birth; those with their name are read on.
    """

    def __init__(self, profile: SparkplugProfile, address: Address) -> None:
        self.profile = profile
        self._address = address
        self._scales: dict[str, list[Scale]] = {}
        for name, spec in profile.channels.items():
            self._scales.setdefault(spec.metric, []).append(Scale.of(name, spec, spec.sentinel))
        self._birth = _Birth()
        self._dead = False
        self._last_ns: int | None = None
        self._pending: tuple[Notice, ...] = ()
        self._recent: deque[int] = deque(maxlen=_RECENT)
        self._repeated = False

    def message(self, topic: str, payload: bytes) -> Message:
        """What one message of the node means for the device; commands of others mean nothing."""
        words = topic.split("/")
        if "STATE" in words[:2]:
            return Message(())  # a host application tells that it is there; not protobuf
        if len(words) not in (4, 5) or words[0] != "spBv1.0":
            raise MqttRefusal("no Sparkplug B topic")
        kind, owner = words[2], words[4] if len(words) == 5 else _NODE
        if kind in ("NCMD", "DCMD"):
            return Message(())
        if kind[:1] not in ("N", "D") or (kind[0] == "N") != (owner == _NODE):
            raise MqttRefusal(f'"{kind}" is no message type of its topic')
        told = decode(payload)
        self._repeated = self._is_repeat(topic, payload, told)
        match kind[1:]:
            case "BIRTH":
                found = self._births(owner, told)
            case "DATA":
                found = self._data(owner, told)
            case "DEATH":
                found = self._deaths(owner, told)
            case _:
                raise MqttRefusal(f'"{kind}" is no message type')
        pending, self._pending = self._pending, ()
        return Message(found.samples, (*pending, *found.notices), self._birth_state(kind))

    def _birth_state(self, kind: str) -> Birth | None:
        """Whether the node's birth, or the device's, is missed: then its next data can't be read surely."""
        if _NODE in self._birth.born and self._address.device in self._birth.whole:
            return "told" if kind[1:] == "BIRTH" else None
        # who is dead is born again by itself; after its node's birth a device's is under way
        return None if self._dead or kind[1:] in ("BIRTH", "DEATH") else "missed"

    def _is_repeat(self, topic: str, payload: bytes, told: Payload) -> bool:
        """True for a message that was here lately with the same time and number: it is sent again."""
        if told.time_ms is None or told.seq is None:
            return False
        known = hash((topic, payload))
        if known in self._recent:
            return True
        self._recent.append(known)
        return False

    # ---- births and deaths

    def _births(self, owner: str, told: Payload) -> Message:
        if owner == _NODE:
            self._birth = _Birth(bdseq=_bdseq(told), seq=told.seq)
        elif _NODE not in self._birth.born:
            raise MqttRefusal(
                "the birth of a device before its node's: nothing is sure before NBIRTH", "missed"
            )
        else:
            self._sequence(told)
        self._birth.learn(owner, told.metrics)
        if owner != self._address.device:
            return Message(())
        samples = self._samples(owner, told)
        back: tuple[Notice, ...] = ()
        if self._dead:
            self._dead = False
            back = (Notice(EventKind.FAULT_END, "born again"),)
            first = min((s.time_ns for s in samples if s.time_ns is not None), default=None)
            if first is not None and self._last_ns is not None and first > self._last_ns:
                back = (*back, Notice(EventKind.GAP, "no readings", self._last_ns, first))
        return self._heard(samples, back)

    def _deaths(self, owner: str, told: Payload) -> Message:
        if owner == _NODE:
            bdseq, of_birth = _bdseq(told), self._birth.bdseq
            if bdseq is not None and of_birth is not None and bdseq != of_birth:
                return Message(())  # the will of an earlier connection: the node lives
            self._birth = _Birth()
        else:
            self._sequence(told)
            self._birth.born.discard(owner)
        if owner not in (_NODE, self._address.device) or self._dead:
            return Message(())
        self._dead = True
        flags = tuple(Flag(name, Reason.NO_ANSWER) for name in self.profile.channels)
        words = "the edge node is dead (NDEATH)" if owner == _NODE else "the device is dead (DDEATH)"
        # a will was written when the node connected: its time says nothing about the death
        return Message((Decoded({}, flags),), (Notice(EventKind.FAULT_START, words),))

    def _sequence(self, told: Payload) -> None:
        """Checks the node's running number, 0 to 255; the same once more is a message sent again."""
        last = self._birth.seq
        if self._repeated and last is not None and told.seq != (last + 1) % 256:
            return  # sent again after a break: the number goes back and nothing is lost
        self._birth.seq = told.seq
        if last is None or told.seq in (last, (last + 1) % 256):
            return
        self._birth.whole.clear()
        text = f"messages of the edge node are lost (sequence {last} → {told.seq})"
        # kept until a message can be read: a refusal brings no notices
        self._pending = (*self._pending[-9:], Notice(EventKind.NOTE, text))

    # ---- data

    def _data(self, owner: str, told: Payload) -> Message:
        if _NODE not in self._birth.born:
            if owner != self._address.device:
                return Message(())
            raise MqttRefusal(
                "data before the node's birth (NBIRTH): aliases and types are unknown", "missed"
            )
        self._sequence(told)
        if owner != self._address.device:
            return Message(())
        if owner not in self._birth.born:
            raise MqttRefusal(
                "data before the device's birth (DBIRTH): aliases and types are unknown", "missed"
            )
        if owner not in self._birth.whole and any(not m.name for m in told.metrics):
            raise MqttRefusal(
                "messages were lost: what the aliases mean is unsure until the next birth", "missed"
            )
        return self._heard(self._samples(owner, told), ())

    def _heard(self, samples: tuple[Decoded, ...], notices: tuple[Notice, ...]) -> Message:
        times = [s.time_ns for s in samples if s.time_ns is not None and s.values]
        self._last_ns = max([*times, self._last_ns or 0]) or None
        return Message(samples, notices)

    def _samples(self, owner: str, told: Payload) -> tuple[Decoded, ...]:
        """One moment a time that the metrics say; stored ones (is_historical) apart, oldest first."""
        moments: dict[tuple[int, bool], tuple[dict[str, float], list[Flag]]] = {}
        for metric in told.metrics:
            name = metric.name
            if not name and metric.alias is not None:
                name = self._birth.names.get((owner, metric.alias), "")
                if not name:
                    raise MqttRefusal(f"the alias {metric.alias} is in no birth", "missed")
            scales = self._scales.get(name)
            if scales is None:
                continue
            time_ms = metric.time_ms if metric.time_ms is not None else told.time_ms
            moment = (time_ms if time_ms is not None else -1, metric.historical)
            values, flags = moments.setdefault(moment, ({}, []))
            for scale in scales:
                reading = _reading(scale, metric, self._birth.types.get((owner, name), 0))
                if scale.name in values or any(flag.channel == scale.name for flag in flags):
                    continue  # twice at one time: the first stands
                if isinstance(reading, Flag):
                    flags.append(reading)
                else:
                    values[scale.name] = reading
        sent_ms = told.time_ms or 0
        sent_ns = sent_ms * _MS_NS if 0 < sent_ms <= _LATEST_MS else None
        return tuple(
            Decoded(
                values,
                tuple(flags),
                time_ms * _MS_NS if 0 < time_ms <= _LATEST_MS else None,
                None if time_ms >= 0 else "no time",
                history=historical,
                sent_ns=sent_ns,
            )
            for (time_ms, historical), (values, flags) in sorted(moments.items(), key=lambda item: item[0])
        )


def _bdseq(told: Payload) -> int | None:
    """The number that pairs a node's death with its birth."""
    found = next((metric for metric in told.metrics if metric.name == _BDSEQ), None)
    return found.value if found is not None and isinstance(found.value, int) else None


def _reading(scale: Scale, metric: Metric, datatype: int) -> float | Flag:
    number = metric.number(datatype)
    reading = Flag(scale.name, Reason.DECODE) if number is None else scale.reading(number)
    if metric.quality != GOOD and not isinstance(reading, Flag):
        return Flag(scale.name, Reason.DEVICE_STATUS, reading)
    return reading
