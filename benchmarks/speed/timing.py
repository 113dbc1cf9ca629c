"""Wall and CPU time of a piece of work."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import psutil


@dataclass
class Timing:
    """Wall time and CPU time of all threads and ended child processes, in seconds."""

    wall: float = 0.0
    cpu: float = 0.0

    def scaled(self, factor: float) -> Timing:
        """Return both times a factor, such as the number of images that stand for one that was measured."""
        return Timing(self.wall * factor, self.cpu * factor)

    def plus(self, other: Timing, factor: float = 1.0) -> Timing:
        """Return the sum with a multiple of another timing."""
        return Timing(self.wall + factor * other.wall, self.cpu + factor * other.cpu)


@contextmanager
def clock() -> Iterator[Timing]:
    """Time the block; the timing is complete when the block ends."""
    timing, wall, cpu = Timing(), time.perf_counter(), cpu_seconds()
    yield timing
    timing.wall, timing.cpu = time.perf_counter() - wall, cpu_seconds() - cpu


def cpu_seconds() -> float:
    """Return the CPU time of this process so far, with that of its children that ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def peak_mb() -> float:
    """Return the largest memory that this process held at once, in MB (10^6 bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


class Others:
    """What other programs take of the processor from now on.

    Examples:
        >>> 0 <= Others().share(Timing(wall=1, cpu=0)) <= 1
        True
    """

    def __init__(self) -> None:
        self.before = _busy_seconds()

    def share(self, own: Timing) -> float:
        """Return their share of all cores since then, 0 to 1, besides a timing that covers the same period."""
        cores = psutil.cpu_count() or 1
        return min(max((_busy_seconds() - self.before - own.cpu) / (own.wall * cores), 0.0), 1.0)


def _busy_seconds() -> float:
    """Return the seconds that all cores have worked since the machine started."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


def middle(timings: Sequence[Timing]) -> Timing:
    """Return the median of wall times and that of CPU times.

    Examples:
        >>> middle([Timing(3, 6), Timing(1, 8), Timing(2, 7)])
        Timing(wall=2, cpu=7)
    """
    return Timing(median(each.wall for each in timings), median(each.cpu for each in timings))


def extrapolated(few: tuple[int, Timing], many: tuple[int, Timing], wanted: int) -> Timing:
    """Return the time for `wanted` images from those of two smaller numbers, so that a start counts once.

    Examples:
        >>> extrapolated((1, Timing(5, 5)), (11, Timing(10, 15)), 101)
        Timing(wall=55.0, cpu=105.0)
    """
    (first, start), (second, end) = few, many
    return start.plus(end.plus(start, -1), (wanted - first) / (second - first)) if second > first else end
