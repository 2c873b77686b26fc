"""InfluxDB line protocol of samples, flags and events, from templates built once per layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
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
def _head(tags: Tags) -> str:
    return tags.measurement.value + tag_text(
        company=tags.company, site=tags.site, asset=tags.asset, instrument=tags.instrument
    )


@cache
def _floats() -> Callable[[tuple[float, ...]], bytes]:
    """Writes floats as a JSON array: like repr the shortest text that gives the same float64, in half its time."""
    from msgspec.json import Encoder

    return Encoder().encode


class LineWriter:
    """Writes the lines of one layout's samples; see line()."""

    __slots__ = ("_channels", "_floats", "_full", "_head", "_template")

    def __init__(self, channels: tuple[str, ...], tags: Tags) -> None:
        self._channels = channels
        self._head = _head(tags)
        self._full = (1 << len(channels)) - 1
        self._template = self._head.replace("%", "%%") + " " + ",".join(f"{name}=%s" for name in channels)
        self._floats = _floats()

    def line(self, sample: Sample) -> str:
        """The line of a sample's good values; "" when it has none."""
        values = sample.values
        if not sample.flags and sample.present == self._full and sample.part == 0:
            # the commas of the array part the values: "[1.5,20.0]"
            text = self._template % tuple(self._floats(values)[1:-1].decode().split(","))
        else:
            named = zip(self._channels, values, strict=True)
            good = ",".join(f"{name}={value!r}" for name, value in named if value == value)
            if not good:
                return ""
            text = f"{self._head},part={sample.part} {good}" if sample.part else f"{self._head} {good}"
        if sample.span_ns >= SECOND_NS:
            text += f",{SPAN_FIELD}={sample.span_ns / SECOND_NS!r}"
        return f"{text} {sample.time_ns}"


@lru_cache(maxsize=4096)
def _writer(channels: tuple[str, ...], tags: Tags) -> LineWriter:
    return LineWriter(channels, tags)


def line(sample: Sample, layout: Layout, tags: Tags) -> str:
    """The line of a sample's good values; "" when it has none.

    Measurement and tags from `tags`; fields are canonical channels, always float, and span_s when
    the sample speaks for a second or more; a tag part only for parts above 0; time in ns.
    """
    return _writer(layout.channels, tags).line(sample)


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


def event_line(event: Event, company: str, site: str, seq: int) -> str:
    """The line of an event: tags kind, source and instrument, fields text, data (JSON), end_ns, seq."""
    head = EVENT_MEASUREMENT + tag_text(
        company=company,
        site=site,
        kind=event.kind.value,
        source=event.source,
        instrument=event.instrument or "",
    )
    data = json.dumps(dict(event.data), ensure_ascii=False, sort_keys=True)
    end = f",end_ns={event.end_ns}i" if event.end_ns is not None else ""
    return f"{head} data={text_field(data)}{end},seq={float(seq)!r},text={text_field(event.text)} {event.time_ns}"
