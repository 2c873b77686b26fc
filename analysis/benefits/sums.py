"""Sums of benefit rows: per company, province and programme, with what a sum can't know said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from analysis.benefits._words import (
    counted_twice,
    invested_once,
    payback_partial,
    periods_differ,
    refuse_missing,
)
from analysis.benefits.appraisals import Appraisal, together
from analysis.benefits.exchange import ExchangeRate, converted, money_sum
from analysis.benefits.figures import total
from analysis.benefits.resources import COLUMNS
from analysis.benefits.table import BenefitRow, mixed, payback
from analysis.results import Finding, Refusal
from dodac.errors import ConfigError
from dodac.money import Money


def summed(
    rows: Sequence[BenefitRow],
    by: str | None = None,
    currency: str | None = None,
    rates: Sequence[ExchangeRate] = (),
) -> tuple[BenefitRow, ...]:
    """Sums of rows: one over all, or one per company, province or programme (by), in order of first sight.

    Money in `currency` (the first investment's when none is named) at the rates of the price dates; the
    payback is Σ investment / Σ saving of the options that have both, and a finding says how many have not.
    """
    if by not in (None, "company", "province", "programme"):
        raise ConfigError(
            f'benefits can\'t be summed by "{by}".', todo="Write company, province or programme."
        )
    if any(row.options != 1 for row in rows):
        raise ConfigError("rows of options are summed, not sums: a sum has lost which options lack what.")
    groups: dict[str, list[BenefitRow]] = {}
    for row in rows:
        groups.setdefault(getattr(row, by) if by else "", []).append(row)
    return tuple(_sum(name, group, by, currency, rates) for name, group in groups.items())


def _sum(
    name: str,
    rows: Sequence[BenefitRow],
    by: str | None,
    currency: str | None,
    rates: Sequence[ExchangeRate],
) -> BenefitRow:
    rows, once = _invested_once(rows)
    start, end = min(row.start for row in rows), max(row.end for row in rows)
    cells = {column: total(row.cells[column] for row in rows) for column in COLUMNS}
    normal = {column: total(row.normal_year[column] for row in rows) for column in COLUMNS}
    findings = [finding for row in rows for finding in row.findings if finding.code == "given_differs"]
    findings += [*mixed(cells.values()), *once]
    if len({(row.start, row.end) for row in rows}) > 1:
        findings.append(periods_differ(str(start), str(end)))
    moneys = [row.investment for row in rows if isinstance(row.investment, Money)]
    wanted = currency or (moneys[0].currency if moneys else None)
    investment = _money(rows, lambda row: row.investment, wanted, rates)
    yearly = _money(rows, lambda row: row.saving_per_year, wanted, rates)
    both = [
        (row.investment, row.saving_per_year)
        for row in rows
        if isinstance(row.investment, Money) and isinstance(row.saving_per_year, Money)
    ]
    months: float | Refusal
    if both:
        months = payback(
            money_sum([first for first, _ in both], wanted, rates),
            money_sum([second for _, second in both], wanted, rates),
            rates,
        )
    else:
        months = refuse_missing("Investment with yearly saving", "vốn đầu tư cùng mức tiết kiệm năm")
    counted = sum(row.options for row in rows if _has_both(row))
    money = any(isinstance(value, Money) for row in rows for value in (row.investment, row.saving_per_year))
    if money and counted < len(rows):
        findings.append(payback_partial(counted, len(rows)))
    findings += _shared_meters(rows)
    appraisals = [row.appraisal for row in rows if isinstance(row.appraisal, Appraisal)]
    return BenefitRow(
        name or by or "total",
        start,
        end,
        cells,
        normal,
        investment,
        _money(rows, lambda row: row.saving, wanted, rates),
        yearly,
        months,
        tuple(findings),
        sum(row.options for row in rows),
        company=_shared(row.company for row in rows),
        province=_shared(row.province for row in rows),
        programme=_shared(row.programme for row in rows),
        appraisal=together(appraisals, wanted, rates) if appraisals else None,
    )


def _invested_once(rows: Sequence[BenefitRow]) -> tuple[list[BenefitRow], list[Finding]]:
    """Several rows of one option (two meters, two quarters) carry its one investment: it counts once."""
    seen: set[tuple[str, str, Money]] = set()
    found, again = [], []
    for row in rows:
        whole, life = row.investment, row.appraisal
        key = (row.company, row.id, whole) if isinstance(whole, Money) and whole.amount else None
        if key is None or key not in seen:
            found.append(row)
        else:
            again.append(row.id)
            if isinstance(life, Appraisal):
                life = replace(life, flows=(life.flows[0] + key[2].amount, *life.flows[1:]))
            nothing = Money(0.0, key[2].currency, key[2].price_date)
            found.append(replace(row, investment=nothing, appraisal=life))
        if key is not None:
            seen.add(key)
    return found, [invested_once(list(dict.fromkeys(again)))] if again else []


def _shared_meters(rows: Sequence[BenefitRow]) -> list[Finding]:
    """Pairs of options that one meter measured in overlapping periods: each saving may hold the other's."""
    found = []
    for place, one in enumerate(rows):
        for other in rows[place + 1 :]:
            both = set(one.meter.split("+")) & set(other.meter.split("+")) - {""}
            at_once = one.start <= other.end and other.start <= one.end
            if both and at_once and one.company == other.company:
                found.append(counted_twice(one.id, other.id, ", ".join(sorted(both))))
    return found


def _shared(words: Iterable[str]) -> str:
    """The word all have, or nothing."""
    found = set(words)
    return found.pop() if len(found) == 1 else ""


def _has_both(row: BenefitRow) -> bool:
    return isinstance(row.investment, Money) and isinstance(row.saving_per_year, Money)


def _money(
    rows: Sequence[BenefitRow],
    get: Callable[[BenefitRow], Money | Refusal],
    currency: str | None,
    rates: Sequence[ExchangeRate],
) -> Money | Refusal:
    """Σ of the rows that have it; the first reason when none has."""
    found = [get(row) for row in rows]
    moneys = [money for money in found if isinstance(money, Money)]
    if not moneys:
        return next(money for money in found if isinstance(money, Refusal))
    return money_sum(moneys, currency, rates)


def in_currency(row: BenefitRow, currency: str, rates: Sequence[ExchangeRate]) -> BenefitRow:
    """A row with its money in another currency, each amount at the rate of its own price date."""

    def to(money: Money | Refusal) -> Money | Refusal:
        return money if isinstance(money, Refusal) else converted(money, currency, rates)

    return replace(
        row, investment=to(row.investment), saving=to(row.saving), saving_per_year=to(row.saving_per_year)
    )
