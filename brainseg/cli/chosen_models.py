"""The models that `--run` of `predict` names, and what was measured on their heatmaps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from brainseg.cli.output import NOTES
from brainseg.errors import ConfigError

if TYPE_CHECKING:
    from brainseg.diagnosis.heatmap_checks.stored import StoredHeatmaps
    from brainseg.models.ensemble import Ensemble
    from brainseg.runs import Run, RunStore


def chosen_models(store: RunStore, names: list[str]) -> tuple[list[Path], Ensemble | None, list[Run]]:
    """Return the bundles that answer, the stored ensemble whose members they are, if one was named, and their runs.

    Raises:
        ConfigError: An ensemble is named together with other runs.
        RunError: A run does not exist, or has no model.
        BundleError: A model cannot be used.
    """
    found = [store.get(name) for name in names]
    if stored := next((run for run in found if run.members), None):
        if len(found) > 1:
            members = ", ".join(member.name for member in stored.members)
            raise ConfigError(
                f"--run names the ensemble {stored.name!r} and other runs: name it alone, or its members ({members})."
            )
        from brainseg.runs.ensembles import open_ensemble

        opened = open_ensemble(store, stored)
        for each in opened.members:
            store.exports(each)
        return list(opened.bundles), opened.ensemble, list(opened.members)
    for each in found:
        store.exports(each)  # from a remote store, they are downloaded beside the bundle
    return [store.bundle(run) for run in found], None, found


def stored_heatmaps_of(store: RunStore, runs: list[Run]) -> list[StoredHeatmaps | None]:
    """Return what was measured on the heatmaps of each run; a damaged file is named."""
    from brainseg.results.run_files import readable
    from brainseg.results.stored_results import heatmaps

    damaged: list[str] = []
    found = [readable(damaged, heatmaps, store, run) for run in runs]
    for sentence in damaged:
        NOTES.print(sentence, markup=False, soft_wrap=True)
    return found
