"""What the site file says about a broker: address, certificates, topics."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

from dodac.clock import SECOND_NS, duration_ns
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


def client_id_of(site: Site, name: str, config: MqttConnection) -> str:
    """The session's name at the broker."""
    return config.client_id or f"dodac-{site.site.id}-{name}"


def stands_alone(profile: MqttProfile) -> bool:
    """True when each message can be read without those before it.

    Not so: Sparkplug (names stand in births), overlays (one moment is told in several messages), LoRaWAN
    (what was lost on the way is seen by the count of uplinks).
    """
    return isinstance(profile, MqttJsonProfile) and not profile.overlay


def is_shared(site: Site, item: InstrumentConfig, profile: MqttProfile) -> bool:
    """True when other collectors of the group take its messages too.

    Raises ConfigError for payloads that do not stand alone and nobody says whose they are.
    """
    config = site.connections[item.connection or ""]
    if not isinstance(config, MqttConnection) or config.share_group is None or item.taken_by is not None:
        return False
    if not stands_alone(profile):
        raise ConfigError(
            f"messages of {profile.id} can't be divided among collectors (share_group): one needs those before it.",
            site.where_instrument(item.id, "profile"),
            f'Say which collector takes all of them: taken_by = "{config.client_id}" (a client_id of the group).',
        )
    return True


def taken_here(site: Site, item: InstrumentConfig) -> bool:
    """False for an instrument that the site file gives to another collector."""
    config = site.connections[item.connection or ""]
    if item.taken_by is None or not isinstance(config, MqttConnection):
        return True
    return item.taken_by == client_id_of(site, item.connection or "", config)


def silence_of(item: InstrumentConfig, profile: MqttProfile) -> float:
    """Without a message for so many seconds an instrument is in fault."""
    if item.silence is not None:
        return duration_ns(item.silence) / SECOND_NS
    said = profile.link.silence_s
    return max(said, 3 * item.every_ns / SECOND_NS) if "every" in item.model_fields_set else said


def address_of(config: MqttConnection) -> tuple[str, int]:
    """Host and port of a broker's URL."""
    parts = urlsplit(config.url)
    return parts.hostname or "localhost", parts.port or (8883 if parts.scheme == "mqtts" else 1883)


def tls_context(site: Site, config: MqttConnection) -> ssl.SSLContext:
    """TLS that checks the broker's certificate and name, with our own certificate where there is one.

    Raises ConfigError for a file that holds no certificate or key, and for a key that others may read.
    """
    file = str(site.folder / config.ca_file) if config.ca_file else None
    try:
        context = ssl.create_default_context(cafile=file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"the certificates can't be read: {error}.",
            Where(file=file),
            "ca_file holds the authority's certificate in PEM form.",
        ) from None
    if config.cert_file is not None and config.key_file is not None:
        site.secret(config.key_file)  # checks that nobody else may read it
        cert, key = site.folder / config.cert_file, site.folder / config.key_file
        try:
            context.load_cert_chain(cert, key, password=_no_password)
        except (OSError, ValueError) as error:
            why = "they do not belong together" if "MISMATCH" in str(error) else str(error)
            raise ConfigError(
                f"our certificate and its key can't be used: {why}.",
                Where(file=str(cert)),
                f"cert_file holds our certificate, key_file ({key}) its key without a password, both in PEM form.",
            ) from None
    return context


def _no_password() -> str:
    raise ValueError("the key has a password: nobody is there to type it")
