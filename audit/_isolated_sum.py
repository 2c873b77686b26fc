"""What two tests of a plan give: options A and B computed by analysis.isolation from the plan's figures."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from analysis.isolation import (
    Measured,
    Method,
    OptionSaving,
    PairSaving,
    Side,
    Stated,
    SteadyRuns,
    bs845_efficiency,
    compare_tests,
    measured,
    option_a,
    option_b,
    scale_to_year,
    siegert_efficiency,
    specific_energy,
    specific_power,
    steady_rules,
)
from analysis.metrology import Accuracy, Distribution, Instrument, accuracy
from analysis.results import Finding, Refusal
from audit.isolated import IsolatedPlan, Tool
from dodac.errors import ConfigError
from dodac.words import significant_text

if TYPE_CHECKING:
    from analysis.metrology import Contribution

SIDES: Final = ("before", "after")
_LONGEST: Final = 500
_ARITHMETIC: Final[dict[type, Callable[..., float]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip


@dataclass(frozen=True)
class Computed:
    """The saving, and the pair of tests that it comes from (None for a formula)."""

    saving: OptionSaving
    pair: PairSaving | None


def method_of(plan: IsolatedPlan) -> Method:
    """The figure that a pair of tests compares."""
    if plan.kind == "boiler":
        by = bs845_efficiency if plan.method == "bs845" else siegert_efficiency
        return by(plan.fuel, with_co=plan.with_co, wet_o2=plan.wet_o2)
    return specific_power() if plan.kind == "compressor" else specific_energy()


def instrument_of(tool: Tool) -> Instrument | Refusal:
    """An instrument's channel as analysis has it; raises ConfigError without any limit."""
    if tool.profile:
        found = accuracy(tool.profile, tool.channel)
        return (
            found
            if isinstance(found, Refusal)
            else Instrument(tool.id, tool.channel, found, drift=tool.drift)
        )
    return Instrument(tool.id, tool.channel, Accuracy(tool.limit, tool.limit_pct), drift=tool.drift)


def formula_of(text: str) -> tuple[tuple[str, ...], Callable[[Mapping[str, float]], float]]:
    """The names in a formula of + − × ÷ and brackets, and the formula itself; raises ConfigError for anything else."""
    if len(text) > _LONGEST:
        raise ConfigError(f"formula: it has {len(text)} characters.", todo=f"Write at most {_LONGEST}.")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        raise ConfigError(
            f'formula: "{text}" is no formula.', todo="Write e.g. (kw_before - kw_after) * hours."
        ) from None
    names: list[str] = []

    def walk(node: ast.AST) -> Callable[[Mapping[str, float]], float]:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return lambda _: float(number)
            case ast.Name(id=name):
                names.append(name)
                return lambda at: at[name]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                one, two, act = walk(left), walk(right), _ARITHMETIC[type(op)]
                return lambda at: act(one(at), two(at))
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _ARITHMETIC:
                inner, sign = walk(operand), _ARITHMETIC[type(op)]
                return lambda at: sign(inner(at))
        raise ConfigError(
            f'formula: "{text}" has more in it than + - * / and brackets.',
            todo="Use names, numbers, + - * / ( ).",
        )

    function = walk(tree)
    return tuple(dict.fromkeys(names)), function


def computed(plan: IsolatedPlan, before: SteadyRuns, after: SteadyRuns) -> Computed | Refusal:
    """The plan's saving from the runs of both sides, or why there is none."""
    stated = {
        item.name: Stated(item.value, item.plus_minus, item.basis, item.unit, Distribution(item.distribution), source=f"agreed: {item.name}")
        for item in plan.agreed
    }  # fmt: skip
    runs = dict(zip(SIDES, (before, after), strict=True))
    if plan.test == "formula":
        found = _by_formula(plan, runs, stated)
        if isinstance(found, Refusal):
            return found
        return Computed(replace(found, findings=(*found.findings, *_loads(plan, runs))), None)
    sides = []
    for name in SIDES:
        tools = _tools(plan, name)
        if isinstance(tools, Refusal):
            return tools
        sides.append(Side(runs[name], tools))
    pair = compare_tests(sides[0], sides[1], method_of(plan), confidence=plan.confidence)
    if isinstance(pair, Refusal):
        return pair
    scaled = scale_to_year(pair, *stated.values(), unit=plan.unit)
    return scaled if isinstance(scaled, Refusal) else Computed(scaled, pair)


def _loads(plan: IsolatedPlan, runs: Mapping[str, SteadyRuns]) -> tuple[Finding, ...]:
    """Said of a formula whose two tests were made at different loads: a pair would be refused."""
    rules = steady_rules(plan.kind)
    load, match = str(rules["load"]), float(rules["match_pct"])
    one, two = (
        math.fsum(run.means[load] for run in runs[side].runs) / len(runs[side].runs) for side in SIDES
    )
    if abs(two - one) <= match / 100.0 * one:
        return ()
    before, after = significant_text(one, 3), significant_text(two, 3)
    return (
        Finding(
            "loads_differ",
            f"The tests were made at different loads ({load} {before} before, {after} after): what the formula gives "
            "holds both the measure and the load.",
            f"Hai lần đo ở tải khác nhau ({load} {significant_text(one, 3, 'vi')} trước, "
            f"{significant_text(two, 3, 'vi')} sau): kết quả của công thức gồm cả tác động của giải pháp lẫn của tải.",
            {"load": load, "before": one, "after": two},
        ),
    )


def _tools(plan: IsolatedPlan, side: str) -> tuple[Instrument, ...] | Refusal:
    found = []
    for tool in plan.instruments:
        if tool.side in ("", side):
            instrument = instrument_of(tool)
            if isinstance(instrument, Refusal):
                return instrument
            found.append(instrument)
    return tuple(found)


def _by_formula(
    plan: IsolatedPlan, runs: Mapping[str, SteadyRuns], stated: Mapping[str, Stated]
) -> OptionSaving | Refusal:
    parameters: dict[str, Measured | Refusal] = {}
    for name, (side, channel) in plan.measured.items():
        values = [run.means.get(channel, math.nan) for run in runs[side].runs]
        known = [value for value in values if math.isfinite(value)]
        tools = _tools(plan, side)
        if isinstance(tools, Refusal):
            return tools
        lines: list[Contribution] = []
        notes: list[Finding] = []
        for tool in tools:
            if tool.channel == channel and known:
                given = tool.lines(math.fsum(known) / len(known), side=side)
                if isinstance(given, Refusal):
                    return given
                # a class promises its limits on each day, not the same error on both
                apart = f" {side}" if tool.drift is None else ""
                lines += [
                    line
                    if line.source.endswith(f"drift {side}")
                    else replace(line, source=line.source + apart)
                    for line in given[0]
                ]
                notes += given[1]
        made = measured(name, values, lines=lines)
        if isinstance(made, Refusal):
            return made
        parameters[name] = replace(made, findings=(*made.findings, *notes))
    _, function = formula_of(plan.formula)
    arguments: dict[str, Any] = {"unit": plan.unit, "confidence": plan.confidence}
    if plan.ipmvp_option == "B":
        return option_b(function, parameters, stated, **arguments)
    return option_a(function, parameters, stated, **arguments)
