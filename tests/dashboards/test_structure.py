"""The dashboards' JSON and the provisioning files, without a server."""

from __future__ import annotations

import json
import re
from itertools import combinations

import pytest
import yaml

from dashboards import DATASOURCE_UID, site_dashboards, write_files
from dashboards.cli import dashboards
from dashboards.provisioning import datasource_file
from dashboards.words import _WORDS
from dodac.cli import main
from dodac.errors import ConfigError, Exit, StorageError
from dodac.site import parse_site


@pytest.fixture(params=["vi", "en"])
def built(request, site):
    return site_dashboards(site, request.param)


def test_panels_have_ids_of_their_own_and_do_not_lie_on_one_another(built):
    for dashboard in built.values():
        panels = dashboard["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        for panel in panels:
            place = panel["gridPos"]
            assert place["x"] >= 0
            assert place["x"] + place["w"] <= 24
        for one, other in combinations((panel["gridPos"] for panel in panels), 2):
            apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
            assert apart_x or apart_y


def test_every_query_names_the_one_datasource_and_has_its_letter(built):
    def sources(node):
        if isinstance(node, dict):
            if "datasource" in node:
                yield node["datasource"]
            for value in node.values():
                yield from sources(value)
        elif isinstance(node, list):
            for value in node:
                yield from sources(value)

    for dashboard in built.values():
        found = list(sources(dashboard))
        assert found
        assert all(source == {"type": "influxdb", "uid": DATASOURCE_UID} for source in found)
        for panel in dashboard["panels"]:
            letters = [target["refId"] for target in panel.get("targets", ())]
            assert letters == [chr(ord("A") + place) for place in range(len(letters))]
            assert letters or panel["type"] == "row"
            assert all(target["rawQuery"] is True for target in panel.get("targets", ()))


def test_a_query_uses_only_variables_the_dashboard_has_and_each_knows_those_before_it(built):
    for dashboard in built.values():
        names: list[str] = []
        for variable in dashboard["templating"]["list"]:
            assert set(re.findall(r"\$\{(\w+)", variable["query"])) <= set(names)
            names.append(variable["name"])
        queries = [target["query"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
        queries += [mark["query"] for mark in dashboard["annotations"]["list"]]
        for query in queries:
            assert set(re.findall(r"\$\{(\w+)", query)) <= set(names)
            assert set(re.findall(r"\$(\w+)", query)) <= {"timeFilter", "__interval"}


def test_overrides_name_columns_and_series_that_are_there(built):
    for dashboard in built.values():
        for panel in dashboard["panels"]:
            named = {over["matcher"]["options"] for over in panel.get("fieldConfig", {}).get("overrides", ())}
            shown = {target["alias"] for target in panel.get("targets", ())}
            for step in panel.get("transformations", ()):
                shown |= set(step["options"].get("renameByName", {}).values())
            assert named <= shown, panel["title"]


def test_a_link_to_a_dashboard_survives_the_next_build(site):
    uids = {name: content["uid"] for name, content in site_dashboards(site, "vi").items()}
    assert uids == {"dodac-live.json": "dodac-live", "dodac-savings.json": "dodac-savings"}
    assert site_dashboards(site, "vi") == site_dashboards(site, "vi")


def test_a_vietnamese_dashboard_has_no_english_title(site):
    english = {panel["title"] for d in site_dashboards(site, "en").values() for panel in d["panels"]}
    vietnamese = {panel["title"] for d in site_dashboards(site, "vi").values() for panel in d["panels"]}
    assert english.isdisjoint(vietnamese)
    assert all(vi and en for vi, en in _WORDS.values())


def test_a_pause_longer_than_three_readings_is_a_hole_in_the_line(site):
    power = next(
        panel
        for panel in site_dashboards(site, "en")["dodac-live.json"]["panels"]
        if panel["title"] == "Electric power" and panel["type"] == "timeseries"
    )
    assert power["fieldConfig"]["defaults"]["custom"]["spanNulls"] == 3 * 120_000


def test_the_files_are_what_grafana_reads_and_hold_no_secret(tmp_path, site):
    written = write_files(site, tmp_path / "out", "vi")
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in written) == [
        "provisioning/dashboards/dodac-live.json",
        "provisioning/dashboards/dodac-savings.json",
        "provisioning/dashboards/dodac.yaml",
        "provisioning/datasources/dodac.yaml",
    ]
    base = tmp_path / "out/provisioning"
    (source,) = yaml.safe_load((base / "datasources/dodac.yaml").read_text("utf-8"))["datasources"]
    assert (source["uid"], source["url"]) == (DATASOURCE_UID, "http://127.0.0.1:8086")
    assert source["jsonData"]["dbName"] == "field"
    assert source["jsonData"]["httpHeaderName1"] == "Authorization"
    assert source["secureJsonData"] == {"httpHeaderValue1": "Token $DODAC_INFLUX_TOKEN"}
    (provider,) = yaml.safe_load((base / "dashboards/dodac.yaml").read_text("utf-8"))["providers"]
    assert provider["options"]["path"] == "/etc/grafana/provisioning/dashboards"
    live = json.loads((base / "dashboards/dodac-live.json").read_text("utf-8"))
    assert live["title"] == "Nhà máy trực tiếp"
    assert live["timezone"] == "Asia/Ho_Chi_Minh"


def test_a_token_itself_is_refused_where_its_name_belongs(site):
    with pytest.raises(ConfigError, match="no place"):
        datasource_file(site, "s3cr3t")


def test_a_site_without_influxdb_is_told_what_is_missing(tmp_path, capsys):
    file = tmp_path / "site.toml"
    file.write_text('[site]\nid = "a"\ncompany = "b"\n', encoding="utf-8")
    assert main(["dashboards", "build", str(tmp_path / "out"), "--site", str(file)]) == Exit.USAGE
    assert "Add [influxdb]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_build_prints_the_files_and_takes_the_token_from_a_file(tmp_path, capsys):
    file = tmp_path / "site.toml"
    file.write_text(
        '[site]\nid = "a"\ncompany = "b"\nlanguage = "en"\n[influxdb]\nurl = "http://h:8086"\n', "utf-8"
    )
    words = ["build", str(tmp_path / "out"), "--site", str(file), "--influx-url", "http://influxdb:8086"]
    assert dashboards([*words, "--token-path", "/run/secrets/influx-token", "--json"]) == Exit.OK
    written = json.loads(capsys.readouterr().out)["written"]
    source = yaml.safe_load((tmp_path / "out/provisioning/datasources/dodac.yaml").read_text("utf-8"))
    (source,) = source["datasources"]
    assert len(written) == 4
    assert source["url"] == "http://influxdb:8086"
    assert source["secureJsonData"]["httpHeaderValue1"] == "Token $__file{/run/secrets/influx-token}"


def test_a_folder_that_cannot_be_written_is_one_message(tmp_path, site):
    (tmp_path / "out").write_text("in the way", "utf-8")
    with pytest.raises(StorageError, match="can't be written"):
        write_files(
            parse_site("[site]\nid='a'\ncompany='b'\n[influxdb]\nurl='http://h'", tmp_path / "s"),
            tmp_path / "out",
            "en",
        )
