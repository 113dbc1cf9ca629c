"""Sides that take turns, and what is left of their turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

from benchmarks.speed.side import Side
from benchmarks.speed.timing import Timing, middle

Turn = Mapping[str, Any]


def alternate(sides: Mapping[str, Side], rounds: int, warm_up: int = 1) -> dict[str, list[Turn]]:
    """Let the sides take turns.

    Args:
        sides: The sides by name.
        rounds: Turns of each side.
        warm_up: Turns of each side before, which do not count.

    Returns:
        The values of each side's turns.
    """
    for side in sides.values():
        for _ in range(warm_up):
            side.turn()
    turns: dict[str, list[Turn]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            turns[name].append(side.turn())
    return turns


@contextmanager
def together(sides: Mapping[str, Side]) -> Iterator[Mapping[str, Side]]:
    """End all sides when the block ends."""
    with ExitStack() as stack:
        for side in sides.values():
            stack.enter_context(side)
        yield sides


def timing_of(turns: Sequence[Turn]) -> Timing:
    """Return the median of turns."""
    return middle([Timing(turn["wall"], turn["cpu"]) for turn in turns])


def median_of(turns: Sequence[Turn], name: str) -> float:
    """Return the median of one of the side's own values."""
    return float(median(turn[name] for turn in turns))
