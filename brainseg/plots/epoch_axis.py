"""The axis of epochs, which are whole numbers."""

from __future__ import annotations


def epoch_step(epochs: int) -> int:
    """Return a round, whole number of epochs between ticks, for at most 15 ticks.

    >>> epoch_step(12), epoch_step(40), epoch_step(900)
    (1, 5, 100)
    """
    steps = (step * int(10**power) for power in range(9) for step in (1, 2, 5))
    return next(step for step in steps if epochs <= 15 * step)
