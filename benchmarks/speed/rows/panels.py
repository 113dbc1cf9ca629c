"""Every panel that a run's evaluation has, beside fastai's interpretation."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.speed.alternating import alternate, median_of, timing_of, together
from benchmarks.speed.question import Family, Found, Question, times
from benchmarks.speed.session import RUN, Session

PANELS = Question(
    "panels",
    "all evaluation panels of a run of 50 validation images, resnet34, with the inference pass",
    "fastai `ClassificationInterpretation`",
    times(4),
)


def measure(session: Session) -> Iterator[Found]:
    """Let fastai and brainseg predict and draw."""
    home, data = session.home_with_run(), str(session.run_data)
    plain = {"data": data, "arch": "resnet34", "size": session.image_side, "valid_fraction": 0.5}
    sides = {
        "plain": session.side("baselines.interpretation", folder=str(session.folder / "plain-panels"), **plain),
        "ours": session.side("ours.panels", home=home, run=RUN, folder=str(session.folder / "panels")),
    }
    rounds = 5 if session.long else 3
    with together(sides):
        turns = alternate(sides, rounds)
    values = {"drawing_s": round(median_of(turns["ours"], "drawing"), 3)}
    note = "Ours draws more panels; `drawing_s` is a page that finds the predictions stored."
    yield Found(PANELS.name, timing_of(turns["plain"]), timing_of(turns["ours"]), rounds, values=values, note=note)


FAMILY = Family("panels", (PANELS,), measure)
