"""What makes a plan of tests one that can be carried out: checked before it is registered."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from analysis.benefits import RESOURCES
from analysis.isolation import steady_rules
from analysis.metrology import Distribution
from analysis.results import Refusal
from audit._isolated_sum import SIDES, formula_of, instrument_of, method_of
from audit._isolated_switch import schedule_of
from audit._test_sources import FURTHER
from audit.isolated import IsolatedPlan
from audit.plans import check_money, check_span, check_word
from dodac.errors import ConfigError
from dodac.quantities import CHANNELS, Kind, nearest
from dodac.units import conversion

KINDS: Final = ("boiler", "compressor", "pump", "fan")
Fault = Callable[..., ConfigError]
_MOST_PERIODS: Final = 10_000
_LONGEST_HOURS: Final = 744.0
_DISTRIBUTIONS: Final = (Distribution.RECTANGULAR.value, Distribution.NORMAL.value)


def check_isolated_plan(plan: IsolatedPlan) -> None:
    """Raises ConfigError, naming the key, for a plan of tests that can't be carried out.

    Checked: machine and fuel, limits of error of every channel that counts, every agreed figure with its ±, basis and who
    agreed it, the formula's names, units, zone, dates, price; option B agrees nothing, option A something.
    """
    check_word("id", plan.id)

    def fault(key: str, what: str, todo: str = "") -> ConfigError:
        return ConfigError(f'plan "{plan.id}": {key}: {what}', todo=todo)

    def one_of(key: str, value: str, known: Sequence[str]) -> None:
        if value not in known:
            near = nearest(value, known)
            todo = f'Did you mean "{near}"?' if near else f"Write one of: {', '.join(known)}."
            raise fault(key, f'there is no "{value}".', todo)

    one_of("ipmvp_option", plan.ipmvp_option, ("A", "B"))
    one_of("test", plan.test, ("pair", "formula", "on_off"))
    if plan.test != "on_off":
        one_of("kind", plan.kind, KINDS)
    one_of("resource", plan.resource, tuple(RESOURCES))
    try:
        ZoneInfo(plan.zone)
    except (KeyError, ValueError, OSError):
        raise fault("zone", f'"{plan.zone}" is not a time zone.', 'Write e.g. "Asia/Ho_Chi_Minh".') from None
    if not 0.5 <= plan.confidence <= 0.99:
        raise fault("confidence", f"{plan.confidence} is not between 0.5 and 0.99.", "0.9 is usual.")
    if plan.price is not None:
        check_money(f'plan "{plan.id}": price', plan.price)
    spans = {"reporting": plan.reporting, "blackout": plan.blackout or plan.reporting}
    for key, span in spans.items():
        check_span(f'plan "{plan.id}": {key}', span)
    if plan.blackout is not None and plan.blackout[1] >= plan.reporting[0]:
        raise fault("blackout", "the works end after the reporting period has begun.", "Correct the dates.")
    _check_unit(plan, fault)
    channels = _check_switching(plan, fault) if plan.test == "on_off" else _check_figure(plan, fault)
    _check_instruments(plan, fault, channels)
    _check_agreed(plan, fault)


def channels_of(kind: str) -> tuple[str, ...]:
    """The channels that a test of a kind of machine reads."""
    return (*(str(band["channel"]) for band in steady_rules(kind)["bands"]), *FURTHER.get(kind, ()))


def _check_unit(plan: IsolatedPlan, fault: Fault) -> None:
    target = RESOURCES[plan.resource].unit
    try:
        conversion(plan.unit, target)
    except ValueError:
        if plan.density_kg_l is None:
            raise fault(
                "unit", f'"{plan.unit}" is no unit of {RESOURCES[plan.resource].en}.', f"Write e.g. {target}."
            ) from None
    if plan.density_kg_l is not None and not (math.isfinite(plan.density_kg_l) and plan.density_kg_l > 0.0):
        raise fault("density_kg_l", f"{plan.density_kg_l} is no density.")


def _check_figure(plan: IsolatedPlan, fault: Fault) -> tuple[tuple[str, str], ...]:
    """Checks what is computed; gives (side, channel) of all that is measured for it."""
    if plan.test == "pair":
        if plan.ipmvp_option == "B":
            raise fault(
                "ipmvp_option", "a pair of tests becomes energy by agreed amounts, which is option A."
            )
        if plan.kind == "boiler":
            from analysis import fuel

            if not plan.fuel:
                raise fault("fuel", "a boiler needs its fuel.", "dodac combustion --fuels lists them.")
            fuel(plan.fuel)
        if plan.method not in ("siegert", "bs845"):
            raise fault("method", f'there is no "{plan.method}".', "Write siegert or bs845.")
        return tuple((side, channel) for channel in method_of(plan).channels for side in SIDES)
    names, _ = formula_of(plan.formula)
    known = channels_of(plan.kind)
    for name, (side, channel) in plan.measured.items():
        if side not in SIDES or channel not in known:
            raise fault(
                f"measured.{name}", f'"{side}:{channel}" is no channel of a side.',
                f"Write before:CHANNEL or after:CHANNEL; channels: {', '.join(known)}.",
            )  # fmt: skip
    there = {*plan.measured, *(item.name for item in plan.agreed)}
    for name in names:
        if name not in there:
            raise fault(
                "formula",
                f'"{name}" is neither measured nor agreed.',
                f"There are: {', '.join(sorted(there))}.",
            )
    for name in sorted(there - set(names)):
        raise fault("formula", f'"{name}" is not in it.', "Leave the figure out, or use it.")
    return tuple(plan.measured.values())


def _check_switching(plan: IsolatedPlan, fault: Fault) -> tuple[tuple[str, str], ...]:
    """Checks a test by switching; gives (side, channel) of its meter."""
    told = plan.switching
    if told is None:
        raise fault("switching", "nothing says when and how often.", "Add the table [switching].")
    if not (
        0 <= told.seed < 2**63 and told.periods <= _MOST_PERIODS and 0.0 < told.period_hours <= _LONGEST_HOURS
    ):
        raise fault(
            "switching", "the seed, the number of periods or their hours can't be.",
            f"Write a seed from 0, at most {_MOST_PERIODS} periods of at most {_LONGEST_HOURS:g} h.",
        )  # fmt: skip
    schedule_of(plan)
    if plan.ipmvp_option != "A" or len(plan.agreed) != 1 or plan.agreed[0].unit != "h":
        raise fault(
            "agreed",
            "switching gives a saving an hour: it needs just the agreed hours (h), which is option A.",
        )
    if told.interval not in ("15min", "30min", "hour"):
        raise fault("switching.interval", f'"{told.interval}" is none of 15min, 30min, hour.')
    for name, (_, channel) in {"energy": told.energy, **told.drivers}.items():
        if channel not in CHANNELS:
            raise fault(
                f"switching.{name}", f'"{channel}" is not a channel.', "See docs/reference/channels.md."
            )
    if CHANNELS[told.energy[1]].unit != plan.unit or CHANNELS[told.energy[1]].kind is Kind.GAUGE:
        raise fault(
            "switching.energy",
            f'"{told.energy[1]}" counts no {plan.unit}.',
            "Name a counter or amount of that unit.",
        )
    for tool in plan.instruments:
        if tool.channel != told.energy[1] or tool.limit or tool.profile or not tool.limit_pct:
            raise fault(
                "instruments", "a test by switching has the meter of its energy with limit_pct, and no other."
            )
    return (("", told.energy[1]),)


def _check_instruments(plan: IsolatedPlan, fault: Fault, channels: Sequence[tuple[str, str]]) -> None:
    for place, tool in enumerate(plan.instruments, 1):
        key = f"instruments, entry {place}"
        if tool.side not in ("", *SIDES):
            raise fault(
                key, f'there is no side "{tool.side}".', "Write before or after, or leave it out for both."
            )
        if tool.drift is not None and not (math.isfinite(tool.drift) and tool.drift >= 0.0):
            raise fault(key, f"a drift of {tool.drift} is none.")
        try:
            found = instrument_of(tool)
        except ConfigError as error:
            raise fault(key, error.what, error.todo or "Write limit, limit_pct or profile.") from None
        if isinstance(found, Refusal):
            raise fault(key, found.en)
    for side, channel in channels:
        if not any(tool.channel == channel and tool.side in ("", side) for tool in plan.instruments):
            raise fault(
                "instruments", f"nothing says how wrong {channel} may be {side} the measure.",
                f'Add [[instruments]] with channel = "{channel}" and its limit from the data sheet.',
            )  # fmt: skip


def _check_agreed(plan: IsolatedPlan, fault: Fault) -> None:
    if plan.ipmvp_option == "B" and plan.agreed:
        raise fault("agreed", "option B measures every figure.", 'Write ipmvp_option = "A".')
    if plan.test == "pair" and not plan.agreed:
        raise fault(
            "agreed", "without an amount the saved share is no energy.", "Agree e.g. the fuel of a year."
        )
    seen: set[str] = set()
    for item in plan.agreed:
        key = f"agreed.{item.name}"
        if item.name in seen or item.name in plan.measured:
            raise fault(key, "this figure is there twice.")
        seen.add(item.name)
        if not math.isfinite(item.value) or (plan.test == "pair" and item.value <= 0.0):
            raise fault(key, f"{item.value} is no amount.")
        if not (math.isfinite(item.plus_minus) and item.plus_minus > 0.0):
            raise fault(
                key, f"± {item.plus_minus} is no uncertainty.", "No figure that is agreed is known exactly."
            )
        if item.distribution not in _DISTRIBUTIONS:
            raise fault(
                key,
                f'there is no distribution "{item.distribution}".',
                f"Write {' or '.join(_DISTRIBUTIONS)}.",
            )
        for word in ("name", "basis", "by"):
            if not getattr(item, word).strip():
                raise fault(key, f"{word} is empty.", "Say where the figure is from and who agreed it.")
    if plan.test == "pair" and len(plan.agreed) == 1 and plan.agreed[0].unit != plan.unit:
        raise fault(
            f"agreed.{plan.agreed[0].name}", f"it is in {plan.agreed[0].unit}, the saving in {plan.unit}.",
            "Write both in one unit.",
        )  # fmt: skip
