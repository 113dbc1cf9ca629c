"""How readers changed their answers after the model's, how well their boxes fit, and how long they took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainseg.evaluation.proportions import proportion
from brainseg.models.proportion import Proportion
from brainseg.reading.answers import Box

RULE = (
    "A box hits if its centre is inside the true mask. IoU is the overlap of the box with the smallest box around the "
    "whole true mask, divided by the area of both together."
)
"""How boxes are judged."""


@dataclass(frozen=True)
class Changes:
    """What readers did after they had seen the model's answer.

    Attributes:
        count: Answers.
        changed: Answers with another class than before.
        wrong_to_right: Those that became right.
        right_to_wrong: Those that became wrong.
        wrong_to_wrong: Those that stayed wrong with another class.
        misled: Of the answers that were right while the model was wrong, those that became wrong.
        rescued: Of the answers that were wrong while the model was right, those that became right.
    """

    count: int
    changed: int
    wrong_to_right: int
    right_to_wrong: int
    wrong_to_wrong: int
    misled: Proportion
    rescued: Proportion


@dataclass(frozen=True)
class Boxes:
    """How well boxes fit the true masks.

    Attributes:
        masks: Readings of cases with a true mask.
        drawn: Those of them with a box.
        hits: Boxes that hit, of those drawn; see `RULE`.
        iou: Median IoU of the boxes; None without any.
        elsewhere: Boxes on cases without a true mask.
    """

    masks: int
    drawn: int
    hits: Proportion
    iou: float | None
    elsewhere: int


@dataclass(frozen=True)
class Times:
    """Seconds per case.

    Attributes:
        alone: Median until the answer alone was locked, over cases that were shown in one sitting; None without any.
        counted: Number of these cases.
        interrupted: Cases that were shown in several sittings, whose time is not known.
        revising: Median from the model's answer to the answer after it; None without a model.
    """

    alone: float | None
    counted: int
    interrupted: int
    revising: float | None


def count_changes(block: pd.DataFrame) -> Changes | None:
    """Return how answers changed after the model's; None for a study without a model.

    Args:
        block: A part of `table.answer_table`.
    """
    if not block["model_finding"].notna().any():
        return None
    truth, groups = block["truth"], block["group"].to_numpy()
    before, after = (block["finding"] == truth).to_numpy(), (block["second_finding"] == truth).to_numpy()
    model = (block["model_finding"] == truth).to_numpy()
    changed = (block["finding"] != block["second_finding"]).to_numpy()
    return Changes(
        count=len(block),
        changed=int(changed.sum()),
        wrong_to_right=int((~before & after).sum()),
        right_to_wrong=int((before & ~after).sum()),
        wrong_to_wrong=int((changed & ~before & ~after).sum()),
        misled=proportion(~after, before & ~model, groups),
        rescued=proportion(after, ~before & model, groups),
    )


def judge_boxes(block: pd.DataFrame, mask_of: Callable[[str], np.ndarray]) -> Boxes | None:
    """Return how well boxes fit; None if nobody drew one and no case has a true mask.

    Args:
        block: A part of `table.answer_table`.
        mask_of: Returns a true mask, (H, W) bool, by its hash.
    """
    has_mask = (block["mask"] != "").to_numpy()
    boxed = block["box"].notna().to_numpy()
    if not has_mask.any() and not boxed.any():
        return None
    fitting = block[has_mask & boxed]
    judged = [box_fit(box, mask_of(mask)) for box, mask in zip(fitting["box"], fitting["mask"], strict=True)]
    hit = np.zeros(len(block), dtype=bool)
    hit[has_mask & boxed] = [inside for inside, _ in judged]
    return Boxes(
        masks=int(has_mask.sum()),
        drawn=len(judged),
        hits=proportion(hit, has_mask & boxed, block["group"].to_numpy()),
        iou=float(np.median([iou for _, iou in judged])) if judged else None,
        elsewhere=int((boxed & ~has_mask).sum()),
    )


def box_fit(box: Box, mask: np.ndarray) -> tuple[bool, float]:
    """Return whether a box hits a mask, and its IoU, by `RULE`.

    Args:
        box: The box.
        mask: (H, W) bool, not empty; a pixel covers the square from its row and column to the next ones.

    Examples:
        >>> mask = np.zeros((10, 10), dtype=bool)
        >>> mask[2:6, 4:8] = True
        >>> box_fit((4, 2, 8, 6), mask), box_fit((0, 0, 4, 2), mask)
        ((True, 1.0), (False, 0.0))
    """
    left, top, right, bottom = box
    height, width = mask.shape
    row, column = min(int((top + bottom) / 2), height - 1), min(int((left + right) / 2), width - 1)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    around = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    wide = max(0.0, min(right, around[2]) - max(left, around[0]))
    high = max(0.0, min(bottom, around[3]) - max(top, around[1]))
    both = (right - left) * (bottom - top) + (around[2] - around[0]) * (around[3] - around[1]) - wide * high
    return bool(mask[row, column]), wide * high / both


def measure_times(block: pd.DataFrame) -> Times:
    """Return how long the readers took.

    Args:
        block: A part of `table.answer_table`.
    """
    whole = block[block["times_shown"] <= 1]
    revising = block["second_seconds"].dropna()
    return Times(
        alone=float(whole["seconds"].median()) if len(whole) else None,
        counted=len(whole),
        interrupted=len(block) - len(whole),
        revising=float(revising.median()) if len(revising) else None,
    )
