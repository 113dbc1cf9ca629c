"""A whole archive in one command that is killed on the way: each image once, how fast, and with how much memory.

    python -m benchmarks.archive [--images 100000] [--side 192] [--arch resnet34] [--size 224] [--backend auto]
        [--workers 2] [--home FOLDER]
    python -m benchmarks.archive --report

The images are a few hundred synthetic slices, each shifted, made brighter or darker and covered with noise until there
are enough, so that no two files are the same. `brainseg predict --archive` runs in a process of its own, which is
killed at about a third and resumed by another one. A row is stored only if the output has each image exactly once.
Memory is the most that the process had had when so much of the archive was answered: at 10 % that of the first process,
at 50 and 100 % that of the second. Rows are appended to `benchmarks/results/archive.jsonl`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet

from benchmarks.homes import CLASSIFIER, machine, parser, prepared
from benchmarks.rows import Rows
from brainseg.models.export.names import computed_with
from brainseg.phantom import write_phantom

ROWS = Rows("archive", ("images", "arch", "size", "date"))
SLICES = 240
"""Different synthetic slices from which all images are made."""
FOLDER = 100
"""Images of one folder, as a study may have them."""
KILLED_AT = 33
"""Per cent of the archive after which the first process is killed."""
SHOWN = (10, 50, 100)
_LINE = re.compile(r"^(\d+) %: .* ([\d,]+) MB of memory at most$")


def write_images(folder: Path, count: int, side: int, seed: int = 0) -> None:
    """Write `count` different grey PNGs of `side` pixels into subfolders."""
    with tempfile.TemporaryDirectory() as name:
        write_phantom(Path(name) / "slices", min(SLICES, max(count, 2)), seed=seed, size=side)
        files = sorted((Path(name) / "slices").glob("*tumour/*.png"))
        slices = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) for file in files]
    noise = np.random.default_rng(seed).normal(0, 6, (side * 2, side * 2)).astype(np.float32)
    for number in range(0, count, FOLDER):
        (folder / f"study{number // FOLDER:05d}").mkdir(parents=True, exist_ok=True)

    def write(number: int) -> None:
        random = np.random.default_rng((seed, number))
        down, right = random.integers(0, side, 2)
        move = np.array([[1, 0, random.uniform(-6, 6)], [0, 1, random.uniform(-6, 6)]])
        image = cv2.warpAffine(slices[number % len(slices)], move, (side, side)).astype(np.float32)
        image = image * random.uniform(0.8, 1.2) + noise[down : down + side, right : right + side]
        file = folder / f"study{number // FOLDER:05d}" / f"slice{number % FOLDER:03d}.png"
        cv2.imwrite(str(file), np.clip(image, 0, 255).astype(np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 1])

    with ThreadPoolExecutor() as pool:
        for start in range(0, count, FOLDER * FOLDER):  # not all futures at once
            list(pool.map(write, range(start, min(start + FOLDER * FOLDER, count))))


def measure(archive: Path, count: int, options: Sequence[str]) -> dict[str, Any]:
    """Answer an archive with a process that is killed and another one that resumes, and return the row."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "answers.parquet"
        command = [sys.executable, "-m", "brainseg", "predict", "--run", CLASSIFIER, "--json", *options]
        command += ["--archive", str(archive), "--out", str(out)]
        memory: dict[int, float] = {}
        started = time.perf_counter()
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as first:
            for percent, size in _progress(first):
                memory.setdefault(percent, size)
                if percent >= KILLED_AT:
                    first.kill()
                    break
        if out.exists() or not memory:
            raise SystemExit("The first process was not killed on its way: take more images.")
        with subprocess.Popen(
            [*command, "--resume"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as second:
            for percent, size in _progress(second):
                memory.setdefault(percent, size)
            said = json.loads(second.stdout.read() if second.stdout else "")
        seconds = time.perf_counter() - started
        check(out, archive, count)
    return {
        "images": count, "seconds": round(seconds, 1), "per_second": round(said["images_per_second"], 1),
        "answered_after_resuming": said["answered_now"],
        "memory_mb": {str(part): _at(memory, part) for part in SHOWN}, "peak_mb": round(said["peak_memory"] / 1e6),
        "backend": computed_with(said["backend"], said["precision"]), **machine(),
    }  # fmt: skip


def _progress(process: subprocess.Popen[str]) -> Iterator[tuple[int, float]]:
    """Yield how many per cent are done, and the memory in MB, from the lines of a process."""
    for line in process.stderr or ():
        if found := _LINE.match(line.strip()):
            yield int(found[1]), float(found[2].replace(",", ""))
        else:
            sys.stderr.write(line)


def _at(memory: dict[int, float], part: int) -> float:
    """Return the memory at the first line from `part` per cent on."""
    return memory[min(percent for percent in memory if percent >= part)]


def check(out: Path, archive: Path, count: int) -> None:
    """Stop unless the output has each image once, each with an answer of its own."""
    table = pyarrow.parquet.read_table(out, columns=["file", "image_sha256", "error"])
    listed = sorted(file.relative_to(archive).as_posix() for file in archive.rglob("*.png"))
    if table["file"].to_pylist() != listed or len(listed) != count:
        raise SystemExit("The output has not each image exactly once.")
    if table["error"].null_count != count or len(table["image_sha256"].unique()) != count:
        raise SystemExit("Some images have no answer, or the answer of another one.")


def report(rows: Sequence[dict[str, Any]]) -> str:
    """Lay the newest rows out as a Markdown table."""
    newest = {(row["images"], row["arch"], row["size"]): row for row in rows}
    parts = ", ".join(f"{part} %" for part in SHOWN)
    lines = [
        f"| images | model | seconds | images a second | memory at {parts} | answered with |",
        "|---|---|---|---|---|---|",
    ]
    for (images, arch, size), row in sorted(newest.items()):
        sizes = ", ".join(f"{row['memory_mb'][str(part)]:,.0f}" for part in SHOWN)
        cells = (
            f"{images:,}", f"{arch}, {size} px", f"{row['seconds']:,.0f}", f"{row['per_second']:,.0f}", f"{sizes} MB",
            row["backend"],
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, or print the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--images", type=int, default=100_000)
    arguments.add_argument("--side", type=int, default=192, help="side of the images in pixels")
    arguments.add_argument("--arch", default="resnet34", help="the model's ResNet; with --home, that home's own counts")
    arguments.add_argument("--size", type=int, default=224, help="pixels of a side of what the model sees")
    arguments.add_argument("--backend", default="auto", help="as for `brainseg predict`")
    arguments.add_argument("--workers", default="2", help="as for `brainseg predict`")
    options = arguments.parse_args()
    if not options.report:
        with prepared(options.home, options.arch, options.size), tempfile.TemporaryDirectory() as name:
            archive = Path(name) / "archive"
            started = time.perf_counter()
            write_images(archive, options.images, options.side)
            sys.stderr.write(f"{options.images:,} images written in {time.perf_counter() - started:,.0f} s\n")
            chosen = ["--backend", options.backend, "--workers", options.workers]
            ROWS.add({"arch": options.arch, "size": options.size, **measure(archive, options.images, chosen)})
    print(report(ROWS.stored()))


if __name__ == "__main__":
    main()
