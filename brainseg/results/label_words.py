"""The likely label errors of a run in words, the same on the page and in the command."""

from __future__ import annotations

import pandas as pd

from brainseg.evaluation.intervals import wilson
from brainseg.evaluation.label_ranking import LabelReason
from brainseg.results.label_report import JudgedLabel, LabelReport

EXPERT = "These are labels to check, not errors: hard images are listed, too, and only an expert knows the right label."

GUESSING = (
    "The models are not shown to be better than always guessing the most frequent label, so their view of single "
    "labels is not reliable: train better models first."
)


def label_sentences(report: LabelReport) -> list[str]:
    """Return what was judged and how, and how many labels look wrong."""
    return [_judged(report), _found(report), *_limits(report), EXPERT]


def why_words(label: JudgedLabel) -> str:
    """Return why a label may be wrong.

    >>> label = {"path": "a.png", "label": "no", "suggested": "yes", "score": 0.02, "fold": 1, "reason": "model"}
    >>> why_words({**label, "copies": []})
    'models that had not seen it are confident of yes (label score 0.02)'
    >>> why_words({**label, "copies": ["b.png"], "reason": "copies"})
    'its copy b.png has another label; models that had not seen it favour another class (label score 0.02)'
    """
    parts = []
    if label["copies"]:
        first, more = label["copies"][0], len(label["copies"]) - 1
        others = f"copies {first} and {more} more have" if more else f"copy {first} has"
        parts.append(f"its {others} another label")
    parts.append(_verdict(label))
    return "; ".join(parts)


def _verdict(label: JudgedLabel) -> str:
    if label["score"] is None:
        return "no model judged it"
    favour = "favour another class" if label["score"] < 0.5 else "favour its label"
    verb = f"are confident of {label['suggested']}" if label["reason"] == LabelReason.MODEL else favour
    return f"models that had not seen it {verb} (label score {label['score']:.2f})"


def labels_table(labels: list[JudgedLabel]) -> pd.DataFrame:
    """Return one row per image for readers and for CSV."""
    return pd.DataFrame(
        [
            {
                "Image": label["path"],
                "Label": label["label"],
                "Suggested": label["suggested"],
                "Label score": label["score"],
                "Fold": label["fold"],
                "Why": why_words(label),
            }
            for label in labels
        ],
        columns=["Image", "Label", "Suggested", "Label score", "Fold", "Why"],
    )


def _judged(report: LabelReport) -> str:
    if report["source"] == "held-out":
        more = ""
        if report["can_judge_all"]:
            more = f" `brainseg labels {report['run_id'][:8]} --all-images` judges all."
        return (
            f"Only the {report['judged']:,} held-out images of {report['images']:,} were judged: the model trained on "
            f"the others with their labels.{more or ' A cross-validation judges all.'}"
        )
    often = f" in each of {report['repeats']} repeats" if report["repeats"] > 1 else ""
    return f"Each of the {report['judged']:,} images was judged by a model that had not trained on it{often}."


def _found(report: LabelReport) -> str:
    agreeing = 100 * report["agreeing"] / report["judged"]
    suspects = "1 label" if report["likely"] == 1 else f"{report['likely']:,} labels"
    return (
        f"The models agree with {report['agreeing']:,} of {report['judged']:,} labels ({agreeing:.0f} %) and are "
        f"confident that {suspects} {'is' if report['likely'] == 1 else 'are'} wrong."
    )


def _limits(report: LabelReport) -> list[str]:
    found = []
    if wilson(report["agreeing"], report["judged"])[0] <= report["largest"] / report["judged"]:
        found.append(GUESSING)
    if report["conflicts"]:
        several = report["conflicts"] > 1
        groups = f"{report['conflicts']:,} groups of copies have" if several else "1 group of copies has"
        found.append(f"{groups} several labels, so at least one label of each is wrong: they come first.")
    if report["left_out"]:
        found.append(
            f"{report['left_out']:,} held-out images with a copy in the training set were not judged, since the model "
            "has learnt their label."
        )
    if report["folds_separate_copies"]:
        found.append(
            "The folds were drawn by image, so a model may have learnt the label of an image from its copy: wrong "
            "labels of copies may be missed."
        )
    return found
