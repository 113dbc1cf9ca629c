"""Which runs use a dataset, and whether it may be deleted."""

from __future__ import annotations

from collections.abc import Iterable

from brainseg.datasets.library import KnownDataset
from brainseg.errors import DataError
from brainseg.runs import ENDED, Run


def runs_on(known: KnownDataset, runs: Iterable[Run]) -> list[Run]:
    """Return the runs that were made from a dataset, in their order."""
    return [run for run in runs if run.config.data.path == known.path]


def refuse_if_needed(known: KnownDataset, runs: Iterable[Run]) -> None:
    """Refuse to delete what a waiting or running training still reads.

    Raises:
        DataError: There is such a run; never for a folder elsewhere, which is not deleted.
    """
    needed = [run for run in runs_on(known, runs) if run.status not in ENDED]
    if needed and known.source != "folder":
        raise DataError(
            f"{known.name!r} is not deleted, since run {needed[0].name!r} still needs it: wait for it, or cancel it."
        )


def unlisted_paths(known: Iterable[KnownDataset], runs: Iterable[Run]) -> dict[str, int]:
    """Return the paths of datasets that runs were made from and nobody put on the list, with their number of runs."""
    listed = {dataset.path for dataset in known}
    counts: dict[str, int] = {}
    for run in runs:
        if run.config.data.path not in listed:
            counts[run.config.data.path] = counts.get(run.config.data.path, 0) + 1
    return counts
