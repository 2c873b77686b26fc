"""The tables of a site file: their keys, and what each may hold (pydantic, strict)."""

from __future__ import annotations

from datetime import date as Date
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from dodac.clock import duration_ns
from dodac.quantities import Kind, Measurement, channel
from dodac.sizes import size_bytes


def _size(text: str) -> str:
    size_bytes(text)
    return text


def _duration(text: str) -> str:
    duration_ns(text)
    return text


Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]
Duration = Annotated[str, AfterValidator(_duration)]
Size = Annotated[str, AfterValidator(_size)]
Baud = Annotated[int, Field(ge=50, le=4_000_000)]
Frame = Literal["8N1", "8N2", "8E1", "8O1", "7E1", "7O1"]


class Strict(BaseModel):
    """Unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, str_strip_whitespace=True)


def _no_secrets(parts: SplitResult, todo: str) -> None:
    """Raises ValueError for a URL with a password, or with a port that is none."""
    if parts.password:
        raise ValueError(f"keep the password out of the site file: use {todo}.")
    try:
        good = parts.port is None or parts.port > 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("a port is a number from 1 to 65535.")


def _host_name(value: str) -> str:
    """Refuses what can't be a host's name or address."""
    try:
        value.encode("idna")
    except UnicodeError:
        good = False
    else:
        good = not any(sign.isspace() or sign in "/@\0" for sign in value)
    if not good:
        raise ValueError('write a name or an address, e.g. "192.168.1.50".')
    return value


class SiteInfo(Strict):
    """[site]: who and where."""

    id: Id
    company: Id
    name: str = ""
    timezone: str = "Asia/Ho_Chi_Minh"
    language: Literal["vi", "en"] = "vi"

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f'"{value}" is not a time zone; write e.g. "Asia/Ho_Chi_Minh".') from None
        return value


class SerialConnection(Strict):
    """A serial line: one port, one bus; an instrument may have a baud rate and frame of its own."""

    kind: Literal["serial"]
    port: str = Field(min_length=1)
    baud: Baud = 9600
    frame: Frame = "8N1"
    framing: Literal["rtu", "ascii"] = "rtu"
    timeout: Duration = "1s"
    late_guard: Duration = "2s"


class TcpConnection(Strict):
    """A TCP gateway: Modbus TCP, or serial frames over TCP."""

    kind: Literal["tcp"]
    host: str = Field(min_length=1)
    port: int = Field(default=502, ge=1, le=65535)
    framing: Literal["tcp", "rtu"] = "tcp"
    timeout: Duration = "1s"
    late_guard: Duration = "2s"

    _host = field_validator("host")(_host_name)


class MqttConnection(Strict):
    """An MQTT broker; QoS 1, a fixed client id, a session that outlives us."""

    kind: Literal["mqtt"]
    url: str
    client_id: str = ""
    user: str | None = None
    password_file: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    share_group: Id | None = None
    rebirth_requests: bool = False

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError("write mqtt://host:1883 or mqtts://host:8883.")
        _host_name(parts.hostname)
        _no_secrets(parts, "password_file")
        return value

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: give both, or neither.")
        if self.cert_file is not None and not self.url.startswith("mqtts:"):
            raise ValueError("cert_file is for TLS: write the url as mqtts://…")
        if self.share_group is not None and not self.client_id:
            raise ValueError("each collector of a share_group needs a client_id of its own: add client_id.")
        return self


class HttpConnection(Strict):
    """One instrument that answers over HTTP (testo 300): its own address in the local network."""

    kind: Literal["http"]
    host: str = Field(min_length=1)
    port: int = Field(default=54000, ge=1, le=65535)
    timeout: Duration = "5s"

    _host = field_validator("host")(_host_name)


class UsbConnection(Strict):
    """One instrument on a USB plug of this machine (testo 350, testo 330-2); needs the extra "usb"."""

    kind: Literal["usb"]
    serial_number: str = ""
    timeout: Duration = "5s"


class ManualConnection(Strict):
    """Readings that a person takes: a form on the phone page, or dodac enter."""

    kind: Literal["manual"]


class FileConnection(Strict):
    """Readings come from files that somebody imports."""

    kind: Literal["file"]


Connection = Annotated[
    SerialConnection
    | TcpConnection
    | MqttConnection
    | HttpConnection
    | UsbConnection
    | ManualConnection
    | FileConnection,
    Field(discriminator="kind"),
]
CONNECTION_KINDS: dict[str, type[BaseModel]] = {
    "serial": SerialConnection,
    "tcp": TcpConnection,
    "mqtt": MqttConnection,
    "http": HttpConnection,
    "usb": UsbConnection,
    "manual": ManualConnection,
    "file": FileConnection,
}


class Calibration(Strict):
    """The last calibration of an instrument."""

    date: Date
    due: Date | None = None
    laboratory: str = ""
    certificate: str = ""

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.due is not None and self.due < self.date:
            raise ValueError(f"due {self.due} is before the calibration of {self.date}.")
        return self


class InstrumentConfig(Strict):
    """[[instruments]]: one physical meter or analyser.

    Polled and streamed instruments name a profile and a connection; an instrument fed by files
    names its measurement (and may name a connection of kind "file").
    """

    id: Id
    asset: Id = "site"
    name: str = ""
    profile: str | None = None
    measurement: Measurement | None = Field(default=None, strict=False)
    connection: str | None = None
    address: int | str | None = None
    topic: str | None = None
    silence: Duration | None = None
    taken_by: str | None = Field(default=None, min_length=1)
    baud: Baud | None = None
    frame: Frame | None = None
    every: Duration = "10s"
    slow: Duration | None = None
    intervals: dict[str, Duration] = Field(default_factory=dict)
    clock_tolerance: Duration | None = None
    serial_number: str = ""
    accuracy_class: str = ""
    ct_ratio: str | None = Field(default=None, pattern=r"^\d+(\.\d+)?/\d+(\.\d+)?$")
    vt_ratio: str | None = Field(default=None, pattern=r"^\d+(\.\d+)?/\d+(\.\d+)?$")
    max_rate: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False, strict=False)]] = Field(
        default_factory=dict
    )
    calibration: Calibration | None = None

    @field_validator("ct_ratio", "vt_ratio")
    @classmethod
    def _ratio(cls, value: str | None) -> str | None:
        if value is not None and 0 in (float(side) for side in value.split("/")):
            raise ValueError('a ratio has two sides above zero, e.g. "400/5".')
        return value

    @field_validator("max_rate")
    @classmethod
    def _counters(cls, value: dict[str, float]) -> dict[str, float]:
        for name in value:
            if channel(name).kind is not Kind.COUNTER:
                raise ValueError(f'"{name}" is no counter: only counters have a max_rate.')
        return value

    @property
    def every_ns(self) -> int:
        """The polling interval."""
        return duration_ns(self.every)


class InfluxConfig(Strict):
    """[influxdb], and [sinks.ID] for more of them: where readings are forwarded to; the journal stays the truth."""

    url: str
    bucket: str = "dodac"
    org: str = "dodac"
    token_file: str | None = None
    version: Literal["auto", "1", "2", "3"] = "auto"
    user: str | None = None
    password_file: str | None = None
    retention_policy: str = ""
    ca_file: str | None = None
    backlog_per_s: int | None = Field(default=None, ge=1)

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError('write e.g. "http://127.0.0.1:8086".')
        if parts.username:
            raise ValueError("keep the password out of the site file: use token_file.")
        _no_secrets(parts, "token_file")
        return value.rstrip("/")


class StoreConfig(Strict):
    """[store]: the journal and the audit register, relative to the site file."""

    journal: str = "data/journal.db"
    register_file: str = Field(default="data/register.db", alias="register")
    photos: str = "data/photos"
    max_size: Size | None = None
    max_age: Duration | None = None
    pack_after: Duration = "1d"
    written_per_day: Size | None = None


class CollectorConfig(Strict):
    """[collector]: how `dodac run` behaves on its computer."""

    jitter: Duration | None = None
    clock: Literal["auto", "ntp", "trust"] = "auto"
    power_file: str | None = None
    power_grace: Duration = "60s"
    group: Duration = "100ms"
    metrics: str | None = None

    @field_validator("metrics")
    @classmethod
    def _this_machine(cls, value: str | None) -> str | None:
        if value is None:
            return None
        host, _, port = value.rpartition(":")
        if not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError('write an address of this machine and a port, e.g. "127.0.0.1:9321".')
        if host != "localhost" and not host.startswith("127."):
            raise ValueError(
                f"{host} can be reached from other machines, and there is no token here: use 127.0.0.1, or the "
                "/metrics of dodac serve."
            )
        return value

    @field_validator("group")
    @classmethod
    def _short(cls, value: str) -> str:
        if duration_ns(value) > 30_000_000_000:
            raise ValueError('at most "30s": a switch at the wall takes what is not written yet.')
        return value


class ServeConfig(Strict):
    """[serve]: where page and API listen; only this machine by default."""

    host: str = "127.0.0.1"
    port: int = Field(default=8321, ge=0, le=65535)
    token_file: str | None = None
