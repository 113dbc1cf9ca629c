"""The panels of fastai's `ClassificationInterpretation`, as in its documentation."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from fastai.vision.all import ClassificationInterpretation, Learner
from matplotlib import pyplot

from benchmarks.speed.baselines import fastai_training
from benchmarks.speed.side import Turns
from benchmarks.speed.timing import clock


def panels(learn: Learner, folder: Path, hardest: int = 6) -> None:
    """Draw the confusion matrix and the hardest cases, and print the report."""
    found = ClassificationInterpretation.from_learner(learn)
    found.plot_confusion_matrix()
    pyplot.savefig(folder / "confusion_matrix.png")
    found.plot_top_losses(hardest)
    pyplot.savefig(folder / "top_losses.png")
    found.most_confused()
    found.print_classification_report()
    pyplot.close("all")


def side(turns: Turns, data: str, arch: str, size: int, folder: str, valid_fraction: float) -> None:
    """Draw all panels a turn."""
    mpl.use("agg")
    learn = fastai_training.learner(data, arch, size, valid_fraction=valid_fraction)
    Path(folder).mkdir(exist_ok=True)
    for _ in turns:
        with clock() as timing, learn.no_bar():
            panels(learn, Path(folder))
        turns.report(timing, images=len(learn.dls.valid_ds))
