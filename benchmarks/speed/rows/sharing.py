"""A training that shares the machine: beside a busy process, and beside a second training."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.speed.alternating import median_of, timing_of, together
from benchmarks.speed.question import Family, Found, Question, at_most
from benchmarks.speed.rows.epochs import IMAGES, settings
from benchmarks.speed.session import Session
from benchmarks.speed.side import ROOT, environment_of

ARCH, SLICES = "resnet34", 80
BUSY = Question(
    "busy-process",
    "unfrozen epoch, resnet34, beside one busy process with a thread per core",
    "the same alone",
    at_most(1.8, "as long"),
)
PAIR = Question(
    "two-trainings", "unfrozen epoch, resnet34, two trainings side by side", "one alone", at_most(2.3, "as long")
)


@contextmanager
def busy_process(session: Session) -> Iterator[None]:
    """Keep all cores busy with another program while the block runs."""
    command = [sys.executable, "-m", "benchmarks.speed.busy"]
    options = {"cwd": ROOT, "env": environment_of(session.home), "start_new_session": True}  # as from another terminal
    with subprocess.Popen(command, stdout=subprocess.PIPE, **options) as process:
        try:
            if process.stdout:
                process.stdout.readline()  # it has begun
            yield
        finally:
            process.kill()


def measure(session: Session) -> Iterator[Found]:
    """Train epochs alone, then beside the other program, then beside a second training."""
    rounds = 4 if session.long else 2
    chosen = settings(session, ARCH, SLICES)
    first, second = (session.training_side("paper", chosen) for _ in range(2))
    with together({"first": first, "second": second}):
        for each in (first, second):
            each.turn()
        alone = [first.turn() for _ in range(rounds)]
        with busy_process(session):
            first.turn()  # whatever it measures to adapt, it may
            beside = [first.turn() for _ in range(rounds)]
        alone += [first.turn() for _ in range(rounds)]
        pair = []
        for _ in range(rounds + 1):
            first.begin()
            second.begin()
            pair.append(max((first.result(), second.result()), key=lambda turn: turn["wall"]))
    factor = IMAGES / alone[0]["images"]
    base, note = timing_of(alone).scaled(factor), f"Epochs of {alone[0]['images']} images, scaled to {IMAGES}."
    for question, turns in ((BUSY, beside), (PAIR, pair[1:])):
        values = {"threads": median_of(turns, "threads")}
        yield Found(question.name, base, timing_of(turns).scaled(factor), rounds, values=values, note=note)


FAMILY = Family("sharing", (BUSY, PAIR), measure)
