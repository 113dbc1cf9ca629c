"""`train`: from a configuration to a folder with a bundle, its evaluation and all that led to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainseg.config import RunConfig
from brainseg.datasets.report import patients_known
from brainseg.files import write_json
from brainseg.models.bundle import save_bundle
from brainseg.training.baseline import fit_baseline
from brainseg.training.finetune import fine_tune
from brainseg.training.inputs import TrainingInputs
from brainseg.training.log import Progress, RunLog
from brainseg.training.setup import Setup, open_run
from brainseg.training.task import Report


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind.

    Attributes:
        bundle: The folder of the model.
        report: Its figures on the images that were held out.
        headline: The name of the one that stands for the run.
        extra: Further figures by name, such as the learning rate.
    """

    bundle: Path
    report: Report
    headline: str
    extra: dict[str, float]


def train(config: RunConfig, log: RunLog, folder: Path, name: str, warm_start: Path | None = None) -> Trained:
    """Train, evaluate and store one run.

    Args:
        config: The run, whole.
        log: Told of progress, epochs and sentences, and asked for a cancel request.
        folder: Takes every file: `config.yaml`, `dataset.json`, `split.csv`, `weights.json`, `learning_rate.json`,
            `epochs.csv`, `evaluation.json`, `bundle/` and what was predicted: `predictions.parquet` and `hardest.csv`,
            or `slices.parquet`, `masks.npz` and `truth.npz`. A checkpoint found there is resumed.
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
    return Trained(bundle, report, setup.task.headline, extra)


def _judge(setup: Setup, inputs: TrainingInputs, folder: Path) -> Report:
    def tell(done: int, total: int) -> None:
        setup.log.progress(Progress("evaluating", done, total))

    report = setup.task.judge(setup.model, inputs, folder, tell)
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
        "patients_known": patients_known(inputs.dataset),
    }


def _copies(inputs: TrainingInputs) -> int:
    """Count the judged images whose bytes were also learnt from: each of them flatters the figures."""
    digests = inputs.dataset.table["sha256"]
    learnt = digests.iloc[inputs.rows("train")]
    return int(digests.iloc[inputs.rows(inputs.judged_side)].isin(learnt).sum())


def _bundle(setup: Setup, inputs: TrainingInputs, report: Report, folder: Path, name: str) -> Path:
    headline, figures = setup.task.headline, report.to_dict()
    return save_bundle(
        folder,
        setup.model,
        name=name,
        arch=setup.config.model.arch,
        stages=setup.model.body.stages,
        **setup.task.facts(inputs),
        preparation=setup.config.preparation,
        pretraining=setup.weights.to_dict(),
        data={"fingerprint": inputs.dataset.fingerprint, "images": len(inputs.dataset.table)},
        validation={
            "count": len(inputs.rows(inputs.judged_side)),
            headline: figures[headline],
            f"{headline}_interval": figures["intervals"][headline],
            **_caveats(setup, inputs),
        },
    )
