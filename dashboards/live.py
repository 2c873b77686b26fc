"""The dashboard "live plant": present values, their course, and the state of collection."""

# ruff: noqa: S608  (InfluxQL for Grafana, made of constants; its variables are escaped by Grafana)

from __future__ import annotations

from typing import Any, Final

from dashboards.panels import Json, Panel, Query, dashboard, datasource, lines, row, stat, table, variable
from dashboards.words import word
from dodac.words import Language

LIVE_UID: Final = "dodac-live"
# an advanced format of the variable, so that every Grafana writes the same regular expression
PLACE: Final = '"company" =~ /^${company:regex}$/ AND "site" =~ /^${site:regex}$/'
_WHERE: Final = (
    f'{PLACE} AND "asset" =~ /^${{asset:regex}}$/ AND "instrument" =~ /^${{instrument:regex}}$/'
    " AND $timeFilter"
)
# one channel per measurement that every instrument of it is expected to have
_HEARTBEAT: Final = {
    "electricity": "power_w",
    "flue_gas": "o2_pct",
    "water": "volume_m3",
    "heat": "heat_kwh",
    "gas": "gas_nm3",
    "steam": "steam_kg",
    "ambient": "temperature_c",
}
_FLOW_UNIT: Final = "suffix: m³/h"


def live_dashboard(company: str, site: str, zone: str, language: Language, bridge_ms: int = 180_000) -> Json:
    """The JSON of the live dashboard.

    company, site: what it shows first; zone: IANA; bridge_ms: pauses up to this long are drawn through
    (three times the slowest polling interval), longer ones stay holes.
    """
    return dashboard(
        LIVE_UID,
        word("live", language),
        word("live_about", language),
        _panels(language, bridge_ms),
        live_variables(company, site, language),
        zone=zone,
        span="6h",
        refresh="10s",
        annotations=(_event_marks(language),),
    )


def live_variables(company: str, site: str, language: Language) -> list[Json]:
    """company and site (one each), asset and instrument (any number)."""
    up_to_site = f"WHERE {PLACE}"
    return [
        variable(
            "company", word("company", language), 'SHOW TAG VALUES WITH KEY = "company"', current=company
        ),
        variable(
            "site",
            word("site", language),
            'SHOW TAG VALUES WITH KEY = "site" WHERE "company" =~ /^${company:regex}$/',
            current=site,
        ),
        variable(
            "asset",
            word("asset", language),
            f'SHOW TAG VALUES WITH KEY = "asset" {up_to_site}',
            all_of_them=True,
        ),
        variable(
            "instrument",
            word("instrument", language),
            f'SHOW TAG VALUES WITH KEY = "instrument" {up_to_site} AND "asset" =~ /^${{asset:regex}}$/',
            all_of_them=True,
        ),
    ]


def _last(measurement: str, channel: str) -> Query:
    return Query(
        f'SELECT last("{channel}") FROM "{measurement}" WHERE {_WHERE} GROUP BY "instrument"',
        alias="$tag_instrument",
    )


def _mean(measurement: str, channel: str, alias: str = "$tag_instrument") -> Query:
    return Query(
        f'SELECT mean("{channel}") FROM "{measurement}" WHERE {_WHERE}'
        ' GROUP BY time($__interval), "instrument" fill(null)',
        alias=alias,
    )


def _panels(language: Language, bridge_ms: int) -> list[Panel]:
    def say(key: str) -> str:
        return word(key, language)

    bridge: dict[str, Any] = {"bridge_ms": bridge_ms}
    return [
        row(say("now")),
        stat(say("power"), _last("electricity", "power_w"), "watt"),
        stat(say("o2"), _last("flue_gas", "o2_pct"), "percent", decimals=1),
        stat(say("co"), _last("flue_gas", "co_ppm"), "ppm", decimals=0),
        stat(say("t_flue"), _last("flue_gas", "t_flue_c"), "celsius", decimals=0),
        stat(say("water"), _last("water", "flow_m3h"), _FLOW_UNIT, decimals=2),
        stat(
            say("flags_count"),
            Query(f'SELECT count("seq") FROM "reading_flag" WHERE {_WHERE}', alias=say("flags")),
            "none",
            decimals=0,
            about=say("flags_about"),
            no_value="0",
            thresholds=((None, "green"), (1, "orange")),
        ),
        row(say("course")),
        lines(say("power"), [_mean("electricity", "power_w")], "watt", **bridge),
        lines(
            say("energy_hour"),
            [
                Query(
                    'SELECT non_negative_difference(last("energy_import_kwh")) FROM "electricity"'
                    f' WHERE {_WHERE} GROUP BY time(1h), "instrument" fill(none)',
                    alias="$tag_instrument",
                )
            ],
            "kwatth",
            bars=True,
        ),
        lines(say("o2"), [_mean("flue_gas", "o2_pct")], "percent", width=8, **bridge),
        lines(say("co"), [_mean("flue_gas", "co_ppm")], "ppm", width=8, **bridge),
        lines(
            say("temperatures"),
            [
                _mean("flue_gas", "t_flue_c", f"$tag_instrument {say('flue')}"),
                _mean("flue_gas", "t_air_c", f"$tag_instrument {say('air')}"),
            ],
            "celsius",
            width=8,
            **bridge,
        ),
        lines(say("water"), [_mean("water", "flow_m3h")], _FLOW_UNIT, width=24, **bridge),
        row(say("collection")),
        lines(
            say("rate"),
            [
                Query(
                    f'SELECT count("{channel}") FROM "{measurement}" WHERE {_WHERE}'
                    ' GROUP BY time(10m), "instrument" fill(0)',
                    alias="$tag_instrument",
                )
                for measurement, channel in _HEARTBEAT.items()
            ],
            "none",
            about=say("rate_about"),
        ),
        lines(
            say("missed"),
            [
                Query(
                    'SELECT last("missed_today") FROM "collector"'
                    f" WHERE {PLACE} AND \"part\" = 'instrument' AND $timeFilter"
                    ' GROUP BY time(10m), "of" fill(none)',
                    alias="$tag_of",
                )
            ],
            "none",
            about=say("missed_about"),
            **bridge,
        ),
        lines(
            say("waiting"),
            [
                Query(
                    'SELECT last("waiting") FROM "collector"'
                    f" WHERE {PLACE} AND \"part\" = 'sink' AND $timeFilter"
                    ' GROUP BY time(10m), "of" fill(none)',
                    alias="$tag_of",
                )
            ],
            "none",
            about=say("waiting_about"),
            **bridge,
        ),
        table(
            say("latest"),
            [
                Query(
                    f'SELECT last("{channel}") FROM "{measurement}" WHERE {_WHERE} GROUP BY "instrument"',
                    table=True,
                )
                for measurement, channel in _HEARTBEAT.items()
            ],
            {"instrument": say("instrument"), "Time": say("when")},
            time_unit="dateTimeFromNow",
        ),
        table(
            say("flags"),
            [
                Query(
                    'SELECT "instrument", "channel", "reason", "value", "seq" FROM "reading_flag"'
                    f" WHERE {_WHERE} ORDER BY time DESC LIMIT 500",
                    table=True,
                )
            ],
            {
                "Time": say("when"),
                "instrument": say("instrument"),
                "channel": say("channel"),
                "reason": say("reason"),
                "value": say("value"),
            },
            about=say("flags_about"),
        ),
        table(
            say("events"),
            [Query(f"{_EVENTS} ORDER BY time DESC LIMIT 500", table=True)],
            {
                "Time": say("when"),
                "kind": say("kind"),
                "instrument": say("instrument"),
                "source": say("source"),
                "text": say("text"),
            },
        ),
    ]


# events of connections and of the collector itself have no asset and no instrument
_EVENTS: Final = f'SELECT "kind", "instrument", "source", "text" FROM "event" WHERE {PLACE} AND $timeFilter'


def _event_marks(language: Language) -> Json:
    # Grafana takes milliseconds for the end of a gap
    query = _EVENTS.replace(" FROM ", ', "end_ns" / 1000000 AS "end_ms" FROM ', 1)
    columns = {
        "textColumn": "text",
        "tagsColumn": "kind,instrument",
        "titleColumn": "",
        "timeEndColumn": "end_ms",
    }
    return {
        "name": word("events", language),
        "datasource": datasource(),
        "enable": True,
        "hide": False,
        "iconColor": "orange",
        "query": query,
        **columns,
        # Grafana 10 and newer read the same from here
        "target": {
            "refId": "Anno",
            "datasource": datasource(),
            "query": query,
            "rawQuery": True,
            "queryType": "tags",
            "fromAnnotations": True,
            "name": word("events", language),
            **columns,
        },
    }
