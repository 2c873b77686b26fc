"""Profiles of testo analysers: TJF over HTTP, and the view list over USB."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from drivers._profile_common import ChannelSpec, Common, Expectation, Hex, Strict, Time, Unit

WebPath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9/._-]{0,100}$")]
"""A path without query: nothing but a plain GET is ever sent."""


class TjfChannel(ChannelSpec):
    """A channel of TJF: label, unit and invalid values are the format's own, so nothing more is said here."""

    @model_validator(mode="after")
    def _no_scaling(self) -> Self:
        if self.unit is not None or self.scale != 1 or self.offset != 0:
            raise ValueError("TJF says unit and scale itself: leave unit, scale and offset out.")
        return self


class HttpTjfLink(Strict):
    """Where the instrument is asked.

    path: of the current measurement. info_path: of what the instrument is (serial number), where it has
    one. max_skew_s: beyond it from our own clock the instrument's time is not taken. stale_s: when its time
    and values stand still for so long the readings are flagged stale (the measurement is over).
    Times without a zone are the site's.
    """

    path: WebPath = "/data"
    info_path: WebPath | None = None
    max_skew_s: float = Field(default=60.0, gt=0)
    stale_s: float = Field(default=30.0, gt=0)


class HttpTjfTest(Expectation):
    """A golden answer; time is ISO 8601 (UTC)."""

    body: str = Field(min_length=2)
    time: Time | None = None


class HttpTjfProfile(Common):
    """An analyser that gives its current measurement as TJF over HTTP."""

    protocol: Literal["testo_http"]
    link: HttpTjfLink = HttpTjfLink()
    channels: dict[str, TjfChannel] = Field(min_length=1)
    tests: tuple[HttpTjfTest, ...] = Field(min_length=1)


Word16 = Annotated[int, Field(ge=0, le=0xFFFF)]
Word32 = Annotated[int, Field(ge=0, le=0xFFFF_FFFF)]


class UsbChannel(ChannelSpec):
    """A channel by the ident of its record; without ident it is not mapped yet and always absent.

    unit_word: the unit's number in the record, with `unit` saying what it means; units: several of them, each
    with its meaning. When the analyser is set to any other the reading is flagged decode. connector: where
    one ident comes from several sockets.
    """

    ident: Word32 | None = None
    unit_word: Word16 | None = None
    units: dict[Word16, Unit] = Field(default_factory=dict)
    connector: Annotated[int, Field(ge=0, le=255)] | None = None

    @model_validator(mode="after")
    def _pinned(self) -> Self:
        if self.ident is not None and self.unit_word is None and not self.units:
            raise ValueError("an ident needs its unit_word too (dodac read shows both).")
        if self.units and (self.unit_word is not None or self.unit is not None):
            raise ValueError("units says what unit_word and unit say for one: leave those two out.")
        return self


class UsbViewTest(Expectation):
    """Golden answers without their 5-byte heads: the measuring status, and the view values."""

    status: Hex
    view: Hex


class UsbViewProfile(Common):
    """A testo 350 or 330-2 on USB: its measuring status and the list of values on its display."""

    protocol: Literal["testo_usb"]
    channels: dict[str, UsbChannel] = Field(min_length=1)
    tests: tuple[UsbViewTest, ...] = Field(min_length=1)

    @property
    def mapped(self) -> bool:
        """False for a template: no channel has an ident yet."""
        return any(spec.ident is not None for spec in self.channels.values())
