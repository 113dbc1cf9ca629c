"""The paper's whole protocol with brainseg: finder, 1 + 15 epochs, confusion matrix and hardest cases."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.speed.ours.quiet import Quiet
from benchmarks.speed.side import Turns
from benchmarks.speed.timing import clock
from brainseg.config import RunConfig
from brainseg.evaluation.hardest import hardest_cases
from brainseg.evaluation.stored import ClassificationEvaluation
from brainseg.plots import confusion_matrix_figure, save_html
from brainseg.plots.hardest_sheet import IMAGE_SIDE, hardest_sheet
from brainseg.results.run_images import square
from brainseg.scans import read_scan
from brainseg.tasks import task_of
from brainseg.training.compute import keep_memory
from brainseg.training.trainer import train


def side(turns: Turns, folder: str, settings: Mapping[str, Any]) -> None:
    """Run the protocol once, into a folder, whose `split.csv` tells the baseline which images to validate on."""
    keep_memory()
    config = RunConfig.from_preset("paper", dict(settings))
    os.nice(config.compute.nice)
    place = Path(folder)
    turns.wait()
    shutil.rmtree(place, ignore_errors=True)
    with clock() as timing:
        trained = train(task_of(config), Quiet(), place, "protocol")
        draw_panels(place, Path(config.data.path))
    turns.report(timing, accuracy=float(trained.report.matrix.trace() / trained.report.matrix.sum()))


def draw_panels(place: Path, data: Path) -> None:
    """Draw the confusion matrix and the hardest cases from what the training stored."""
    report: ClassificationEvaluation = json.loads((place / "evaluation.json").read_text("utf-8"))
    save_html(confusion_matrix_figure(report["matrix"], report["classes"]), place / "confusion_matrix.html")
    cases = hardest_cases(pd.read_parquet(place / "predictions.parquet"), 6)
    root = data if data.is_dir() else data.parent
    sheet = hardest_sheet(cases, [square(read_scan(root / path).pixels, IMAGE_SIDE) for path in cases["path"]])
    sheet.save(place / "hardest.png")
