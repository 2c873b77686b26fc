"""What was handed in before: entries of journal and spool, which of them count, and what a new one is held against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from dodac.clock import SECOND_NS, local_text, parse_time_ns
from dodac.samples import Layout, Sample
from dodac.words import Language
from drivers.manual_forms import SiteForm
from drivers.manual_words import channel_name, number_words, unit_words
from drivers.protocols.manual import Known
from drivers.protocols.manual_entry import Kept, read_back
from drivers.protocols.received import Refused

_EARLIEST_NS: Final = -2_208_988_800 * SECOND_NS  # 1900
_LATEST_NS: Final = 7_258_118_400 * SECOND_NS  # 2200


@dataclass(frozen=True)
class Past:
    """An entry, or a withdrawal, handed in before.

    good: values that count now, canonical. corrected: something later stands in its place. withdrawn: what
    took it back.
    """

    entry: Kept
    state: Literal["stored", "waiting"]
    good: Mapping[str, float]
    corrected: bool = False
    withdrawn: Kept | None = None

    @property
    def counts(self) -> bool:
        """True while nothing replaced it; a withdrawal holds nothing that could count."""
        return not self.corrected and not self.entry.withdrawal


def moment_ns(text: str, zone: str) -> int:
    """An ISO 8601 time as typed, local to the zone without an offset.

    Raises ValueError for what is none, or of a year that no reading can have.
    """
    try:
        time_ns = parse_time_ns(text, zone)
    except OverflowError as error:
        raise ValueError(str(error)) from None
    if not _EARLIEST_NS <= time_ns <= _LATEST_NS:
        raise ValueError("the year can't be right")
    return time_ns


def in_order(found: Iterable[Past], start_ns: int, end_ns: int) -> list[Past]:
    """Entries whose period touches [start_ns, end_ns), oldest first, with what became of each."""
    newest: dict[int, int] = {}
    taken_back: dict[str, Kept] = {}
    found = list(found)
    for past in found:
        at_ns = past.entry.middle_ns
        newest[at_ns] = max(past.entry.revision, newest.get(at_ns, 0))
        if past.entry.withdrawal:
            taken_back[past.entry.corrects] = past.entry
    inside = [p for p in found if p.entry.end_ns >= start_ns and p.entry.start_ns < end_ns]
    inside.sort(key=lambda past: (past.entry.start_ns, past.entry.revision))
    return [
        replace(
            past,
            corrected=past.entry.revision < newest[past.entry.middle_ns],
            withdrawn=taken_back.get(past.entry.id),
        )
        for past in inside
    ]


def entry_of(sample: Sample) -> Kept | None:
    """The entry that a sample carries as its raw bytes; None for a sample of another kind."""
    if sample.raw is None or not sample.raw.startswith(b'{"channels"'):
        return None
    try:
        return read_back(sample.raw)
    except Refused:
        return None


def good_values(sample: Sample, layout: Layout) -> dict[str, float]:
    """Good values by channel."""
    return {name: value for name, value in zip(layout.channels, sample.values, strict=True) if value == value}


def past_text(one: Past, site_form: SiteForm, zone: str, language: Language) -> tuple[str, str]:
    """When, and the values as people read them, of an entry in the list."""
    form = site_form.form
    pattern = "%d/%m/%Y %H:%M" if language == "vi" else "%Y-%m-%d %H:%M"
    when = local_text(one.entry.start_ns, zone, pattern)
    if one.entry.end_ns != one.entry.start_ns:
        when = f"{when} – {local_text(one.entry.end_ns, zone, pattern)}"
    words = []
    for channel in (name for name in form.profile.channels if name in one.entry.values):
        value = one.entry.values[channel]
        unit = unit_words(form.unit(channel), language)
        number = number_words(form.shown(channel, value), language)
        words.append(f"{channel_name(form.profile, channel, language)} {number}{f' {unit}' if unit else ''}")
    return when, " · ".join(words)


def known_at(past: Sequence[Past], at_ns: int) -> Known:
    """What a reading of that time is held against: neighbours, and entries that may collide."""
    before: dict[str, list[tuple[int, float]]] = {}
    after: dict[str, list[tuple[int, float]]] = {}
    counting = [one for one in past if one.counts]
    for one in counting:
        side = before if one.entry.start_ns < at_ns else after
        for name, value in one.good.items():
            side.setdefault(name, []).append((one.entry.start_ns, value))
    return Known(
        before={name: rows[-1:-3:-1] for name, rows in before.items()},
        after={name: rows[:2] for name, rows in after.items()},
        moments=[(one.entry.start_ns, one.entry.end_ns, one.entry.id) for one in counting],
    )
