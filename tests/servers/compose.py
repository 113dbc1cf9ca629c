"""What deploy/compose.yaml starts, as commands of this machine."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.conftest import PROJECT_ROOT

FILE = PROJECT_ROOT / "deploy" / "compose.yaml"
IMAGE = PROJECT_ROOT / "deploy" / "Dockerfile"
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::-([^}]*))?\})")


def interpolated(settings: Mapping[str, str]) -> dict:
    """Return the compose file as Compose reads it with some variables set."""

    def value(found: re.Match[str]) -> str:
        return "$" if found[0] == "$$" else settings.get(found[1], "") or found[2] or ""

    return yaml.safe_load(_VARIABLE.sub(value, FILE.read_text("utf-8")))


def environment(service: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a service: those with a value in the file, and those that are only passed on."""
    found = interpolated(settings)["services"][service]["environment"]
    values = {name: settings.get(name) if value is None else str(value) for name, value in found.items()}
    return {name: value for name, value in values.items() if value is not None}


def shell_line(service: str, settings: Mapping[str, str], replaced: Mapping[str, str]) -> str:
    """Return the shell command of a service, with the names that only containers know replaced.

    Each name to replace must occur in it, and so must the name of the program, which is that of this environment.
    """
    found = interpolated(settings)["services"][service]
    assert found["entrypoint"] == ["sh", "-c"]
    (line,) = found["command"]
    for name, here in {**replaced, "exec mlflow ": f"exec {Path(sys.executable).parent / 'mlflow'} "}.items():
        assert name in line, f"{name} is not in the command of {service}: {line}"
        line = line.replace(name, here)
    return line


def image_command(port: int) -> list[str]:
    """Return what a container of the image runs by default, at a port of this machine."""
    text = IMAGE.read_text("utf-8")
    program, arguments = (json.loads(re.search(rf"^{name} (.*)$", text, re.M)[1]) for name in ("ENTRYPOINT", "CMD"))
    here = {"0.0.0.0": "127.0.0.1", "8501": str(port)}
    assert program == ["brainseg"]
    assert here.keys() <= set(arguments)
    return [sys.executable, "-m", *program, *(here.get(word, word) for word in arguments)]
