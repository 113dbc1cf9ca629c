"""A split that keeps groups whole and gives every class its fraction as far as the groups allow.

scikit-learn's `StratifiedGroupKFold` splits into k folds, so it allows no other fraction, and a fold may lack a class.
This split works differently. Whole groups go to the validation set in random order, as long as no class exceeds its
quota. Then single groups are added or removed until every class is on both sides and the number of images is as close
to the wanted number as the groups allow. The best of several draws is kept.
"""

from __future__ import annotations

import numpy as np

ATTEMPTS = 20


def draw_groups(counts: np.ndarray, held: int, random: np.random.Generator) -> np.ndarray:
    """Choose the groups of the validation set.

    Args:
        counts: (G, C) number of images per group and class.
        held: Wanted number of images in the validation set.
        random: Draws the order of the groups.

    Returns:
        (G,) bool, True for groups of the validation set.
    """
    quota = _quota(counts.sum(0), held)
    best, least = np.zeros(len(counts), dtype=bool), None
    for _ in range(ATTEMPTS):
        chosen = _Draw(counts, quota, random.permutation(len(counts))).chosen()
        cost = _cost(counts, chosen, quota)
        if least is None or cost < least:
            best, least = chosen, cost
        if cost[:2] == (0, 0) and cost[2] <= counts.shape[1] / 2:  # no class is further from its quota than by chance
            break
    return best


def _quota(totals: np.ndarray, held: int) -> np.ndarray:
    """Return the wanted validation images per class: its fraction, at least one, and `held` in total if possible."""
    exact = totals * held / totals.sum()
    quota = np.where(totals > 0, np.clip(np.floor(exact), 1, np.maximum(totals - 1, 1)), 0).astype(int)
    while (short := held - quota.sum()) != 0:
        room = quota < totals - 1 if short > 0 else quota > 1
        if not room.any():  # the fraction is too small for every class, or too large to leave any for training
            break
        gap = np.where(room, (exact - quota) * np.sign(short), -np.inf)
        quota[int(gap.argmax())] += int(np.sign(short))
    return quota


def _cost(counts: np.ndarray, chosen: np.ndarray, quota: np.ndarray) -> tuple[int, int, int]:
    """Return the number of classes missing on a side, the error in the total, and the summed error of the classes."""
    held, totals = counts[chosen].sum(0), counts.sum(0)
    missing = int(((held == 0) & (totals > 0)).sum() + ((held == totals) & (totals > 0)).sum())
    return missing, abs(int(held.sum() - quota.sum())), int(np.abs(held - quota).sum())


class _Draw:
    """One draw, with a given order of the groups."""

    def __init__(self, counts: np.ndarray, quota: np.ndarray, order: np.ndarray) -> None:
        self.counts, self.quota, self.order = counts, quota, order
        self.taken = np.zeros(len(counts), dtype=bool)
        self.held = np.zeros_like(quota)

    def chosen(self) -> np.ndarray:
        """Return the chosen groups, (G,) bool."""
        for group in self.order:
            if (self.held + self.counts[group] <= self.quota).all():
                self._flip(group)
        for _ in range(2 * len(self.quota) + 20):
            group = self._best_flip()
            if group is None:
                break
            self._flip(group)
        return self.taken

    def _flip(self, group: int) -> None:
        sign = -1 if self.taken[group] else 1
        self.held = self.held + sign * self.counts[group]
        self.taken[group] = not self.taken[group]

    def _best_flip(self) -> int | None:
        """Return the group that improves the draw most by changing sides; None if no group does."""
        counts, totals = self.counts[self.order], self.counts.sum(0)
        held = self.held + np.where(self.taken[self.order], -1, 1)[:, None] * counts
        there = totals > 0
        missing = ((held == 0) & there).sum(1) + ((held == totals) & there).sum(1)
        off, apart = np.abs(held.sum(1) - self.quota.sum()), np.abs(held - self.quota).sum(1)
        best = np.lexsort((apart, off, missing))[0]
        now = _cost(self.counts, self.taken, self.quota)
        return int(self.order[best]) if (missing[best], off[best], apart[best]) < now else None
