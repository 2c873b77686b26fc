"""The planner: every register is read, none outside what the profile allows, in few requests."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.protocols.planner import Block, Limits, avoiding, pieces, plan

spans_ = st.lists(
    st.builds(
        Block, st.sampled_from(["input", "holding"]), st.integers(0, 400), st.sampled_from([1, 2, 2, 4])
    ),
    min_size=1,
    max_size=40,
)
limits_ = st.builds(Limits, st.integers(4, 125), st.integers(0, 40))


def size(block: Block) -> int:
    return 2 * block.count


@given(spans_, limits_)
@settings(derandomize=True, deadline=None)
def test_every_span_is_read_whole_and_no_block_is_too_long(spans: list[Block], limits: Limits) -> None:
    blocks = plan(spans, limits)
    assert all(any(block.holds(span) for block in blocks) for span in spans)
    assert all(block.count <= limits.max_registers for block in blocks)


@given(spans_, limits_)
@settings(derandomize=True, deadline=None)
def test_no_gap_wider_than_allowed_is_read_through(spans: list[Block], limits: Limits) -> None:
    for block in plan(spans, limits):
        used = {a for s in spans if s.table == block.table for a in range(s.address, s.end)}
        gap = 0
        for address in range(block.address, block.end):
            gap = 0 if address in used else gap + 1
            assert gap <= limits.max_gap


@given(spans_, limits_, st.lists(st.tuples(st.integers(0, 350), st.integers(4, 60)), min_size=1, max_size=4))
@settings(derandomize=True, deadline=None)
def test_nothing_outside_the_readable_ranges_is_asked(
    spans: list[Block], limits: Limits, ranges: list[tuple[int, int]]
) -> None:
    readable = tuple(Block("input", first, count) for first, count in ranges)
    limits = Limits(limits.max_registers, limits.max_gap, readable)
    inside = [s for s in spans if s.table == "input" and any(r.holds(s) for r in readable)]
    for block in plan(inside, limits):
        assert any(r.holds(block) for r in readable)


@given(spans_)
@settings(derandomize=True, deadline=None)
def test_without_limits_one_request_a_table_is_enough(spans: list[Block]) -> None:
    near = [Block(s.table, s.address % 100, s.count) for s in spans]
    assert len(plan(near, Limits(125, 125))) == len({s.table for s in near})


def test_a_span_that_no_request_can_hold_is_said() -> None:
    with pytest.raises(ValueError, match="can't be read at once"):
        plan([Block("input", 0, 4)], Limits(max_registers=2))


@given(spans_, st.data())
@settings(derandomize=True, deadline=None)
def test_a_refused_register_costs_only_itself(spans: list[Block], data: st.DataObject) -> None:
    """A device that refuses any block touching one bad register: all other spans are still read."""
    bad = data.draw(st.sampled_from(spans))
    refused: set[Block] = set()
    waiting = list(plan(spans, Limits(60, 16)))
    read: list[Block] = []
    lost: set[Block] = set()
    requests = 0
    while waiting:
        block = waiting.pop(0)
        requests += 1
        assert requests < 500
        if block.table == bad.table and block.address < bad.end and bad.address < block.end:
            refused.add(block)
            asked, gone = pieces(block, spans, refused)
            lost.update(gone)
            waiting = [*asked, *waiting]
        else:
            read.append(block)
    touching = {s for s in spans if s.table == bad.table and s.address < bad.end and bad.address < s.end}
    for span in set(spans) - touching:
        assert any(block.holds(span) for block in read) or span in touching
    assert bad in lost or not any(block.holds(bad) for block in read)


@given(spans_, limits_, st.sets(st.integers(1, 125), max_size=6))
@settings(derandomize=True, deadline=None)
def test_an_alternative_reads_the_same_with_answers_of_other_sizes(
    spans: list[Block], limits: Limits, counts: set[int]
) -> None:
    taken = {2 * count for count in counts}
    for block in plan(spans, limits):
        blocks = avoiding(block, spans, limits, size, taken)
        if blocks is None:
            continue
        assert all(size(b) not in taken for b in blocks)
        assert all(b.count <= limits.max_registers for b in blocks)
        for span in spans:
            if block.holds(span):
                assert any(b.holds(span) for b in blocks)


def test_an_alternative_grows_only_into_declared_registers() -> None:
    spans = [Block("input", 0, 2)]
    assert avoiding(spans[0], spans, Limits(), size, {4}) is None
    declared = Limits(readable=(Block("input", 0, 10),))
    assert avoiding(spans[0], spans, declared, size, {4}) == (Block("input", 0, 3),)


def test_a_meter_that_refuses_odd_numbers_is_never_asked_for_one() -> None:
    """An unanswered request is made longer to look different: on an Eastron by two, one would be refused."""
    block, readable = Block("input", 0xC8, 6), (Block("input", 0xC8, 8),)
    plain = avoiding(block, [block], Limits(80, 16, readable), lambda b: 2 * b.count, [12])
    even = avoiding(block, [block], Limits(80, 16, readable, multiple=2), lambda b: 2 * b.count, [12])
    assert plain == (Block("input", 0xC8, 7),)
    assert even == (Block("input", 0xC8, 8),)
    assert not Limits(multiple=2).allows(Block("holding", 0, 3))
    assert Limits(multiple=2).allows(Block("discrete", 0, 3))


def test_a_refused_span_does_not_cost_those_inside_it() -> None:
    """A sum over eight registers is refused, one of its parts alone is not."""
    whole, part = Block("input", 180, 8), Block("input", 185, 2)
    assert pieces(whole, [whole, part], {whole}) == ((part,), (whole,))
    # cut in the middle, one half would be the whole block again
    chain = [Block("input", 0, 3), Block("input", 2, 6), Block("input", 5, 1)]
    asked, lost = pieces(Block("input", 0, 8), chain, {Block("input", 0, 8)})
    assert (asked, lost) == ((chain[0], chain[1]), ())


nested_ = st.lists(
    st.builds(Block, st.just("input"), st.integers(0, 14), st.sampled_from([1, 2, 4, 8])),
    min_size=1,
    max_size=8,
)


@given(nested_, st.integers(8, 20), st.integers(0, 3))
@settings(derandomize=True, deadline=None)
def test_spans_inside_one_another_are_all_read_in_the_fewest_requests(
    spans: list[Block], longest: int, gap: int
) -> None:
    """A sum over many registers and its parts: against every way of cutting the sorted spans."""
    limits = Limits(longest, gap)
    blocks = plan(spans, limits)
    assert all(any(block.holds(span) for block in blocks) for span in spans)
    ordered = sorted(set(spans), key=lambda s: (s.address, s.count))
    fewest = [0] + [len(ordered)] * len(ordered)
    for last in range(1, len(ordered) + 1):
        for first in range(last):
            part = ordered[first:last]
            end, holes = part[0].end, [0]
            for span in part[1:]:
                holes.append(span.address - end)
                end = max(end, span.end)
            if end - part[0].address <= longest and max(holes) <= gap:
                fewest[last] = min(fewest[last], fewest[first] + 1)
    assert len(blocks) == fewest[-1]


def test_a_span_refused_alone_is_not_lost_where_a_longer_block_gives_it() -> None:
    left, right, shared = Block("input", 0, 3), Block("input", 2, 6), Block("input", 2, 1)
    whole = Block("input", 0, 8)
    asked, lost = pieces(whole, [left, right, shared], {whole, left, shared})
    assert (asked, lost) == ((right,), (left,))
