"""Pages: both languages, strict policy, small, and the figures of the register."""

import gzip
import re
import string
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.words import WORDS, reason_text, script_words
from audit import VerifiedSaving
from dodac.samples import Reason
from dodac.site import Site
from dodac.words import LANGUAGES, number_text
from reports.formats import plus_minus

API = Path(__file__).parents[2] / "api"
PAGES = ["/", "/savings", "/savings/vsd-plan-s1", "/nothing-here"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_passes_its_own_strict_policy(client: TestClient, path: str, language: str) -> None:
    answer = client.get(path, params={"lang": language})
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    html = answer.text
    assert f'<html lang="{language}">' in html
    assert "<style" not in html
    assert not re.search(r"\sstyle\s*=", html)
    assert not re.search(r"\son[a-z]+\s*=", html)
    assert re.findall(r"<script[^>]*>(.*?)</script>", html, re.DOTALL) in ([], [""])
    outside = re.findall(r"(?:src|href|action)=\"(?!/)([^\"]*)\"", html)
    assert outside == []
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", PAGES)
def test_the_first_visit_weighs_little(client: TestClient, path: str) -> None:
    html = client.get(path).text
    assets = set(re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", html)) | {"/static/show.js"}
    total = len(gzip.compress(html.encode())) + sum(len(client.get(name).content) for name in assets)
    assert total < 50_000


def test_scripts_stay_small_and_are_our_own() -> None:
    for script in (API / "static").glob("*.js"):
        text = script.read_text(encoding="utf-8")
        assert text.count("\n") < 150
        assert "innerHTML" not in text
        assert "eval(" not in text
        assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text) == []


def test_the_live_page_shows_instruments_and_what_is_missing(client: TestClient) -> None:
    html = client.get("/").text
    assert "Công tơ tổng TR1" in html
    assert "số seri 17110042" in html
    assert 'data-channel="energy_interval_kwh"' in html
    assert "Chưa có số liệu" in html  # the analyser has not spoken yet
    assert client.get("/", params={"lang": "en"}).text.count("No data yet") == 1


def test_a_language_once_chosen_stays(real_site: tuple[Site, VerifiedSaving], client: TestClient) -> None:
    fresh = TestClient(client.app, base_url="http://127.0.0.1:8321")
    assert '<html lang="vi">' in fresh.get("/").text
    fresh.get("/", params={"lang": "en"})
    assert '<html lang="en">' in fresh.get("/savings").text
    assert '<html lang="en">' in fresh.get("/", params={"lang": "xx"}).text
    assert '<html lang="vi">' in fresh.get("/", params={"lang": "vi"}).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_report_and_register_show_the_same_saving(
    client: TestClient, real_site: tuple[Site, VerifiedSaving], language: str
) -> None:
    _, verified = real_site
    saving, half = plus_minus(verified.saving, verified.half_width, language)  # type: ignore[arg-type]
    listed = client.get("/savings", params={"lang": language}).text
    page = client.get(f"/savings/{verified.id}", params={"lang": language}).text
    report = client.get(f"/savings/{verified.id}/report", params={"lang": language}).text
    for html in (listed, page, report):
        assert re.search(rf"{re.escape(saving)} <span class=\"pm\">± {re.escape(half)}</span>", html)
    assert page.count("<svg") == 5
    assert number_text(verified.measured, 0, language) in report  # type: ignore[arg-type]


def test_the_report_may_not_run_scripts(client: TestClient) -> None:
    answer = client.get("/savings/vsd-plan-s1/report")
    policy = answer.headers["content-security-policy"]
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert "sandbox" in policy


def test_an_error_is_a_page_for_people(client: TestClient) -> None:
    answer = client.get("/savings/none", params={"lang": "vi"})
    assert answer.status_code == 404
    assert "Không tìm thấy" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("key", sorted(WORDS))
def test_no_word_is_missing_in_a_language(key: str) -> None:
    names = [
        {name for _, name, _, _ in string.Formatter().parse(WORDS[key][language]) if name}
        for language in LANGUAGES
    ]
    assert names[0] == names[1]
    assert all(WORDS[key][language].strip() for language in LANGUAGES)


def test_every_word_the_pages_ask_for_is_there() -> None:
    texts = [
        path.read_text(encoding="utf-8") for path in (*API.glob("templates/*.html"), *API.glob("routes/*.py"))
    ]
    asked = {key for text in texts for key in re.findall(r"\bsay\(\"([a-z_0-9]+)\"", text)}
    assert len(asked) > 25
    assert asked <= set(WORDS)
    used_by_script = re.findall(r"words\.([a-z_]+)", (API / "static" / "show.js").read_text(encoding="utf-8"))
    assert set(used_by_script) <= set(script_words("vi"))


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_words(reason: Reason) -> None:
    for language in LANGUAGES:
        assert reason_text(reason.value, language) != reason.value
        assert script_words(language)[f"q_{reason.value}"]


def test_an_unknown_page_speaks_the_language_of_its_reader(client: TestClient) -> None:
    html = client.get("/nothing-here", params={"lang": "vi"}).text
    assert "Không tìm thấy" in html
    assert "Not Found" not in html
    assert "there is no" in client.get("/savings/none", params={"lang": "en"}).text.lower()
