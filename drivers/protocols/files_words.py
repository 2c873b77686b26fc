"""What words in headers mean: the table of synonyms and how a file's own header is read with it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from dodac.quantities import CHANNELS
from dodac.units import conversion
from drivers.protocols.files_units import file_unit, is_foreign, split_name

# of average, least and highest value of an interval the average is the reading
_AVERAGE: Final = re.compile(r"^(ave|avg|average|mean) | (ave|avg|average|mean)$")
CURRENCIES: Final = {
    "vnd": "VND", "d": "VND", "dong": "VND", "₫": "VND", "usd": "USD", "$": "USD", "eur": "EUR", "€": "EUR",
}  # fmt: skip
_TABLE: Final = Path(__file__).parent.parent / "file_words.yaml"


@dataclass(frozen=True, slots=True)
class Sense:
    """One thing that a word of two meanings can be."""

    channel: str
    cues: frozenset[str]
    meaning: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The table drivers/file_words.yaml, words in their plain form."""

    channels: Mapping[str, str]
    two_senses: Mapping[str, tuple[Sense, ...]]
    known: Mapping[str, str]
    times: frozenset[str]
    dates: frozenset[str]
    clocks: frozenset[str]
    elapsed: frozenset[str]
    totals: frozenset[str]
    bills: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one column is taken for.

    channel: None when it is left out; unit: what the file says, None when it says nothing or the
    channel's own. note: why it is left out, or how it was decided. choices: channels between which the
    user must decide.
    """

    column: str
    channel: str | None
    unit: str | None = None
    note: str = ""
    choices: tuple[str, ...] = ()


def plain(name: str) -> str:
    """A word without case, accents and signs: "Nhiệt độ khói" is "nhiet do khoi"."""
    flat = unicodedata.normalize("NFD", name.casefold().replace("đ", "d"))
    flat = "".join(sign for sign in flat if not unicodedata.combining(sign))
    flat = unicodedata.normalize("NFKC", flat)  # O₂ is O2
    return re.sub(r"[^a-z0-9%ηλ]+", " ", flat).strip()


@cache
def vocabulary() -> Vocabulary:
    """The table, read once."""
    import yaml

    table: dict[str, Any] = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))

    def turned(groups: Mapping[str, Iterable[Any]]) -> dict[str, str]:
        return {plain(str(word)): name for name, words in groups.items() for word in words}

    def several(key: str) -> frozenset[str]:
        return frozenset(plain(str(word)) for word in table[key])

    two = {
        word: tuple(
            Sense(s["channel"], frozenset(plain(str(c)) for c in s["cues"]), s["meaning"]) for s in senses
        )
        for word, senses in table["by_language"].items()
    }
    bills = {name: frozenset(plain(str(word)) for word in words) for name, words in table["bills"].items()}
    return Vocabulary(
        turned(table["words"]), two, turned(table["known"]), several("times"), several("dates"),
        several("clocks"), several("elapsed"), several("totals"), bills,
    )  # fmt: skip


def is_time_word(name: str) -> bool:
    """True for a header cell that names a column of times."""
    return plain(split_name(name)[0]) in vocabulary().times or plain(name) in vocabulary().times


def is_date_word(name: str) -> bool:
    """True for a header cell that names a column of times, of a log or of bills."""
    bills = vocabulary().bills
    return is_time_word(name) or plain(split_name(name)[0]) in bills["from"] | bills["to"] | bills["read"]


def is_elapsed_word(name: str) -> bool:
    """True for a header cell that can name seconds from a start."""
    return is_time_word(name) or plain(split_name(name)[0]) in vocabulary().elapsed


def known_words(header: Sequence[str]) -> int:
    """How many cells of a line are words of the table: a header has the most."""
    table = vocabulary()
    bills = frozenset().union(*table.bills.values())
    count = 0
    for name in header:
        bare, whole = _AVERAGE.sub("", plain(split_name(name)[0])), plain(name)
        count += (
            any(
                word in table.channels
                or word in table.two_senses
                or word in table.known
                or word in table.times
                or word in bills
                for word in (bare, whole)
                if word
            )
            or name in CHANNELS
        )
    return count


def meanings(header: Sequence[str], units: Mapping[str, str] | None = None) -> list[Meaning]:
    """What each named column of a header is, in order; columns of unknown words are not among them.

    units: units from a row of their own, by column.
    """
    table = vocabulary()
    spoken = {plain(split_name(name)[0]) for name in header} | {plain(name) for name in header}
    found: list[Meaning] = []
    taken: dict[str, int] = {}
    for name in header:
        one = _one(name, (units or {}).get(name, ""), table, spoken)
        if one is None:
            continue
        if one.channel is not None and one.channel in taken:
            first = found[taken[one.channel]]
            note = f'"{first.column}" and "{name}" both mean {one.channel}'
            found[taken[one.channel]] = Meaning(first.column, None, None, note, (one.channel,))
            one = Meaning(name, None, None, note, (one.channel,))
        elif one.channel is not None:
            taken[one.channel] = len(found)
        found.append(one)
    return found


def _one(name: str, unit_row: str, table: Vocabulary, spoken: set[str]) -> Meaning | None:
    bare, said = split_name(name)
    if file_unit(said) is None and not is_foreign(said):
        said = unit_row or said
    if name in CHANNELS:
        return Meaning(name, name)
    for word in (plain(name), plain(bare), _AVERAGE.sub("", plain(bare))):
        if word in table.two_senses:
            return _by_cue(name, said, table.two_senses[word], spoken - {word})
        if word in table.channels:
            return _fitting(name, table.channels[word], said or ("MWh" if word == "mwh" else ""))
        if word in table.known:
            return Meaning(name, None, None, f"{table.known[word]}: no channel, left out")
    return None


def _by_cue(name: str, said: str, senses: tuple[Sense, ...], spoken: set[str]) -> Meaning:
    hits = [sense for sense in senses if sense.cues & spoken]
    if len(hits) == 1:
        cue = min(hits[0].cues & spoken)
        meaning = _fitting(name, hits[0].channel, said)
        note = meaning.note or f'{hits[0].meaning}: "{cue}" stands beside it'
        return Meaning(name, meaning.channel, meaning.unit, note, meaning.choices)
    both = " or ".join(f"{sense.channel} ({sense.meaning})" for sense in senses)
    return Meaning(name, None, None, f"can be {both}", tuple(sense.channel for sense in senses))


def _fitting(name: str, channel: str, said: str) -> Meaning:
    if is_foreign(said):
        return Meaning(name, None, None, f"{said} can't be turned into {CHANNELS[channel].unit}: left out")
    unit = file_unit(said)
    if unit is None:
        if _is_unknown_unit(said):
            return Meaning(name, None, None, f'"{said[:40]}" is no unit of {channel} that is known: left out')
        return Meaning(name, channel)
    try:
        conversion(unit, CHANNELS[channel].unit)
    except ValueError:
        other = _of_unit(channel, unit)
        if other is not None:
            return Meaning(name, other, unit)
        return Meaning(name, None, None, f"{said} does not fit {channel}: left out")
    return Meaning(name, channel, unit)


def _is_unknown_unit(said: str) -> bool:
    """True for money and for what looks like a unit, "tCO2": not for a remark such as "dry" or "stack"."""
    words = plain(said).split() or [said.strip()]
    if any(word in CURRENCIES for word in words):
        return True
    remark = all(len(word) > 2 and word.isalpha() for word in words) and said in (
        said.lower(),
        said.capitalize(),
    )
    return bool(said.strip("_- .")) and not remark and not said.strip().isdecimal()


def _of_unit(channel: str, unit: str) -> str | None:
    """Words that are used of two quantities, told apart by their unit: "Gas [m3]", "CO2 [ppm]"."""
    siblings = {
        ("co2_pct", "ppm"): "co2_ppm", ("gas_interval_nm3", "m3"): "volume_interval_m3",
        ("energy_interval_kwh", "kW"): "power_w", ("energy_interval_kwh", "W"): "power_w",
        ("energy_interval_kwh", "MW"): "power_w", ("power_w", "kWh"): "energy_interval_kwh",
        ("output_units", "kWh"): "energy_interval_kwh", ("output_units", "MWh"): "energy_interval_kwh",
        ("fuel_interval_kg", "l"): "fuel_interval_m3", ("fuel_interval_kg", "m3"): "fuel_interval_m3",
        ("fuel_interval_m3", "kg"): "fuel_interval_kg", ("fuel_interval_m3", "t"): "fuel_interval_kg",
        ("output_units", "kg"): "mass_kg", ("output_units", "t"): "mass_kg",
        ("volume_interval_m3", "m3/h"): "flow_m3h",
    }  # fmt: skip
    return siblings.get((channel, unit))
