"""The learning-rate finder: spent on a copy of a run's model, or on its own, its curve stored."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pandas as pd

from brainseg.config import RunConfig
from brainseg.files import write_json
from brainseg.training.callbacks import Autocast, FinderProgress, Guard, seed_everything
from brainseg.training.learner import find_learning_rate, make_learner
from brainseg.training.log import RunLog
from brainseg.training.setup import Setup, open_run, parameter_groups

CURVE = "learning_rate.json"


def run_finder(
    config: RunConfig, log: RunLog, folder: Path, warm_start: Path | None = None
) -> tuple[pd.DataFrame, float]:
    """Find a learning rate for a run that is not trained (yet).

    Args:
        config: The run, whole.
        log: Told of progress and sentences, and asked for a cancel request.
        folder: Takes `config.yaml`, `dataset.json`, `split.csv`, `weights.json` and `learning_rate.json`.
        warm_start: The weights file that `run:<id>` stands for.

    Returns:
        The curve and the valley suggestion, see `learner.find_learning_rate`.

    Raises:
        BrainsegError: Anything that the user can mend, in one sentence.
    """
    setup, _ = open_run(config, log, folder, warm_start)
    curve, suggestion = find_rate(setup)
    save_curve(curve, suggestion, folder / CURVE)
    log.say(f"The learning-rate finder suggests {suggestion:.2e} after {len(curve)} mini-batches.")
    return curve, suggestion


def find_rate(setup: Setup) -> tuple[pd.DataFrame, float]:
    """Find a learning rate for the new layers; the model of `setup` stays as it is.

    Returns:
        The curve and the valley suggestion, see `learner.find_learning_rate`.

    Raises:
        TrainingCancelled: The log said so.
    """
    training = setup.config.training
    seed_everything(training.seed)
    model = copy.deepcopy(setup.model)
    guard = Guard(setup.log, watch_loss=False)  # a loss that blows up is what the finder looks for
    callbacks = [guard, Autocast(setup.device, setup.bf16), FinderProgress(setup.log, training.finder_steps)]
    groups = parameter_groups(model, setup.weights)
    learner = make_learner(model, groups, setup.data, training, setup.device, callbacks)
    curve, suggestion = find_learning_rate(learner, training.finder_steps)
    guard.check()
    return curve, suggestion


def save_curve(curve: pd.DataFrame, suggestion: float, file: Path) -> None:
    """Write a curve and its suggestion as JSON."""
    write_json(file, {"suggestion": suggestion, **curve.to_dict(orient="list")})


def load_curve(file: Path) -> tuple[pd.DataFrame, float]:
    """Read what `save_curve` wrote."""
    values = json.loads(file.read_text("utf-8"))
    suggestion = values.pop("suggestion")
    return pd.DataFrame(values), suggestion
