"""Answers with fastai: `learn.predict` in a loop, or `get_preds` on a test loader.

python -m benchmarks.speed.baselines.learn_predict LEARNER FOLDER loop|batch
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path
from typing import Any

from fastai.vision.all import Learner, get_image_files, load_learner

from benchmarks.speed.baselines import fastai_training, fastai_unet
from benchmarks.speed.side import Turns
from benchmarks.speed.timing import clock


def in_a_loop(learn: Learner, files: list[Path]) -> list[tuple[str, str, float]]:
    """Ask for one image after the other."""
    rows = []
    for file in files:
        with learn.no_bar():
            label, number, probabilities = learn.predict(file)
        rows.append((file.name, str(label), float(probabilities[number])))
    return rows


def in_batches(learn: Learner, files: list[Path]) -> list[tuple[str, str, float]]:
    """Ask for all images at once."""
    with learn.no_bar():
        probabilities, _ = learn.get_preds(dl=learn.dls.test_dl(files))
    numbers = probabilities.argmax(dim=1)
    return [
        (file.name, str(learn.dls.vocab[int(number)]), float(each[number]))
        for file, number, each in zip(files, numbers, probabilities, strict=True)
    ]


def make_learner(data: str, arch: str, size: int, file: str) -> None:
    """Store a learner, as a user who trained one would."""
    fastai_training.learner(data, arch, size).export(file)


def side(turns: Turns, images: str, masks: str, arch: str, size: int, files: list[str]) -> None:
    """Mark a few slices a turn with a U-Net, from file to mask."""
    learn: Any = fastai_unet.learner(images, masks, arch, size)
    for _ in turns:
        each = []
        with clock() as timing:
            for file in files:
                started = time.perf_counter()
                with learn.no_bar():
                    learn.predict(Path(file))
                each.append(time.perf_counter() - started)
        turns.report(timing, each=each)


def main() -> None:
    """Read a stored learner, ask it about every image of a folder, and write a table."""
    stored, folder, how = sys.argv[1:]
    learn = load_learner(stored)
    files = sorted(get_image_files(folder))
    rows = (in_a_loop if how == "loop" else in_batches)(learn, files)
    with (Path(folder).parent / f"{Path(folder).name}-{how}.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)


if __name__ == "__main__":
    main()
