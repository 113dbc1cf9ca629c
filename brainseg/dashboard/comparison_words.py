"""The sentences that keep figures from being read for more than they say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brainseg.dashboard.comparison import Comparison
from brainseg.dashboard.run_words import plain
from brainseg.diagnosis.words import judged
from brainseg.evaluation.paired import Pair
from brainseg.runs import Run

NOT_COMPARABLE = (
    "Not comparable as a whole: these runs were not all judged on the same images with the same labels and positive "
    "class. Compare figures within a set, never between sets."
)
PATIENTS = "With several slices of one patient the true uncertainty is larger: the tests take images as independent."
TIMES = (
    "Times are those of the machine that trained each run, with whatever else it did. A diagnosis is timed on that "
    "machine's processor as the median of five, preparation and heatmap included."
)


def caveats(report: Mapping[str, Any]) -> str:
    """Return why the figures of an evaluation may be too good; "" where nothing flatters them."""
    reasons = judged(report).rstrip(".").partition("; ")[2]
    return reasons[:1].upper() + reasons[1:]


def judged_words(run: Run, report: Mapping[str, Any]) -> str:
    """Return which images a run was judged on: "50 validation images of kaggle253, grouped split"."""
    side = "test" if report.get("judged_on") == "test" else "validation"
    return f"{report['count']} {side} images of {Path(run.config.data.path).name}, {run.config.data.split} split"


def group_sentences(comparison: Comparison) -> list[str]:
    """Say which runs may be compared and which may not; nothing to say where all share their images."""
    if len(comparison.groups) < 2:
        return []
    told = []
    for letter, names in comparison.groups.items():
        first = comparison.runs[names[0]]
        told.append(plain(f"Set {letter}, {judged_words(first.run, first.report)}: {', '.join(names)}."))
    return [NOT_COMPARABLE, *told]


def verdict(pair: Pair) -> str:
    """Say what the paired test of two runs allows to be said."""
    differ = pair.only_first + pair.only_second
    if not differ:
        return f"Both are right and wrong on the same {pair.count} images."
    if pair.better:
        return f"{pair.better} is right more often on these {pair.count} images."
    return f"Not separated: {differ} of {pair.count} images tell them apart, too few or too evenly split."
