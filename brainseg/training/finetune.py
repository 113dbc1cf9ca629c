"""Fine-tuning: learning-rate finder, frozen phase, unfrozen phase, each of which a resumed run takes up again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from brainseg.files import write_atomically
from brainseg.training.callbacks import Autocast, Divergence, EarlyStop, EpochSeeds, Guard, Reporter
from brainseg.training.checkpoint import Checkpoints, TrainingState
from brainseg.training.inputs import TrainingInputs
from brainseg.training.learner import Callback, Learner, fit_phase, make_learner
from brainseg.training.log import EpochFigures
from brainseg.training.lr_finder import find_rate, save_curve
from brainseg.training.setup import Setup, parameter_groups
from brainseg.training.task import Meter

FROZEN, UNFROZEN = "frozen", "unfrozen"


def fine_tune(setup: Setup, inputs: TrainingInputs, folder: Path) -> TrainingState:
    """Train the model of `setup` on the training side; the validation side gives the figures of each epoch.

    Args:
        setup: The model, which is trained in place, and its images.
        inputs: Where those images come from.
        folder: Takes `epochs.csv`, `learning_rate.json` and the checkpoints; a checkpoint found there is resumed.

    Returns:
        The figures of all epochs and the learning rate.

    Raises:
        TrainingError: The loss became no number, or a checkpoint does not fit.
        DiskError: The disk has no room for the checkpoints.
        TrainingCancelled: The log said so.
    """
    checkpoints = Checkpoints(folder / "checkpoint")
    checkpoints.check_room(setup.model)
    state = checkpoints.read(inputs.dataset.grouped_fingerprint)
    if state is None:
        state = TrainingState(inputs.dataset.grouped_fingerprint, _learning_rate(setup, folder))
        checkpoints.write(state)
    elif state.epochs:
        setup.log.say(f"Resuming after epoch {state.epochs[-1].epoch}.")
        _tell_again(state, setup, folder)
        checkpoints.restore(state, setup.model)
    training = setup.config.training
    _Phase(FROZEN, training.frozen_epochs, 0, setup, inputs, folder, checkpoints, state).run()
    _Phase(UNFROZEN, training.epochs, training.frozen_epochs, setup, inputs, folder, checkpoints, state).run()
    if training.keep == "best":
        checkpoints.restore_best(setup.model)
        setup.log.say(f"Kept epoch {state.best.epoch}, which had the lowest validation loss.")
    return state


def _tell_again(state: TrainingState, setup: Setup, folder: Path) -> None:
    """Report the restored epochs: a crash between checkpoint and report would otherwise leave a gap in the curves."""
    save_epochs(state.epochs, folder / "epochs.csv")
    for figures in state.epochs:
        setup.log.epoch(figures)


def _learning_rate(setup: Setup, folder: Path) -> float:
    wanted = setup.config.training.learning_rate
    if wanted != "valley":
        return float(wanted)
    curve, suggestion = find_rate(setup)
    save_curve(curve, suggestion, folder / "learning_rate.json")
    setup.log.say(f"The learning-rate finder suggests {suggestion:.2e} after {len(curve)} mini-batches.")
    return suggestion


@dataclass(frozen=True)
class _Phase:
    """One phase of a fine-tuning: its epochs count on from those before it."""

    name: str
    epochs: int
    first_epoch: int
    setup: Setup
    inputs: TrainingInputs
    folder: Path
    checkpoints: Checkpoints
    state: TrainingState

    def run(self) -> None:
        if self.epochs == 0 or self.name in self.state.finished_phases:
            return
        setup, training = self.setup, self.setup.config.training
        done = sum(figures.phase == self.name for figures in self.state.epochs)
        guard = Guard(setup.log)
        divergence = Divergence(setup.log, self._chance(), self.first_epoch, training.frozen_epochs + training.epochs)
        groups = parameter_groups(setup.model, setup.weights)
        learner = make_learner(setup.model, groups, setup.data, training, setup.device)
        learner.add_cbs([guard, divergence, *self._callbacks(learner)])

        def restore(fresh: Learner) -> None:
            self.checkpoints.restore(self.state, setup.model, fresh.opt)

        fit_phase(
            learner,
            self.epochs,
            self.state.learning_rate,
            training,
            frozen=self.name == FROZEN,
            start_epoch=done,
            restore=restore if done else None,
        )
        guard.check()
        divergence.check()
        self.state.finished_phases.append(self.name)
        self.checkpoints.write(self.state)

    def _callbacks(self, learner: Learner) -> list[Callback]:
        setup, training, state = self.setup, self.setup.config.training, self.state

        def finish(figures: EpochFigures) -> None:
            state.epochs.append(figures)
            if training.keep == "best" and state.best is figures:
                self.checkpoints.write_best(setup.model)
            self.checkpoints.write(state, setup.model, learner.opt)
            save_epochs(state.epochs, self.folder / "epochs.csv")
            setup.log.epoch(figures)

        planned = training.frozen_epochs + training.epochs
        return [
            EpochSeeds(training.seed, self.first_epoch),
            Autocast(setup.device, setup.bf16),
            Reporter(self.name, self.first_epoch, planned, setup.log, self._meter, finish),
            EarlyStop(training.patience if self.name == UNFROZEN else 0, lambda: state.waited, setup.log),
        ]

    def _chance(self) -> float:
        """Return about what guessing costs; the losses of masks are of the same size as those of two classes."""
        return math.log(max(math.e, len(self.inputs.dataset.classes)))

    def _meter(self) -> Meter:
        return self.setup.task.meter(self.inputs)


def save_epochs(epochs: list[EpochFigures], file: Path) -> None:
    """Write the figures of all epochs as CSV, atomically."""
    table = pd.DataFrame([figures.to_dict() for figures in epochs])
    write_atomically(file, lambda temporary: table.to_csv(temporary, index=False))
