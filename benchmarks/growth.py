"""How time and memory grow with the number of images: reading, checks and near copies, split, preparation.

    python -m benchmarks.growth [--sizes 1000 10000] [--side 96]

brainseg never sees a difference between these images and real slices: each is a grey PNG with a head of its own outline
and its own texture, every twentieth is a scaled copy of another one, and ten slices are of one patient. Each size runs
in a process of its own, so that the peak of its memory is its own. An exponent of 1 means that twice the images take
twice the time.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.rows import Rows
from benchmarks.speed.machine import machine, today, versions

STEPS = ("list_and_read", "checks_and_near_copies", "open_again", "grouped_split", "prepare", "prepare_again")


def write_images(folder: Path, count: int, side: int, seed: int = 0) -> None:
    """Write `count` slices in two classes, ten of each patient."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    last = np.zeros((side, side), np.uint8)
    for number in range(count):
        place = folder / ("no", "yes")[number // 10 % 2] / f"patient{number // 10:06d}"
        place.mkdir(parents=True, exist_ok=True)
        if number % 20 == 19:
            drawn = cv2.resize(last, (side * 5 // 4, side * 5 // 4))
        else:
            wide, high, lean = random.uniform(0.55, 0.85, 3)
            head = (columns / wide + (lean - 0.7) * rows) ** 2 + (rows / high) ** 2 < 1
            shapes = cv2.resize(random.uniform(40, 220, (7, 7)).astype(np.float32), (side, side))
            noise = cv2.GaussianBlur(random.normal(0, 40, (side, side)).astype(np.float32), (0, 0), 1)
            drawn = last = (np.clip(shapes + noise, 30, 255) * head).astype(np.uint8)
        cv2.imwrite(str(place / f"slice{number % 10}.png"), drawn)


def measure(folder: Path, home: Path, side: int) -> dict[str, dict[str, float]]:
    """Return seconds, processor seconds and peak memory in MB of each step."""
    os.environ["BRAINSEG_HOME"] = str(home)
    from brainseg.config import DataConfig, PreparationConfig
    from brainseg.datasets.reopening import reopen_dataset
    from brainseg.datasets.splits import split_dataset
    from brainseg.preparation.cache import prepared_images

    found: dict[str, dict[str, float]] = {}

    @contextmanager
    def step(name: str) -> Iterator[None]:
        reset_peak()
        start, used = time.perf_counter(), time.process_time()
        yield
        seconds, cpu = time.perf_counter() - start, time.process_time() - used
        found[name] = {"seconds": round(seconds, 3), "cpu": round(cpu, 3), "peak_mb": peak_mb()}

    read: list[tuple[float, float, float]] = []

    def progress(done: int, total: int) -> None:
        if done == total:
            read.append((time.perf_counter(), time.process_time(), peak_mb()))

    reset_peak()
    start, used = time.perf_counter(), time.process_time()
    dataset = reopen_dataset(folder, progress)
    end, all_used = time.perf_counter(), time.process_time()
    reached, used_there, peak = read[0]
    found[STEPS[0]] = {"seconds": round(reached - start, 3), "cpu": round(used_there - used, 3), "peak_mb": peak}
    found[STEPS[1]] = {
        "seconds": round(end - reached, 3),
        "cpu": round(all_used - used_there, 3),
        "peak_mb": peak_mb(),
    }
    settings = PreparationConfig(size=side)
    with step(STEPS[2]):
        reopen_dataset(folder)
    with step(STEPS[3]):
        split_dataset(dataset, DataConfig(path=str(folder), split="grouped", seed=0))
    with step(STEPS[4]):
        prepared_images(dataset, settings)
    with step(STEPS[5]):
        prepared_images(dataset, settings)
    return found


def reset_peak() -> None:
    """Let the peak of this process's memory start from what it uses now, where the system can do that."""
    place = Path("/proc/self/clear_refs")
    if place.exists():
        place.write_text("5")


def peak_mb() -> float:
    """Return the peak of this process's memory since the last reset, without files that it shares; 0 if unknown."""
    place = Path("/proc/self/status")
    lines = place.read_text().splitlines() if place.exists() else []
    return next((round(int(line.split()[1]) / 1000, 1) for line in lines if line.startswith("VmHWM")), 0.0)


def main() -> None:
    """Measure each size, store its row, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--side", type=int, default=96, help="side of the images in pixels")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.one / "set", given.one / "home", given.side)))
        return
    rows, before = Rows("growth", ("images", "side", "date")), None
    for count in given.sizes:
        with tempfile.TemporaryDirectory() as name:
            write_images(Path(name) / "set", count, given.side)
            command = [sys.executable, "-m", "benchmarks.growth", "--one", name, "--side", str(given.side)]
            steps = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        row = {
            "images": count,
            "side": given.side,
            "steps": steps,
            "date": today(),
            "machine": machine(),
            "versions": versions(),
        }
        rows.add(row)
        show(row, before)
        before = row


def show(row: dict[str, Any], before: dict[str, Any] | None) -> None:
    """Print one size, with the exponent of its growth since the size before."""
    print(f"{row['images']:,} images of {row['side']} pixels")
    for name in STEPS:
        now = row["steps"][name]
        exponent = ""
        if before:
            ratio = max(now["cpu"], 1e-3) / max(before["steps"][name]["cpu"], 1e-3)
            exponent = f"  exponent {math.log(ratio) / math.log(row['images'] / before['images']):.2f}"
        print(f"  {name:24s} {now['seconds']:9.2f} s  cpu {now['cpu']:9.2f} s  peak {now['peak_mb']:8.0f} MB{exponent}")


if __name__ == "__main__":
    main()
