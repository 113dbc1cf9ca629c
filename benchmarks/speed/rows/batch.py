"""1,000 images through the command line, from files to a table, beside scripts with fastai."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.speed.commands import timed_command
from benchmarks.speed.data import copies
from benchmarks.speed.question import Family, Found, Question, times
from benchmarks.speed.session import RUN, Session
from benchmarks.speed.side import environment_of
from benchmarks.speed.timing import Timing, extrapolated

IMAGES = 1000
WHAT = "1,000 images through `brainseg predict`, resnet34, 224 px, from files to CSV"
LOOP = Question("batch-loop", WHAT, "a script with fastai's `learn.predict` in a loop", times(20))
BATCHES = Question("batch-get-preds", WHAT, "a script with fastai's `get_preds`", times(4))


def measure(session: Session) -> Iterator[Found]:
    """Run the three commands on one image and on some; the difference is the time per image."""
    count = IMAGES if session.long else 120
    files = {number: copies(session.slices, session.folder / f"batch-{number}", number) for number in (1, count)}
    learner = session.folder / "learner.pkl"
    environment = environment_of(session.home_with_run())
    make = "from benchmarks.speed.baselines.learn_predict import make_learner; make_learner(*{!r})"
    arguments = (str(session.phantom(24)), "resnet34", session.image_side, str(learner))
    timed_command([sys.executable, "-c", make.format(arguments)], environment)
    script = [sys.executable, "-m", "benchmarks.speed.baselines.learn_predict", str(learner)]
    ways = {
        "loop": lambda number: [*script, str(files[number][0].parent), "loop"],
        "batch": lambda number: [*script, str(files[number][0].parent), "batch"],
        "ours": lambda number: predict(files[number], session.folder / f"answers-{number}.csv"),
    }
    timed_command(ways["ours"](1), environment)  # what is compiled or migrated once
    found: dict[str, Timing] = {}
    for name, way in ways.items():
        one, many = (timed_command(way(number), environment) for number in (1, count))
        found[name] = extrapolated((1, one), (count, many), IMAGES)
    note = "" if count == IMAGES else f"Measured with 1 and {count} images, scaled to {IMAGES:,}."
    yield Found(LOOP.name, found["loop"], found["ours"], note=note)
    yield Found(BATCHES.name, found["batch"], found["ours"], note=note)


def predict(files: Sequence[Path], table: Path) -> list[str]:
    """Return the command that diagnoses files into a table."""
    return [sys.executable, "-m", "brainseg", "predict", "--run", RUN, "--csv", str(table), *map(str, files)]


FAMILY = Family("batch", (LOOP, BATCHES), measure)
