"""Finished runs made within milliseconds: real images, real evaluation files, answers drawn by chance."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from brainseg.config import RunConfig
from brainseg.evaluation.classification import evaluate
from brainseg.evaluation.segmentation import load_masks, save_masks
from brainseg.files import sha256_file
from brainseg.runs import FINAL, Run, RunStore

CLASSES = ["no", "yes"]


def assess(data: Path, seed: int, images: slice = slice(None), skill: float = 0.8) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the split and the predictions of a model that is right with a chance of `skill`."""
    random = np.random.default_rng(seed)
    split = pd.DataFrame(
        {"path": file.relative_to(data).as_posix(), "label": file.parent.name, "group": "", "sha256": sha256_file(file)}
        for file in sorted(data.glob("*/*.png"))
    )
    held_out = np.zeros(len(split), dtype=bool)
    held_out[images] = True
    split["split"] = np.where(held_out, "valid", "train")
    rows = split[held_out].reset_index(drop=True)
    positive = np.where(random.random(len(rows)) < skill, rows["label"] == "yes", rows["label"] != "yes")
    share = np.where(positive, random.uniform(0.51, 0.99, len(rows)), random.uniform(0.01, 0.49, len(rows)))
    table = rows[["path", "group", "label"]].assign(
        prediction=np.where(positive, "yes", "no"),
        loss=-np.log(np.where(rows["label"] == "yes", share, 1 - share)),
        p_no=1 - share,
        p_yes=share,
    )
    return split, table


def epochs_table(count: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    epoch = np.arange(1, count + 1)
    return pd.DataFrame(
        {
            "phase": ["frozen"] + ["unfrozen"] * (count - 1),
            "epoch": epoch,
            "train_loss": 0.8 / epoch**0.5 + random.uniform(0, 0.05, count),
            "valid_loss": 0.9 / epoch**0.4 + random.uniform(0, 0.1, count),
            "accuracy": 1 - 0.5 / epoch**0.5,
            "sensitivity": 1 - 0.5 / epoch**0.5,
            "specificity": 1 - 0.5 / epoch**0.5,
            "learning_rate": 1e-3,
            "seconds": 2.0 + seed,
        }
    )


def finished_run(
    store: RunStore,
    config: RunConfig,
    name: str,
    folder: Path,
    *,
    seed: int = 0,
    images: slice = slice(None),
    skill: float = 0.8,
    caveats: dict[str, object] | None = None,
    costs: bool = True,
) -> Run:
    """Store a run as a finished training leaves it, without its bundle."""
    split, table = assess(Path(config.data.path), seed, images, skill)
    report = evaluate(table, CLASSES, "yes")
    folder = folder / f"{name}-{seed}"
    folder.mkdir(parents=True)
    split.to_csv(folder / "split.csv", index=False)
    table.to_parquet(folder / "predictions.parquet", index=False)
    facts = {"split": config.data.split, "evaluated_on": "valid", "selected_on_these_images": False}
    evaluation = {**report.to_dict(), **facts, "copies_in_training": 0, **(caveats or {})}
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    if config.model.head == "concat-pool":
        epochs_table(8, seed).to_csv(folder / "epochs.csv", index=False)
    run = store.create(config, name, "RUNNING")
    low, high = report.intervals["accuracy"]
    metrics = {"accuracy": report.accuracy, "accuracy_low": low, "accuracy_high": high, "count": report.count}
    if costs:
        metrics |= {"parameters": 11.2e6 + seed * 4e6, "bundle_mb": 44.8 + 16 * seed, "diagnosis_ms": 20.0 + 9 * seed}
    store.log_metrics(run.id, {FINAL + key: value for key, value in metrics.items()})
    store.log_folder(run.id, folder)
    store.set_status(run.id, "FINISHED")
    return store.get(run.id)


def copy_of(store: RunStore, run: Run, name: str, folder: Path) -> Run:
    """Store a run that left the same files as another."""
    shutil.copytree(store.path(run.id, "evaluation.json").parent, folder)
    other = store.create(run.config, name, "RUNNING")
    store.log_metrics(other.id, {key: value for key, value in run.metrics.items() if key.startswith(FINAL)})
    store.log_folder(other.id, folder)
    store.set_status(other.id, "FINISHED")
    return store.get(other.id)


def forget_a_mask(run: Run) -> tuple[pd.Series, int]:
    """Let a run have marked nothing where it fitted best; return that slice as it was, and the number of slices."""
    store = RunStore()
    files = [store.path(run.id, name) for name in ("slices.parquet", "masks.npz")]
    table, masks = pd.read_parquet(files[0]), load_masks(files[1])
    row = int(table["dice"].idxmax())
    found = [masks[number] * np.uint8(number != row) for number in range(len(masks))]
    lost = table.loc[row].copy()
    table.loc[row, ["tp", "fp", "fn", "dice", "predicted_pixels"]] = [0, 0, lost["true_pixels"], 0.0, 0]
    table.to_parquet(files[0], index=False)
    save_masks(files[1], found)
    return lost, len(table)
