"""Paths in the configuration of a run whose home folder was moved."""

from __future__ import annotations

from pathlib import Path, PurePath

from brainseg.config import RunConfig


def moved_config(config: RunConfig, old: PurePath, home: Path) -> RunConfig:
    """Return a configuration in which paths below the old home folder are changed to paths below the open one."""
    if old in (home, PurePath()):
        return config

    def moved(path: str) -> str:
        place = PurePath(path)
        return str(home / place.relative_to(old)) if place.is_absolute() and place.is_relative_to(old) else path

    data = config.data.model_copy(update={"path": moved(config.data.path)})
    model = config.model.model_copy(update={"weights": moved(config.model.weights)})
    return config.model_copy(update={"data": data, "model": model})
