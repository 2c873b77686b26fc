"""Bills as they were read: amounts from registers and hours of the tariff, gaps, overlaps, adjustments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from drivers.protocols.files_bill_dates import Period, period_words
from drivers.protocols.files_spec import RowList

ENERGY: Final = "energy_interval_kwh"


TARIFF: Final = ("energy_normal_interval_kwh", "energy_peak_interval_kwh", "energy_offpeak_interval_kwh")


@dataclass(slots=True)
class Bill:
    line: int
    period: Period
    amounts: dict[str, float]
    cost: float | None = None
    estimated: bool = False
    part: int = 0


@dataclass(slots=True)
class Found:
    """What the rows gave so far."""

    bills: list[Bill] = field(default_factory=list)
    refused: RowList = field(default_factory=RowList)
    left_out: RowList = field(default_factory=RowList)
    warnings: list[str] = field(default_factory=list)


def add_register(
    register: str,
    line: int,
    readings: tuple[float | None, float | None, float | None],
    amounts: dict[str, float],
    found: Found,
) -> None:
    """The amount from the readings of the meter, or a check of the billed one against it."""
    old, new, factor = readings
    if old is None or new is None:
        return
    amount = (new - old) * (1.0 if factor is None else factor)
    billed = amounts.get(register)
    if billed is None:
        if amount < 0:
            raise ValueError(
                f"the new reading {new:g} is below the old one {old:g}: did the meter roll over or was it exchanged?"
            )
        amounts[register] = amount
    elif abs(amount - billed) > max(1.0, abs(billed) * 0.005):
        found.warnings.append(
            f"line {line}: the readings give {amount:g}, the bill says {billed:g}; the bill's number is kept"
        )


def add_tariff(line: int, amounts: dict[str, float], found: Found) -> None:
    parts = [amounts[name] for name in TARIFF if name in amounts]
    if len(parts) < len(TARIFF):
        return
    total = amounts.get(ENERGY)
    if total is None:
        amounts[ENERGY] = sum(parts)
    elif abs(total - sum(parts)) > max(1.0, abs(total) * 0.005):
        found.warnings.append(
            f"line {line}: normal, peak and off-peak hours make {sum(parts):g} kWh, the bill says {total:g}; both are kept"
        )


def merge_hours(found: Found) -> None:
    """Makes one bill of the rows that hold the tariff's hours of one period."""
    bills: list[Bill] = []
    for bill in found.bills:
        first = next(
            (b for b in bills if b.period == bill.period and not set(b.amounts) & set(bill.amounts)), None
        )
        if first is None:
            bills.append(bill)
            continue
        first.amounts.update(bill.amounts)
        if bill.cost is not None:
            first.cost = bill.cost + (first.cost or 0.0)
        first.estimated |= bill.estimated
        found.left_out.add(bill.line, f"part of the bill of line {first.line}")
    for bill in bills:
        add_tariff(bill.line, bill.amounts, found)
    found.bills = bills


def put_in_order(found: Found) -> None:
    """Refuses bills that overlap others, tells what is missing between them."""
    bills = sorted(found.bills, key=lambda bill: (bill.period.start, bill.period.end, bill.line))
    kept: list[Bill] = []
    same: dict[tuple[int, int], list[Bill]] = {}
    last: Bill | None = None
    for bill in bills:
        key = (bill.period.start, bill.period.end)
        twins = same.get(key, [])
        again = next((t for t in twins if t.amounts == bill.amounts and t.cost == bill.cost), None)
        if again is not None:
            found.left_out.add(bill.line, f"says again what line {again.line} says")
            continue
        adjusts = any(value < 0 for value in bill.amounts.values())
        if twins and not adjusts:
            found.refused.add(
                bill.line,
                f"line {twins[0].line} has the same period with another amount (several meters? --where COLUMN=TEXT)",
            )
            continue
        if not adjusts:
            if last is not None and bill.period.start < last.period.end:
                days = min(last.period.end, bill.period.end) - bill.period.start
                found.refused.add(
                    bill.line,
                    f"overlaps the period of line {last.line} ({period_words(last.period)}) by {days} days",
                )
                continue
            if last is not None and bill.period.start > last.period.end and not bill.period.instant:
                gap = Period(last.period.end, bill.period.start)
                found.warnings.append(f"no bill for {period_words(gap)} ({gap.end - gap.start} days)")
            last = bill
        bill.part = len(twins)
        same.setdefault(key, []).append(bill)
        kept.append(bill)
    found.bills = kept
