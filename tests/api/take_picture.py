"""Takes a picture of a page for the documentation: python tests/api/take_picture.py URL FILE.png [--phone] [--dark]."""

from __future__ import annotations

import argparse
import sys

from playwright.sync_api import sync_playwright

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"]  # fmt: skip


def take(url: str, target: str, *, phone: bool, dark: bool, seconds: float) -> None:
    """Opens the page, lets it live for a while, and saves what is seen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS)
        context = browser.new_context(
            viewport={"width": 390, "height": 844} if phone else {"width": 1200, "height": 760},
            device_scale_factor=2 if phone else 1.5,
            color_scheme="dark" if dark else "light",
        )
        page = context.new_page()
        page.goto(url)
        page.wait_for_timeout(seconds * 1000)
        page.screenshot(path=target)
        browser.close()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("target")
    parser.add_argument("--phone", action="store_true")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--seconds", type=float, default=8.0, help="how long the page lives first")
    options = parser.parse_args()
    take(options.url, options.target, phone=options.phone, dark=options.dark, seconds=options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
