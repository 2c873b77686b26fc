"""What the preview of an import shows is what is stored, and nothing else."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dodac.cli import main
from dodac.clock import iso_utc
from store import JournalStore

CELL = st.one_of(
    st.integers(-50, 60_000).map(str),
    st.decimals(-50, 2_000, places=2).map(lambda number: f"{number}".replace(".", ",")),
    st.sampled_from(["", "----", "OFL", "12,5 kW", "12,5 A", "x", "1.234,5", "0.125"]),
)
ROW = st.tuples(st.sampled_from(["ok", "ok", "ok", "ok", "twice", "torn", "total"]), CELL, CELL)


def _file(rows: list[tuple[str, str, str]], power: str, current: str) -> str:
    lines = [f"Model;X1\nNgày;Giờ;P ({power});I1 ({current})"]
    moment = datetime(2026, 3, 13, 8)  # noqa: DTZ001
    for kind, first, second in rows:
        moment += timedelta(minutes=0 if kind == "twice" else 15)
        stamp = f"{moment:%d/%m/%Y};{moment:%H:%M}"
        if kind == "torn":
            lines.append(stamp)
        else:
            lines.append(f"Tổng cộng;;{first};{second}" if kind == "total" else f"{stamp};{first};{second}")
    return "\n".join(lines) + "\n"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(ROW, min_size=3, max_size=5), st.sampled_from(["kW", "W", "MW"]), st.sampled_from(["A", "mA", "kA"]),
    st.sampled_from(["start", "end", "middle"]),
)  # fmt: skip
def test_the_preview_is_what_is_stored(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rows: list[tuple[str, str, str]],
    power: str,
    current: str,
    stamp: str,
) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    (tmp_path / "a.csv").write_text(_file(rows, power, current), encoding="utf-8")
    journal = tmp_path / "j.db"
    words = [
        "import",
        str(tmp_path / "a.csv"),
        "--journal",
        str(journal),
        "--instrument",
        "x",
        "--measurement",
    ]
    words += ["electricity", "--decimal", ",", "--interval", "15min", "--stamp", stamp, "--guessed", "--json"]
    seen = main([*words, "--preview"])
    shown = capsys.readouterr().out
    code = main([*words, "--keep-good"])
    done = capsys.readouterr().out
    if not shown or not json.loads(shown)["first_rows"]:
        assert code != 0  # what can't be shown is not taken
        assert not journal.exists()
        return
    preview: dict[str, Any] = json.loads(shown)
    result = json.loads(done)
    assert (seen == 0) == (not preview["refused_rows"])
    assert preview["refused_rows"] == result["refused_rows"]
    assert result["received"] == result["committed"] == preview["counts"]["samples"]
    with JournalStore(journal) as store:
        stored = list(store.samples("x", 0, 1 << 62))
        names = store.layouts()[stored[0].layout].channels
    kept = sorted(
        (
            iso_utc(one.start_ns),
            iso_utc(one.end_ns),
            sorted(
                [name, value] for name, value in zip(names, one.values, strict=True) if not math.isnan(value)
            ),
        )
        for one in stored
    )
    told = (
        (row["start"], row["end"], sorted(map(list, row["values"].items()))) for row in preview["first_rows"]
    )
    assert sorted(told) == kept
