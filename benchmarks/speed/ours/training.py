"""Training with brainseg as its trainer process does it, one epoch a turn.

An epoch is timed as fastai's own progress bar times it: from its first batch to the metrics of its validation. What
brainseg does between two epochs, such as writing a checkpoint, counts in the row of the whole protocol.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import torch

from benchmarks.speed.ours.quiet import Quiet
from benchmarks.speed.side import Turns
from benchmarks.speed.timing import Timing, clock
from brainseg.config import RunConfig
from brainseg.tasks import task_of
from brainseg.training.compute import keep_memory
from brainseg.training.finetune import fine_tune
from brainseg.training.log import EpochMetrics
from brainseg.training.protocols import Meter
from brainseg.training.setup import open_run

ENDLESS = 1000
"""Epochs that are planned; the process ends when nobody asks for another."""


class _TimedMeter:
    """A meter whose life is the epoch: made before its first batch, asked after its last."""

    def __init__(self, meter: Meter, log: _OneEpochATurn) -> None:
        self.meter, self.log = meter, log
        log.begin()

    def add(self, logits: torch.Tensor, targets: torch.Tensor) -> None:
        self.meter.add(logits, targets)

    def metrics(self) -> dict[str, float]:
        found = self.meter.metrics()
        self.log.end()
        return found


class _OneEpochATurn(Quiet):
    """A `RunLog` that lets an epoch begin when it is this side's turn."""

    def __init__(self, turns: Turns) -> None:
        self.turns, self.images = turns, 0
        self.timing: Timing = Timing()
        self._clock = clock()

    def begin(self) -> None:
        self._clock = clock()
        self.timing = self._clock.__enter__()

    def end(self) -> None:
        nothing: tuple[type[BaseException] | None, BaseException | None, TracebackType | None] = (None, None, None)
        self._clock.__exit__(*nothing)

    def epoch(self, metrics: EpochMetrics) -> None:
        values = {"images": self.images, "threads": torch.get_num_threads(), "reported": metrics.seconds}
        self.turns.report(self.timing, **values)
        self.turns.wait()


def timed_task(config: RunConfig, log: _OneEpochATurn) -> Any:  # noqa: ANN401 - a task of any kind
    """Return the task of a configuration, whose meters time the epochs."""
    kind = type(task_of(config))

    def meter(self: Any, inputs: Any) -> _TimedMeter:  # noqa: ANN401 - as above
        return _TimedMeter(kind.meter(self, inputs), log)

    return type("Timed", (kind,), {"meter": meter})(config)


def side(turns: Turns, preset: str, settings: Mapping[str, Any]) -> None:
    """Train one unfrozen epoch a turn.

    Args:
        turns: The turns.
        preset: The preset of the run.
        settings: Its dotted settings.
    """
    keep_memory()
    endless = {"training.epochs": ENDLESS, "training.frozen_epochs": 0, "training.learning_rate": 1e-4}
    config = RunConfig.from_preset(preset, {**settings, **endless})
    os.nice(config.compute.nice)
    log = _OneEpochATurn(turns)
    with tempfile.TemporaryDirectory() as folder:
        context = open_run(timed_task(config, log), log, Path(folder))
        log.images = len(context.inputs.images)
        turns.wait()
        fine_tune(context)
