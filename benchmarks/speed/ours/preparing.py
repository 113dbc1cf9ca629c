"""Reading a dataset and preparing its images for training: the first time, and again."""

from __future__ import annotations

import os
import tempfile

import numpy as np
import pandas as pd

from benchmarks.speed.side import Turns
from benchmarks.speed.timing import clock
from brainseg.config import RunConfig
from brainseg.tasks import task_of


def side(turns: Turns, data: str, size: int) -> None:
    """Read and prepare the dataset twice a turn, in an empty home."""
    task = task_of(RunConfig.from_preset("paper", {"data.path": data, "preparation.size": size}))

    def work() -> int:
        dataset = task.open(lambda _done, _total: None).usable(False, False)
        labels = pd.Index(dataset.classes).get_indexer(pd.Index(dataset.table["label"])).astype(np.int64)
        images, _ = task.prepare(dataset, labels, np.arange(0), lambda _done, _total: None)
        return len(images)

    for _ in turns:
        with tempfile.TemporaryDirectory() as home:
            os.environ["BRAINSEG_HOME"] = home
            with clock() as first:
                images = work()
            with clock() as second:
                work()
        turns.report(first, images=images, second_wall=second.wall, second_cpu=second.cpu)
