"""What speaks against an exchange as it was told: readings before and after it, and how fast the meter counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from dodac.clock import HOUR_NS, local_text
from dodac.quantities import CHANNELS
from dodac.words import Language, number_text

if TYPE_CHECKING:
    from store import JournalStore

Reading = tuple[int, float]

_SLACK: Final = 1e-6
_SEEN: Final = 12  # readings on either side
_OUTRUNS: Final = 20.0
_AT_LEAST: Final = 1.0  # what a meter's display may leave out, canonical unit


@dataclass(frozen=True, slots=True)
class Doubt:
    """What speaks against an exchange as it was told, in both languages: it may be right all the same."""

    vi: str
    en: str


def doubts_of(
    store: JournalStore, instrument: str, channel: str, time_ns: int, ends: tuple[float, float], zone: str,
    hourly: float | None,
) -> Iterator[Doubt]:  # fmt: skip
    """Doubts about the two readings of one counter: too low, too high, or so high that the unit is another.

    ends: last reading of the old meter, first of the new one. hourly: the most it can rise in an hour, if known.
    """
    before, after = around(store, instrument, channel, time_ns)
    pace = max(_pace(before), _pace(after)) if hourly is None else hourly / HOUR_NS
    unit, (end, start) = CHANNELS[channel].unit, ends
    if before and end < before[-1][1] - abs(before[-1][1]) * _SLACK:
        yield _doubt(
            ("Chỉ số cuối {} {} nhỏ hơn số đã đọc lúc {}: {}.",
             "The old meter's last reading {} {} is below the one of {}: {}."), end, unit, before[-1], zone,
        )  # fmt: skip
    elif before and pace is not None and _too_much(end - before[-1][1], time_ns - before[-1][0], pace):
        yield _doubt(
            ("Chỉ số cuối {} {} lớn hơn nhiều so với số đã đọc lúc {}: {}. Kiểm tra đơn vị và dấu thập phân.",
             "The old meter's last reading {} {} is far above the one of {}: {}. Look at unit and decimal sign."),
            end, unit, before[-1], zone,
        )  # fmt: skip
    if after and start > after[0][1] + abs(after[0][1]) * _SLACK:
        yield _doubt(
            ("Chỉ số đầu {} {} lớn hơn số đã đọc lúc {}: {}.",
             "The new meter's first reading {} {} is above the one of {}: {}."), start, unit, after[0], zone,
        )  # fmt: skip
    elif after and pace is not None and _too_much(after[0][1] - start, after[0][0] - time_ns, pace):
        yield _doubt(
            ("Chỉ số đầu {} {} nhỏ hơn nhiều so với số đã đọc lúc {}: {}. Kiểm tra đơn vị và dấu thập phân.",
             "The new meter's first reading {} {} is far below the one of {}: {}. Look at unit and decimal sign."),
            start, unit, after[0], zone,
        )  # fmt: skip


def around(
    store: JournalStore, instrument: str, channel: str, time_ns: int
) -> tuple[list[Reading], list[Reading]]:
    """The good readings just before a moment and from it on; what other exchanges told are readings too."""
    before, after = store.around(instrument, channel, time_ns, _SEEN)
    for known in store.breaks(instrument, channel):
        if known.time_ns < time_ns and (not before or known.time_ns >= before[-1][0]):
            before = [(known.time_ns, known.start)]
        elif known.time_ns > time_ns and (not after or known.time_ns <= after[0][0]):
            after = [(known.time_ns, known.end)]
            break
    return before, after


def _pace(readings: list[Reading]) -> float:
    """The fastest rise among readings, per ns; 0 where there is none."""
    pairs = pairwise(readings)
    return max(((b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs if b[0] > a[0] and b[1] > a[1]), default=0.0)


def _too_much(rise: float, gap_ns: int, pace: float) -> bool:
    return pace > 0 and rise > max(_AT_LEAST, _OUTRUNS * pace * max(gap_ns, HOUR_NS))


def _doubt(words: tuple[str, str], number: float, unit: str, seen: Reading, zone: str) -> Doubt:
    vi, en = words
    return Doubt(
        vi.format(
            plain(number, "vi"), unit, local_text(seen[0], zone, "%d/%m/%Y %H:%M"), plain(seen[1], "vi")
        ),
        en.format(plain(number, "en"), unit, local_text(seen[0], zone), plain(seen[1], "en")),
    )


def plain(number: float, language: Language) -> str:
    """A meter's number with as many decimals as it has, six at most."""
    text = f"{number:.6f}".rstrip("0").rstrip(".")
    return number_text(number, len(text.partition(".")[2]), language)
