"""Leaks of a stored run: evaluated images with a copy in the training set, and the main metric without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

import pandas as pd
from typing_extensions import TypedDict

from brainseg.datasets.inspection import inspect_dataset
from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.datasets.near_copies import NearPair
from brainseg.datasets.table import Dataset
from brainseg.errors import BrainsegError, DataError, RunError
from brainseg.results import stored_results
from brainseg.results.by_task import results_of
from brainseg.results.run_files import reading
from brainseg.results.subset_metric import SubsetMetric
from brainseg.runs import Run, RunStore
from brainseg.runs.dataset_location import dataset_location

Part = TypeVar("Part")
Kind = Literal["identical", "near", "linked"]
"""How an image is a copy of a training image: byte for byte, as a near copy, or as a copy of another copy of it."""


class LeakedImage(TypedDict):
    """An evaluated image with a copy in the training set.

    Attributes:
        path: The evaluated image.
        label: Its class.
        twin: The training image that it resembles most.
        twin_label: The class of that.
        kind: How it is a copy.
        mirrored: Whether one of them is mirrored or turned.
        aligned: Whether one of them is cropped, shifted or edited.
    """

    path: str
    label: str
    twin: str
    twin_label: str
    kind: Kind
    mirrored: bool
    aligned: bool


class LeakReport(TypedDict):
    """The leaks of a run.

    Attributes:
        run_id: Id of the run.
        run: Its name.
        evaluated_on: "valid" or "test".
        trained_on: Number of training images.
        images: The evaluated images with a copy in the training set, in the order of the split.
        all_images: The main metric on all evaluated images.
        without: The same on the others.
        problem: A sentence on why copies may be missing here; "" if all are known.
    """

    run_id: str
    run: str
    evaluated_on: str
    trained_on: int
    images: list[LeakedImage]
    all_images: SubsetMetric
    without: SubsetMetric
    problem: str


def leak_report(store: RunStore, run: Run, progress: Callable[[int, int], None] | None = None) -> LeakReport:
    """Search the images of a run for copies on both sides of its split, and compute its main metric without them.

    Near copies are searched in the dataset as it is now; images that were changed or removed since the training are
    left out of that search.

    Args:
        store: The store of the run.
        run: A finished training, or an ensemble of such.
        progress: Called with (images read, images in all) while the dataset is read.

    Raises:
        RunError: It is neither, or its evaluation, predictions or split are missing or damaged.
    """
    if run.kind not in ("train", "ensemble"):
        raise RunError(
            f"Run {run.name!r} is not a single training: name a training, such as a fold of a cross-validation."
        )
    task = results_of(run.config.task)
    report = _needed(stored_results.evaluation(store, run), "evaluation", run)
    split = _needed(stored_results.split(store, run), "split", run)
    predictions = _needed(task.predictions(store, run), "table of predictions", run)
    near, problem = _near_copies(run, split, progress)
    evaluated = split[split["path"].isin(predictions["path"])]
    learnt = split[split["split"] == "train"]
    images = list(_leaked(evaluated, learnt, near))
    leaked = {image["path"] for image in images}
    with reading("The table of predictions", run):
        whole = task.subset_metric(run, report, predictions)
        rest = predictions[~predictions["path"].isin(leaked)].reset_index(drop=True)
        without = task.subset_metric(run, report, rest)
    return {
        "run_id": run.id,
        "run": run.name,
        "evaluated_on": report.get("evaluated_on", "valid"),
        "trained_on": len(learnt),
        "images": images,
        "all_images": whole,
        "without": without,
        "problem": problem,
    }


@dataclass(frozen=True)
class _Near:
    """Near copies in a run's dataset: the pairs, and the name that each image shares with its near copies."""

    pairs: tuple[NearPair, ...] = ()
    groups: dict[str, str] = field(default_factory=dict)


def _near_copies(run: Run, split: pd.DataFrame, progress: Callable[[int, int], None] | None) -> tuple[_Near, str]:
    """Return the near copies among the unchanged images of a run, and a sentence if images are missing."""
    name = run.config.data.path
    if not dataset_location(run).exists():
        return _Near(), (
            f"The dataset {name} is no longer there, so only byte-identical copies are known: put it back to search "
            "for near copies."
        )
    try:
        dataset = _read(run, progress)
    except BrainsegError as error:
        return _Near(), f"Only byte-identical copies are known, since the dataset cannot be read: {error}"
    now = dict(zip(dataset.table["path"], dataset.table["sha256"], strict=True))
    same = {path for path, digest in zip(split["path"], split["sha256"], strict=True) if now.get(path) == digest}
    groups = {path: twin for path, twin in zip(dataset.table["path"], dataset.table["twin"], strict=True) if twin}
    pairs = tuple(pair for pair in dataset.near_pairs if pair.first in same and pair.second in same)
    problem = ""
    if len(same) < len(split):
        problem = (
            f"{len(split) - len(same):,} of the {len(split):,} images of this run were changed or removed since it was "
            f"trained, so near copies of them are not known: put the dataset {name} back as it was."
        )
    return _Near(pairs, {path: twin for path, twin in groups.items() if path in same}), problem


def _read(run: Run, progress: Callable[[int, int], None] | None) -> Dataset:
    data, place = run.config.data, Path(dataset_location(run))
    if data.modalities:  # the hashes of the split are those of the combined sequences
        return open_masked_dataset(place, data.modalities, progress, data.groups, data.mask_threshold)
    try:
        return inspect_dataset(place, progress, data.groups, data.mask_threshold)
    except OSError as error:
        raise DataError(f"{error.filename or place} cannot be opened ({error.strerror}).") from error


def _leaked(evaluated: pd.DataFrame, learnt: pd.DataFrame, near: _Near) -> Iterator[LeakedImage]:
    """Yield the evaluated images with a copy in the training set, each with the training image it resembles most."""
    by_content = _first(learnt["sha256"], learnt["path"])
    by_group = _first(learnt["path"].map(near.groups), learnt["path"])
    trained, label = set(learnt["path"]), dict(zip(learnt["path"], learnt["label"], strict=True))
    closest: dict[str, tuple[str, NearPair]] = {}
    for pair in sorted(near.pairs, key=lambda pair: (pair.aligned, pair.mirrored)):
        for this, that in ((pair.first, pair.second), (pair.second, pair.first)):
            if that in trained:
                closest.setdefault(this, (that, pair))
    for path, mine, digest in zip(evaluated["path"], evaluated["label"], evaluated["sha256"], strict=True):
        twin, kind, mirrored, aligned = by_content.get(digest, ""), "identical", False, False
        if not twin and path in closest:
            twin, pair = closest[path]
            kind, mirrored, aligned = "near", pair.mirrored, pair.aligned
        elif not twin and path in near.groups:
            twin, kind = by_group.get(near.groups[path], ""), "linked"
        if twin and path not in trained:
            yield {
                "path": path,
                "label": mine,
                "twin": twin,
                "twin_label": label[twin],
                "kind": kind,  # type: ignore[typeddict-item] # one of the three texts above
                "mirrored": mirrored,
                "aligned": aligned,
            }


def _needed(part: Part | None, what: str, run: Run) -> Part:
    if part is None:
        raise RunError(f"The leaks of run {run.name!r} are not known: its {what} is missing.")
    return part


def _first(keys: pd.Series, paths: pd.Series) -> dict[str, str]:
    """Return the first path for each key; keys that are not known are left out."""
    found: dict[str, str] = {}
    for key, path in zip(keys, paths, strict=True):
        if isinstance(key, str) and key:
            found.setdefault(key, path)
    return found
