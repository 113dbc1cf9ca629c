"""Settings as users write them for `--set`: `section.field=value`."""

from __future__ import annotations

from typing import Any, Literal, get_origin

import yaml

from brainseg.config.messages import annotation, brief
from brainseg.config.presets import NOT_YAML
from brainseg.config.schema import RunConfig
from brainseg.errors import ConfigError


def parse_settings(pairs: list[str]) -> dict[str, Any]:
    """Turn `section.field=value` texts into dotted settings; values are read as YAML, names and paths as plain text.

    Raises:
        ConfigError: A text has no `=` or its value is not YAML.
    """
    settings: dict[str, Any] = {}
    for pair in pairs:
        field, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not field:
            raise ConfigError(
                f"--set {brief(pair)} does not have the form section.field=value, for example training.epochs=5."
            )
        settings[field] = _text(field, value) if _takes_text(field) else _number(_yaml_value(field, value))
    return settings


def _takes_text(field: str) -> bool:
    kind = annotation(RunConfig, field.split("."))
    return kind in (str, str | None) or get_origin(kind) is Literal


def _text(field: str, value: str) -> Any:  # noqa: ANN401 - text or null
    """Keep text that YAML would change: a class named `no` or `007`, a folder named `2024-01-05` or `set #2`."""
    return _yaml_value(field, value) if value in ("null", "~") or value[:1] in ("'", '"') else value


def _yaml_value(field: str, value: str) -> Any:  # noqa: ANN401 - whatever YAML holds
    try:
        return yaml.safe_load(value)
    except NOT_YAML as error:
        raise ConfigError(f"{field}: {brief(value)} cannot be read as a value.") from error


def _number(value: Any) -> Any:  # noqa: ANN401 - whatever YAML holds
    """Turn text such as 1e-3 into a number: YAML 1.1 reads it as text, but users mean the number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
