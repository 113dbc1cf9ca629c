"""The candidates of a nested cross-validation, as users write them: `--choose model.arch=resnet18,resnet34`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from brainseg.config import RunConfig, parse_settings
from brainseg.errors import ConfigError
from brainseg.search.ranges import split_values

ALLOWED = ("model.", "preparation.", "training.")
"""Sections whose settings may be chosen: others would change the images, or how they are evaluated."""
MOST = 20


def parse_candidates(choices: Sequence[str], config: RunConfig) -> list[dict[str, Any]]:
    """Return every combination of the values in `--choose` options as settings by dotted name.

    Args:
        choices: Texts such as `model.arch=resnet18,resnet34`; lists keep their commas in brackets.
        config: The configuration that each candidate changes.

    Raises:
        ConfigError: A text has another form or fewer than two values, a setting may not be chosen, a value is not
            allowed, or there are too many combinations.
    """
    options: dict[str, list[Any]] = {}
    for text in choices:
        name, equals, values = (part.strip() for part in text.partition("="))
        if not equals or len(parts := split_values(values)) < 2:
            raise ConfigError(
                f"--choose {text!r} does not have the form section.field=value,value with at least two values, for "
                "example model.arch=resnet18,resnet34."
            )
        if not name.startswith(ALLOWED):
            raise ConfigError(f"--choose: {name!r} cannot be chosen, only settings of {', '.join(ALLOWED)[:-1]}.")
        if name in options:
            raise ConfigError(f"--choose names {name} twice: put all its values into one.")
        options[name] = [parse_settings([f"{name}={part}"])[name] for part in parts]
    found = [dict(zip(options, values, strict=True)) for values in product(*options.values())] if options else []
    if len(found) > MOST:
        raise ConfigError(f"--choose gives {len(found)} combinations: {MOST} are allowed at most.")
    plain = [_stored(candidate, config.with_settings(candidate)) for candidate in found]
    if len({str(candidate) for candidate in plain}) < len(plain):
        raise ConfigError("--choose names a value twice: name each value once.")
    return plain


def _stored(candidate: dict[str, Any], config: RunConfig) -> dict[str, Any]:
    """Return the values as the configuration holds them, so runs can be matched with their candidate."""
    flat = config.flat()
    return {name: flat[name] for name in candidate}
