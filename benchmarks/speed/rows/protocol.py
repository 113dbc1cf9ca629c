"""The paper's whole protocol over several seeds: measured in the long set, and stored for the short one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.rows import Rows
from benchmarks.speed.alternating import together
from benchmarks.speed.machine import machine, today, versions
from benchmarks.speed.question import Family, Found, NotHereError, Question, Target, times
from benchmarks.speed.rows.epochs import IMAGES
from benchmarks.speed.session import Session
from benchmarks.speed.timing import Others, Timing, middle

SEEDS, ARCH = (0, 1, 2), "resnet34"
PLAIN = "plain fastai"
TIME = Question(
    "protocol",
    "the paper's whole protocol, resnet34: finder, 1 + 15 epochs, confusion matrix, top losses",
    PLAIN,
    times(6),
)
ACCURACY = Question("protocol-accuracy", "its accuracy, mean over 3 seeds", PLAIN, Target("not lower", 1.0))
ROWS = Rows("protocol", ("date", "data", "seed"))
ALONE = 0.1
"""Most of the processor that other programs may take during a run whose times count; its accuracy counts anyway."""
COMMAND = "python -m benchmarks.speed --long --only protocol"


def measure(session: Session) -> Iterator[Found]:
    """Train with every seed if the set is long, and take the stored rows otherwise."""
    if session.long:
        for seed in SEEDS:
            ROWS.add(one_seed(session, seed))
    rows = ROWS.stored()
    if not rows:
        raise NotHereError(f"Nothing is stored yet: `{COMMAND}` measures it.")
    last = [row for row in rows if all(row[key] == rows[-1][key] for key in ("date", "data", "weights"))]
    alone = [row for row in last if max(row["others"].values()) <= ALONE]
    before, now = (sum(row[side] for row in last) / len(last) for side in ("plain_accuracy", "ours_accuracy"))
    note, stored = f"From `{COMMAND}`: {last[0]['data']}, {last[0]['weights']} weights", last[0]["date"]
    if alone:
        baseline, ours = (middle([Timing(**row[side]) for row in alone]) for side in ("plain_s", "ours_s"))
        yield Found(TIME.name, baseline, ours, len(alone), note=f"{note}, {len(alone)} seeds.", stored=stored)
    else:
        yield Found(TIME.name, missing="Other programs took part of the processor from every stored run.")
    values = {"baseline": f"{before:.3f}", "ours": f"{now:.3f}"}
    note = f"{note}, {len(last)} seeds."
    yield Found(ACCURACY.name, ratio=now / before, repeats=len(last), values=values, note=note, stored=stored)


def one_seed(session: Session, seed: int) -> dict[str, Any]:
    """Run the protocol with both, one after the other, on the same split."""
    data = session.data or session.phantom(IMAGES)
    place = session.subfolder(f"protocol-{seed}")
    weights = session.weights_of(ARCH)
    settings = {
        "data.path": str(data),
        "data.seed": seed,
        "training.seed": seed,
        "preparation.size": session.image_side,
        "model.arch": ARCH,
        "model.weights": weights,
        "model.stages": [4],
    }
    plain = {
        "data": str(data),
        "split": str(place / "ours" / "split.csv"),
        "arch": ARCH,
        "weights": weights,
        "seed": seed,
    }
    plain |= {"size": session.image_side, "folder": str(place / "plain")}
    sides = {
        "ours": session.side("ours.protocol", folder=str(place / "ours"), settings=settings),
        "plain": session.side("baselines.fastai_protocol", **plain),
    }
    with together(sides):
        found, others = {}, {}
        for name, side in sides.items():  # ours first: it draws the split
            watch = Others()
            found[name] = side.turn()
            others[name] = round(watch.share(Timing(found[name]["wall"], found[name]["cpu"])), 3)
    times_of = {f"{name}_s": {"wall": turn["wall"], "cpu": turn["cpu"]} for name, turn in found.items()}
    return {
        "date": today(),
        "data": session.data.name if session.data else "synthetic",
        "weights": "pretrained" if weights != "none" else "random",
        "seed": seed,
        **times_of,
        "others": others,
        **{f"{name}_accuracy": turn["accuracy"] for name, turn in found.items()},
        "machine": machine(),
        "versions": versions(),
    }


FAMILY = Family("protocol", (TIME, ACCURACY), measure)
