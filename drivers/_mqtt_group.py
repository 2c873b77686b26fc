"""What one read of a broker brought, handed over together and acknowledged together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dodac.contracts import DeadLetter, Inbox, Memory, Receipt, Repeat
from dodac.samples import Sample
from drivers._mqtt_acks import Acks
from drivers._mqtt_receipts import Remembered
from drivers._mqtt_stations import MqttStation
from drivers._mqtt_watch import MqttWatch

if TYPE_CHECKING:
    from drivers._mqtt_wire import Arrived, WireClient


@dataclass(frozen=True, slots=True)
class _Done:
    """Acknowledges messages after their commit, which holds their receipt too."""

    acknowledge: Callable[[], None]
    receipt: Receipt

    def __call__(self) -> None:
        self.acknowledge()


@dataclass(slots=True)
class Past:
    """What is known of a session's earlier messages; memory None: the inbox keeps no receipts."""

    session: str
    known: Remembered
    memory: Memory | None = None


class Group:
    """Samples and acknowledgements of messages that came together, in their order.

    Nothing is acknowledged before the commit that holds it and all that came before it.
    """

    def __init__(
        self, source: str, client: WireClient, inbox: Inbox, acks: Acks, watch: MqttWatch, past: Past
    ) -> None:
        self._source = source
        self._past = past
        self._repeats: list[Repeat] = []
        self._client = client
        self._inbox = inbox
        self._acks = acks
        self._watch = watch
        self._samples: list[Sample] = []
        self._mids: list[int] = []
        self._timed: list[int] = []
        self._heard: dict[str, tuple[MqttStation, list[Sample]]] = {}

    def add(self, station: MqttStation, sample: Sample, mid: int) -> None:
        """The one sample of a message of QoS 1 that was not sent before; the journal knows it by its time."""
        self._samples.append(sample)
        self._mids.append(mid)
        self._timed.append(mid)
        heard = self._heard.get(sample.instrument)
        if heard is None:
            self._heard[sample.instrument] = station, [sample]
        else:
            heard[1].append(sample)

    def take(self, samples: Sequence[Sample]) -> None:
        """Samples from which nobody is heard, e.g. retained ones."""
        self._samples += samples

    def hears(self, station: MqttStation, samples: Sequence[Sample]) -> None:
        """An instrument has sent something, samples or not."""
        self._heard.setdefault(station.layout.instrument, (station, []))[1].extend(samples)

    def letter(self, letter: DeadLetter, done: Callable[[], None]) -> None:
        """A payload that could not become samples; done: after its commit."""
        self.hand_over()
        self._inbox.dead_letter(letter, done=done)

    def repeat(self, message: Arrived, repeats: Sequence[Repeat]) -> None:
        """A message that is stored already: it is counted, and acknowledged with what was before it."""
        self.hand_over()
        self._repeats += repeats
        self._acknowledge(message)

    def owe(self, message: Arrived, *, timed: bool) -> None:
        """All that a message gave is here: it is acknowledged with it; timed: the journal knows it by its times."""
        if not message.qos:
            return
        if self._past.memory is not None:
            self.remember()
            if timed:
                self._past.known.take(message.mid, dup=message.dup)
            else:
                self._past.known.take_untimed(message.topic, message.payload, message.mid, dup=message.dup)
        self._acknowledge(message)

    def _acknowledge(self, message: Arrived) -> None:
        if message.qos == 1:
            self._mids.append(message.mid)
        else:  # QoS 2 was never asked for: left by another program that used our session
            self.hand_over()
            done = self._acks.take(self._client, message.mid)
            self._inbox.samples((), source=self._source, done=self._with_receipts(done))

    def _with_receipts(self, done: Callable[[], None]) -> Callable[[], None]:
        told = self._past.known.receipts()
        return _Done(done, Receipt(self._past.session, told)) if told else done

    def remember(self) -> None:
        """What add() took, before anything that came after it is remembered."""
        timed, self._timed = self._timed, []
        if self._past.memory is not None:
            self._past.known.take_all(timed)

    def hand_over(self) -> None:
        """Gives what is here to the inbox; blocks while that is full."""
        self.remember()
        samples, self._samples = self._samples, []
        mids, self._mids = self._mids, []
        heard, self._heard = self._heard, {}
        repeats, self._repeats = self._repeats, []
        if repeats and self._past.memory is not None:
            self._past.memory.repeats(repeats, source=self._source)
        if samples or mids:
            done = self._acks.take_all(self._client, mids)
            if done is not None:
                done = self._with_receipts(done)
            if len(samples) == 1:
                self._inbox.sample(samples[0], source=self._source, done=done)
            else:
                self._inbox.samples(samples, source=self._source, done=done)
        for station, theirs in heard.values():
            self._watch.heard(station, theirs)
