"""Names of datasets on pages: the name that a person gave them, never a path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from brainseg.datasets.registry import known_datasets
from brainseg.runs import Run


def dataset_namer() -> Callable[[Run], str]:
    """Read the list of known datasets once, and return a function that names the dataset of a run."""
    known = {dataset.path: dataset.name for dataset in known_datasets()}

    def name(run: Run) -> str:
        path = run.config.data.path
        return known.get(path) or PurePath(path).name or path

    return name
