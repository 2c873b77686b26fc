"""docs/reference/faults.md says only what a test that is there has seen."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("make_faults", ROOT / "docs" / "make_faults.py")
assert _SPEC is not None
assert _SPEC.loader is not None
make_faults = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(make_faults)
PAGE = make_faults.PAGE.read_text(encoding="utf-8")
ROWS = make_faults.rows_of(PAGE)


def test_the_page_is_what_its_rows_make():
    assert make_faults.page_of(ROWS) == PAGE, "run: python docs/make_faults.py"
    assert ROWS


def test_every_row_names_a_test_that_is_there():
    for row in ROWS:
        path, _, name = row["test"].partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        assert f"def {name}(" in text, row["test"]
        assert "fault_row" in text, row["test"]


def test_nothing_acknowledged_is_lost_but_what_the_disk_itself_destroyed():
    # a damaged medium takes what lay on it: those rows say so in their name
    assert [row for row in ROWS if row["lost"] and "damag" not in row["fault"]] == []
