"""How well the guard of bundles separates brain MRI slices from other images.

    python -m benchmarks.guard BUNDLE [BUNDLE ...] [--data ../shared/data] [--each 20] [--more FOLDER]

The slices are real ones of several sources, of which the bundle's own training images are a part where it learnt from
one of them; half of them come again, altered. The other images are drawn, except a few photographs and one abdomen.
`--more` adds your own: FOLDER/yes/KIND/FILE are brain MRI, FOLDER/no/KIND/FILE are not.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from benchmarks.guard_pictures import Picture, altered, more, others, slices
from brainseg.diagnosis.guard import assess
from brainseg.models.bundle import load_bundle
from brainseg.models.inputs import normalise, to_batch
from brainseg.preparation import prepare


def measure(folder: Path, real: list[Picture], drawn: list[Picture]) -> str:
    """Return a Markdown table: one row per kind, with how many are recognised."""
    bundle = load_bundle(folder)
    settings = bundle.description.preparation
    seconds = 0.0

    def known(pixels: np.ndarray) -> bool | None:
        nonlocal seconds
        batch = normalise(to_batch(prepare(pixels, settings).pixels[None]), settings.normalise)
        with torch.inference_mode():
            features = bundle.model.body.levels(batch)[-1].mean((2, 3))[0].numpy()
        started = time.perf_counter()
        verdict = assess(bundle.guard, pixels, features)
        seconds += time.perf_counter() - started
        return verdict.in_domain

    lines = [
        f"**{bundle.description.name}** ({bundle.version})",
        "",
        "| kind | brain MRI | told right |",
        "|---|---|---|",
    ]
    for name, pictures, wanted in (("yes", real, True), ("no", drawn, False)):
        count, right = Counter[str](), Counter[str]()
        for kind, pixels in pictures:
            count[kind] += 1
            right[kind] += known(pixels) is wanted
        lines += [f"| {kind} | {name} | {right[kind]} of {count[kind]} |" for kind in count]
        lines.append(f"| **all** | {name} | **{right.total()} of {count.total()}** |")
    lines += ["", f"{1000 * seconds / (len(real) + len(drawn)):.1f} ms per image for the guard itself."]
    return "\n".join(lines)


def main() -> None:
    """Measure the bundles that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--each", type=int, default=20, help="slices of each folder of real data")
    parser.add_argument("--more", type=Path, help="folder of further pictures")
    options = parser.parse_args()
    real, drawn = list(slices(options.data, options.each)), list(others(options.data))
    real += altered(real)
    if options.more:
        real += more(options.more / "yes")
        drawn += more(options.more / "no")
    for folder in options.bundles:
        print(measure(folder, real, drawn) + "\n")


if __name__ == "__main__":
    main()
