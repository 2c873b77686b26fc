"""GET over HTTP: whole answers in every coding, and no fault that holds us up or fills the memory."""

from __future__ import annotations

import json
import socket
import time
import tracemalloc
from collections.abc import Iterator

import pytest

from drivers.links import LinkDown
from drivers.links.http import MAX_BODY, HttpFault, HttpLink
from drivers.simulator.testo_http import SimulatedTesto300


@pytest.fixture
def testo() -> Iterator[SimulatedTesto300]:
    with SimulatedTesto300(lambda: {"o2_pct": 6.25, "co_ppm": 87.0}) as simulated:
        yield simulated


def link(testo: SimulatedTesto300, timeout_s: float = 2.0) -> HttpLink:
    return HttpLink("127.0.0.1", testo.port, timeout_s)


@pytest.mark.parametrize("coding", ["", "gzip", "chunked"])
def test_a_whole_answer_is_the_same_in_every_coding(testo: SimulatedTesto300, coding: str) -> None:
    testo.coding = coding
    assert json.loads(link(testo).get("/data").body)["channels"][0]["type"]["xmlid"] == "O2"


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("missing", "refused", "404"),
        ("redirect", "refused", "not followed"),
        ("cut", "damaged", "damaged"),
        ("noise", "damaged", "does not speak HTTP"),
        ("huge", "refused", "longer than"),
        ("bomb", "refused", "when unpacked"),
    ],
)
def test_an_answer_that_is_none_is_told_in_words(
    testo: SimulatedTesto300, fault: str, kind: str, words: str
) -> None:
    testo.fault = fault
    with pytest.raises(HttpFault, match=words) as caught:
        link(testo).get("/data")
    assert caught.value.kind == kind
    testo.fault = ""
    assert testo.asked["GET /deviceInfo"] == 0


@pytest.mark.parametrize("fault", ["silent", "drip", "drip_head"])
def test_a_slow_instrument_holds_the_line_no_longer_than_the_timeout(
    testo: SimulatedTesto300, fault: str
) -> None:
    testo.fault = fault
    start = time.monotonic()
    with pytest.raises(HttpFault, match="no whole answer") as caught:
        link(testo, 0.4).get("/data")
    assert caught.value.kind == "silent"
    assert time.monotonic() - start < 1.5


@pytest.mark.parametrize("fault", ["huge", "bomb"])
def test_an_endless_answer_fills_no_memory(testo: SimulatedTesto300, fault: str) -> None:
    testo.fault = fault
    asked = link(testo)
    tracemalloc.start()
    try:
        with pytest.raises(HttpFault):
            asked.get("/data")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # the simulated server is in this process too: packing the bomb takes 40 MB there
    assert most < 60_000_000 + 4 * MAX_BODY


def test_an_instrument_that_is_away_is_told_as_down() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for ask in (HttpLink("127.0.0.1", port, 1.0).open, lambda: HttpLink("127.0.0.1", port, 1.0).get("/data")):
        with pytest.raises(LinkDown, match="refused"):
            ask()
    with pytest.raises(LinkDown):
        HttpLink("no such host.invalid", 80, 1.0).open()


def test_nothing_but_get_is_ever_sent(testo: SimulatedTesto300) -> None:
    link(testo).open()
    link(testo).get("/data")
    assert dict(testo.asked) == {"GET /data": 1}
