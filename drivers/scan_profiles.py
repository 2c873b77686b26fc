"""The profiles that can be compared with what was found; a broken one is told, and is no obstacle."""

from __future__ import annotations

from pathlib import Path

from dodac.errors import ConfigError
from drivers.catalogue import load_profile, profile_files
from drivers.profile import Profile


def usable_profiles(own: Path | None = None) -> tuple[list[Profile], list[str]]:
    """Every profile that loads, and what is wrong with the others."""
    found: list[Profile] = []
    wrong: list[str] = []
    for name in profile_files(own):
        try:
            found.append(load_profile(name, own))
        except ConfigError as error:
            wrong.append(f"the profile {name} is left out: {error}")
    return found, wrong
