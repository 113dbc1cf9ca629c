"""The export at the end of a training: what answers fast later, compared with torch while the images are at hand."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from brainseg.errors import BrainsegError, DiskError
from brainseg.models.export.making import best_format, export_bundle
from brainseg.models.export.names import FOLDER, Format
from brainseg.models.export.processor import has_bf16
from brainseg.training.context import TrainingContext
from brainseg.training.inputs import D

MOST = 64
"""Most validation images that an export is compared on here; `brainseg export` compares it on all of them."""
_log = logging.getLogger(__name__)


def export_trained(context: TrainingContext[D], bundle: Path) -> None:
    """Export the model that was trained, compare it with torch, and store both in the run's folder.

    If that fails, the run keeps its model, which torch runs.

    Args:
        context: The finished training.
        bundle: The folder of its bundle.

    Raises:
        DiskError: The disk is full.
    """
    wanted = context.config.compute.export
    if wanted == "auto" and context.config.data.split == "k-fold":
        return  # the models of folds are compared with each other, and hardly ever asked
    chosen: Format | None = best_format() if wanted == "auto" else None if wanted == "none" else wanted
    if wanted == "none" or (chosen is None and not has_bf16()):
        return
    inputs = context.inputs
    rows = inputs.rows("valid") if len(inputs.rows("valid")) else inputs.evaluated_rows
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, MOST).round().astype(int))] if len(rows) > MOST else rows
    try:
        export_bundle(bundle, context.folder / FOLDER, (inputs.images[row] for row in rows), chosen)
    except DiskError:
        raise
    except (BrainsegError, RuntimeError, OSError, ValueError) as error:
        _log.warning("The model in %s was not exported.", bundle, exc_info=True)
        context.log.message(f"The model was not exported for a faster runtime, so torch runs it: {error}")
