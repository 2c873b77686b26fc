"""The instruments on one broker: their topics, their decoders, and who takes a message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from dodac.samples import Layout
from dodac.site import InstrumentConfig, Site
from drivers._mqtt_config import is_filter, is_shared, silence_of, topics_of
from drivers._mqtt_decoders import decoder_of, limits_of
from drivers._mqtt_quick import Quick, quick_sample
from drivers._mqtt_rebirth import command_topic
from drivers.profile import MqttProfile
from drivers.protocols.message import MessageDecoder

_TOPICS: Final = 4096  # of which it is remembered which filter they fit


@dataclass
class MqttStation:
    """One instrument, as the connection sees it; what changes is touched under the watch's lock only.

    command: where its Sparkplug node takes requests; None for other formats. quick: the short way of its
    plain messages, where it has one. heard_ns is monotonic. shared: other collectors take its messages
    too. filters: what is subscribed to for it.
    """

    layout: Layout
    decoder: MessageDecoder
    topics: tuple[str, ...]
    silence_s: float
    skew_s: float | None
    partial: bool
    command: str | None
    quick: Quick | None = None
    heard_ns: int = 0
    last_good_ns: int | None = None
    fault_ns: int | None = None
    silent: bool = False
    clock_off: bool = False
    shared: bool = False
    refused: bool = False
    filters: tuple[str, ...] = ()


def station_of(site: Site, item: InstrumentConfig, profile: MqttProfile) -> MqttStation:
    """An instrument's station; raises ConfigError for an address or topic that is none."""
    skew_s, partial = limits_of(profile)
    topics = topics_of(site, item, profile)  # checks the address too
    layout = Layout(item.id, tuple(profile.channels))
    return MqttStation(
        layout,
        decoder_of(profile, site.site.timezone, item.address),
        topics,
        silence_of(item, profile),
        skew_s,
        partial,
        command_topic(profile, item.address),
        quick_sample(layout, profile, site.site.timezone, skew_s),
        shared=is_shared(site, item, profile),
    )


class Topics:
    """Which stations a message is for."""

    def __init__(self, stations: Iterable[MqttStation], share_group: str | None = None) -> None:
        self._by_topic: dict[str, list[MqttStation]] = {}
        self._by_filter: dict[str, list[MqttStation]] = {}
        for station in stations:
            head = f"$share/{share_group}/" if station.shared else ""
            station.filters = tuple(head + topic for topic in station.topics)
            for topic in station.topics:
                self._by_topic.setdefault(topic, []).append(station)
                self._by_filter.setdefault(head + topic, []).append(station)
        self._filters = [topic for topic in self._by_topic if is_filter(topic)]
        self._found: dict[str, list[MqttStation]] = {}  # what the filters gave, by topic

    @property
    def filters(self) -> tuple[str, ...]:
        """What to subscribe to."""
        return tuple(self._by_filter)

    def of(self, name: str) -> Sequence[MqttStation]:
        """The stations that a filter is for."""
        return self._by_filter.get(name, ())

    def crossing(self) -> tuple[str, str] | None:
        """A shared topic and a plain one that take the same messages: those would come twice."""
        from paho.mqtt.client import topic_matches_sub

        shared = {topic for topic, theirs in self._by_topic.items() for s in theirs if s.shared}
        plain = {topic for topic, theirs in self._by_topic.items() for s in theirs if not s.shared}
        for one in sorted(shared):
            for other in sorted(plain):
                if one == other or topic_matches_sub(one, other) or topic_matches_sub(other, one):
                    return one, other
        return None

    def stations(self, topic: str | None) -> Sequence[MqttStation]:
        """Those with this topic, else those of the first filter that fits; none for a stranger's."""
        if topic is None:
            return ()
        stations = self._by_topic.get(topic)
        if stations is None and self._filters:
            stations = self._found.get(topic)
            if stations is None:
                from paho.mqtt.client import topic_matches_sub

                fitting = next((f for f in self._filters if topic_matches_sub(f, topic)), None)
                stations = self._by_topic[fitting] if fitting is not None else []
                if len(self._found) >= _TOPICS:
                    self._found.clear()
                self._found[topic] = stations
        return stations or ()
