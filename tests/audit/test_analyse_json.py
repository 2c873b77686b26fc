"""`dodac analyse --json`: its keys are those of the reference page, its figures those of the text."""

import json
import re
from pathlib import Path

import pytest

from dodac.cli import main
from dodac.words import number_text

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference" / "analysis-json.md"
WORDS = [
    "analyse", "--file", str(DOCS / "tutorials" / "building.csv"), "--energy", "energy kWh",
    "--temperature", "outside °C", "--baseline", "2024-01-01..2024-12-31", "--reporting", "2025-01-01..2025-12-31",
]  # fmt: skip


def told(section):
    """The names in code marks of a section of the page."""
    text = PAGE.read_text(encoding="utf-8").split(f"## {section}\n")[1].split("\n## ")[0]
    return set(re.findall(r"`([a-z_0-9]+)`", text))


def test_every_key_is_on_the_page(capsys):
    more = ["--events", "--validity", "sep", "--meter-class", "1", "--json"]
    assert main([*WORDS, *more]) == 0
    found = json.loads(capsys.readouterr().out)
    table = set(re.findall(r"^\| `([a-z_]+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(found) == table - {"refusal"}
    inner = {
        "selection": [found["selection"], *found["selection"]["candidates"]],
        "baseline": [found["baseline"]],
        "validity": [found["validity"][0], *found["validity"][0]["rules"]],
        "smallest_saving": [found["smallest_saving"]],
        "saving": [found["saving"], found["saving"]["uncertainty"], *found["saving"]["others"]],
        "events": list(found["events"].values()),
    }
    for section, objects in inner.items():
        for each in objects:
            assert set(each) <= told(section), section


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("kind", ["avoided", "backcast", "normalised"])
def test_the_text_shows_the_figures_of_the_json(kind, language, capsys):
    words = [*WORDS, "--model", "towt-daily", "--savings", kind, "--meter-class", "1", "--events"]
    assert main([*words, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert main([*words, "--language", language]) == 0
    lines = capsys.readouterr().out.splitlines()
    text = "\n".join(lines)

    def shown(value, digits=0):
        return number_text(value, digits, language)

    saving, baseline = data["saving"], data["baseline"]
    assert f"{saving['start']} … {saving['end']}" in lines[0]
    assert shown(saving["adjusted_baseline"]) in lines[1]
    assert shown(saving["measured"]) in lines[2]
    assert f"{shown(saving['saving'])} kWh ± {shown(saving['half_width'])} " in lines[3]
    half = saving["half_width"] / saving["adjusted_baseline"]
    assert f"({shown(100 * saving['fraction'], 2)} ± {shown(100 * half, 2)} %)" in lines[3]
    assert f"{saving['intervals']} " in lines[4]
    for part in saving["uncertainty"]["parts"]:
        assert f"{part['id']} ± {shown(part['half_width'])}" in lines[5]
    assert f"R² {shown(baseline['r2'], 6)}   CV(RMSE) {shown(100 * baseline['cv_rmse'], 2)} %" in text
    smallest = data["smallest_saving"]
    assert f"{shown(smallest['amount'])} kWh ({shown(100 * smallest['fraction'], 2)} %)" in text
    for method in (saving["uncertainty"], *saving["others"]):
        line = next(line for line in lines if line.startswith(f"  {method['method']} "))
        assert f" {shown(method['half_width'])} " in line
    for finding in (*baseline["findings"], *saving["findings"], *data["next"]):
        assert finding[language] in text


def test_what_to_do_next_follows_from_what_was_found(tmp_path, capsys):
    def steps(*words):
        main([*WORDS, "--model", "mean", *words, "--json"])
        return [step["code"] for step in json.loads(capsys.readouterr().out)["next"]]

    bare = [word for word in WORDS if word not in ("--temperature", "outside °C")]
    assert main([*bare, "--model", "mean", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["next"][0]["code"] == "name_drivers"
    assert steps("--baseline", "2024-01-01..2024-03-31") == ["allow_short"]
    assert "improve_baseline" in steps("--baseline", "2024-01-01..2024-03-31", "--allow-short")
