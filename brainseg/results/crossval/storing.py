"""Stores the pooled result of a cross-validation with its parent run."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from brainseg.evaluation.crossval.pooled import repeats_of
from brainseg.evaluation.stored import SCHEMA, Evaluation
from brainseg.files import write_json
from brainseg.results.by_task import results_of
from brainseg.results.stored_dataset import FILE as DATASET
from brainseg.runs import FINAL, Run, RunStore
from brainseg.runs.migrations import PREFIX
from brainseg.tasks import facts_of

FILE = "crossval.json"
POOLED = "out_of_fold.parquet"
"""One row per image and repeat: see `evaluation.crossval.pooling.pool`."""


def store_pooled(
    store: RunStore,
    parent: Run,
    runs: Sequence[Run],
    table: pd.DataFrame,
    evaluation: Evaluation,
    stored: Mapping[str, Any],
    images: pd.DataFrame,
) -> None:
    """Store the files of a pooled result, then its metrics, and last what they are of: an interruption leaves no trace.

    Args:
        store: The run store.
        parent: The parent.
        runs: Its folds.
        table: The pooled predictions of all repeats.
        evaluation: The evaluation of the first repeat.
        stored: The content of `crossval.json`.
        images: The split of one fold.
    """
    first = repeats_of(table)[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table.to_parquet(folder / POOLED, index=False)
        first.to_parquet(folder / facts_of(parent.config.task).predictions, index=False)
        write_json(folder / "evaluation.json", {"schema": SCHEMA, **evaluation})
        write_json(folder / FILE, stored)
        sides = images["path"].map(dict(zip(first["path"], first["fold"], strict=True)))
        images.assign(split="fold " + sides.astype(str)).to_csv(folder / "split.csv", index=False)
        shutil.copyfile(store.path(runs[0].id, DATASET), folder / DATASET)
        results_of(parent.config.task).crossval.store(store, runs, first, folder)
        for file in sorted(folder.iterdir()):
            store.log_file(parent.id, file)
    store.log_metrics(parent.id, {FINAL + key: value for key, value in _metrics(parent, stored).items()})
    store.set_tags(parent.id, {PREFIX + "pooled": stored["of"]})


def _metrics(parent: Run, stored: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics of the parent in lists of runs: pooled, with the interval of the headline metric."""
    facts, pooled = facts_of(parent.config.task), stored["pooled"]
    found = {name: value for name, value in pooled["metrics"].items() if value is not None}
    found[facts.count] = pooled["count"]
    if interval := pooled["intervals"].get(facts.headline):
        found |= {f"{facts.headline}_low": interval["low"], f"{facts.headline}_high": interval["high"]}
    return found
