"""Diagnoses with heatmap: beside the grad-cam package, a bare forward pass and the reference build."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from statistics import median

from benchmarks.speed.alternating import Turn, alternate, median_of, together
from benchmarks.speed.question import Family, Found, NotHereError, Question, at_most, times
from benchmarks.speed.rows.epochs import missing_reference
from benchmarks.speed.session import Session
from benchmarks.speed.timing import Timing

ARCHES = ("resnet34", "resnet50")
FILES = 4
"""Images of a turn."""


def questions(arch: str) -> tuple[Question, ...]:
    """Return the rows of an architecture."""
    what = f"diagnosis with heatmap, warm, median, {arch}, 224 px"
    return (
        Question(f"diagnosis-{arch}", what, "the `grad-cam` package on torch", times(8)),
        Question(
            f"diagnosis-{arch}-forward", what, "a bare forward pass of the same backend", at_most(1.15, "as long")
        ),
        Question(f"diagnosis-{arch}-build", what, "the reference build", times(2)),
    )


def measure(arch: str, session: Session) -> Iterator[Found]:
    """Let the grad-cam package, the reference build and brainseg diagnose the same images."""
    files = [str(file) for file in session.slices[:: len(session.slices) // FILES][:FILES]]
    ours = {
        "data": str(session.phantom(24)),
        "files": files,
        "arch": arch,
        "size": session.image_side,
        "weights": session.weights_of(arch),
    }
    sides = {"package": session.side("baselines.gradcam_package", files=files, arch=arch, size=session.image_side)}
    with suppress(NotHereError):
        sides["reference"] = session.side("ours.diagnosis", session.reference, **ours)
    sides["ours"] = session.side("ours.diagnosis", forward=True, **ours)
    rounds = 20 if session.long else 6
    with together(sides):
        turns = alternate(sides, rounds, warm_up=2)
    found = {name: per_answer(each) for name, each in turns.items()}
    # Each of our turns also holds the bare passes, whose CPU time is not the diagnosis's.
    passes = median(value for turn in turns["ours"] for value in turn["forward"])
    diagnosis = Timing(found["ours"].wall, found["ours"].cpu * found["ours"].wall / (found["ours"].wall + passes))
    repeats = rounds * FILES
    note = f"Answered with {turns['ours'][0]['backend']}."
    memory = {"memory_mb": round(median_of(turns["ours"], "rss_mb"))}
    yield Found(f"diagnosis-{arch}", found["package"], diagnosis, repeats, values=memory, note=note)
    yield Found(f"diagnosis-{arch}-forward", Timing(passes), diagnosis, repeats, note=note)
    if "reference" in found:
        yield Found(f"diagnosis-{arch}-build", found["reference"], diagnosis, repeats, note=note)
    else:
        yield missing_reference(session, f"diagnosis-{arch}-build")


def per_answer(turns: Sequence[Turn]) -> Timing:
    """Return the median wall time of an answer, and its median CPU time over turns."""
    return Timing(
        median(value for turn in turns for value in turn["each"]),
        median(turn["cpu"] / len(turn["each"]) for turn in turns),
    )


FAMILIES = tuple(Family(f"diagnosis-{arch}", questions(arch), partial(measure, arch)) for arch in ARCHES)
