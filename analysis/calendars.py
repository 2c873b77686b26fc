"""Day types of a country's calendar: usual days, public holidays, and the days around Tết."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from dodac.errors import ConfigError
from dodac.quantities import nearest

# The lunar New Year is one shutdown of a week and more in Vietnam, not five separate holidays.
_TET_COUNTRIES = {"VN": "Lunar New Year"}


def calendar_version(country: str | None) -> str:
    """Which calendar gave the day types, for the record: "holidays 0.109 VN"; "" for none."""
    if country is None:
        return ""
    from importlib.metadata import version

    return f"holidays {version('holidays')} {country}"


def day_types(
    days: pd.DatetimeIndex,
    country: str | None,
    *,
    tet_before: int = 2,
    tet_after: int = 2,
    workdays: bool = False,
) -> pd.Series[str]:
    """The type of each local day: "normal", "holiday" or "tet"; "workday" for one worked in exchange.

    tet_before, tet_after: neighbours of the Tết holidays that count as Tết too, because plants run
    down before and start up after it. workdays: days of a weekend on which the country works because
    of a holiday nearby (China publishes them each year, Vietnam in some years) are "workday"; models
    take them for a usual working day. Without a country every day is "normal". Dates follow the
    `holidays` package (Vietnamese Labour Code 2019, art. 112; substitute days as it lists them).
    Raises ConfigError for a country the package does not know.
    """
    if country is None or not len(days):
        return _series(["normal"] * len(days), days)
    import holidays

    countries = holidays.list_supported_countries()
    if country not in countries:
        near = nearest(country, countries)
        todo = f'Did you mean "{near}"?' if near else 'Write a two-letter code, e.g. "VN".'
        raise ConfigError(f'there is no holiday calendar "{country}".', todo=todo)
    # a year more on both sides: Tết of January may reach into December's neighbours
    years = range(days[0].year - 1, days[-1].year + 2)
    language = "en_US" if country in _TET_COUNTRIES else None
    named = holidays.country_holidays(country, years=years, language=language)
    types: dict[date, str] = dict.fromkeys(named, "holiday")
    tet_name = _TET_COUNTRIES.get(country)
    if tet_name is not None:
        for day, name in list(named.items()):
            if tet_name in name:
                for shift in range(-tet_before, tet_after + 1):
                    types[day + timedelta(days=shift)] = "tet"
    if workdays:
        types |= dict.fromkeys(getattr(named, "weekend_workdays", ()), "workday")
    return _series([types.get(day, "normal") for day in days.date], days)


def _series(words: list[str], days: pd.DatetimeIndex) -> pd.Series[str]:
    return pd.Series(words, index=days, name="day_type", dtype=object)
