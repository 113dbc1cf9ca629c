"""How many planted label errors are among the first that `brainseg labels RUN --all-images` lists.

    python -m benchmarks.label_errors [DATA] [--arch resnet50] [--weights imagenet] [--swaps 20] [--first 30]

An instant baseline is trained once. Then, for each seed, some labels are changed to another class, the classifier is
cross-validated on the features of the frozen network, and the labels are ranked. The network never learns from labels,
so it is the same for all seeds; everything that does depend on labels is computed again, with the wrong ones.

DATA is a folder of class folders or a manifest; by default Kaggle-253 in the shared data.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.accuracy import _Quiet
from brainseg.config import RunConfig
from brainseg.datasets.table import Dataset
from brainseg.evaluation.label_ranking import LabelReason, rank_labels
from brainseg.models.architectures import Classifier
from brainseg.models.bundle import load_bundle_for
from brainseg.tasks import task_of
from brainseg.training.frozen_features import frozen_features, out_of_fold
from brainseg.training.trainer import train


@dataclass(frozen=True)
class Found:
    """What one seed found.

    Attributes:
        first: Planted errors among the first images.
        listed: Planted errors that are listed as suspicious, by copies or by the model.
        suspects: All images that are listed as suspicious.
        by_copies: Planted errors that the labels of copies gave away.
        in_copies: Planted errors in images that have copies.
        accuracy: Fraction of images whose out-of-fold prediction is the given label, planted errors included.
    """

    first: int
    listed: int
    suspects: int
    by_copies: int
    in_copies: int
    accuracy: float


def swapped(dataset: Dataset, swaps: int, seed: int) -> tuple[Dataset, set[str]]:
    """Return a dataset with some labels changed to another class, and the paths of these images."""
    random, labels = np.random.default_rng(seed), dataset.table["label"].to_numpy(dtype=object).copy()
    rows = random.choice(len(labels), swaps, replace=False)
    for row in rows:
        labels[row] = random.choice([name for name in dataset.classes if name != labels[row]])
    return replace(dataset, table=dataset.table.assign(label=labels)), set(dataset.table["path"].iloc[rows])


def measure(features: np.ndarray, dataset: Dataset, config: RunConfig, swaps: int, first: int, seed: int) -> Found:
    """Plant errors, rank the labels, and count the planted ones."""
    planted_set, planted = swapped(dataset, swaps, seed)
    table = out_of_fold(features, planted_set, config)
    ranked = rank_labels(table, planted_set.table, planted_set.classes).table
    suspects = ranked[ranked["reason"] != LabelReason.NONE]
    hits = ranked["path"].isin(planted)
    copies = dataset.table[dataset.table["sha256"].duplicated(keep=False) | (dataset.table["twin"] != "")]
    return Found(
        first=int(hits.head(first).sum()),
        listed=int(suspects["path"].isin(planted).sum()),
        suspects=len(suspects),
        by_copies=int((hits & (ranked["reason"] == LabelReason.COPIES)).sum()),
        in_copies=len(planted & set(copies["path"])),
        accuracy=float((table["label"] == table["prediction"]).mean()),
    )


def report(found: dict[int, Found], swaps: int, first: int) -> str:
    """Return a Markdown table, one row per seed, and their mean."""
    lines = [
        f"| seed | of {swaps} planted errors among the first {first} | listed as suspicious | of all suspects "
        "| given away by copies | in images with copies | out-of-fold agreement |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {seed} | {one.first} | {one.listed} | {one.suspects} | {one.by_copies} | {one.in_copies} "
        f"| {one.accuracy:.3f} |"
        for seed, one in found.items()
    ]
    means = pd.DataFrame([vars(one) for one in found.values()]).mean()
    numbers = " | ".join(f"{means[name]:.1f}" for name in ("first", "listed", "suspects", "by_copies", "in_copies"))
    return "\n".join([*lines, f"| mean | {numbers} | {means['accuracy']:.3f} |"])


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=Path("../shared/data/kaggle253"))
    parser.add_argument("--arch", default="resnet50")
    parser.add_argument("--weights", default="imagenet", help="imagenet, or a weights file")
    parser.add_argument("--swaps", type=int, default=20, help="planted errors")
    parser.add_argument("--first", type=int, default=30, help="images at the start of the list that count")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    options = parser.parse_args()
    settings = {
        "data.path": str(options.data.resolve()),
        "model.arch": options.arch,
        "model.weights": options.weights,
        "model.head": "logistic",
        "compute.nice": 0,
    }
    config = RunConfig.from_preset("default", settings)
    task, started = task_of(config), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        model = load_bundle_for(Classifier, train(task, _Quiet(), Path(folder), "labels").bundle).model
    dataset = task.open(lambda done, total: None)
    images, _ = task.prepare(dataset, np.zeros(0, np.int64), np.zeros(0, np.int64), lambda done, total: None)
    features = frozen_features(model, images, config.preparation.normalise)
    sys.stderr.write(f"{len(features)} images, {features.shape[1]} features: {time.perf_counter() - started:.0f} s\n")
    found = {seed: measure(features, dataset, config, options.swaps, options.first, seed) for seed in options.seeds}
    print(report(found, options.swaps, options.first))
    print(f"\n{options.data.name}, {options.arch}, {Path(options.weights).stem}; whole run:", end=" ")
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
