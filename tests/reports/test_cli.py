"""`dodac report` writes the newest saving, or says why it can't."""

import re
import sqlite3
from pathlib import Path

import pytest

from audit import VerifiedSaving
from dodac.cli import main
from dodac.errors import Exit
from dodac.site import Site

RealSite = tuple[Site, VerifiedSaving]


def test_the_newest_saving_is_written_and_its_path_printed(
    real_site: RealSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site, verified = real_site
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--site", str(site.path)]) == Exit.OK
    out = capsys.readouterr().out
    assert out == f"report-{verified.id}-vi.html\n"
    assert "Báo cáo kiểm chứng mức tiết kiệm" in (tmp_path / out.strip()).read_text(encoding="utf-8")


def test_language_and_file_are_those_asked_for(
    real_site: RealSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site, verified = real_site
    target = tmp_path / "out.html"
    words = ["report", "--site", str(site.path), verified.id, "--language", "en", "--output", str(target)]
    assert main(words) == Exit.OK
    assert "Savings verification report" in target.read_text(encoding="utf-8")
    assert capsys.readouterr().out.strip() == str(target)


def test_a_wrong_id_names_the_nearest(real_site: RealSite, capsys: pytest.CaptureFixture[str]) -> None:
    site, verified = real_site
    assert main(["report", "--site", str(site.path), "vsd-plan-s9"]) == Exit.FINDING
    assert f'Did you mean "{verified.id}"' in capsys.readouterr().err


def test_without_a_verified_saving_the_next_step_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "site.toml").write_text('[site]\nid = "a"\ncompany = "b"\n', encoding="utf-8")
    assert main(["report", "--site", str(tmp_path)]) == Exit.FINDING
    assert "dodac audit verify" in capsys.readouterr().err


def test_a_folder_that_can_not_be_written_is_one_message(
    real_site: RealSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "missing" / "out.html"
    assert main(["report", "--site", str(real_site[0].path), "--output", str(target)]) == Exit.STORAGE
    assert "can't be written" in capsys.readouterr().err


def test_a_changed_reading_stops_the_report(
    real_site: RealSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site, _ = real_site
    copy = tmp_path / "copy"
    (copy / "data").mkdir(parents=True)
    (copy / "site.toml").write_bytes(site.path.read_bytes())
    with (
        sqlite3.connect(site.journal_path) as source,
        sqlite3.connect(copy / "data" / "journal.db") as target,
    ):
        source.backup(target)
        target.execute("DELETE FROM samples WHERE seq = 300")
    target.close()
    source.close()
    (copy / "data" / "register.db").write_bytes(site.register_path.read_bytes())
    assert main(["report", "--site", str(copy)]) == Exit.INTEGRITY
    assert "are not those" in capsys.readouterr().err


def test_the_commands_printed_to_check_again_do_so(
    real_site: RealSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site, verified = real_site
    target = tmp_path / "out.html"
    assert main(["report", "--site", str(site.path), "--output", str(target)]) == Exit.OK
    commands = re.findall(r"<pre>dodac ([^<]+)</pre>", target.read_text(encoding="utf-8"))
    assert len(commands) == 3
    monkeypatch.chdir(tmp_path)
    for command in commands:
        capsys.readouterr()
        words = command.replace("site.toml", str(site.path)).split()
        assert main(words) == Exit.OK, command
        assert verified.id in capsys.readouterr().out
