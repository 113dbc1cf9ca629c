"""Presets: named starting points for a configuration, shipped with brainseg as YAML files."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import yaml

from brainseg.errors import ConfigError

NOT_YAML = (yaml.YAMLError, ValueError, RecursionError)
"""The errors of PyYAML: ValueError for an impossible date or number, RecursionError for very deep nesting."""


def preset_names() -> list[str]:
    """Return the names of the presets that come with brainseg."""
    return sorted(file.name.removesuffix(".yaml") for file in _presets().iterdir() if file.name.endswith(".yaml"))


def load_preset(name: str) -> dict[str, Any]:
    """Return the settings of a preset, as nested dictionaries.

    Raises:
        ConfigError: There is no such preset.
    """
    if name not in preset_names():
        raise ConfigError(f"preset: {name!r} is unknown, allowed: {', '.join(preset_names())}.")
    return read_mapping((_presets() / f"{name}.yaml").read_text("utf-8"), f"preset {name}")


def preset_notes(name: str) -> dict[str, str]:
    """Return the comment at the top of a preset by heading: "What", "Cost" and "Not for"."""
    text = (_presets() / f"{name}.yaml").read_text("utf-8")
    notes: dict[str, str] = {}
    heading = ""
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        words = line.lstrip("# ").strip()
        if found := re.match(r"(What|Cost|Not for): (.*)", words):
            heading, words = found.groups()
        if heading:
            notes[heading] = f"{notes.get(heading, '')} {words}".strip()
    return notes


def _presets() -> resources.abc.Traversable:
    return resources.files("brainseg.config") / "preset_files"


def read_mapping(text: str, what: str) -> dict[str, Any]:
    """Read YAML that contains a mapping.

    Args:
        text: The YAML.
        what: Its name in error messages.

    Raises:
        ConfigError: The text is not YAML or not a mapping.
    """
    try:
        values = yaml.safe_load(text)
    except NOT_YAML as error:
        raise ConfigError(f"{what} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{what} contains no settings: write them as a mapping of sections.")
    return values
