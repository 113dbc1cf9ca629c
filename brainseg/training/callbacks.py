"""What happens around a batch and an epoch: seeds, number format, faults, figures, early stop and checkpoints."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch

from brainseg.errors import BrainsegError, TrainingError
from brainseg.training.learner import Callback, CancelFitException
from brainseg.training.log import EpochFigures, Progress, RunLog
from brainseg.training.task import Meter

BEYOND_REASON = 20.0
"""Times the loss of guessing from which on a training has diverged: label smoothing and weights stay far below it."""


class TrainingCancelled(BrainsegError):
    """The user asked the training to stop."""


class EpochSeeds(Callback):
    """Give every epoch its own seed, so that a resumed run draws what an uninterrupted one would have drawn."""

    order = -50

    def __init__(self, seed: int, first_epoch: int) -> None:
        self.seed, self.first_epoch = seed, first_epoch

    def before_epoch(self) -> None:
        """Seed torch, numpy, Python and the loader's own generator."""
        seed = int(np.random.SeedSequence([self.seed, self.first_epoch + self.epoch]).generate_state(1)[0])
        seed_everything(seed)
        self.dls.train.rng = random.Random(seed)  # noqa: S311 - shuffling, no secret


class Autocast(Callback):
    """Run the model in bfloat16 while training; fastai's own mixed precision only speaks to CUDA."""

    def __init__(self, device: torch.device, enabled: bool) -> None:
        self.device, self.enabled = device, enabled
        self.context: AbstractContextManager[object] = nullcontext()

    def before_batch(self) -> None:
        """Enter the context; validation stays in float32, so that its figures are those of the evaluation."""
        self.context = nullcontext()
        if self.enabled and self.training:
            self.context = torch.autocast(self.device.type, torch.bfloat16)
        self.context.__enter__()

    def after_pred(self) -> None:
        """Leave the context; the loss is computed in float32."""
        self.context.__exit__(None, None, None)
        self.learn.pred = self.pred.float()


class Guard(Callback):
    """Stop within a batch when the user cancels or the loss is no number; `check` then raises the reason.

    fastai rewrites the text of exceptions that pass through its loop, so the reason waits here until the loop ended.
    """

    order = -40

    def __init__(self, log: RunLog, watch_loss: bool = True) -> None:
        self.log, self.watch_loss = log, watch_loss
        self.reason: BrainsegError | None = None

    def before_batch(self) -> None:
        """Ask for a cancel request."""
        if self.log.cancelled():
            self.reason = TrainingCancelled("The run was cancelled.")
            raise CancelFitException

    def after_loss(self) -> None:
        """Look at the loss: a network can also overflow on validation images first."""
        if self.watch_loss and not torch.isfinite(self.loss):
            self.reason = TrainingError(
                f"The loss became {float(self.loss.detach())} at a learning rate of {self.opt.hypers[-1]['lr']:.2g}: "
                "choose a lower training.learning_rate, or fp32 in compute.precision."
            )
            raise CancelFitException

    def check(self) -> None:
        """Raise the reason of a stop, if there was one."""
        if self.reason:
            raise self.reason


class Divergence(Callback):
    """Stop when the training loss is beyond reason and does not fall, or is so at the end; `check` raises the reason.

    Judged by the median of an epoch's last quarter, since single batches may jump. A network that begins badly may come
    back, so the first such epoch is only reported in the log, unless it is the run's last. Validation losses do not
    count: those of the first epochs can be wild where a few batches have barely set the running means of batch
    normalisation.

    Args:
        log: Told of the first epoch whose loss is beyond reason.
        chance: The loss of a model that knows nothing, such as ln(classes).
        first_epoch: Epochs of earlier phases.
        planned: Epochs of all phases.
    """

    order = 55

    def __init__(self, log: RunLog, chance: float, first_epoch: int, planned: int) -> None:
        self.log, self.chance, self.first_epoch, self.planned = log, chance, first_epoch, planned
        self.losses: list[float] = []
        self.before = math.inf
        self.reason: TrainingError | None = None

    def before_epoch(self) -> None:
        """Start again."""
        self.losses = []

    def after_batch(self) -> None:
        """Collect the loss of a training batch."""
        if self.training:
            self.losses.append(float(self.loss.detach()))

    def after_epoch(self) -> None:
        """Look at the end of the epoch, before it is reported or stored."""
        last = self.losses[-max(1, len(self.losses) // 4) :]
        found = float(np.median(last)) if last else 0.0
        if found <= BEYOND_REASON * self.chance:
            self.before = math.inf
            return
        number = self.first_epoch + self.epoch + 1
        said = (
            f"its loss is {found:.3g} in epoch {number}, and guessing costs {self.chance:.2g}: choose a "
            f"training.learning_rate below {self._rate():.2g}."
        )
        if found >= self.before or number == self.planned:
            self.reason = TrainingError(f"The training diverged: {said}")
            raise CancelFitException
        if math.isinf(self.before):
            self.log.say(f"The training may diverge: {said}")
        self.before = found

    def _rate(self) -> float:
        return max(self.recorder.lrs, default=float(self.opt.hypers[-1]["lr"]))

    def check(self) -> None:
        """Raise the reason of a stop, if there was one."""
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
    """Report progress a batch and figures an epoch; `finish` is called with the figures of each epoch."""

    order = 60

    def __init__(
        self,
        phase: str,
        first_epoch: int,
        epochs: int,
        log: RunLog,
        meter: Callable[[], Meter],
        finish: Callable[[EpochFigures], None],
    ) -> None:
        self.phase, self.first_epoch, self.epochs = phase, first_epoch, epochs
        self.log, self.new_meter, self.finish = log, meter, finish
        self.losses: list[float] = []

    def before_epoch(self) -> None:
        """Start afresh."""
        self.started = time.perf_counter()
        self.losses, self.meter = [], self.new_meter()

    def after_batch(self) -> None:
        """Collect the loss of a training batch, or judge a validation batch."""
        if self.training:
            self.losses.append(float(self.loss.detach()))
            self.log.progress(
                Progress(self.phase, self.iter + 1, self.n_iter, self.first_epoch + self.epoch + 1, self.epochs)
            )
        else:
            self.meter.add(self.pred.detach().float().cpu(), self.y.cpu())

    def after_epoch(self) -> None:
        """Report the epoch, unless it was skipped because an earlier session did it."""
        if not self.losses:
            return
        self.finish(
            EpochFigures(
                phase=self.phase,
                epoch=self.first_epoch + self.epoch + 1,
                train_loss=float(np.mean(self.losses)),
                **self.meter.figures(),
                learning_rate=float(self.opt.hypers[-1]["lr"]),
                seconds=time.perf_counter() - self.started,
            )
        )


class EarlyStop(Callback):
    """End the phase when the validation loss has not fallen for `patience` epochs; 0 never does."""

    order = 70

    def __init__(self, patience: int, waited: Callable[[], int], log: RunLog) -> None:
        self.patience, self.waited, self.log = patience, waited, log

    def after_epoch(self) -> None:
        """Look how long the best epoch ago is."""
        if self.patience and self.waited() >= self.patience:
            self.log.say(f"The validation loss has not fallen for {self.patience} epochs: training ends here.")
            raise CancelFitException


def seed_everything(seed: int) -> None:
    """Seed the generators of torch, numpy and Python."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
