"""The learning-rate finder of a run: spent on a copy of the model, its curve stored."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pandas as pd

from brainseg.files import write_json
from brainseg.training.callbacks import Autocast, FinderProgress, Guard, seed_everything
from brainseg.training.learner import find_learning_rate, make_learner
from brainseg.training.setup import Setup, parameter_groups


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
