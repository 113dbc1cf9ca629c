"""`train`: trains a run and writes a folder with the bundle, its evaluation and the files behind them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from brainseg.config import RunConfig
from brainseg.datasets.origin import dataset_name
from brainseg.datasets.report import patients_known
from brainseg.errors import BundleError
from brainseg.evaluation.collapse import is_collapsed
from brainseg.evaluation.stored import SCHEMA, as_validation
from brainseg.files import write_json
from brainseg.models.bundle import save_bundle
from brainseg.models.calibration import CalibrationState
from brainseg.models.description import read_description
from brainseg.models.guard import Guard
from brainseg.models.trained_on import TrainedOn
from brainseg.models.validation import Basis
from brainseg.training.baseline import fit_baseline
from brainseg.training.context import TrainingContext
from brainseg.training.export import export_trained
from brainseg.training.finetune import fine_tune
from brainseg.training.guard import fit_guard
from brainseg.training.inputs import D, TrainingInputs
from brainseg.training.log import Progress, RunLog
from brainseg.training.neighbours import store_neighbours
from brainseg.training.pooled import PooledFeatures
from brainseg.training.protocols import Report, ReportProgress, Task
from brainseg.training.setup import open_run


@dataclass(frozen=True)
class Trained:
    """The result of a training.

    Attributes:
        bundle: The folder of the model.
        report: Its metrics on the test set, or on the validation set if there is no test set.
        headline: The name of the run's main metric.
        extra: Further metrics by name, such as the learning rate.
    """

    bundle: Path
    report: Report
    headline: str
    extra: dict[str, float]


def train(task: Task[D], log: RunLog, folder: Path, name: str, warm_start: Path | None = None) -> Trained:
    """Train, evaluate and store one run.

    Args:
        task: What the run learns, with its configuration.
        log: Receives progress, epochs and messages, and reports a request to cancel.
        folder: Receives all files: `config.yaml`, `dataset.json`, `split.csv`, `weights.json`, `learning_rate.json`,
            `epochs.csv`, `evaluation.json`, `bundle/`, `exports/` and the predictions: `predictions.parquet`,
            `hardest.csv` and `calibration.json`, or `slices.parquet`, `masks.npz` and `truth.npz`. If it holds a
            checkpoint, the training is resumed.
        name: Name of the run, shown beside its model's answers.
        warm_start: The weights file for `run:<id>`.

    Raises:
        BrainsegError: Any error that the user can fix.
    """
    context = open_run(task, log, folder, warm_start)
    extra: dict[str, float]
    if context.config.model.fine_tuned:
        state = fine_tune(context)
        extra = {"learning_rate": state.learning_rate, "best_epoch": state.best.epoch}
    else:
        extra = fit_baseline(context)
    report = _evaluate(context)
    calibration = context.task.calibrate(context.model, context.inputs, context.folder, _evaluating(context))
    learnt = trained_on(context.config, context.inputs, warm_start)
    pooled = PooledFeatures(context)
    bundle = _bundle(context, report, name, learnt, calibration, fit_guard(pooled))
    store_neighbours(pooled)
    export_trained(context, bundle)
    return Trained(bundle, report, task.headline, {**extra, **task.chance(context.inputs)})


def _evaluating(context: TrainingContext[D]) -> ReportProgress:
    return lambda done, total: context.log.progress(Progress("evaluating", done, total))


def _evaluate(context: TrainingContext[D]) -> Report:
    report = context.task.evaluate(context.model, context.inputs, context.folder, _evaluating(context))
    values = {"schema": SCHEMA, **report.to_dict(), **_caveats(context, report)}
    write_json(context.folder / "evaluation.json", values)
    return report


def _caveats(context: TrainingContext[D], report: Report) -> Basis:
    """Return what a reader of the metrics must know: the evaluated images, and reasons why metrics may be too good."""
    config, inputs = context.config, context.inputs
    kept_best = config.model.fine_tuned and config.training.keep == "best"
    identical, near = (int(found.sum()) for found in inputs.copies(inputs.evaluated_rows))
    basis: Basis = {
        "split": "random" if config.data.by_image else config.data.split,
        "evaluated_on": inputs.evaluated_set,
        "selected_on_these_images": kept_best and inputs.evaluated_set == "valid",
        "copies_in_training": identical + near,
        "near_copies_in_training": near,
        "patients_known": patients_known(inputs.dataset),
        "collapsed": is_collapsed(report.matrix),
        "synthetic": int(inputs.synthetic[inputs.evaluated_rows].sum()),
    }
    if chance := context.task.chance(inputs):
        basis["chance"] = chance["chance"]
    if config.data.mask_threshold is not None:
        basis["mask_threshold"] = config.data.mask_threshold
    return basis


def trained_on(config: RunConfig, inputs: TrainingInputs[D], warm_start: Path | None) -> TrainedOn:
    """Return what the model was trained on, and what the weights of a warm start had been trained on."""
    rows = inputs.rows("train")
    count = int(inputs.synthetic[rows].sum())
    return TrainedOn(
        dataset=dataset_name(Path(config.data.path)),
        images=len(rows),
        synthetic=count == len(rows),
        synthetic_images=count,
        before=_before(warm_start) if warm_start else None,
    )


def _before(weights: Path) -> TrainedOn | None:
    try:
        return TrainedOn.of(read_description(weights.parent).data)
    except BundleError:  # a bundle of another version, whose weights fit anyway
        return None


def _bundle(
    context: TrainingContext[D],
    report: Report,
    name: str,
    learnt: TrainedOn,
    calibration: CalibrationState,
    guard: Guard | None,
) -> Path:
    config, inputs = context.config, context.inputs
    return save_bundle(
        context.folder / "bundle",
        context.model,
        guard,
        name=name,
        arch=config.model.arch,
        stages=context.model.body.stages,
        **context.task.description(inputs),
        preparation=config.preparation,
        pretraining=context.weights.to_dict(),
        data={"fingerprint": inputs.dataset.fingerprint, "images": len(inputs.dataset.table), **learnt.to_data()},
        validation={**as_validation(report.to_dict()), **_caveats(context, report)},
        calibration=calibration,
    )
