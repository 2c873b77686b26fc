"""Nothing is open by default: hosts, token, cookie, and the way back after signing in."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api import create_app
from api.security import is_loopback
from dodac.errors import ConfigError
from dodac.site import Site, parse_site

TOKEN = "a-token-long-enough-for-anyone"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return parse_site('[site]\nid = "a"\ncompany = "b"\nlanguage = "en"\n', tmp_path / "site.toml")


def _client(site: Site, *, token: str | None = TOKEN, host: str = "0.0.0.0") -> TestClient:  # noqa: S104
    return TestClient(
        create_app(site, host=host, token=token), base_url="http://plant.local:8321", follow_redirects=False
    )


def test_other_machines_are_refused_without_a_token(site: Site) -> None:
    with pytest.raises(ConfigError, match="no access token"):
        create_app(site, host="0.0.0.0")  # noqa: S104
    with pytest.raises(ConfigError, match="fewer than 16"):
        create_app(site, host="192.168.1.4", token="short")


def test_a_name_pointed_at_this_machine_can_not_read_it(site: Site) -> None:
    app = create_app(site)
    for host in ("evil.example", "127.0.0.1.evil.example", "", "[::1].evil:80"):
        answer = TestClient(app, base_url="http://127.0.0.1").get("/api/site", headers={"host": host})
        assert answer.status_code == 400, host
    for host in ("127.0.0.1:8321", "localhost", "[::1]:8321", "127.0.0.9"):
        assert (
            TestClient(app, base_url="http://127.0.0.1").get("/api/site", headers={"host": host}).is_success
        )


@pytest.mark.parametrize(
    "path", ["/api/site", "/api/instruments", "/api/live", "/api/savings", "/api/openapi.json", "/metrics"]
)
def test_without_the_token_the_api_is_shut(site: Site, path: str) -> None:
    client = _client(site)
    assert client.get(path).status_code == 401
    assert client.get(path, headers={"authorization": "Bearer wrong"}).status_code == 401
    assert client.get(path, headers={"authorization": f"Basic {TOKEN}"}).status_code == 401
    assert client.get("/api/health").is_success


def test_the_token_opens_the_api(site: Site) -> None:
    assert _client(site).get("/api/site", headers={"authorization": f"Bearer {TOKEN}"}).is_success


def test_signing_in_opens_the_pages(site: Site) -> None:
    client = _client(site)
    assert client.get("/savings").headers["location"] == "/sign-in?next=/savings"
    form = client.get("/sign-in", params={"next": "/savings"})
    assert form.is_success
    assert 'value="/savings"' in form.text
    wrong = client.post("/sign-in", data={"token": "no", "next": "/savings"})
    assert wrong.headers["location"] == "/sign-in?wrong=1&next=/savings"
    assert "That is not the access token." in client.get(wrong.headers["location"]).text
    right = client.post("/sign-in", data={"token": TOKEN, "next": "/savings"})
    assert right.headers["location"] == "/savings"
    cookie = right.headers["set-cookie"]
    assert TOKEN not in cookie
    for word in ("HttpOnly", "SameSite=strict"):
        assert word in cookie
    assert client.get("/savings").is_success
    client.cookies.set("dodac_session", "0" * 64)
    assert client.get("/savings").status_code == 303


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x"]
)
def test_signing_in_never_leads_to_another_site(site: Site, target: str) -> None:
    answer = _client(site).post("/sign-in", data={"token": TOKEN, "next": target})
    assert answer.headers["location"] == "/"


def test_a_huge_sign_in_is_not_read_to_its_end(site: Site) -> None:
    assert _client(site).post("/sign-in", content=b"token=" + b"x" * 100_000).status_code == 303


def test_a_site_file_s_token_file_is_used(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    text = '[site]\nid = "a"\ncompany = "b"\n[serve]\nhost = "0.0.0.0"\ntoken_file = "token"\n'
    site = parse_site(text, tmp_path / "site.toml")
    client = TestClient(create_app(site), base_url="http://10.0.0.4:8321")
    assert client.get("/api/site").status_code == 401
    assert client.get("/api/site", headers={"authorization": f"Bearer {TOKEN}"}).is_success


def test_signing_in_is_not_asked_for_on_this_machine(site: Site) -> None:
    client = TestClient(create_app(site), base_url="http://127.0.0.1", follow_redirects=False)
    assert client.get("/sign-in").headers["location"] == "/"
    assert client.get("/").is_success


def test_loopback_is_recognised() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "localhost", "::1", "[::1]", "127.9.9.9")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.168.1.4", "", "localhost.evil", "::")))  # noqa: S104


def test_before_the_first_sample_pages_say_what_to_do(site: Site) -> None:
    with TestClient(create_app(site), base_url="http://127.0.0.1") as client:
        assert "dodac run" in client.get("/").text
        assert client.get("/api/instruments").json() == []
        assert client.get("/api/savings").json() == []
        assert "dodac audit" in client.get("/savings").text
        answer = client.get("/api/ledger")
        assert answer.status_code == 503
        assert "no journal" in answer.json()["detail"]
        assert client.get("/api/health").json()["journal"] is False
