"""`train`: from a configuration to a folder with a bundle, its evaluation and all that led to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainseg.config import RunConfig
from brainseg.datasets.origin import dataset_name, synthetic_rows
from brainseg.datasets.report import patients_known
from brainseg.errors import BundleError
from brainseg.evaluation.collapse import is_collapsed
from brainseg.files import write_json
from brainseg.models.bundle import save_bundle
from brainseg.models.description import read_description
from brainseg.models.trained_on import TrainedOn
from brainseg.training.baseline import fit_baseline
from brainseg.training.finetune import fine_tune
from brainseg.training.guard import fit_guard
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
    bundle = _bundle(setup, inputs, report, folder / "bundle", name, trained_on(config, inputs, warm_start))
    return Trained(bundle, report, setup.task.headline, {**extra, **_chance(setup, inputs)})


def _judge(setup: Setup, inputs: TrainingInputs, folder: Path) -> Report:
    def tell(done: int, total: int) -> None:
        setup.log.progress(Progress("evaluating", done, total))

    report = setup.task.judge(setup.model, inputs, folder, tell)
    write_json(folder / "evaluation.json", {**report.to_dict(), **_caveats(setup, inputs, report)})
    return report


def _caveats(setup: Setup, inputs: TrainingInputs, report: Report) -> dict[str, Any]:
    """Say what a reader of the figures must know: where they are from and whether they were chosen by."""
    kept_best = setup.config.model.head == "concat-pool" and setup.config.training.keep == "best"
    threshold = setup.config.data.mask_threshold
    return {
        "split": setup.config.data.split,
        "judged_on": inputs.judged_side,
        "selected_on_these_images": kept_best and inputs.judged_side == "valid",
        **_copies(inputs),
        "patients_known": patients_known(inputs.dataset),
        **_chance(setup, inputs),
        "collapsed": is_collapsed(report.matrix),
        **({} if threshold is None else {"mask_threshold": threshold}),
    }


def _chance(setup: Setup, inputs: TrainingInputs) -> dict[str, float]:
    """Return the accuracy of naming the most frequent class for all judged images; nothing where masks are learnt."""
    if setup.config.task != "classify":
        return {}
    counts = np.bincount(inputs.labels[inputs.rows(inputs.judged_side)])
    return {"chance": float(counts.max() / counts.sum())}


def _copies(inputs: TrainingInputs) -> dict[str, int]:
    """Count the judged images that were also learnt from, and those of them with other bytes: each flatters metrics."""
    table = inputs.dataset.table[["sha256", "twin"]]
    judged, learnt = (table.iloc[inputs.rows(side)] for side in (inputs.judged_side, "train"))
    identical = judged["sha256"].isin(learnt["sha256"])
    near = (judged["twin"] != "") & judged["twin"].isin(learnt["twin"]) & ~identical
    return {"copies_in_training": int((identical | near).sum()), "near_copies_in_training": int(near.sum())}


def trained_on(config: RunConfig, inputs: TrainingInputs, warm_start: Path | None) -> TrainedOn:
    """Return what the model learns from, and what a warm start had learnt from before."""
    rows = inputs.rows("train")
    synthetic = synthetic_rows(inputs.dataset)
    count = sum(synthetic[row] for row in rows)
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
    except BundleError:  # of another version: the weights fit nonetheless
        return None


def _bundle(setup: Setup, inputs: TrainingInputs, report: Report, folder: Path, name: str, learnt: TrainedOn) -> Path:
    headline, figures = setup.task.headline, report.to_dict()
    return save_bundle(
        folder,
        setup.model,
        fit_guard(setup, inputs),
        name=name,
        arch=setup.config.model.arch,
        stages=setup.model.body.stages,
        **setup.task.facts(inputs),
        preparation=setup.config.preparation,
        pretraining=setup.weights.to_dict(),
        data={"fingerprint": inputs.dataset.fingerprint, "images": len(inputs.dataset.table), **learnt.to_data()},
        validation={
            "count": len(inputs.rows(inputs.judged_side)),
            headline: figures[headline],
            f"{headline}_interval": figures["intervals"][headline],
            **_caveats(setup, inputs, report),
        },
    )
