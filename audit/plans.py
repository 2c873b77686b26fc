"""What makes a plan one that can be carried out: checked before it is registered or used."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from analysis import KINDS, Interval
from audit.metering import instruments_of
from audit.records import Money, Option, Plan
from dodac.errors import ConfigError
from dodac.quantities import CHANNELS, Kind, nearest

AUTO: Final = "auto"
STATUSES: Final = ("idea", "planned", "implemented", "dropped")
IPMVP_OPTIONS: Final = ("A", "B", "C")


def check_option(option: Option) -> None:
    """Raises ConfigError for an option without id, name or a known status."""
    check_word("id", option.id)
    for key in ("name_en", "name_vi", "company", "site", "asset"):
        if not getattr(option, key).strip():
            raise ConfigError(f'option "{option.id}": {key} is empty.', todo="Fill it in.")
    if option.investment is not None:
        check_money(f'option "{option.id}": investment', option.investment)
    if option.status not in STATUSES:
        near = nearest(option.status, STATUSES)
        raise ConfigError(
            f'option "{option.id}": there is no status "{option.status}".',
            todo=f'Did you mean "{near}"?' if near else f"Write one of: {', '.join(STATUSES)}.",
        )


def check_plan(plan: Plan) -> None:
    """Raises ConfigError, naming the key, for a plan that can't be carried out.

    Checked: ids, model, interval, ipmvp_option, zone, dates and their order (baseline before blackout before
    reporting), channels known, energy a counter or interval channel, a temperature for the model,
    confidence in [0.5, 0.99], price above zero.
    """
    check_word("id", plan.id)

    def fault(key: str, what: str, todo: str = "") -> ConfigError:
        return ConfigError(f'plan "{plan.id}": {key}: {what}', todo=todo)

    _check_model(plan, fault)
    if plan.ipmvp_option not in IPMVP_OPTIONS:
        raise fault("ipmvp_option", f'"{plan.ipmvp_option}" is none of A, B, C.')
    try:
        ZoneInfo(plan.zone)
    except (KeyError, ValueError, OSError):
        raise fault("zone", f'"{plan.zone}" is not a time zone.', 'Write e.g. "Asia/Ho_Chi_Minh".') from None
    if not 0.5 <= plan.confidence <= 0.99:
        raise fault("confidence", f"{plan.confidence} is not between 0.5 and 0.99.", "0.9 is usual.")
    if plan.price is not None:
        check_money(f'plan "{plan.id}": price', plan.price)
        if plan.price.amount == 0:
            raise fault("price", f"{plan.price.amount} {plan.price.currency} is no price.")
    for name, (_, channel) in {"energy": plan.energy, **plan.drivers}.items():
        if channel not in CHANNELS:
            near = nearest(channel, CHANNELS)
            todo = f'Did you mean "{near}"?' if near else "See docs/reference/channels.md."
            raise fault(name, f'"{channel}" is not a channel.', todo)
    if CHANNELS[plan.energy[1]].kind is Kind.GAUGE:
        raise fault(
            "energy",
            f'"{plan.energy[1]}" is a momentary value, not an amount.',
            "Name a counter (energy_import_kwh) or interval channel (energy_interval_kwh).",
        )
    if "temperature" in plan.drivers and CHANNELS[plan.drivers["temperature"][1]].unit != "degC":
        raise fault("drivers.temperature", f'"{plan.drivers["temperature"][1]}" is no temperature.')
    for name, target in plan.drivers.items():
        if target == plan.energy:
            raise fault(f"drivers.{name}", "this is the energy itself, which would explain all of it.")
        if name in ("energy", "used", "coverage", "day_type"):
            raise fault("drivers", f'"{name}" is taken by dodac itself.', "Choose another name.")
    if plan.metering is not None:
        try:
            instruments_of(plan.metering, plan.energy[0])
        except ConfigError as error:
            raise fault("metering", error.what.removeprefix("metering: "), error.todo) from None
    _check_dates(plan)


def _check_model(plan: Plan, fault: Callable[..., ConfigError]) -> None:
    intervals = tuple(Interval)
    if plan.interval not in intervals:
        raise fault(
            "interval", f'"{plan.interval}" is no interval.', f"Write one of: {', '.join(intervals)}."
        )
    if plan.model == AUTO:
        return
    if plan.model not in KINDS:
        near = nearest(plan.model, KINDS)
        todo = f'Did you mean "{near}"?' if near else f"Write one of: {', '.join((AUTO, *KINDS))}."
        raise fault("model", f'there is no model "{plan.model}".', todo)
    kind = KINDS[plan.model]
    if plan.interval not in kind.intervals:
        raise fault("model", f'"{plan.model}" is for {", ".join(kind.intervals)} data, not {plan.interval}.')
    if kind.temperature and "temperature" not in plan.drivers:
        raise fault("drivers", f"the model {plan.model} needs a temperature.", "Add drivers.temperature.")


def check_money(where: str, money: Money) -> None:
    """Raises ConfigError for an amount below zero, or a currency that is none."""
    if not math.isfinite(money.amount) or money.amount < 0:
        raise ConfigError(f"{where}: {money.amount} {money.currency} is no price.", todo="Write an amount.")
    if not re.fullmatch(r"[A-Z]{3}", money.currency):
        raise ConfigError(f'{where}: "{money.currency}" is no currency.', todo='Write e.g. "VND" or "USD".')


def _check_dates(plan: Plan) -> None:
    spans: list[tuple[str, tuple[str, str]]] = [("baseline", plan.baseline), ("reporting", plan.reporting)]
    if plan.blackout is not None:
        spans.append(("blackout", plan.blackout))
    spans += [("exclude", (start, end)) for start, end, _ in plan.exclude]
    for key, span in spans:
        check_span(f'plan "{plan.id}": {key}', span)
    if plan.baseline[1] >= plan.reporting[0]:
        raise ConfigError(
            f'plan "{plan.id}": the baseline ends on {plan.baseline[1]}, the reporting period starts on '
            f"{plan.reporting[0]}.",
            todo="The baseline must be over before the reporting period starts.",
        )
    if plan.blackout is not None:
        for key, (start, end) in (("baseline", plan.baseline), ("reporting", plan.reporting)):
            if start <= plan.blackout[1] and plan.blackout[0] <= end:
                raise ConfigError(
                    f'plan "{plan.id}": the blackout {plan.blackout[0]}..{plan.blackout[1]} lies in the '
                    f"{key} period.",
                    todo="End the baseline before the work starts, and report after it is done.",
                )


def check_span(where: str, span: tuple[str, str]) -> None:
    """Raises ConfigError for dates that are none, or in the wrong order."""
    for text in span:
        _date(where, text)
    if span[0] > span[1]:
        raise ConfigError(f"{where}: {span[0]} is after {span[1]}.", todo="Swap them.")


def _date(where: str, text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f'{where}: "{text}" is not a date.', todo='Write e.g. "2026-01-31".') from None
    if found.isoformat() != text:
        raise ConfigError(f'{where}: "{text}" is not written as 2026-01-31.')
    if not 1970 <= found.year < 2200:
        raise ConfigError(
            f"{where}: no meter reading is from the year {found.year}.", todo="Correct the date."
        )
    return found


def check_word(key: str, text: str) -> None:
    """Raises ConfigError for an id that is not one word."""
    if not text or not all(letter.isalnum() or letter in "._-" for letter in text):
        raise ConfigError(f'{key} "{text}" must be one word of letters, digits, ".", "_" and "-".')
