"""What the site file says about a broker: address, certificates, topics."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

from dodac.errors import ConfigError, Where
from dodac.site import InstrumentConfig, MqttConnection, Site
from drivers.profile import MqttJsonProfile, MqttProfile, SparkplugProfile


def is_filter(topic: str) -> bool:
    """True for a topic with wildcards."""
    return "+" in topic or "#" in topic


def topics_of(site: Site, item: InstrumentConfig, profile: MqttProfile) -> tuple[str, ...]:
    """The instrument's own topic, or the profile's with its address in them."""
    if isinstance(profile, SparkplugProfile):
        return (_sparkplug_topic(site, item),)
    where = site.where_instrument(item.id, "topic")
    if item.topic is not None:
        return (_topic(item.topic, item, where),)
    also = profile.also if isinstance(profile, MqttJsonProfile) else ()
    return (_topic(profile.topic, item, where), *(_topic(other.topic, item, where) for other in also))


def _topic(topic: str, item: InstrumentConfig, where: Where) -> str:
    if "{address}" in topic:
        if item.address is None:
            raise ConfigError(
                f"the profile's topic is \"{topic}\": it needs the instrument's address.",
                where,
                "Add address = what stands in the topic, or topic = the whole one.",
            )
        topic = topic.replace("{address}", str(item.address))
    words = topic.split("/")
    wild = [w for w in words if is_filter(w)]
    if not topic or "\0" in topic or any(w not in ("+", "#") for w in wild) or "#" in words[:-1]:
        raise ConfigError(f'"{topic}" is no MQTT topic.', where, 'Write e.g. "plant/meter7/data".')
    return topic


def _sparkplug_topic(site: Site, item: InstrumentConfig) -> str:
    from drivers.protocols.sparkplug import Address

    if item.topic is not None:
        where = site.where_instrument(item.id, "topic")
        raise ConfigError("a Sparkplug instrument has no topic of its own.", where, "Write its address.")
    try:
        return Address.parse(str(item.address or "")).topic
    except ValueError as error:
        where = site.where_instrument(item.id, "address")
        raise ConfigError(f"{error}.", where, 'As in address = "plant1/edge2/boiler3".') from None


def address_of(config: MqttConnection) -> tuple[str, int]:
    """Host and port of a broker's URL."""
    parts = urlsplit(config.url)
    return parts.hostname or "localhost", parts.port or (8883 if parts.scheme == "mqtts" else 1883)


def tls_context(site: Site, config: MqttConnection) -> ssl.SSLContext:
    """TLS that checks the broker's certificate and name; ConfigError for a ca_file that holds none."""
    file = str(site.folder / config.ca_file) if config.ca_file else None
    try:
        return ssl.create_default_context(cafile=file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"the certificates can't be read: {error}.",
            Where(file=file),
            "ca_file holds the authority's certificate in PEM form.",
        ) from None
