"""A real building's files, imported and analysed with the commands, give the peer's published figures."""

import json
from pathlib import Path

import pytest

from dodac.cli import main

NMECR = Path(__file__).parents[3] / "shared" / "data" / "mv" / "nmecr"


@pytest.mark.skipif(not NMECR.is_dir(), reason=f"the building's files are not here: {NMECR}")
def test_the_saving_of_a_real_building_is_the_published_one(tmp_path, capsys):
    # nmecr (kW-Labs): daily TOWT R² 0.896473, avoided energy 408 141.594 kWh; rows are END-stamped
    journal = str(tmp_path / "building.db")
    common = ["--time", "time", "--stamp", "end", "--interval", "1d", "--timezone", "UTC"]
    for file, instrument, measurement, column in (
        ("eload.csv", "building", "electricity", "eload=energy_interval_kwh"),
        ("temp.csv", "weather", "ambient", "temp=temperature_c:degF"),
    ):
        words = ["--instrument", instrument, "--measurement", measurement, "--column", column]
        assert main(["import", str(NMECR / file), "--journal", journal, *words, *common]) == 0
    capsys.readouterr()
    words = [
        "analyse", "--journal", journal, "--energy", "building:energy_interval_kwh",
        "--temperature", "weather:temperature_c", "--baseline", "2012-02-29..2013-02-26",
        "--reporting", "2014-02-27..2015-02-26", "--model", "towt-daily", "--json",
    ]  # fmt: skip
    assert main(words) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["baseline"]["r2"] == pytest.approx(0.896473, abs=1e-5)
    assert (data["baseline"]["n"], data["baseline"]["p"]) == (364, 19)
    assert data["saving"]["saving"] == pytest.approx(408_141.594, rel=1e-4)
    assert data["saving"]["intervals"] == 365
    assert data["saving"]["fraction"] == pytest.approx(0.07407, abs=1e-4)
