"""The epochs that the paper published, to compare with the user's own runs."""

from __future__ import annotations

from functools import cache
from importlib import resources

import pandas as pd

SOURCE = (
    "Grey lines: “Resnet Models For Brain Tumor Segmentation” (2024), DOI 10.47750/pnr.2024.14.01.03, which gives the "
    "epochs of three networks. Its 50 validation images are a random choice, not necessarily yours, and its dataset "
    "has copies of files. Compare the shapes of the curves, not their values."
)
NAMES = {"resnet34": "ResNet34", "resnet50": "ResNet50", "resnet101": "ResNet101"}


@cache
def paper_epochs() -> dict[str, pd.DataFrame]:
    """Return the paper's epochs by network.

    Returns:
        "paper, ResNet34" and so on -> a table with `phase` ("frozen" or "unfrozen"), `epoch` (counted over both phases
        from 1, as in `epochs.csv`), `train_loss` and `valid_loss` (cross-entropy, nats), `accuracy` (0..1, of 50
        images) and `seconds`. Do not change the tables.
    """
    with (resources.files("brainseg") / "paper_results.csv").open(encoding="utf-8") as stream:
        table = pd.read_csv(stream)
    first = table["phase"].map({"frozen": 1, "unfrozen": 2})
    table = table.assign(epoch=table["epoch"] + first)
    return {
        f"paper, {name}": table[table["model"] == model].drop(columns="model").reset_index(drop=True)
        for model, name in NAMES.items()
    }
