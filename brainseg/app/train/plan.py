"""The plan of a training in one line: its epochs, image size, weights and learning rate."""

from __future__ import annotations

from collections.abc import Sequence

from brainseg.app.tasks import fine_tuned, view_of
from brainseg.config import RunConfig, TrainingConfig
from brainseg.models.sources import IMAGENET, RUN
from brainseg.results.markdown import escape


def plan_words(configs: Sequence[RunConfig]) -> str:
    """Return the plan of runs that differ only in their network, as Markdown.

    Args:
        configs: One or more.
    """
    first = configs[0]
    what = epochs_words(first.training) if fine_tuned(first) else f"instant baseline ({first.model.head})"
    parts = [what, f"{first.preparation.size} px", escape(weights_words(first.model.weights))]
    if fine_tuned(first):
        parts.append(_rates(configs))
    return f"**{view_of(first.task).title}:** {' · '.join(parts)}"


def epochs_words(training: TrainingConfig) -> str:
    """Return the number of epochs in words, counted as in the progress of the training."""
    total = training.frozen_epochs + training.epochs
    most = "up to " if training.patience else ""
    words = f"{most}{total} epoch{'s' * (total != 1)}"
    if training.frozen_epochs and training.epochs:
        words += f": {training.frozen_epochs} frozen + {training.epochs}"
    elif training.frozen_epochs:
        words += ", all frozen"
    return f"{words}, may stop early" if training.patience else words


def weights_words(spec: str) -> str:
    """Return what kind of initial weights a setting names."""
    if spec == "none":
        return "random weights"
    if spec in IMAGENET:
        return "ImageNet weights"
    return "weights of a finished run" if spec.startswith(RUN) else "weights from a file"


def _rates(configs: Sequence[RunConfig]) -> str:
    rates = list(dict.fromkeys(config.training.learning_rate for config in configs))
    words = ["found before training" if rate == "valley" else f"{rate:g}" for rate in rates]
    return f"learning rate {' and '.join(words)}"
