"""GET over HTTP: whole answers in every coding, and no fault that holds us up or fills the memory."""

from __future__ import annotations

import gzip
import json
import socket
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.links import LinkDown
from drivers.links.http import MAX_BODY, DeadlineSocket, HttpFault, HttpLink
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
    assert time.monotonic() - start < 20  # its answer never ends


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


class Canned(HttpLink):
    """A link whose server has said all it will ever say, and hung up."""

    def __init__(self, said: bytes) -> None:
        super().__init__("canned", 80, 1.0)
        self._said = said

    def _connect(self, deadline: float) -> DeadlineSocket:
        ours, theirs = socket.socketpair()
        theirs.sendall(self._said)
        theirs.shutdown(socket.SHUT_WR)
        self.theirs = theirs
        return DeadlineSocket(ours.family, ours.type, ours.proto, deadline=deadline, fileno=ours.detach())


def asked(said: bytes) -> tuple[bytes, str]:
    """The body, or the words of the fault."""
    link = Canned(said)
    try:
        return link.get("/data").body, ""
    except (HttpFault, LinkDown) as fault:
        return b"", str(fault)
    finally:
        link.theirs.close()


GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
PACKED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}", mtime=0)


@pytest.mark.parametrize("said", [GOOD, CHUNKED, PACKED])
def test_a_canned_answer_is_read(said: bytes) -> None:
    assert asked(said) == (b"{}", "")


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    st.sampled_from([GOOD, CHUNKED, PACKED]),
    st.lists(st.tuples(st.integers(0, 120), st.binary(max_size=6), st.integers(0, 8)), max_size=4),
)
def test_no_damaged_answer_gives_anything_but_words(said: bytes, cuts: list[tuple[int, bytes, int]]) -> None:
    for place, put, gone in cuts:
        said = said[:place] + put + said[place + gone :]
    body, words = asked(said)
    assert len(body) <= len(said) * 1100
    assert words.isprintable()


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.binary(max_size=200))
def test_no_noise_gives_anything_but_words(said: bytes) -> None:
    assert asked(said)[1].isprintable()


def test_a_head_without_end_is_refused() -> None:
    for said in (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500, b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000):
        assert "damaged" in asked(said)[1]
