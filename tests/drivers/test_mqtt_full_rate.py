"""The loop for plain messages at full rate remembers what the loop for all others would."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers._mqtt_receipts import Remembered
from drivers._mqtt_stations import Topics

MIDS = st.lists(
    st.one_of(st.integers(1, 65535), st.sampled_from([1, 2, 3, 4, 5, 65533, 65534, 65535])), max_size=60
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(MIDS, max_size=4))
def test_messages_taken_together_are_remembered_as_one_by_one(groups: list[list[int]]) -> None:
    together, alone = Remembered(), Remembered()
    for mids in groups:
        run = [mid + n for n, mid in enumerate(sorted(mids)) if mid + n <= 65535]  # runs, as brokers number
        for part in (mids, run):
            together.take_all(part)
            for mid in part:
                alone.take(mid, dup=False)
        assert together.receipts() == alone.receipts()
    assert vars(together) == vars(alone)


def test_a_topic_that_a_filter_takes_is_looked_up_once_and_remembered_within_bounds() -> None:
    topics = Topics([])
    topics._filters = ["plant/+/data"]
    topics._by_topic["plant/+/data"] = []
    for number in range(10_000):
        assert topics.stations(f"plant/{number}/data") == ()
    assert len(topics._found) <= 4096
