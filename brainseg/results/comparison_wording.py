"""The sentences that keep the metrics of compared runs from being read for more than they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brainseg.evaluation.caveats import caveats_of
from brainseg.evaluation.paired import Pair
from brainseg.evaluation.segmentation.paired import MaskPair
from brainseg.results.comparison import Comparison
from brainseg.results.markdown import escape
from brainseg.runs import Run
from brainseg.tasks import facts_of

NOT_COMPARABLE = (
    "Not comparable as a whole: these runs were not all evaluated on the same images with the same labels and positive "
    "class. Compare metrics within a set, never between sets."
)
MASKS_NOT_COMPARABLE = (
    "Not comparable as a whole: these runs were not all evaluated on the same slices with the same masks, classes and "
    "rule for empty masks. Compare metrics within a set, never between sets."
)
PATIENTS = "With several slices of one patient the true uncertainty is larger: the tests take images as independent."
_TIMES = (
    "Times were measured on the machine that trained each run, beside whatever else it did. The time of a diagnosis is "
    "the median of five on that machine's processor and includes {}."
)
TIMES, MASK_TIMES = _TIMES.format("preparation and heatmap"), _TIMES.format("preparation")


def caveats(report: Mapping[str, Any]) -> str:
    """Return why the metrics of an evaluation may be too good, as the end of a sentence; "" where nothing flatters."""
    reasons = [caveat.phrase for caveat in caveats_of(report)]
    return "; ".join([f"evaluated on {_evaluated_on(report)}", *reasons]) if reasons else ""


def _evaluated_on(report: Mapping[str, Any], side: str = "") -> str:
    return f"{report['slices']} {side}slices" if "slices" in report else f"{report['count']} {side}images"


def evaluated_on(run: Run, report: Mapping[str, Any]) -> str:
    """Return which images a run was evaluated on: "50 validation images of kaggle253"."""
    side = "test" if report.get("evaluated_on") == "test" else "validation"
    return f"{_evaluated_on(report, f'{side} ')} of {Path(run.config.data.path).name}"


def group_lines(comparison: Comparison) -> list[str]:
    """Say which runs may be compared and which may not; nothing to say where all share their images."""
    if len(comparison.groups) < 2:
        return []
    told = [MASKS_NOT_COMPARABLE if facts_of(comparison.task).has_masks else NOT_COMPARABLE]
    for letter, names in comparison.groups.items():
        first = comparison.runs[names[0]]
        told.append(f"Set {letter}, {evaluated_on(first.run, first.report)}: {', '.join(names)}.")
    return told


def notes(comparison: Comparison) -> list[str]:
    """Return why the metrics of each run may be too good, as Markdown; runs that share a reason share a line."""
    reasons: dict[str, list[str]] = {}
    for name, evaluated_run in comparison.runs.items():
        if reason := caveats(evaluated_run.report):
            reasons.setdefault(reason, []).append(name)
    return [f"**{escape(', '.join(names))}**: {escape(reason)}." for reason, names in reasons.items()]


def verdicts(comparison: Comparison, pairs: Sequence[Pair] | Sequence[MaskPair]) -> list[str]:
    """Return what the paired tests show, as Markdown: which runs are separated, and how many pairs are not."""
    told = []
    for pair in pairs:
        if pair.better:
            flattered = caveats(comparison.runs[pair.better].report)
            words = _masks_separated(pair) if isinstance(pair, MaskPair) else _separated(pair)
            told.append(words + (" But mind the note on it above." if flattered else ""))
    if left := len(pairs) - len(told):
        which = "The two runs are" if len(pairs) == 1 else f"{left} of {len(pairs)} pairs are"
        told.append(f"{which} **not separated**: {_too_few(pairs[0])}, so neither of the two is shown to be better.")
    return told


def _too_few(pair: Pair | MaskPair) -> str:
    if isinstance(pair, MaskPair):
        return f"on {pair.patients} patients with a tumour, chance may explain how their Dice differs"
    return f"they differ on too few of the {pair.count} images"


def _masks_separated(pair: MaskPair) -> str:
    worse, ahead, behind = pair.second, pair.first_ahead, pair.second_ahead
    if pair.better == pair.second:
        worse, ahead, behind = pair.first, behind, ahead
    return (
        f"**{escape(pair.better)}** has the higher mean Dice over these {pair.patients} patients: higher than "
        f"**{escape(worse)}** on {ahead} of them, lower on {behind}."
    )


def _separated(pair: Pair) -> str:
    worse = pair.second if pair.better == pair.first else pair.first
    ahead, behind = sorted((pair.only_first, pair.only_second), reverse=True)
    return (
        f"**{escape(pair.better)}** is right more often than **{escape(worse)}** on these {pair.count} images: it "
        f"alone got {ahead} of them right, the other alone {behind}."
    )
