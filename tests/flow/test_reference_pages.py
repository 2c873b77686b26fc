"""Reference pages that are made from the code are the code's: nobody looks a key up that is gone."""

import importlib.util
from pathlib import Path

import pytest

from dodac.cli import COMMANDS
from dodac.site import Site

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
assert _SPEC is not None
assert _SPEC.loader is not None
make_reference = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(make_reference)


@pytest.mark.parametrize("name", sorted(make_reference.PAGES))
def test_the_page_is_what_the_code_says(name):
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert written == make_reference.PAGES[name](), f"run: python docs/make_reference.py ({name} is stale)"


def test_no_meaning_is_left_of_a_key_that_is_gone():
    keys = {
        (model, field.alias or name)
        for _, model, _ in make_reference.TABLES
        for name, field in model.model_fields.items()
    }
    assert set(make_reference.MEANING) == keys


def test_every_table_of_a_site_file_is_on_the_page():
    titles = " ".join(title for title, _, _ in make_reference.TABLES)
    assert all(name in titles for name in Site.model_fields)


def test_every_command_has_its_chapter_and_an_example_that_is_run():
    page = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    chapters = dict(part.split("\n", 1) for part in page.split("\n## ")[1:])
    assert sorted(chapters) == sorted(command.name for command in COMMANDS)
    for name, text in chapters.items():
        blocks = "".join(text.split("```console\n")[1:])
        assert f"dodac {name}" in blocks, name


def test_every_page_is_found_from_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*/*.md"):
        if page.parent.name != "decisions":
            assert page.relative_to(ROOT / "docs").as_posix() in index, page


def test_the_readmes_list_the_instruments_that_there_are():
    for readme in make_reference.READMES:
        written = readme.read_text(encoding="utf-8")
        assert make_reference.BEGIN in written
        assert written == make_reference.with_table(written), (
            f"run: python docs/make_reference.py ({readme.name})"
        )


def test_no_page_is_left_of_a_profile_that_is_gone():
    pages = {path.name for path in (ROOT / "docs" / "reference" / "profiles").glob("*.md")}
    assert pages == {Path(name).name for name in make_reference.PAGES if name.startswith("profiles/")}
