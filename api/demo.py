"""`dodac demo`: the whole job on a simulated plant, with the real rooms from wire to report."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import shutil
import signal
import threading
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from api._demo_plant import ZONE, start_plant
from dodac.clock import SystemClock
from dodac.errors import ConfigError, DataError, Exit, Where

if TYPE_CHECKING:
    from api._demo_savings import Teller
    from audit import SavingCase
    from collector import Collector

MARK = "made-by-dodac-demo"


def run(argv: Sequence[str]) -> int:
    """The command `dodac demo`."""
    parser = argparse.ArgumentParser(
        prog="dodac demo",
        description="Runs the whole job on a simulated plant: no hardware, no server, no internet needed.",
        epilog="Examples: dodac demo; dodac demo --once --port 0",
    )
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="where it works (default .demo)")
    parser.add_argument("--port", type=int, default=8321, help="of the web page (default 8321; 0 = any)")
    parser.add_argument("--once", action="store_true", help="end after the report, for scripts")
    parser.add_argument(
        "--last-day",
        type=dt.date.fromisoformat,
        help="last day of the two replayed years (default yesterday)",
    )
    arguments = parser.parse_args(argv)
    stop = threading.Event()
    previous = {
        number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        return _demo(arguments.folder, arguments.port, arguments.last_day, stop, once=arguments.once)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _demo(folder: Path, port: int, last_day: dt.date | None, stop: threading.Event, *, once: bool) -> int:
    from api._demo_savings import StoppedError, Teller, save_and_verify, tell_combustion
    from drivers.plant import Plant

    tell = Teller(stop)
    _prepare_folder(folder)
    yesterday = dt.datetime.now(ZoneInfo(ZONE)).date() - dt.timedelta(days=1)
    plant = Plant(last_day or yesterday, zone=ZONE)
    with contextlib.ExitStack() as stack:
        try:
            site_path = start_plant(plant, folder, stack, tell.say)
            collector, url = _start_rooms(stack, site_path, port, tell)
            _wait_for_live(url, tell)
            case = save_and_verify(collector, plant, tell)
            _write_reports(case, collector.site.site.name, folder, url, tell)
            tell_combustion(collector, tell)
        except StoppedError:
            tell.say("stopped by you")
            return Exit.INTERRUPTED
        if not once:
            tell.say("live values go on; press Ctrl-C to end")
            stop.wait()
        tell.say("ending")
    tell.say(f"ended; to look again: dodac serve --site {folder}/site.toml")
    return Exit.OK


def _prepare_folder(folder: Path) -> None:
    """An empty folder; an earlier demo's is emptied, anybody else's is left alone."""
    if folder.exists():
        if not (folder / MARK).exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(
                "this folder has other things in it.", Where(file=str(folder)), "Choose another: --folder"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()


def _start_rooms(
    stack: contextlib.ExitStack, site_path: Path, port: int, tell: Teller
) -> tuple[Collector, str]:
    from api.app import create_app
    from api.server import Server
    from collector import Collector
    from dodac.site import load_site

    site = load_site(site_path)
    collector = Collector(site, SystemClock())
    collector.start()
    stack.callback(collector.stop)
    app = create_app(site)
    server = Server(app, site.serve.host, port)
    try:
        url = server.start()
    except ConfigError as error:  # another demo or dodac serve has the port: a free one will do
        tell.say(error.what)
        server = Server(app, site.serve.host, 0)
        url = server.start()
    stack.callback(server.stop)
    tell.say(f"page: {url}")
    return collector, url.rstrip("/")


def _wait_for_live(url: str, tell: Teller) -> None:
    waiting = threading.Event()
    while True:
        tell.check()
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{url}/api/instruments", timeout=5) as answer,  # noqa: S310  (our page)
        ):
            if _has_value(json.load(answer)):
                break
        if tell.seconds() > 60:
            raise DataError("no live value reached the page within a minute.", todo="See the lines above.")
        waiting.wait(0.1)
    tell.say("first live value is on the page")


def _has_value(answer: list[dict[str, Any]]) -> bool:
    """True when an instrument of /api/instruments shows a good value."""
    return any(
        reading["value"] is not None for instrument in answer for reading in instrument.get("readings", [])
    )


def _write_reports(case: SavingCase, site_name: str, folder: Path, url: str, tell: Teller) -> None:
    from reports import render_html

    now_ns = SystemClock().now_ns()
    for language in ("vi", "en"):
        path = folder / f"report-{case.verified.id}-{language}.html"
        path.write_text(render_html(case, language, now_ns, case.plan.zone, site_name), encoding="utf-8")
        tell.say(f"report: {path}")
    tell.say(f"the saving on the page: {url}/savings")
