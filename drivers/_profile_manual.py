"""Profiles of forms: what a person reads by eye, from a bill or with a kit, and within which bounds."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from drivers._profile_common import ChannelSpec, Common, Expectation, Range, Strict, Unit


class Words(Strict):
    """The same words in both languages of the interface."""

    vi: str = Field(min_length=1, max_length=200)
    en: str = Field(min_length=1, max_length=200)


class ManualForm(Strict):
    """The form as a whole.

    period: none asks for the moment of reading; shift, day, month and free ask from when to when the
    amounts speak (a first guess of that length is offered). longest_days: a longer period is refused.
    photo: whether a picture can, or must, be taken.
    """

    title: Words
    hint: Words | None = None
    period: Literal["none", "shift", "day", "month", "free"] = "none"
    longest_days: int = Field(default=400, ge=1, le=800)
    photo: Literal["none", "optional", "required"] = "optional"


class ManualChannel(ChannelSpec):
    """A field of the form.

    unit: the one offered, in which the number is typed; units: others that may be chosen. range: what is
    refused outside, expected: what is asked about outside, both canonical units, before a transformer's
    ratio. resolution: the smallest step of the scale; a finer number is asked about. digits: decimals
    shown of earlier values. label: its name on the form; default is the channel's.
    """

    label: Words | None = None
    hint: Words | None = None
    units: tuple[Unit, ...] = ()
    expected: Range | None = None
    digits: int = Field(default=2, ge=0, le=6)
    required: bool = False


def _two_sides(text: str) -> str:
    if 0 in (float(side) for side in text.split("/")):
        raise ValueError('a ratio has two sides above zero, e.g. "400/5".')
    return text


Ratio = Annotated[
    str, StringConstraints(pattern=r"^\d{1,9}(\.\d+)?/\d{1,9}(\.\d+)?$"), AfterValidator(_two_sides)
]


class ManualTest(Expectation):
    """What is typed, and what must come of it.

    entry: text by channel, as typed. refused, asked: codes by channel of what the form says to it, such
    as out_of_range, unusual, ambiguous, finer, not_a_number, unit.
    """

    entry: dict[str, str] = Field(min_length=1)
    ct_ratio: Ratio | None = None
    refused: dict[str, str] = Field(default_factory=dict)
    asked: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.expect and not self.refused and not self.asked:
            raise ValueError("a test expects at least one value, question or refusal.")
        return self


class ManualProfile(Common):
    """A form that a person fills in.

    sums: a total and the parts that should add up to it; asked about when they don't.
    """

    protocol: Literal["manual"]
    form: ManualForm
    sums: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    channels: dict[str, ManualChannel] = Field(min_length=1)
    tests: tuple[ManualTest, ...] = Field(min_length=1)
