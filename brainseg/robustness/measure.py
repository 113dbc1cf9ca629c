"""Measures how the answers of a model change when its held-out images get worse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

import brainseg
from brainseg.errors import BundleError
from brainseg.models.calibration import Calibration
from brainseg.models.inputs import normalise, to_batch
from brainseg.preparation import prepare
from brainseg.robustness.answers import Answers, Case, OpenAnswers
from brainseg.robustness.corruptions import CORRUPTIONS, UNTOUCHED, Condition, chosen, conditions, image_seed
from brainseg.robustness.images import CheckedImages
from brainseg.robustness.plan import CheckPlan
from brainseg.robustness.result import SCHEMA, Curve, RobustnessReport

BATCH = 16
"""Images that are decoded, and predicted, at a time; a cancel request waits for at most one batch."""
WORKERS = 4
"""Threads that corrupt and prepare images, which releases the interpreter lock."""
ReportProgress = Callable[[int, int], None]


def measure_robustness(
    bundle: Path,
    images: CheckedImages,
    plan: CheckPlan,
    open_answers: OpenAnswers,
    device: str,
    report_progress: ReportProgress,
) -> RobustnessReport:
    """Predict each image untouched and under each corruption at each strength.

    Each image is decoded once.

    Args:
        bundle: The folder of the model's bundle.
        images: From `sample_images`.
        plan: What to measure.
        open_answers: Opens the collection of answers of the model's task.
        device: Where to run the model.
        report_progress: Called with (predictions done, predictions in all), often; it may raise an error to stop.

    Raises:
        BundleError: The bundle cannot be used, or the network returns values that are not numbers.
        ScanError: An image can no longer be read.
        ConfigError: The plan names an unknown corruption.
    """
    asked = [UNTOUCHED, *conditions(plan.corruptions)]
    answers, total = open_answers(bundle, images, device), len(images) * len(asked)
    done = 0
    report_progress(done, total)
    with ThreadPoolExecutor(WORKERS) as pool:
        for cases in _batches(images, answers, asked, plan.seed, pool):
            for case, logits in zip(cases, _predicted(answers, cases), strict=True):
                answers.add(case, logits)
            done += len(cases)
            report_progress(done, total)
    return _report(answers, images, plan)


def _batches(
    images: CheckedImages, answers: Answers, asked: list[Condition], seed: int, pool: ThreadPoolExecutor
) -> Iterator[list[Case]]:
    """Yield the cases of up to `BATCH` images under one condition, the untouched images first."""
    settings, digests = answers.description.preparation, images.table["sha256"]
    for start in range(0, len(images), BATCH):
        rows = range(start, min(start + BATCH, len(images)))
        decoded = dict(zip(rows, pool.map(images.read, rows), strict=True))

        def case(row: int, condition: Condition, decoded: dict[int, np.ndarray] = decoded) -> Case:
            own_seed = image_seed(seed, digests.iloc[row])
            pixels = condition.change(decoded[row], own_seed)
            prepared = prepare(pixels, settings)
            return Case(row, own_seed, condition, pixels, prepared.pixels, prepared.geometry)

        for condition in asked:
            yield list(pool.map(case, rows, [condition] * len(rows)))


@torch.no_grad()
def _predicted(answers: Answers, cases: list[Case]) -> torch.Tensor:
    """Return the float32 logits of a batch, on the CPU."""
    device = next(answers.model.parameters()).device
    batch = to_batch(np.stack([case.prepared for case in cases])).to(device)
    logits: torch.Tensor = answers.model(normalise(batch, answers.description.preparation.normalise)).float().cpu()
    if not torch.isfinite(logits).all():
        raise BundleError(f"{answers.description.name} returned values that are not numbers: train it again.")
    return logits


def _report(answers: Answers, images: CheckedImages, plan: CheckPlan) -> RobustnessReport:
    heatmaps, method, stage = answers.heatmaps()
    calibration = answers.description.calibration
    return {
        "schema": SCHEMA,
        "brainseg": brainseg.__version__,
        "digest": answers.digest,
        "metric": answers.metric,
        "evaluated_on": images.evaluated_on,
        "held_out": images.held_out,
        "images": len(images),
        "groups": len(np.unique(images.groups)),
        "seed": plan.seed,
        "calibrated": calibration.count if isinstance(calibration, Calibration) else None,
        "judged": answers.description.positive,
        "heatmaps": heatmaps,
        "method": method,
        "stage": stage,
        "reference": answers.point(UNTOUCHED),
        "curves": [_curve(answers, name) for name in chosen(plan.corruptions)],
    }


def _curve(answers: Answers, name: str) -> Curve:
    corruption = CORRUPTIONS[name]
    points = [answers.point(Condition(name, strength)) for strength in corruption.strengths]
    return {"corruption": name, "title": corruption.title, "unit": corruption.unit, "points": points}
