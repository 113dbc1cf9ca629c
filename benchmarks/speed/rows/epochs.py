"""An unfrozen epoch of 203 + 50 images, with plain fastai, with the reference build and with brainseg."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from benchmarks.speed.alternating import alternate, median_of, timing_of, together
from benchmarks.speed.question import Family, Found, NotHereError, Question, fraction, times
from benchmarks.speed.session import Session
from benchmarks.speed.timing import Timing

IMAGES = 203 + 50
"""The paper's set: 203 images to train on and 50 to validate on."""
BATCH = 32


@dataclass(frozen=True)
class Plan:
    """How an architecture is measured in the short set.

    Attributes:
        slices: Images of the epoch that stands for one of `IMAGES`; four fifths are trained on.
        rounds: Turns of each side.
        of_rate: The fraction of the measured bf16 convolution rate to reach.
        reference: Whether the reference build is measured too.
    """

    slices: int
    rounds: int
    of_rate: float
    reference: bool


PLANS = {
    "resnet34": Plan(80, 3, 0.50, reference=True),
    "resnet50": Plan(80, 2, 0.35, reference=True),
    "resnet101": Plan(40, 2, 0.35, reference=False),
    "resnet152": Plan(40, 1, 0.35, reference=False),
}


def questions(arch: str) -> tuple[Question, ...]:
    """Return the rows of an architecture."""
    plan, what = PLANS[arch], f"unfrozen epoch, {arch}, 224 px"
    found = [
        Question(f"epoch-{arch}", what, "plain fastai `vision_learner`", times(5)),
        Question(
            f"epoch-{arch}-rate",
            what,
            "the same operations at the measured bf16 convolution rate",
            fraction(plan.of_rate, "that rate"),
        ),
    ]
    if plan.reference:
        found.append(Question(f"epoch-{arch}-build", what, "the reference build", times(1.6)))
    return tuple(found)


def settings(session: Session, arch: str, slices: int) -> dict[str, object]:
    """Return the settings of our side."""
    data = session.data if session.long and session.data else session.phantom(slices)
    return {
        "data.path": str(data),
        "data.stratify": True,  # a small set must not lose a class
        "preparation.size": session.image_side,
        "model.arch": arch,
        "model.stages": [4],
        "model.weights": session.weights_of(arch),
    }


def measure(arch: str, session: Session) -> Iterator[Found]:
    """Let fastai, the reference build and brainseg train one epoch after the other."""
    plan = PLANS[arch]
    slices, rounds = (IMAGES, 3) if session.long else (plan.slices, plan.rounds)
    ours = settings(session, arch, slices)
    plain = {"data": ours["data.path"], "arch": arch, "size": session.image_side, "weights": ours["model.weights"]}
    sides = {"plain": session.side("baselines.fastai_training", **plain)}
    if plan.reference:
        with suppress(NotHereError):
            sides["reference"] = session.training_side("paper", ours, session.reference)
    sides["ours"] = session.training_side("paper", ours)
    limits = session.side("ours.epoch_limit", arch=arch, size=session.image_side, images=IMAGES, batch_size=BATCH)
    with together({**sides, "limits": limits}):
        turns = alternate(sides, rounds)
        limit = limits.turn()
    count = turns["ours"][0]["images"]
    found = {name: timing_of(each).scaled(IMAGES / count) for name, each in turns.items()}
    note = "" if count == IMAGES else f"Epochs of {count} images, scaled to {IMAGES}."
    peak = {f"{name}_peak_mb": round(median_of(each, "peak_mb")) for name, each in turns.items() if name != "reference"}
    yield Found(f"epoch-{arch}", found["plain"], found["ours"], rounds, values=peak, note=note)
    values = {"GFLOP/s": limit["rate"] / 1e9, "GFLOP": limit["operations"] / 1e9}
    yield Found(f"epoch-{arch}-rate", Timing(limit["seconds"]), found["ours"], rounds, values=values, note=note)
    if "reference" in found:
        yield Found(f"epoch-{arch}-build", found["reference"], found["ours"], rounds, note=note)
    elif plan.reference:
        yield missing_reference(session, f"epoch-{arch}-build")


def missing_reference(session: Session, name: str) -> Found:
    """Return the row of a reference build that is not there, with the reason."""
    try:
        session.reference  # noqa: B018 - raises the reason
    except NotHereError as error:
        return Found(name, missing=str(error))
    raise RuntimeError(f"The reference build of {name} was not measured.")


FAMILIES = tuple(Family(f"epoch-{arch}", questions(arch), partial(measure, arch)) for arch in PLANS)
