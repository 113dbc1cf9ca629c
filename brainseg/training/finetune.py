"""Fine-tuning: learning-rate finder, frozen phase and unfrozen phase; a run can be resumed in any of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Generic

import pandas as pd

from brainseg.files import write_atomically
from brainseg.training.callbacks import Autocast, Divergence, EarlyStop, EpochSeeds, Guard, Reporter, Threads
from brainseg.training.checkpoint import FOLDER, Checkpoints, TrainingState
from brainseg.training.context import TrainingContext
from brainseg.training.head_inputs import HeadInputs, head_inputs
from brainseg.training.inputs import D
from brainseg.training.learner import Callback, Learner, fit_phase, make_learner
from brainseg.training.log import EpochMetrics
from brainseg.training.lr_finder import CURVE, find_rate, finder_images, save_curve
from brainseg.training.threads import threads_are_free

FROZEN, UNFROZEN = "frozen", "unfrozen"
EPOCHS = "epochs.csv"


def fine_tune(context: TrainingContext[D]) -> TrainingState:
    """Train the context's model in place on the training set, and compute metrics on the validation set every epoch.

    The context's folder receives `epochs.csv`, `learning_rate.json` and the checkpoints. If it holds a checkpoint, the
    training is resumed.

    Returns:
        The metrics of all epochs and the learning rate.

    Raises:
        TrainingError: The loss became NaN or infinite, the training diverged, or a checkpoint does not fit.
        DiskError: The disk has no space for the checkpoints.
        TrainingCancelled: The user cancelled the run.
    """
    checkpoints = Checkpoints(context.folder / FOLDER)
    checkpoints.check_free_space(context.model)
    fingerprint = context.inputs.dataset.grouped_fingerprint
    state, head = checkpoints.read(fingerprint), _Head(context)
    if state is None:
        state = TrainingState(fingerprint, _learning_rate(context, head))
        checkpoints.write(state)
    elif state.epochs:
        context.log.message(f"Resuming after epoch {state.epochs[-1].epoch}.")
        _report_again(state, context)
        checkpoints.restore(state, context.model)
    run, training = _FineTuning(context, checkpoints, state, head), context.config.training
    run.phase(FROZEN, training.frozen_epochs, first_epoch=0)
    head.drop()
    run.phase(UNFROZEN, training.epochs, first_epoch=training.frozen_epochs)
    if training.keep == "best":
        checkpoints.restore_best(context.model)
        context.log.message(f"Kept epoch {state.best.epoch}, which had the lowest validation loss.")
    return state


def _report_again(state: TrainingState, context: TrainingContext[D]) -> None:
    """Report the restored epochs again, since a crash after a checkpoint may have prevented their first report."""
    save_epochs(state.epochs, context.folder / EPOCHS)
    for epoch in state.epochs:
        context.log.epoch(epoch)


class _Head(Generic[D]):
    """The inputs of the head, computed for the finder or the frozen phase, whichever needs them first."""

    def __init__(self, context: TrainingContext[D]) -> None:
        self.context = context

    @cached_property
    def inputs(self) -> HeadInputs[D] | None:
        frozen = self.context.config.training.frozen_epochs
        return head_inputs(self.context, most=None if frozen else finder_images(self.context))

    def drop(self) -> None:
        """Free their memory."""
        self.__dict__.pop("inputs", None)


def _learning_rate(context: TrainingContext[D], head: _Head[D]) -> float:
    wanted = context.config.training.learning_rate
    if wanted != "valley":
        return float(wanted)
    curve, suggestion = find_rate(context, head.inputs)
    save_curve(curve, suggestion, context.folder / CURVE)
    context.log.message(f"The learning-rate finder suggests {suggestion:.2e} after {len(curve)} mini-batches.")
    return suggestion


@dataclass(frozen=True)
class _FineTuning(Generic[D]):
    """A fine-tuning in progress."""

    context: TrainingContext[D]
    checkpoints: Checkpoints
    state: TrainingState
    head: _Head[D]

    def phase(self, name: str, epochs: int, first_epoch: int) -> None:
        """Run one phase, or the rest of it; its epochs are numbered after those of earlier phases."""
        if epochs == 0 or name in self.state.finished_phases:
            return
        context, training = self.context, self.context.config.training
        planned = training.frozen_epochs + training.epochs
        done = sum(epoch.phase == name for epoch in self.state.epochs)
        guard = Guard(context.log)
        divergence = Divergence(context.log, self._loss_of_guessing(), first_epoch, planned)
        head = self.head.inputs if name == FROZEN else None
        if head and not done:  # a checkpoint holds them already
            head.adapt(context.model)
        learner = make_learner(context, head=head)
        if threads_are_free(context.config.compute, context.device):
            learner.add_cbs([Threads()])
        learner.add_cbs(
            [
                guard,
                divergence,
                EpochSeeds(training.seed, first_epoch),
                Autocast(context.device, context.bf16),
                self._reporter(name, first_epoch, planned, learner),
                EarlyStop(training.patience if name == UNFROZEN else 0, lambda: self.state.waited, context.log),
            ]
        )

        def restore(new: Learner) -> None:
            self.checkpoints.restore(self.state, context.model, new.opt)

        fit_phase(
            learner,
            epochs,
            self.state.learning_rate,
            training,
            frozen=name == FROZEN,
            start_epoch=done,
            restore=restore if done else None,
        )
        guard.check()
        divergence.check()
        self.state.finished_phases.append(name)
        self.checkpoints.write(self.state)

    def _reporter(self, phase: str, first_epoch: int, planned: int, learner: Learner) -> Callback:
        context, state = self.context, self.state

        def finish(epoch: EpochMetrics) -> None:
            state.epochs.append(epoch)
            if context.config.training.keep == "best" and state.best is epoch:
                self.checkpoints.write_best(context.model)
            self.checkpoints.write(state, context.model, learner.opt)
            save_epochs(state.epochs, context.folder / EPOCHS)
            context.log.epoch(epoch)

        return Reporter(phase, first_epoch, planned, context.log, lambda: context.task.meter(context.inputs), finish)

    def _loss_of_guessing(self) -> float:
        """Return the approximate loss of guessing; losses of masks are about as large as those of two classes."""
        return math.log(max(math.e, len(self.context.inputs.dataset.classes)))


def save_epochs(epochs: list[EpochMetrics], file: Path) -> None:
    """Write the metrics of all epochs as CSV, atomically."""
    table = pd.DataFrame([epoch.to_dict() for epoch in epochs])
    write_atomically(file, lambda temporary: table.to_csv(temporary, index=False))
