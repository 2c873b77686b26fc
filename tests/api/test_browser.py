"""A technician's phone: the real page in a real Chromium."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api import Server, create_app
from audit import VerifiedSaving
from dodac.samples import Flag, Layout, Reason
from dodac.site import Site, parse_site
from store import Journal

ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-dev-shm-usage",
]  # fmt: skip
FLUE = Layout("boiler1-flue", ("o2_pct", "co_ppm", "t_flue_c"))


@pytest.fixture(scope="module")
def chromium(find_chromium: Path) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_chromium), args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def find_chromium(request: pytest.FixtureRequest) -> Path:
    """Chromium's path; skipped without it, a failure when DODAC_REQUIRE_SERVERS=1."""
    require: Callable[[str], Path] = request.getfixturevalue("require")
    return require("chromium")


class Phone:
    """A page of 390×844 that remembers what went wrong and what was loaded."""

    def __init__(self, browser: Any) -> None:
        self.context = browser.new_context(viewport={"width": 390, "height": 844}, locale="vi-VN")
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self._hear(message))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda asked: self.requests.append(asked.url))

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def value(self, channel: str) -> str:
        text: str = self.page.inner_text(f'[data-channel="{channel}"] .value b')
        return text

    def wait_for(self, channel: str, text: str) -> None:
        self.page.wait_for_function(
            '([channel, text]) => document.querySelector(`[data-channel="${channel}"] .value b`)?.textContent === text',
            arg=[channel, text],
            timeout=30_000,
        )

    def weight(self) -> int:
        """Bytes that travelled for everything but the stream."""
        total: int = self.page.evaluate(
            "performance.getEntries().filter(e => e.transferSize && !e.name.includes('/api/live'))"
            ".reduce((sum, e) => sum + e.transferSize, 0)"
        )
        return total


@pytest.fixture
def phone(chromium: Any) -> Iterator[Phone]:
    made = Phone(chromium)
    yield made
    made.context.close()


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[tuple[Site, Journal]]:
    text = (
        '[site]\nid = "a"\ncompany = "b"\nname = "Xưởng A"\n[store]\njournal = "journal.db"\n'
        '[connections.c]\nkind = "serial"\nport = "/dev/null"\n'
        '[[instruments]]\nid = "boiler1-flue"\nasset = "boiler1"\nprofile = "x.y"\nconnection = "c"\nevery = "1s"\n'
    )
    site = parse_site(text, tmp_path / "site.toml")
    with Journal.open(site.journal_path) as journal:
        journal.layout(FLUE)
        yield site, journal


def _measure(journal: Journal, o2: float, **more: Any) -> None:
    values = {"o2_pct": o2, "t_flue_c": 214.25, **({} if more else {"co_ppm": 85.0})}
    journal.commit([("test", FLUE.sample(time.time_ns(), values, **more))])


def test_a_value_appears_changes_and_survives_a_restart(plant: tuple[Site, Journal], phone: Phone) -> None:
    site, journal = plant
    server = Server(create_app(site))
    url = server.start()
    port = int(url.rstrip("/").rsplit(":", 1)[1])
    phone.page.goto(url)
    _measure(journal, 5.25)
    phone.wait_for("o2_pct", "5,25")  # the page was drawn before the instrument spoke
    _measure(journal, 4.75, flags=[Flag("co_ppm", Reason.DEVICE_STATUS)])
    phone.wait_for("o2_pct", "4,75")
    phone.wait_for("co_ppm", "–")
    assert phone.page.inner_text('[data-channel="co_ppm"] .quality').split() == [
        "!",
        "thiết",
        "bị",
        "chưa",
        "sẵn",
        "sàng",
    ]
    assert phone.page.inner_text('[data-channel="o2_pct"] .quality').split() == ["✓", "tốt"]
    assert phone.page.locator(".course path.line").count() == 1
    # the leading value stayed in its bright colour when it was hours old
    stale = """() => { const box = document.querySelector('.big:first-child'), was = box.dataset.state;
        const ink = (place) => getComputedStyle(box.querySelector(place)).color;
        box.dataset.state = 'late'; const same = ink('b') === ink('.name'); box.dataset.state = was; return same; }"""
    assert phone.page.evaluate(stale)
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert phone.weight() < 50_000
    assert all(asked.startswith(url) for asked in phone.requests)
    assert phone.faults == []

    server.stop()
    phone.page.wait_for_selector("#lost", state="visible", timeout=30_000)
    assert "Mất kết nối" in phone.page.inner_text("#lost")
    again = Server(create_app(site), port=port)
    again.start()
    try:
        _measure(journal, 3.5)
        phone.wait_for("o2_pct", "3,50")
        phone.page.wait_for_selector("#lost", state="hidden", timeout=30_000)
    finally:
        again.stop()


def test_targets_are_big_enough_for_a_thumb(plant: tuple[Site, Journal], phone: Phone) -> None:
    site, journal = plant
    _measure(journal, 5.0)
    server = Server(create_app(site))
    try:
        phone.page.goto(server.start())
        sizes = phone.page.eval_on_selector_all(
            "nav a, .brand, summary, .button", "found => found.map(e => e.getBoundingClientRect().height)"
        )
        assert sizes
        assert min(sizes) >= 44
    finally:
        server.stop()


@pytest.mark.parametrize("path", ["savings", "savings/vsd-plan-s1", "savings/vsd-plan-s1/report"])
def test_savings_fit_a_phone_without_a_fault(
    real_site: tuple[Site, VerifiedSaving], phone: Phone, path: str
) -> None:
    server = Server(create_app(real_site[0]))
    url = server.start()
    try:
        phone.page.goto(f"{url}{path}", wait_until="load")
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert phone.weight() < 50_000
        assert all(asked.startswith(url) for asked in phone.requests)
        assert phone.faults == []
        if path.endswith("s1"):
            visible = phone.page.eval_on_selector_all(
                "svg.chart", "found => found.filter(e => e.getClientRects().length).length"
            )
            assert visible == 4
    finally:
        server.stop()
