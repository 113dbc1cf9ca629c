"""Reading a folder of images and preparing it for training, beside a loop with Pillow."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.speed.alternating import alternate, median_of, timing_of, together
from benchmarks.speed.data import class_folders
from benchmarks.speed.question import Family, Found, Question, times, under
from benchmarks.speed.session import Session
from benchmarks.speed.timing import Timing

IMAGES = 7019
SLICES = 400
FIRST = Question(
    "prepare-first",
    "reading and preparing 7,019 images for the first time, with checks, copies and groups",
    "a loop with Pillow in one process",
    times(2),
)
SECOND = Question("prepare-second", "the same again", "", under(1))


def measure(session: Session) -> Iterator[Found]:
    """Let Pillow and brainseg read the same folder."""
    folder = session.data or class_folders(session.cache, IMAGES if session.long else SLICES)
    sides = {
        "plain": session.side("baselines.pil_loop", data=str(folder), size=session.image_side),
        "ours": session.side("ours.preparing", data=str(folder), size=session.image_side),
    }
    # The first turn of the loop brings the files into memory for both.
    rounds = 1 if session.long else 2
    with together(sides):
        sides["plain"].turn()
        turns = alternate(sides, rounds, warm_up=0)
    count = turns["ours"][0]["images"]
    factor = IMAGES / count if session.data is None else 1.0
    second = Timing(median_of(turns["ours"], "second_wall"), median_of(turns["ours"], "second_cpu"))
    of = f"Measured with {count:,} images{'' if factor == 1 else f', scaled to {IMAGES:,}'}"
    ours, plain = (timing_of(turns[name]).scaled(factor) for name in ("ours", "plain"))
    yield Found(FIRST.name, plain, ours, rounds, note=f"{of}; the files are in memory.")
    yield Found(SECOND.name, None, second.scaled(factor), rounds, note=f"{of}.")


FAMILY = Family("prepare", (FIRST, SECOND), measure)
