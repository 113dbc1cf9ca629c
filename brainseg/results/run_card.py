"""The model card of a run, made from the run's files."""

from __future__ import annotations

from pathlib import Path

from brainseg.datasets.registry import PHANTOM
from brainseg.errors import RunError
from brainseg.evaluation.stored import ClassificationEvaluation
from brainseg.models.description import bundle_digest, read_description
from brainseg.results import stored_results
from brainseg.results.ensembles.card import ensemble_card
from brainseg.results.model_card import CardDataset, model_card
from brainseg.results.robustness import stored_robustness
from brainseg.results.run_files import readable
from brainseg.results.stored_dataset import stored_report
from brainseg.runs import Run, RunStore
from brainseg.runs.ensembles import stored_ensemble


def card_of(store: RunStore, run: Run) -> str:
    """Return the model card of a finished run as Markdown. It states which files are lost.

    Raises:
        RunError: The run has no model.
        BundleError: Its bundle is damaged.
    """
    if run.members:
        evaluation = readable([], stored_results.evaluation_as, ClassificationEvaluation, store, run)
        return ensemble_card(run, stored_ensemble(store, run), evaluation, readable([], stored_report, store, run))
    folder = store.bundle(run)
    description = read_description(folder)
    version = bundle_digest(folder, description)[:12]
    try:
        report = stored_results.evaluation(store, run)
    except RunError:
        report = None
    robustness = readable([], stored_robustness, store, run)
    return model_card(description, report, run.config, _dataset(store, run), version, robustness)


def _dataset(store: RunStore, run: Run) -> CardDataset | None:
    report = readable([], stored_report, store, run)
    if report is None:
        return None
    place = Path(run.config.data.path)
    split = readable([], stored_results.split, store, run)
    return {
        **report,
        "synthetic": ((place.parent if place.is_file() else place) / PHANTOM).is_file(),
        "sides": None if split is None else {str(name): int(n) for name, n in split["split"].value_counts().items()},
    }
