"""How cost grows with the size of the image: a diagnosis, and an unfrozen step of 32 images."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.speed.alternating import alternate, timing_of, together
from benchmarks.speed.question import Family, Found, Question
from benchmarks.speed.rows.diagnosis import FILES, per_answer
from benchmarks.speed.rows.epochs import settings
from benchmarks.speed.session import Session

ROUNDS = 3
ARCH, SIDES, TRAINED, SLICES = "resnet34", (128, 224, 320), 32, 40
DIAGNOSES = tuple(
    Question(f"diagnosis-{side}px", f"diagnosis with heatmap, {ARCH}, {side} px", growth=True) for side in SIDES
)
STEPS = tuple(
    Question(
        f"step-{side}px", f"an unfrozen step of {TRAINED} images and a validation of 8, {ARCH}, {side} px", growth=True
    )
    for side in SIDES
)


def measure(session: Session) -> Iterator[Found]:
    """Measure each size in a process of its own, in turns."""
    files = [str(file) for file in session.slices[:FILES]]
    data = str(session.phantom(24))
    answering = {
        str(size): session.side("ours.diagnosis", data=data, files=files, arch=ARCH, size=size) for size in SIDES
    }
    with together(answering):
        turns = alternate(answering, ROUNDS, warm_up=2)
    for question, each in zip(DIAGNOSES, turns.values(), strict=True):
        yield Found(question.name, None, per_answer(each), ROUNDS * FILES)
    training = {}
    for size in SIDES:
        chosen = {**settings(session, ARCH, SLICES), "preparation.size": size}
        training[str(size)] = session.training_side("paper", chosen)
    with together(training):
        turns = alternate(training, ROUNDS)
    for question, each in zip(STEPS, turns.values(), strict=True):
        yield Found(question.name, None, timing_of(each), ROUNDS)


FAMILY = Family("image-size", (*DIAGNOSES, *STEPS), measure)
