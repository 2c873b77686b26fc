"""What the bytes of a payload mean, as data of a profile: places, blocks, groups, stored records."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from drivers._profile_common import Hex, Strict

Number = Literal[
    "u8", "i8", "u16", "i16", "u24", "i24", "u32", "i32", "u40", "u48", "u64", "i64", "f32", "f64"
]  # fmt: skip
Order = Literal["big", "little", "low_word_first"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]


def size_of(type: Number) -> int:
    """Bytes that a number takes."""
    return int(type[1:]) // 8


def _pattern(text: str) -> str:
    if len(text) % 2 or not text:
        raise ValueError("two places a byte, as in 0367; two dots stand for any byte.")
    for at in range(0, len(text), 2):
        if text[at : at + 2] != "..":
            bytes.fromhex(text[at : at + 2])
    return text.lower()


Pattern = Annotated[str, AfterValidator(_pattern)]


class Condition(Strict):
    """A byte of the payload, behind a mask, is one of some values."""

    at: int = Field(ge=0)
    mask: int = Field(default=0xFF, ge=1, le=0xFF)
    one_of: tuple[int, ...] = Field(min_length=1)


class Step(Strict):
    """One further step of a formula; exactly one is given.

    times, per, plus: x·t, x/p, x+p. over: t/x. divider: resistance r·x/(1−x) from the ratio x of a voltage divider
    with r. polynomial: a0 + a1·x + a2·x² … steinhart: °C from ohms, 1/(a + b·ln x + c·ln³x) − 273.15.
    """

    times: float | None = None
    per: float | None = None
    plus: float | None = None
    over: float | None = None
    divider: float | None = None
    polynomial: tuple[float, ...] | None = None
    steinhart: tuple[float, float, float] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("a step is one of times, per, plus, over, divider, polynomial, steinhart.")
        return self


class PayloadField(Strict):
    """A number: its place, and how it becomes a value: (read − minus)·scale + offset, then the steps.

    at: first byte, from the start of the payload, block, group or record. mask: these bits of it only.
    sentinel: numbers as read that mean no value. where: it is there only then. faulty: conditions under
    which the device itself says that it is no reading. optional: an end before it is no fault.
    """

    at: int = Field(default=0, ge=0)
    type: Number
    order: Order | None = None
    mask: int | None = Field(default=None, ge=1)
    minus: float = 0.0
    scale: float = 1.0
    offset: float = 0.0
    steps: tuple[Step, ...] = ()
    sentinel: tuple[float, ...] = ()
    where: tuple[Condition, ...] = ()
    faulty: tuple[Condition, ...] = ()
    optional: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.mask is not None and (self.type[0] == "f" or self.mask >> (8 * size_of(self.type))):
            raise ValueError("a mask needs a whole number with at least as many bits.")
        if self.order == "low_word_first" and (self.type[0] == "f" or size_of(self.type) % 2):
            raise ValueError("low_word_first needs a whole number of 16-bit words.")
        return self


class PayloadTime(Strict):
    """Seconds since 1970 (UTC) at a place; 0 and all ones say none."""

    at: int = Field(default=0, ge=0)
    type: Literal["u32"] = "u32"
    order: Order | None = None


class Block(Strict):
    """What follows a key: its length in bytes, its fields.

    length: "rest" is all that is left. time: with fields: these were stored at that time; without: what
    follows was. end: nothing behind this key holds readings.
    """

    length: int | Literal["rest"] = Field(default=0)
    fields: dict[Name, PayloadField] = Field(default_factory=dict)
    time: PayloadTime | None = None
    end: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if isinstance(self.length, int):
            if self.length < 0:
                raise ValueError("a length is not negative.")
            ends = [f.at + size_of(f.type) for f in self.fields.values()]
            ends += [self.time.at + 4] if self.time is not None else []
            if ends and max(ends) > self.length:
                raise ValueError(f"a field ends at byte {max(ends)} of a block of {self.length}.")
        return self


class Blocks(Strict):
    """Blocks one behind the other: a key, then what belongs to it, until the end.

    start: where the first begins. keys: all of one length. A key that is not listed ends the payload.
    """

    start: int = Field(default=0, ge=0)
    keys: dict[Pattern, Block] = Field(min_length=1)

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if len({len(key) for key in self.keys}) != 1:
            raise ValueError("all keys must have the same number of bytes.")
        return self

    @property
    def key_bytes(self) -> int:
        """Bytes of a key."""
        return len(next(iter(self.keys))) // 2


class Group(Strict):
    """Words of 16 bits that are there when their bit is set."""

    words: int = Field(ge=1)
    fields: dict[Name, PayloadField] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        ends = [f.at + size_of(f.type) for f in self.fields.values()]
        if ends and max(ends) > 2 * self.words:
            raise ValueError(f"a field ends at byte {max(ends)} of a group of {2 * self.words}.")
        return self


class Groups(Strict):
    """Groups one behind the other; bit n of the flags (u16 at a place) says that group n is there."""

    flags_at: int = Field(ge=0)
    start: int = Field(ge=0)
    groups: tuple[Group, ...] = Field(min_length=1, max_length=16)


class Records(Strict):
    """Stored records of one length, one behind the other, to the end of the payload."""

    start: int = Field(default=0, ge=0)
    length: int = Field(ge=1)
    time: PayloadTime
    fields: dict[Name, PayloadField] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        ends = [f.at + size_of(f.type) for f in self.fields.values()] + [self.time.at + 4]
        if max(ends) > self.length:
            raise ValueError(f"a field ends at byte {max(ends)} of a record of {self.length}.")
        return self


class Form(Strict):
    """One kind of message: how it is known, and where its numbers are.

    Known by all that is given of ports, length (bytes, or least and most), starts (its first bytes) and
    where. A form with nothing else holds no readings (an alarm, an answer to a setting).
    """

    ports: tuple[int, ...] = ()
    length: int | tuple[int, int] | None = None
    starts: Hex = ""
    where: tuple[Condition, ...] = ()
    order: Order = "big"
    fields: dict[Name, PayloadField] = Field(default_factory=dict)
    blocks: Blocks | None = None
    groups: Groups | None = None
    records: Records | None = None

    def names(self) -> set[str]:
        """The fields that it can give."""
        found = set(self.fields)
        if self.blocks is not None:
            found |= {name for block in self.blocks.keys.values() for name in block.fields}
        if self.groups is not None:
            found |= {name for group in self.groups.groups for name in group.fields}
        if self.records is not None:
            found |= set(self.records.fields)
        return found
