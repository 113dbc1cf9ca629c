"""Memory: of a training, of diagnoses, and of many diagnoses in a row."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.speed.alternating import together
from benchmarks.speed.question import Family, Found, Question, Target
from benchmarks.speed.rows.epochs import settings
from benchmarks.speed.session import Session

ARCH = "resnet34"
FLAT = 0.95
"""Memory counts as flat if it is at most 1 / FLAT times what it was after the first answers."""
TRAINING = Question(
    "memory-training", "memory of a training, resnet34, 224 px, batch 32: peak", "plain fastai", Target("stated")
)
DIAGNOSIS = Question("memory-diagnosis", "memory of a process that diagnoses, resnet34", "", Target("stated"))
MANY = Question(
    "memory-1000",
    "memory after 1,000 diagnoses in a row",
    "after the first 40",
    Target("flat: at most 5 % more", FLAT),
)
WARM_TURNS, FILES = 10, 4


def measure(session: Session) -> Iterator[Found]:
    """Train two epochs with each side, then diagnose again and again."""
    ours = settings(session, ARCH, 80)
    plain = {"data": ours["data.path"], "arch": ARCH, "size": session.image_side}
    sides = {
        "plain": session.side("baselines.fastai_training", **plain),
        "ours": session.training_side("paper", ours),
    }
    with together(sides):
        peaks = {f"{name}_mb": round(side.turn()["peak_mb"]) for name, side in sides.items()}
    yield Found(TRAINING.name, ratio=peaks["plain_mb"] / peaks["ours_mb"], values=peaks)
    files = [str(file) for file in session.slices[:FILES]]
    data = str(session.phantom(24))
    wanted = 1000 if session.long else 200
    with session.side("ours.diagnosis", data=data, files=files, arch=ARCH, size=session.image_side) as side:
        held = [side.turn()["rss_mb"] for _ in range(wanted // FILES)]
    early = held[WARM_TURNS - 1]
    yield Found(DIAGNOSIS.name, values={"ours_mb": round(early)})
    values = {"first_mb": round(early), "last_mb": round(held[-1])}
    note = "" if session.long else f"{wanted} diagnoses."
    yield Found(MANY.name, ratio=early / held[-1], values=values, note=note)


FAMILY = Family("memory", (TRAINING, DIAGNOSIS, MANY), measure)
