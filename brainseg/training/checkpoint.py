"""Checkpoints of a running training: tensors in safetensors, all else in JSON, each written atomically."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from brainseg.errors import TrainingError
from brainseg.files import check_free_space, sha256_file, write_atomically, write_json
from brainseg.training.log import EpochMetrics

PEAK = 7
"""Most disk space that a training needs, as a multiple of its weights: 3 each for the files of the last and the next
epoch, since the optimiser keeps two numbers per weight, and 1 for the file of the best epoch."""
BEST = "best.safetensors"
STATE = "state.json"
FOLDER = "checkpoint"
"""The folder of the checkpoint in the folder of its run."""


@dataclass
class TrainingState:
    """The state of a training, except for its tensors.

    Attributes:
        fingerprint: Of the dataset and its patients, so a run is not resumed with other images.
        learning_rate: The learning rate, found or given.
        epochs: Metrics of the finished epochs, in order.
        finished_phases: Names of the phases that ended, whether early or not.
        last_sha256: SHA-256 of the checkpoint of the last finished epoch.
    """

    fingerprint: str
    learning_rate: float
    epochs: list[EpochMetrics] = field(default_factory=list)
    finished_phases: list[str] = field(default_factory=list)
    last_sha256: str = ""

    @property
    def best(self) -> EpochMetrics:
        """The epoch with the lowest validation loss; the first if there are several."""
        return min(self.epochs, key=lambda epoch: epoch.valid_loss)

    @property
    def waited(self) -> int:
        """Epochs since the best one."""
        return self.epochs[-1].epoch - self.best.epoch


def has_checkpoint(folder: Path) -> bool:
    """Return whether the folder of a run holds a checkpoint to resume from."""
    return (folder / FOLDER / STATE).exists()


class Checkpoints:
    """The checkpoint folder of one run: the last epoch with the optimiser's state, and the best epoch's weights."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, fingerprint: str) -> TrainingState | None:
        """Return the state to resume from, or None if there is no checkpoint.

        Raises:
            TrainingError: The checkpoint is damaged or belongs to other data.
        """
        file = self.folder / STATE
        if not file.exists():
            return None
        try:
            values = json.loads(file.read_text("utf-8"))
            values["epochs"] = [EpochMetrics(**epoch) for epoch in values["epochs"]]
            state = TrainingState(**values)
        except (ValueError, TypeError, KeyError) as error:
            raise TrainingError(f"The checkpoint {file} is damaged: train again instead of resuming.") from error
        if state.fingerprint != fingerprint:
            raise TrainingError(
                "The dataset or its patients have changed since this run started: train again instead of resuming."
            )
        return state

    def write(self, state: TrainingState, model: nn.Module | None = None, optimiser: Any = None) -> None:  # noqa: ANN401
        """Store the state, with the tensors of a finished epoch if a model is given.

        The tensors are written to a new file before the state names it. After a crash in between, state and tensors of
        the previous epoch still match.
        """
        if model is not None:
            tensors = {f"model.{name}": value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
            tensors |= _optimiser_tensors(optimiser)
            file = self._last(state)
            write_atomically(file, lambda temporary: save_file(tensors, temporary), _bytes(tensors))
            state.last_sha256 = sha256_file(file)
        write_json(self.folder / STATE, asdict(state))
        for old in self.folder.glob("epoch-*.safetensors"):
            if old.name != self._last(state).name:
                old.unlink()

    def write_best(self, model: nn.Module) -> None:
        """Store the weights of the best epoch so far."""
        tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
        write_atomically(self.folder / BEST, lambda temporary: save_file(tensors, temporary), _bytes(tensors))

    def check_free_space(self, model: nn.Module) -> None:
        """Refuse to start a training that would fill the disk.

        Raises:
            DiskError: There is no space for its checkpoints and its bundle.
        """
        needed = PEAK * _bytes(model.state_dict())
        check_free_space(self.folder, needed - self._taken(), "The checkpoints and the model of this training")

    def _taken(self) -> int:
        """Return the bytes that an earlier attempt at this training already takes."""
        return sum(file.stat().st_size for file in self.folder.glob("*.safetensors"))

    def restore(self, state: TrainingState, model: nn.Module, optimiser: Any = None) -> None:  # noqa: ANN401
        """Restore the last epoch's weights, and the optimiser's state if one is given.

        Raises:
            TrainingError: The checkpoint is missing or damaged.
        """
        file = self._last(state)
        if not file.is_file() or sha256_file(file) != state.last_sha256:
            raise TrainingError(f"The checkpoint {file} is missing or damaged: train again instead of resuming.")
        tensors = load_file(file)
        model.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("model.")})
        if optimiser is not None:
            _restore_optimiser(optimiser, tensors)

    def restore_best(self, model: nn.Module) -> None:
        """Restore the best epoch's weights.

        Raises:
            TrainingError: The checkpoint is missing or damaged.
        """
        try:
            model.load_state_dict(load_file(self.folder / BEST))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise TrainingError(f"The checkpoint {self.folder / BEST} is missing or damaged: train again.") from error

    def _last(self, state: TrainingState) -> Path:
        return self.folder / f"epoch-{state.epochs[-1].epoch if state.epochs else 0}.safetensors"


def _bytes(tensors: Mapping[str, torch.Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())


def _optimiser_tensors(optimiser: Any) -> dict[str, torch.Tensor]:  # noqa: ANN401 - fastai's Optimizer
    """Flatten fastai's state, a dict per parameter; numbers become tensors with one value."""
    return {
        f"optimiser.{index}.{key}": torch.as_tensor(value).detach().cpu().contiguous().clone()
        for index, entry in enumerate(optimiser.state_dict()["state"])
        for key, value in entry.items()
        if value is not None
    }


def _restore_optimiser(optimiser: Any, tensors: dict[str, torch.Tensor]) -> None:  # noqa: ANN401
    state = optimiser.state_dict()["state"]  # the optimiser's own dicts: filling them restores it
    parameters = [parameter for parameter, *_ in optimiser.all_params()]
    for name, value in tensors.items():
        if not name.startswith("optimiser."):
            continue
        _, index, key = name.split(".", 2)
        whole = value.item() if value.ndim == 0 else value.to(parameters[int(index)].device)
        state[int(index)][key] = whole
