"""Sentences that keep readers from taking the metrics of compared runs for more than they show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from brainseg.evaluation.caveats import caveats_of
from brainseg.evaluation.stored import Evaluation, as_validation
from brainseg.results.comparison import Comparison
from brainseg.results.markdown import escape
from brainseg.runs import Run

_TIMES = (
    "Times were measured on the machine that trained each run, which may have had other work. The time of a diagnosis "
    "is the median of five on that machine's processor and includes {}."
)
TIMES, MASK_TIMES = _TIMES.format("preparation and heatmap"), _TIMES.format("preparation")


class TestedPair(Protocol):
    """Two runs that a paired test compares, of any task."""

    @property
    def first(self) -> str:
        """Name of one run."""

    @property
    def second(self) -> str:
        """Name of the other run."""

    @property
    def better(self) -> str | None:
        """Name of the run that the test shows to be better; None if it separates neither."""


Tested = TypeVar("Tested", bound=TestedPair)


def caveats(report: Evaluation) -> str:
    """Return why the metrics of an evaluation may be too good, as the end of a sentence; "" without a reason."""
    reasons = [caveat.phrase for caveat in caveats_of(report)]
    return "; ".join([f"evaluated on {_evaluated_on(report)}", *reasons]) if reasons else ""


def _evaluated_on(report: Evaluation, side: str = "") -> str:
    return f"{as_validation(report)['count']} {side}{'slices' if 'slices' in report else 'images'}"


def evaluated_on(run: Run, report: Evaluation) -> str:
    """Return which images a run was evaluated on: "50 validation images of kaggle253"."""
    side = "test" if report.get("evaluated_on") == "test" else "out-of-fold" if "folds" in report else "validation"
    return f"{_evaluated_on(report, f'{side} ')} of {Path(run.config.data.path).name}"


def notes(comparison: Comparison) -> list[str]:
    """Return why the metrics of each run may be too good, as Markdown; runs that share a reason share a line."""
    reasons: dict[str, list[str]] = {}
    for name, evaluated_run in comparison.runs.items():
        if reason := caveats(evaluated_run.report):
            reasons.setdefault(reason, []).append(name)
    return [f"**{escape(', '.join(names))}**: {escape(reason)}." for reason, names in reasons.items()]


def verdict_lines(
    comparison: Comparison,
    pairs: Sequence[Tested],
    separated: Callable[[Tested], str],
    not_separated: Callable[[Tested], str],
) -> list[str]:
    """Return what the paired tests show, as Markdown: which runs are separated, and how many pairs are not.

    Args:
        comparison: The compared runs.
        pairs: The tested pairs of one group.
        separated: Writes which run of a separated pair is better, as a sentence.
        not_separated: Writes why the test does not separate a pair, as part of a sentence.
    """
    lines = []
    for pair in pairs:
        if pair.better:
            doubtful = caveats(comparison.runs[pair.better].report)
            lines.append(separated(pair) + (" See the note on this run above." if doubtful else ""))
    if left := len(pairs) - len(lines):
        which = "The two runs are" if len(pairs) == 1 else f"{left} of {len(pairs)} pairs are"
        why = not_separated(next(pair for pair in pairs if not pair.better))
        lines.append(f"{which} **not separated**: {why}, so neither run is shown to be better.")
    return lines
