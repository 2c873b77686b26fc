"""An entry whose time was wrong is taken back by one that is appended; what was typed stays to be seen."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector._enter import enter
from collector._export import export_csv
from collector.enter import Desk
from dodac.clock import DAY_NS, SECOND_NS, ManualClock
from dodac.errors import ConfigError, Exit
from dodac.samples import FIRST_REVISION, Reason
from dodac.site import Site, load_site
from drivers.protocols.manual import Typed
from drivers.protocols.manual_entry import Entry, Withdrawal, read_back
from drivers.protocols.received import Refused
from store import Journal, JournalStore

SITE = """[site]
id = "a"
company = "b"
language = "en"
[connections.hand]
kind = "manual"
[[instruments]]
id = "well"
profile = "manual.water-meter"
connection = "hand"
[[instruments]]
id = "bill"
profile = "manual.water-bill"
connection = "hand"
"""
NOW = 1_790_000_000 * SECOND_NS
MONTH = (NOW - 30 * DAY_NS, NOW)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    return load_site(tmp_path)


@pytest.fixture
def desk(site: Site) -> Iterator[Desk]:
    with contextlib.ExitStack() as opened:
        found: list[JournalStore] = []

        def journal() -> JournalStore | None:
            if not found and site.journal_path.exists():
                found.append(opened.enter_context(JournalStore(site.journal_path)))
            return found[0] if found else None

        yield Desk(site, ManualClock(NOW), journal)


def _bill(id: str, volume: str, period: tuple[int, int] = MONTH, **more: object) -> Entry:
    return Entry(id, "bill", {"volume_interval_m3": Typed(volume)}, *period, **more)  # type: ignore[arg-type]


def _back(id: str, withdraws: str, instrument: str = "bill") -> Withdrawal:
    return Withdrawal(id, instrument, withdraws, "Lan", "wrong month", NOW)


def _codes(taken: object) -> list[str]:
    return [finding.code for finding in taken.findings]  # type: ignore[attr-defined]


def _volume(site: Site, window: tuple[int, int] = MONTH) -> list[float]:
    with JournalStore(site.journal_path) as store:
        series = store.series("bill", ["volume_interval_m3"], *window)
        return [float(value) for value in series["volume_interval_m3"].dropna()]


def test_a_bill_of_the_wrong_month_counts_no_more_and_the_month_is_free_again(site: Site, desk: Desk) -> None:
    assert desk.take(_bill("aaaaaaaa", "1250")).state == "stored"
    for _ in range(2):  # sent twice, it is one withdrawal
        assert desk.withdraw(_back("bbbbbbbb", "aaaaaaaa")).state == "stored"
    assert _volume(site) == []
    right = _bill("cccccccc", "1250", (MONTH[0] - 31 * DAY_NS, MONTH[0]))
    assert desk.take(right).state == "stored"
    assert desk.take(_bill("dddddddd", "1300")).state == "stored"
    assert _volume(site) == [1300.0]
    past = desk.past("bill", *MONTH)
    found = {p.entry.id: (p.counts, p.withdrawn and p.withdrawn.note) for p in past}
    assert found["aaaaaaaa"] == (False, "wrong month")
    assert found["dddddddd"] == (True, None)
    with JournalStore(site.journal_path) as store:
        rows = {read_back(s.raw or b"").id: s for s in store.samples("bill", 0, 2 * NOW)}
        assert store.tallies()["bill", "hand"] == {"committed": 4}
    assert rows["aaaaaaaa"].flags == ()
    assert rows["bbbbbbbb"].part == FIRST_REVISION
    assert [(f.reason, f.value) for f in rows["bbbbbbbb"].flags] == [(Reason.WITHDRAWN, 1250.0)]


def test_a_bill_that_has_the_same_middle_as_a_withdrawn_one_is_no_conflict(site: Site, desk: Desk) -> None:
    """Both would stand under one time and part: the second was kept as a conflict and lost for good."""
    desk.take(_bill("aaaaaaaa", "1250"))
    desk.withdraw(_back("bbbbbbbb", "aaaaaaaa"))
    shorter = (MONTH[0] + DAY_NS, MONTH[1] - DAY_NS)
    assert desk.take(_bill("cccccccc", "900", shorter)).state == "stored"
    assert _volume(site) == [900.0]
    # and the first, corrected now, does not push it out
    taken = desk.take(_bill("dddddddd", "1251", corrects="aaaaaaaa"))
    assert _codes(taken) == ["overlap"]
    assert _codes(desk.withdraw(_back("eeeeeeee", "aaaaaaaa"))) == ["withdraws_old"]
    assert desk.withdraw(_back("eeeeeeee", "cccccccc")).state == "stored"
    assert _volume(site) == []


def test_only_what_counts_can_be_withdrawn(desk: Desk) -> None:
    desk.take(_bill("aaaaaaaa", "1250"))
    assert _codes(desk.withdraw(_back("bbbbbbbb", "nothing1"))) == ["withdraws_gone"]
    desk.take(_bill("cccccccc", "1251", corrects="aaaaaaaa"))
    assert _codes(desk.withdraw(_back("dddddddd", "aaaaaaaa"))) == ["withdraws_old"]
    assert desk.withdraw(_back("eeeeeeee", "cccccccc")).state == "stored"
    assert _codes(desk.withdraw(_back("ffffffff", "eeeeeeee"))) == ["withdraws_old"]
    assert _codes(desk.take(_bill("gggggggg", "1", corrects="eeeeeeee"))) == ["corrects_gone"]
    # a withdrawal by mistake is mended by typing it again
    assert desk.take(_bill("hhhhhhhh", "1251", corrects="cccccccc")).state == "stored"


def test_a_withdrawn_register_is_no_neighbour(desk: Desk) -> None:
    def read(id: str, at: int, volume: str) -> Entry:
        return Entry(id, "well", {"volume_m3": Typed(volume)}, at, at)

    desk.take(read("aaaaaaaa", NOW - 10 * DAY_NS, "900"))
    assert _codes(desk.take(read("bbbbbbbb", NOW - DAY_NS, "100"))) == ["fell"]
    assert desk.withdraw(_back("cccccccc", "aaaaaaaa", "well")).state == "stored"
    assert desk.take(read("bbbbbbbb", NOW - DAY_NS, "100")).state == "stored"
    assert desk.take(read("dddddddd", NOW - 10 * DAY_NS, "90")).state == "stored"


def test_a_withdrawal_waits_like_an_entry_while_a_collector_holds_the_journal(site: Site, desk: Desk) -> None:
    desk.take(_bill("aaaaaaaa", "1250"))
    with Journal.open(site.journal_path):
        assert desk.withdraw(_back("bbbbbbbb", "aaaaaaaa")).state == "waiting"
        assert [p.counts for p in desk.past("bill", *MONTH)] == [False, False]
        assert _codes(desk.withdraw(_back("cccccccc", "aaaaaaaa"))) == ["withdraws_old"]
    assert desk.store_waiting() == ""
    assert _volume(site) == []


def test_a_withdrawal_of_nothing_is_no_entry() -> None:
    raw = json.dumps({
        "format": "dodac manual withdrawal 1", "id": "abcdef01", "instrument": "bill", "corrects": "a", "operator": "",
        "channels": {"volume_interval_m3": {"typed": "1", "unit": "m3", "value": "1.0"}}, "note": "", "photo": None,
        "revision": 0, "start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z",
    }).encode()  # fmt: skip
    with pytest.raises(Refused, match="revision"):
        read_back(raw)


def test_the_command_lists_and_withdraws(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> int:
        return enter([*words, "--site", str(site.path)], clock=ManualClock(NOW))

    assert run("well", "volume_m3=100", "--at", "2026-09-01T08:00") == Exit.OK
    assert run("well", "--list", "--json") == Exit.OK
    out = capsys.readouterr().out
    (row,) = json.loads(out[out.index("[") :])
    assert (row["state"], row["typed"]) == ("stored", {"volume_m3": "100"})
    assert run("well", "--withdraw", row["id"], "--operator", "Lan", "--note", "wrong day") == Exit.OK
    assert "Withdrawn, it counts no more" in capsys.readouterr().out
    assert run("well", "--withdraw", row["id"]) == Exit.FINDING
    assert "corrected or withdrawn already" in capsys.readouterr().err
    assert run("well", "--list") == Exit.OK
    assert "100 m³: withdrawn" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="The last are"):
        run("well", "--withdraw", "nothing1")
    with pytest.raises(ConfigError, match="stand alone"):
        run("well", "volume_m3=1", "--withdraw", row["id"])


def test_a_spreadsheet_of_the_export_adds_up_to_what_counts(site: Site, desk: Desk) -> None:
    """The corrected row and its correction stood side by side under one time: a sum counted both."""
    export: Callable[[], list[str]] = lambda: _export(site)  # noqa: E731
    desk.take(_bill("aaaaaaaa", "1250"))
    desk.take(_bill("bbbbbbbb", "125", corrects="aaaaaaaa"))
    assert [row.rpartition(",")[2] for row in export()] == ["125.0"]
    desk.withdraw(_back("cccccccc", "bbbbbbbb"))
    assert export() == []


def _export(site: Site) -> list[str]:
    out = io.StringIO()
    export_csv(site.journal_path, "bill", ["volume_interval_m3"], None, None, "UTC", out)
    return out.getvalue().splitlines()[1:]
