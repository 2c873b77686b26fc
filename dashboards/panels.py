"""Pieces of Grafana's classic dashboard JSON: queries, panels on the 24-column grid, variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Json = dict[str, Any]

DATASOURCE_UID: Final = "dodac-influxdb"
# classic schema as Grafana 10.4 and 11 write it; newer servers migrate it when they read it
SCHEMA_VERSION: Final = 39
COLUMNS: Final = 24


def datasource() -> Json:
    """The reference to the one datasource, by its fixed uid."""
    return {"type": "influxdb", "uid": DATASOURCE_UID}


@dataclass(frozen=True)
class Query:
    """One InfluxQL query of a panel; alias names its series ($tag_x, $col), table gives columns."""

    influxql: str
    alias: str = ""
    table: bool = False


@dataclass(frozen=True)
class Panel:
    """A panel before it has its place: what it asks and how it shows the answer.

    kind: stat, timeseries, table or row. unit: a Grafana unit id. overrides: field overrides as
    Grafana has them. nulls_ms: gaps shorter than this are bridged (0: none).
    """

    kind: str
    title: str
    width: int
    height: int
    queries: tuple[Query, ...] = ()
    unit: str = ""
    decimals: int | None = None
    about: str = ""
    custom: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)
    overrides: tuple[Json, ...] = ()
    transformations: tuple[Json, ...] = ()
    thresholds: tuple[tuple[float | None, str], ...] = ((None, "text"),)
    no_value: str = ""
    interval: str = ""

    def json(self, id: int, x: int, y: int) -> Json:
        """The panel at its place."""
        if self.kind == "row":
            place = {"x": x, "y": y, "w": self.width, "h": self.height}
            return {
                "id": id,
                "type": "row",
                "title": self.title,
                "collapsed": False,
                "gridPos": place,
                "panels": [],
            }
        defaults: Json = {
            "color": {"mode": "thresholds" if self.kind == "stat" else "palette-classic"},
            "custom": dict(self.custom),
            "mappings": [],
            "thresholds": {
                "mode": "absolute",
                "steps": [{"value": value, "color": color} for value, color in self.thresholds],
            },
        }
        if self.unit:
            defaults["unit"] = self.unit
        if self.decimals is not None:
            defaults["decimals"] = self.decimals
        if self.no_value:
            defaults["noValue"] = self.no_value
        panel: Json = {
            "id": id,
            "type": self.kind,
            "title": self.title,
            "description": self.about,
            "datasource": datasource(),
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": defaults, "overrides": list(self.overrides)},
            "options": dict(self.options),
            "targets": [target(query, chr(ord("A") + place)) for place, query in enumerate(self.queries)],
        }
        if self.interval:
            panel["interval"] = self.interval
        if self.transformations:
            panel["transformations"] = list(self.transformations)
        return panel


def target(query: Query, ref_id: str) -> Json:
    """A raw InfluxQL target."""
    return {
        "refId": ref_id,
        "datasource": datasource(),
        "query": query.influxql,
        "rawQuery": True,
        "resultFormat": "table" if query.table else "time_series",
        "alias": query.alias,
    }


def stat(
    title: str, query: Query, unit: str, *, width: int = 4, decimals: int | None = None, **more: Any
) -> Panel:
    """One big number per series, its last value."""
    return Panel(
        kind="stat",
        title=title,
        width=width,
        height=4,
        queries=(query,),
        unit=unit,
        decimals=decimals,
        options={
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "value",
            "graphMode": "none",
            "textMode": "auto",
            "justifyMode": "auto",
            "orientation": "auto",
        },
        **more,
    )


def lines(
    title: str,
    queries: Sequence[Query],
    unit: str,
    *,
    width: int = 12,
    height: int = 8,
    bridge_ms: int = 0,
    bars: bool = False,
    **more: Any,
) -> Panel:
    """Series over time, as lines or bars; gaps longer than bridge_ms stay gaps."""
    return Panel(
        kind="timeseries",
        title=title,
        width=width,
        height=height,
        queries=tuple(queries),
        unit=unit,
        custom={
            "drawStyle": "bars" if bars else "line",
            "lineWidth": 1,
            "fillOpacity": 60 if bars else 0,
            "showPoints": "auto",
            "spanNulls": bridge_ms or False,
            "axisSoftMin": 0,
        },
        options={
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        **more,
    )


def table(
    title: str,
    queries: Sequence[Query],
    columns: Mapping[str, str],
    *,
    width: int = 12,
    height: int = 8,
    time_unit: str = "dateTimeAsIso",
    units: Mapping[str, str] | None = None,
    about: str = "",
) -> Panel:
    """Rows with the columns named, in that order; columns: name in the answer → heading.

    units: heading → Grafana unit. Several queries are merged into one table.
    """
    overrides = [override(columns["Time"], unit=time_unit)]
    overrides += [override(name, unit=unit) for name, unit in (units or {}).items()]
    organize = {
        "id": "organize",
        "options": {
            "excludeByName": {},
            "indexByName": {name: place for place, name in enumerate(columns)},
            "renameByName": dict(columns),
        },
    }
    return Panel(
        kind="table",
        title=title,
        width=width,
        height=height,
        about=about,
        queries=tuple(queries),
        custom={"align": "auto", "filterable": True},
        options={"showHeader": True, "cellHeight": "sm"},
        overrides=tuple(overrides),
        transformations=(*(({"id": "merge", "options": {}},) if len(queries) > 1 else ()), organize),
    )


def row(title: str) -> Panel:
    """A heading over the panels that follow."""
    return Panel(kind="row", title=title, width=COLUMNS, height=1)


def override(name: str, *, unit: str = "", **custom: object) -> Json:
    """A field override by series or column name."""
    properties: list[Json] = [{"id": "unit", "value": unit}] if unit else []
    properties += [{"id": f"custom.{key}", "value": value} for key, value in custom.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


def placed(panels: Iterable[Panel]) -> list[Json]:
    """Panels from left to right, a new line when the next does not fit; ids count from 1."""
    done: list[Json] = []
    x = y = tallest = 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        done.append(panel.json(number, x, y))
        x += panel.width
        tallest = max(tallest, panel.height)
    return done


def variable(
    name: str, label: str, influxql: str, *, current: str = "", all_of_them: bool = False, sort: int = 1
) -> Json:
    """A template variable filled by an InfluxQL query when the dashboard loads or its range changes.

    current: the value it starts with; all_of_them: several can be chosen, at first all.
    sort: Grafana's number (0 as the answer stands, 1 by name).
    """
    more: Json = {}
    if all_of_them:
        more = {"allValue": ".*", "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
    elif current:
        more = {"current": {"selected": True, "text": current, "value": current}}
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": datasource(),
        "query": influxql,
        "refresh": 2,
        "sort": sort,
        "regex": "",
        "multi": all_of_them,
        "includeAll": all_of_them,
        "options": [],
        "hide": 0,
        "skipUrlSync": False,
        **more,
    }


def dashboard(
    uid: str,
    title: str,
    about: str,
    panels: Iterable[Panel],
    variables: Sequence[Json],
    *,
    zone: str,
    span: str,
    refresh: str = "",
    annotations: Sequence[Json] = (),
) -> Json:
    """A whole dashboard; span: how far back it starts ("6h"), zone: an IANA time zone."""
    return {
        "uid": uid,
        "title": title,
        "description": about,
        "tags": ["dodac"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": zone,
        "time": {"from": f"now-{span}", "to": "now"},
        "refresh": refresh,
        "templating": {"list": list(variables)},
        "annotations": {"list": list(annotations)},
        "links": [
            {
                "type": "dashboards",
                "title": "dodac",
                "icon": "external link",
                "tooltip": "",
                "targetBlank": False,
                "tags": ["dodac"],
                "asDropdown": False,
                "includeVars": True,
                "keepTime": False,
            }
        ],
        "panels": placed(panels),
    }
