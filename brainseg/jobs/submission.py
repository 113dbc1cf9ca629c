"""Checks and completes a run's settings before it is queued, from the command line or from a page."""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING

from brainseg.config import RunConfig
from brainseg.errors import ConfigError, DataError, WeightsError
from brainseg.models.sources import is_weights_file
from brainseg.users.actor import current

if TYPE_CHECKING:
    from brainseg.runs import Kind


def validate(config: RunConfig, kind: Kind = "train") -> RunConfig:
    """Return the configuration with absolute paths, since a worker runs in another folder; refuse what cannot work.

    Raises:
        ConfigError: The run would look for the learning rate of an instant baseline, which has none.
        DataError: The dataset does not exist.
        WeightsError: The weights file does not exist.
        AccessError: It is neither a listed dataset nor in a folder that pages may open here.
    """
    if kind == "find-lr" and not config.model.fine_tuned:
        raise ConfigError(
            f"model.head: an instant baseline ({config.model.head}) has no learning rate to find, choose concat-pool."
        )
    if not config.data.path:
        raise DataError("No dataset was named: give a folder of class folders or a CSV manifest.")
    data = Path(config.data.path).expanduser().resolve()
    if not data.exists():
        raise DataError(f"{config.data.path} does not exist: give a folder of class folders or a CSV manifest.")
    if current().confined:
        from brainseg.datasets.access import refuse_if_not_listed  # imports what other importers can spare
        from brainseg.datasets.registry import known_datasets

        refuse_if_not_listed(data, (known.path for known in known_datasets()))
    weights = config.model.weights
    if is_weights_file(weights):
        file = Path(weights).expanduser().resolve()
        if not file.is_file():
            raise WeightsError(
                f"The weights file {weights} does not exist: give another file, or imagenet, none or run:<id>."
            )
        weights = str(file)
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"path": str(data)}),
            "model": config.model.model_copy(update={"weights": weights}),
        }
    )


def run_name(name: str | None, config: RunConfig, kind: Kind = "train") -> str:
    """Return the given name of a run, or a name made from its settings."""
    if name:
        return name
    what = config.preset if config.model.fine_tuned else config.model.head
    return f"{config.model.arch}-{what}" + ("-rate" if kind == "find-lr" else "")


def free_name(wanted: str, taken: Container[str]) -> str:
    """Return a name that is not taken: the one wanted, or the same with the first free number."""
    base = re.sub(r"-\d+$", "", wanted)
    stem, number, name = base if base in taken else wanted, 1, wanted
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name
