"""What a training starts from: the dataset read, split, prepared and numbered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from brainseg.config import RunConfig
from brainseg.datasets.patient_words import as_sentence, patients_sentence
from brainseg.datasets.report import dataset_report, patients_known
from brainseg.datasets.splits import split_dataset
from brainseg.datasets.table import Dataset, positive_class
from brainseg.errors import DataError
from brainseg.files import write_atomically, write_json
from brainseg.preparation.cache import PreparedImages, prepared_images
from brainseg.training.log import Progress, RunLog
from brainseg.training.task import Targets, task_of


@dataclass(frozen=True)
class TrainingInputs:
    """Images, labels and sides.

    Attributes:
        dataset: The readable images.
        sides: "train", "valid" or "test" for each row of the dataset's table.
        images: The prepared images, one for each row.
        labels: (N,) int64 class numbers of whole images.
        targets: What the model is to say of each row: its label, or its mask.
        positive: The class that counts as tumour; None for more than two classes.
    """

    dataset: Dataset
    sides: pd.Series
    images: PreparedImages
    labels: np.ndarray
    targets: Targets
    positive: str | None

    def rows(self, side: str) -> np.ndarray:
        """Return the row numbers of a side."""
        return np.flatnonzero(self.sides == side)

    def inverse_frequencies(self) -> np.ndarray:
        """Weigh each class by N / (classes x its count) on the training side, scikit-learn's "balanced" rule."""
        labels = self.labels[self.rows("train")]
        counts = np.bincount(labels, minlength=int(self.labels.max()) + 1)
        return len(labels) / (len(counts) * counts.clip(1))

    @property
    def judged_side(self) -> str:
        """The side that the final figures are from: untouched test images where the set has them."""
        return "test" if (self.sides == "test").any() else "valid"


def load_inputs(config: RunConfig, log: RunLog, folder: Path) -> TrainingInputs:
    """Read, split and prepare the dataset of a run; its report and split are stored in `folder`.

    Raises:
        DataError: The dataset does not exist, is damaged or too small.
        ScanError: An image cannot be read any more.
    """
    if not config.data.path:
        raise DataError("No dataset was named: give one with --data PATH.")

    def tell(done: int, total: int) -> None:
        log.progress(Progress("preparing", done, total))

    task = task_of(config)
    found = task.open(tell)
    write_json(folder / "dataset.json", dataset_report(found))
    dataset = found.usable(config.data.skip_bad, config.data.allow_conflicting_labels)
    if dataset.bad:
        log.say(f"Left out {len(dataset.bad)} unreadable files, listed in dataset.json.")
    log.say(as_sentence(patients_sentence(patients_known(dataset))))
    for note in getattr(dataset, "notes", ()):
        log.say(note)
    sides = split_dataset(dataset, config.data)
    table = dataset.table[["path", "label", "group", "sha256"]].assign(split=sides)
    write_atomically(folder / "split.csv", lambda temporary: table.to_csv(temporary, index=False))
    counts = ", ".join(f"{count} {side}" for side, count in sides.value_counts().items())
    log.say(f"{len(dataset.table)} images of {len(dataset.classes)} classes; {config.data.split} split: {counts}.")
    images = prepared_images(dataset, config.preparation, tell)
    labels = pd.Index(dataset.classes).get_indexer(dataset.table["label"]).astype(np.int64)
    targets = task.targets(dataset, labels, tell)
    positive = positive_class(dataset.classes, config.data.positive)
    return TrainingInputs(dataset, sides, images, labels, targets, positive if len(dataset.classes) == 2 else None)
