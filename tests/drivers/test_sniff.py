"""dodac sniff: what two others say on a line is understood, and becomes a test of a profile."""

from __future__ import annotations

import io
import json
import os
import random
import struct
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dodac.errors import ConfigError, DataError, Exit
from drivers.catalogue import load_profile, parse_profile
from drivers.golden import check
from drivers.profile import LineProfile, ModbusProfile
from drivers.protocols import modbus
from drivers.protocols.mbus_frame import ACK, long_frame, req_ud2, snd_nke
from drivers.protocols.modbus_serial import ascii_frame
from drivers.simulator.talker import SimulatedTalker
from drivers.sniff import Heard, ModbusSniffer
from drivers.sniff_cli import run
from drivers.sniff_golden import modbus_block
from drivers.sniff_source import of_file, recorded
from drivers.sniff_text import MbusSniffer, PlainSniffer

PROFILES = Path(__file__).parents[2] / "drivers" / "profiles"


def request(unit: int, function: int, address: int, count: int) -> bytes:
    return modbus.rtu(unit, modbus.read_pdu(function, address, count))


def answer(unit: int, function: int, data: bytes) -> bytes:
    return modbus.rtu(unit, bytes((function, len(data))) + data)


def told(pieces: list[bytes], sniffer: Any = None) -> list[tuple[str, int | None, str]]:
    sniffer = sniffer or ModbusSniffer()
    heard: list[Heard] = []
    for place, piece in enumerate(pieces):
        heard += sniffer.take(piece, place)
    heard += sniffer.idle()
    return [(h.kind, h.unit, h.words) for h in heard]


def sdm630() -> ModbusProfile:
    profile = load_profile("eastron.sdm630")
    assert isinstance(profile, ModbusProfile)
    return profile


TALK = [
    request(1, 4, 0x48, 2),
    answer(1, 4, bytes.fromhex("4640E6B6")),
    request(2, 4, 0, 2),
    answer(2, 4, bytes.fromhex("43668000")),
]


def test_requests_and_answers_are_paired_by_unit() -> None:
    assert told(TALK) == [
        ("request", 1, "read input 72 to 73"),
        ("answer", 1, "4 bytes: 46 40 e6 b6"),
        ("request", 2, "read input 0 to 1"),
        ("answer", 2, "4 bytes: 43 66 80 00"),
    ]


@given(st.integers(1, 9), st.integers(0, 2**32))
@settings(deadline=None, max_examples=60)
def test_frames_are_the_same_however_the_bytes_arrive(size: int, seed: int) -> None:
    chance = random.Random(seed)
    stream = b"".join(TALK * 2)
    pieces, at = [], 0
    while at < len(stream):
        step = chance.randint(1, size)
        pieces.append(stream[at : at + step])
        at += step
    assert told(pieces) == told(TALK * 2)


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=100)
def test_noise_before_and_after_hides_no_frame_and_is_told(noise: bytes) -> None:
    heard = told([noise, *TALK, noise])
    kinds = [kind for kind, _, _ in heard]
    assert kinds.count("answer") >= 2 or b"\x01\x04" in noise or b"\x02\x04" in noise
    assert not noise or "noise" in kinds or kinds.count("request") > 2


def test_a_megabyte_of_noise_is_got_through_in_bounded_memory() -> None:
    sniffer, chance = ModbusSniffer(), random.Random(3)
    start, kept = time.monotonic(), 0
    for _ in range(256):
        for heard in sniffer.take(chance.randbytes(4096), 0):
            kept = max(kept, len(heard.data))
    assert time.monotonic() - start < 10
    assert kept < 10_000
    assert told([], sniffer)[-1][0] == "noise"


def test_an_answer_with_the_length_of_a_request_is_still_an_answer() -> None:
    """17 to 24 coils: 8 bytes, as a request has."""
    heard = told([request(5, 1, 0x0300, 20), answer(5, 1, b"\x00\x00\x14")])
    assert [kind for kind, _, _ in heard] == ["request", "answer"]


def test_a_unit_that_stays_silent_or_refuses_is_told() -> None:
    heard = told([request(9, 3, 0, 1), request(1, 3, 0, 1), modbus.rtu(1, b"\x83\x02")])
    assert [kind for kind, _, _ in heard] == ["request", "unanswered", "request", "refusal"]
    assert heard[1][1] == 9
    assert "illegal data address" in heard[3][2]


def test_another_master_that_writes_is_named() -> None:
    frame = modbus.rtu(4, bytes.fromhex("060010 0001".replace(" ", "")))
    assert told([frame, frame]) == [
        ("request", 4, "another master writes one register from 16"),
        ("answer", 4, "done"),
    ]


def test_an_answer_without_its_request_is_shown_as_that() -> None:
    assert "to a request not heard" in told([TALK[1]])[0][2]


def ascii_talk(pieces: list[bytes]) -> list[bytes]:
    return [ascii_frame(piece[0], piece[1:-2]) for piece in pieces]


def test_ascii_frames_are_paired_and_decoded_like_rtu() -> None:
    """A line that speaks Modbus ASCII was 'bytes that make no frame' until the review."""
    assert told(ascii_talk(TALK)) == told(TALK)
    sniffer = ModbusSniffer(sdm630())
    heard = [h for piece in ascii_talk(TALK) for h in sniffer.take(piece, 0)]
    assert heard[3].values == {"voltage_l1_v": 230.5}
    assert (heard[3].request, heard[3].data) == (TALK[2], TALK[3])


@given(st.binary(max_size=40), st.integers(1, 30))
@settings(deadline=None, max_examples=60)
def test_ascii_frames_are_found_among_noise_however_they_come(noise: bytes, size: int) -> None:
    stream = noise.replace(b":", b"") + b"".join(ascii_talk(TALK)) + noise
    pieces = [stream[n : n + size] for n in range(0, len(stream), size)]
    assert [h for h in told(pieces) if h[0] in ("request", "answer")][:4] == told(TALK)


def test_a_damaged_frame_is_told_as_what_it_was_like() -> None:
    damaged = bytes((*TALK[1][:4], TALK[1][4] ^ 1, *TALK[1][5:]))
    heard = told([TALK[0], damaged, *TALK[2:]])
    assert [kind for kind, _, _ in heard] == ["request", "noise", "unanswered", "request", "answer"]
    assert "unit 1, function 4, damaged" in heard[1][2]
    colon = ascii_talk(TALK)[1].replace(b"46", b"47")
    assert "ASCII frame, damaged" in told([colon])[0][2]


def test_a_capture_that_begins_in_the_middle_gives_the_frames_that_are_whole() -> None:
    heard = told([b"".join(TALK)[5:]])
    assert [kind for kind, _, _ in heard] == ["noise", "answer", "request", "answer"]
    assert "to a request not heard" in heard[1][2]


def test_an_echo_is_no_second_request() -> None:
    sniffer = ModbusSniffer()
    heard = [
        h for n, piece in enumerate([TALK[0], TALK[0], TALK[1]]) for h in sniffer.take(piece, 1 + n * MS)
    ]
    assert [h.kind for h in heard] == ["request", "request", "answer"]
    assert "echo" in heard[1].words
    assert heard[2].request == TALK[0]


MS = 1_000_000


def at(sniffer: ModbusSniffer, talk: list[tuple[int, bytes]]) -> list[Heard]:
    """Heard at so many milliseconds."""
    return [h for ms, piece in talk for h in sniffer.take(piece, 1 + ms * MS)]


def test_two_masters_between_each_other_lose_no_answer() -> None:
    """Two masters on one line: the answer to the first request comes after the second one's request."""
    heard = at(ModbusSniffer(), [(0, TALK[0]), (5, TALK[2]), (30, TALK[1]), (60, TALK[3])])
    assert [h.kind for h in heard] == ["request", "unanswered", "request", "answer", "answer"]
    assert [h.request for h in heard if h.kind == "answer"] == [TALK[0], TALK[2]]
    assert "late" in heard[3].words


def test_an_answer_that_may_be_an_older_requests_gives_no_value() -> None:
    """A meter slower than its master's patience: every answer would have stood beside the next register."""
    asked = [request(1, 4, place, 2) for place in (0, 2, 4, 6)]
    came = [answer(1, 4, struct.pack(">f", volts)) for volts in (230.0, 231.0, 232.0)]
    talk = [
        (0, asked[0]),
        (200, asked[1]),
        (210, came[0]),
        (220, asked[2]),
        (410, came[1]),
        (420, asked[3]),
        (610, came[2]),
    ]
    heard = at(ModbusSniffer(sdm630()), talk)
    answers = [h for h in heard if h.kind == "answer"]
    assert len(answers) == 3
    assert all("can't be told" in h.words and not h.values and not h.request for h in answers)


def test_after_a_lost_answer_the_next_ones_count_again() -> None:
    asked = [request(1, 4, place, 2) for place in (0, 2, 4)]
    volts = answer(1, 4, struct.pack(">f", 231.0))
    heard = at(
        ModbusSniffer(sdm630()),
        [
            (0, asked[0]),
            (1000, asked[1]),
            (1030, volts),
            (2000, asked[2]),
            (2030, volts),
            (3000, asked[1]),
            (3030, volts),
        ],
    )
    assert [dict(h.values) for h in heard if h.kind == "answer"] == [
        {}, {"voltage_l3_v": 231.0}, {"voltage_l2_v": 231.0},
    ]  # fmt: skip


def test_a_profile_gives_the_values_of_its_channels() -> None:
    sniffer = ModbusSniffer(sdm630())
    heard = [h for piece in TALK for h in sniffer.take(piece, 0)]
    assert heard[1].values == {"energy_import_kwh": pytest.approx(12345.678, rel=1e-6)}
    assert heard[3].values == {"voltage_l1_v": 230.5}


def test_mbus_frames_are_told_with_their_records() -> None:
    header = bytes.fromhex("78563412770414070100" + "0000")
    telegram = long_frame(0x08, 5, 0x72, header + bytes.fromhex("0413E8030000"))
    pieces = [snd_nke(5), ACK, req_ud2(5, True), telegram[:7], telegram[7:], b"\x55\x55"]
    profile = load_profile("generic.mbus-water")
    heard: list[Heard] = []
    sniffer = MbusSniffer(profile)  # type: ignore[arg-type]
    for piece in pieces:
        heard += sniffer.take(piece, 0)
    heard += sniffer.idle()
    assert [h.kind for h in heard] == ["request", "answer", "request", "answer", "noise"]
    assert "12345678" in heard[3].words
    assert heard[3].values == {"volume_m3": 1.0}


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=200)
def test_no_bytes_end_a_sniffer(data: bytes) -> None:
    for sniffer in (ModbusSniffer(sdm630()), MbusSniffer(), PlainSniffer()):
        told([data[:50], data[50:]], sniffer)


# ---- recordings and the command


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def recording(tmp_path: Path, pieces: list[bytes]) -> Path:
    path = tmp_path / "line.hex"
    lines = [recorded(piece, 1_795_000_000_000_000_000 + n * 50_000_000) for n, piece in enumerate(pieces)]
    path.write_text("# boiler house\n" + "".join(lines))
    return path


def test_a_recording_is_read_as_it_was_heard(tmp_path: Path) -> None:
    pieces = list(of_file(recording(tmp_path, TALK)))
    assert [data for data, _ in pieces] == TALK
    assert pieces[1][1] - pieces[0][1] == 50_000_000


def test_a_recording_with_a_mistake_says_in_which_line(tmp_path: Path) -> None:
    path = tmp_path / "line.hex"
    path.write_text("01 04 00 00\nzz\n")
    with pytest.raises(DataError, match="neither a time nor") as told_of:
        list(of_file(path))
    assert told_of.value.where.line == 2


def test_sniff_of_a_recording_shows_frames_and_gives_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recording(tmp_path, TALK)
    assert run([str(path), "--profile", "eastron.sdm630"]) == Exit.OK
    text = capsys.readouterr().out
    assert "unit   1  → read input 72 to 73" in text
    assert "energy_import_kwh 12345.68 kWh" in text
    assert run([str(path), "--json", "--unit", "2"]) == Exit.OK
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["kind"], row["unit"]) for row in rows] == [("request", 2), ("answer", 2)]
    assert rows[1]["request"] == TALK[2].hex(" ")


@pytest.mark.parametrize("id", ["eastron.sdm630", "schneider.iem3000", "fuji.zpa", "tuf-2000m"])
def test_golden_writes_a_test_that_the_profile_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], id: str
) -> None:
    profile = load_profile(id)
    assert isinstance(profile, ModbusProfile)
    pieces = [bytes.fromhex(part) for f in profile.tests[0].frames for part in (f.request, f.answer)]
    assert run([str(recording(tmp_path, [b"\x00\xff", *pieces, *TALK[:1]])), "--golden", id]) == Exit.OK
    block = capsys.readouterr().out
    source = next(PROFILES.glob(f"*/{id}.yaml"))
    text = source.read_text(encoding="utf-8")
    again = parse_profile(text[: text.index("\ntests:") + 1] + block, source)
    assert check(again) == []
    assert set(profile.tests[0].expect) <= set(yaml.safe_load(block)["tests"][0]["expect"])


def test_golden_frames_and_values_are_of_one_moment() -> None:
    """A value that changed between a long and a short answer: the test expects that of the frame it keeps."""
    pairs = [
        (request(1, 4, 0, 4), answer(1, 4, struct.pack(">ff", 230.0, 231.0))),
        (request(1, 4, 0, 2), answer(1, 4, struct.pack(">f", 235.0))),
    ]
    block, _ = modbus_block(sdm630(), pairs)
    test = yaml.safe_load(block)["tests"][0]
    assert len(test["frames"]) == 1
    assert test["expect"] == {"voltage_l1_v": 230.0, "voltage_l2_v": 231.0}


def test_golden_works_for_mbus_lines_and_telegrams(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (
        "generic.mbus-water",
        "teledyne.3000t",
        "servomex.4100-ascii",
        "generic.dsmr-p1",
        "generic.sml-push",
    ):
        profile: Any = load_profile(name)
        test = next(t for t in profile.tests if t.expect)
        if profile.protocol == "mbus":
            pieces = [bytes.fromhex(t) for t in test.telegrams]
        elif profile.protocol == "line":
            end = (profile.line.terminator or "\r\n").encode()
            pieces = [end, test.line.encode("latin-1") + end]
        else:
            pieces = [test.data(), b"\r\n"]
        assert run([str(recording(tmp_path, pieces)), "--golden", name]) == Exit.OK, name
        block = capsys.readouterr().out
        source = next(PROFILES.glob(f"*/{name}.yaml"))
        text = source.read_text(encoding="utf-8")
        assert check(parse_profile(text[: text.index("\ntests:") + 1] + block, source)) == [], name


def test_golden_of_a_line_that_holds_nothing_of_the_profile_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([str(recording(tmp_path, TALK[2:])), "--golden", "tuf-2000m"]) == Exit.FINDING
    out, err = capsys.readouterr()
    assert out == ""
    assert "no answer holds a channel of tuf-2000m" in err


def test_what_makes_no_frame_hints_at_speed_and_parity(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([str(recording(tmp_path, [bytes(range(60, 200))]))]) == Exit.FINDING
    assert "another speed, parity or protocol" in capsys.readouterr().err


def test_text_that_makes_no_frame_hints_at_an_instrument_that_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At the right speed, of all things, it asked for another one."""
    assert run([str(recording(tmp_path, [b"ST, 0.00 PPM, RA-LO 0-100 PPM\r\n"]))]) == Exit.FINDING
    assert "Add --protocol line" in capsys.readouterr().err


def test_sniff_reads_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fake = io.TextIOWrapper(io.BytesIO("\n".join(piece.hex() for piece in TALK).encode()))
    monkeypatch.setattr("sys.stdin", fake)
    assert run(["-"]) == Exit.OK
    assert capsys.readouterr().out.count("←") == 2


def test_a_capture_longer_than_the_memory_is_read_piece_by_piece(tmp_path: Path) -> None:
    """What is piped in is shown as it comes, and a gigabyte is not held at once."""
    reads: list[int] = []

    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            line = b"01 04 00 48 00 02 F0 1D\n"
            reads.append(len(line))
            buffer[: len(line)] = line
            return len(line)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(Endless())))
        pieces = of_file(None)
        assert [next(pieces)[0] for _ in range(3)] == [
            bytes.fromhex("0104004800 02F01D".replace(" ", ""))
        ] * 3
    assert len(reads) < 10


def test_a_recording_that_turns_binary_says_in_which_line(tmp_path: Path) -> None:
    path = tmp_path / "line.hex"
    comment = "\ufeff# đường truyền lò hơi\n"  # a comment in any language is none of the bytes
    path.write_bytes(comment.encode() + b"01 04 00 00\n" + bytes(range(128, 200)) + b"\n")
    pieces = of_file(path)
    assert next(pieces) == (bytes.fromhex("01040000"), 0)
    with pytest.raises(DataError) as told_of:
        next(pieces)
    assert told_of.value.where.line == 3


@pytest.fixture
def two_parties() -> Iterator[str]:
    """A pty on which a master and its meters talk; gives the port of the one who listens."""
    master, slave = os.openpty()
    tty.setraw(slave)
    ended = threading.Event()

    def talk() -> None:
        while not ended.wait(0.02):
            for frame in TALK:
                os.write(master, frame[:3])
                time.sleep(0.002)
                os.write(master, frame[3:])
                time.sleep(0.004)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    yield os.ttyname(slave)
    ended.set()
    thread.join()
    # whoever only listens has sent nothing
    os.set_blocking(master, False)
    with pytest.raises(BlockingIOError):
        os.read(master, 100)
    os.close(master)
    os.close(slave)


def test_sniff_listens_to_two_others_and_sends_nothing(
    two_parties: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = [two_parties, "--baud", "9600", "--seconds", "0.4", "--profile", "eastron.sdm630"]
    assert run([*words, "--record", str(tmp_path / "heard.hex"), "--json"]) == Exit.OK
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["unit"] for row in rows if row["kind"] == "answer"} == {1, 2}
    assert any(row["values"].get("voltage_l1_v") == 230.5 for row in rows)
    assert all(row["time"] for row in rows)
    assert run([str(tmp_path / "heard.hex")]) == Exit.OK


def test_an_instrument_joined_in_the_middle_of_a_line_is_no_mistake_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    profile = load_profile("teledyne.3000t")
    assert isinstance(profile, LineProfile)
    with SimulatedTalker(profile, every_s=0.05, baud=9600) as talker:
        time.sleep(0.02)
        assert run([talker.path, "--seconds", "0.5", "--profile", profile.id, "--json"]) == Exit.OK
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows
    assert {row["kind"] for row in rows} == {"message"}
    assert all("o2_pct" in row["values"] for row in rows)


def test_a_port_that_is_away_or_a_wrong_word_is_told(tmp_path: Path) -> None:
    from dodac.errors import InstrumentError

    with pytest.raises(InstrumentError, match="no such port"):
        run(["/dev/ttyUSB77"])
    for words in (
        ["/dev/ttyUSB77", "--golden", "tasmota.energy"],
        ["/dev/ttyUSB77", "--profile", "nothing.here"],
        ["/dev/ttyUSB77", "--baud", "9600,19200"],
        ["/dev/ttyUSB77", "--profile", "eastron.sdm630", "--protocol", "mbus"],
        ["mqtt://127.0.0.1"],
        [str(tmp_path / "x"), "--record", str(tmp_path / "no" / "folder")],
    ):
        with pytest.raises(ConfigError):
            run(words)
