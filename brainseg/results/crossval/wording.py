"""What the intervals of a cross-validation stand on, and what may be concluded from them, in sentences."""

from __future__ import annotations

from brainseg.datasets.patient_messages import as_sentence
from brainseg.results.crossval.result import CrossvalResult
from brainseg.tasks import facts_of

JUDGES = (
    "A cross-validation judges a recipe (data, network and settings), not one model. Each fold left a model of its "
    "own, trained on a part of the images."
)
FEW = 20
"""Independent units below which a bootstrap interval is too narrow."""


def basis_sentences(result: CrossvalResult) -> list[str]:
    """Return what the metrics and intervals of a complete cross-validation stand on; empty unless it is complete."""
    pooled, plan, data = result.pooled, result.parent.plan, result.parent.config.data
    if pooled is None or plan is None:
        return []
    facts = facts_of(result.parent.config.task)
    often = "once" if plan.repeats == 1 else f"{plan.repeats} times, once in each repeat"
    sentences = [
        f"Each of the {pooled['count']:,} {facts.units} was evaluated {often}, by a model that had not trained on it.",
        f"Mean and standard deviation are over {len(result.folds)} folds. Folds share training images, so no exact "
        "interval of their mean exists; this one is the corrected resampled t interval (Nadeau and Bengio 2003).",
        _pooled_words(result),
    ]
    if "roc_auc" in pooled["metrics"]:
        sentences.append(
            "For the AUC, prefer the mean of the folds: the pooled AUC ranks probabilities of different models."
        )
    if plan.candidates:
        sentences.append(
            f"Each fold was trained with the settings that won on {plan.inner} inner folds of its own training side, "
            "so the metrics judge the choice as well, and no fold took part in its own choice."
        )
    if data.by_image:
        sentences.append(
            "The folds were drawn by image, so copies and images of one patient may be in training and test: the "
            "metrics are too good."
        )
    return [*sentences, *map(as_sentence, result.caveats), JUDGES]


def _pooled_words(result: CrossvalResult) -> str:
    pooled = result.pooled
    if pooled is None:
        return ""
    interval = pooled["intervals"].get(facts_of(result.parent.config.task).headline)
    units = f"{pooled['units']:,} {pooled['unit']}"
    if interval is None:
        return f"The pooled metrics are based on {units}; there is no interval, since too few differ."
    drawn = interval["method"].startswith("bootstrap")
    few = f" With fewer than {FEW} of them it is too narrow." if drawn and pooled["units"] < FEW else ""
    return (
        f"The interval of the pooled {facts_of(result.parent.config.task).headline_words} ({interval['method']}) "
        f"is based on {units}. It covers which of them are in the dataset, not that other training images give other "
        f"models.{few}"
    )
