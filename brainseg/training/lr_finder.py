"""The learning-rate finder, which runs on a copy of a run's model and stores its curve."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd

from brainseg.files import write_json
from brainseg.training.callbacks import Autocast, FinderProgress, Guard, seed_everything
from brainseg.training.context import TrainingContext
from brainseg.training.head_inputs import HeadInputs, head_inputs
from brainseg.training.inputs import D
from brainseg.training.learner import find_learning_rate, make_learner
from brainseg.training.log import RunLog
from brainseg.training.protocols import Task
from brainseg.training.setup import open_run
from brainseg.training.stored import RateSearch

CURVE = "learning_rate.json"


def run_finder(task: Task[D], log: RunLog, folder: Path, warm_start: Path | None = None) -> tuple[pd.DataFrame, float]:
    """Find a learning rate for a run without training it.

    Args:
        task: What the run learns, with its configuration.
        log: Receives progress and messages, and reports a request to cancel.
        folder: Receives `config.yaml`, `dataset.json`, `split.csv`, `weights.json` and `learning_rate.json`.
        warm_start: The weights file for `run:<id>`.

    Returns:
        The curve and the valley suggestion, see `learner.find_learning_rate`.

    Raises:
        BrainsegError: Any error that the user can fix.
    """
    context = open_run(task, log, folder, warm_start)
    curve, suggestion = find_rate(context, head_inputs(context, most=finder_images(context)))
    save_curve(curve, suggestion, folder / CURVE)
    log.message(f"The learning-rate finder suggests {suggestion:.2e} after {len(curve)} mini-batches.")
    return curve, suggestion


def finder_images(context: TrainingContext[D]) -> int:
    """Return the largest number of images that a search reads, each time they are read."""
    training = context.config.training
    return training.finder_steps * training.batch_size


def find_rate(context: TrainingContext[D], head: HeadInputs[D] | None = None) -> tuple[pd.DataFrame, float]:
    """Find a learning rate for the new layers, without changing the context's model.

    Args:
        context: The run.
        head: Search with the head alone, on these inputs; by default, every batch passes the whole network.

    Returns:
        The curve and the valley suggestion, see `learner.find_learning_rate`.

    Raises:
        TrainingCancelled: The user cancelled the run.
    """
    training = context.config.training
    seed_everything(training.seed)
    finder_context = replace(context, model=copy.deepcopy(context.model))
    guard = Guard(context.log, watch_loss=False)  # the finder searches until the loss diverges
    callbacks = [guard, Autocast(context.device, context.bf16), FinderProgress(context.log, training.finder_steps)]
    learner = make_learner(finder_context, callbacks, head)
    curve, suggestion = find_learning_rate(learner, training.finder_steps)
    guard.check()
    return curve, suggestion


def save_curve(curve: pd.DataFrame, suggestion: float, file: Path) -> None:
    """Write a curve and its suggestion as JSON."""
    found: RateSearch = {
        "suggestion": suggestion,
        "learning_rate": curve["learning_rate"].to_list(),
        "loss": curve["loss"].to_list(),
        "smoothed_loss": curve["smoothed_loss"].to_list(),
    }
    write_json(file, found)


def load_curve(file: Path) -> tuple[pd.DataFrame, float]:
    """Read what `save_curve` wrote."""
    values = json.loads(file.read_text("utf-8"))
    suggestion = values.pop("suggestion")
    return pd.DataFrame(values), suggestion
