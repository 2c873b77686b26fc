"""Profiles of meters that speak IEC 62056-21: which OBIS code each channel is."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from drivers._profile_common import Baud, ChannelSpec, Common, Expectation, Frame, ResponseTime, Strict

Obis = Annotated[str, Field(pattern=r"^\d{1,3}-\d{1,3}:[0-9A-Z]{1,3}\.\d{1,3}\.\d{1,3}$")]
"""A whole code without history, as in "1-0:1.8.0"."""
_Telegram = Annotated[str, StringConstraints(strip_whitespace=False, min_length=1)]


class Iec62056Link(Strict):
    """How the meter is listened to.

    mode: push (it sends by itself: mode D, P1) or readout (it is signed on to: modes A, B and C, at the
    first of the speeds; in mode C no faster than max_baud afterwards). check: what every telegram must
    end with; none: one that carries a check sum is still held to it; sml: binary telegrams with a check
    sum of their own, push only. silence_s: push only, without a telegram for so long the meter is in
    fault. readout_s: the longest a readout may take. wake_s: readout only, zero bytes are sent for so
    long before the sign-on (battery meters: 2.2 s). ignore_errors: the meter's error register F.F does
    not make its readings bad.
    """

    mode: Literal["push", "readout"]
    baud: tuple[Baud, ...] = Field(min_length=1)
    frame: tuple[Frame, ...] = Field(min_length=1)
    check: Literal["crc16", "bcc", "none", "sml"]
    silence_s: float = Field(default=60.0, gt=0)
    max_baud: Baud = 19200
    readout_s: float = Field(default=60.0, gt=0)
    wake_s: float = Field(default=0.0, ge=0, le=10)
    ignore_errors: bool = False
    response_ms: ResponseTime = ResponseTime(typical=200, max=1500)

    @model_validator(mode="after")
    def _sml_is_pushed(self) -> Self:
        if self.check == "sml" and self.mode != "push":
            raise ValueError("SML telegrams are pushed: mode: push.")
        return self


class Iec62056Channel(ChannelSpec):
    """A channel as the sum of the codes in obis, less those in minus; all must be there.

    unit: that of values printed without one; a unit that is printed counts. submeter: instead of obis,
    the last value of the meter behind the port that has this device type (3 gas, 4 heat, 6 and 7 water);
    max_age_s: older than that when the telegram was sent, it is flagged stale.
    """

    obis: tuple[Obis, ...] = ()
    minus: tuple[Obis, ...] = ()
    submeter: int | None = Field(default=None, ge=0, le=255)
    max_age_s: float = Field(default=3900, gt=0)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.obis) == (self.submeter is not None) or (self.minus and not self.obis):
            raise ValueError("a channel has codes in obis, or the device type of a submeter.")
        return self


class Iec62056Test(Expectation):
    """A golden telegram from its "/" to its check sum; line ends may be written as LF. SML: in hexadecimal."""

    telegram: _Telegram

    def data(self) -> bytes:
        """The telegram's bytes as the meter sends them."""
        if self.telegram.upper().startswith("1B1B1B1B"):
            return bytes.fromhex(self.telegram)
        return self.telegram.replace("\r\n", "\n").replace("\n", "\r\n").encode("latin-1", "replace")

    @model_validator(mode="after")
    def _whole_bytes(self) -> Self:
        self.data()
        return self


class Iec62056Profile(Common):
    """A meter that prints OBIS codes with values."""

    protocol: Literal["iec62056"]
    link: Iec62056Link
    channels: dict[str, Iec62056Channel] = Field(min_length=1)
    tests: tuple[Iec62056Test, ...] = Field(min_length=1)
