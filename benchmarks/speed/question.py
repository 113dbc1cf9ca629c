"""What a row of the table asks, and what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.speed.timing import Timing

if TYPE_CHECKING:
    from benchmarks.speed.session import Session


class NotHereError(Exception):
    """A row cannot be measured on this machine; the message says why."""


@dataclass(frozen=True)
class Target:
    """What a row should reach.

    Attributes:
        words: As people say it.
        ratio: The least ratio of the baseline's time to ours; None if an absolute time counts.
        seconds: The longest absolute time; None if a ratio counts.
    """

    words: str
    ratio: float | None = None
    seconds: float | None = None


def times(factor: float) -> Target:
    """Return the target of being some times faster than the baseline."""
    return Target("half the time" if factor == 2 else f"{factor:g} times", factor)


def at_most(factor: float, what: str) -> Target:
    """Return the target of taking at most some times as long as the baseline."""
    return Target(f"at most {factor:g} times {what}", 1 / factor)


def fraction(least: float, what: str) -> Target:
    """Return the target of reaching a fraction of a limit, whose time at full rate is the baseline."""
    return Target(f"{least:.0%} of {what}", least)


def under(seconds: float) -> Target:
    """Return the target of an absolute time."""
    return Target(f"under {seconds:g} s", seconds=seconds)


@dataclass(frozen=True)
class Question:
    """One row before it is measured.

    Attributes:
        name: For `--only`, and the key of the stored row.
        what: What is timed.
        baseline: What it is compared with; "" if nothing.
        target: What it should reach; None for a limit of the machine, or a number that is only stated.
        of_limits: Whether the row is a limit of the machine, and belongs into that table.
        growth: Whether the row is one point of a curve.
    """

    name: str
    what: str
    baseline: str = ""
    target: Target | None = None
    of_limits: bool = False
    growth: bool = False


@dataclass
class Found:
    """What was measured for a question.

    Attributes:
        name: The question's name.
        baseline: The baseline's time; None without one.
        ours: Our time; None for rows of other units.
        repeats: How often each side was measured.
        ratio: The ratio, where it is not that of the wall times.
        values: Further numbers by name, with their unit in the name.
        note: What a reader must know of this number, in a sentence or two.
        missing: Why there is no number; "" if there is one.
        stored: When a stored row of an earlier measurement was made; "" if it was measured now.
    """

    name: str
    baseline: Timing | None = None
    ours: Timing | None = None
    repeats: int = 1
    ratio: float | None = None
    values: Mapping[str, float | str] = field(default_factory=dict)
    note: str = ""
    missing: str = ""
    stored: str = ""

    @property
    def found_ratio(self) -> float | None:
        """The baseline's wall time divided by ours, unless the row has its own ratio."""
        if self.ratio is not None or self.baseline is None or self.ours is None or not self.ours.wall:
            return self.ratio
        return self.baseline.wall / self.ours.wall

    def reached(self, target: Target | None) -> bool | None:
        """Return whether the target is reached; None where there is nothing to compare."""
        if target is None or self.missing:
            return None
        if target.seconds is not None:
            return None if self.ours is None else self.ours.wall <= target.seconds
        ratio = self.found_ratio
        return None if ratio is None or target.ratio is None else ratio >= target.ratio


@dataclass(frozen=True)
class Family:
    """Rows that are measured together.

    Attributes:
        name: For `--only`.
        questions: Its rows, in the order of the table.
        measure: Measures them; may leave out rows that it cannot answer.
    """

    name: str
    questions: Sequence[Question]
    measure: Callable[[Session], Iterable[Found]]
