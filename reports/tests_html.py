"""The report of a saving by tests (IPMVP options A and B) as one HTML document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from audit.isolated import stated_text
from dodac import __version__
from dodac.quantities import CHANNELS
from dodac.words import Language, number_text, significant_text
from reports import charts
from reports.formats import (
    day_text,
    decimals_for,
    moment_text,
    money_text,
    percent_text,
    plus_minus,
    rounded_text,
    unit_text,
)
from reports.page import TEMPLATES, environment
from reports.words import say, say_or

if TYPE_CHECKING:
    from audit.isolated import IsolatedCase, ReadTest, Tool

_DIGITS: Final = 5


def render_tests_html(
    case: IsolatedCase, language: Language, generated_ns: int, zone: str, site_name: str = ""
) -> str:
    """One HTML document with its style inside; the same inputs give the same bytes.

    generated_ns: the moment printed as the time of writing, shown in `zone`.
    """
    from markupsafe import Markup

    def words(key: str, **values: object) -> str:
        return say(key, language, **values)

    style = (TEMPLATES / "report.css").read_text(encoding="utf-8") + charts.stylesheet()
    return (
        environment()
        .get_template("report_tests.html")
        .render(
            **_context(case, language, zone),
            place=site_name or f"{case.option.company}, {case.option.site}",
            say=words,
            language=language,
            style=Markup(style),  # noqa: S704
            written=words("written", when=moment_text(generated_ns, zone, language), version=__version__),
        )
    )


def headline_of_tests(case: IsolatedCase, language: Language) -> dict[str, str]:
    """The figures on top: saving, half_width, unit, share, money, confidence, k, period, class."""
    verified, price = case.verified, case.plan.price
    unit = unit_text(verified.unit, language)
    saving, half = plus_minus(verified.saving, verified.half_width, language)
    decimals = min(decimals_for(verified.half_width), 3)
    low, high = verified.saving - verified.half_width, verified.saving + verified.half_width
    share = ""
    if verified.share is not None and verified.share_half_width is not None:
        value, width = plus_minus(100 * verified.share, 100 * verified.share_half_width, language)
        share = f"{say('tests_share', language)}: {value} ± {width} %"
    return {
        "saving": saving,
        "half_width": half,
        "unit": unit,
        "share": share,
        "interval": say(
            "interval", language, low=rounded_text(low, decimals, language),
            high=rounded_text(high, decimals, language), unit=unit,
        ),
        "money": say("money_none", language)
        if verified.money is None
        else money_text(verified.money, language, verified.money_half_width),
        "price": ""
        if price is None
        else say(
            "price_of", language, price=money_text(price, language), unit=unit,
            date=day_text(price.price_date, language),
        ),
        "confidence": percent_text(verified.confidence, language, 0),
        "k": say("tests_k", language, k=number_text(verified.coverage_factor, 2, language)),
        "period": f"{day_text(verified.start, language)} – {day_text(verified.end, language)}",
        "evidence_class": say(f"class_{verified.evidence_class}", language),
        "class_why": say(f"tests_why_{verified.evidence_class}", language),
        "proven": "yes" if low > 0 or high < 0 else "",
    }  # fmt: skip


def _context(case: IsolatedCase, language: Language, zone: str) -> dict[str, Any]:
    plan, verified, option = case.plan, case.verified, case.option
    vi = language == "vi"
    head = headline_of_tests(case, language)
    name = option.name_vi if vi else option.name_en

    def span(pair: tuple[str, str]) -> str:
        return say("span", language, start=day_text(pair[0], language), end=day_text(pair[1], language))

    def when(time_ns: int) -> str:
        return moment_text(time_ns, zone, language)

    result = [
        (say("saving", language), f"{head['saving']} ± {head['half_width']} {head['unit']} ({head['k']})")
    ]
    if verified.before is not None and verified.after is not None:
        figures = " → ".join(number_text(value, 2, language) for value in (verified.before, verified.after))
        result.insert(0, (say(f"figure_{verified.figure}", language), f"{figures} {verified.figure_unit}"))
    if verified.p_value is not None:
        result.append((say("tests_chance", language), significant_text(verified.p_value, 2, language)))
    if verified.smallest_share is not None:
        least = f"{significant_text(100 * verified.smallest_share, 2, language)} %"
        result.append((head["share"].partition(":")[0], f"{head['share'].partition(': ')[2]}; {say('tests_least', language, least=least)}"))  # fmt: skip
    return {
        "case": case,
        "head": head,
        "option_name": name,
        "summary": say(
            "tests_summary", language, option=name, asset=option.asset, unit=head["unit"],
            saving=f"{head['saving']} ± {head['half_width']}", period=head["period"],
        ),
        "option_rows": [
            (say("option", language), name),
            (say("description", language), option.description_vi if vi else option.description_en),
            (say("company", language), option.company),
            (say("site", language), option.site),
            (say("asset", language), option.asset),
            (
                say("investment", language),
                "" if option.investment is None else money_text(option.investment, language),
            ),
        ],
        "tools": [_tool_row(tool, language) for tool in plan.instruments],
        "facts": [
            (name, "; ".join(f"{say_or(f'fact_{key}', language, key)}: {value}" for key, value in facts.items()))
            for name, facts in case.instruments.items()
        ],
        "plan_rows": [
            (say("plan", language), plan.id),
            (say("ipmvp_option", language), say(f"ipmvp_{plan.ipmvp_option}", language)),
            (say("boundary", language), plan.boundary_vi if vi else plan.boundary_en),
            (say("tests_machine", language), say(f"tests_{plan.kind}", language) if plan.kind else ""),
            (say("tests_computed", language), _computed(case, language)),
            (say("blackout_period", language), span(plan.blackout) if plan.blackout else say("none", language)),
            (say("period", language), span(plan.reporting)),
            (say("confidence", language), percent_text(plan.confidence, language, 0)),
            (say("registered", language), when(plan.registered_ns)),
            (say("frozen", language), when(case.baseline.frozen_ns)),
        ],
        "agreed": [
            (
                item.name,
                f"{stated_text(item.value, language)} ± {stated_text(item.plus_minus, language)} {unit_text(item.unit, language)}",
                item.basis,
                f"{item.by}, {day_text(item.at, language)}",
            )
            for item in plan.agreed
        ],
        "stipulated": say(
            "tests_share_of_variance", language, share=percent_text(verified.stipulated_share, language, 0)
        ),
        "tests": [
            _lots(case, language) if case.baseline.lots else _test("tests_before", case.baseline.test, language),
            _test("tests_meters" if case.baseline.lots else "tests_after", verified.test, language),
        ],
        "result_rows": result,
        "budget": [
            (_source(line.source, language), significant_text(abs(line.effect), 3, language), percent_text(line.share, language))
            for line in sorted(verified.budget, key=lambda line: -line.share)
            if line.share >= 0.0005
        ],
        "findings": [(item.vi if vi else item.en, item.code) for item in verified.findings],
        "evidence_rows": [(say("verified_at", language), when(verified.verified_ns))],
        "digests": [
            *(
                (source.name, source.sha256)
                for test in (case.baseline.test, verified.test)
                for source in test.sources
                if source.sha256
            ),
            (say("tests_before", language), case.baseline.test.digest),
            (say("tests_after", language), verified.test.digest),
        ],
        "evidence": [
            (item.instrument, item.channel, number_text(item.samples, 0, language), number_text(item.flagged, 0, language), item.digest)
            for test in (case.baseline.test, verified.test)
            for source in test.sources
            for item in source.evidence
        ],
        "commands": [
            f"dodac audit case --site site.toml {verified.id}",
            f"dodac audit show --site site.toml {verified.id}",
            f"dodac audit verify --site site.toml {plan.id}",
        ],
    }  # fmt: skip


def _source(source: str, language: Language) -> str:
    """A source of error as words: agreed, scatter of runs, or an instrument's channel."""
    if source.startswith("agreed: "):
        return say("tests_agreed_source", language, name=source.removeprefix("agreed: "))
    if source.startswith("scatter "):
        name = source.removeprefix("scatter ")
        return say("tests_scatter", language, name=say_or(f"tests_{name}", language, name).lower())
    instrument, channel, what = (*source.split("/"), "", "")[:3]
    kind, _, side = what.partition(" ")
    key = {"class": "tests_class", "drift": "tests_drifted"}.get(kind)
    if key is None:
        return source
    shown = f" ({say(f'tests_{side}', language).lower()})" if side in ("before", "after") else ""
    return say(key, language, instrument=instrument, channel=_channel(channel, language), side=shown)


def _computed(case: IsolatedCase, language: Language) -> str:
    plan = case.plan
    if plan.test == "on_off":
        return say("tests_on_off", language)
    if plan.test == "formula":
        return plan.formula
    if plan.kind != "boiler":
        return say("tests_pair_other", language)
    return say("tests_pair_boiler", language, method={"siegert": "Siegert", "bs845": "BS 845"}[plan.method], fuel=plan.fuel)  # fmt: skip


def _tool_row(tool: Tool, language: Language) -> tuple[str, ...]:
    def limit(value: float) -> str:
        _, comma, unit = _channel(tool.channel, language).rpartition(", ")
        unit = unit if comma else ""
        return f"± {significant_text(value, 3, language)} {unit}".rstrip()

    parts = [limit(tool.limit)] if tool.limit else []
    if tool.limit_pct:
        parts.append(
            "± " + say("tests_of_reading", language, limit=significant_text(tool.limit_pct, 3, language))
        )
    side = {"": "tests_both", "before": "tests_before", "after": "tests_after"}[tool.side]
    return (
        tool.id,
        _channel(tool.channel, language),
        say(side, language),
        tool.profile or "; ".join(parts),
        say("tests_not_stated", language) if tool.drift is None else limit(tool.drift),
    )


def _test(key: str, test: ReadTest, language: Language) -> dict[str, Any]:
    channels = list(dict.fromkeys(name for run in test.runs for name in run.means))
    runs = [
        (
            f"{day_text(run.start[:16], language)}–{run.end[11:16]}",
            number_text(run.samples, 0, language),
            *(
                significant_text(run.means[name], _DIGITS, language) if name in run.means else "–"
                for name in channels
            ),
        )
        for run in test.runs
    ]
    sources = [
        (source.name, "" if source.period is None else " – ".join(dict.fromkeys(day_text(day, language) for day in source.period)))
        for source in test.sources
    ]  # fmt: skip
    return {
        "name": say(key, language),
        "sources": [(say("source", language), "; ".join(f"{name} ({days})" if days else name for name, days in sources))],
        "heads": [say("tests_run", language), say("samples", language), *(_channel(name, language) for name in channels)],
        "runs": runs,
        "numbers": tuple(range(1, 2 + len(channels))),
        "left_out": [item.vi if language == "vi" else item.en for item in (*test.not_counted, *test.findings)],
    }  # fmt: skip


def _lots(case: IsolatedCase, language: Language) -> dict[str, Any]:
    rows = [
        (day_text(start[:16], language), say("tests_on" if on else "tests_off", language))
        for start, on in case.baseline.lots
    ]
    heads = [say("tests_period", language), say("tests_state", language)]
    return {
        "name": say("tests_lots", language),
        "sources": [],
        "heads": heads,
        "runs": rows,
        "numbers": (),
        "left_out": [],
    }


def _channel(name: str, language: Language) -> str:
    known = CHANNELS.get(name)
    if known is None:
        return say_or(f"run_{name}", language, name)
    return f"{known.vi if language == 'vi' else known.en}, {unit_text(known.unit, language)}".rstrip(", ")
