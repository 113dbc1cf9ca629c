"""How a probability is put into words, the same on the command line, on sheets and on pages."""

from __future__ import annotations

LEAST, MOST = 0.0005, 0.9995


def percent(share: float) -> str:
    """Write a probability of 0..1 with one decimal; what would round to certainty is written as short of it."""
    if share >= MOST:
        return "over 99.9 %"
    if share < LEAST:
        return "under 0.1 %"
    return f"{100 * share:.1f} %"
