"""Five-fold accuracy and calibration on random, exact-grouped and near-grouped folds, for one network and recipe.

    python -m benchmarks.crossval DATA --arch resnet50 --weights FILE --home FOLDER [--head logistic] [--subset 600]
    python -m benchmarks.crossval --report

Each row is a whole `brainseg crossval` with the `paper` preset, in a home folder of its own, so an interrupted one is
resumed. Folds are random (by image, as in the paper), by exact copies only (near copies count as different images), or
by exact and near copies and patients (the default). `--subset` draws that many images, the same number per class, by
their hashes. Rows are appended to `benchmarks/results/crossval.jsonl`; a row that is there already is not measured
again. Out-of-fold predictions are stored beside them. `--report` adds the mean of the networks with the same recipe and
folds, and prints the tables that `docs/results.md` holds.

Calibration: one temperature, measured by cross-fitting over units as `evaluation.calibration.calibrate` does it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.crossval_rows import RECIPES, ROWS, SPLITS, add, add_means, report, short_name, summarised
from benchmarks.rows import of_the_model
from brainseg import __version__

FOLDS = 5


def subset(data: Path, count: int, folder: Path) -> Path:
    """Copy an equal number of images per class to a folder, those whose hashes come first, and return the folder."""
    from brainseg.datasets.sources import open_dataset

    place = folder / f"{data.name}-{count}"
    if place.exists():
        return place
    dataset = open_dataset(data)
    each = count // len(dataset.classes)
    for label in dataset.classes:
        rows = dataset.table[dataset.table["label"] == label].sort_values("sha256").head(each)
        (place / label).mkdir(parents=True)
        for number, path in enumerate(rows["path"]):
            shutil.copy(dataset.file(path), place / label / f"{number:05d}{Path(path).suffix}")
    return place


def decide(data: Path, split: str) -> None:
    """Let near copies count as different images for the exact-grouped folds only."""
    from brainseg.datasets.near_decisions import different_pairs, judge_copies, judge_different
    from brainseg.datasets.sources import open_dataset

    if split == "exact":
        dataset = open_dataset(data, decided=False)
        digests = dict(zip(dataset.table["path"], dataset.table["sha256"], strict=True))
        judge_different((digests[pair.first], digests[pair.second]) for pair in dataset.near_pairs)
    else:
        judge_copies(different_pairs())


def measure(data: Path, split: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run one cross-validation to its end, store its row and predictions, and return the row."""
    from brainseg.evaluation.stored import ClassificationEvaluation
    from brainseg.results import stored_results
    from brainseg.runs import RunStore

    decide(data, split)
    row: dict[str, Any] = {
        "data": data.name, "arch": options.arch, "weights": Path(options.weights).stem, "head": options.head,
        "settings": of_the_model(options.set), "split": split, "seed": options.seed, "folds": FOLDS,
    }  # fmt: skip
    name = short_name(row)
    started = time.perf_counter()
    _crossval(data, split, name, options)
    store = RunStore()
    parent = store.get(name)
    evaluation = stored_results.evaluation_as(ClassificationEvaluation, store, parent)
    table = stored_results.out_of_fold(store, parent)
    if evaluation is None or table is None:
        raise SystemExit(f"{name} has no result.")
    row |= {
        **summarised(table, evaluation["classes"], evaluation["positive"]),
        "seconds": round(time.perf_counter() - started, 1), "brainseg": __version__,
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} cores",
    }  # fmt: skip
    add(row, table)
    return row


def _crossval(data: Path, split: str, name: str, options: argparse.Namespace) -> None:
    """Queue the cross-validation, or go on with one that was interrupted, and wait for its end."""
    program = [sys.executable, "-m", "brainseg"]
    known = subprocess.run([*program, "runs", "--json"], capture_output=True, text=True, check=True)
    if any(run.get("name") == name for run in json.loads(known.stdout)):
        subprocess.run([*program, "resume", name], check=False)  # it fails if nothing was interrupted
        while True:
            shown = json.loads(
                subprocess.run([*program, "show", name, "--json"], capture_output=True, check=True).stdout
            )
            if shown["status"] not in ("SCHEDULED", "RUNNING"):
                return
            time.sleep(5)
    settings = [
        f"model.head={options.head}", f"data.seed={options.seed}", f"training.seed={options.seed}",
        f"data.grouped_folds={str(split != 'random').lower()}", f"preparation.resize={options.resize}",
        *options.set,
    ]  # fmt: skip
    command = [*program, "crossval", "--data", str(data), "--arch", options.arch, "--preset", "paper"]
    command += ["--weights", str(options.weights), "--folds", str(FOLDS), "--name", name, "--wait", "--json"]
    command += [part for setting in settings for part in ("--set", setting)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    """Measure what is missing, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--arch", default="resnet50")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--head", default="logistic", choices=list(RECIPES))
    parser.add_argument("--splits", nargs="+", default=list(SPLITS), choices=SPLITS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resize", default="squash", help="preparation.resize")
    parser.add_argument("--set", nargs="*", default=[], help="further settings")
    parser.add_argument("--subset", type=int, default=0)
    parser.add_argument("--home", type=Path, help="home folder of these runs")
    parser.add_argument("--report", action="store_true", help="print the table of the stored rows")
    options = parser.parse_args()
    if options.report:
        add_means()
        print(report(ROWS.stored()))
        return
    if not options.data or not options.weights or not options.home:
        parser.error("DATA, --weights and --home are needed")
    options.weights = options.weights.resolve()
    options.home.mkdir(parents=True, exist_ok=True)
    os.environ["BRAINSEG_HOME"] = str(options.home.resolve())
    data = options.data.resolve()
    data = subset(data, options.subset, options.home.resolve()) if options.subset else data
    for split in options.splits:
        wanted = [
            data.name,
            options.arch,
            options.weights.stem,
            options.head,
            of_the_model(options.set),
            split,
            options.seed,
        ]
        if ROWS.has(*wanted):
            continue
        row = measure(data, split, options)
        sys.stderr.write(f"{wanted}: {row['metrics']['accuracy']:.3f} in {row['seconds']} s\n")


if __name__ == "__main__":
    main()
