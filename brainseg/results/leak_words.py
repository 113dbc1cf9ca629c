"""The leaks of a run in words, the same on the page and in the command."""

from __future__ import annotations

from brainseg.results.leaks import LeakedImage, LeakReport
from brainseg.results.subset_metric import SubsetMetric

SIDES = {"valid": "validation", "test": "test"}
KINDS = {
    "identical": "byte-identical",
    "near": "near copy",
    "linked": "copy of a copy",
}


def leak_sentence(report: LeakReport) -> str:
    """Return how many evaluated images have a copy in the training set."""
    side, count, leaked = SIDES[report["evaluated_on"]], report["all_images"]["count"], len(report["images"])
    if not leaked:
        return f"None of the {count:,} {side} images has a copy among the {report['trained_on']:,} training images."
    verb = "has" if leaked == 1 else "have"
    return f"{leaked:,} of {count:,} {side} images {verb} a copy among the {report['trained_on']:,} training images."


def kind_words(image: LeakedImage) -> str:
    """Return how an image is a copy of a training image.

    >>> kind_words({"kind": "near", "mirrored": True, "aligned": True, "label": "no", "twin_label": "yes"})
    'near copy, mirrored or turned, cropped, shifted or edited, another label'
    """
    parts = [KINDS[image["kind"]]]
    parts += ["mirrored or turned"] if image["mirrored"] else []
    parts += ["cropped, shifted or edited"] if image["aligned"] else []
    parts += ["another label"] if image["label"] != image["twin_label"] else []
    return ", ".join(parts)


def metric_words(metric: SubsetMetric) -> str:
    """Return a metric with its interval and the number of images.

    >>> metric_words({"name": "accuracy", "value": 0.9, "interval": (0.8, 0.95), "count": 50})
    'accuracy 0.900 (95 % interval 0.800 to 0.950), n = 50'
    """
    name = {"accuracy": "accuracy", "dice": "Dice of all pixels"}[metric["name"]]
    if metric["value"] is None:
        return f"{name} not defined, n = {metric['count']:,}"
    interval = metric["interval"]
    bounds = f" (95 % interval {interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
    return f"{name} {metric['value']:.3f}{bounds}, n = {metric['count']:,}"
