"""Profiles: every one carries tests that pass, and every mistake is told with its line."""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path

import pytest

from dodac.errors import ConfigError
from drivers import load_profile, load_profiles
from drivers._profile_modbus import Identify
from drivers.catalogue import parse_profile, profile_files
from drivers.golden import check
from drivers.profile import ModbusProfile, as_json_schema
from drivers.protocols.modbus_map import ModbusMap
from drivers.simulator import SimulatedUnit

GOOD = """id: good
maker: nobody
models: [one]
kind: water
evidence: {map: [a test]}
protocol: modbus
channels:
  flow_m3h: {table: input, address: 0, type: f32}
tests:
  - frames: [{request: "01 04 00 00 00 02 71 CB", answer: "01 04 04 41 A3 08 31 D9 8E"}]
    expect: {flow_m3h: 20.379}
"""


def parsed(text: str) -> object:
    return parse_profile(text, Path("good.yaml"))


@pytest.mark.parametrize("id", sorted(load_profiles()))
def test_each_profiles_golden_frames_give_their_values(id: str) -> None:
    profile = load_profile(id)
    assert check(profile) == []
    assert profile.evidence.map
    assert profile.caveats
    assert "not tried" in profile.evidence.hardware  # until somebody read the real device and says so


def _ids(profile: ModbusProfile) -> dict[tuple[str, int, str, str], Identify]:
    return {(item.table or "holding", item.address, item.type, item.order): item for item in profile.identify}


def _exclude(a: Identify, b: Identify) -> bool:
    if a.values and b.values:
        return not set(a.values) & set(b.values)
    if a.range and b.range:
        return a.range[1] < b.range[0] or b.range[1] < a.range[0]
    exact, wide = (a, b) if a.values else (b, a)
    return wide.range is None or not any(wide.range[0] <= v <= wide.range[1] for v in exact.values)


def test_no_two_profiles_claim_the_same_identification() -> None:
    """A model found by its number must be one profile, or another register must tell the two apart."""
    known = [p for p in load_profiles().values() if isinstance(p, ModbusProfile)]
    exact = [p for p in known if any(item.values for item in p.identify)]
    assert len(exact) >= 7
    for a, b in combinations(exact, 2):
        first, second = _ids(a), _ids(b)
        shared = first.keys() & second.keys()
        claimed = [k for k in shared if set(first[k].values) & set(second[k].values)]
        if claimed:
            assert any(_exclude(first[k], second[k]) for k in shared), (a.id, b.id, claimed)


def test_both_word_orders_of_a_meter_are_never_right_at_once() -> None:
    plain, swapped = load_profile("selec.mfm383"), load_profile("selec.mfm383-cdab")
    assert isinstance(plain, ModbusProfile)
    assert isinstance(swapped, ModbusProfile)
    assert list(plain.channels) == list(swapped.channels)
    for a, b in ((plain, swapped), (swapped, plain)):
        image = SimulatedUnit(a, lambda: dict.fromkeys(plain.channels, 0.5) | {"frequency_hz": 50.0}).image()
        assert "frequency_hz" in ModbusMap(a).decode(image, a.channels)[0]
        values, flags = ModbusMap(b).decode(image, b.channels)
        assert "frequency_hz" not in values
        assert len(flags) == len(b.channels)


def test_golden_frames_that_differ_are_found() -> None:
    assert check(parsed(GOOD)) == []  # type: ignore[arg-type]
    wrong = parsed(GOOD.replace("expect: {flow_m3h: 20.379}", "expect: {flow_m3h: 20.4}"))
    assert "expected 20.4" in check(wrong)[0]  # type: ignore[arg-type]
    torn = parsed(GOOD.replace("D9 8E", "D9 8F"))
    assert "no whole answer" in check(torn)[0]  # type: ignore[arg-type]
    writing = parsed(GOOD.replace("01 04 00 00 00 02 71 CB", "01 06 00 00 00 02 08 0B"))
    assert "no whole reading request" in check(writing)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("maker: nobody", "makr: nobody", 2, 'unknown key "makr". Did you mean "maker"?'),
        ("flow_m3h: {", "flow_m3: {", 8, 'Did you mean "flow_m3h"?'),
        ("address: 0", "adress: 0", 8, 'Did you mean "address"?'),
        ("address: 0", "address: zero", 8, '"channels.flow_m3h.address"'),
        ("address: 0", "address: 70000", 8, "65535"),
        ("type: f32", "type: f23", 8, 'Did you mean "f32"?'),
        ("type: f32", "type: f32, unit: m3/d", 8, '"m3/d" is not a known unit'),
        ("type: f32", "type: f32, unit: kWh", 8, "they don't convert"),
        ("type: f32", "type: f32, kind: counter", 8, "is a gauge, not a counter"),
        ("type: f32", "type: f32, range: [5, 1]", 8, "low end"),
        ("type: f32", "type: f32, scale: 0", 8, "scale of 0"),
        ("protocol: modbus", "protocol: modbuz", 6, 'Did you mean "modbus"?'),
        ("kind: water", "kind: watr", 4, 'Did you mean "water"?'),
        ("models: [one]\n", "", 1, 'the key "models" is missing'),
        ("id: good", "id: other", 1, "is not the file's name"),
        ("{flow_m3h: 20.379}", "{flow_m3: 20.379}", 11, 'no channel "flow_m3"'),
        ("kind: water", "kind: water\nkind: heat", 5, "given twice"),
        ("kind: water", "kind: [water", 5, "not YAML"),
        ("41 A3", "41 G3", 10, "answer"),
        # what only looks like a date or a number ended in a traceback
        ("maker: nobody", "maker: 2026-13-45", 2, "month must be in 1..12"),
        ("maker: nobody", "maker: !!int zz", 2, "can't be read as it looks"),
        ("maker: nobody", "maker: no\x00body", 2, "control characters"),
        # YAML reads 010 as 8 and 1:30 as 90: another register, and nobody would see it
        ("address: 0", "address: 010", 8, "write 10"),
        ("address: 0", "address: 1:30", 8, "base 60"),
        ("address: 0", "address: 65535", 8, "65535 is the last one"),
        ("type: f32", "type: f32, scale: .inf", 8, "finite number"),
        ("type: f32", "type: f32, range: [.nan, 3]", 8, "finite number"),
        ("type: f32", f"type: f32, resolution: -{'9' * 300}", 8, "… of"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_nearest_word(
    old: str, new: str, line: int, words: str
) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as error:
        parsed(GOOD.replace(old, new))
    assert words in str(error.value)
    assert error.value.where.line == line
    assert error.value.where.file == "good.yaml"


def test_a_profile_without_a_test_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one test"):
        parsed(GOOD[: GOOD.index("tests:")])
    with pytest.raises(ConfigError, match="at least one test"):
        parsed(GOOD[: GOOD.index("tests:")] + "tests: []\n")


@pytest.mark.parametrize("text", ["", "- 1\n", "just words\n"])
def test_a_text_that_is_no_profile_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parsed(text)


def test_the_nearest_profile_is_named() -> None:
    with pytest.raises(ConfigError, match=r'Did you mean "eastron.sdm630"\?'):
        load_profile("eastron.sdm63")


def test_ones_own_profile_stands_beside_the_site_file(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    assert load_profile("good", tmp_path).maker == "nobody"
    assert "good" in load_profiles(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD.replace("nobody", "somebody"), encoding="utf-8")
    os.utime(tmp_path / "good.yaml", ns=(1, 1))
    assert load_profile("good", tmp_path).maker == "somebody"
    with pytest.raises(ConfigError):
        load_profile("good")


def test_a_json_schema_helps_editors() -> None:
    assert "modbus" in str(as_json_schema())


def test_an_own_profile_in_another_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_bytes(b"id: own\nmaker: B\xe9zier\n")
    with pytest.raises(ConfigError, match="UTF-8") as error:
        load_profiles(tmp_path)
    assert error.value.where.line == 2


def test_a_folder_or_a_dead_link_named_like_a_profile(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    assert "folder" not in load_profiles(tmp_path)
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="can't be read"):
        load_profiles(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x, x]\n" + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 20)}]\n" for a, b in
                                      ["ab", "bc", "cd", "de", "ef", "fg", "gh"]),
        "a: " + "[" * 100_000,
        "a: " + "[" * 3_000 + "]" * 3_000,
    ],
    ids=["aliases", "brackets", "nested"],
)  # fmt: skip
def test_a_profile_made_to_exhaust_the_reader_is_one_message(text: str) -> None:
    with pytest.raises(ConfigError, match="not YAML"):
        parsed(text)


@pytest.mark.parametrize(
    ("id", "found", "written", "words"),
    [
        (
            "decentlab.dl-lp8p",
            "field: air_temperature",
            "field: air_temperatur",
            'Did you mean "air_temperature"',
        ),
        ("decentlab.dl-lp8p", "payload:", "payload: [{}]\nignored:", "unknown key"),
        ("shelly.plus-plug", 'time: "2026', 'time: "x2026', "a time is written like"),
    ],
)
def test_a_mistake_in_a_message_profile_is_told_where_it_stands(
    id: str, found: str, written: str, words: str
) -> None:
    path = profile_files()[id]
    text = path.read_text(encoding="utf-8")
    assert found in text
    wrong = text.replace(found, written, 1)
    with pytest.raises(ConfigError) as error:
        parse_profile(wrong, path)
    assert words in str(error.value)
    assert error.value.where is not None
    assert error.value.where.line != 1


def test_a_golden_frame_in_which_the_instrument_refuses_is_told() -> None:
    refusing = GOOD.replace("01 04 04 41 A3 08 31 D9 8E", "01 84 02 C2 C1")
    (words,) = check(parsed(refusing))  # type: ignore[arg-type]
    assert "refuses the request: exception 02" in words


def test_two_own_profiles_of_one_id_are_told_and_not_chosen_between(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "good.yaml").write_text(GOOD, encoding="utf-8")
    for wanted in (lambda: load_profile("good", tmp_path), lambda: load_profiles(tmp_path)):
        with pytest.raises(ConfigError) as error:
            wanted()
        assert str(tmp_path / "a" / "good.yaml") in str(error.value)
        assert str(tmp_path / "b" / "good.yaml") in str(error.value)


def test_an_own_profile_that_ends_in_yml_is_not_overlooked_in_silence(tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"Rename .*good\.yml"):
        load_profile("good", tmp_path)
