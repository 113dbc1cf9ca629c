"""The held-out images on which heatmaps are checked."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainseg.datasets.leak_groups import leak_groups
from brainseg.datasets.split_table import evaluated_set
from brainseg.diagnosis.heatmap_checks import IMAGES
from brainseg.diagnosis.heatmap_checks.means import SEED

GROUP_NUMBER = "group_number"


def held_out_images(split: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a split that heatmaps are measured on: the test set if there is one, else the validation set.

    The column `group_number` is added: images with the same number are of one patient, or are copies.
    """
    rows = split[split["split"] == evaluated_set(split["split"])].reset_index(drop=True)
    return rows.assign(**{GROUP_NUMBER: leak_groups(rows)})


def drawn_sample(rows: pd.DataFrame, count: int = IMAGES, seed: int = SEED) -> pd.DataFrame:
    """Draw images without replacement; the same rows in any order give the same sample.

    Args:
        rows: From `held_out_images`.
        count: Most images to draw.
        seed: Seed of the draw.
    """
    ordered = rows.sort_values("path", ignore_index=True)
    if len(ordered) <= count:
        return ordered
    chosen = np.random.default_rng(seed).choice(len(ordered), count, replace=False)
    return ordered.iloc[np.sort(chosen)].reset_index(drop=True)
