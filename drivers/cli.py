"""The command profiles: the instruments that dodac can read."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dodac.errors import ConfigError, Exit
from dodac.quantities import CHANNELS
from drivers._table import table_text
from drivers.profile import ModbusProfile, Profile


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def profiles(argv: Sequence[str]) -> int:
    """`dodac profiles`: the list; `dodac profiles show ID`: one with its channels and caveats."""
    parser = argparse.ArgumentParser(
        prog="dodac profiles",
        description="Lists the instruments dodac can read, or shows one.",
        epilog="Examples: dodac profiles; dodac profiles show eastron.sdm630; dodac profiles check --site my-plant",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument(
        "--site", type=Path, default=Path("site.toml"), help="its folder's profiles/ count too"
    )
    parser.add_argument(
        "--json-schema", action="store_true", help="the JSON Schema of a profile, for editors"
    )
    parser.add_argument("action", nargs="?", choices=["list", "show", "check"], default="list")
    parser.add_argument("id", nargs="?", help="the profile to show or check")
    args = parser.parse_args(argv)
    from drivers.catalogue import load_profile, load_profiles

    own = (args.site if args.site.is_dir() else args.site.parent) / "profiles"
    if args.json_schema:
        from drivers.profile import as_json_schema

        _say(json.dumps(as_json_schema(), indent=2, ensure_ascii=False))
        return Exit.OK
    if args.action == "show":
        if args.id is None:
            raise ConfigError("which profile?", None, "Write: dodac profiles show eastron.sdm630")
        return _show(load_profile(args.id, own), as_json=args.json)
    found = load_profiles(own) if args.id is None else {args.id: load_profile(args.id, own)}
    if args.action == "check":
        return _check(found)
    if args.json:
        _say(json.dumps([_row(profile) for profile in found.values()], indent=2, ensure_ascii=False))
        return Exit.OK
    rows = [("id", "maker", "models", "kind", "protocol", "hardware")]
    rows += [tuple(str(v) for v in _row(profile).values()) for profile in found.values()]  # type: ignore[misc]
    sys.stdout.write(table_text(rows))
    return Exit.OK


def _row(profile: Profile) -> dict[str, str]:
    return {
        "id": profile.id,
        "maker": profile.maker,
        "models": ", ".join(profile.models),
        "kind": profile.kind.value,
        "protocol": profile.protocol,
        "hardware": profile.evidence.hardware,
    }


def _show(profile: Profile, *, as_json: bool) -> int:
    from drivers._profile_page import accuracy, identification, site_example

    if as_json:
        _say(json.dumps(profile.model_dump(mode="json", by_alias=True), indent=2, ensure_ascii=False))
        return Exit.OK
    _say(f"{profile.id}: {profile.maker} {', '.join(profile.models)}")
    if profile.summary:
        _say(profile.summary)
    _say(f"\nkind {profile.kind.value}, protocol {profile.protocol}, hardware: {profile.evidence.hardware}")
    if isinstance(profile, ModbusProfile):
        baud = ", ".join(str(b) for b in profile.link.baud)
        _say(f"line: {baud} baud, {', '.join(profile.link.frame)}; the first is tried first")
    _say("\nknown by")
    for words in identification(profile):
        _say(f"  {words}")
    _say("\naccuracy")
    for words in accuracy(profile):
        _say(f"  {words}")
    _say("\nchannels")
    rows = [
        (f"  {name}", CHANNELS[name].unit, CHANNELS[name].kind.value, CHANNELS[name].en)
        for name in profile.channels
    ]
    sys.stdout.write(table_text(rows))
    _say("\nknown from")
    for source in profile.evidence.map:
        _say(f"  {source}")
    if profile.caveats:
        _say("\ncaveats")
        for caveat in profile.caveats:
            _say(f"  {caveat.text}\n    (source: {caveat.source})")
    _say(f"\nin the site file\n{site_example(profile)}")
    return Exit.OK


def _check(found: Mapping[str, Profile]) -> int:
    """Runs the golden tests of the profiles; a finding is exit code 1."""
    from drivers.golden import check

    code = Exit.OK
    for profile in found.values():
        wrong = check(profile)
        _say(f"{profile.id}: {len(profile.tests)} tests {'pass' if not wrong else 'run, findings:'}")
        for words in wrong:
            code = Exit.FINDING
            _say(f"  {words}")
    return code
