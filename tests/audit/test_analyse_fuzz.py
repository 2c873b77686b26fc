"""`dodac analyse --file` on hostile tables: a figure, a refusal or a message; never a traceback, a warning or a NaN."""

import datetime as dt
import json
import math
import random
import re
import warnings

import pytest

from dodac.cli import main

VALUES = (
    "office", "office", "office", "constant", "zero", "negative", "none", "huge", "words", "alternating", "one_big", "counter", "infinite",
)  # fmt: skip
STAMPS = (
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y %H:%M",
    "%Y-%m-%dT%H:%M:%S+07:00",
    "serial",
    "32/13/2024",
)
HEADS = ("use kWh", "Điện năng (kWh)", "Energy [MWh]", "use", "", "A" * 200)
SPOILT = (
    "unsorted", "twice", "conflict", "empty_stamp", "two_zones", "empty_column", "same_header", "merged", "units", "total", "ragged",
    "nul", "cut", "no_header", "late",
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1258")
MODELS = (
    "auto",
    "mean",
    "regression",
    "2p",
    "3p-cooling",
    "towt-daily",
    "towt-daily-smoothed",
    "hdd-cdd",
    "ratio",
)
ODD = (
    ["--interval", "week"], ["--interval", "hour"], ["--interval", "bill"], ["--confidence", "0.99"], ["--confidence", "nan"],
    ["--holidays", "VN"], ["--holidays", "XX"], ["--timezone", "Asia/Beirut"], ["--stamp", "end"], ["--length", "1d"], ["--length", "x"],
    ["--date-format", "dmy"], ["--date-format", "%Q"], ["--events"], ["--validity", "sep"], ["--savings", "backcast"],
    ["--savings", "normalised"], ["--meter-class", "1"], ["--meter-class", "9"], ["--counter"], ["--time", "nope"], ["--decimal", ","],
    ["--reporting", "2024-06-01..2024-07-01"], ["--baseline", "2024-01-01..2024-03-31"], ["--sheet", "x"], ["--driver", "used=out"],
)  # fmt: skip
WORD = re.compile(
    r"(?<![\w.])(nan|NaN|-?inf|None(?! of)|NaT|<NA>)(?![\w.])|Traceback|Timestamp\(|dtype|<class"
)


def stamped(day, form):
    return str((day - dt.datetime(1899, 12, 30)).days) if form == "serial" else day.strftime(form)  # noqa: DTZ001


def used(kind, place, air, noise):
    """The energy of a day as a cell has it."""
    if kind in ("none", "words"):
        return "" if kind == "none" else "abc"
    if (kind == "alternating" and place % 2) or (kind == "infinite" and not place % 9):
        return "" if kind == "alternating" else "inf"
    value = {"constant": 500.0, "zero": 0.0, "counter": 1e3 * place}.get(
        kind, 900 + 30 * max(0.0, air - 18) + noise
    )
    value *= {"negative": -1.0, "huge": 1e12}.get(kind, 1.0)
    return f"{1e18 if kind == 'one_big' and place == 40 else value:.3f}"


def table(seed, tame):
    """(bytes of a file, words of the command) of a seed; tame: the file is whole, its values are not."""
    r = random.Random(seed)
    kind, form, head = (
        r.choice(VALUES),
        STAMPS[0] if tame else r.choice(STAMPS),
        HEADS[0] if tame else r.choice(HEADS),
    )
    rows = []
    for place in range(r.choice((400, 731)) if tame else r.choice((0, 1, 2, 60, 366, 731))):
        day = dt.datetime(2024, 1, 1) + dt.timedelta(days=place)  # noqa: DTZ001
        air = 20 + 10 * math.sin((day.timetuple().tm_yday - 110) / 58) + r.gauss(0, 2)
        rows.append([stamped(day, form), used(kind, place, air, r.gauss(0, 20)), f"{air:.2f}"])
    heads, above, below = ["day", head, "out"], [], []
    for how in () if tame else r.sample(SPOILT, r.choice((0, 1, 1, 2))):
        any_row = r.choice(rows) if rows else ["", "", ""]
        if how == "unsorted":
            r.shuffle(rows)
        elif how in ("twice", "conflict"):
            rows.append([any_row[0], any_row[1] if how == "twice" else "7", any_row[2]])
        elif how == "empty_stamp":
            any_row[0] = ""
        elif how == "two_zones":
            any_row[0] += "+02:00"
        elif how == "late" and rows:
            rows[-1][0] = "2199-01-01"
        elif how in ("empty_column", "same_header"):
            heads.append("" if how == "empty_column" else head)
            rows = [[*row, "" if how == "empty_column" else row[1]] for row in rows]
        elif how == "ragged":
            any_row.append("7")
        elif how == "total":
            below = ["Tổng cộng;123;"]
        elif how in ("merged", "units"):
            above = [";Điện;Khí hậu"] if how == "merged" else above
            below = below if how == "merged" else [";kWh;°C"]
        elif how == "no_header":
            heads = []
    sign, mark = ("." if tame else r.choice(".,")), (";" if tame else r.choice((";", ";", "\t", ",")))
    body = [mark.join(row).replace(".", sign) if form != STAMPS[3] else mark.join(row) for row in rows]
    data = "\n".join([*above, *([mark.join(heads)] if heads else []), *body, *below]).encode(
        "utf-8" if tame else r.choice(ENCODINGS), errors="replace"
    )
    if not tame and r.random() < 0.1:
        data = data[: r.randrange(len(data) + 1)] + b"\x00" * r.choice((0, 3))
    words = ["--energy", head + r.choice(("", "", ":kWh", ":MWh", ":degC")) if not tame else head]
    words += ["--temperature", "out"] if tame or r.random() < 0.8 else []
    words += ["--baseline", "2024-01-01..2024-12-31", "--model", r.choice(MODELS)]
    words += ["--reporting", "2025-01-01..2025-12-31"] if r.random() < 0.8 else []
    for more in r.sample(ODD, r.choice((0, 0, 1) if tame else (0, 1, 1, 2))):
        words += more
    words += ["--keep-good"] if r.random() < 0.5 else []
    return data, [*words, "--language", r.choice(("en", "vi"))]


def numbers(found):
    if isinstance(found, dict | list):
        for each in found.values() if isinstance(found, dict) else found:
            yield from numbers(each)
    elif isinstance(found, float):
        yield found


def judge(seed, tame, tmp_path, capsys):
    """The exit code of a seed, which kept the contract."""
    data, words = table(seed, tame)
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    as_json = seed % 2 == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            code = main(["analyse", "--file", str(path), *words, *(["--json"] if as_json else [])])
        except SystemExit as usage:
            code = usage.code
    out, err = capsys.readouterr()
    assert code in (0, 1, 2), (seed, code, err)
    assert out or err, seed
    told = re.sub(r'"[^"\n]*"', "", err if as_json else out + err)
    assert not WORD.search(told), (seed, told)
    assert "dodac import" not in told, (seed, told)
    assert "--column" not in told, (seed, told)
    if as_json and out:
        found = json.loads(out, parse_constant=pytest.fail)
        assert all(math.isfinite(value) for value in numbers(found)), seed
        assert ("refusal" in found) == (code == 1), seed
        if "saving" in found:
            assert found["saving"]["half_width"] > 0.0, seed
    return code


@pytest.mark.parametrize("tame", [True, False])
def test_no_table_breaks_the_contract(tame, tmp_path, capsys):
    codes = [judge(seed, tame, tmp_path, capsys) for seed in range(40 if tame else 120)]
    # and the tables reach what they are to try
    assert codes.count(0) >= (8 if tame else 1)


@pytest.mark.soak
def test_no_table_of_many_breaks_the_contract(tmp_path, capsys):
    for seed in range(1_000, 3_000):
        judge(seed, bool(seed % 3), tmp_path, capsys)
