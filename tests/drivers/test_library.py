"""The library as a whole: what every profile must carry, its schema, and what a mistake in one says."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dodac.errors import ConfigError
from dodac.quantities import CHANNELS, Kind
from drivers import load_profiles
from drivers._profile_page import accuracy, identification, page, rollover_text
from drivers.catalogue import parse_profile, profile_files
from drivers.profile import MbusProfile, ModbusChannel, ModbusProfile, as_json_schema
from drivers.protocols.modbus_values import WORDS

PROFILES = load_profiles()
FILES = profile_files()
ONE_OF_EACH = ["eastron.sdm630", "chint.dtsu666", "generic.mbus-heat", "servomex.4100-ascii", "tasmota.energy",
               "axioma.qalcosonic-w1", "generic.sparkplug", "generic.dsmr-p1"]  # fmt: skip


def test_the_library_covers_what_a_factory_uses() -> None:
    kinds = {profile.kind.value for profile in PROFILES.values()}
    assert kinds >= {"electricity", "water", "heat", "steam", "gas", "flue_gas", "ambient"}
    assert len(PROFILES) >= 40


@pytest.mark.parametrize("id", sorted(PROFILES))
def test_each_profile_carries_what_a_reader_must_know(id: str) -> None:
    profile = PROFILES[id]
    assert identification(profile)
    assert profile.accuracy or profile.metrology, "accuracy: say it, or that no source states it"
    assert profile.caveats
    assert all(caveat.source for caveat in profile.caveats)
    assert profile.tests
    assert profile.evidence.hardware
    if isinstance(profile, ModbusProfile) and not id.startswith("generic."):
        assert profile.identify
    if isinstance(profile, MbusProfile):
        assert profile.identify.media or profile.identify.manufacturer
    for name, spec in profile.channels.items():
        if CHANNELS[name].kind is Kind.COUNTER:
            assert rollover_text(profile, name)
        if isinstance(spec, ModbusChannel):
            assert all(0 <= sign < 1 << 16 * WORDS[spec.type] for sign in spec.sentinel), name
    text = page(profile)
    assert all(caveat.text in text for caveat in profile.caveats)
    assert accuracy(profile)[0] in text


def test_a_page_tells_where_each_value_stands_and_where_counters_end() -> None:
    text = page(PROFILES["acrel.adl3000"])
    assert "| `energy_import_kwh` | holding 10 (Ah), u32, ABCD · 0.01 | kWh | counter |" in text
    assert "42,949,672.96 kWh (32 bits) at the latest, times the transformers' ratio" in text
    assert (
        'ct_ratio = "400/5"' in text
    )  # its registers are secondary: without it every value is 80 times too small
    assert "ct_ratio" not in page(PROFILES["eastron.sdm630"]).partition("## In the site file")[2]


def test_rollover_is_data_of_counters_alone() -> None:
    text = FILES["eastron.sdm120"].read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match="only counters begin again"):
        parse_profile(
            text.replace("power_w:", "power_w:", 1).replace("type: f32}", "type: f32, rollover: 10}", 1),
            FILES["eastron.sdm120"],
        )


# ---- the schema, held against every file by a small validator of the keywords it uses


def _fits(schema: dict[str, Any], value: object, root: dict[str, Any], at: str = "") -> list[str]:
    if "$ref" in schema:
        return _fits(root["$defs"][schema["$ref"].rpartition("/")[2]], value, root, at)
    if "oneOf" in schema or "anyOf" in schema:
        options = schema.get("oneOf") or schema["anyOf"]
        found = [_fits(option, value, root, at) for option in options]
        return [] if any(not wrong for wrong in found) else min(found, key=len)
    wrong: list[str] = []
    if "const" in schema and value != schema["const"]:
        wrong.append(f"{at}: not {schema['const']}")
    if "enum" in schema and value not in schema["enum"]:
        wrong.append(f"{at}: {value!r} is not one of {schema['enum']}")
    kinds: dict[str, tuple[type, ...]] = {
        "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
        "boolean": (bool,), "null": (type(None),),
    }  # fmt: skip
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return [f"{at}: {value!r} is no {schema['type']}"]
    if isinstance(value, dict):
        known = schema.get("properties", {})
        wrong += [f"{at}: {key} is missing" for key in schema.get("required", []) if key not in value]
        for key, inner in value.items():
            if key in known:
                wrong += _fits(known[key], inner, root, f"{at}.{key}")
            elif schema.get("additionalProperties") is False:
                wrong.append(f"{at}: {key} is unknown")
            elif isinstance(schema.get("additionalProperties"), dict):
                wrong += _fits(schema["additionalProperties"], inner, root, f"{at}.{key}")
    if isinstance(value, list):
        for place, inner in enumerate(value):
            items = schema.get("prefixItems", [])
            own = items[place] if place < len(items) else schema.get("items")
            if isinstance(own, dict):
                wrong += _fits(own, inner, root, f"{at}.{place}")
    return wrong


def test_the_schema_takes_every_profile_and_refuses_an_unknown_key() -> None:
    schema = as_json_schema()
    written = Path(__file__).parents[2] / "docs" / "reference" / "profile.schema.json"
    assert json.loads(written.read_text(encoding="utf-8")) == json.loads(json.dumps(schema))
    for path in FILES.values():
        data = json.loads(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")), default=str))
        kind = schema["$defs"][schema["discriminator"]["mapping"][data["protocol"]].rpartition("/")[2]]
        assert _fits(kind, data, schema) == [], path.name
        assert _fits(kind, {**data, "unknown": 1}, schema)


# ---- mistakes


def _places(data: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    pairs: Any = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, inner in pairs:
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _changed(data: Any, path: tuple[str | int, ...], change: str) -> Any:
    data = copy.deepcopy(data)
    here = data
    for word in path[:-1]:
        here = here[word]
    last = path[-1]
    if change == "rename":
        here[f"{last}_x"] = here.pop(last)
    elif change == "type":
        here[last] = ["no"] if not isinstance(here[last], list) else {"no": 1}
    else:
        here[last] = None
    return data


def _mistakes(id: str) -> list[tuple[str, ConfigError | None]]:
    """Every key of a profile renamed, and every value of another type: what is said to it."""
    path = FILES[id]
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = []
    places = list(_places(data))
    step = max(1, len(places) // 60)  # a large map repeats itself: every n-th key
    for place in [*places[:40], *places[40::step]]:
        for change in ("rename", "type"):
            if change == "rename" and not isinstance(place[-1], str):
                continue
            text = yaml.safe_dump(_changed(data, place, change), sort_keys=False, allow_unicode=True)
            try:
                parse_profile(text, path)
            except ConfigError as error:
                found.append((f"{change} {'.'.join(map(str, place))}", error))
            else:
                found.append((f"{change} {'.'.join(map(str, place))}", None))
    return found


@pytest.mark.parametrize("id", ONE_OF_EACH)
def test_every_mistake_is_told_with_file_line_and_key(id: str) -> None:
    unseen = []
    for change, error in _mistakes(id):
        if error is None:
            # names that the user chooses (unit codes, texts, units printed) may be any
            free = (
                ("rename channels." in change and change.count(".") > 2)
                or "codes" in change
                or "device_id" in change
            )
            if not free and "units" not in change:
                unseen.append(f"{change}: taken")
            continue
        key = change.split()[1].split(".")[-1]
        told = str(error)
        if error.where.file != str(FILES[id]) or not error.where.line:
            unseen.append(f"{change}: {told}")
        elif not key.isdigit() and key not in told and f"{key}_x" not in told:
            parents = change.split()[1].split(".")
            if not any(word in told for word in parents):
                unseen.append(f"{change}: names no key: {told}")
    assert unseen == []


@pytest.mark.parametrize(
    ("id", "old", "new", "said"),
    [
        ("eastron.sdm630", "power_w: ", "power_w2: ", "power_w2"),
        ("eastron.sdm630", "type: f32, kind: counter", "type: f32, unit: kilo, kind: counter", "kilo"),
        ("eastron.sdm630", "01 04 00 48 00 02 F1 DD", "01 04 00 48 00 02 F1 XX", "tests.0.frames.0.request"),
        ("eastron.sdm630", "kind: counter", "kind: gauge", "energy"),
        ("generic.mbus-heat", "heat_kwh:", "volume_m3:", "given twice"),
        ("tasmota.energy", "protocol: mqtt_json", "protocol: mqtt_jsn", 'Did you mean "mqtt_json"'),
        ("servomex.4100-ascii", "field: ", "field: 9", "there is no field"),
        ("generic.dsmr-p1", '"1-0:', '"1-0', "obis"),
    ],
)  # fmt: skip
def test_a_mistake_in_words_is_told(id: str, old: str, new: str, said: str) -> None:
    text = FILES[id].read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(ConfigError) as told:
        parse_profile(text.replace(old, new, 1), FILES[id])
    assert said in str(told.value)
    assert told.value.where.line is not None
