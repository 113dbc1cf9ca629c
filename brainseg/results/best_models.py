"""What Home shows of the store: the active runs, and the best models by their evaluations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from brainseg.datasets.library import known_datasets
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.evaluation.stored import Evaluation
from brainseg.runs import FINAL, Run
from brainseg.tasks import TASKS, facts_of

OPENED = 10
"""Maximum number of runs whose evaluation is opened, to find one without copies in its training set."""
SETS = 2
"""Number of datasets per task whose best model is shown: those of the newest runs."""


@dataclass(frozen=True)
class Best:
    """The best model of a task on one dataset.

    Attributes:
        run: The run.
        report: Its evaluation.
        rivals: Other finished runs of the task on the dataset whose interval overlaps with this one, best first.
        beaten: Number of all other finished runs of the task on the dataset.
    """

    run: Run
    report: Evaluation
    rivals: tuple[Run, ...]
    beaten: int

    @property
    def data(self) -> str:
        """Name of the dataset: as in the list of datasets, otherwise that of its folder."""
        path = self.run.config.data.path
        return next((known.name for known in known_datasets() if known.path == path), Path(path).name)

    def sentences(self) -> list[str]:
        """Return sentences on how good the model is, and how far its rank can be trusted."""
        chance = [] if self.run.better_than_chance else ["It is not shown to be better than chance."]
        return [evaluation_sentence(self.report), *self._rank(), *chance]

    def _rank(self) -> list[str]:
        others, facts = len(self.rivals) + self.beaten, facts_of(self.run.config.task)
        if not others:
            return [f"The only evaluated {facts.model} on {self.data} so far."]
        rank = f"Ranked by the lower end of the interval among {others + 1} {facts.model}s on {self.data}."
        if not self.rivals:
            return [rank]
        count = len(self.rivals)
        if count == 1:
            overlap, rival = "The interval of 1 other model overlaps", "that model"
        else:
            overlap, rival = f"The intervals of {count} other models overlap", "those models"
        doubt = f"{overlap} with this one, so it is not shown to be better than {rival}"
        return [f"{rank} {doubt}: Compare tests them on the {facts.independent} that they share."]


def under_way(runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """Return the running runs, and the waiting runs with the longest wait first; of a parent, its runs."""
    own = [run for run in runs if not run.is_parent]
    waiting = sorted((run for run in own if run.status == "SCHEDULED"), key=lambda run: run.queued)
    return [run for run in own if run.status == "RUNNING"], waiting


def best_models(runs: Sequence[Run], evaluation: Callable[[Run], Evaluation | None]) -> list[Best]:
    """Return the best model for each of the latest datasets; metrics of different datasets or tasks are not comparable.

    Runs are ranked by the lower end of the interval of accuracy or Dice: a lucky result on few images does not win. A
    run with copies of held-out images in its training set comes first only if all opened runs have that fault. Folds
    of a cross-validation are left out, since the best of several folds is best by chance.

    Args:
        runs: All runs.
        evaluation: Opens a run's `evaluation.json`; None where it is missing or damaged.
    """
    newest = sorted(runs, key=lambda run: run.created, reverse=True)
    found = []
    for facts in TASKS.values():
        score = facts.headline
        by_data: dict[str, list[Run]] = {}
        for run in newest:
            own = facts_of(run.config.task) is facts and run.answers and not run.is_part
            if own and f"{FINAL}{score}_low" in run.metrics:
                by_data.setdefault(run.config.data.path, []).append(run)
        found += [_best(candidates, score, evaluation) for candidates in list(by_data.values())[:SETS]]
    return [best for best in found if best]


def _best(candidates: list[Run], score: str, evaluation: Callable[[Run], Evaluation | None]) -> Best | None:
    ranked = sorted(candidates, key=lambda run: run.metrics[f"{FINAL}{score}_low"], reverse=True)
    opened = [(run, report) for run in ranked[:OPENED] if (report := evaluation(run))]
    if not opened:
        return None
    run, report = next((pair for pair in opened if not pair[1].get("copies_in_training")), opened[0])
    low, high = (run.metrics[f"{FINAL}{score}_{bound}"] for bound in ("low", "high"))
    others = [other for other in ranked if other.id != run.id]
    rivals = tuple(
        other
        for other in others
        if other.metrics[f"{FINAL}{score}_high"] >= low and other.metrics[f"{FINAL}{score}_low"] <= high
    )
    return Best(run, report, rivals, len(others) - len(rivals))
