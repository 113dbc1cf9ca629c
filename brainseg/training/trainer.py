"""`train`: from a configuration to a folder with a bundle, its evaluation and all that led to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainseg.config import RunConfig
from brainseg.evaluation.classification import evaluate
from brainseg.evaluation.hardest import hardest_cases
from brainseg.evaluation.predictions import predict_logits, prediction_table, save_predictions
from brainseg.evaluation.report import ClassificationReport
from brainseg.files import write_atomically, write_json
from brainseg.models.bundle import save_bundle
from brainseg.training.baseline import fit_baseline
from brainseg.training.finetune import fine_tune
from brainseg.training.inputs import TrainingInputs
from brainseg.training.log import Progress, RunLog
from brainseg.training.setup import Setup, open_run

HARDEST = 6


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind.

    Attributes:
        bundle: The folder of the model.
        report: Its figures on the images that were held out.
        extra: Further figures by name, such as the learning rate.
    """

    bundle: Path
    report: ClassificationReport
    extra: dict[str, float]


def train(config: RunConfig, log: RunLog, folder: Path, name: str, warm_start: Path | None = None) -> Trained:
    """Train, evaluate and store one run.

    Args:
        config: The run, whole.
        log: Told of progress, epochs and sentences, and asked for a cancel request.
        folder: Takes every file: `config.yaml`, `dataset.json`, `split.csv`, `weights.json`, `learning_rate.json`,
            `epochs.csv`, `predictions.parquet`, `hardest.csv`, `evaluation.json` and `bundle/`. A checkpoint found
            there is resumed.
        name: Name of the run, shown beside what its model says.
        warm_start: The weights file that `run:<id>` stands for.

    Raises:
        BrainsegError: Anything that the user can mend, in one sentence.
    """
    setup, inputs = open_run(config, log, folder, warm_start)
    if config.model.head == "concat-pool":
        state = fine_tune(setup, inputs, folder)
        extra = {"learning_rate": state.learning_rate, "best_epoch": state.best.epoch}
    else:
        extra = fit_baseline(setup, inputs)
    report = _judge(setup, inputs, folder)
    bundle = _bundle(setup, inputs, report, folder / "bundle", name)
    return Trained(bundle, report, extra)


def _judge(setup: Setup, inputs: TrainingInputs, folder: Path) -> ClassificationReport:
    rows, dataset = inputs.rows(inputs.judged_side), inputs.dataset

    def tell(done: int, total: int) -> None:
        setup.log.progress(Progress("evaluating", done, total))

    logits = predict_logits(setup.model, inputs.images, rows, setup.config.preparation.normalise, tell)
    table = prediction_table(dataset.table.iloc[rows], logits, dataset.classes)
    save_predictions(table, folder / "predictions.parquet")
    hardest = hardest_cases(table, HARDEST)
    write_atomically(folder / "hardest.csv", lambda temporary: hardest.to_csv(temporary, index=False))
    report = evaluate(table, dataset.classes, inputs.positive)
    write_json(folder / "evaluation.json", {**report.to_dict(), **_caveats(setup, inputs)})
    return report


def _caveats(setup: Setup, inputs: TrainingInputs) -> dict[str, Any]:
    """Say what a reader of the figures must know: where they are from and whether they were chosen by."""
    kept_best = setup.config.model.head == "concat-pool" and setup.config.training.keep == "best"
    return {
        "split": setup.config.data.split,
        "judged_on": inputs.judged_side,
        "selected_on_these_images": kept_best and inputs.judged_side == "valid",
        "copies_in_training": _copies(inputs),
    }


def _copies(inputs: TrainingInputs) -> int:
    """Count the judged images whose bytes were also learnt from: each of them flatters the figures."""
    digests = inputs.dataset.table["sha256"]
    learnt = digests.iloc[inputs.rows("train")]
    return int(digests.iloc[inputs.rows(inputs.judged_side)].isin(learnt).sum())


def _bundle(setup: Setup, inputs: TrainingInputs, report: ClassificationReport, folder: Path, name: str) -> Path:
    settings = setup.config.model
    low, high = report.intervals["accuracy"]
    return save_bundle(
        folder,
        setup.model,
        name=name,
        arch=settings.arch,
        head=settings.head,
        stages=setup.model.body.stages,
        dropout=settings.dropout,
        classes=inputs.dataset.classes,
        positive=inputs.positive,
        preparation=setup.config.preparation,
        pretraining=setup.weights.to_dict(),
        data={"fingerprint": inputs.dataset.fingerprint, "images": len(inputs.dataset.table)},
        validation={
            "count": report.count,
            "accuracy": report.accuracy,
            "accuracy_interval": [low, high],
            **_caveats(setup, inputs),
        },
    )
