"""The model of a reader study: which one it is, which images it has seen, and its answer to a case."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from brainseg.errors import ReadingError
from brainseg.models.description import bundle_digest, read_description
from brainseg.reading.events import ModelShown
from brainseg.reading.study import Study, StudyModel
from brainseg.results.stored_results import split
from brainseg.runs.ensembles import open_ensemble
from brainseg.tasks import facts_of

if TYPE_CHECKING:
    from brainseg.diagnosis.answer import Diagnosis
    from brainseg.diagnosis.ensemble import Consensus
    from brainseg.runs import Run, RunStore
    from brainseg.scans import Scan

    ModelAnswer = Diagnosis | Consensus
    Ask = Callable[[Scan], ModelAnswer]

VERSION_DIGITS = 12
SIDES = ("train", "valid", "test")
"""The sets of a training, the most serious first: a model proves nothing on images that it was trained on."""


class ChosenModel:
    """The model that a study is made with.

    Args:
        store: The run store.
        run: A finished run that classifies, or a stored ensemble.

    Attributes:
        model: What the study keeps of it.
        classes: Its classes, in its order.
        positive: Its positive class; None if there is none.

    Raises:
        ReadingError: The run has no classifier.
        BundleError: The model cannot be used.
        RunError: A file of the run is damaged.
    """

    def __init__(self, store: RunStore, run: Run) -> None:
        if not run.answers or facts_of(run.config.task).has_masks:
            raise ReadingError(
                f"Run {run.name!r} has no model that classifies images: choose a finished training of a classifier."
            )
        if run.members:
            opened = open_ensemble(store, run)
            described, digest, members = opened.ensemble.description, opened.ensemble.digest, opened.members
            name, self.classes, self.positive = opened.ensemble.name, described.classes, described.positive
        else:
            folder = store.bundle(run)
            description = read_description(folder)
            digest, members = bundle_digest(folder, description), (run,)
            name = f"{description.name} ({digest[:VERSION_DIGITS]})"
            self.classes, self.positive = description.classes, description.positive
        self.model = StudyModel(run.id, name, digest)
        self._splits = [split(store, member) for member in members]

    @property
    def splits_known(self) -> bool:
        """Whether it is recorded for all its members which images they were trained on."""
        return all(table is not None for table in self._splits)

    def sides(self, table: pd.DataFrame) -> pd.Series:
        """Return the set that each image of a dataset was in when the model was trained; "" if in none.

        An image counts as seen if one with the same bytes was. If the members of an ensemble differ, the most serious
        set counts.

        Args:
            table: The dataset's table, with `sha256`.
        """
        worst: dict[str, str] = {}
        for part in self._splits:
            for digest, side in zip(part["sha256"], part["split"], strict=True) if part is not None else ():
                worst[digest] = min(side, worst.get(digest, ""), key=_serious)
        return table["sha256"].map(worst).fillna("")


def _serious(side: str) -> int:
    return SIDES.index(side) if side in SIDES else len(SIDES)


def ask_model(study: Study, scan: Scan, ask: Ask) -> ModelAnswer:
    """Return the answer of the study's model to a case.

    Args:
        study: The study.
        scan: The case.
        ask: Asks the model.

    Raises:
        ReadingError: Another version of the model answered.
    """
    answer = ask(scan)
    if study.model is None or answer.digest != study.model.digest:
        raise ReadingError(
            "The model was changed after this study was made (for example calibrated again), so its answers cannot be "
            "compared with those before: make a new study, or put the model back."
        )
    return answer


def shown_event(reader: str, case: str, sitting: str, answer: ModelAnswer) -> ModelShown:
    """Return the event that a reader saw an answer of the model."""
    return ModelShown(
        reader=reader,
        case=case,
        sitting=sitting,
        label=answer.label,
        probabilities=answer.probabilities,
        outcome=answer.outcome,
        calibrated=answer.certainty.calibrated,
        threshold=answer.point.threshold,
        in_domain=answer.in_domain,
        digest=answer.digest,
    )
