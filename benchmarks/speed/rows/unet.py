"""An unfrozen epoch of a U-Net at 128 px, with the same layers as fastai's, and as the preset has it."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.speed.alternating import alternate, timing_of, together
from benchmarks.speed.data import masks_of_classes
from benchmarks.speed.question import Family, Found, Question, times
from benchmarks.speed.session import Session

SIDE, ARCH = 128, "resnet34"
IMAGES = 900
"""The number of slices that `docs/results.md` trains on."""
SAME = Question("unet", "U-Net epoch, resnet34, 128 px, the same layers", "plain fastai `unet_learner`", times(3))
PRESET = Question("unet-preset", "the same as the preset `segment` has it: to layer3, narrow end", SAME.baseline)


def measure(session: Session) -> Iterator[Found]:
    """Let fastai and brainseg train one epoch after the other, in batches of 8."""
    slices = 400 if session.long else 40
    folder = session.phantom(slices)
    ours = {"data.path": str(folder), "preparation.size": SIDE, "model.arch": ARCH, "model.weights": "none"}
    whole = {**ours, "model.stages": [4], "model.bottleneck": False}
    plain = {"images": str(folder), "masks": str(masks_of_classes(folder)), "arch": ARCH, "size": SIDE}
    sides = {
        "plain": session.side("baselines.fastai_unet", **plain),
        "same": session.training_side("segment", whole),
        "preset": session.training_side("segment", ours),
    }
    rounds = 4 if session.long else 2
    with together(sides):
        turns = alternate(sides, rounds)
    factor = IMAGES / turns["same"][0]["images"]
    found = {name: timing_of(each).scaled(factor) for name, each in turns.items()}
    note = f"Epochs of {slices} slices in batches of 8, scaled to {IMAGES}."
    yield Found(SAME.name, found["plain"], found["same"], rounds, note=note)
    yield Found(PRESET.name, found["plain"], found["preset"], rounds, note=note)


FAMILY = Family("unet", (SAME, PRESET), measure)
