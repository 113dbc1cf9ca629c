"""The paper's whole protocol with plain fastai: finder, `fine_tune`, interpretation."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pandas as pd
from fastai.vision.all import ImageDataLoaders, Resize, accuracy, aug_transforms, set_seed, vision_learner

from benchmarks.speed.baselines.fastai_training import network
from benchmarks.speed.baselines.interpretation import panels
from benchmarks.speed.side import Turns
from benchmarks.speed.timing import clock


def side(turns: Turns, data: str, split: str, arch: str, size: int, weights: str, seed: int, folder: str) -> None:
    """Run the protocol once, on the split that is stored in a table, once it is there.

    Args:
        turns: The turns.
        data: A folder of class folders.
        split: CSV with the columns `path`, `label` and `split`.
        arch: The ResNet.
        size: Pixels of a side.
        weights: A file of weights, or "none".
        seed: Seed of the training.
        folder: Receives the plots.
    """
    mpl.use("agg")
    Path(folder).mkdir(exist_ok=True)
    turns.wait()
    set_seed(seed)
    table = pd.read_csv(split)
    with clock() as timing:
        dls = ImageDataLoaders.from_df(
            table.assign(is_valid=table["split"] == "valid"),
            data,
            fn_col="path",
            label_col="label",
            valid_col="is_valid",
            bs=32,
            item_tfms=Resize(size),
            batch_tfms=aug_transforms(),
        )
        learn = vision_learner(dls, network(arch, weights), metrics=accuracy, pretrained=False)
        learn.path = Path(folder)  # the finder writes a file there, by default beside the images
        if weights != "none":
            learn.freeze()
        found = learn.lr_find(show_plot=False)
        learn.fine_tune(15, base_lr=found.valley)
        panels(learn, Path(folder))
    turns.report(timing, accuracy=float(learn.validate()[1]))
