"""Savings by tests stand on the page beside the others, with their class, report and data."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api import create_app
from dodac.cli import main
from dodac.site import load_site

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
SITE = '[site]\nid = "p1"\ncompany = "acme"\nname = "Acme plant"\ntimezone = "Asia/Ho_Chi_Minh"\nlanguage = "en"\n'


def _file(name: str) -> str:
    """A file that the how-to page writes."""
    page = (HOW_TO / "verify-by-tests.md").read_text(encoding="utf-8")
    block = page.partition(f"cat > {name} <<'END'\n")[2].partition("> END")[0]
    return "".join(line.removeprefix("> ") for line in block.splitlines(keepends=True))


@pytest.fixture
def tested(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    place = ["--site", str(tmp_path)]
    for name, command in (("tune.toml", "add-option"), ("tune-plan.toml", "add-plan")):
        (tmp_path / name).write_text(_file(name), encoding="utf-8")
        assert main(["audit", command, str(tmp_path / name), *place]) == 0
    read = ["--channel", "load=steam", "--channel", "t_flue_c=flue", "--channel", "t_air_c=air", *place]
    for command, day in (("freeze", "before"), ("verify", "after")):
        assert main(["audit", command, "tune-plan", "--test", str(HOW_TO / f"boiler-{day}.csv"), *read]) == 0
    capsys.readouterr()
    with TestClient(
        create_app(load_site(tmp_path / "site.toml")), base_url="http://127.0.0.1:8321"
    ) as client:
        yield client


def test_the_page_lists_it_and_opens_its_report(tested: TestClient):
    listed = tested.get("/savings?lang=en").text
    assert "tune-plan-s1" in listed
    assert "IPMVP A · measured" in listed
    report = tested.get("/savings/tune-plan-s1")
    assert report.url.path == "/savings/tune-plan-s1/report"
    assert "gas bills 2025" in report.text


def test_programs_get_the_entry_as_it_is_registered(tested: TestClient):
    [entry] = tested.get("/api/savings/tests").json()
    assert (entry["id"], entry["evidence_class"], entry["ipmvp_option"]) == ("tune-plan-s1", "measured", "A")
    assert entry["coverage_factor"] == pytest.approx(1.66, abs=0.01)
    assert tested.get("/api/savings").json() == []
