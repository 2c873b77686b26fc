"""A technician with gloves and no connection: the form in a real Chromium of a phone's size."""

from __future__ import annotations

import json
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api import Server, create_app
from dodac.site import Site, parse_site
from store import JournalStore

ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-dev-shm-usage",
]  # fmt: skip
SITE = """[site]
id = "a"
company = "b"
[connections.hand]
kind = "manual"
[[instruments]]
id = "kit"
name = "Nước thải"
profile = "manual.water-kit"
connection = "hand"
[[instruments]]
id = "flue"
profile = "manual.flue-gas"
connection = "hand"
"""
FAR = 4_000_000_000 * 10**9


@pytest.fixture(scope="module")
def chromium(request: pytest.FixtureRequest) -> Iterator[Any]:
    require: Callable[[str], Path] = request.getfixturevalue("require")
    path = require("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return parse_site(SITE, tmp_path / "site.toml")


@pytest.fixture
def url(site: Site) -> Iterator[str]:
    server = Server(create_app(site))
    yield server.start()
    server.stop()


@pytest.fixture
def phone(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh"
    )
    page = context.new_page()
    page.set_default_timeout(40_000)
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda m: page.faults.append(m.text) if "Security Policy" in m.text else None)
    yield page
    faults = page.faults
    context.close()
    assert faults == []


def _samples(site: Site, instrument: str = "kit") -> list[tuple[dict[str, float], dict[str, Any]]]:
    with JournalStore(site.journal_path) as store:
        layouts = store.layouts()
        return [
            (
                {
                    name: value
                    for name, value in zip(layouts[s.layout].channels, s.values, strict=True)
                    if value == value
                },
                json.loads(s.raw or b"{}"),
            )
            for s in store.samples(instrument, 0, FAR)
        ]


def test_big_targets_nothing_cut_off_and_an_answer_to_each_question(url: str, site: Site, phone: Any) -> None:
    for path in ("enter", "enter/flue", "enter/kit"):
        phone.goto(url + path)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        small = phone.evaluate(
            "[...document.querySelectorAll('main a, main button, main input:not([type=hidden], .picture), main select,"
            " main textarea, main label.photo')].filter(e => e.getBoundingClientRect().height < 48).length"
        )
        assert small == 0
    phone.fill('[name="value.ph"]', "72")
    assert "Ngoài dải" in phone.inner_text('[data-channel="ph"] .warn')
    phone.fill('[name="value.ph"]', "2,1")
    assert "Khác thường" in phone.inner_text('[data-channel="ph"] .warn')
    phone.fill('[name="value.cod_mg_l"]', "1.234")
    phone.click("#save")
    phone.click('#ask button:has-text("1234")')
    phone.wait_for_selector('#ask:has-text("Đúng không")')
    phone.click('#ask button:has-text("Đúng, lưu")')
    phone.wait_for_selector('#past li:has-text("pH 2,1")')
    assert "Đã lưu vào nhật ký" in phone.inner_text("#saved")
    assert phone.input_value('[name="value.ph"]') == ""
    assert phone.inner_text("#d-ph").startswith("Lần trước 2,1")
    assert [values for values, _ in _samples(site)] == [{"ph": 2.1, "cod_mg_l": 1234.0}]


def test_text_made_a_third_larger_pushes_nothing_off_a_small_phone(url: str, phone: Any) -> None:
    phone.set_viewport_size({"width": 360, "height": 640})
    for path in ("", "enter", "enter/flue", "enter/kit"):
        phone.goto(url + path)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 360
        wide = phone.evaluate(
            "(() => { const all = [...document.querySelectorAll('body, body *')].map(e => [e, parseFloat(getComputedStyle(e).fontSize)]);"
            " for (const [e, size] of all) e.style.fontSize = `${size * 1.3}px`; return document.documentElement.scrollWidth; })()"
        )
        assert wide <= 360


def test_without_a_connection_entries_wait_in_the_phone_and_are_sent_once_with_their_own_time(
    url: str, site: Site, phone: Any
) -> None:
    phone.goto(f"{url}enter/kit")
    phone.context.set_offline(True)
    for text in ("7,1", "7,2"):
        phone.fill('[name="value.ph"]', text)
        phone.fill("#operator", "Lan")
        phone.click("#save")
        phone.wait_for_selector(f'#queue li:has-text("{text}")')
        phone.wait_for_selector('#saved:has-text("giữ trong điện thoại")')
    assert phone.locator("#queue li").count() == 2
    assert not site.journal_path.exists()
    phone.context.set_offline(False)
    phone.reload()  # the phone was in the pocket: another page of the same site
    phone.wait_for_selector('#past li:has-text("pH 7,1")')
    phone.wait_for_selector('#past li:has-text("pH 7,2")')
    phone.wait_for_selector("#phone", state="hidden")
    found = _samples(site)
    assert [values for values, _ in found] == [{"ph": 7.1}, {"ph": 7.2}]
    assert all(told["start"] <= told["typed_at"] for _, told in found)
    assert {told["operator"] for _, told in found} == {"Lan"}
    assert phone.input_value("#operator") == "Lan"


def test_an_entry_that_comes_back_is_shown_with_its_reason_and_can_be_opened(
    url: str, site: Site, phone: Any
) -> None:
    phone.goto(f"{url}enter/kit")
    phone.context.set_offline(True)
    phone.fill('[name="value.ph"]', "2,5")
    phone.click("#save")
    phone.wait_for_selector("#queue li")
    phone.goto("about:blank")
    phone.context.set_offline(False)
    phone.goto(f"{url}enter")
    phone.wait_for_selector('#queue li[data-state="ask"]:has-text("khác thường")')
    phone.click('#queue button:has-text("Mở lại")')
    phone.wait_for_selector("#ask")
    assert phone.input_value('[name="value.ph"]') == "2,5"
    phone.click('#ask button:has-text("Đúng, lưu")')
    phone.wait_for_selector('#past li:has-text("pH 2,5")')
    assert len(_samples(site)) == 1


def test_what_is_typed_survives_an_empty_battery_with_its_time_and_is_saved_once(
    url: str, site: Site, phone: Any
) -> None:
    phone.goto(url + "enter/kit")
    phone.fill('[name="value.ph"]', "7,3")
    phone.fill('[name="note"]', "mưa to")
    kept = phone.input_value("#at")
    phone.goto("about:blank")  # nothing was saved
    phone.goto(url + "enter/kit")
    assert phone.input_value('[name="value.ph"]') == "7,3"
    assert phone.input_value("#at") == kept
    assert "Chưa lưu" in phone.inner_text("#saved")
    phone.click("#save")
    phone.wait_for_selector('#past li:has-text("pH 7,3")')
    phone.goto(url + "enter/kit")
    assert phone.input_value('[name="value.ph"]') == ""
    # one that waits for an answer is kept as an entry, not as a draft too: it would be saved twice
    phone.fill('[name="value.ph"]', "2,1")
    phone.click("#save")
    phone.wait_for_selector("#ask button")
    phone.goto(url + "enter/kit")
    phone.wait_for_selector('#queue li:has-text("cần xác nhận")')
    assert phone.input_value('[name="value.ph"]') == ""
    assert [values for values, _ in _samples(site)] == [{"ph": 7.3}]


def test_an_entry_is_taken_back_and_typed_again_with_its_right_time(url: str, site: Site, phone: Any) -> None:
    phone.goto(url + "enter/kit")
    phone.fill('[name="value.ph"]', "7,4")
    phone.click("#save")
    with phone.expect_navigation():  # both pages have a note and a value: the old one must be gone
        phone.click('#past a:has-text("Rút lại")')
    phone.fill('[name="note"]', "sai giờ")
    phone.click('button:has-text("Rút lại")')
    with phone.expect_navigation():
        phone.click('#past a:has-text("Nhập lại")')
    assert phone.input_value('[name="value.ph"]') == "7,4"
    phone.fill("#at", "2026-01-31T08:15")
    phone.click("#save")
    phone.click('#ask button:has-text("Đúng, lưu")')  # long ago: asked about
    phone.wait_for_selector('#past li:has-text("31/01/2026 08:15")')
    with JournalStore(site.journal_path) as store:
        series = store.series("kit", ["ph"], 0, FAR)["ph"].dropna()
    assert [(f"{at:%Y-%m-%dT%H:%M}", value) for at, value in series.items()] == [("2026-01-31T01:15", 7.4)]


def test_a_phone_set_to_another_zone_or_day_stores_the_time_of_the_site(
    url: str, site: Site, chromium: Any
) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 640}, locale="vi-VN", timezone_id="UTC")
    page = context.new_page()
    page.set_default_timeout(40_000)
    page.clock.install(time=time.time() - 86_400)
    page.goto(url + "enter/kit")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    begin = time.time()
    page.fill('[name="value.ph"]', "7,3")
    page.goto("about:blank")
    page.goto(url + "enter/kit")  # the draft brings its time back, as the site's clock shows it
    page.click("#save")
    page.wait_for_selector('#past li:has-text("pH 7,3")')
    context.close()
    with JournalStore(site.journal_path) as store:
        (sample,) = store.samples("kit", 0, FAR)
    assert abs(sample.time_ns / 1e9 - begin) < 90


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([row % 256] * width * 3) for row in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def test_a_photo_is_made_small_and_belongs_to_its_entry(
    url: str, site: Site, phone: Any, tmp_path: Path
) -> None:
    phone.goto(f"{url}enter/flue")
    phone.fill('[name="value.o2_pct"]', "6,4")
    phone.click("#save")
    phone.wait_for_selector('#ask:has-text("Cần chụp ảnh")')
    phone.click('#ask button:has-text("Sửa lại")')
    phone.set_input_files(
        "#picture", files=[{"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"}]
    )
    phone.wait_for_selector("#photo-fault:visible")
    big = [{"name": "a.png", "mimeType": "image/png", "buffer": _png(3000, 2000)}]
    phone.set_input_files("#picture", files=big)
    phone.wait_for_selector("#preview:visible")
    assert phone.evaluate("[preview.width, preview.height]") == [1600, 1067]
    phone.click("#save")
    phone.wait_for_selector('#past li:has-text("O₂ 6,4") a:has-text("Ảnh")')
    ((_, told),) = _samples(site, "flue")
    (kept,) = site.photos_path.iterdir()
    assert kept.suffix == ".jpg"
    assert told["photo"]["sha256"] == kept.stem
    assert kept.stat().st_size < 500_000


def test_without_scripts_the_form_still_saves(url: str, site: Site, chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{url}enter/kit")
    page.fill('[name="value.ph"]', "7,3")
    page.click("#save")
    page.wait_for_url("**/enter/kit?saved=stored")
    assert "7,3" in page.inner_text("#past")
    context.close()
    assert len(_samples(site)) == 1
