"""The mask of one slice, from its file, beside fastai's `learn.predict`."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.speed.alternating import alternate, together
from benchmarks.speed.data import masks_of_classes
from benchmarks.speed.question import Family, Found, Question, times
from benchmarks.speed.rows.diagnosis import FILES, per_answer
from benchmarks.speed.session import Session

SIDE, ARCH = 256, "resnet34"
MASK = Question("mask", "mask of one 256 px slice, resnet34, the same layers", "fastai `learn.predict`", times(5))


def measure(session: Session) -> Iterator[Found]:
    """Let fastai and brainseg mark the same slices."""
    folder = session.phantom(24)
    files = [str(file) for file in session.slices[:: len(session.slices) // FILES][:FILES]]
    plain = {"images": str(folder), "masks": str(masks_of_classes(folder)), "arch": ARCH, "size": SIDE, "files": files}
    sides = {
        "plain": session.side("baselines.learn_predict", **plain),
        "ours": session.side("ours.mask", data=str(folder), files=files, arch=ARCH, size=SIDE),
    }
    rounds = 10 if session.long else 4
    with together(sides):
        turns = alternate(sides, rounds)
    note = f"Answered with {turns['ours'][0]['backend']}."
    yield Found(MASK.name, per_answer(turns["plain"]), per_answer(turns["ours"]), rounds * FILES, note=note)


FAMILY = Family("mask", (MASK,), measure)
