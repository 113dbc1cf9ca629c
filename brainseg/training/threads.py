"""Chooses a training's number of CPU threads while it runs, from what other programs leave free.

The threads of a step wait for each other, so one that shares its core with another program holds up all of them: beside
one busy program, two threads on two cores take many times as long as one.
"""

from __future__ import annotations

import os
import time

import psutil
import torch

from brainseg.config import ComputeConfig
from brainseg.models.export.processor import available_cores

WINDOW = 0.5
"""Seconds over which the load of other programs is measured: the system counts it in hundredths of a second."""
TOLERATED = 0.6
"""Load of other programs, in cores, that costs less than giving up a thread."""
TRIAL = 3
"""Steps after which a new number of threads must have proved faster; the first ones warm up caches."""
FAR_SLOWER = 3.0
"""A step that takes this many times as long ends the trial at once."""


def threads_are_free(config: ComputeConfig, device: torch.device) -> bool:
    """Return whether brainseg may choose: not on a GPU, and not if the user has chosen by setting or environment."""
    chosen = config.threads or os.environ.get("OMP_NUM_THREADS")
    return device.type == "cpu" and not chosen and len(available_cores()) > 1


class ThreadChoice:
    """The rule: leave busy cores to other programs, and go back if that makes the steps slower.

    Args:
        most: Number of cores that the training may use.
    """

    def __init__(self, most: int) -> None:
        self.most = self.count = most
        self._seconds: list[float] = []
        self._before: tuple[int, float] | None = None
        self._refused: int | None = None

    def new_epoch(self) -> None:
        """Allow numbers of threads again that an earlier trial has refused."""
        self._refused = None

    def after_step(self, seconds: float, others: float | None) -> int:
        """Return the number of threads for the next step.

        Args:
            seconds: How long the last step took.
            others: How many cores other programs kept busy lately; None if that was not measured.
        """
        self._seconds.append(seconds)
        if self._before:
            self._judge(*self._before)
        elif others is not None:
            wanted = min(max(int(self.most - others + TOLERATED), 1), self.most)
            if wanted not in (self.count, self._refused):
                self._before = (self.count, min(self._seconds[-TRIAL:]))
                self.count, self._seconds = wanted, []
        return self.count

    def _judge(self, count: int, seconds: float) -> None:
        if min(self._seconds) > FAR_SLOWER * seconds or (len(self._seconds) >= TRIAL and min(self._seconds) > seconds):
            self._refused, self.count, self._before, self._seconds = self.count, count, None, []
        elif len(self._seconds) >= TRIAL:
            self._before = None


class OtherLoad:
    """Measures how many of the cores that this process may use are kept busy by others."""

    def __init__(self) -> None:
        self.cores = available_cores()
        self._last = self._read()

    def since_last(self) -> float | None:
        """Return the mean load since the last answer, in cores; None if that was less than `WINDOW` ago."""
        now = self._read()
        wall, busy, own = (new - old for new, old in zip(now, self._last, strict=True))
        if wall < WINDOW:
            return None
        self._last = now
        return max(busy - own, 0.0) / wall

    def _read(self) -> tuple[float, float, float]:
        return time.perf_counter(), self._busy(), time.process_time()

    def _busy(self) -> float:
        """Return the time in which the cores worked, for whomever, or were taken away by the host of a virtual one."""
        names = ("user", "nice", "system", "irq", "softirq", "steal")
        each = psutil.cpu_times(percpu=True)
        return sum(getattr(each[core], name, 0.0) for core in self.cores if core < len(each) for name in names)
