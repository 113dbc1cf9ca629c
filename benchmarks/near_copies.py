"""How many near copies of each kind brainseg finds, how many pairs it finds in error, and how long that takes.

    python -m benchmarks.near_copies [--data ../shared/data] [--sets kaggle253 lgg_pairs mc7023] [--each 50] [--seed 0]
    python -m benchmarks.near_copies --scale 5000 10000 20000

Each set is copied to a temporary folder together with changed copies of its images, at most one of each image, and
opened as any dataset. A planted copy is found if it forms a pair with its original, or with a copy of that which
the set contains anyway. Images that are uniform show nothing to compare, and are not planted.

`--scale` times the search alone, on thumbnails of synthetic slices that all differ.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from benchmarks.near_copy_kinds import KINDS
from brainseg.datasets.near_copies import near_pairs, thumbnail
from brainseg.datasets.near_frames import not_flat
from brainseg.datasets.sources import open_dataset
from brainseg.scans import read_scan

SETS = ("kaggle253", "lgg_pairs", "mc7023")


@dataclass(frozen=True)
class Planted:
    """What one round planted and found.

    Attributes:
        found: Kind -> number of planted copies that were found.
        count: Kind -> number of planted copies.
        pairs: Pairs of images that were in the set before.
        of_others: Those of them whose images are of different patients.
        of_one: Those of them whose images are of one patient.
        images: Images in all.
        seconds: Time to read and search them.
    """

    found: Counter[str]
    count: Counter[str]
    pairs: int
    of_others: int
    of_one: int
    images: int
    seconds: float


def originals(root: Path) -> pd.DataFrame:
    """Return the images of a set: columns `file`, `label` and `group` ("" where no patient is known)."""
    if (root / "manifest.csv").is_file():
        table = pd.read_csv(root / "manifest.csv", dtype=str)
        files = [root / path for path in table["path"]]
        labels = np.where(table["tumour_pixels"].astype(int) > 0, "tumour", "no tumour")
        return pd.DataFrame({"file": files, "label": labels, "group": table["group"]})
    files = sorted(file for file in root.rglob("*") if file.suffix.lower() in {".jpg", ".jpeg", ".png"})
    return pd.DataFrame({"file": files, "label": [file.parent.name for file in files], "group": ""})


def plant(table: pd.DataFrame, folder: Path, each: int, seed: int, patient_known: bool) -> pd.DataFrame:
    """Write a set with planted copies and its manifest, and return the copies: columns `path`, `source` and `kind`."""
    random, rows = np.random.default_rng(seed), []
    for number, file in enumerate(table["file"]):
        name = f"images/{number:05d}{file.suffix.lower()}"
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(file.read_bytes())
        rows.append({"path": name, "label": table["label"][number], "group": table["group"][number]})
    shown = not_flat(np.stack([thumbnail(read_scan(file).pixels) for file in table["file"]]))
    chosen, planted = random.permutation(shown).tolist(), []
    for _ in range(min(each, len(chosen) // len(KINDS))):
        for kind, change in KINDS.items():
            source = chosen.pop()
            name = f"planted/{len(planted):05d}.{'jpg' if 'JPEG' in kind else 'png'}"
            (folder / name).parent.mkdir(exist_ok=True)
            changed = cv2.cvtColor(change(read_scan(table["file"][source]).pixels, random), cv2.COLOR_RGB2BGR)
            cv2.imwrite(str(folder / name), changed, [cv2.IMWRITE_JPEG_QUALITY, 60] if "JPEG" in kind else [])
            group = table["group"][source] if patient_known else ""
            rows.append({"path": name, "label": table["label"][source], "group": group})
            planted.append({"path": name, "source": rows[source]["path"], "kind": kind})
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    return pd.DataFrame(planted)


def measure(table: pd.DataFrame, each: int, seed: int, patient_known: bool) -> Planted:
    """Plant copies in a temporary copy of a set, and open it."""
    with tempfile.TemporaryDirectory() as place:
        planted = plant(table, Path(place), each, seed, patient_known)
        started = time.perf_counter()
        dataset = open_dataset(Path(place))
        seconds = time.perf_counter() - started
    group = dict(zip(dataset.table["path"], dataset.table["group"], strict=True))
    digest = dict(zip(dataset.table["path"], dataset.table["sha256"], strict=True))
    ends = [(pair.first, pair.second) for pair in dataset.near_pairs]
    before = [pair for pair in ends if not any(path.startswith("planted") for path in pair)]
    known = {frozenset(digest[path] for path in pair) for pair in before}
    near = {frozenset(pair) for pair in ends} | {
        frozenset((digest[one], two)) for pair in ends for one, two in both(pair)
    }
    count, found = Counter[str](), Counter[str]()
    for path, source, kind in planted.itertuples(index=False):
        mine = digest[source]
        copies = {mine, *(other for pair in known if mine in pair for other in pair)}
        count[kind] += 1
        found[kind] += any(frozenset((copy, path)) in near for copy in copies)
    patients = [(group[one], group[two]) for one, two in before if group[one] and group[two]]
    one = sum(first == second for first, second in patients)
    return Planted(found, count, len(before), len(patients) - one, one, len(dataset.table), seconds)


def both(pair: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Yield a pair in both orders."""
    yield pair
    yield pair[::-1]


def recall(data: Path, names: list[str], each: int, seed: int) -> str:
    """Return a Markdown table: how many planted copies of each kind were found in each set."""
    columns: dict[str, Planted] = {}
    for name in names:
        table = originals(data / name)
        rounds = -(-each // max(1, len(table) // len(KINDS)))
        for known in (False, True) if (table["group"] != "").any() else (False,):
            title = f"{name}, patients of copies known" if known else name
            columns[title] = added([measure(table, each, seed + number, known) for number in range(rounds)])
    lines = ["| kind | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [
        f"| {kind} | " + " | ".join(f"{each.found[kind]} of {each.count[kind]}" for each in columns.values()) + " |"
        for kind in KINDS
    ]
    total = [f"**{one.found.total()} of {one.count.total()}**" for one in columns.values()]
    lines += ["| **all** | " + " | ".join(total) + " |", ""]
    for title, one in columns.items():
        lines.append(
            f"* {title}: {one.images:,} images read and searched in {one.seconds:.0f} s, planted ones included; "
            f"{one.pairs:,} pairs without planted images, {one.of_others:,} of them of different known patients and "
            f"{one.of_one:,} of one patient."
        )
    return "\n".join(lines)


def added(rounds: list[Planted]) -> Planted:
    """Add up the copies of several rounds; the pairs of the set itself are the same in each."""
    found, count = Counter[str](), Counter[str]()
    for one in rounds:
        found += one.found
        count += one.count
    last = rounds[-1]
    return Planted(found, count, last.pairs, last.of_others, last.of_one, last.images, last.seconds)


def synthetic(count: int, seed: int) -> np.ndarray:
    """Return (N, SIDE, SIDE) uint8 thumbnails like those of phantom slices, with different outlines and textures."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:64, :64].astype(np.float32) / 32 - 1
    made = np.empty((count, 64, 64), dtype=np.uint8)
    for number in range(count):
        wide, high, middle = random.uniform(0.6, 0.85), random.uniform(0.7, 0.95), random.uniform(-0.1, 0.1, 2)
        head = ((columns - middle[0]) / wide) ** 2 + ((rows - middle[1]) / high) ** 2 < 1
        coarse = cv2.resize(random.normal(0, 25, (9, 9)).astype(np.float32), (64, 64), interpolation=cv2.INTER_CUBIC)
        fine = cv2.resize(random.normal(0, 12, (28, 28)).astype(np.float32), (64, 64), interpolation=cv2.INTER_CUBIC)
        image = np.where(head, 100 + coarse + fine, 4) + random.normal(0, 2, (64, 64))
        made[number] = np.clip(image, 0, 255).astype(np.uint8)
    return made


def scale(counts: list[int], seed: int) -> str:
    """Return a Markdown table of the time to search sets of several sizes, with the exponent of its growth."""
    lines = ["| images | seconds | pairs | most memory, GB |", "|---|---|---|---|"]
    seconds = []
    for count in counts:
        made = synthetic(count, seed)
        names = [f"{number:06d}" for number in range(count)]
        table = pd.DataFrame({"path": names, "sha256": names, "group": "", "thumbnail": list(made)})
        started = time.perf_counter()
        pairs = near_pairs(table)
        seconds.append(time.perf_counter() - started)
        lines.append(f"| {count:,} | {seconds[-1]:.1f} | {len(pairs)} | {memory():.2f} |")
        print(lines[-1], flush=True)
    if len(counts) > 1:
        power = np.polyfit(np.log(counts), np.log(seconds), 1)[0]
        lines += ["", f"Time grows with the number of images to the power {power:.2f}."]
    return "\n".join(lines)


def memory() -> float:
    """Return the most memory that this process has used so far, in GB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", nargs="+", default=list(SETS), help="folders of --data")
    parser.add_argument("--each", type=int, default=50, help="planted copies of each kind in each set")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=int, nargs="+", help="numbers of synthetic images to time instead")
    options = parser.parse_args()
    if options.scale:
        print(scale(options.scale, options.seed))
    else:
        print(recall(options.data, options.sets, options.each, options.seed))


if __name__ == "__main__":
    main()
