"""Readings by hand over HTTP: taken once, asked about, bounded; and never on behalf of another site's page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api import create_app
from api._multipart import parse_multipart
from collector.enter import Desk
from dodac.clock import SECOND_NS, ManualClock
from dodac.errors import DataError
from dodac.site import Site, parse_site
from drivers._photos import MAX_PHOTO
from drivers.protocols.manual import Typed
from drivers.protocols.manual_entry import Entry
from store import Journal, JournalStore

SITE = """[site]
id = "a"
company = "b"
language = "vi"
[connections.hand]
kind = "manual"
[[instruments]]
id = "kit"
asset = "wastewater"
name = "Nước thải"
profile = "manual.water-kit"
connection = "hand"
[[instruments]]
id = "bill"
profile = "manual.electricity-bill"
connection = "hand"
[[instruments]]
id = "flue"
profile = "manual.flue-gas"
connection = "hand"
"""
NOW = 1_790_000_000 * SECOND_NS  # 2026-09-21 20:13:20 in Vietnam
JPEG = b"\xff\xd8\xff\xe0" + bytes(300)
TOKEN = "a-token-long-enough-for-anyone"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return parse_site(SITE, tmp_path / "site.toml")


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    app = create_app(site, clock=ManualClock(NOW))
    with TestClient(app, base_url="http://127.0.0.1:8321", follow_redirects=False) as made:
        yield made


def _body(**more: Any) -> dict[str, Any]:
    return {"id": "abcdef01", "at": "2026-09-21T20:00", "values": {"ph": "7,2"}, **more}


def _rows(site: Site, instrument: str = "kit") -> int:
    with JournalStore(site.journal_path) as store:
        return len(list(store.samples(instrument, 0, 2 * NOW)))


def test_an_entry_is_stored_once_however_often_it_is_sent(client: TestClient, site: Site) -> None:
    for _ in range(3):
        answer = client.post("/api/forms/kit", json=_body())
        assert (answer.status_code, answer.json()["state"]) == (201, "stored")
    assert _rows(site) == 1
    (past,) = client.get("/api/forms/kit/entries").json()
    assert (past["id"], past["state"], past["typed"]) == ("abcdef01", "stored", {"ph": "7,2"})
    assert past["start"] == "2026-09-21T13:00:00Z"


def test_a_running_collector_is_told_apart_from_stored(client: TestClient, site: Site) -> None:
    site.journal_path.parent.mkdir(parents=True)
    with Journal.open(site.journal_path):
        answer = client.post("/api/forms/kit", json=_body())
        assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    assert client.post("/api/forms/kit", json=_body()).status_code == 201


def test_the_ledger_tells_what_waits(client: TestClient, site: Site) -> None:
    with Journal.open(site.journal_path):
        assert client.post("/api/forms/kit", json=_body()).status_code == 202
        entries = client.get("/api/ledger").json()["entries"]
        assert (entries["waiting"], entries["refused"]) == (1, 0)


def test_without_a_look_into_the_journal_nothing_is_taken(client: TestClient, site: Site) -> None:
    """A journal that could not be read was taken for an empty one: a bill was stored twice."""
    bill = {"from": "2026-08-01", "to": "2026-09-01", "values": {"energy_interval_kwh": "125430"}}
    site.journal_path.parent.mkdir(parents=True, exist_ok=True)
    site.journal_path.write_bytes(b"no database" * 1000)
    answer = client.post("/api/forms/bill", json={**bill, "id": "bbbbbbbb"})
    assert answer.status_code >= 500
    assert answer.json()["detail"]
    assert list(site.journal_path.parent.glob("journal-entries/*.json")) == []


def test_a_question_is_asked_in_both_languages_and_confirmed_by_its_key(client: TestClient) -> None:
    asked = client.post("/api/forms/kit", json=_body(values={"ph": {"text": "2,1", "unit": ""}}))
    assert asked.status_code == 409
    (finding,) = asked.json()["findings"]
    assert "khác thường" in finding["vi"]
    assert "unusual" in finding["en"]
    again = _body(values={"ph": "2,1"}, confirmed=[finding["key"]])
    assert client.post("/api/forms/kit", json=again).status_code == 201


def test_a_refusal_says_why(client: TestClient) -> None:
    answer = client.post("/api/forms/kit", json=_body(values={"ph": "72"}))
    assert answer.status_code == 422
    assert answer.json()["findings"][0]["code"] == "out_of_range"


@pytest.mark.parametrize(
    "id",
    [
        "../../../evil-aaaaaaaa",
        "/abs/evil-aaaaaaaa",
        "abcdef01\n",
        "abcdef01.json",
        "a" * 65,
        "ABCDEFGH",
        "abc defgh",
    ],
)
def test_an_id_is_never_a_way_out_of_the_spool(
    client: TestClient, site: Site, tmp_path: Path, id: str
) -> None:
    """The pattern of the API was looked for anywhere in the text: such an entry was written outside, or lost as stored."""
    assert client.post("/api/forms/kit", json=_body(id=id)).status_code == 400
    assert client.post("/api/forms/kit/withdrawals", json={"id": id, "entry": "abcdef01"}).status_code == 400
    assert list(tmp_path.rglob("*aaaaaaaa*")) == []
    desk = Desk(site, ManualClock(NOW), lambda: None)
    with pytest.raises(DataError, match="the id of an entry"):
        desk.take(Entry(id, "kit", {"ph": Typed("7")}, NOW, NOW))
    with pytest.raises(ValueError, match="name of an entry"):
        desk.spool.path("kit", "../x")


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T12:00",
        "0001-01-01",
        "0026-09-21T20:00",
        "9999-12-31T23:59",
        "9999-12-31T23:59:59Z",
        "2262-04-12",
    ],
)
def test_a_year_typed_wrong_is_refused_in_words(client: TestClient, at: str) -> None:
    """Beyond what 64 bits of nanoseconds hold, it was a traceback."""
    answer = client.post("/api/forms/kit", json=_body(at=at))
    assert answer.status_code in (400, 422)
    bill = {"id": "bbbbbbbb", "from": at, "to": at, "values": {"energy_interval_kwh": "1"}}
    assert client.post("/api/forms/bill", json=bill).status_code in (400, 422)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "x"}, {"id": "../../etc/passwd"}, {"id": "ABCDEFGH1"}, {"values": []}, {"values": {"ph": 7.2}},
        {"values": {"ph": "1" * 100}}, {"note": "x" * 2001}, {"operator": "x" * 81}, {"surprise": 1},
        {"confirmed": ["x"] * 65},
    ],
)  # fmt: skip
def test_a_body_of_another_shape_is_one_message(client: TestClient, change: dict[str, Any]) -> None:
    answer = client.post("/api/forms/kit", json={**_body(), **change})
    assert answer.status_code == 400
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    "change", [{"at": None}, {"at": "soon"}, {"at": "9999-99-99"}, {"from": "2026-01-01", "to": "2026-02-01"}]
)
def test_times_that_are_none_are_told(client: TestClient, change: dict[str, Any]) -> None:
    answer = client.post("/api/forms/kit", json={**_body(), **change})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_only_json_of_a_sensible_size_is_read(client: TestClient) -> None:
    assert (
        client.post("/api/forms/kit", content=b"{", headers={"content-type": "application/json"}).status_code
        == 400
    )
    assert client.post("/api/forms/kit", content=json.dumps(_body())).status_code == 415
    big = {"content-type": "application/json"}
    assert client.post("/api/forms/kit", content=b" " * 100_000, headers=big).status_code == 413
    assert client.post("/api/forms/nobody", json=_body()).status_code == 404


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://127.0.0.1"]
)
def test_a_page_of_another_site_can_type_nothing(client: TestClient, site: Site, origin: str) -> None:
    for send in (
        lambda: client.post("/api/forms/kit", json=_body(), headers={"origin": origin}),
        lambda: client.put("/api/photos", content=JPEG, headers={"origin": origin}),
        lambda: client.post("/enter/kit", files={"id": (None, "abcdef01")}, headers={"origin": origin}),
    ):
        assert send().status_code == 403
    assert (
        client.put("/api/photos", content=JPEG, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    )
    assert not site.journal_path.exists()
    assert not site.photos_path.exists()
    own = {"origin": "http://127.0.0.1:8321", "sec-fetch-site": "same-origin"}
    assert client.post("/api/forms/kit", json=_body(), headers=own).status_code == 201


def test_off_this_machine_typing_needs_the_token(site: Site) -> None:
    app = create_app(site, host="0.0.0.0", token=TOKEN, clock=ManualClock(NOW))  # noqa: S104
    with TestClient(app, base_url="http://plant.local:8321", follow_redirects=False) as client:
        assert client.post("/api/forms/kit", json=_body()).status_code == 401
        assert client.put("/api/photos", content=JPEG).status_code == 401
        assert client.get("/enter").status_code == 303
        allowed = {"authorization": f"Bearer {TOKEN}"}
        assert client.post("/api/forms/kit", json=_body(), headers=allowed).status_code == 201


def test_a_photo_is_kept_bounded_and_shown_as_nothing_but_a_picture(client: TestClient, site: Site) -> None:
    kept = client.put("/api/photos", content=JPEG).json()
    shown = client.get(f"/api/photos/{kept['sha256']}")
    assert shown.content == JPEG
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in shown.headers["content-security-policy"]
    for bad in (b"<html><script>", b"", b"%PDF"):
        assert client.put("/api/photos", content=bad).status_code == 415
    assert client.put("/api/photos", content=JPEG + bytes(MAX_PHOTO)).status_code == 413
    assert client.get("/api/photos/..%2F..%2Fsite.toml").status_code == 404
    assert len(list(site.photos_path.iterdir())) == 1


def test_a_printout_without_its_photo_is_not_taken(client: TestClient, site: Site) -> None:
    body = _body(values={"o2_pct": "6,4"})
    codes = [f["code"] for f in client.post("/api/forms/flue", json=body).json()["findings"]]
    assert codes == ["photo_missing"]
    gone = client.post("/api/forms/flue", json={**body, "photo": "ab" * 32}).json()
    assert [f["code"] for f in gone["findings"]] == ["photo_gone"]
    photo = client.put("/api/photos", content=JPEG).json()["sha256"]
    assert client.post("/api/forms/flue", json={**body, "photo": photo}).status_code == 201
    with JournalStore(site.journal_path) as store:
        (sample,) = store.samples("flue", 0, 2 * NOW)
    assert json.loads(sample.raw or b"")["photo"] == {
        "kind": "image/jpeg",
        "sha256": photo,
        "size": len(JPEG),
    }


def test_forms_tell_their_ranges_and_last_values(client: TestClient) -> None:
    client.post("/api/forms/kit", json=_body())
    forms = {form["instrument"]: form for form in client.get("/api/forms").json()}
    assert list(forms) == ["kit", "bill", "flue"]
    ph = forms["kit"]["fields"][0]
    assert (ph["channel"], ph["low"], ph["high"], ph["usual"], ph["last"]) == ("ph", 0, 14, [4, 11], 7.2)
    assert forms["bill"]["period"] == "month"
    assert client.get("/api/forms/kit").json() == forms["kit"]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_pages_speak_both_languages_and_need_nothing_from_outside(
    client: TestClient, language: str
) -> None:
    client.post("/api/forms/kit", json=_body(operator="<b>Lan</b>", note="<script>alert(1)</script>"))
    listed = client.get("/enter", params={"lang": language}).text
    assert "Nước thải" in listed
    for name in ("kit", "bill", "flue"):
        answer = client.get(f"/enter/{name}", params={"lang": language})
        assert answer.status_code == 200
        assert ("Lưu" if language == "vi" else "Save") in answer.text
        assert "<script>alert" not in answer.text
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert client.get("/enter/nobody").status_code == 404
    assert '"/enter"' in client.get("/").text


def test_a_site_without_forms_has_no_page_for_them_in_its_head(tmp_path: Path) -> None:
    site = parse_site('[site]\nid = "a"\ncompany = "b"\n', tmp_path / "site.toml")
    with TestClient(create_app(site), base_url="http://127.0.0.1") as client:
        assert '"/enter"' not in client.get("/").text
        assert "kind = &#34;manual&#34;" in client.get("/enter").text


def test_a_reading_by_hand_is_never_called_late(client: TestClient) -> None:
    client.post("/api/forms/kit", json=_body(at="2026-09-20T08:00"))
    assert 'data-late="0"' in client.get("/").text


# ---- the form without its script


def _form(client: TestClient, fields: dict[str, str], name: str = "kit", **files: bytes) -> Any:
    parts: dict[str, Any] = {key: (None, value) for key, value in fields.items()}
    parts |= {key: ("p.jpg", data, "image/jpeg") for key, data in files.items()}
    return client.post(f"/enter/{name}", files=parts)


def test_without_its_script_the_form_saves_and_asks(client: TestClient, site: Site) -> None:
    fields = {
        "id": "abcdef01",
        "at": "2026-09-21T20:00",
        "value.ph": "2,1",
        "unit.cod_mg_l": "mg/l",
        "note": "đục",
    }
    asked = _form(client, fields)
    assert asked.status_code == 200
    assert "khác thường" in asked.text
    assert 'value="2,1"' in asked.text
    assert "đục</textarea>" in asked.text
    assert 'name="confirm" value="unusual:ph:2.1"' in asked.text
    saved = _form(client, {**fields, "confirm": "unusual:ph:2.1"})
    assert saved.status_code == 303
    assert saved.headers["location"] == "/enter/kit?saved=stored"
    assert "Đã lưu" in client.get(saved.headers["location"]).text
    assert _rows(site) == 1


def test_without_its_script_a_choice_settles_what_a_sign_means(client: TestClient, site: Site) -> None:
    fields = {"id": "abcdef01", "at": "2026-09-21T20:00", "value.cod_mg_l": "1.234", "unit.cod_mg_l": "mg/l"}
    asked = _form(client, fields)
    assert 'name="choose.cod_mg_l" value="1234"' in asked.text
    assert _form(client, {**fields, "choose.cod_mg_l": "1234"}).status_code == 303
    with JournalStore(site.journal_path) as store:
        assert store.series("kit", ["cod_mg_l"], 0, 2 * NOW)["cod_mg_l"].tolist() == [1234.0]


def test_without_its_script_a_photo_goes_with_the_form(client: TestClient, site: Site) -> None:
    fields = {"id": "abcdef01", "at": "2026-09-21T20:00", "value.o2_pct": "6,4", "photo": ""}
    refused = _form(client, fields, "flue", picture=b"GIF89a")
    assert refused.status_code == 422
    assert "JPEG" in refused.text
    assert _form(client, fields, "flue", picture=JPEG).status_code == 303
    assert len(list(site.photos_path.iterdir())) == 1


def test_a_bill_runs_to_the_end_of_its_last_day(client: TestClient) -> None:
    fields = {
        "id": "abcdef01",
        "from": "2026-08-01",
        "to": "2026-08-31",
        "value.energy_interval_kwh": "125430",
    }
    assert _form(client, fields, "bill").status_code == 303
    (past,) = client.get("/api/forms/bill/entries").json()
    assert (past["start"], past["end"]) == ("2026-07-31T17:00:00Z", "2026-08-31T17:00:00Z")
    assert 'value="2026-09-01"' in client.get("/enter/bill").text  # the next one begins where it ended


def test_a_correction_opens_filled_in_and_keeps_its_time(client: TestClient, site: Site) -> None:
    client.post("/api/forms/kit", json=_body())
    html = client.get("/enter/kit", params={"corrects": "abcdef01"}).text
    assert 'value="7,2"' in html
    assert 'name="at" value="2026-09-21T13:00:00Z"' in html
    fields = {"id": "abcdef02", "at": "2026-09-21T13:00:00Z", "value.ph": "7,5", "corrects": "abcdef01"}
    assert _form(client, fields).status_code == 303
    with JournalStore(site.journal_path) as store:
        assert store.series("kit", ["ph"], 0, 2 * NOW)["ph"].tolist() == [7.5]


def test_a_correction_opens_in_the_unit_that_was_chosen(client: TestClient) -> None:
    """Opened in the offered unit instead, 1.2 g/l would have become 1.2 mg/l by saving it unchanged."""
    values = {
        "cod_mg_l": {"text": "1,2", "unit": "g/l"},
        "conductivity_us_cm": {"text": "0,2", "unit": "S/m"},
    }
    assert client.post("/api/forms/kit", json=_body(values=values)).status_code == 422  # S/m is not known
    values = {"cod_mg_l": {"text": "1,2", "unit": "g/l"}, "temperature_c": {"text": "300", "unit": "K"}}
    assert client.post("/api/forms/kit", json=_body(values=values)).status_code == 201
    html = client.get("/enter/kit", params={"corrects": "abcdef01"}).text
    assert '<option value="g/l" selected>' in html
    assert 'value="300 K"' in html
    (past,) = client.get("/api/forms/kit/entries").json()
    assert past["units"] == {"cod_mg_l": "g/l", "temperature_c": "K"}


def test_a_form_that_can_not_be_read_is_one_message(client: TestClient) -> None:
    for content_type, body in (
        ("text/plain", b"x"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\nno head--b--"),
    ):
        answer = client.post("/enter/kit", content=body, headers={"content-type": content_type})
        assert answer.status_code == 400, body
    assert _form(client, {"id": "abcdef01", "at": "never", "value.ph": "7"}).status_code == 422
    assert _form(client, {"id": "!", "at": "2026-09-21T20:00", "value.ph": "7"}).status_code == 422
    assert client.post("/enter/kit", content=b"x" * (MAX_PHOTO + 100_000)).status_code == 413


@given(st.binary(max_size=300))
def test_any_bytes_of_a_form_are_read_or_refused(body: bytes) -> None:
    whole = (
        b'--b\r\nContent-Disposition: form-data; name="picture"; filename="x"\r\n\r\n'
        + body
        + b"\r\n--b--\r\n"
    )
    try:
        data = parse_multipart("multipart/form-data; boundary=b", whole)
    except ValueError:
        assert b"--b" in body
    else:
        assert b"\r\n--b" in body or data.files.get("picture", b"") == body
    try:
        parse_multipart("multipart/form-data; boundary=b", body)
    except ValueError:
        return
