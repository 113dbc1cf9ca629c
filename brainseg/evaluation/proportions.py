"""Proportions of images that may belong together, with their intervals."""

from __future__ import annotations

import numpy as np

from brainseg.evaluation.bootstrap import mean_interval
from brainseg.evaluation.intervals import wilson
from brainseg.models.proportion import Proportion

SEED = 0
"""Seed of the bootstrap."""


def proportion(hit: np.ndarray, member: np.ndarray, groups: np.ndarray) -> Proportion:
    """Return how many of some images are hit, with a 95 % interval.

    The interval is Wilson's if every image is independent of all others. Otherwise it is a bootstrap over groups; if
    all images or none are hit, Wilson's with each group as one trial, since then no draw differs.

    Args:
        hit: (N,) bool.
        member: (N,) bool, whether the image counts.
        groups: (N,) int, images with the same number are not independent.
    """
    hits, count, own = int((hit & member).sum()), int(member.sum()), groups[member]
    if not count:
        return Proportion(hits=0, count=0)
    units = len(np.unique(own))
    if units == count or hits in (0, count):
        return Proportion(hits=hits, count=count, interval=wilson(units if hits == count else hits, units))
    return Proportion(hits=hits, count=count, interval=mean_interval(hit[member], own, SEED))
