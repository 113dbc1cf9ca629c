"""How long a run will take, as a range: from the times of earlier runs, or else from a rough rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import psutil

from brainseg.app.tasks import fine_tuned, view_of
from brainseg.config import RunConfig
from brainseg.jobs.workers import queue_of
from brainseg.runs import Kind, Run

CORE_SECONDS = {"resnet18": 0.04, "resnet34": 0.07, "resnet50": 0.09, "resnet101": 0.17, "resnet152": 0.25}
"""Seconds of one core with bfloat16 for the forward and backward pass of one training image of 224 px. ResNet34 and
ResNet50 were measured; the others are scaled by their number of operations."""
ROUGH = (0.5, 3.0)
"""Factors between which a machine may differ from that rule: the slow end has no bfloat16."""
MEASURED = (0.8, 1.3)
"""Factors between which a run may differ from earlier ones: the machine may be more or less busy now."""
FORWARD = 0.4
"""Cost of a forward pass, or of an epoch that trains only the head, relative to a whole training pass."""
START = (8.0, 25.0)
"""Seconds until a trainer has started and has read its images, at best and at worst."""
BUSY = 1.5
"""Factor from which on the estimate reports that the machine is busy."""
NEWEST = 5
"""Number of earlier runs that count: older ones may come from another machine."""


@dataclass(frozen=True)
class Estimate:
    """A range of seconds.

    Attributes:
        low: The lower end.
        high: The upper end.
        measured: Number of earlier runs that it is based on; 0 for the rough rule.
        crowd: Factor by which other programs, if as busy as now, slow the run down; `high` includes it.
    """

    low: float
    high: float
    measured: int
    crowd: float = 1.0

    def sentence(self) -> str:
        """Return the range and what it is based on."""
        return f"{time_range(self.low, self.high)}, {basis(self.measured)}"

    @property
    def busy(self) -> bool:
        """Whether other programs may slow the run down much."""
        return self.crowd >= BUSY


def basis(measured: int) -> str:
    """Return what an estimate is based on.

    Args:
        measured: Number of earlier runs; 0 for the rough rule.
    """
    return f"based on {measured} earlier run{'s' * (measured > 1)}" if measured else "a rough guess"


def crowding(load: float, cores: int, threads: int = 0, own: float = 0.0) -> float:
    """Return the factor by which the other programs on the machine slow a run down.

    Args:
        load: Number of programs that used or waited for a core in the last minute, as `os.getloadavg` counts them.
        cores: Cores of the machine.
        threads: Threads of the run; 0 for one on each core.
        own: Threads of the trainings that run now, which will end before this run begins.
    """
    others = max(load - own, 0.0)
    return max((others + (threads or cores)) / cores, 1.0)


def machine_load() -> tuple[float, int]:
    """Return the machine's load over the last minute, and its cores."""
    return psutil.getloadavg()[0], psutil.cpu_count() or 1


def measured_paces(config: RunConfig, runs: Iterable[Run], images_of: Callable[[Run], int | None]) -> list[float]:
    """Return the seconds per image and epoch of the newest runs with the same network and image size.

    Args:
        config: The planned run.
        runs: All runs, newest first.
        images_of: Returns how many images a run had; None if this is unknown.
    """
    paces: list[float] = []
    queue = cache(queue_of)  # which looks at the disk, for every run
    for run in runs:
        if len(paces) == NEWEST:
            break
        seconds = run.metrics.get("seconds")
        if seconds and _alike(config, run.config, queue) and (images := images_of(run)):
            paces.append(seconds / images)
    return paces


def _alike(config: RunConfig, other: RunConfig, queue: Callable[[str], str]) -> bool:
    return (
        config.task == other.task
        and config.model.arch == other.model.arch
        and config.preparation.size == other.preparation.size
        and queue(config.compute.device) == queue(other.compute.device)
    )


def estimate(
    config: RunConfig, images: int, paces: Sequence[float], kind: Kind = "train", crowd: float = 1.0
) -> Estimate | None:
    """Return how long a run takes once its turn has come.

    Args:
        config: The run.
        images: How many images its dataset has.
        paces: From `measured_paces`.
        kind: What the run does.
        crowd: Factor by which other programs may slow it down, from `crowding`.

    Returns:
        A range; None on a GPU until a run has been measured there.
    """
    if not paces and queue_of(config.compute.device) == "cuda":
        return None
    slack, pace = (MEASURED, (min(paces), max(paces))) if paces else (ROUGH, (_rule(config),) * 2)
    fewest, most = _passes(config, images, kind)
    low, high = (
        start + passes * images * each * factor
        for start, passes, each, factor in zip(START, (fewest, most), pace, slack, strict=True)
    )
    if queue_of(config.compute.device) == "cuda":
        crowd = 1.0  # most of its time is spent on the GPU
    return Estimate(low, high * crowd, len(paces), crowd)


def _rule(config: RunConfig) -> float:
    cores = config.compute.threads or psutil.cpu_count() or 1
    return (
        view_of(config.task).relative_cost
        * CORE_SECONDS[config.model.arch]
        * (config.preparation.size / 224) ** 2
        / cores
    )


def _passes(config: RunConfig, images: int, kind: Kind) -> tuple[float, float]:
    """Return the least and the most passes of all images, in units of an epoch that trains all layers."""
    training = config.training
    if not fine_tuned(config):
        return 2 * FORWARD, 2 * FORWARD
    finds = kind == "find-lr" or training.learning_rate == "valley"
    finder = training.finder_steps * training.batch_size / images if finds else 0.0
    frozen = finder + training.frozen_epochs
    if config.model.weights != "none" and view_of(config.task).one_frozen_pass:
        finder, frozen = min(finder, 1.0), min(frozen, 1.0)
    if kind == "find-lr":
        return FORWARD * finder / 2, FORWARD * finder
    fewest = min(training.epochs, training.patience + 1) if training.patience else training.epochs
    around = FORWARD * (frozen + 1)
    return around + fewest, around + training.epochs


def time_range(low: float, high: float) -> str:
    """Write a range of seconds in one unit."""
    unit, name = _unit(high)
    least, most = _round(low / unit), _round(high / unit)
    if least == "0":
        return f"up to {most} {name}"
    return f"about {least} {name}" if least == most else f"{least} to {most} {name}"


def duration(seconds: float) -> str:
    """Write a duration in a suitable unit."""
    unit, name = _unit(seconds)
    return f"{_round(seconds / unit)} {name}"


def _unit(seconds: float) -> tuple[float, str]:
    return (1.0, "s") if seconds < 90 else (60.0, "min") if seconds < 5400 else (3600.0, "h")


def _round(value: float) -> str:
    """Round to the precision of an estimate: steps of five from thirty on."""
    if value >= 30:
        return f"{round(value / 5) * 5:.0f}"
    return f"{value:.1f}".removesuffix(".0") if value < 3 else f"{value:.0f}"
