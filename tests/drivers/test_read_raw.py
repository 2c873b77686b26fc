"""What `dodac read` shows beside a value is what the instrument sent; a live reading becomes a test of its profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dodac.cli import main
from dodac.clock import ManualClock, SystemClock
from dodac.errors import Exit
from dodac.samples import Layout, Sample
from drivers import load_profile, load_profiles
from drivers._simulate import Options, simulation
from drivers.bus import Reader
from drivers.catalogue import parse_profile
from drivers.connection_open import read_with
from drivers.golden import check
from drivers.profile import Iec62056Profile, ModbusProfile, Profile, UsbViewProfile
from drivers.protocols import modbus
from drivers.protocols.mbus_frame import long_frame, parse_long
from drivers.protocols.modbus_reader import ModbusReader
from drivers.protocols.planner import Block
from drivers.protocols.testo_usb import UsbViewReader
from drivers.read_raw import golden_block, raw_by_channel, transactions
from drivers.sniff import image_of

PROFILES = Path(__file__).parents[2] / "drivers" / "profiles"
MODBUS = sorted(p.id for p in load_profiles().values() if isinstance(p, ModbusProfile))
OTHERS = {
    "generic.mbus-water": ("volume_m3", "32 54 76 98"),
    "generic.mbus-heat": ("energy_kwh", ""),
    "generic.iec62056-electricity": ("energy_import_kwh", "1.8.0("),
    "generic.dsmr-p1": ("power_w", "1-0:1.7.0("),
    "generic.dsmr-p1-gas": ("volume_m3", "0-1:24.2.1("),
    "generic.sml-push": ("energy_import_kwh", "1.8.0("),
    "lumasense.1314i": ("", ""),
    "servomex.4100-ascii": ("o2_pct", ""),
    "teledyne.3000t": ("o2_pct", ""),
    "testo.300-http": ("o2_pct", "6,2 %"),
}


def site(folder: Path, tables: str) -> Path:
    path = folder / "site.toml"
    path.write_text(f'[site]\nid = "s"\ncompany = "c"\n{tables}', encoding="utf-8")
    return path


def served(profile: Profile, folder: Path, framing: str = "rtu") -> tuple[Sample, Reader]:
    baud = 9600 if isinstance(profile, Iec62056Profile) and profile.link.mode == "readout" else 115_200
    options = Options(baud=baud, latency_s=0.0, every_s=0.05, framing=framing, over="pty")
    made = simulation(profile, options, lambda: 10.0)
    made.served.start()
    try:
        from dodac.site import load_site

        sample, reader, _ = read_with(load_site(site(folder, made.site())), "my-meter", SystemClock())
    finally:
        made.served.stop()
    return sample, reader


def with_block(id: str, block: str) -> Profile:
    """The profile with this block in place of its own tests."""
    source = next(PROFILES.glob(f"*/{id}.yaml"))
    text = source.read_text(encoding="utf-8")
    return parse_profile(text[: text.index("\ntests:") + 1] + block, source)


def good(sample: Sample, layout: Layout) -> set[str]:
    return {name for name, value in zip(layout.channels, sample.values, strict=True) if value == value}


@pytest.mark.parametrize("id", MODBUS[::4] + list(OTHERS))
def test_every_good_value_is_shown_with_what_it_was_made_from(id: str, tmp_path: Path) -> None:
    profile = load_profile(id)
    sample, reader = served(profile, tmp_path)
    raw = raw_by_channel(profile, reader, sample)
    assert good(sample, reader.layout) <= set(raw)
    name, text = OTHERS.get(id, ("", ""))
    if text:
        assert text in raw[name]
    # the same reading is a test that the profile passes
    block, words = golden_block(profile, reader, sample)
    again = with_block(id, block)
    assert check(again) == []
    assert set(again.tests[0].expect) == good(sample, reader.layout)
    assert "channel" in words


def test_a_test_from_ascii_frames_is_written_in_the_frames_of_profiles(tmp_path: Path) -> None:
    profile = load_profile("eastron.sdm120")
    sample, reader = served(profile, tmp_path, "ascii")
    block, _ = golden_block(profile, reader, sample)
    assert check(with_block(profile.id, block)) == []


def test_a_test_from_an_analyser_on_usb_holds_status_and_view() -> None:
    profile = load_profile("testo.350-usb")
    assert isinstance(profile, UsbViewProfile)
    own = next(test for test in profile.tests if test.expect)
    reader = UsbViewReader("stack", profile)
    reader.status = bytes.fromhex(own.status)
    sample = reader.layout.sample(1, dict(own.expect), raw=bytes.fromhex(own.view))
    raw = raw_by_channel(profile, reader, sample)
    assert set(own.expect) <= set(raw)
    assert raw["o2_pct"].endswith("6.25")
    block, _ = golden_block(profile, reader, sample)
    test = yaml.safe_load(block)["tests"][0]
    assert (test["status"], test["view"]) == (own.status, own.view)
    assert test["expect"] == own.expect


def test_a_test_of_a_meter_with_several_telegrams_holds_each_whole() -> None:
    first = bytes.fromhex(load_profile("generic.mbus-water").tests[0].telegrams[0])  # type: ignore[union-attr]
    more = parse_long(first)
    telegrams = [
        long_frame(more.control, more.address, more.ci, more.data + b"\x1f"),  # more records follow
        long_frame(more.control, more.address, more.ci, more.data[:12] + bytes.fromhex("025BE803")),
    ]
    profile = load_profile("generic.mbus-water")
    sample = Layout("m", tuple(profile.channels)).sample(1, {"volume_m3": 1.0}, raw=b"".join(telegrams))
    block, _ = golden_block(profile, as_reader(sample, profile), sample)
    assert yaml.safe_load(block)["tests"][0]["telegrams"] == [t.hex(" ").upper() for t in telegrams]


def test_of_several_lines_the_last_reading_counts() -> None:
    """An instrument that was asked answers with lines out of its memory first."""
    profile = load_profile("servomex.4100-ascii")
    lines = [test.line for test in profile.tests if test.expect][:2]  # type: ignore[union-attr]
    layout = Layout("o2", tuple(profile.channels))
    sample = layout.sample(1, {"o2_pct": 6.421}, raw="\r\n".join([*lines, "torn", ""]).encode())
    assert raw_by_channel(profile, as_reader(sample, profile), sample)["o2_pct"].startswith("6.421")
    block, _ = golden_block(profile, as_reader(sample, profile), sample)
    assert yaml.safe_load(block)["tests"][0]["expect"]["o2_pct"] == 6.421


def test_coils_stand_in_a_test_as_they_came() -> None:
    profile = load_profile("servomex.4100")
    assert isinstance(profile, ModbusProfile)
    reader = ModbusReader("m", profile, 3, ManualClock())
    states = [n % 3 == 0 or n == 18 for n in range(19)]
    reader.blocks = [Block("coil", 40, 19)]
    reader.image = {("coil", 40 + n): int(state) for n, state in enumerate(states)}
    ((request, answer),) = transactions(reader)
    assert modbus.rtu_whole(request)
    assert modbus.rtu_whole(answer)
    assert image_of([(request, answer)]) == reader.image


def as_reader(sample: Sample, profile: Profile) -> Any:
    """What the functions need of a reader that is no Modbus one."""

    class Read:
        layout = Layout(sample.instrument, tuple(profile.channels))

    return Read()


def test_what_can_not_be_read_has_flags_and_no_raw_text() -> None:
    profile = load_profile("servomex.4100-ascii")
    layout = Layout("o2", tuple(profile.channels))

    sample = layout.sample(1, {}, raw=b"garbage")
    reader = as_reader(sample, profile)
    assert raw_by_channel(profile, reader, sample) == {}
    block, words = golden_block(profile, reader, sample)
    assert block == ""
    assert "no line was heard" in words


# ---- the command


@pytest.fixture(scope="module")
def water(tmp_path_factory: pytest.TempPathFactory):
    made = simulation(load_profile("tuf-2000m"), Options(baud=115_200, latency_s=0.0, unit=9), lambda: 10.0)
    made.served.start()
    yield str(site(tmp_path_factory.mktemp("site"), made.site()))
    made.served.stop()


def test_one_channel_is_read_when_one_is_named(water: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "my-meter", "volume_m3", "--site", water]) == Exit.OK
    out = capsys.readouterr().out
    assert "volume_m3  10000" in out
    assert "27 10 00 00" in out
    assert "flow_m3h" not in out


def test_only_the_instrument_has_to_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["read"])
    assert "required: instrument\n" in capsys.readouterr().err


def test_a_channel_that_is_none_is_told_before_anything_is_asked(
    water: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["read", "my-meter", "volume_m", "--site", water]) == Exit.USAGE
    assert 'Did you mean "volume_m3"?' in capsys.readouterr().err


def test_a_live_reading_is_written_as_a_test_of_the_profile(
    water: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["read", "my-meter", "--golden", "--site", water]) == Exit.OK
    out, err = capsys.readouterr()
    assert check(with_block("tuf-2000m", out)) == []
    assert "Compare the values with the display" in err
    assert main(["read", "my-meter", "--golden", "--json", "--site", water]) == Exit.USAGE


@pytest.mark.parametrize(
    ("tables", "says", "todo"),
    [
        ('[[instruments]]\nid = "m"\nmeasurement = "water"\n', "come from files", "dodac import FILE"),
        (
            ('[connections.hand]\nkind = "manual"\n[[instruments]]\nid = "m"\n'
             'profile = "manual.water-meter"\nconnection = "hand"\n'),
            "read by a person", "dodac enter m",
        ),
        (
            ('[connections.b]\nkind = "mqtt"\nurl = "mqtt://127.0.0.1:1"\n[[instruments]]\nid = "m"\n'
             'profile = "shelly.plus-plug"\naddress = "plug"\nconnection = "b"\n'),
            "brings readings by itself", "dodac scan b",
        ),
    ],
)  # fmt: skip
def test_what_can_not_be_asked_says_what_to_do_instead(
    tables: str, says: str, todo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["read", "m", "--site", str(site(tmp_path, tables))]) == Exit.USAGE
    err = capsys.readouterr().err
    assert says in err
    assert todo in err
