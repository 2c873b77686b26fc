"""InfluxDB line protocol of samples, flags and events."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Final

from dodac.clock import SECOND_NS
from dodac.contracts import Event
from dodac.quantities import Measurement
from dodac.samples import Layout, Sample
from store._escape import tag_text, text_field

SPAN_FIELD: Final = "span_s"
FLAG_MEASUREMENT: Final = "reading_flag"
EVENT_MEASUREMENT: Final = "event"


@dataclass(frozen=True, slots=True)
class Tags:
    """Who, where and which instrument a line speaks of, and its measurement."""

    company: str
    site: str
    asset: str
    instrument: str
    measurement: Measurement


@lru_cache(maxsize=4096)
def head_of(tags: Tags) -> str:
    """What every line of an instrument begins with: measurement and tags."""
    return tags.measurement.value + tag_text(
        company=tags.company, site=tags.site, asset=tags.asset, instrument=tags.instrument
    )


def line(sample: Sample, layout: Layout, tags: Tags) -> str:
    """The line of a sample's good values; "" when it has none.

    Measurement and tags from `tags`; fields are canonical channels, always finite floats, and span_s
    when the sample speaks for a second or more; a tag part only for parts above 0; time in ns.
    """
    named = zip(layout.channels, sample.values, strict=True)
    good = ",".join(f"{name}={value!r}" for name, value in named if isfinite(value))
    if not good:
        return ""
    part = f",part={sample.part}" if sample.part else ""
    span = f",{SPAN_FIELD}={sample.span_ns / SECOND_NS!r}" if sample.span_ns >= SECOND_NS else ""
    return f"{head_of(tags)}{part} {good}{span} {sample.time_ns}"


def flag_lines(sample: Sample, tags: Tags, seq: int) -> list[str]:
    """One line per flag: measurement reading_flag, tags channel and reason beside the instrument's.

    Fields: seq (the journal's, as float) and value as read when there is one. Reason, and part
    above 0, are tags so that two flags of one reading, or of a conflict, never overwrite.
    """
    lines = []
    for flag in sample.flags:
        head = FLAG_MEASUREMENT + tag_text(
            company=tags.company,
            site=tags.site,
            asset=tags.asset,
            instrument=tags.instrument,
            channel=flag.channel,
            reason=flag.reason.value,
            part=str(sample.part) if sample.part else "",
        )
        finite = flag.value is not None and flag.value - flag.value == 0
        value = f",value={flag.value!r}" if finite else ""
        lines.append(f"{head} seq={float(seq)!r}{value} {sample.time_ns}")
    return lines


def event_line(event: Event, company: str, site: str, seq: int, part: int = 0) -> str:
    """The line of an event: tags kind, source and instrument, fields text, data (JSON), end_ns, seq.

    part: how many events before it have the same time and tags; above 0 a tag, so that none overwrites.
    """
    head = EVENT_MEASUREMENT + tag_text(
        company=company,
        site=site,
        kind=event.kind.value,
        source=event.source,
        instrument=event.instrument or "",
        part=str(part) if part else "",
    )
    data = json.dumps(dict(event.data), ensure_ascii=False, sort_keys=True)
    end = f",end_ns={event.end_ns}i" if event.end_ns is not None else ""
    return f"{head} data={text_field(data)}{end},seq={float(seq)!r},text={text_field(event.text)} {event.time_ns}"
