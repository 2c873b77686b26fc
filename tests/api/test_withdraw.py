"""Taking an entry back over the API and on the page, with or without its script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api import create_app
from api._state import LiveState
from dodac.clock import SECOND_NS, ManualClock
from dodac.samples import FIRST_REVISION, Flag, Layout, Reason
from dodac.site import Site, parse_site
from store import JournalStore

SITE = """[site]
id = "a"
company = "b"
language = "vi"
[connections.hand]
kind = "manual"
[[instruments]]
id = "kit"
profile = "manual.water-kit"
connection = "hand"
[[instruments]]
id = "bill"
profile = "manual.electricity-bill"
connection = "hand"
"""
NOW = 1_790_000_000 * SECOND_NS  # 2026-09-21 20:13:20 in Vietnam


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return parse_site(SITE, tmp_path / "site.toml")


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    app = create_app(site, clock=ManualClock(NOW))
    with TestClient(app, base_url="http://127.0.0.1:8321", follow_redirects=False) as made:
        entry = {"id": "abcdef01", "at": "2026-09-21T20:00", "values": {"ph": "7,2"}, "operator": "Lan"}
        assert made.post("/api/forms/kit", json=entry).status_code == 201
        yield made


def _ph(site: Site) -> list[float]:
    with JournalStore(site.journal_path) as store:
        return [float(value) for value in store.series("kit", ["ph"], 0, 2 * NOW)["ph"].dropna()]


def test_a_program_takes_an_entry_back_once(client: TestClient, site: Site) -> None:
    given = {"id": "wwwwwwww", "entry": "abcdef01", "operator": "Minh", "note": "sai ngày"}
    for _ in range(2):
        assert client.post("/api/forms/kit/withdrawals", json=given).status_code == 201
    assert _ph(site) == []
    newest, old = client.get("/api/forms/kit/entries").json()
    assert (old["id"], old["withdrawn"], old["withdraws"]) == ("abcdef01", True, "")
    assert (newest["withdraws"], newest["note"], newest["corrects"]) == ("abcdef01", "sai ngày", "")
    assert client.get("/api/forms/kit").json()["fields"][0]["last"] is None
    again = client.post("/api/forms/kit/withdrawals", json={**given, "id": "vvvvvvvv"})
    assert again.status_code == 422
    assert again.json()["findings"][0]["code"] == "withdraws_old"


@pytest.mark.parametrize("change", [{"id": "x"}, {"entry": 7}, {"more": 1}, {"note": "x" * 2001}])
def test_a_body_of_another_shape_is_one_message(client: TestClient, change: dict[str, object]) -> None:
    given = {"id": "wwwwwwww", "entry": "abcdef01", **change}
    assert client.post("/api/forms/kit/withdrawals", json=given).status_code == 400
    assert (
        client.post("/api/forms/none/withdrawals", json={"id": "wwwwwwww", "entry": "a"}).status_code == 404
    )


def test_a_page_of_another_site_can_take_nothing_back(client: TestClient, site: Site) -> None:
    headers = {"origin": "http://evil.example"}
    fields = {"id": "wwwwwwww"}
    assert client.post("/enter/kit/withdraw/abcdef01", data=fields, headers=headers).status_code == 403
    assert _ph(site) == [7.2]


def test_the_page_asks_takes_back_and_offers_to_type_it_again(client: TestClient, site: Site) -> None:
    assert 'href="/enter/kit/withdraw/abcdef01"' in client.get("/enter/kit").text
    html = client.get("/enter/kit/withdraw/abcdef01").text
    assert "pH 7,2" in html
    made = re.search(r'name="id" value="([0-9a-f]+)"', html)[1]  # type: ignore[index]
    fields = {"id": made, "operator": "Minh", "note": "<b>sai ngày</b>"}
    for _ in range(2):  # tapped twice
        answer = client.post("/enter/kit/withdraw/abcdef01", data=fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/enter/kit?saved=withdrawn")
    assert _ph(site) == []
    html = client.get(answer.headers["location"]).text
    assert "Đã rút lại" in html
    assert "&lt;b&gt;sai ngày&lt;/b&gt;" in html
    assert "Lần trước" not in html
    again = client.get("/enter/kit", params={"again": "abcdef01"}).text
    assert 'value="7,2"' in again
    assert 'name="at" type="datetime-local" value="2026-09-21T20:00"' in again
    assert "data-again" in again
    assert 'value="Lan"' in again
    assert client.post("/enter/kit/withdraw/abcdef01", data={"id": "another-1"}).status_code == 422
    assert client.get("/enter/kit/withdraw/nothing1").status_code == 404
    assert client.post("/enter/kit/withdraw/abcdef01", data={"id": "<"}).status_code == 400


def test_a_bill_typed_again_opens_with_its_last_day(client: TestClient) -> None:
    bill = {
        "id": "bbbbbbbb",
        "from": "2026-08-01",
        "to": "2026-09-01",
        "values": {"energy_interval_kwh": "125430"},
    }
    assert client.post("/api/forms/bill", json=bill).status_code == 201
    client.post("/api/forms/bill/withdrawals", json={"id": "wwwwwwww", "entry": "bbbbbbbb"})
    html = client.get("/enter/bill", params={"again": "bbbbbbbb"}).text
    assert 'name="from" type="date" value="2026-08-01"' in html
    assert 'name="to" type="date" value="2026-08-31"' in html
    # the guess of the next bill does not begin where the withdrawn one ended
    assert 'name="from" type="date" value="2026-09-01"' not in client.get("/enter/bill").text


def test_what_was_withdrawn_hides_nothing_older() -> None:
    layout = Layout("kit", ("ph",))
    state = LiveState()
    state.learn(layout.sample(NOW, {"ph": 7.2}), layout)
    back = layout.sample(NOW, {}, flags=[Flag("ph", Reason.WITHDRAWN, 7.2)], part=FIRST_REVISION)
    state.learn(back, layout)
    (reading,), _, course = state.instruments()["kit"]
    assert (reading.value, reading.reason, course) == (None, "withdrawn", [])
    state.learn(layout.sample(NOW - 1000, {"ph": 7.3}), layout)
    (reading,), _, course = state.instruments()["kit"]
    assert (reading.value, course) == (7.3, [(NOW - 1000, 7.3)])
