"""Callbacks around batches and epochs: seeds, number format, faults, metrics and early stopping."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch

from brainseg.errors import BrainsegError, TrainingError
from brainseg.models.export.processor import available_cores
from brainseg.training.learner import Callback, CancelFitException
from brainseg.training.log import EpochMetrics, Progress, RunLog, TrainingCancelled
from brainseg.training.protocols import Meter
from brainseg.training.threads import OtherLoad, ThreadChoice

DIVERGED = 20.0
"""A training has diverged at this many times the loss of guessing; label smoothing and weights stay far below it."""


class EpochSeeds(Callback):
    """Give every epoch its own seed, so a resumed run draws the same random numbers as an uninterrupted one."""

    order = -50

    def __init__(self, seed: int, first_epoch: int) -> None:
        self.seed, self.first_epoch = seed, first_epoch

    def before_epoch(self) -> None:
        """Seed torch, numpy, Python and the data loader's generator."""
        seed = int(np.random.SeedSequence([self.seed, self.first_epoch + self.epoch]).generate_state(1)[0])
        seed_everything(seed)
        self.dls.train.rng = random.Random(seed)  # noqa: S311 - shuffling, no secret


class Autocast(Callback):
    """Run the model in bfloat16, in training and validation; fastai's own mixed precision supports CUDA only.

    The metrics of an epoch may thus differ in the third digit from those of the final evaluation, which runs in
    float32.
    """

    def __init__(self, device: torch.device, enabled: bool) -> None:
        self.device, self.enabled = device, enabled
        self.context: AbstractContextManager[object] = nullcontext()

    def before_batch(self) -> None:
        """Enter the context."""
        self.context = torch.autocast(self.device.type, torch.bfloat16) if self.enabled else nullcontext()
        self.context.__enter__()

    def after_pred(self) -> None:
        """Leave the context; the loss is computed in float32."""
        self.context.__exit__(None, None, None)
        self.learn.pred = self.pred.float()


class Threads(Callback):
    """Apply a `ThreadChoice` to the steps of a training."""

    order = -60

    def before_fit(self) -> None:
        """Start from what torch uses now."""
        self.choice = ThreadChoice(len(available_cores()))
        self.choice.count = torch.get_num_threads()

    def before_epoch(self) -> None:
        """Try again what was refused; what others did while this training paused does not count."""
        self.choice.new_epoch()
        self.load = OtherLoad()

    def before_batch(self) -> None:
        """Start the clock."""
        self.started = time.perf_counter()

    def after_batch(self) -> None:
        """Choose for the next training step."""
        if self.training:
            count = self.choice.after_step(time.perf_counter() - self.started, self.load.since_last())
            if count != torch.get_num_threads():
                torch.set_num_threads(count)


class Guard(Callback):
    """Stop within a batch if the user cancels or the loss is NaN or infinite; `check` then raises the reason.

    fastai changes the text of exceptions inside its loop, so the reason is kept here until the loop ends.
    """

    order = -40

    def __init__(self, log: RunLog, watch_loss: bool = True) -> None:
        self.log, self.watch_loss = log, watch_loss
        self.reason: BrainsegError | None = None

    def before_batch(self) -> None:
        """Check for a request to cancel."""
        if self.log.cancelled():
            self.reason = TrainingCancelled("The run was cancelled.")
            raise CancelFitException

    def after_loss(self) -> None:
        """Check the loss of training and validation batches; a network may overflow in validation first."""
        if self.watch_loss and not torch.isfinite(self.loss):
            self.reason = TrainingError(
                f"The loss became {float(self.loss.detach())} at a learning rate of {self.opt.hypers[-1]['lr']:.2g}: "
                "choose a lower training.learning_rate, or fp32 in compute.precision."
            )
            raise CancelFitException

    def check(self) -> None:
        """Raise the reason for a stop, if there was one."""
        if self.reason:
            raise self.reason


class Divergence(Callback):
    """Stop if the training loss is far too high and does not fall, or is far too high at the end of the run.

    `check` raises the reason. The median over the last quarter of an epoch decides, since the loss of single batches
    may jump. A network may recover from a bad start, so the first such epoch is only logged, unless it is the run's
    last. Validation losses do not count: in the first epochs, the running means of batch normalisation come from only a
    few batches, so these losses can be wild.

    Args:
        log: Receives a message about the first epoch whose loss is far too high.
        chance: The loss of guessing, such as ln(classes).
        first_epoch: Number of epochs in earlier phases.
        planned: Number of epochs in all phases.
    """

    order = 55

    def __init__(self, log: RunLog, chance: float, first_epoch: int, planned: int) -> None:
        self.log, self.chance, self.first_epoch, self.planned = log, chance, first_epoch, planned
        self.losses: list[float] = []
        self.before = math.inf
        self.reason: TrainingError | None = None

    def before_epoch(self) -> None:
        """Discard the losses of the previous epoch."""
        self.losses = []

    def after_batch(self) -> None:
        """Collect the loss of a training batch."""
        if self.training:
            self.losses.append(float(self.loss.detach()))

    def after_epoch(self) -> None:
        """Check the end of the epoch, before it is reported or stored."""
        last = self.losses[-max(1, len(self.losses) // 4) :]
        found = float(np.median(last)) if last else 0.0
        if found <= DIVERGED * self.chance:
            self.before = math.inf
            return
        number = self.first_epoch + self.epoch + 1
        reason = (
            f"its loss is {found:.3g} in epoch {number}, and that of guessing is {self.chance:.2g}: choose a "
            f"training.learning_rate below {self._rate():.2g}."
        )
        if found >= self.before or number == self.planned:
            self.reason = TrainingError(f"The training diverged: {reason}")
            raise CancelFitException
        if math.isinf(self.before):
            self.log.message(f"The training may diverge: {reason}")
        self.before = found

    def _rate(self) -> float:
        return max(self.recorder.lrs, default=float(self.opt.hypers[-1]["lr"]))

    def check(self) -> None:
        """Raise the reason for a stop, if there was one."""
        if self.reason:
            raise self.reason


class FinderProgress(Callback):
    """Report the steps of the learning-rate finder."""

    def __init__(self, log: RunLog, steps: int) -> None:
        self.log, self.steps = log, steps

    def after_batch(self) -> None:
        """Count the batch."""
        self.log.progress(Progress("finding", self.train_iter, self.steps))


class Reporter(Callback):
    """Report progress after each batch; call `finish` with the metrics of each epoch."""

    order = 60

    def __init__(
        self,
        phase: str,
        first_epoch: int,
        epochs: int,
        log: RunLog,
        meter: Callable[[], Meter],
        finish: Callable[[EpochMetrics], None],
    ) -> None:
        self.phase, self.first_epoch, self.epochs = phase, first_epoch, epochs
        self.log, self.new_meter, self.finish = log, meter, finish
        self.losses: list[float] = []

    def before_epoch(self) -> None:
        """Start the clock and a new meter."""
        self.started = time.perf_counter()
        self.losses, self.meter = [], self.new_meter()

    def after_batch(self) -> None:
        """Collect the loss of a training batch, or evaluate a validation batch."""
        if self.training:
            self.losses.append(float(self.loss.detach()))
            self.log.progress(
                Progress(self.phase, self.iter + 1, self.n_iter, self.first_epoch + self.epoch + 1, self.epochs)
            )
        else:
            self.meter.add(self.pred.detach().float().cpu(), self.y.cpu())

    def after_epoch(self) -> None:
        """Report the epoch, unless it was skipped because it was finished before the run was resumed."""
        if not self.losses:
            return
        self.finish(
            EpochMetrics(
                phase=self.phase,
                epoch=self.first_epoch + self.epoch + 1,
                train_loss=float(np.mean(self.losses)),
                **self.meter.metrics(),
                learning_rate=float(self.opt.hypers[-1]["lr"]),
                seconds=time.perf_counter() - self.started,
            )
        )


class EarlyStop(Callback):
    """End the phase if the validation loss has not fallen for `patience` epochs; with 0, never."""

    order = 70

    def __init__(self, patience: int, waited: Callable[[], int], log: RunLog) -> None:
        self.patience, self.waited, self.log = patience, waited, log

    def after_epoch(self) -> None:
        """Stop if the best epoch is at least `patience` epochs old."""
        if self.patience and self.waited() >= self.patience:
            self.log.message(f"The validation loss has not fallen for {self.patience} epochs: training ends here.")
            raise CancelFitException


def seed_everything(seed: int) -> None:
    """Seed the generators of torch, numpy and Python."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
