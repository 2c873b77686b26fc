"""Day types of a country's calendar and a company's own: usual days, public holidays, the days around Tết."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import pandas as pd

from dodac.errors import ConfigError
from dodac.quantities import nearest

# The lunar New Year is one shutdown of a week and more in Vietnam, not five separate holidays.
_TET_COUNTRIES = {"VN": "Lunar New Year"}
# what the `holidays` package calls it elsewhere; taken for such a block only when asked for
_LUNAR_COUNTRIES = {
    **_TET_COUNTRIES,
    **dict.fromkeys(
        ("CN", "TW", "SG", "MY", "ID", "HK", "MO", "PH"), "Chinese New Year|Lunar New Year|Spring Festival"
    ),
    "KR": "Korean New Year|Lunar New Year",
}

DAY_TYPES: Final = (
    "normal", "holiday", "tet", "tet_before", "tet_after", "before_holiday", "after_holiday", "bridge", "make_up",
    "shutdown", "working",
)  # fmt: skip
"""Every word that day_types can give."""


@dataclass(frozen=True)
class CompanyCalendar:
    """A plant's own days; they go before the country's.

    shutdowns: (first, last) of stretches it stands still ("shutdown"); holidays: its own ("holiday");
    working: days it works though they are Sundays or public holidays ("working" on a rest day, "normal"
    else); make_up: rest days worked for a day off elsewhere, làm bù ("make_up"); rest_days: weekdays
    it rests on, Monday 0.
    """

    name: str
    shutdowns: tuple[tuple[date, date], ...] = ()
    holidays: frozenset[date] = frozenset()
    working: frozenset[date] = frozenset()
    make_up: frozenset[date] = frozenset()
    rest_days: tuple[int, ...] = (6,)

    def type_of(self, day: date) -> str | None:
        """The company's own word for a day; None where it has none."""
        if any(first <= day <= last for first, last in self.shutdowns):
            return "shutdown"
        if day in self.make_up:
            return "make_up"
        if day in self.working:
            return "working" if day.weekday() in self.rest_days else "normal"
        return "holiday" if day in self.holidays else None


def company_calendar(settings: Mapping[str, Any]) -> CompanyCalendar:
    """A company's calendar from plain data, as a TOML table gives it.

    Keys: name, shutdowns, holidays, working, make_up (lists of "2026-02-10" or "2026-02-10..2026-02-25",
    or dates), rest_days (weekdays, Monday 0). Raises ConfigError naming the key that is wrong.
    """
    known = {"name", "shutdowns", "holidays", "working", "make_up", "rest_days"}
    for key in settings:
        if key not in known:
            near = nearest(key, known)
            raise ConfigError(
                f'a company calendar has no "{key}".', todo=f'Did you mean "{near}"?' if near else ""
            )
    rest = settings.get("rest_days", (6,))
    if not all(isinstance(one, int) and 0 <= one <= 6 for one in rest):
        raise ConfigError("rest_days are weekdays from 0 (Monday) to 6 (Sunday).")
    days = {
        key: _stretches(settings.get(key, ()), key) for key in ("shutdowns", "holidays", "working", "make_up")
    }
    single = {key: frozenset(_each(days[key])) for key in ("holidays", "working", "make_up")}
    both = (single["working"] | single["make_up"]) & frozenset(_each(days["shutdowns"]))
    if both:
        raise ConfigError(f"{min(both)} is worked and in a shutdown.", todo="Leave it out of one.")
    return CompanyCalendar(
        str(settings.get("name", "company")), tuple(days["shutdowns"]), **single, rest_days=tuple(rest)
    )


def _stretches(values: Iterable[Any], key: str) -> list[tuple[date, date]]:
    found = []
    for value in values:
        try:
            if isinstance(value, date):
                first = last = value
            else:
                begin, _, end = str(value).partition("..")
                first = date.fromisoformat(begin.strip())
                last = date.fromisoformat(end.strip()) if end else first
        except ValueError:
            raise ConfigError(
                f'{key}: "{value}" is no day.', todo='Write "2026-02-10" or "2026-02-10..2026-02-25".'
            ) from None
        if last < first:
            raise ConfigError(f'{key}: "{value}" ends before it begins.')
        found.append((first, last))
    return found


def _each(stretches: Iterable[tuple[date, date]]) -> Iterable[date]:
    for first, last in stretches:
        for shift in range((last - first).days + 1):
            yield first + timedelta(days=shift)


def calendar_version(country: str | None, company: CompanyCalendar | None = None) -> str:
    """Which calendar gave the day types, for the record: "holidays 0.109 VN"; "" for none."""
    own = f"company {company.name}" if company is not None else ""
    if country is None:
        return own
    from importlib.metadata import version

    text = f"holidays {version('holidays')} {country}"
    return f"{text}, {own}" if own else text


def day_types(
    days: pd.DatetimeIndex,
    country: str | None,
    *,
    tet_before: int = 2,
    tet_after: int = 2,
    tet_parts: bool = False,
    lunar_new_year: bool = False,
    before: int = 0,
    after: int = 0,
    bridge: bool = False,
    make_up: bool = False,
    rest_days: Sequence[int] = (5, 6),
    company: CompanyCalendar | None = None,
) -> pd.Series[str]:
    """The type of each local day: "normal", "holiday" or "tet", and with options more (DAY_TYPES).

    tet_before, tet_after: neighbours of the Tết holidays that count as Tết too, because plants run
    down before and start up after it; tet_parts: they are "tet_before" and "tet_after" instead.
    lunar_new_year: other countries' lunar New Year is "tet" as well. before, after: days beside any
    other holiday that are usual else become "before_holiday", "after_holiday"; bridge: a lone usual day
    between days off (a holiday on one side at least) becomes "bridge"; rest_days: weekdays off for
    that. make_up: rest days that the country's calendar makes working days (làm bù). company: its own
    days go before all. Without a country every other day is "normal".

    days may be of any interval: each row has the type of its date. Dates follow the `holidays` package (Vietnamese Labour
    Code 2019, art. 112; substitute days as it lists them). Raises ConfigError for a country it does not know.
    """
    if not len(days):
        return _series([], days)
    if min(tet_before, tet_after, before, after) < 0:
        raise ConfigError("numbers of days beside a holiday can't be below 0.")
    types: dict[date, str] = {}
    if country is not None:
        names, worked = _named(country, days)
        types = dict.fromkeys(names, "holiday")
        pattern = (_LUNAR_COUNTRIES if lunar_new_year else _TET_COUNTRIES).get(country)
        if pattern is not None:
            _tet(types, names, pattern.split("|"), tet_before, tet_after, parts=tet_parts)
        _neighbours(types, before, after, bridge=bridge, rest_days=rest_days)
        if make_up:
            types.update(
                dict.fromkeys((day for day in worked if types.get(day) in (None, "bridge")), "make_up")
            )
    found = []
    for day in days.date:
        own = company.type_of(day) if company is not None else None
        found.append(own or types.get(day, "normal"))
    return _series(found, days)


def _named(country: str, days: pd.DatetimeIndex) -> tuple[dict[date, str], set[date]]:
    """The holidays with their names, and the rest days made working days, of the years around."""
    import holidays

    countries = holidays.list_supported_countries()
    if country not in countries:
        near = nearest(country, countries)
        todo = f'Did you mean "{near}"?' if near else 'Write a two-letter code, e.g. "VN".'
        raise ConfigError(f'there is no holiday calendar "{country}".', todo=todo)
    # a year more on both sides: Tết of January may reach into December's neighbours
    years = range(days.min().year - 1, days.max().year + 2)
    language = "en_US" if country in _LUNAR_COUNTRIES else None
    named = holidays.country_holidays(country, years=years, language=language)
    return dict(named.items()), set(getattr(named, "weekend_workdays", ()))


def _tet(
    types: dict[date, str],
    names: Mapping[date, str],
    words: Sequence[str],
    before: int,
    after: int,
    *,
    parts: bool,
) -> None:
    core = {day for day, name in names.items() if any(word in name for word in words)}
    # days off that touch the block belong to it (substitutes, weekends listed as holidays)
    for day in sorted(core):
        for sign in (-1, 1):
            beside = day + timedelta(days=sign)
            while beside in names and beside not in core:
                core.add(beside)
                beside += timedelta(days=sign)
    for day in core:
        for shift in range(-before, after + 1):
            beside = day + timedelta(days=shift)
            if beside in core:
                types[beside] = "tet"
            elif parts:
                kind = "tet_before" if shift < 0 else "tet_after"
                if types.get(beside) not in ("tet", "tet_before"):
                    types[beside] = kind
            else:
                types[beside] = "tet"


def _neighbours(
    types: dict[date, str], before: int, after: int, *, bridge: bool, rest_days: Sequence[int]
) -> None:
    off = set(types)
    holidays = [day for day, kind in types.items() if kind == "holiday"]

    def rests(day: date) -> bool:
        return day in off or day.weekday() in rest_days

    for count, sign, word in ((after, 1, "after_holiday"), (before, -1, "before_holiday")):
        for day in holidays:
            for shift in range(1, count + 1):
                types.setdefault(day + timedelta(days=sign * shift), word)
    if bridge:
        for day in [*off]:
            for sign in (-1, 1):
                beside = day + timedelta(days=sign)
                if not rests(beside) and rests(beside + timedelta(days=sign)):
                    types[beside] = "bridge"


def _series(words: list[str], days: pd.DatetimeIndex) -> pd.Series[str]:
    return pd.Series(words, index=days, name="day_type", dtype=object)
