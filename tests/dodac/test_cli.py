"""The command table: quick help, one message for a mistake, the right exit code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dodac.cli import COMMANDS, load, main


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dodac", *words], capture_output=True, text=True, timeout=60, check=False
    )


def test_help_lists_every_command_and_the_next_step():
    done = run("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert f"  {command.name} " in done.stdout
    assert "dodac demo" in done.stdout
    assert done.stderr == ""


def test_help_stays_instant_because_it_imports_only_its_own_words():
    code = (
        "import sys; from dodac.cli import main; main(['--help']);"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in "
        "{'dodac','drivers','store','collector','analysis','audit','reports','dashboards','api',"
        "'numpy','pandas','pydantic','fastapi','paho','serial','influxdb_client','yaml','jinja2','argparse'}),"
        " file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr.strip() == "['dodac', 'dodac.cli', 'dodac.errors']"


def test_a_misspelt_command_names_the_nearest_and_exits_with_2(capsys):
    assert main(["analize"]) == 2
    assert "dodac analyse" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_each_command_loads_and_explains_itself(command, capsys):
    function = load(command)
    with pytest.raises(SystemExit) as caught:
        function(["--help"])
    assert caught.value.code == 0
    assert command.name in capsys.readouterr().out


def test_a_fault_is_one_message_without_a_traceback():
    done = run("run", "--site", "/nowhere/site.toml")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "/nowhere/site.toml" in done.stderr


def test_version_is_told():
    assert run("--version").stdout.startswith("dodac ")


@pytest.mark.parametrize("words", [["profiles"], ["import", "--help"], ["profiles", "--json"]])
def test_a_reader_that_leaves_early_hears_no_complaint(words):
    done = subprocess.Popen(
        [sys.executable, "-m", "dodac", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert done.stdout is not None
    done.stdout.close()
    assert done.communicate(timeout=60)[1] == b""
    assert done.returncode == 0


def test_no_descriptors_left_is_one_message_and_no_traceback():
    # putting the output away took a descriptor too, and failed in its turn
    code = (
        "import os, resource, sys; import dodac.cli as cli\n"
        "def command(argv):\n"
        "    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n"
        "    os.open('/', os.O_RDONLY)\n"
        "cli.load = lambda command_: command\n"
        "sys.exit(cli.main(['status']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (4, "dodac status: /: Too many open files.\n")


def test_a_full_disk_under_the_output_is_told_once():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "dodac", "profiles"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 4
    assert done.stderr == "dodac profiles: No space left on device.\n"


SUBCOMMANDS = {
    "audit": ["list", "show", "add-option", "add-plan", "freeze", "verify"],
    "dashboards": ["build", "push", "publish"],
    "test": ["steady", "compare"],
    "store": ["status", "compact", "backup", "restore", "check", "upgrade", "downgrade"],
}
HELPS = [
    (command.name, *more)
    for command in COMMANDS
    for more in [(), *((s,) for s in SUBCOMMANDS.get(command.name, ()))]
]


@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_every_command_says_what_it_does_and_shows_an_example(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.search(rf"Examples?: dodac {' '.join(words)}\b", " ".join(" ".join(lines).split()))
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        # an argument's words stand on its line after two blanks, or on the next line, far to the right
        if re.match(r"  -", line) and "  " not in line.strip():
            assert following.startswith(" " * 10), line


def test_a_terminal_of_another_character_set_shows_what_it_can(tmp_path):
    """The arrow of dodac sniff ended in a traceback where the locale knows ASCII only."""
    (tmp_path / "line.hex").write_text("01 04 00 00 00 02 71 CB\n")
    done = subprocess.run(
        [sys.executable, "-m", "dodac", "sniff", str(tmp_path / "line.hex")],
        capture_output=True, timeout=60, check=False,
        env={"PATH": "/usr/bin", "LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    )  # fmt: skip
    assert done.returncode == 0
    assert b"unit   1  ? read input 0 to 1" in done.stdout
