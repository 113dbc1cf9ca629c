"""Dice of the default U-Net on unseen patients, beside finding nothing and beside a threshold.

    python -m benchmarks.segmentation DATA [--weights FILE] [--seeds 0 1 2] [--set training.epochs=15]
    python -m benchmarks.segmentation --report

Every row is a whole run of the `segment` preset with `data.seed` and `training.seed` set to the seed, evaluated on the
patients that were held out, with both baselines evaluated on the same slices. Rows are appended to
`benchmarks/results/segmentation.jsonl`; a row that is there already is not measured again. `--report` prints the table
that `docs/results.md` holds.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.rows import Rows
from brainseg import __version__
from brainseg.config import RunConfig, parse_settings
from brainseg.tasks import task_of
from brainseg.training.compute import keep_memory
from brainseg.training.log import EpochMetrics, Progress
from brainseg.training.trainer import train

KEY = ("data", "weights", "settings", "seed")
ROWS = Rows("segmentation", KEY)
SCORES = ("dice", "slice_dice", "patient_dice", "precision", "sensitivity", "hd95_mm", "hd95_pixels")


class _Quiet:
    """A `RunLog` that shows epochs on stderr."""

    def message(self, sentence: str) -> None:
        sys.stderr.write(f"  {sentence}\n")

    def progress(self, progress: Progress) -> None:
        """Show nothing."""

    def epoch(self, figures: EpochMetrics) -> None:
        sys.stderr.write(
            f"  epoch {figures.epoch}: {figures.valid_loss:.3f}, {figures.headline}, {figures.seconds:.0f} s\n"
        )

    def cancelled(self) -> bool:
        return False


def measure(data: Path, weights: str, settings: list[str], seed: int, threads: int) -> dict[str, Any]:
    """Train one run and return its row."""
    values = {
        "data.path": str(data),
        "data.seed": seed,
        "model.weights": weights,
        "training.seed": seed,
        "compute.threads": threads,
        **parse_settings(settings),
    }
    config = RunConfig.from_preset("segment", values)
    started, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        trained = train(task_of(config), _Quiet(), Path(folder), f"segmentation-{seed}")
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        baselines = json.loads((Path(folder) / "baselines.json").read_text("utf-8"))
    return {
        "data": named(data), "arch": config.model.arch, "weights": Path(weights).stem, "settings": " ".join(settings),
        "seed": seed, "model": _scores(trained.report.to_dict()),
        **{name: _scores(scores) for name, scores in baselines.items()}, "epochs": _epochs(config),
        "size": config.preparation.size, "seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1),
        "threads": threads, "brainseg": __version__, "machine": f"{platform.machine()}, {platform.system()}",
    }  # fmt: skip


def named(data: Path) -> str:
    """Return what the results call a dataset: its folder, also where a manifest is given."""
    return data.parent.name if data.is_file() else data.name


def _epochs(config: RunConfig) -> int:
    return config.training.frozen_epochs + config.training.epochs


def _scores(plain: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: plain[name] for name in (*SCORES, "slices", "patients", "both_empty", "rule")},
        "detection": plain["detection"],
        "intervals": {name: plain["intervals"].get(name) for name in SCORES},
    }


def report(rows: list[dict[str, Any]]) -> str:
    """Lay the rows out as a Markdown table: a line for the model and each baseline."""
    lines = [
        "| data | seed | patients, slices | what | Dice, all pixels (95 % interval) | Dice, mean of patients | "
        "Dice, mean of slices | tumour slices found | slices without tumour, nothing marked |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda row: [str(row[part]) for part in KEY]):
        what = f"U-Net on {row['arch']}, {row['weights']} weights, {row['size']} px, {row['epochs']} epochs"
        for name, scores in ((what, row["model"]), ("Otsu", row["Otsu"]), ("all background", row["all background"])):
            shown = " | ".join(_cell(scores, part) for part in ("dice", "patient_dice", "slice_dice"))
            found = " | ".join(_share(scores["detection"][part]) for part in ("sensitivity", "specificity"))
            place = f"{row['data']} | {row['seed']} | {scores['patients']}, {scores['slices']}"
            lines.append(f"| {place} | {name} | {shown} | {found} |")
    return "\n".join(lines)


def _cell(scores: dict[str, Any], name: str) -> str:
    interval = scores["intervals"][name]
    return _share(scores[name]) + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else "")


def _share(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"


def main() -> None:
    """Measure what is missing, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--weights", default="none", help="as model.weights")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--set", dest="settings", action="append", default=[], help="section.field=value")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--report", action="store_true", help="print the table of the stored rows")
    options = parser.parse_args()
    if options.report:
        print(report(ROWS.stored()))
        return
    if not options.data:
        parser.error("DATA is needed")
    keep_memory()
    for seed in options.seeds:
        wanted = (named(options.data.resolve()), Path(options.weights).stem, " ".join(options.settings), seed)
        if ROWS.has(*wanted):
            continue
        row = measure(options.data.resolve(), options.weights, options.settings, seed, options.threads)
        ROWS.add(row)
        sys.stderr.write(f"{wanted}: Dice {row['model']['dice']:.3f} in {row['seconds']} s\n")


if __name__ == "__main__":
    main()
