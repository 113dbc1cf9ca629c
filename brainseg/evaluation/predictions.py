"""The one inference pass of an evaluation, and the table of its predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from brainseg.evaluation.checks import class_codes
from brainseg.files import write_atomically
from brainseg.models.architectures import Network
from brainseg.models.inputs import normalise, to_batch
from brainseg.preparation.cache import PreparedImages

BATCH = 32


@torch.no_grad()
def logit_batches(
    model: Network,
    images: PreparedImages,
    rows: Sequence[int] | np.ndarray,
    method: str,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[torch.Tensor]:
    """Run a model over prepared images in float32, batch by batch.

    Args:
        model: The model; it is put into evaluation mode and stays there.
        images: Prepared images.
        rows: Row numbers of the images, in the order of the result.
        method: How the model's inputs are normalised.
        progress: Called with (images done, images in total).

    Yields:
        The float32 logits of up to `BATCH` images, on the CPU.
    """
    model.eval()
    device = next(model.parameters()).device
    for start in range(0, len(rows), BATCH):
        batch = to_batch(np.stack([images[row] for row in rows[start : start + BATCH]]))
        yield model(normalise(batch.to(device), method)).float().cpu()
        if progress:
            progress(min(start + BATCH, len(rows)), len(rows))


def predict_logits(
    model: Network,
    images: PreparedImages,
    rows: Sequence[int] | np.ndarray,
    method: str,
    progress: Callable[[int, int], None] | None = None,
) -> torch.Tensor:
    """Run a model over prepared images in float32.

    Args:
        model: The model; it is put into evaluation mode and stays there.
        images: Prepared images.
        rows: Row numbers of the images, in the order of the result.
        method: How the model's inputs are normalised.
        progress: Called with (images done, images in total).

    Returns:
        (len(rows), classes) float32 logits on the CPU.
    """
    return torch.cat(list(logit_batches(model, images, rows, method, progress)))


def prediction_table(rows: pd.DataFrame, logits: torch.Tensor, classes: Sequence[str]) -> pd.DataFrame:
    """Return the table of predictions from which every plot is drawn.

    Args:
        rows: The images' `path`, `group` and `label`, in the order of the logits.
        logits: (N, classes) float.
        classes: Class names, in order.

    Returns:
        Columns `path`, `group`, `label`, `prediction`, `loss` (cross-entropy of the true class, nats, float64) and
        `p_<class>` (probabilities, float64).

    Raises:
        ValueError: A label is not among the classes.
    """
    scores = torch.log_softmax(logits.double(), dim=1).numpy()
    codes = class_codes(rows, "label", classes)
    return pd.DataFrame(
        {
            "path": rows["path"].to_numpy(),
            "group": rows["group"].to_numpy(),
            "label": rows["label"].to_numpy(),
            "prediction": np.array(classes, dtype=object)[scores.argmax(axis=1)],
            "loss": -scores[np.arange(len(codes)), codes] + 0.0,
            **{f"p_{name}": np.exp(scores[:, index]) for index, name in enumerate(classes)},
        }
    )


def save_predictions(table: pd.DataFrame, file: Path) -> None:
    """Write a table of predictions as Parquet, atomically."""
    write_atomically(file, lambda temporary: table.to_parquet(temporary, index=False))
