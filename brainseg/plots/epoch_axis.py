"""The axis of epochs, which are whole numbers."""

from __future__ import annotations


def epoch_step(epochs: int) -> int:
    """Return a round, whole number of epochs between ticks, for 15 ticks at most."""
    return next(step * 10**power for power in range(9) for step in (1, 2, 5) if epochs <= 15 * step * 10**power)
