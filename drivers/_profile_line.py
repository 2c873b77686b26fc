"""Profiles of models that print lines: how a line is built, checked and read."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints

from drivers._profile_common import Baud, ChannelSpec, Common, Expectation, Frame, Strict, Time, Unit

Raw = Annotated[str, StringConstraints(strip_whitespace=False)]
"""Text in which spaces count."""
Place = Annotated[int, Field(ge=0, lt=200)]
"""The number of a field, from 0."""
_QUERY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,15}\?(?: \d{1,2})?")
_ACTING: Final = re.compile(r"CAL|TST|RST|ZER|SPAN|SET|START|STOP|CLR|DEL", re.IGNORECASE)


def _query(text: str) -> str:
    """Refuses whatever is not plainly a question: a word ending in "?", and at most one number after it."""
    if _QUERY.fullmatch(text) is None:
        raise ValueError(
            'a query is one word that ends in "?", and at most one number: nothing else is ever sent.'
        )
    if _ACTING.search(text) is not None:
        raise ValueError("this word starts or changes something in many instruments: it is never sent.")
    return text


class LineLink(Strict):
    """Line defaults; silence_s: without a line for so long the instrument is in fault.

    query: an instrument that prints only when asked; what is sent is this and query_end, nothing else ever.
    Of several lines that come in answer the last one counts. Without query the instrument prints by itself.
    """

    baud: tuple[Baud, ...] = Field(default=(9600,), min_length=1)
    frame: tuple[Frame, ...] = Field(default=("8N1",), min_length=1)
    silence_s: float = Field(default=60.0, gt=0)
    query: Annotated[str, AfterValidator(_query)] | None = None
    query_end: Annotated[Literal["\r", "\n", "\r\n"], StringConstraints(strip_whitespace=False)] = "\r\n"


class LineChecksum(Strict):
    """A checksum in hexadecimal at the end of the line.

    mark: what stands before it; default is the delimiter. It covers what follows `start`, through the
    mark when covers_mark, with `start` itself when covers_start. closed: a delimiter follows it.
    """

    rule: Literal["sum8", "sum16", "xor8"]
    mark: Raw = ""
    covers_mark: bool = True
    covers_start: bool = False
    closed: bool = False


class LineShape(Strict):
    """How a line is built.

    start: what it begins with, before the first field. terminator: what ends it; default is CR, LF or
    both. fields: how many there are (before the blocks, where there are blocks). optional: how many more
    may follow (without blocks). block: fields of each repeated block. count: the field that says how
    many blocks follow. One empty field after the last is allowed: many instruments close lines with a
    delimiter. ignore: beginnings of lines that are no measurements.
    """

    start: Raw = ""
    terminator: Raw | None = Field(default=None, min_length=1, max_length=4)
    delimiter: Raw = Field(min_length=1, max_length=4)
    fields: int = Field(ge=0, lt=200)
    optional: int = Field(default=0, ge=0, lt=200)
    block: int | None = Field(default=None, ge=1, lt=200)
    count: Place | None = None
    decimal: Literal[".", ","] = "."
    max_length: int = Field(default=1000, ge=8, le=65_536)
    ignore: tuple[Raw, ...] = ()
    checksum: LineChecksum | None = None


class LineMatch(Strict):
    """The block in which this field reads as one of the texts (case and outer spaces do not count)."""

    field: Place
    text: tuple[str, ...] = Field(min_length=1)


class LineChannel(ChannelSpec):
    """A channel by its field, in the line or in the block that matches.

    units: texts of units the instrument prints, and what they mean; any other is flagged decode.
    unit_field: where the unit stands; default is after the number, in its own field. span_field: a
    field that names the range in force as in "0-100 PPM"; a value above it is flagged out_of_range.
    sentinel: texts that stand for "no value".
    """

    field: Place
    match: LineMatch | None = None
    units: dict[str, Unit] = Field(default_factory=dict)
    unit_field: Place | None = None
    span_field: Place | None = None
    sentinel: tuple[str, ...] = ()


class LineStatus(Strict):
    """A status field: any sign in it but blanks and those allowed flags readings device_status.

    block: the field stands in each block and speaks for that block alone. channels: those it speaks
    for; default is all. required: a blank or missing field can't be read, and flags readings too.
    """

    field: Place
    block: bool = False
    allowed: str = ""
    text: str = Field(min_length=1)
    channels: tuple[str, ...] = ()
    required: bool = False


class LineTime(Strict):
    """Where the line says its time, local to the site; several fields are joined by a blank.

    format: as for strptime. max_skew_s: beyond it from our own clock, ours is taken instead.
    """

    fields: tuple[Place, ...] = Field(min_length=1)
    format: str = Field(min_length=2)
    max_skew_s: float = Field(default=60.0, gt=0)


class LineTest(Expectation):
    """A golden line, without its terminator; time is ISO 8601 (UTC) when the line carries one."""

    line: Raw = Field(min_length=1)
    time: Time | None = None


class LineProfile(Common):
    """A model that prints lines of text, by itself or when asked."""

    protocol: Literal["line"]
    link: LineLink = LineLink()
    line: LineShape
    time: LineTime | None = None
    status: tuple[LineStatus, ...] = ()
    channels: dict[str, LineChannel] = Field(min_length=1)
    tests: tuple[LineTest, ...] = Field(min_length=1)
