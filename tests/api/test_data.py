"""Readings as JSON: bounded, with units, and errors that help."""

import json
from dataclasses import asdict

import pytest
from starlette.testclient import TestClient

from audit import VerifiedSaving
from dodac.quantities import CHANNELS
from dodac.site import Site


def test_health_and_site_say_who_and_whether(client: TestClient) -> None:
    health = client.get("/api/health").json()
    assert health["status"] == "ok"
    assert health["journal"] is True
    assert client.get("/api/site").json() == {
        "id": "cu-chi", "company": "bia-sai-gon", "name": "Nhà máy bia Củ Chi", "timezone": "Asia/Ho_Chi_Minh",
        "language": "vi", "instruments": 4,
    }  # fmt: skip


def test_every_instrument_has_its_facts_and_last_readings(client: TestClient) -> None:
    found = {row["id"]: row for row in client.get("/api/instruments").json()}
    assert list(found) == ["main-power", "weather", "brewhouse", "boiler1-flue"]
    power = found["main-power"]
    assert power["facts"]["serial_number"] == "17110042"
    [reading] = power["readings"]
    assert reading["channel"] == "energy_interval_kwh"
    assert reading["unit"] == "kWh"
    assert reading["vi"] == CHANNELS["energy_interval_kwh"].vi
    assert reading["time"] == "2026-06-30T05:00:00Z"
    assert reading["value"] > 0
    assert found["boiler1-flue"]["readings"] == []


def test_the_ledger_counts_what_the_journal_holds(client: TestClient) -> None:
    ledger = client.get("/api/ledger").json()
    assert ledger["last_seq"] == 3 * 730
    assert sum(row["committed"] for row in ledger["rows"]) == 3 * 730


def test_a_short_window_gives_values_as_read(client: TestClient) -> None:
    asked = {"instrument": "weather", "channel": "temperature_c", "from": "2026-06-01", "to": "2026-06-03"}
    series = client.get("/api/series", params=asked).json()
    assert series["what"] == "values"
    assert series["unit"] == "degC"
    assert [point["time"] for point in series["points"]] == ["2026-06-01T05:00:00Z", "2026-06-02T05:00:00Z"]


@pytest.mark.parametrize(
    ("channel", "instrument", "what"),
    [("temperature_c", "weather", "means"), ("energy_interval_kwh", "main-power", "amounts")],
)
def test_a_long_window_is_bounded(client: TestClient, channel: str, instrument: str, what: str) -> None:
    asked = {"instrument": instrument, "channel": channel, "from": "2024-06-01", "to": "2026-07-01"}
    series = client.get("/api/series", params=asked).json()
    assert (series["what"], series["step"]) == (what, "1D")
    assert 700 < len(series["points"]) <= 800


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"instrument": "main-powr", "channel": "x"}, 404, 'Did you mean "main-power"'),
        ({"instrument": "weather", "channel": "temperature"}, 404, 'Did you mean "temperature_c"'),
        ({"instrument": "weather", "channel": "temperature_c", "from": "yesterday"}, 400, "no ISO 8601 time"),
        ({"instrument": "weather", "channel": "temperature_c", "from": "1990-01-01"}, 400, "five years"),
        (
            {"instrument": "weather", "channel": "temperature_c", "from": "2026-02-02", "to": "2026-02-01"},
            400,
            "before",
        ),
        ({"instrument": "weather"}, 422, "channel"),
    ],
)
def test_a_wrong_question_is_answered_with_what_is_wrong(
    client: TestClient, asked: dict[str, str], status: int, words: str
) -> None:
    answer = client.get("/api/series", params=asked)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]
    assert answer.json()["status"] == status


def test_the_saving_is_the_registered_one_in_both_languages(
    client: TestClient, real_site: tuple[Site, VerifiedSaving]
) -> None:
    _, verified = real_site
    [line] = client.get("/api/savings").json()
    assert line["id"] == verified.id
    assert line["saving"] == verified.saving
    whole = client.get(f"/api/savings/{verified.id}").json()
    for name in ("saving", "half_width", "measured", "adjusted_baseline", "method", "intervals"):
        assert whole[name] == getattr(verified, name)
    assert whole["low"] == pytest.approx(verified.saving - verified.half_width)
    assert {item["method"] for item in whole["uncertainties"]} == {
        "exact_memory",
        "exact",
        "g14",
        "sun_baltazar",
    }
    assert whole["money"]["currency"] == "VND"
    assert whole["money"]["price_date"] == "2026-06-01"
    assert [item["code"] for item in whole["findings"]] == [item.code for item in verified.findings]
    assert all(item["vi"] and item["en"] for item in whole["findings"])
    assert whole["baseline_model"]["statistics"]["n"] > 330
    assert json.dumps(asdict(verified.evidence[0])["digest"]) in json.dumps(whole)


def test_the_intervals_behind_a_saving_add_up_to_it(
    client: TestClient, real_site: tuple[Site, VerifiedSaving]
) -> None:
    _, verified = real_site
    frame = client.get(f"/api/savings/{verified.id}/frame").json()
    assert sum(row["saving"] for row in frame["rows"] if row["used"]) == pytest.approx(verified.saving)
    left_out = [row["start"][:10] for row in frame["rows"] if not row["used"]]
    assert left_out == ["2026-03-03", "2026-03-04", "2026-03-05"]


def test_an_unknown_saving_is_not_found(client: TestClient) -> None:
    answer = client.get("/api/savings/vsd-plan-s7")
    assert answer.status_code == 404
    assert 'Did you mean "vsd-plan-s1"' in answer.json()["detail"]
    assert client.get("/api/nothing").status_code == 404
    assert client.get("/api/nothing").headers["content-type"] == "application/problem+json"
    assert client.post("/api/health").status_code == 405


def test_every_route_declares_what_it_answers(client: TestClient) -> None:
    schema = client.get("/api/openapi.json").json()
    for path, verbs in schema["paths"].items():
        assert set(verbs) <= {"get", "post", "put"}, path
        for verb, told in verbs.items():
            content = told["responses"]["200" if verb == "get" else "201"]["content"]
            shown = {"text/event-stream", "image/jpeg"} & set(content)
            assert shown or content["application/json"]["schema"], path


def test_nothing_but_readings_by_hand_can_be_sent(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert {path for path, verbs in paths.items() if set(verbs) - {"get"}} == {
        "/api/exchanges/{instrument}",
        "/api/forms/{instrument}",
        "/api/forms/{instrument}/withdrawals",
        "/api/photos",
    }
    assert client.get("/docs").status_code == 404
    assert client.get("/redoc").status_code == 404
