"""The dashboard "savings": measured against the adjusted baseline, the saving and its band, by month."""

# ruff: noqa: S608  (InfluxQL for Grafana, made of constants; its variables are escaped by Grafana)

from __future__ import annotations

from typing import Final

from dashboards.live import PLACE
from dashboards.panels import Json, Panel, Query, dashboard, lines, override, stat, table, variable
from dashboards.words import word
from dodac.words import Language

SAVINGS_UID: Final = "dodac-savings"
_CASE: Final = f'{PLACE} AND "option" =~ /^${{option:regex}}$/ AND "plan" =~ /^${{plan:regex}}$/'
_WHERE: Final = f'{_CASE} AND "verification" =~ /^${{verification:regex}}$/'


def savings_dashboard(company: str, site: str, zone: str, language: Language) -> Json:
    """The JSON of the savings dashboard; company, site: what it shows first; zone: IANA."""
    return dashboard(
        SAVINGS_UID,
        word("savings", language),
        word("savings_about", language),
        _panels(language),
        savings_variables(company, site, language),
        zone=zone,
        span="2y",
    )


def savings_variables(company: str, site: str, language: Language) -> list[Json]:
    """company, site, option, plan, and the verification, the newest first."""

    def tags(key: str, where: str) -> str:
        return f'SHOW TAG VALUES FROM "saving_total" WITH KEY = "{key}" {where}'.strip()

    return [
        variable("company", word("company", language), tags("company", ""), current=company),
        variable(
            "site",
            word("site", language),
            tags("site", 'WHERE "company" =~ /^${company:regex}$/'),
            current=site,
        ),
        variable("option", word("option", language), tags("option", f"WHERE {PLACE}")),
        variable(
            "plan",
            word("plan", language),
            tags("plan", f'WHERE {PLACE} AND "option" =~ /^${{option:regex}}$/'),
        ),
        variable(
            "verification",
            word("verification", language),
            f'SELECT "name" FROM "saving_total" WHERE {_CASE} ORDER BY time DESC',
            sort=0,
        ),
    ]


def _panels(language: Language) -> list[Panel]:
    def say(key: str) -> str:
        return word(key, language)

    def total(field: str, alias: str) -> Query:
        # stands at the time of verification, which need not lie in the range on the screen
        return Query(f'SELECT "{field}" FROM "saving_total" WHERE {_WHERE}', alias=alias)

    def daily(field: str, alias: str) -> Query:
        return Query(f'SELECT "{field}" FROM "saving" WHERE {_WHERE} AND $timeFilter', alias=alias)

    low, high = say("low"), say("high")
    days_bridge = 3 * 86_400_000
    return [
        stat(say("saving"), total("saving_kwh", say("saving")), "kwatth", width=5, decimals=2),
        stat(say("plus_minus"), total("half_width_kwh", say("plus_minus")), "kwatth", width=5, decimals=2),
        stat(say("share"), total("saving_pct", say("share")), "percent", width=4, decimals=1),
        stat(say("adjusted"), total("adjusted_baseline_kwh", say("adjusted")), "kwatth", width=5, decimals=2),
        stat(say("measured"), total("measured_kwh", say("measured")), "kwatth", width=5, decimals=2),
        lines(
            say("per_day"),
            [daily("measured_kwh", say("measured")), daily("adjusted_baseline_kwh", say("adjusted"))],
            "kwatth",
            width=24,
            height=9,
            bridge_ms=days_bridge,
            about=say("per_day_about"),
        ),
        lines(
            say("saving_day"),
            [daily("saving_kwh", say("saving"))],
            "kwatth",
            width=24,
            height=6,
            bars=True,
        ),
        lines(
            say("cumulative"),
            [daily("low_kwh", low), daily("high_kwh", high), daily("cumulative_kwh", say("cumulative"))],
            "kwatth",
            width=12,
            height=10,
            bridge_ms=days_bridge,
            about=say("cumulative_about"),
            overrides=(
                override(low, lineWidth=0, showPoints="never"),
                override(high, lineWidth=0, showPoints="never", fillBelowTo=low, fillOpacity=20),
                override(say("cumulative"), lineWidth=2),
            ),
        ),
        table(
            say("by_month"),
            [
                Query(
                    'SELECT "measured_kwh", "adjusted_baseline_kwh", "saving_kwh", "days"'
                    f' FROM "saving_month" WHERE {_WHERE} AND $timeFilter',
                    table=True,
                )
            ],
            {
                "Time": say("month"),
                "measured_kwh": say("measured"),
                "adjusted_baseline_kwh": say("adjusted"),
                "saving_kwh": say("saving"),
                "days": say("days"),
            },
            height=10,
            time_unit="time:YYYY-MM",
            units={say("measured"): "kwatth", say("adjusted"): "kwatth", say("saving"): "kwatth"},
        ),
        table(
            say("verified"),
            [
                Query(
                    'SELECT "name", "start", "end", "saving_kwh", "half_width_kwh", "confidence_pct",'
                    f' "method", "money", "currency" FROM "saving_total" WHERE {_CASE} ORDER BY time DESC',
                    table=True,
                )
            ],
            {
                "Time": say("when"),
                "name": say("verification"),
                "start": say("start"),
                "end": say("end"),
                "saving_kwh": say("saving"),
                "half_width_kwh": say("plus_minus"),
                "confidence_pct": say("confidence"),
                "method": say("method"),
                "money": say("money"),
                "currency": say("currency"),
            },
            width=24,
            height=6,
            units={
                say("saving"): "kwatth",
                say("plus_minus"): "kwatth",
                say("confidence"): "percent",
            },
        ),
    ]
