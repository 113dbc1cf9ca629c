"""Learners, their phases and the learning-rate finder; the only module that uses fastai directly."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.callback.mixup import MixUp
from fastai.callback.schedule import LRFinder, valley
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner, Recorder
from fastai.optimizer import SGD, Optimizer, RAdam
from torch import nn

from brainseg.config import TrainingConfig
from brainseg.models.architectures import Classifier
from brainseg.models.inputs import normalise, on_device, to_batch
from brainseg.training.adam import adam_step
from brainseg.training.augmentation import make_augmentation
from brainseg.training.compiled import CompiledTraining
from brainseg.training.context import TrainingContext
from brainseg.training.head_inputs import HeadAlone, HeadInputs
from brainseg.training.inputs import D

__all__ = [
    "Callback",
    "CancelFitException",
    "Learner",
    "find_learning_rate",
    "fit_phase",
    "make_learner",
]

FINDER_START, FINDER_END = 1e-6, 1.0
"""Six decades instead of fastai's eight: the same number of steps per decade in three quarters of the time. Below this
range nothing is learnt, and above it every loss has diverged."""
DIVERGED = 4
"""The search ends when the smoothed loss is this many times the best one (fastai's own choice)."""
FINDER_SKIP_START = 10
"""The first 1 / FINDER_SKIP_START of the steps are left out of the suggestion (fastai's own choice)."""
FINDER_SKIP_END = 5
"""This many last steps are also left out, since the loss has diverged there (fastai's own choice)."""


class FusedAdam(Optimizer):
    """fastai's `Adam`, computed for all parameters at once; see `adam_step`. Its state has the names of fastai's."""

    def __init__(self, params: Sequence[Sequence[nn.Parameter]], lr: float) -> None:
        super().__init__(params, [], lr=lr, mom=0.9, sqr_mom=0.99, eps=1e-5, wd=0.01)  # fastai's own values

    def zero_grad(self) -> None:
        """Forget the gradients: the next ones are stored as they come, not added to zeros."""
        for parameter, *_ in self.all_params():
            parameter.grad = None

    def step(self, closure: None = None) -> None:
        """Update every parameter that has a gradient."""
        for parameters, rates in zip(self.param_lists, self.hypers, strict=True):
            adam_step(((each, self.state[each]) for each in parameters if each.grad is not None), rates)


class Clip(Callback):
    """Limit the norm of all gradients together; gradients within the limit stay as they are."""

    run_valid = False

    def __init__(self, norm: float) -> None:
        self.limit = norm

    def before_step(self) -> None:
        """Measure the norm, and scale the gradients down if it is too large."""
        parameters = [each for each in self.parameters() if each.grad is not None]
        norm = nn.utils.get_total_norm([each.grad for each in parameters])
        if not norm <= self.limit:  # also for a NaN, which then spreads to the loss and stops the training
            nn.utils.clip_grads_with_norm_(parameters, self.limit, norm)


OPTIMISERS = {"adam": FusedAdam, "radam": RAdam, "sgd": SGD}


class _RowLoader(DataLoader):
    """A fastai loader over places in a list of rows, which draws whole batches.

    Args:
        context: The run.
        side: "train" or "valid".
        places: The training rows to use, by their places among all training rows; all by default.
    """

    def __init__(self, context: TrainingContext[D], side: str, places: np.ndarray | None = None) -> None:
        self.inputs, self.rows, self.trains = context.inputs, context.inputs.rows(side), side == "train"
        self.sampling = context.sampling if self.trains else None
        batch_size = min(context.config.training.batch_size, len(context.inputs.rows("train")))
        if places is not None:
            self.rows = self.rows[places]
            self.sampling = None if self.sampling is None else self.sampling[places]
            batch_size = min(batch_size, len(self.rows))
        super().__init__(
            range(len(self.rows)), bs=batch_size, shuffle=self.trains, drop_last=self.trains, num_workers=0
        )

    def get_idxs(self) -> list[int]:
        if self.sampling is None:
            return list(super().get_idxs())
        return list(self.rng.choices(range(self.n), weights=self.sampling, k=self.n))

    def targets(self, places: Sequence[int]) -> np.ndarray:
        return np.stack([self.inputs.targets[self.rows[place]] for place in places])


class _BatchLoader(_RowLoader):
    """Reads a whole batch of images from the memory-mapped array at once."""

    def __init__(self, context: TrainingContext[D], side: str) -> None:
        super().__init__(context, side)
        self.normalise = context.config.preparation.normalise
        self.augment = make_augmentation(context.config.training.augmentation) if self.trains else None

    def create_batch(self, places: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        images, targets = np.stack([self.inputs.images[self.rows[place]] for place in places]), self.targets(places)
        if self.augment:
            images, targets = self.augment(images, targets)
        return to_batch(images), torch.from_numpy(targets)

    def after_batch(self, batch: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        images, targets = batch
        images = normalise(images, self.normalise)
        return images.contiguous(memory_format=torch.channels_last), targets.long()


class _HeadLoader(_RowLoader):
    """Reads a batch of what the frozen body made of the images, which is computed when the first batch is read."""

    def __init__(
        self,
        context: TrainingContext[D],
        side: str,
        compute: Callable[[], tuple[torch.Tensor, ...]],
        places: np.ndarray | None = None,
    ) -> None:
        super().__init__(context, side, places)
        self.compute = compute

    @cached_property
    def values(self) -> tuple[torch.Tensor, ...]:
        return self.compute()

    def create_batch(self, places: Sequence[int]) -> tuple[torch.Tensor, ...]:
        targets = torch.from_numpy(self.targets(places)).long()
        return *(values[list(places)].float() for values in self.values), targets


def make_learner(
    context: TrainingContext[D], callbacks: Sequence[Callback] = (), head: HeadInputs[D] | None = None
) -> Learner:
    """Build a fastai learner without its printing and progress bars.

    Args:
        context: Network, images, targets, split and settings. In the frozen phase, only the last of the network's
            parameter groups learns.
        callbacks: Callbacks in addition to clipping and mixup, which depend on the settings.
        head: Train the head alone, on these inputs; mixup then mixes them instead of images. By default, the whole
            network runs on images.
    """
    config, inputs, groups = context.config.training, context.inputs, context.parameter_groups()
    model = on_device(context.model, context.device)
    if head and isinstance(model, Classifier):
        loaders = [
            _HeadLoader(context, "train", lambda: head.train, head.places),
            _HeadLoader(context, "valid", lambda: head.validation(model)),
        ]
        trained: nn.Module = HeadAlone(model)
    else:
        loaders = [_BatchLoader(context, side) for side in ("train", "valid")]
        trained = CompiledTraining(model) if context.config.compute.compile else model
    extra: list[Callback] = [Clip(config.clip_norm)] if config.clip_norm else []
    if config.mixup:
        extra.append(MixUp(config.mixup))
    learner = Learner(
        DataLoaders(*loaders, device=context.device),
        trained,
        loss_func=context.task.loss(inputs).to(context.device),
        opt_func=OPTIMISERS[config.optimiser],
        splitter=lambda _: groups,
        wd=config.weight_decay,
    )
    # fastai's default callbacks depend on what is imported: keep those that train, remove those that print.
    learner.remove_cbs([cb for cb in learner.cbs if cb.name not in {"train_eval", "recorder", "cast_to_tensor"}])
    learner.add_cbs([*extra, *callbacks])
    learner.logger = lambda _: None
    return learner


def fit_phase(
    learner: Learner,
    epochs: int,
    learning_rate: float,
    config: TrainingConfig,
    frozen: bool,
    start_epoch: int = 0,
    restore: Callable[[Learner], None] | None = None,
) -> None:
    """Train one phase with fastai's one-cycle schedule.

    The two phases follow fastai's `fine_tune`. In the frozen phase, the rate rises to `learning_rate` almost until the
    end. In the unfrozen phase, it starts at a fifth of half that rate, peaks after three tenths and then falls.

    Args:
        learner: From `make_learner`.
        epochs: Epochs of the whole phase.
        learning_rate: Peak rate of the new layers.
        config: The run's training settings.
        frozen: Let only the last parameter group learn.
        start_epoch: Epochs of this phase that are already done.
        restore: Restores weights and optimiser state before training continues.
    """
    learner.create_opt()
    learner.freeze() if frozen and len(learner.opt.param_lists) > 1 else learner.unfreeze()
    if restore:
        restore(learner)
    if frozen:
        learner.fit_one_cycle(epochs, slice(learning_rate), pct_start=0.99, start_epoch=start_epoch)
        return
    peak = learning_rate / 2
    learner.fit_one_cycle(
        epochs, slice(peak * config.body_lr_ratio, peak), pct_start=0.3, div=5.0, start_epoch=start_epoch
    )


def find_learning_rate(learner: Learner, steps: int) -> tuple[pd.DataFrame, float]:
    """Run fastai's learning-rate finder on a frozen body, and take its "valley" suggestion.

    Args:
        learner: A learner of a copy of the network, whose weights change.
        steps: Largest number of mini-batches; the finder stops early if the loss diverges.

    Returns:
        The curve (columns `learning_rate`, `loss` of the batch, `smoothed_loss`; one row per step), and the suggestion.
        If the curve is too short for a valley, the suggestion is the rate of the lowest smoothed loss, divided by ten.
    """
    learner.create_opt()
    if len(learner.opt.param_lists) > 1:
        learner.freeze()
    losses = _FinderLosses(steps)
    epochs = math.ceil(steps / max(1, len(learner.dls.train)))
    with tempfile.TemporaryDirectory() as folder:
        # fastai saves the weights to a file in this folder before the search, and restores them afterwards.
        learner.path = type(learner.path)(folder)
        learner.fit(
            epochs, cbs=[LRFinder(start_lr=FINDER_START, end_lr=FINDER_END, num_it=steps, stop_div=False), losses]
        )
    recorder: Recorder = learner.recorder
    curve = pd.DataFrame(
        {"learning_rate": recorder.lrs, "loss": losses.values[: len(recorder.lrs)], "smoothed_loss": recorder.losses}
    ).astype(float)
    return curve, suggest(curve)


def suggest(curve: pd.DataFrame) -> float:
    """Return fastai's valley suggestion for a finder's curve; see `find_learning_rate`."""
    part = curve.iloc[len(curve) // FINDER_SKIP_START : -FINDER_SKIP_END]
    part = part[np.isfinite(part["smoothed_loss"])]
    if len(part) < FINDER_SKIP_END:
        finite = curve[np.isfinite(curve["smoothed_loss"])]
        return float(finite.loc[finite["smoothed_loss"].idxmin(), "learning_rate"]) / 10
    return float(valley(part["learning_rate"].to_list(), part["smoothed_loss"].to_list(), len(part))[0])


class _FinderLosses(Callback):
    """Collect the finder's losses, and stop the search when they diverge.

    fastai's own rule, four times the best smoothed loss, includes the first batches, so two easy ones can end the
    search. Here only the part of the curve that is used counts.
    """

    order = 55  # after the recorder, whose smoothed loss is read here, and before the finder may end the search

    def __init__(self, steps: int) -> None:
        self.steps, self.best = steps, math.inf
        self.values: list[float] = []

    def after_batch(self) -> None:
        self.values.append(float(self.loss.detach()))
        smoothed = float(self.smooth_loss)
        if len(self.values) > self.steps // FINDER_SKIP_START:
            self.best = min(self.best, smoothed)
        if not math.isfinite(smoothed) or smoothed > DIVERGED * self.best:
            raise CancelFitException
