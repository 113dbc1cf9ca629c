"""How well the guard of bundles separates brain MRI slices from other images.

    python -m benchmarks.guard BUNDLE [BUNDLE ...] [--data ../shared/data] [--each 40] [--seed 1] [--more FOLDER]

The slices are real ones of several sources that `benchmarks.guard_fit` did not fit; half of them come again, altered.
Where a bundle lies among the artefacts of its run, the validation images of that run are measured, too. The 300 other
images are drawn at random, except some photographs and one abdomen. The guard's limits were chosen with seed 0, so
report another one. `--more` adds your own: FOLDER/yes/KIND/FILE are brain MRI, FOLDER/no/KIND/FILE are not.

Each bundle gives one table, and a line in `benchmarks/results/guard.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from benchmarks.guard_pictures import others
from benchmarks.guard_slices import Picture, altered, more, own, slices
from brainseg.diagnosis.guard import assess
from brainseg.models.bundle import Bundle, load_bundle
from brainseg.models.inputs import normalise, to_batch
from brainseg.preparation import prepare

GUARD = "with the head network"
"""What the rows of `RESULTS` call the guard of this version; those of the version before are kept beside them."""
RESULTS = Path(__file__).parent / "results" / "guard.jsonl"


class Measurement:
    """One bundle, measured on kinds of pictures.

    Args:
        bundle: The bundle.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.rows: list[dict[str, object]] = []
        self.totals: dict[str, tuple[int, int]] = {}
        self.seconds = 0.0
        self.images = 0

    def add(self, group: str, pictures: Iterable[Picture], wanted: bool) -> None:
        """Count how many pictures of each kind are told right; `wanted` is True for brain MRI."""
        count, right = Counter[str](), Counter[str]()
        for kind, pixels in pictures:
            count[kind] += 1
            right[kind] += self._in_domain(pixels) is wanted
        self.rows += [{"group": group, "kind": kind, "right": right[kind], "images": count[kind]} for kind in count]
        self.totals[group] = right.total(), count.total()

    def _in_domain(self, pixels: np.ndarray) -> bool | None:
        settings = self.bundle.description.preparation
        batch = normalise(to_batch(prepare(pixels, settings).pixels[None]), settings.normalise)
        with torch.inference_mode():
            features = self.bundle.model.body.levels(batch)[-1].mean((2, 3))[0].numpy()
        started = time.thread_time()
        verdict = assess(self.bundle.guard, pixels, features)
        self.seconds += time.thread_time() - started
        self.images += 1
        return verdict.in_domain

    @property
    def milliseconds(self) -> float:
        """CPU time of the guard itself for one image."""
        return 1000 * self.seconds / max(self.images, 1)

    def table(self) -> str:
        """Return a Markdown table: one row per kind, with how many are told right."""
        lines = [f"**{self.bundle.description.name}** ({self.bundle.version})", "", "| group | kind | told right |"]
        lines.append("|---|---|---|")
        for group, (right, images) in self.totals.items():
            lines += [
                f"| {group} | {row['kind']} | {row['right']} of {row['images']} |"
                for row in self.rows
                if row["group"] == group
            ]
            share = f", {right / images:.3f}" if images else ""
            lines.append(f"| **{group}** | all | **{right} of {images}**{share} |")
        return "\n".join([*lines, "", f"{self.milliseconds:.1f} ms of CPU time per image for the guard itself."])


def main() -> None:
    """Measure the bundles that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--each", type=int, default=40, help="slices of each folder of real data")
    parser.add_argument("--seed", type=int, default=1, help="draws the slices and the other pictures")
    parser.add_argument("--more", type=Path, help="folder of further pictures")
    options = parser.parse_args()
    real, drawn = list(slices(options.data, options.each, options.seed)), list(others(options.data, options.seed))
    changed = list(altered(real, options.seed))
    for folder in options.bundles:
        measured = Measurement(load_bundle(folder))
        measured.add("brain MRI", real, True)
        measured.add("brain MRI, altered", changed, True)
        measured.add("validation images", own(folder), True)
        measured.add("other pictures", drawn, False)
        if options.more:
            measured.add("brain MRI of --more", more(options.more / "yes"), True)
            measured.add("other pictures of --more", more(options.more / "no"), False)
        print(measured.table() + "\n", flush=True)
        line = {
            "guard": GUARD,
            "bundle": measured.bundle.description.name,
            "version": measured.bundle.version,
            "seed": options.seed,
        }
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(
                json.dumps({**line, "kinds": measured.rows, "milliseconds": round(measured.milliseconds, 2)}) + "\n"
            )


if __name__ == "__main__":
    main()
