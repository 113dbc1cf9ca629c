"""What a search found, what its values stand on, and how much too good they are, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brainseg.results.search.reading import metrics_of
from brainseg.results.search.result import Confirmation, Interval, SearchResult
from brainseg.search.ranges import choice_words
from brainseg.tasks import facts_of

METHODS = {"tpe": "Bayesian search (TPE)", "random": "random search", "grid": "grid search"}
"""Method -> its name."""


def point_words(point: Mapping[str, Any]) -> str:
    """Return the settings of a trial, as `--set` takes them but with rounded numbers.

    >>> point_words({"training.learning_rate": 0.00123456, "model.stages": [2, 3]})
    'training.learning_rate=0.001235, model.stages=[2,3]'
    """
    return ", ".join(f"{name}={value_words(value)}" for name, value in point.items())


def value_words(value: object) -> str:
    """Return the value of a setting, with at most four significant digits."""
    return f"{value:.4g}" if isinstance(value, float) else choice_words(value)


def metric_words(result: SearchResult) -> str:
    """Return the name of the metric within a sentence."""
    words = metrics_of(result.search.config.task)[result.plan.metric]
    return (
        words if words[:2].isupper() or words.startswith(("ROC", "F1", "IoU", "Dice")) else words[0].lower() + words[1:]
    )


def head_sentence(result: SearchResult) -> str:
    """Return what the search does and how far it is."""
    counts, plan = result.search.trials, result.plan
    method = METHODS[plan.method]
    return (
        f"{method[0].upper()}{method[1:]} for the highest {metric_words(result)} on the validation set"
        f"{f': {counts.words()}' if counts else ''}."
    )


def result_sentences(result: SearchResult) -> list[str]:
    """Return the winner, its confirmation and the optimism of the search; empty while no trial is complete."""
    best = result.best
    if best is None or best.value is None:
        return []
    tried = sum(trial.state in ("complete", "pruned") for trial in result.trials)
    sentences = [
        f"Best trial: {best.number} ({point_words(best.point)}), {metric_words(result)} "
        f"{_with_interval(best.value, result.best_interval)} on the validation set. "
        + (
            f"It is the best of {tried} trials on the same images, so this value is too good."
            if tried > 1
            else "No other trial was compared with it."
        )
    ]
    return [*sentences, *_confirmation_sentences(result)]


def _confirmation_sentences(result: SearchResult) -> list[str]:
    found = result.confirmation
    if result.plan.confirm == "none":
        return [
            "The winner was not confirmed: evaluate it on images that the search did not use before you quote a value."
        ]
    if found is None or found.value is None:
        if found is not None and found.run.status == "FAILED":
            return [f"The confirmation failed: {found.run.reason}"]
        return ["The winner is confirmed after the last trial; until then, no value is free of the choice."]
    return [_confirmed(result, found), *_optimism(found)]


def _confirmed(result: SearchResult, found: Confirmation) -> str:
    units = facts_of(result.search.config.task).units
    images = "" if found.images is None else f"{found.images:,} "
    value = _with_interval(found.value or 0.0, found.interval)
    if found.how == "test":
        return (
            f"Confirmed on the test set: {metric_words(result)} {value} on {images}{units} that no trial has seen, "
            "after a training with the same settings, seed and training set."
        )
    return (
        f"Confirmed by a cross-validation on other folds: {metric_words(result)} {value}, pooled over {images}{units}. "
        "The settings were chosen on some of these images, so this value is still somewhat too good."
    )


def _optimism(found: Confirmation) -> list[str]:
    if found.optimism is None:
        return []
    start = f"Optimism of the search: {found.optimism:+.3f}"
    what = "the best value on the validation set minus the confirmed one"
    if found.how == "folds":
        return [f"{start}, {what}. It has no interval, since both values share images."]
    if found.optimism_interval is None:
        return [f"{start}, {what}. It has no interval, since one of the two values has none."]
    low, high = found.optimism_interval
    unclear = (
        "The interval contains 0, so these images do not show whether the search was too optimistic."
        if low <= 0 <= high
        else "The interval does not contain 0: this is more than chance in the choice of images."
    )
    return [f"{start} (95 % interval {low:+.3f} to {high:+.3f}), {what}. {unclear}"]


def _with_interval(value: float, interval: Interval | None) -> str:
    return f"{value:.3f}" + (f" (95 % interval {interval[0]:.3f} to {interval[1]:.3f})" if interval else "")
