"""Documentation examples are run: what a reader types must do what the page says.

In Markdown, a block that begins with ```console holds commands after "$ ", their further lines after "> ", and what they
print. "..." in the expected text stands for anything. Blocks of one page share one folder, in order. A block that needs
hardware, a server or an installation is marked ```sh instead and is not run.

The ```python blocks of a tutorial are one program, run from top to bottom; a ```text block right after one holds what that
block prints, with "..." for anything. A block that is not to be run is marked ```py.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CELL = re.compile(r"^```python\n(.*?)^```\n(?:\s*^```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
_MARK = "\x1e"


def commands(text: str) -> list[tuple[str, str]]:
    """(command, expected output) of each "$ " line in a page's console blocks."""
    found: list[tuple[list[str], list[str]]] = []
    for block in _BLOCK.findall(text):
        current: list[str] | None = None
        for line in block.splitlines():
            if line.startswith("$ "):
                current = []
                found.append(([line[2:]], current))
            elif line.startswith("> ") and found and not current:
                found[-1][0].append(line[2:])
            elif current is not None:
                current.append(line)
    return [("\n".join(typed), "\n".join(lines).strip()) for typed, lines in found]


def matches(expected: str, given: str) -> bool:
    """True when `given` is `expected`, with "..." for anything and runs of spaces as one."""
    pattern = ".*".join(re.escape(part) for part in re.split(r"\.\.\.", " ".join(expected.split())))
    return re.fullmatch(pattern, " ".join(given.split()), re.DOTALL) is not None


PAGES_WITH_EXAMPLES = [page for page in PAGES if commands(page.read_text(encoding="utf-8"))]


# one page runs the demo to its end; the bound is for a machine that is busy with other things
@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", PAGES_WITH_EXAMPLES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_the_page_says_is_what_a_reader_gets(page, tmp_path):
    env = dict(
        os.environ,
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        DOCS=str(page.parent),
    )
    for command, expected in commands(page.read_text(encoding="utf-8")):
        assert shlex.split(command)
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=env,
            timeout=200,
            check=False,
        )
        shown = (done.stdout + done.stderr).strip()
        if expected:
            assert matches(expected, shown), (
                f"{page.name}: $ {command}\nprinted:\n{shown}\nexpected:\n{expected}"
            )
        else:
            assert done.returncode == 0, f"{page.name}: $ {command}\n{shown}"


PAGES_WITH_CELLS = [page for page in PAGES if _CELL.search(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", PAGES_WITH_CELLS, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_notebook_says_is_what_it_prints(page, tmp_path):
    cells = _CELL.findall(page.read_text(encoding="utf-8"))
    script = tmp_path / "page.py"
    script.write_text("".join(f"{code}\nprint('{_MARK}', end='')\n" for code, _ in cells), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=dict(os.environ, DOCS=str(page.parent)),
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"{page.name}:\n{done.stdout}\n{done.stderr}"
    for (code, expected), printed in zip(cells, done.stdout.split(_MARK), strict=False):
        if expected:
            assert matches(expected.strip(), printed.strip()), (
                f"{page.name}:\n{code}\nprinted:\n{printed}\nexpected:\n{expected}"
            )


def test_every_link_inside_the_documentation_leads_somewhere():
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} → {target}")
    assert broken == []


def test_the_pages_hold_examples_at_all():
    assert [page.name for page in PAGES_WITH_EXAMPLES]
