"""Turns a task's settings into a training context: reads and splits the data, builds the network, loads weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from brainseg.config import EvaluationConfig, RunConfig
from brainseg.datasets.patient_messages import as_sentence, patients_sentence
from brainseg.datasets.report import dataset_report, patients_known
from brainseg.datasets.split_table import SPLIT, evaluated_set, read_split
from brainseg.datasets.splits import split_dataset
from brainseg.datasets.table import Dataset, positive_class
from brainseg.errors import ConfigError, DataError
from brainseg.files import write_atomically, write_json
from brainseg.models.architectures import Network
from brainseg.models.weights import WeightsReport, load_weights
from brainseg.training.callbacks import seed_everything
from brainseg.training.checkpoint import has_checkpoint
from brainseg.training.compiled import require_compiler
from brainseg.training.compute import choose_device, limit_threads, uses_bf16
from brainseg.training.context import TrainingContext
from brainseg.training.inputs import D, TrainingInputs
from brainseg.training.log import Progress, RunLog
from brainseg.training.protocols import Task


def open_run(task: Task[D], log: RunLog, folder: Path, warm_start: Path | None = None) -> TrainingContext[D]:
    """Read a run's data and build its network, for training or the learning-rate finder.

    Args:
        task: What the run learns, with its configuration.
        log: Receives progress and messages.
        folder: Receives `config.yaml`, `dataset.json`, `split.csv` and `weights.json`; created if it does not exist.
        warm_start: The weights file for `run:<id>`.

    Raises:
        BrainsegError: Any error that the user can fix.
    """
    config = task.config
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "config.yaml", lambda temporary: temporary.write_text(config.to_yaml(), "utf-8"))
    limit_threads(config.compute)
    if config.compute.compile and config.model.fine_tuned:
        require_compiler()
    inputs = load_inputs(task, log, folder)
    context = _with_network(task, inputs, log, folder, warm_start)
    write_json(folder / "weights.json", context.weights.to_dict())
    return context


def load_inputs(task: Task[D], log: RunLog, folder: Path) -> TrainingInputs[D]:
    """Read, split and prepare the dataset of a run; store its report and split in `folder`.

    Raises:
        DataError: The dataset does not exist, is damaged or is too small.
        ScanError: An image can no longer be read.
    """
    config = task.config
    if not config.data.path:
        raise DataError("No dataset was named: give one with --data PATH.")

    def report_progress(done: int, total: int) -> None:
        log.progress(Progress("preparing", done, total))

    found = task.open(report_progress)
    write_json(folder / "dataset.json", dataset_report(found))
    dataset = found.usable(config.data.skip_bad, config.data.allow_conflicting_labels)
    if dataset.bad:
        log.message(f"Left out {len(dataset.bad)} unreadable files, listed in dataset.json.")
    log.message(as_sentence(patients_sentence(patients_known(dataset))))
    for note in dataset.notes:
        log.message(note)
    sides = _kept_split(dataset, folder)
    if sides is None:
        sides = split_dataset(dataset, config.data)
    table = dataset.table[["path", "label", "group", "sha256", "twin"]].assign(split=sides)
    write_atomically(folder / SPLIT, lambda temporary: table.to_csv(temporary, index=False))
    counts = ", ".join(f"{count} {side}" for side, count in sides.value_counts().items())
    log.message(f"{len(dataset.table)} images of {len(dataset.classes)} classes; {config.data.split} split: {counts}.")
    labels = pd.Index(dataset.classes).get_indexer(pd.Index(dataset.table["label"])).astype(np.int64)
    evaluated = np.flatnonzero(sides == evaluated_set(sides))
    images, targets = task.prepare(dataset, labels, evaluated, report_progress)
    positive = positive_class(dataset.classes, config.data.positive)
    return TrainingInputs(dataset, sides, images, labels, targets, positive if len(dataset.classes) == 2 else None)


def _kept_split(dataset: Dataset, folder: Path) -> pd.Series | None:
    """Return the split of an interrupted training, which it must keep; None if there is none of the same images.

    A newer brainseg may find more near copies and would split differently. Images that the model has learnt from would
    then be in the validation set.
    """
    file = folder / SPLIT
    if not has_checkpoint(folder) or not file.exists():
        return None
    stored, names = read_split(file), ["path", "label", "group", "sha256"]
    if not stored[names].equals(dataset.table[names].astype(str)):
        return None  # reading the checkpoint reports the error
    return pd.Series(stored["split"].to_numpy(dtype=object), index=dataset.table.index, name="split")


def _with_network(
    task: Task[D], inputs: TrainingInputs[D], log: RunLog, folder: Path, warm_start: Path | None
) -> TrainingContext[D]:
    """Build the run's network from its seed, load its weights and log what was loaded.

    Raises:
        WeightsError: The pretrained weights are not available or do not fit.
        ConfigError: The requested device does not exist, or the network lacks the heatmap's stage.
    """
    config = task.config
    device = choose_device(config.compute.device)
    model, weights = _build(task, inputs, config.model.stages, warm_start)
    if config.model.stages is None:
        # The useful stages are known only after the weights have been read.
        stages = _useful_stages(weights, config.model.own_stages)
        if stages != model.body.stages:
            model, weights = _build(task, inputs, stages, warm_start)
            if stages[-1] < 4:
                log.message(f"The network ends after layer{stages[-1]}, the last stage in the weights.")
    _check_heatmap_layer(config, model.body.stages[-1])
    log.message(weights.sentence())
    bf16 = uses_bf16(config.compute.precision, device)
    log.message(f"Training runs on {device.type.upper()} in {'bfloat16' if bf16 else 'float32'}.")
    return TrainingContext(task, inputs, model, weights, device, bf16, log, folder)


def heatmap_stage(settings: EvaluationConfig) -> int | None:
    """Return the number of the stage that heatmaps are taken from; None for the network's last stage."""
    return None if settings.heatmap_layer == "last" else int(settings.heatmap_layer.removeprefix("layer"))


def _check_heatmap_layer(config: RunConfig, last: int) -> None:
    """Refuse a heatmap stage that the network does not have, before the network is trained."""
    if (heatmap_stage(config.evaluation) or last) > last:
        raise ConfigError(
            f"evaluation.heatmap_layer: this network ends before {config.evaluation.heatmap_layer!r}, allowed: last, "
            f"{', '.join(f'layer{stage}' for stage in range(1, last + 1))}."
        )


def _build(
    task: Task[D], inputs: TrainingInputs[D], stages: tuple[int, ...] | None, warm_start: Path | None
) -> tuple[Network, WeightsReport]:
    config = task.config
    seed_everything(config.training.seed)
    model = task.build(inputs.dataset, stages)
    return model, load_weights(model.body, config.model.arch, config.model.weights, warm_start)


def _useful_stages(weights: WeightsReport, count: int) -> tuple[int, ...]:
    """Return the last `count` stages in the weights: one for fine-tuning, two for an instant baseline.

    A deep stage with random weights learns nothing useful from a few hundred images, and meanwhile keeps changing the
    input of the head. Without any loaded weights, the network keeps all stages.
    """
    held = [stage for stage in (1, 2, 3, 4) if f"layer{stage}" not in weights.random_stages]
    if not weights.taken:
        held = [3, 4]
    return tuple(held[-count:])
