"""Checks a model's heatmaps on a sample of images, as Diagnose shows them: for the predicted class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import cv2
import numpy as np
import torch

from brainseg.diagnosis.drawing import draw_heatmap
from brainseg.diagnosis.heatmap_checks.class_similarity import class_similarity
from brainseg.diagnosis.heatmap_checks.curves import FILL, FRACTIONS, Score, area, deletion_and_insertion
from brainseg.diagnosis.heatmap_checks.means import SEED, mean_over_images
from brainseg.diagnosis.heatmap_checks.orders import at_random, by_heatmap, from_centre
from brainseg.diagnosis.heatmap_checks.randomised import cascade, similarity
from brainseg.diagnosis.heatmap_checks.road import road
from brainseg.diagnosis.heatmap_checks.stored import HeatmapChecks, OrderName, Randomised, StoredCurves
from brainseg.diagnosis.methods import layer_name
from brainseg.diagnosis.predictor import Predictor
from brainseg.models.architectures import Classifier
from brainseg.preparation import Prepared
from brainseg.scans import Scan

ORDERS: tuple[OrderName, ...] = ("heatmap", "random", "centre")
SIDE = 128
"""Largest side of maps that are compared with each other, in pixels; larger ones are averaged down."""
ReportProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Answered:
    """An image of the sample, its map, and what became of it.

    Attributes:
        prepared: What the model saw.
        class_number: The class that it predicted.
        label: Its name.
        correct: Whether that is the true class.
        map: (s, s) float32, the map at no more than `SIDE` pixels per side.
        curves: Order -> deletion and insertion curve.
        road: Its ROAD score; NaN without the grad-cam package.
    """

    prepared: Prepared
    class_number: int
    label: str
    correct: bool
    map: np.ndarray
    curves: dict[str, tuple[np.ndarray, np.ndarray]]
    road: float


def check_heatmaps(
    predictor: Predictor,
    images: Iterable[tuple[Scan, str]],
    groups: Sequence[int],
    held_out: int,
    report_progress: ReportProgress | None = None,
) -> HeatmapChecks:
    """Check the heatmaps of a model, drawn by its own method, on a sample of images.

    Args:
        predictor: The model. It is only read, so other threads may use it.
        images: Scans with their true classes.
        groups: The patient or group of copies of each image.
        held_out: Number of images that the sample was drawn from.
        report_progress: Called with (steps done, steps in total).

    Raises:
        BundleError: The network returns values that are not numbers.
    """
    method, stage = predictor.heatmap_choice()
    depths = len(predictor.stages) + 1
    total, answered = len(groups) + depths, list[Answered]()
    for number, (scan, label) in enumerate(images):
        answered.append(answer(predictor, scan, label, method, stage, number))
        if report_progress:
            report_progress(number + 1, total)
    codes, randomisation = np.asarray(groups, dtype=np.int64), []
    for depth in randomisation_test(predictor, answered, codes, method, stage):
        randomisation.append(depth)
        if report_progress:
            report_progress(len(answered) + len(randomisation), total)
    right = [number for number, each in enumerate(answered) if each.correct]
    correct = [answered[number] for number in right]
    scores = np.array([each.road for each in answered])
    return {
        "images": len(answered),
        "held_out": held_out,
        "groups": len(set(groups)),
        "seed": SEED,
        "version": predictor.bundle.version,
        "method": method,
        "stage": stage,
        "layer": layer_name(stage),
        "empty": sum(not each.map.any() for each in answered),
        "curves": mean_curves([each.curves for each in answered], codes),
        "road": mean_over_images(scores, codes) if _has_road() else None,
        "randomisation": randomisation,
        "classes": class_similarity([each.map for each in correct], [each.label for each in correct], codes[right]),
    }


def answer(predictor: Predictor, scan: Scan, label: str, method: str, stage: int, number: int) -> Answered:
    """Diagnose one image, and compute its deletion and insertion curves and its ROAD score.

    Args:
        predictor: The model.
        scan: The image.
        label: Its true class.
        method: How to draw the heatmap.
        stage: The stage to take it from.
        number: The image's place in the sample; with `SEED` it is the seed of its random orders.
    """
    diagnosis, random = predictor.diagnose(scan, method=method, stage=stage), np.random.default_rng((SEED, number))
    prepared, class_number = predictor.prepare(scan), predictor.description.classes.index(diagnosis.label)
    image = np.ascontiguousarray(predictor.input_of(prepared)[0].cpu().numpy())
    score = probability_of(predictor, class_number)
    order = by_heatmap(diagnosis.cam, random)
    side = len(diagnosis.cam)
    orders = {"heatmap": order, "random": at_random(side, random), "centre": from_centre(side)}
    return Answered(
        prepared,
        class_number,
        diagnosis.label,
        diagnosis.label == label,
        small(diagnosis.cam),
        deletion_and_insertion(image, orders, score),
        road(image, order, score, random) if _has_road() else np.nan,
    )


def probability_of(predictor: Predictor, class_number: int) -> Score:
    """Return a function from (N, 3, S, S) float32 images to the (N,) probabilities of a class."""

    def score(images: np.ndarray) -> np.ndarray:
        probabilities: np.ndarray = predictor.probabilities(torch.from_numpy(images))[:, class_number].numpy()
        return probabilities

    return score


def mean_curves(curves: Sequence[dict[str, tuple[np.ndarray, np.ndarray]]], groups: np.ndarray) -> StoredCurves:
    """Return the mean curves of all images, their areas, and the gain over each baseline, image by image."""
    deleted = {name: np.array([area(each[name][0]) for each in curves]) for name in ORDERS}
    inserted = {name: np.array([area(each[name][1]) for each in curves]) for name in ORDERS}
    own: OrderName = "heatmap"
    return {
        "fill": FILL,
        "fractions": list(FRACTIONS),
        "deletion": {name: _mean([each[name][0] for each in curves]) for name in ORDERS},
        "insertion": {name: _mean([each[name][1] for each in curves]) for name in ORDERS},
        "deletion_area": {name: mean_over_images(deleted[name], groups) for name in ORDERS},
        "insertion_area": {name: mean_over_images(inserted[name], groups) for name in ORDERS},
        "deletion_gain": {
            "random": mean_over_images(deleted["random"] - deleted[own], groups),
            "centre": mean_over_images(deleted["centre"] - deleted[own], groups),
        },
        "insertion_gain": {
            "random": mean_over_images(inserted[own] - inserted["random"], groups),
            "centre": mean_over_images(inserted[own] - inserted["centre"], groups),
        },
    }


def randomisation_test(
    predictor: Predictor, answered: Sequence[Answered], groups: np.ndarray, method: str, stage: int
) -> Iterator[Randomised]:
    """Compare the maps with those of copies of the network whose last layers are random, head first."""
    for layers, network in cascade(predictor.model, SEED):
        values = [similarity(each.map, _map_of(network, predictor, each, method, stage)) for each in answered]
        yield {"layers": layers, "similarity": mean_over_images(np.array(values), groups)}


def small(values: np.ndarray) -> np.ndarray:
    """Return an (S, S) map at no more than `SIDE` pixels per side, by averaging."""
    side = min(SIDE, len(values))
    resized: np.ndarray = cv2.resize(values, (side, side), interpolation=cv2.INTER_AREA)
    return resized


def _map_of(network: Classifier, predictor: Predictor, each: Answered, method: str, stage: int) -> np.ndarray:
    """Return the map of another network for the class that the model predicted."""
    image = predictor.input_of(each.prepared)
    return small(draw_heatmap(network, image, each.class_number, method, stage))


def _mean(curves: Sequence[np.ndarray]) -> list[float]:
    return [float(value) for value in np.mean(curves, axis=0)]


def _has_road() -> bool:
    """Return whether the grad-cam package is installed, whose linear system ROAD uses."""
    return find_spec("pytorch_grad_cam") is not None
