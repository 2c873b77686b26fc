"""What a results file says besides its results: the plant's laboratory, air factors, exchange rates, how to appraise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from dodac._toml_files import parse_toml, read_toml_text
from dodac._toml_lines import key_lines, line_of
from dodac.errors import ConfigError, Where
from dodac.quantities import nearest

if TYPE_CHECKING:
    from analysis.benefits import Discount, ExchangeRate, PlantFuel

_T = TypeVar("_T")
_TABLES: Final = ("results", "plant", "air", "rates", "appraisal")
_PLANT: Final = ("source", "ncv_gj", "co2_kg_gj", "sulphur_pct", "ash_pct", "removed_pct")
_RATE: Final = ("base", "quote", "rate", "day", "source")
_APPRAISAL: Final = ("life_years", "rate_pct", "escalation_pct", "terms")


@dataclass(frozen=True)
class Settings:
    """What the files of one table choose; nothing where they say nothing."""

    plant: Mapping[str, PlantFuel] = field(default_factory=dict)
    air: Mapping[tuple[str, str], str] = field(default_factory=dict)
    rates: tuple[ExchangeRate, ...] = ()
    discount: Discount | None = None


def read_settings(paths: Sequence[Path]) -> Settings:
    """The settings of all files together; see docs/explanation/benefits.md.

    Raises ConfigError with file, line and nearest key; and where two files choose differently.
    """
    plant: dict[str, PlantFuel] = {}
    air: dict[tuple[str, str], str] = {}
    rates: list[ExchangeRate] = []
    discount: Discount | None = None
    for path in paths:
        text = read_toml_text(path, "results")
        data = parse_toml(text, path)
        lines = key_lines(text)

        def at(
            key: Sequence[str | int],
            make: Callable[[], _T],
            lines: Any = lines,
            path: Path = path,
        ) -> _T:
            try:
                return make()
            except (ConfigError, KeyError, TypeError, ValueError, AttributeError) as error:
                words = error.what if isinstance(error, ConfigError) else f"{error} is missing or no value."
                todo = error.todo if isinstance(error, ConfigError) else ""
                where = Where(file=str(path), line=line_of(lines, tuple(key)))
                raise ConfigError(f"{'.'.join(map(str, key))}: {words}", where, todo) from None

        for key in data:
            at((key,), partial(_known, {key: 0}, _TABLES))
        for fuel, row in _table(data, "plant", at).items():
            _new(plant, fuel, at(("plant", fuel), partial(_plant, row)), path)
        for fuel, rows in _table(data, "air", at).items():
            named: dict[str, Any] = at(("air", fuel), partial(dict, rows))
            for pollutant, name in named.items():
                _new(air, (fuel, pollutant), str(name), path)
        for place, row in enumerate(data.get("rates", [])):
            rates.append(at(("rates", place), partial(_rate, row)))
        if "appraisal" in data:
            made = at(("appraisal",), partial(_discount, data["appraisal"]))
            if discount not in (None, made):
                raise ConfigError(
                    "two files appraise differently.", Where(file=str(path)), "Keep one [appraisal]."
                )
            discount = made
    return Settings(plant, air, tuple(rates), discount)


def _table(data: Mapping[str, Any], name: str, at: Callable[..., Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = at((name,), partial(dict, data.get(name, {})))
    return found


def _new(into: dict[Any, Any], key: Any, value: object, path: Path) -> None:
    if into.setdefault(key, value) != value:
        raise ConfigError(
            f"{key}: two files say different things.",
            Where(file=str(path)),
            "Show their results in two tables.",
        )


def _plant(row: Mapping[str, Any]) -> PlantFuel:
    from analysis.benefits import PlantFuel

    _known(row, _PLANT)
    return PlantFuel(**{**row, "source": str(row["source"])})


def _rate(row: Mapping[str, Any]) -> ExchangeRate:
    from analysis.benefits import ExchangeRate

    _known(row, _RATE)
    if not isinstance(row["day"], date):
        raise ConfigError('"day" is no date.', todo="Write 2003-12-31, without quotes.")
    return ExchangeRate(
        str(row["base"]), str(row["quote"]), float(row["rate"]), row["day"], str(row["source"])
    )


def _discount(row: Mapping[str, Any]) -> Discount:
    from analysis.benefits import Discount

    _known(row, _APPRAISAL)
    return Discount(
        row["life_years"],
        float(row["rate_pct"]),
        float(row.get("escalation_pct", 0.0)),
        str(row.get("terms", "real")),
    )


def _known(row: object, keys: Sequence[str]) -> None:
    if not isinstance(row, Mapping):
        raise ConfigError("this is no table.")
    for key in row:
        if key not in keys:
            near = nearest(key, keys)
            raise ConfigError(
                f'unknown key "{key}".',
                todo=f'Did you mean "{near}"?' if near else f"Known: {', '.join(keys)}.",
            )
