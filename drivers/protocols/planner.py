"""Turns the registers that channels need into the fewest block reads, pure.

Blocks stay inside readable ranges, never exceed the device's limit and read through at most
`max_gap` unused registers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from drivers.profile import Table

_ORDER: Final[dict[Table, int]] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}


@dataclass(frozen=True, slots=True)
class Block:
    """`count` registers (or bits) of a table from `address` on."""

    table: Table
    address: int
    count: int

    @property
    def end(self) -> int:
        """The first address after the block."""
        return self.address + self.count

    def holds(self, other: Block) -> bool:
        """True when all of `other` lies in this block."""
        return self.table == other.table and self.address <= other.address and other.end <= self.end


Span = Block
"""A run of registers that must be read in one request, as the two of a float."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask.

    readable: ranges per table; a table without any is readable everywhere.
    multiple: the number of registers in a request is a multiple of this.
    """

    max_registers: int = 125
    max_gap: int = 16
    readable: tuple[Block, ...] = field(default=())
    multiple: int = 1

    def allows(self, block: Block) -> bool:
        """True when a block is not too long and inside one readable range."""
        if block.address < 0 or block.end > 0x10000 or not 1 <= block.count <= self.longest(block.table):
            return False
        if block.table in ("holding", "input") and block.count % self.multiple:
            return False
        ranges = [r for r in self.readable if r.table == block.table]
        return not ranges or any(r.holds(block) for r in ranges)

    def declared(self, block: Block) -> bool:
        """True when the block lies in a range that the profile names as readable."""
        return self.allows(block) and any(r.holds(block) for r in self.readable)

    def longest(self, table: Table) -> int:
        """The most items of a table in one request."""
        return self.max_registers * 16 if table in ("coil", "discrete") else self.max_registers


def plan(spans: Iterable[Span], limits: Limits) -> tuple[Block, ...]:
    """The fewest blocks that hold every span.

    Raises ValueError for a span that no allowed request can hold.
    """
    blocks: list[Block] = []
    for span in sorted(set(spans), key=lambda s: (_ORDER[s.table], s.address, s.count)):
        if not limits.allows(span):
            raise ValueError(
                f"{span.count} registers from {span.address} ({span.table}) can't be read at once."
            )
        last = blocks[-1] if blocks else None
        if last is not None and last.table == span.table and span.address - last.end <= limits.max_gap:
            joined = Block(last.table, last.address, max(last.end, span.end) - last.address)
            if limits.allows(joined):
                blocks[-1] = joined
                continue
        blocks.append(span)
    return tuple(blocks)


def pieces(
    block: Block, spans: Collection[Span], refused: Collection[Block]
) -> tuple[tuple[Block, ...], tuple[Span, ...]]:
    """What to ask instead of a block that was refused: (blocks to read, spans that can't be had).

    First without the gaps that were read through, then by halves, down to single spans. A span as long as
    the block can't be had; others inside it perhaps can.
    """
    if block not in refused:
        return (block,), ()
    inside = sorted((s for s in set(spans) if block.holds(s)), key=lambda s: (s.address, s.count))
    lost = [s for s in inside if s == block]
    inside = [s for s in inside if s != block]
    tight = plan(inside, Limits(block.count if block.table in ("holding", "input") else 125, max_gap=0))
    if block in tight:
        tight = _halves(block, inside)
    asked: list[Block] = []
    for piece in tight:
        more, gone = pieces(piece, inside, refused)
        asked += more
        lost += gone
    # a span shared by two halves is not lost when one of them gives it
    return tuple(asked), tuple(s for s in lost if not any(b.holds(s) for b in asked))


def _halves(block: Block, inside: list[Span]) -> tuple[Block, ...]:
    """Two blocks for the spans, as equal as can be, neither of them the whole; no span is the whole."""
    middle = block.address + block.count / 2
    for cut in sorted(
        {s.address for s in inside if s.address > block.address}, key=lambda a: abs(a - middle)
    ):
        left = [s for s in inside if s.address < cut]
        right = [s for s in inside if s.address >= cut]
        halves = tuple(
            Block(block.table, part[0].address, max(s.end for s in part) - part[0].address)
            for part in (left, right)
        )
        if block not in halves:
            return halves
    raise AssertionError("unreachable: the first cut leaves a shorter left and a later right half")


def avoiding(
    block: Block,
    spans: Collection[Span],
    limits: Limits,
    size: Callable[[Block], int],
    taken: Collection[int],
) -> tuple[Block, ...] | None:
    """Blocks that give the same spans with answers of other sizes than `taken`, or None.

    Tried in turn: the block itself; longer by a few registers where the profile declares them
    readable; cut in two between spans. size: data bytes of a block's answer.
    """
    if size(block) not in taken:
        return (block,)
    for more in range(1, 17):
        for wider in (
            Block(block.table, block.address, block.count + more),
            Block(block.table, block.address - more, block.count + more),
        ):
            if limits.declared(wider) and size(wider) not in taken:
                return (wider,)
    inside = sorted((s for s in set(spans) if block.holds(s)), key=lambda s: (s.address, s.count))
    for cut in sorted({s.address for s in inside if s.address > block.address}):
        left = [s for s in inside if s.address < cut]
        right = [s for s in inside if s.address >= cut]
        halves = tuple(
            Block(block.table, part[0].address, max(s.end for s in part) - part[0].address)
            for part in (left, right)
        )
        if all(size(half) not in taken for half in halves):
            return halves
    return None
