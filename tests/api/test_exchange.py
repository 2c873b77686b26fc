"""A technician tells an exchanged meter on the phone, or a program does; both count once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api import create_app
from dodac.clock import HOUR_NS, ManualClock, parse_time_ns
from dodac.samples import Layout
from dodac.site import Site, parse_site
from store import Journal, JournalStore

SITE = """[site]
id = "a"
company = "b"
language = "vi"
[[instruments]]
id = "water"
measurement = "water"
name = "Nước lò hơi"
[[instruments]]
id = "air"
measurement = "ambient"
"""
METER = Layout("water", ("volume_m3", "flow_m3h"))
T0 = parse_time_ns("2026-11-20T08:00:00", "Asia/Ho_Chi_Minh")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = parse_site(SITE, tmp_path / "site.toml")
    site.journal_path.parent.mkdir()
    with Journal.open(site.journal_path) as journal:
        journal.layout(METER)
        values = [500.0, 501.0, 502.0, 7.5, 8.5]
        journal.commit(
            [("f", METER.sample(T0 + n * HOUR_NS, {"volume_m3": v})) for n, v in enumerate(values)]
        )
    return site


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    app = create_app(site, clock=ManualClock(T0 + 10 * HOUR_NS))
    with TestClient(app, base_url="http://127.0.0.1:8321", follow_redirects=False) as made:
        yield made


def _amount(site: Site) -> float:
    with JournalStore(site.journal_path) as store:
        return float(store.intervals("water", "volume_m3", T0, T0 + 4 * HOUR_NS, "1h")["value"].sum())


def test_what_the_technician_types_adds_up_and_is_shown_as_recorded(client: TestClient, site: Site) -> None:
    shown = client.get("/exchange/water").text
    assert "Nước lò hơi" in shown
    assert 'name="old.volume_m3"' in shown
    assert "flow_m3h" not in shown
    assert "Số đọc gần nhất: 8,5 m³, 20/11/2026 12:00" in shown
    known = re.search(r'name="id" value="([0-9a-f]+)"', shown)
    assert known
    typed = {
        "id": known[1],
        "at": "2026-11-20T10:30",
        "old.volume_m3": "502,4",
        "new.volume_m3": "7",
        "serial": "<b>9",
    }
    same = {"origin": "http://127.0.0.1:8321"}
    answer = client.post("/exchange/water", data=typed, headers=same)
    assert answer.status_code == 303
    shown = client.get(answer.headers["location"]).text
    assert "Đã lưu vào nhật ký đo" in shown
    assert "502,400 → 7,000 m³" in shown
    assert "&lt;b&gt;9" in shown
    assert _amount(site) == pytest.approx(2 + 0.4 + 0.5 + 1)
    assert 'href="/exchange/water"' in client.get("/").text


@pytest.mark.parametrize(
    ("typed", "status", "words"),
    [
        (
            {"at": "2026-11-20T10:30", "old.volume_m3": "499", "new.volume_m3": "7"},
            409,
            "nhỏ hơn số đã đọc lúc 20/11/2026 10:00: 502.",
        ),
        ({"at": "2026-11-20T10:30", "old.volume_m3": "502", "new.volume_m3": ""}, 422, "cần hai số"),
        ({"at": "2026-11-20T10:30", "old.volume_m3": "12.345", "new.volume_m3": "7"}, 422, "cần hai số"),
        ({"at": "2026-11-20T10:30"}, 422, "Chưa nhập"),
        ({"at": "x", "old.volume_m3": "502", "new.volume_m3": "7"}, 422, "no ISO 8601 time"),
    ],
)
def test_what_can_not_be_is_shown_again_as_typed_and_not_recorded(
    client: TestClient, typed: dict[str, str], status: int, words: str
) -> None:
    same = {"origin": "http://127.0.0.1:8321"}
    answer = client.post("/exchange/water", data={"id": "0123456789", **typed}, headers=same)
    assert answer.status_code == status
    assert words in answer.text
    assert typed.get("old.volume_m3", "") in answer.text
    assert client.get("/api/exchanges/water").json() == []
    if status == 409:
        sure = client.post("/exchange/water", data={"id": "0123456789", **typed, "sure": "1"}, headers=same)
        assert sure.status_code == 303


def test_a_program_is_asked_too_and_another_page_can_not_record(client: TestClient, site: Site) -> None:
    given = {"id": "0123456789", "at": "2026-11-20T10:30", "counters": {"volume_m3": [499, 7]}}
    asked = client.post("/api/exchanges/water", json=given)
    assert (asked.status_code, asked.json()["state"]) == (409, "asked")
    assert client.post("/api/exchanges/water", json={**given, "sure": True}).status_code == 201
    taken_back = {**given, "id": "9123456789", "withdrawn": True}
    assert client.post("/api/exchanges/water", json=taken_back).status_code == 201
    assert [row["kind"] for row in client.get("/api/exchanges/water").json()] == ["exchange", "exchange"]
    assert _amount(site) == pytest.approx(3.0)
    assert client.post("/api/exchanges/nobody", json=given).status_code == 404
    assert client.get("/exchange/nobody").status_code == 404
    strange = client.post("/exchange/water", data={"id": "0123456789"}, headers={"origin": "http://evil"})
    assert strange.status_code == 403
    assert "Nhật ký chưa có bộ đếm" in client.get("/exchange/air").text
