"""The benefit table of verified savings, and of results that were reported to a programme in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dodac._toml_files import parse_toml, read_toml_text
from dodac._toml_lines import key_lines, line_of
from dodac.errors import ConfigError, Where
from dodac.money import Money
from dodac.quantities import CHANNELS, nearest

if TYPE_CHECKING:
    from analysis.benefits import OptionResult
    from audit.register import Register

# what a plan's energy channel is in the benefit table; heat and steam are made from a fuel, which a plan must name
_RESOURCES: Final = {"kWh": "electricity", "Nm3": "natural_gas", "m3": "water"}
_KEYS: Final = (
    "id", "start", "end", "evidence", "company", "province", "programme", "investment", "saving",
    "saving_per_year", "amounts", "normal_year", "given", "meter",
)  # fmt: skip
_AMOUNT: Final = ("resource", "value", "unit", "half_width", "grade", "density_kg_l", "increase")
_MONEY: Final = ("amount", "currency", "price_date")


def results_of(register: Register, confidence: float = 0.90) -> tuple[OptionResult, ...]:
    """The last verified saving of each plan as a result of its option, class "verified", and then of each plan of tests.

    Plans of one option over the same days are one result (a kiln's coal and gas), with its one investment. What
    tests showed keeps its own class (option A: measured, or estimated), and is left out where a baseline's saving
    of the same option and resource stands: it would count twice. A saving that was verified at another confidence
    than the table's is brought to it by the normal distribution. A saving of heat or steam is left out: which
    fuel made it, its plan does not say.
    """
    from statistics import NormalDist

    from analysis.benefits import OptionResult, amount

    def z(level: float) -> float:
        return NormalDist().inv_cdf(0.5 + level / 2.0)

    last = {saving.plan: saving for saving in register.savings()}
    found = []
    whole: set[tuple[str, str]] = set()
    for plan in register.plans():
        saving = last.get(plan.id)
        channel = CHANNELS[plan.energy[1]]
        resource = _RESOURCES.get(channel.unit) if not channel.name.startswith("heat") else None
        if saving is None or resource is None:
            continue
        option = register.option(plan.option)
        whole.add((option.id, resource))
        half = saving.half_width * z(confidence) / z(saving.confidence)
        found.append(
            OptionResult(
                option.id,
                date.fromisoformat(saving.start),
                date.fromisoformat(saving.end),
                amounts=(
                    amount(
                        resource, saving.saving, saving.unit, "verified",
                        half_width=half, increase=saving.saving < 0,
                    ),
                ),
                investment=option.investment,
                saving=saving.money,
                company=option.company,
                meter=plan.energy[0],
            )
        )  # fmt: skip
    tested = {saving.plan: saving for saving in register.isolated.savings()}
    for test in tested.values():
        plan_of = register.isolated.plan_of(test)
        if (plan_of.option, plan_of.resource) in whole:
            continue
        option = register.option(plan_of.option)
        found.append(
            OptionResult(
                option.id,
                date.fromisoformat(test.start),
                date.fromisoformat(test.end),
                amounts=(
                    amount(
                        plan_of.resource, test.saving, test.unit, test.evidence_class,
                        half_width=test.half_width * z(confidence) / z(test.confidence),
                        grade=plan_of.grade or None, density_kg_l=plan_of.density_kg_l,
                        increase=test.saving < 0,
                    ),
                ),
                investment=option.investment,
                saving=test.money,
                company=option.company,
            )
        )  # fmt: skip
    return _of_options(found)


def _of_options(results: Sequence[OptionResult]) -> tuple[OptionResult, ...]:
    """Results of one option over the same days as one: amounts together, savings added, one investment."""
    from analysis.benefits import money_sum

    found: dict[tuple[str, str, date, date], OptionResult] = {}
    apart: list[OptionResult] = []
    for one in results:
        key = (one.company, one.id, one.start, one.end)
        first = found.setdefault(key, one)
        if first is one:
            continue
        moneys = [money for money in (first.saving, one.saving) if money is not None]
        saving = money_sum(moneys) if len(moneys) == 2 else None
        # a meter twice would add one saving to itself; a sum with a part unknown, or of two currencies, is none
        again = one.meter and one.meter in first.meter.split("+")
        if again or len(moneys) == 1 or (moneys and not isinstance(saving, Money)):
            apart.append(one)
            continue
        found[key] = replace(
            first,
            amounts=(*first.amounts, *one.amounts),
            saving=saving if isinstance(saving, Money) else None,
            meter="+".join(name for name in (first.meter, one.meter) if name),
        )
    return (*found.values(), *apart)


def read_results(path: Path) -> tuple[OptionResult, ...]:
    """Results of a TOML file: [[results]] with id, start, end, evidence, amounts, money; see docs/explanation/benefits.md.

    Raises ConfigError with file, line and nearest key.
    """
    text = read_toml_text(path, "results")
    data = parse_toml(text, path)
    lines = key_lines(text)

    def fault(words: str, key: Sequence[str | int], todo: str = "") -> ConfigError:
        return ConfigError(words, Where(file=str(path), line=line_of(lines, tuple(key))), todo)

    rows = data.get("results")
    if not isinstance(rows, list) or not rows:
        raise ConfigError("there are no results in it.", Where(file=str(path)), "Write [[results]].")
    found = []
    for place, row in enumerate(rows):
        try:
            found.append(_result(row))
        except (ConfigError, KeyError, TypeError, ValueError) as error:
            words = error.what if isinstance(error, ConfigError) else f"{error}"
            todo = error.todo if isinstance(error, ConfigError) else ""
            raise fault(f"results, entry {place + 1}: {words}", ("results", place), todo) from None
    return tuple(found)


def _result(row: Mapping[str, Any]) -> OptionResult:
    from analysis.benefits import OptionResult

    _known(row, _KEYS)
    for key in ("id", "start", "end", "evidence"):
        if key not in row:
            raise ConfigError(f'the key "{key}" is missing.')
    for key in ("start", "end"):
        if not isinstance(row[key], date):
            raise ConfigError(f'"{key}" is no date.', todo="Write 2003-01-31, without quotes.")
    evidence = str(row["evidence"])
    for key, kind, words in (
        ("given", dict, "{ co2 = 12.5 }"),
        ("amounts", list, "[ … ]"),
        ("normal_year", list, "[ … ]"),
    ):
        if not isinstance(row.get(key, kind()), kind):
            raise ConfigError(f'"{key}" is written {key} = {words}.')
    return OptionResult(
        str(row["id"]),
        row["start"],
        row["end"],
        amounts=tuple(_amount(item, evidence) for item in row.get("amounts", [])),
        normal_year=tuple(_amount(item, evidence) for item in row.get("normal_year", [])),
        investment=_money(row, "investment"),
        saving=_money(row, "saving"),
        saving_per_year=_money(row, "saving_per_year"),
        given={name: _given(name, value, evidence) for name, value in row.get("given", {}).items()},
        company=str(row.get("company", "")),
        province=str(row.get("province", "")),
        programme=str(row.get("programme", "")),
        meter=str(row.get("meter", "")),
    )


def _amount(item: Mapping[str, Any], evidence: str) -> Any:
    from analysis.benefits import amount

    _known(item, _AMOUNT)
    if not {"resource", "value", "unit"} <= set(item):
        raise ConfigError("an amount needs resource, value and unit.")
    return amount(
        item["resource"],
        item["value"],
        item["unit"],
        evidence,
        half_width=item.get("half_width"),
        grade=item.get("grade"),
        density_kg_l=item.get("density_kg_l"),
        increase=bool(item.get("increase", False)),
    )


def _given(name: str, value: object, evidence: str) -> Any:
    from analysis.benefits import COLUMNS, EvidenceClass, Figure

    if name not in COLUMNS:
        near = nearest(name, COLUMNS)
        raise ConfigError(
            f'"{name}" is no column of the benefit table.', todo=f'Did you mean "{near}"?' if near else ""
        )
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f'given.{name} = "{value}" is no number.')
    return Figure(float(value), COLUMNS[name].unit, EvidenceClass(evidence))


def _money(row: Mapping[str, Any], key: str) -> Money | None:
    value = row.get(key)
    if value is None:
        return None
    if not isinstance(value, Mapping) or set(value) != set(_MONEY):
        raise ConfigError(f'"{key}": write {{ amount = 650000, currency = "USD", price_date = "2003" }}.')
    return Money(float(value["amount"]), str(value["currency"]), str(value["price_date"]))


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
