"""Makes a reader study: draws its cases, keeps their true masks, and notes what readers of its results must know."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from brainseg import paths
from brainseg.datasets.findings import UNDECIDED
from brainseg.datasets.leak_groups import leak_groups
from brainseg.datasets.library import KnownDataset, inspect_known_dataset
from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.datasets.masks import MaskedDataset
from brainseg.datasets.origin import synthetic_rows
from brainseg.datasets.registry import checked_name
from brainseg.datasets.table import Dataset, positive_class
from brainseg.errors import DataError, ReadingError
from brainseg.files import sha256_bytes
from brainseg.reading import notes
from brainseg.reading.library import new_id, store_study
from brainseg.reading.model import ChosenModel
from brainseg.reading.sampling import draw_cases
from brainseg.reading.study import SCHEMA, Case, Study, StudyDataset
from brainseg.users.policy import Act, asks

FEWEST, MOST = 2, 500
"""Fewest and most cases of a study."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class StudyRequest:
    """What a new study is to be.

    Attributes:
        dataset: Where its cases are from.
        cases: How many are wanted.
        name: Its name; "" for that of the dataset.
        seed: Seed of the sample and of the readers' orders.
        teaching: Whether readers see the truth after each case.
        positive: The class that sensitivity is of; None for that of the model, or the dataset's.
    """

    dataset: KnownDataset
    cases: int = 20
    name: str = ""
    seed: int = 0
    teaching: bool = False
    positive: str | None = None


@asks(Act.MAKE_STUDY)
def create_study(request: StudyRequest, model: ChosenModel | None = None, progress: Progress | None = None) -> Study:
    """Make a reader study and store it.

    Args:
        request: What it is to be.
        model: The model that readers see after they have answered; None for none.
        progress: Called with (files read, files in all) if the dataset has to be read.

    Raises:
        ReadingError: The request makes no sense, or the dataset has too few images that the model was not trained on.
        DataError: The dataset cannot be read.
        DiskError: The disk is full.
    """
    _check(request)
    known = request.dataset
    if not known.exists:
        raise DataError(f"The dataset {known.name!r} no longer exists: put it back, or choose another.")
    dataset = inspect_known_dataset(known, progress)
    dataset.refuse(UNDECIDED)
    classes = _classes(dataset, model)
    positive = _positive(request, classes, model)
    sides = model.sides(dataset.table) if model else pd.Series("", index=dataset.table.index)
    groups = leak_groups(dataset.table)
    # Also the other images of a patient whose images the model learnt from.
    learnt = np.isin(groups, groups[(sides == "train").to_numpy()])
    rows = draw_cases(dataset.table, classes, request.cases, request.seed, ~learnt)
    _check_sample(dataset.table["label"].iloc[rows], classes, bool(learnt.any()))
    masks = true_masks(dataset, known, rows)
    cases = _cases(dataset, rows, groups, sides, {row: digest for row, (digest, _) in masks.items()})
    sample = notes.Sample(
        cases=cases,
        wanted=request.cases,
        patients_known=dataset.patients_from != "none",
        unknown_patients=int((dataset.table["group"].iloc[rows] == "").sum()),
        synthetic=sum(synthetic_rows(replace(dataset, table=dataset.table.iloc[rows]))),
        learnt=int(learnt.sum()),
        model=bool(model),
        splits_known=model is None or model.splits_known,
        teaching=request.teaching,
    )
    study = Study(
        schema=SCHEMA,
        id=new_id(),
        name=checked_name(request.name or known.name, "a study's", ReadingError),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        dataset=StudyDataset(
            known.name, _stored(known.path), dataset.fingerprint, sample.synthetic, sample.patients_known
        ),
        model=model.model if model else None,
        classes=classes,
        positive=positive,
        teaching=request.teaching,
        seed=request.seed,
        wanted=request.cases,
        cases=cases,
        notes=notes.sample_notes(sample),
    )
    store_study(study, dict(masks.values()))
    return study


def true_masks(dataset: Dataset, known: KnownDataset, rows: np.ndarray) -> dict[int, tuple[str, bytes]]:
    """Return the true masks of images that have one that is not empty: row -> SHA-256 and PNG file.

    A dataset with classes may have masks, too, such as the phantom.
    """
    masked = _masked(dataset, known, rows)
    if masked is None:
        return {}
    places = {path: row for row, path in enumerate(masked.table["path"])}
    found = {}
    for row in rows:
        place = places.get(dataset.table["path"].iloc[row])
        mask = None if place is None else masked.read_mask(place) > 0
        if mask is not None and mask.any():
            stream = io.BytesIO()
            Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).save(stream, "PNG")
            found[int(row)] = sha256_bytes(stream.getvalue()), stream.getvalue()
    return found


def _masked(dataset: Dataset, known: KnownDataset, rows: np.ndarray) -> MaskedDataset | None:
    if isinstance(dataset, MaskedDataset):
        return dataset
    only = set(dataset.table["path"].iloc[rows])
    try:
        found = open_masked_dataset(Path(known.path), groups="none", only=only)
    except DataError:  # it has no masks, or none that fit: the study does without
        return None
    return found if found.root == dataset.root and set(found.table["path"]) <= only else None


def _check(request: StudyRequest) -> None:
    if not FEWEST <= request.cases <= MOST:
        raise ReadingError(f"A study of {request.cases} cases cannot be made: choose {FEWEST} to {MOST}.")
    if request.seed < 0:
        raise ReadingError(f"The seed {request.seed} is not allowed: give 0 or a positive number.")


def _classes(dataset: Dataset, model: ChosenModel | None) -> tuple[str, ...]:
    if len(dataset.classes) < 2:
        raise ReadingError(
            f"The dataset has only one class, {', '.join(dataset.classes)}, so there is nothing to tell apart: choose "
            "another dataset."
        )
    if model and set(model.classes) != set(dataset.classes):
        raise ReadingError(
            f"The model has the classes {', '.join(model.classes)}, but the dataset has {', '.join(dataset.classes)}: "
            "choose a model that was trained on these classes, or none."
        )
    return tuple(dataset.classes)


def _positive(request: StudyRequest, classes: tuple[str, ...], model: ChosenModel | None) -> str | None:
    if request.positive is not None and request.positive not in classes:
        raise ReadingError(f"{request.positive!r} is not a class of this dataset: choose {' or '.join(classes)}.")
    if request.positive or (model and model.positive):
        return request.positive or (model.positive if model else None)
    return positive_class(classes)


def _check_sample(labels: pd.Series, classes: tuple[str, ...], learnt: bool) -> None:
    if missing := [name for name in classes if not (labels == name).any()]:
        why = " that the model was not trained on" if learnt else ""
        raise ReadingError(
            f"The dataset has no image of class {missing[0]!r}{why}, so the study would not show how well it is told "
            "apart: choose another dataset, or another model or none."
        )


def _cases(
    dataset: Dataset, rows: np.ndarray, groups: np.ndarray, sides: pd.Series, masks: dict[int, str]
) -> tuple[Case, ...]:
    table = dataset.table
    numbers = pd.factorize(groups[rows])[0]
    found = [
        Case(
            sha256=table["sha256"].iloc[row],
            path=table["path"].iloc[row],
            truth=table["label"].iloc[row],
            group=int(number),
            mask=masks.get(int(row), ""),
            side=sides.iloc[row],
        )
        for row, number in zip(rows, numbers, strict=True)
    ]
    return tuple(sorted(found, key=lambda case: case.sha256))


def _stored(path: str) -> str:
    """Return a path relative to the home folder if it is inside it, which may be moved."""
    place = Path(path)
    return place.relative_to(paths.home()).as_posix() if place.is_relative_to(paths.home()) else path
