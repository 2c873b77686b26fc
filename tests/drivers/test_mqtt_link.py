"""A broker that refuses us, ends us, takes half of our topics: told in words, once, and tried again."""

from __future__ import annotations

import gc
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from servers import Mosquitto

from dodac.clock import SystemClock
from dodac.errors import ConfigError
from dodac.site import load_site
from drivers import open_connections
from drivers._mqtt_words import connect_words, refused_words, tls_words
from drivers.mqtt_connection import MqttStream

pytestmark = pytest.mark.servers
Eventually = Callable[..., None]
SITE = """
[site]
id = "p"
company = "c"
[connections.broker]
kind = "mqtt"
url = "{url}"
{more}
[[instruments]]
id = "m"
profile = "generic.mqtt-json"
connection = "broker"
topic = "plant/m"
{instrument}
[[instruments]]
id = "n"
profile = "generic.mqtt-json"
connection = "broker"
topic = "plant/n"
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers._mqtt_link.RECONNECT_S", (0.05, 0.2))


def stream(folder: Path, url: str, more: str = "", instrument: str = "") -> MqttStream:
    (folder / "site.toml").write_text(SITE.format(url=url, more=more, instrument=instrument), "utf-8")
    (found,) = open_connections(load_site(folder), SystemClock())
    assert isinstance(found, MqttStream)
    return found


@contextmanager
def running(line: MqttStream, inbox: Any) -> Iterator[MqttStream]:
    line.start(inbox)
    try:
        yield line
    finally:
        line.stop(patience_s=0.2)
        gc.collect()


class Certificates:
    """Certificates of two authorities, made by openssl: NAME.crt and NAME.key."""

    def __init__(self, folder: Path, openssl: Path) -> None:
        self._folder, self._openssl = folder, openssl
        for name in ("authority", "stranger"):
            self._run(
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt",
            )  # fmt: skip

    def make(self, name: str, by: str = "authority", *, host: str = "IP:127.0.0.1", days: str = "2") -> None:
        self._run(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", f"{name}.key", "-out", f"{name}.csr",
        )  # fmt: skip
        (self._folder / f"{name}.ext").write_text(f"subjectAltName={host}\n")
        self._run(
            "x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.crt", "-CAkey", f"{by}.key", "-CAcreateserial",
            "-days", days, "-extfile", f"{name}.ext", "-out", f"{name}.crt",
        )  # fmt: skip
        (self._folder / f"{name}.key").chmod(0o600)

    def _run(self, *arguments: str) -> None:
        subprocess.run([self._openssl, *arguments], cwd=self._folder, check=True, capture_output=True)


@pytest.fixture
def certificates(tmp_path: Path, require: Callable[[str], Path]) -> Certificates:
    return Certificates(tmp_path, require("openssl"))


def secure(make: Callable[..., Mosquitto], folder: Path, server: str, *settings: str) -> str:
    broker = make(f"certfile {folder}/{server}.crt", f"keyfile {folder}/{server}.key", *settings)
    return broker.url.replace("mqtt:", "mqtts:")


# paho leaves the socket of a failed handshake to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("signed by a stranger", "ca_file"),
        ("of another name", "another name than 127.0.0.1"),
        ("expired", "has expired"),
    ],
)
def test_a_brokers_wrong_certificate_is_told_with_what_to_do(
    tmp_path: Path,
    certificates: Certificates,
    mosquitto_factory: Callable[..., Mosquitto],
    inbox: Any,
    eventually: Eventually,
    fault_row: Any,
    fault: str,
    words: str,
) -> None:
    by = "stranger" if fault == "signed by a stranger" else "authority"
    host = "DNS:other.example" if fault == "of another name" else "IP:127.0.0.1"
    certificates.make("server", by, host=host, days="-1" if fault == "expired" else "2")
    url = secure(mosquitto_factory, tmp_path, "server")
    with running(stream(tmp_path, url, 'ca_file = "authority.crt"'), inbox) as line:
        eventually(lambda: line.status().counters.get("broker_faults", 0) >= 3)  # it tries again
        assert [event.kind for event in inbox.events] == ["fault_start"]
        assert words in inbox.events[0].text, inbox.events[0].text
    fault_row(
        f"certificate of the broker {fault}",
        "told once with what to do, tried again with growing pauses up to 60 s; the other connections go on",
        0,
        "fault event of the connection",
        chapter="broker",
    )


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_wants_a_certificate_of_ours_gets_it_or_says_what_is_missing(
    tmp_path: Path,
    certificates: Certificates,
    mosquitto_factory: Callable[..., Mosquitto],
    inbox: Any,
    eventually: Eventually,
) -> None:
    certificates.make("server")
    certificates.make("kit", host="DNS:kit")
    certificates.make("foreign", "stranger", host="DNS:kit")
    ask = (f"cafile {tmp_path}/authority.crt", "require_certificate true")
    url = secure(mosquitto_factory, tmp_path, "server", *ask)
    told = {}
    for name in ("none", "foreign", "kit"):
        own = "" if name == "none" else f'cert_file = "{name}.crt"\nkey_file = "{name}.key"'
        inbox.events.clear()
        with running(stream(tmp_path, url, f'ca_file = "authority.crt"\n{own}'), inbox) as line:
            if name == "kit":
                eventually(lambda: line.status().state == "up")
            else:
                eventually(lambda: inbox.events)
                told[name] = inbox.events[0].text
    assert "cert_file" in told["none"], told
    assert "refuses our certificate" in told["foreign"], told


def test_a_key_that_others_may_read_or_that_is_another_ones_is_refused_before_connecting(
    tmp_path: Path, certificates: Certificates
) -> None:
    certificates.make("kit")
    certificates.make("other")
    own = 'ca_file = "authority.crt"\ncert_file = "kit.crt"\nkey_file = "{}.key"'
    with pytest.raises(ConfigError, match="do not belong together"):
        stream(tmp_path, "mqtts://127.0.0.1", own.format("other"))
    (tmp_path / "kit.key").chmod(0o644)
    with pytest.raises(ConfigError, match="others may read"):
        stream(tmp_path, "mqtts://127.0.0.1", own.format("kit"))


def test_a_broker_that_is_away_does_not_make_the_network_thread_look_stuck(
    tmp_path: Path, inbox: Any, eventually: Eventually
) -> None:
    """It was put aside as hanging after three minutes, again and again, while it only waited for the broker."""
    with running(stream(tmp_path, "mqtt://127.0.0.1:1"), inbox) as line:
        first = line.turned_ns
        eventually(lambda: line.status().counters.get("broker_faults", 0) >= 2)
        assert line.turned_ns > first


def test_words_for_what_happens_to_a_connection() -> None:
    told = {
        "refused": connect_words(ConnectionRefusedError(), "h", 1),
        "name": connect_words(socket.gaierror(-2, "x"), "h", 1),
        "time": connect_words(TimeoutError(), "h", 1),
        "none": connect_words(None, "h", 1),
        "user": refused_words("Not authorized", "kit"),
        "nobody": refused_words("Bad user name or password", None),
        "id": refused_words("Client identifier not valid", None),
    }
    assert "nothing listens" in told["refused"]
    assert "network up" in told["name"]
    assert "no answer" in told["time"]
    assert "h:1" in told["none"]
    assert 'user "kit"' in told["user"]
    assert "password_file" in told["nobody"]
    assert "client_id" in told["id"]
    assert tls_words("[SSL: WRONG_VERSION_NUMBER] wrong version number") is not None
    assert tls_words("connection reset") is None


def test_two_collectors_with_one_client_id_are_told_of_each_other(
    tmp_path: Path, mosquitto: Mosquitto, inbox: Any, eventually: Eventually, fault_row: Any
) -> None:
    stop = threading.Event()

    def other() -> None:
        while not stop.is_set():
            twin = Client(CallbackAPIVersion.VERSION2, client_id="dodac-p-broker", clean_session=False)
            twin.connect(mosquitto.host, mosquitto.port)
            twin.loop_start()
            stop.wait(0.3)
            twin.disconnect()
            twin.loop_stop()

    twin = threading.Thread(target=other)
    with running(stream(tmp_path, mosquitto.url), inbox) as line:
        eventually(lambda: line.status().state == "up")
        twin.start()
        try:
            eventually(lambda: any("another collector" in event.text for event in inbox.events))
            said = len(inbox.events)
            before = line.status().counters["connects"]
            eventually(lambda: line.status().counters["connects"] > before + 1)
            assert len(inbox.events) == said  # not again with each round
        finally:
            stop.set()
            twin.join()
    assert 'client_id "dodac-p-broker"' in next(e.text for e in inbox.events if "another" in e.text)
    fault_row(
        "two collectors with one client id throw each other out",
        "recognised at the third time and told; pauses grow to 60 s",
        0,
        "fault event of the connection",
        chapter="broker",
    )


class HalfOpen:
    """A broker by hand: refuses the topics in `refused`, and takes them later."""

    def __init__(self, refused: set[str]) -> None:
        self.refused = refused
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"mqtt://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)

    def _run(self) -> None:
        try:
            client, _ = self._server.accept()
            with client:
                while len(head := client.recv(2, socket.MSG_WAITALL)) == 2:
                    body = client.recv(head[1], socket.MSG_WAITALL)
                    if head[0] >> 4 == 1:
                        client.sendall(bytes((0x20, 2, 0, 0)))
                    elif head[0] >> 4 == 8:
                        codes, at = b"", 2
                        while at < len(body):
                            size = int.from_bytes(body[at : at + 2], "big")
                            topic = body[at + 2 : at + 2 + size].decode()
                            codes += b"\x80" if topic in self.refused else b"\x01"
                            at += size + 3
                        client.sendall(bytes((0x90, 2 + len(codes))) + body[:2] + codes)
                    elif head[0] >> 4 == 10:
                        client.sendall(bytes((0xB0, 2)) + body[:2])
        except OSError:
            return


def test_a_topic_that_is_refused_among_others_is_named_and_asked_for_again(
    tmp_path: Path, inbox: Any, eventually: Eventually, monkeypatch: pytest.MonkeyPatch, fault_row: Any
) -> None:
    monkeypatch.setattr("drivers._mqtt_link._ASK_AGAIN_S", 0.3)
    broker = HalfOpen({"plant/n"})
    try:
        with running(stream(tmp_path, broker.url, instrument='silence = "1s"'), inbox) as line:
            eventually(lambda: inbox.events)
            (event,) = inbox.events
            assert (event.kind, event.instrument) == ("fault_start", "n")
            assert '"plant/n"' in event.text
            assert line.status().state == "up"
            broker.refused = set()
            eventually(lambda: any(e.kind == "fault_end" and e.instrument == "n" for e in inbox.events))
            # the other is silent, and told so after the time that the site file says
            eventually(lambda: any(e.instrument == "m" and "1 s" in e.text for e in inbox.events))
    finally:
        broker.close()
    fault_row(
        "the broker refuses one of our topics",
        "the topic and its instrument are named, the others go on; asked for again every minute",
        0,
        "fault event of the instrument",
        chapter="broker",
    )


def test_what_keeps_state_is_given_to_one_collector_of_a_group(tmp_path: Path) -> None:
    def opened(taken_by: str = "", topic: str = "plant/n") -> list[Any]:
        text = SITE.format(url="mqtt://127.0.0.1:1", more='share_group = "g"\nclient_id = "a"', instrument="")
        said = f'taken_by = "{taken_by}"' if taken_by else ""
        shelly = f'profile = "shelly.pro-3em"\n{said}\n'
        text = text.replace('profile = "generic.mqtt-json"\nconnection = "broker"\ntopic = "plant/n"', shelly)
        text += f'connection = "broker"\ntopic = "{topic}"\n'
        (tmp_path / "site.toml").write_text(text, "utf-8")
        return open_connections(load_site(tmp_path), SystemClock())

    with pytest.raises(ConfigError, match='taken_by = "a"'):
        opened()
    (mine,) = opened("a")
    assert mine.instruments == ("m", "n")
    assert mine._topics.filters == ("$share/g/plant/m", "plant/n")
    (theirs,) = opened("b")
    assert theirs.instruments == ("m",)
    with pytest.raises(ConfigError, match="would come twice"):
        opened("a", topic="plant/+")


def test_a_password_that_is_changed_while_we_run_holds_from_the_next_attempt_on(
    tmp_path: Path,
    mosquitto_factory: Callable[..., Mosquitto],
    require: Callable[[str], Path],
    inbox: Any,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
) -> None:
    passwords, secret = tmp_path / "passwords", tmp_path / "secret"

    def broker_wants(password: str) -> None:
        subprocess.run([require("mosquitto_passwd"), "-b", "-c", passwords, "kit", password], check=True)
        passwords.chmod(0o644)

    secret.write_text("mật-khẩu-1\n", "utf-8")
    secret.chmod(0o600)
    broker_wants("mật-khẩu-1")
    broker = mosquitto_factory("allow_anonymous false", f"password_file {passwords}")
    with running(stream(tmp_path, broker.url, 'user = "kit"\npassword_file = "secret"'), inbox) as line:
        eventually(lambda: line.status().state == "up")
        broker.stop()
        broker_wants("mật-khẩu-2")
        secret.unlink()  # not there for a moment: what was read before is tried
        broker.start()
        eventually(lambda: any("refuses" in event.text for event in inbox.events) or "secret" in caplog.text)
        assert line.thread is not None
        assert line.thread.is_alive()
        secret.write_text("mật-khẩu-2\n", "utf-8")
        secret.chmod(0o600)
        eventually(lambda: line.status().state == "up")
    told = caplog.text + "".join(event.text for event in inbox.events)
    assert "What was read before is used" in caplog.text
    assert "mật-khẩu" not in told


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_certificate_that_is_renewed_while_we_run_holds_from_the_next_attempt_on(
    tmp_path: Path,
    certificates: Certificates,
    mosquitto_factory: Callable[..., Mosquitto],
    inbox: Any,
    eventually: Eventually,
) -> None:
    certificates.make("server")
    certificates.make("kit", "stranger", host="DNS:kit")  # one the broker refuses, as if it had expired
    ask = (f"cafile {tmp_path}/authority.crt", "require_certificate true")
    url = secure(mosquitto_factory, tmp_path, "server", *ask)
    own = 'ca_file = "authority.crt"\ncert_file = "kit.crt"\nkey_file = "kit.key"'
    with running(stream(tmp_path, url, own), inbox) as line:
        eventually(lambda: any("refuses our certificate" in event.text for event in inbox.events))
        certificates.make("kit", host="DNS:kit")
        eventually(lambda: line.status().state == "up")


def test_messages_of_qos_2_that_another_program_asked_for_in_our_session_are_stored_first(
    tmp_path: Path, mosquitto: Mosquitto, inbox: Any, eventually: Eventually
) -> None:
    other = Client(CallbackAPIVersion.VERSION2, client_id="dodac-p-broker", clean_session=False)
    subscribed = threading.Event()
    other.on_subscribe = lambda *_: subscribed.set()
    other.connect(mosquitto.host, mosquitto.port)
    other.loop_start()
    other.subscribe("plant/+", qos=2)
    assert subscribed.wait(10)
    other.disconnect()
    other.loop_stop()
    with running(stream(tmp_path, mosquitto.url), inbox) as line:
        eventually(lambda: line.status().state == "up")
        sender = Client(CallbackAPIVersion.VERSION2)
        sender.connect(mosquitto.host, mosquitto.port)
        sender.loop_start()
        for number in range(1, 31):
            sender.publish("plant/m", f'{{"power_w": {number}}}', qos=2).wait_for_publish(10)
        sender.disconnect()
        sender.loop_stop()
        eventually(lambda: line.status().counters.get("acknowledged", 0) >= 30)
        read = {flag.value for sample in inbox.taken for flag in sample.flags}
        read |= {value for sample in inbox.taken for value in sample.values}
        assert read >= set(range(1, 31))
    log = (mosquitto.folder / "mosquitto.log").read_text("utf-8")
    assert "protocol error" not in log


def test_a_broker_that_takes_us_and_never_answers_our_subscription_is_told(
    tmp_path: Path, inbox: Any, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers._mqtt_link._ANSWER_S", 0.3)
    server = socket.create_server(("127.0.0.1", 0))
    url = f"mqtt://127.0.0.1:{server.getsockname()[1]}"
    with server, running(stream(tmp_path, url), inbox) as line:
        near, _ = server.accept()
        with near:
            asked = near.recv(4096)
            near.sendall(b"\x20\x02\0\0")
            eventually(lambda: inbox.events)
            assert "does not answer our subscription" in inbox.events[0].text
            assert line.status().state == "down"
            while asked[:1] != b"\x82":
                asked = near.recv(4096)
            near.sendall(b"\x90\x04" + asked[2:4] + b"\x01\x01")  # late is not never
            eventually(lambda: line.status().state == "up")
