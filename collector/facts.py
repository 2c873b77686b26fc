"""Facts of instruments that go into the journal, and the tags their readings carry to sinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from dodac.contracts import Event, EventKind
from dodac.errors import ConfigError
from dodac.quantities import Measurement
from dodac.site import InfluxConfig, InstrumentConfig, Site
from store import Tags

if TYPE_CHECKING:
    from drivers import Connection

TagSource = Callable[[str], Tags | None]

# what an instrument may say of itself, or of how it was set, that a report names beside its readings
_HEARD: Final = (
    "serial_number",
    "model",
    "firmware",
    "software",
    "fuel",
    "fuel_id",
    "o2_reference_pct",
    "co2_max_pct",
)


class FactBook(Protocol):
    """The part of the journal that knows instruments' facts."""

    def facts(self) -> Mapping[str, Mapping[str, str]]: ...


def sink_name(config: InfluxConfig) -> str:
    """The name under which the journal keeps account of a bucket: a new url, bucket or policy is a new sink."""
    return "/".join(part for part in (config.url, config.bucket, config.retention_policy) if part)


def sink_configs(site: Site) -> dict[str, InfluxConfig]:
    """Where the site's readings are sent, by sink_name: [influxdb] and every [sinks.ID].

    Raises ConfigError when two of them are the same bucket.
    """
    tables: list[tuple[tuple[str, ...], InfluxConfig]] = [(("sinks", n), c) for n, c in site.sinks.items()]
    if site.influxdb is not None:
        tables.insert(0, (("influxdb",), site.influxdb))
    found: dict[str, InfluxConfig] = {}
    for keys, config in tables:
        name = sink_name(config)
        if name in found:
            raise ConfigError(
                f'"{".".join(keys)}" is the same bucket as another table: {name}.',
                site.where(*keys, "url"),
                "Take one of the two tables out, or correct its url or bucket.",
            )
        found[name] = config
    return found


def measurement_of(item: InstrumentConfig, connections: Sequence[Connection] = ()) -> Measurement | None:
    """The measurement an instrument belongs to: its own, else its profile's."""
    if item.measurement is not None:
        return item.measurement
    for connection in connections:
        if item.id in connection.instruments:
            return connection.measurement(item.id)
    return None


def site_facts(site: Site, item: InstrumentConfig, measurement: Measurement | None) -> dict[str, str]:
    """Text facts of one instrument of the site file; empty ones are left out."""
    facts = {
        "site": site.site.id,
        "company": site.site.company,
        "asset": item.asset,
        "name": item.name,
        "measurement": measurement.value if measurement is not None else "",
        "profile": item.profile or "",
        "connection": item.connection or "",
        "address": "" if item.address is None else str(item.address),
        "topic": item.topic or "",
        "every": item.every if item.profile is not None else "",
        "serial_number": item.serial_number,
        "accuracy_class": item.accuracy_class,
        "ct_ratio": item.ct_ratio or "",
        "vt_ratio": item.vt_ratio or "",
    }
    if item.calibration is not None:
        facts["calibration_date"] = item.calibration.date.isoformat()
        facts["calibration_due"] = item.calibration.due.isoformat() if item.calibration.due else ""
        facts["calibration_laboratory"] = item.calibration.laboratory
        facts["calibration_certificate"] = item.calibration.certificate
    return {name: value for name, value in facts.items() if value}


def heard_facts(event: Event, said: Mapping[str, str]) -> dict[str, str]:
    """Facts that an instrument told in a note; what the site file says of it (`said`) stays as it is."""
    if event.kind is not EventKind.NOTE or event.instrument is None:
        return {}
    heard = {name: str(event.data[name]).strip() for name in _HEARD if name in event.data}
    return {name: text for name, text in heard.items() if text and not said.get(name)}


def tag_source(site: Site, book: FactBook, connections: Sequence[Connection] = ()) -> TagSource:
    """Finds an instrument's tags: from the site file, else from the journal's facts, else None.

    None means that no measurement is known, so that no sink can take the instrument's readings.
    """
    known: dict[str, Tags] = {}
    for item in site.instruments:
        measurement = measurement_of(item, connections)
        if measurement is not None:
            known[item.id] = Tags(
                company=site.site.company,
                site=site.site.id,
                asset=item.asset,
                instrument=item.id,
                measurement=measurement,
            )

    def find(instrument: str) -> Tags | None:
        tags = known.get(instrument)
        if tags is None:
            tags = _from_facts(site, instrument, book.facts().get(instrument, {}))
            if tags is not None:
                known[instrument] = tags
        return tags

    return find


def _from_facts(site: Site, instrument: str, facts: Mapping[str, str]) -> Tags | None:
    measurement = facts.get("measurement", "")
    if measurement not in set(Measurement):
        return None
    return Tags(
        company=facts.get("company", site.site.company),
        site=facts.get("site", site.site.id),
        asset=facts.get("asset", "site"),
        instrument=instrument,
        measurement=Measurement(measurement),
    )
