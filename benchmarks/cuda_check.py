"""Does brainseg work on this machine's GPU, how fast, and does it answer as on the processor? Under 8 minutes.

    python -m benchmarks.cuda_check [--set section.field=value ...]

Trains each ResNet for two epochs of synthetic slices at 224 px and a U-Net at 128 px, of which the second epoch counts,
diagnoses 100 images with the first ResNet and marks some with the U-Net on both devices, and compares the answers. The
row, with the card's name, is appended to `benchmarks/results/cuda.jsonl`. `--device cpu` tries the script without a GPU
and stores nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.rows import Rows
from benchmarks.speed.machine import machine, today, versions
from brainseg.config import RunConfig, parse_settings
from brainseg.diagnosis.predictor import Predictor
from brainseg.diagnosis.segmenter import Segmenter
from brainseg.phantom import write_phantom
from brainseg.scans import Scan, read_scan
from brainseg.tasks import task_of
from brainseg.training.log import EpochMetrics, Progress
from brainseg.training.trainer import train

ROWS = Rows("cuda", ("date", "card"))
ARCHES = ("resnet34", "resnet50", "resnet101", "resnet152")
NO_GPU = "This machine has no GPU that torch can use: nothing was checked."
PROBABILITY, MASK = 0.01, 0.001
"""Largest difference of a probability, and largest fraction of pixels that may get another class. A GPU multiplies with
10 bits of mantissa by default (TF32), so equal bits cannot be expected."""


class _Epochs:
    """A `RunLog` that keeps the epochs' metrics."""

    def __init__(self) -> None:
        self.epochs: list[EpochMetrics] = []

    def message(self, sentence: str) -> None:
        sys.stderr.write(f"  {sentence}\n")

    def progress(self, progress: Progress) -> None:
        """Show nothing."""

    def epoch(self, metrics: EpochMetrics) -> None:
        self.epochs.append(metrics)

    def cancelled(self) -> bool:
        return False


def train_one(
    data: Path, folder: Path, arch: str, device: str, side: int, given: Mapping[str, Any], task: str = "classify"
) -> dict[str, Any]:
    """Train two epochs and return the seconds and the rate of the second, with the folder of the bundle."""
    preset = "segment" if task == "segment" else "paper"
    settings = {
        "task": task,
        "data.path": str(data),
        "data.split": "grouped",
        "preparation.size": side,
        "model.arch": arch,
        "model.weights": "none",
        "training.epochs": 2,
        "training.frozen_epochs": 0,
        "training.learning_rate": 1e-4,
        "compute.device": device,
        **given,
    }
    log, config = _Epochs(), RunConfig.from_preset(preset, settings)
    trained = train(task_of(config), log, folder / f"{task}-{arch}", f"{task}-{arch}")
    last = log.epochs[-1]
    images = sum(1 for _ in (data / "masks").iterdir())
    finite = all(np.isfinite([each.train_loss, each.valid_loss]).all() for each in log.epochs)
    return {
        "seconds": round(last.seconds, 3),
        "images_per_second": round(images / last.seconds, 1),
        "finite": bool(finite),
        "bundle": trained.bundle,
    }


def compare_answers(bundle: Path, scans: Sequence[Scan], device: str) -> dict[str, float]:
    """Diagnose scans on a device and on the processor, and return how far the answers differ and what they take."""
    taken: dict[str, list[float]] = {"there": [], "cpu": []}
    probabilities, maps, decisions = [0.0], [0.0], 0
    there, here = Predictor.open(bundle, device), Predictor.open(bundle)
    there.diagnose(scans[0])
    for scan in scans:
        answers = []
        for name, predictor in (("there", there), ("cpu", here)):
            started = time.perf_counter()
            answers.append(predictor.diagnose(scan))
            taken[name].append(time.perf_counter() - started)
        first, second = answers
        apart = [abs(first.probabilities[name] - second.probabilities[name]) for name in first.probabilities]
        probabilities.append(max(apart))
        maps.append(float(np.abs(first.cam - second.cam).mean()))
        decisions += first.label == second.label or abs(first.decision.margin) <= PROBABILITY
    return {
        "images": len(scans),
        "same_decisions": decisions,
        "largest_difference": max(probabilities),
        "mean_heatmap_difference": float(np.mean(maps[1:])),
        "median_ms": round(1000 * median(taken["there"]), 2),
        "median_cpu_ms": round(1000 * median(taken["cpu"]), 2),
    }


def compare_masks(bundle: Path, scans: Sequence[Scan], device: str) -> dict[str, float]:
    """Mark scans on a device and on the processor, and return the fraction of pixels with another class."""
    there, here = Segmenter.open(bundle, device), Segmenter.open(bundle)
    different = [float((there.segment(scan).mask != here.segment(scan).mask).mean()) for scan in scans]
    return {"slices": len(scans), "different_pixels": float(np.mean(different))}


def check(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Do everything and return the row."""
    given, data, side = parse_settings(options.set), folder / "phantom", options.side
    write_phantom(data, options.slices, seed=0, size=256)
    epochs = {}
    for arch in options.arches:
        epochs[arch] = train_one(data, folder, arch, options.device, side, given)
        sys.stderr.write(f"{arch}: {epochs[arch]['seconds']} s\n")
    epochs["u-net"] = train_one(data, folder, options.arches[0], options.device, options.mask_side, given, "segment")
    files = sorted(data.glob("*tumour/*.png"))
    scans = [read_scan(files[number % len(files)]) for number in range(options.images)]
    return {
        "date": today(),
        "card": torch.cuda.get_device_name() if options.device == "cuda" else "none",
        "slices": options.slices,
        "settings": options.set,
        "answers": compare_answers(epochs[options.arches[0]].pop("bundle"), scans, options.device),
        "masks": compare_masks(epochs["u-net"].pop("bundle"), scans[: max(1, options.images // 5)], options.device),
        "epochs": {name: {key: each[key] for key in each if key != "bundle"} for name, each in epochs.items()},
        "machine": machine(),
        "versions": {**versions(), "cuda": torch.version.cuda},
    }


def faults(row: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a row, in sentences; nothing if all is well."""
    answers, masks = row["answers"], row["masks"]
    found = [f"The loss of {name} was not a number." for name, each in row["epochs"].items() if not each["finite"]]
    if answers["largest_difference"] > PROBABILITY:
        found.append(f"A probability differs by {answers['largest_difference']:.3g} from the processor's.")
    if answers["same_decisions"] < answers["images"]:
        found.append(f"{answers['images'] - answers['same_decisions']} decisions differ from the processor's.")
    if masks["different_pixels"] > MASK:
        found.append(f"{masks['different_pixels']:.2%} of the pixels of masks differ from the processor's.")
    return found


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay the newest row of each card out as a Markdown table."""
    lines = [
        "| card | date | epoch: seconds | diagnosis, median | same decisions | largest difference of a probability |"
    ]
    lines.append("|---|---|---|---|---|---|")
    for row in {row["card"]: row for row in rows}.values():
        answers, epochs = row["answers"], row["epochs"]
        taken = ", ".join(f"{name} {each['seconds']:.2f}" for name, each in epochs.items())
        lines.append(
            f"| {row['card']} | {row['date']} | {taken} | {answers['median_ms']:.1f} ms "
            f"| {answers['same_decisions']} of {answers['images']} | {answers['largest_difference']:.2g} |"
        )
    return "\n".join(lines)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--arches", nargs="+", default=list(ARCHES))
    parser.add_argument("--slices", type=int, default=253, help="synthetic slices of an epoch")
    parser.add_argument("--images", type=int, default=100, help="images to diagnose on both devices")
    parser.add_argument("--side", type=int, default=224, help="pixels of a side for the ResNets")
    parser.add_argument("--mask-side", type=int, default=128, help="pixels of a side for the U-Net")
    parser.add_argument("--set", nargs="+", default=[], help="further settings of the trainings")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, store and print; return 1 if something is wrong or there is no GPU."""
    options = parsed(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.stderr.write(f"{NO_GPU}\n")
        return 1
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BRAINSEG_HOME"] = folder
        row = check(options, Path(folder))
    row["seconds"] = round(time.perf_counter() - started, 1)
    if options.device == "cuda":
        ROWS.add(row)
    for name, values in row.items():
        print(f"{name}: {values}")
    problems = faults(row)
    print("\n".join(problems) or "All answers agree with those of the processor.")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
