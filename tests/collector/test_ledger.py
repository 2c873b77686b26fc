"""The ledger: a sample that is unaccounted for is seen."""

from __future__ import annotations

import json

from collector.ledger import Ledger, SinkCount, SourceCount, table


def test_a_sample_that_is_unaccounted_for_is_seen() -> None:
    whole = SourceCount(
        "m", "bus", received=10, committed=5, duplicate=2, conflict=1, dead_letter=1, in_flight=1
    )
    lost = SourceCount("m", "bus", received=10, committed=9)
    assert Ledger((whole,)).balanced()
    assert not Ledger((whole, lost)).balanced()
    assert "NOT BALANCED: m from bus" in Ledger((whole, lost)).text()
    short = SinkCount("influx", committed=3, delivered=1, waiting=1)
    assert not Ledger((whole,), (short,)).balanced()
    assert "NOT BALANCED: sink influx" in Ledger((whole,), (short,)).text()


def test_the_ledger_is_plain_data_for_json() -> None:
    ledger = Ledger((SourceCount("", "broker", received=1, dead_letter=1),), (SinkCount("influx"),))
    told = json.loads(json.dumps(ledger.as_dict()))
    assert told["balanced"] is True
    assert told["sources"][0]["dead_letter"] == 1
    assert "(unknown)" in ledger.text()
    assert ledger.totals().received == 1


def test_numbers_stand_under_their_heads() -> None:
    assert table(("name", "count"), [("a", 5), ("long name", 12345)]) == (
        "name       count\na              5\nlong name  12345"
    )
