"""The instruments on one broker: their topics, their decoders, and who takes a message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dodac.samples import Layout
from dodac.site import InstrumentConfig, Site
from drivers._mqtt_config import is_filter, topics_of
from drivers._mqtt_decoders import decoder_of, limits_of
from drivers._mqtt_quick import Quick, quick_sample
from drivers._mqtt_rebirth import command_topic
from drivers.profile import MqttProfile
from drivers.protocols.message import MessageDecoder


@dataclass
class MqttStation:
    """One instrument, as the connection sees it; what changes is touched under the watch's lock only.

    command: where its Sparkplug node takes requests; None for other formats. quick: the short way of its
    plain messages, where it has one. heard_ns is monotonic.
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


def station_of(site: Site, item: InstrumentConfig, profile: MqttProfile) -> MqttStation:
    """An instrument's station; raises ConfigError for an address or topic that is none."""
    skew_s, partial = limits_of(profile)
    topics = topics_of(site, item, profile)  # checks the address too
    layout = Layout(item.id, tuple(profile.channels))
    return MqttStation(
        layout,
        decoder_of(profile, site.site.timezone, item.address),
        topics,
        profile.link.silence_s,
        skew_s,
        partial,
        command_topic(profile, item.address),
        quick_sample(layout, profile, site.site.timezone, skew_s),
    )


class Topics:
    """Which stations a message is for."""

    def __init__(self, stations: Iterable[MqttStation]) -> None:
        self._by_topic: dict[str, list[MqttStation]] = {}
        for station in stations:
            for topic in station.topics:
                self._by_topic.setdefault(topic, []).append(station)
        self._filters = [topic for topic in self._by_topic if is_filter(topic)]

    def subscriptions(self, share_group: str | None) -> list[tuple[str, int]]:
        """What to subscribe to, with QoS 1."""
        head = f"$share/{share_group}/" if share_group else ""
        return [(head + topic, 1) for topic in self._by_topic]

    def stations(self, topic: str | None) -> Sequence[MqttStation]:
        """Those with this topic, else those of the first filter that fits; none for a stranger's."""
        if topic is None:
            return ()
        stations = self._by_topic.get(topic)
        if stations is None and self._filters:
            from paho.mqtt.client import topic_matches_sub

            fitting = next((f for f in self._filters if topic_matches_sub(f, topic)), None)
            stations = self._by_topic[fitting] if fitting is not None else None
        return stations or ()
