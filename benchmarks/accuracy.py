"""Accuracy of fine-tuning beside the instant baseline, over seeds, on the random and on the grouped split.

    python -m benchmarks.accuracy DATA --arch resnet50 --weights FILE [--seeds 0 1 2 3 4] [--splits random grouped]
    python -m benchmarks.accuracy --report

Every row is a whole run of the `paper` preset, with `data.seed` and `training.seed` set to the seed. Rows are
appended to `benchmarks/results/accuracy.jsonl`; a row that is there already is not measured again. `--report` prints
the table that `docs/results.md` holds.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.rows import Rows
from brainseg import __version__
from brainseg.config import RunConfig
from brainseg.evaluation.intervals import wilson
from brainseg.tasks import task_of
from brainseg.training.compute import keep_memory
from brainseg.training.log import EpochMetrics, Progress
from brainseg.training.trainer import train

HEADS = ("concat-pool", "logistic")
KEY = ("data", "arch", "weights", "head", "split", "seed")
ROWS = Rows("accuracy", KEY)


class _Quiet:
    """A `RunLog` that shows epochs on stderr."""

    def message(self, sentence: str) -> None:
        sys.stderr.write(f"  {sentence}\n")

    def progress(self, progress: Progress) -> None:
        """Show nothing."""

    def epoch(self, figures: EpochMetrics) -> None:
        sys.stderr.write(f"  epoch {figures.epoch}: {figures.valid_loss:.3f}, {figures.accuracy:.3f}\n")

    def cancelled(self) -> bool:
        return False


def measure(data: Path, arch: str, weights: Path, head: str, split: str, seed: int, threads: int) -> dict[str, object]:
    """Train one run and return its row."""
    settings = {
        "data.path": str(data),
        "data.split": split,
        "data.seed": seed,
        "model.arch": arch,
        "model.weights": str(weights),
        "model.head": head,
        "training.seed": seed,
        "compute.threads": threads,
    }
    config = RunConfig.from_preset("paper", settings)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        trained = train(task_of(config), _Quiet(), Path(folder), f"{arch}-{split}-{seed}")
    report = trained.report
    return {
        "data": data.name, "arch": arch, "weights": weights.stem, "head": head, "split": split, "seed": seed,
        "correct": int(np.trace(report.matrix)), "count": report.count, "sensitivity": report.sensitivity,
        "specificity": report.specificity, "roc_auc": report.roc_auc, "loss": report.mean_loss,
        "learning_rate": trained.extra.get("learning_rate"), "seconds": round(time.perf_counter() - started, 1),
        "threads": threads, "brainseg": __version__, "machine": f"{platform.machine()}, {platform.system()}",
    }  # fmt: skip


def report(rows: list[dict[str, object]]) -> str:
    """Lay the rows out as a Markdown table: mean over seeds, spread between them, and all images together."""
    lines = [
        "| data | network | weights | recipe | split | seeds | accuracy, mean ± SD | pooled (95 % interval) "
        "| sensitivity | specificity |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for key in sorted({tuple(row[part] for part in KEY[:-1]) for row in rows}):
        group = [row for row in rows if tuple(row[part] for part in KEY[:-1]) == key]
        shares = [row["correct"] / row["count"] for row in group]
        spread = f" ± {np.std(shares, ddof=1):.3f}" if len(shares) > 1 else ""
        correct, count = sum(row["correct"] for row in group), sum(row["count"] for row in group)
        low, high = wilson(correct, count)
        data, arch, weights, head, split = key
        recipe = "fine-tuned" if head == "concat-pool" else "instant baseline"
        lines.append(
            f"| {data} | {arch} | {weights} | {recipe} | {split} | {', '.join(str(row['seed']) for row in group)} "
            f"| {np.mean(shares):.3f}{spread} | {correct}/{count} = {correct / count:.3f} ({low:.3f} to {high:.3f}) "
            f"| {np.mean([row['sensitivity'] for row in group]):.3f} "
            f"| {np.mean([row['specificity'] for row in group]):.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure what is missing, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--arch", default="resnet50")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--splits", nargs="+", default=["random", "grouped"])
    parser.add_argument("--heads", nargs="+", default=list(HEADS), choices=HEADS)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--report", action="store_true", help="print the table of the stored rows")
    options = parser.parse_args()
    if options.report:
        print(report(ROWS.stored()))
        return
    if not options.data or not options.weights:
        parser.error("DATA and --weights are needed")
    keep_memory()
    for split in options.splits:
        for seed in options.seeds:
            for head in options.heads:
                wanted = (options.data.name, options.arch, options.weights.stem, head, split, seed)
                if ROWS.has(*wanted):
                    continue
                row = measure(options.data.resolve(), options.arch, options.weights, head, split, seed, options.threads)
                ROWS.add(row)
                sys.stderr.write(f"{wanted}: {row['correct']}/{row['count']} in {row['seconds']} s\n")


if __name__ == "__main__":
    main()
