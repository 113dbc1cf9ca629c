"""Which method and stage gives a run the best heatmaps? Pointing game, energy, deletion and insertion of each.

    python -m benchmarks.heatmaps RUN [--images 16] [--explain CLASS] [--ways grad-cam:4 layer-cam-stages:2 ...]

RUN is a finished run of the store, whose dataset has masks. A method must not be chosen and reported on the same
patients, so the held-out patients are divided by a fixed seed: choose by the column of the first half, and report that
of the second. Deletion and insertion are measured on a sample of the slices, as gains over a random order.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np

from brainseg.diagnosis.agreement import agreement
from brainseg.diagnosis.heatmap_checks.curves import area, deletion_and_insertion
from brainseg.diagnosis.heatmap_checks.means import SEED, mean_over_images
from brainseg.diagnosis.heatmap_checks.measure import probability_of
from brainseg.diagnosis.heatmap_checks.orders import at_random, by_heatmap
from brainseg.diagnosis.heatmap_checks.stored import Measured
from brainseg.diagnosis.heatmap_measurement import tumour_slices
from brainseg.diagnosis.methods import METHODS, drawn_by
from brainseg.diagnosis.predictor import Predictor
from brainseg.results import stored_results
from brainseg.runs import RunStore
from brainseg.runs.dataset_location import dataset_location
from brainseg.scans import Scan

SLOW = "score-cam"
Slices = list[tuple[Scan, np.ndarray]]


def default_ways(stages: Sequence[int]) -> list[tuple[str, int]]:
    """Return every method but ScoreCAM at every stage; averages over stages need at least two."""
    return [
        (method, stage)
        for method, known in METHODS.items()
        for stage in (stages[:-1] if known.stages else stages)
        if method != SLOW
    ]


class Benchmark:
    """The slices and everything about them that does not depend on the method.

    Args:
        predictor: The model.
        slices: Slices with masks that contain a tumour.
        groups: The patient of each slice.
        images: Slices of the sample for deletion and insertion.
        explain: The class to explain; None for the predicted one.
    """

    def __init__(
        self, predictor: Predictor, slices: Slices, groups: Sequence[int], images: int, explain: str | None
    ) -> None:
        self.predictor, self.slices, self.explain = predictor, slices, explain
        self.groups = np.asarray(groups)
        random = np.random.default_rng(SEED)
        patients = random.permutation(np.unique(self.groups))
        self.first = np.isin(self.groups, patients[: len(patients) // 2])
        self.sample = np.sort(random.permutation(len(slices))[:images])
        self.chance = float(np.mean([(mask > 0).mean() for _, mask in slices]))

    def row(self, method: str, stage: int) -> str:
        """Measure one method at one stage, and return its row of the table."""
        started = time.perf_counter()
        answers = [self.predictor.diagnose(scan, self.explain, method, stage) for scan, _ in self.slices]
        seconds = (time.perf_counter() - started) / len(answers)
        found = [agreement(each.heatmap, mask) for each, (_, mask) in zip(answers, self.slices, strict=True)]
        hits = np.array([float(bool(each and each.hit)) for each in found])
        energy = np.array([each.energy_inside if each else 0.0 for each in found])
        positive = self.predictor.description.positive
        right = np.array([each.label == positive for each in answers]) if positive else np.ones(len(hits), bool)
        gains = np.array([self.gains(number, method, stage) for number in self.sample]).reshape(-1, 2)
        cells = [
            drawn_by(method, stage),
            *(_cell(hits[rows], self.groups[rows]) for rows in (self.first, ~self.first, slice(None), right)),
            f"{energy.mean() / self.chance:.2f}",
            *(_cell(gains[:, side], self.groups[self.sample]) for side in (0, 1)),
            f"{1000 * seconds:.0f}",
        ]
        return f"| {' | '.join(cells)} |"

    def gains(self, number: int, method: str, stage: int) -> tuple[float, float]:
        """Return by how much a heatmap's deletion area is smaller, and its insertion area larger, than at random."""
        predictor, scan = self.predictor, self.slices[number][0]
        answer = predictor.diagnose(scan, self.explain, method, stage)
        random = np.random.default_rng((SEED, number))
        orders = {"random": at_random(len(answer.cam), random), "heatmap": by_heatmap(answer.cam, random)}
        image = np.ascontiguousarray(predictor.input_of(predictor.prepare(scan))[0].cpu().numpy())
        score = probability_of(predictor, predictor.description.classes.index(answer.explained))
        curves = deletion_and_insertion(image, orders, score)
        areas = {name: [area(curve) for curve in pair] for name, pair in curves.items()}
        return areas["random"][0] - areas["heatmap"][0], areas["heatmap"][1] - areas["random"][1]


def _cell(values: np.ndarray, groups: np.ndarray) -> str:
    found: Measured = mean_over_images(values, groups)
    if found["value"] is None:
        return "none"
    bounds = "no interval" if found["interval"] is None else "{:.2f} to {:.2f}".format(*found["interval"])
    return f"{found['value']:.3f} ({bounds}; n = {found['n']})"


def _way(text: str) -> tuple[str, int]:
    method, _, stage = text.partition(":")
    if method not in METHODS or not stage.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no METHOD:STAGE; methods: {', '.join(METHODS)}")
    return method, int(stage)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--images", type=int, default=16, help="slices for deletion and insertion")
    parser.add_argument("--explain", help="the class to explain; by default the predicted one")
    parser.add_argument("--ways", type=_way, nargs="+", help="METHOD:STAGE; by default all but ScoreCAM")
    options = parser.parse_args()
    store = RunStore()
    run = store.get(options.run)
    split = stored_results.split(store, run)
    if split is None:
        parser.error(f"run {run.name!r} has no split.csv")
    predictor, found = Predictor.open(store.bundle(run)), tumour_slices(split, dataset_location(run))
    benchmark = Benchmark(predictor, list(found.read()), found.groups, options.images, options.explain)
    patients = len(np.unique(benchmark.groups))
    print(f"{run.name}: {len(found.rows)} slices of {patients} patients; a random point hits {benchmark.chance:.3f}.")
    print("| heatmap | pointing, first half of the patients | second half | all | slices found to have a tumour "
          "| energy ratio | deletion gain | insertion gain | ms per image |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    for method, stage in options.ways or default_ways(predictor.stages):
        print(benchmark.row(method, stage), flush=True)
        sys.stderr.write(f"{method} at layer{stage} done\n")


if __name__ == "__main__":
    main()
