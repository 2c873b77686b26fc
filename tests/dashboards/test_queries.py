"""Every query of every panel, variable and annotation against a real InfluxDB, as Grafana would send it."""

from __future__ import annotations

import re

import pytest

from dashboards.live import live_dashboard
from dashboards.publish import case_lines
from dashboards.savings import savings_dashboard
from dodac.clock import SECOND_NS

DAY_NS = 86_400 * SECOND_NS
PLACE = ("bia-sai-gon", "cu-chi", "Asia/Ho_Chi_Minh")


def as_grafana(query: str, chosen: dict[str, str | list[str]], start_ns: int, end_ns: int) -> str:
    """A query as Grafana's InfluxQL datasource sends it: variables in format regex, time macros."""

    def regex(match: re.Match[str]) -> str:
        values = chosen[match.group(1)]
        if values == "$__all":
            return ".*"  # the variable's allValue goes in as it stands
        listed = [values] if isinstance(values, str) else values
        escaped = [re.sub(r"[\\^$*+?.()|[\]{}/]", r"\\\g<0>", value) for value in listed]
        return escaped[0] if isinstance(values, str) else f"({'|'.join(escaped)})"

    query = re.sub(r"\$\{(\w+):regex\}", regex, query)
    query = query.replace("$timeFilter", f"time >= {start_ns // 10**6}ms and time <= {end_ns // 10**6}ms")
    query = query.replace("$__interval", "1m")
    assert "$" not in re.sub(r"\$/", "", query), f"Grafana would leave a variable in: {query}"
    return query


def choose(dashboard, influxdb, start_ns: int, end_ns: int) -> dict[str, str | list[str]]:
    """The variables' values after Grafana has run their queries, each with those before it."""
    chosen: dict[str, str | list[str]] = {}
    for variable in dashboard["templating"]["list"]:
        rows = influxdb.influxql(as_grafana(variable["query"], chosen, start_ns, end_ns))
        values = [row.get("value") or row.get("name") for row in rows]
        assert values, f"nothing to choose for {variable['name']}: {variable['query']}"
        current = variable.get("current", {}).get("value")
        if variable["multi"]:
            assert current == ["$__all"]
            chosen[variable["name"]] = "$__all"
        else:
            assert current is None or current in values
            chosen[variable["name"]] = current or values[0]
    return chosen


def targets(dashboard):
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target


@pytest.mark.servers
@pytest.mark.parametrize("instruments", ["$__all", ["boiler1-power", "boiler1-flue"]])
def test_every_panel_of_the_live_plant_shows_something(influxdb, plant, instruments):
    end_ns, lines = plant
    influxdb.write(lines)
    start_ns = end_ns - 6 * 3600 * SECOND_NS
    dashboard = live_dashboard(*PLACE, "vi")
    chosen = choose(dashboard, influxdb, start_ns, end_ns)
    chosen["instrument"] = instruments
    for title, target in targets(dashboard):
        rows = influxdb.influxql(as_grafana(target["query"], chosen, start_ns, end_ns))
        values = [value for row in rows for key, value in row.items() if key not in ("time", "_name")]
        if instruments == "$__all" or "electricity" in target["query"] or "flue" in target["query"]:
            assert any(value is not None for value in values), f"{title}: {target['query']}"
    (annotation,) = dashboard["annotations"]["list"]
    for query in (annotation["query"], annotation["target"]["query"]):
        rows = influxdb.influxql(as_grafana(query, chosen, start_ns, end_ns))
        ends = {row["kind"]: row[annotation["timeEndColumn"]] for row in rows}
        assert set(ends) == {"fault_start", "gap", "note"}
        assert ends["gap"] == (end_ns - 3 * 3600 * SECOND_NS + 900 * SECOND_NS) / 1e6
        assert ends["note"] is None


@pytest.mark.servers
def test_a_flagged_reading_stands_in_its_table_and_in_no_mean(influxdb, plant):
    _, lines = plant
    influxdb.write(lines)
    (flag,) = influxdb.influxql('SELECT "instrument", "channel", "reason", "value" FROM "reading_flag"')
    assert (flag["channel"], flag["reason"], flag["value"]) == ("co_ppm", "sentinel", 65535.0)
    (highest,) = influxdb.influxql('SELECT max("co_ppm") FROM "flue_gas"')
    assert highest["max"] < 200


@pytest.mark.servers
def test_every_panel_of_the_savings_shows_the_verified_figures(influxdb, case):
    from store import InfluxSink, InfluxTarget

    sink = InfluxSink(InfluxTarget(influxdb.url, influxdb.bucket, influxdb.org, influxdb.token))
    for _ in range(2):  # published twice: the same points
        result = sink.write(case_lines(case))
        assert result.ok, result.message
    sink.close()
    end_ns = case.verified.verified_ns
    start_ns = end_ns - 730 * DAY_NS
    dashboard = savings_dashboard(*PLACE, "en")
    chosen = choose(dashboard, influxdb, start_ns, end_ns)
    assert chosen["verification"] == case.verified.id
    answers = {}
    for title, target in targets(dashboard):
        rows = influxdb.influxql(as_grafana(target["query"], chosen, start_ns, end_ns))
        assert rows, f"{title}: {target['query']}"
        answers[title, target["refId"]] = rows
    (saving,) = answers["Saving", "A"]
    assert saving["saving_kwh"] == pytest.approx(58 * 40.0)
    days = answers["Saving per day", "A"]
    assert len(days) == 58  # the two days left out have no saving
    assert sum(row["saving_kwh"] for row in days) == pytest.approx(58 * 40.0)
    last = {ref: answers["Cumulative saving", ref][-1] for ref in "ABC"}
    assert last["C"]["cumulative_kwh"] == pytest.approx(58 * 40.0)
    assert last["A"]["low_kwh"] == pytest.approx(58 * 40.0 - 300.0)
    assert last["B"]["high_kwh"] == pytest.approx(58 * 40.0 + 300.0)
    months = answers["By month", "A"]
    assert [row["days"] for row in months] == [20.0, 28.0, 10.0]
    assert sum(row["saving_kwh"] for row in months) == pytest.approx(58 * 40.0)
    (verified,) = answers["Verifications", "A"]
    assert (verified["start"], verified["currency"]) == ("2026-01-10", "VND")


@pytest.mark.servers
def test_the_newest_verification_is_shown_first(influxdb, case):
    from dataclasses import replace

    later = replace(
        case, verified=replace(case.verified, id="aaa", verified_ns=case.verified.verified_ns + DAY_NS)
    )
    influxdb.write(case_lines(case) + case_lines(later))
    end_ns = later.verified.verified_ns
    chosen = choose(savings_dashboard(*PLACE, "vi"), influxdb, end_ns - 730 * DAY_NS, end_ns)
    assert chosen["verification"] == "aaa"
