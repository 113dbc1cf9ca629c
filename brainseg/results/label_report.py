"""Likely label errors of a finished run: its held-out or out-of-fold predictions, and the copies in its dataset."""

from __future__ import annotations

import math
from typing import Literal, cast

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from brainseg.datasets.split_table import copies_of
from brainseg.errors import RunError
from brainseg.evaluation.label_ranking import LabelRanking, LabelReason, rank_labels
from brainseg.evaluation.stored import ClassificationEvaluation
from brainseg.models.sources import RUN
from brainseg.results import stored_results
from brainseg.results.crossval.reading import complete_result
from brainseg.results.run_files import reading
from brainseg.runs import Run, RunStore
from brainseg.tasks import facts_of

FEWEST = 10
"""Fewest judged images: with fewer, the mean probabilities of the classes say nothing."""
Source = Literal["out-of-fold", "held-out"]


class JudgedLabel(TypedDict):
    """One image and what speaks against its label; see `evaluation.label_ranking`.

    Attributes:
        path: The image.
        label: Its given label.
        suggested: The class that fits best, which may be the given one; "" if it is not known.
        score: 0 (another class has all of the probability) to 1 (the label has); None for an image that was not judged.
        fold: The fold of the first repeat whose model judged it; None for a run without folds.
        reason: "copies", "model" or "none".
        copies: Paths of its copies with another label.
    """

    path: str
    label: str
    suggested: str
    score: float | None
    fold: int | None
    reason: str
    copies: list[str]


class LabelReport(TypedDict):
    """The labels of a run's dataset.

    Attributes:
        run_id: Id of the run.
        run: Its name.
        source: Whether every image was judged by models that did not train on it, or only the held-out ones.
        judged: Number of judged images.
        images: Number of images in the dataset.
        left_out: Held-out images that were not judged, since the model trained on a copy of them.
        repeats: How often each judged image was judged.
        agreeing: Number of judged images whose most probable class is the given label.
        largest: Number of judged images with the most frequent label: what guessing would agree with.
        likely: Number of labels that the models are confident against.
        conflicts: Number of groups of copies with several labels.
        thresholds: Class -> its threshold; None if no judged image has it.
        folds_separate_copies: Whether the folds ignored copies, so a model may have trained on a copy of an image.
        can_judge_all: Whether `judge_all_images` can judge the other images, too.
        labels: All judged images, and those that only copies speak against, most suspicious first.
    """

    run_id: str
    run: str
    source: Source
    judged: int
    images: int
    left_out: int
    repeats: int
    agreeing: int
    largest: int
    likely: int
    conflicts: int
    thresholds: dict[str, float | None]
    folds_separate_copies: bool
    can_judge_all: bool
    labels: list[JudgedLabel]


def label_report(store: RunStore, run: Run) -> LabelReport:
    """Judge the labels of a run's dataset.

    Uses the pooled out-of-fold predictions of a cross-validation, those that `label_check.judge_all_images` stored with
    an instant baseline, or else the held-out predictions of a single run.

    Args:
        store: The store of the run.
        run: A finished run that classifies, or a complete cross-validation of such runs.

    Raises:
        RunError: The run does not classify, did not finish, has no predictions, or too few or of one class only; or one
            of its files is missing or damaged.
    """
    refuse_without_labels(run)
    if run.kind == "crossval":
        complete_result(store, run)
    report = stored_results.evaluation_as(ClassificationEvaluation, store, run)
    pooled = stored_results.out_of_fold(store, run)
    table = pooled if pooled is not None else stored_results.evaluated_predictions(store, run)
    images = stored_results.split(store, run)
    if report is None or table is None or images is None:
        raise RunError(f"Run {run.name!r} has no stored predictions, evaluation or split: train it again.")
    classes = report["classes"]
    judged = table if pooled is not None else without_learnt(table, images)
    _refuse_too_few(run, judged)
    with reading("The table of predictions", run):
        ranking = rank_labels(judged, images, classes)
    rows = _rows(ranking, with_folds=pooled is not None)
    return {
        "run_id": run.id,
        "run": run.name,
        "source": "held-out" if pooled is None else "out-of-fold",
        "judged": judged["path"].nunique(),
        "images": len(images),
        "left_out": table["path"].nunique() - judged["path"].nunique(),
        "repeats": 1 if pooled is None else int(pooled["repeat"].nunique()),
        "agreeing": _agreeing(judged, classes),
        "largest": int(judged.drop_duplicates("path")["label"].value_counts().max()),
        "likely": sum(row["reason"] == LabelReason.MODEL for row in rows),
        "conflicts": ranking.conflicts,
        "thresholds": {name: None if math.isnan(value) else value for name, value in ranking.thresholds.items()},
        "folds_separate_copies": run.kind == "crossval" and not run.config.data.grouped_folds,
        "can_judge_all": pooled is None and why_not_all(run) == "",
        "labels": rows,
    }


def refuse_without_labels(run: Run) -> None:
    """Refuse a run whose labels cannot be judged.

    Raises:
        RunError: It does not classify, only looked for a learning rate, or did not finish.
    """
    facts = facts_of(run.config.task)
    if facts.has_masks:
        raise RunError(f"Run {run.name!r} {facts.does} and has no labels of images: choose a run that classifies.")
    if run.kind == "find-lr":
        raise RunError(f"Run {run.name!r} only looked for a learning rate and has no predictions: choose a training.")
    if run.kind == "train" and run.status != "FINISHED":
        raise RunError(f"Run {run.name!r} is {run.status} and has no predictions: choose a finished run.")


def why_not_all(run: Run) -> str:
    """Return why the other images of a single run cannot be judged, as a sentence; "" if they can."""
    if run.members:
        return (
            f"The members of {run.name!r} were trained on labels of these images, so they cannot judge them: use a "
            "cross-validation, or an instant baseline (model.head=logistic)."
        )
    if run.config.model.fine_tuned:
        return (
            f"The network of run {run.name!r} was trained on labels of these images, so it cannot judge them: use a "
            "cross-validation, or an instant baseline (model.head=logistic)."
        )
    if run.config.model.weights.startswith(RUN):
        return (
            f"The network of run {run.name!r} is from an earlier run, which may have learnt these labels: use an "
            "instant baseline with other weights, such as imagenet."
        )
    return ""


def without_learnt(table: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Return predictions without those of images with a copy in the training set, whose label the model has learnt."""
    identical, near = copies_of(images[images["split"] == "train"], images)
    return table[~table["path"].isin(images.loc[identical | near, "path"])].reset_index(drop=True)


def _refuse_too_few(run: Run, judged: pd.DataFrame) -> None:
    count = judged["path"].nunique()
    remedy = "use a cross-validation" + ("" if why_not_all(run) else ", or `brainseg labels` with --all-images")
    if count < FEWEST:
        raise RunError(
            f"Only {count} images of run {run.name!r} were predicted by a model that had not trained on them or their "
            f"copies, and label errors need at least {FEWEST}: {remedy}."
        )
    if judged["label"].nunique() < 2:
        raise RunError(
            f"All {count} judged images of run {run.name!r} have the label {judged['label'].iloc[0]!r}, so there is "
            f"nothing to compare it with: {remedy}."
        )


def _agreeing(judged: pd.DataFrame, classes: list[str]) -> int:
    """Return the number of images whose most probable class, by the mean over the repeats, is the given label."""
    chances = judged.groupby("path")[[f"p_{name}" for name in classes]].mean()
    predicted = np.array(classes, dtype=object)[chances.to_numpy().argmax(axis=1)]
    given = judged.drop_duplicates("path").set_index("path")["label"].reindex(chances.index)
    return int((given.to_numpy(dtype=object) == predicted).sum())


def _rows(ranking: LabelRanking, *, with_folds: bool) -> list[JudgedLabel]:
    records = ranking.table.to_dict(orient="records")
    return [
        cast(
            "JudgedLabel",
            {
                **{name: str(row[name]) for name in ("path", "label", "suggested", "reason")},
                "score": None if math.isnan(row["score"]) else float(row["score"]),
                "fold": int(row["fold"]) if with_folds and row["fold"] >= 0 else None,
                "copies": list(row["copies"]),
            },
        )
        for row in records
    ]
