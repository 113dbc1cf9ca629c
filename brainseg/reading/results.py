"""The results of a study: each reader, all readers together, and what they must be read with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from brainseg import DISCLAIMER
from brainseg.evaluation.paired import Pair
from brainseg.evaluation.readers import areas, mean_area_interval
from brainseg.reading.changes import Boxes, Changes, Times, count_changes, judge_boxes, measure_times
from brainseg.reading.ending import require_over, study_state
from brainseg.reading.library import read_mask, study_log
from brainseg.reading.measures import (
    PAIRS,
    Condition,
    Estimate,
    Kappa,
    area_differences,
    kappa,
    measure_conditions,
    paired_tests,
    roc_curves,
)
from brainseg.reading.replay import StudyState
from brainseg.reading.study import Study
from brainseg.reading.table import BOTH, MODEL, READER, answer_table


@dataclass(frozen=True, eq=False)
class Measured:
    """What the answers of one reader, or of several to the same cases, show.

    Attributes:
        readers: The pseudonyms.
        cases: Cases that all of them have done.
        positives: Those of the positive class.
        conditions: Condition -> how well it agrees with the truth.
        tests: Measure -> the conditions tested against each other; see `measures.paired_tests`.
        area_differences: (first, second) -> area of the first condition minus that of the second.
        kappas: Agreement of each reader alone with the model, or of every two readers.
        changes: How answers changed after the model's; None without a model.
        boxes: How well boxes fit; None without boxes and masks.
        times: How long the readers took.
    """

    readers: tuple[str, ...]
    cases: int
    positives: int
    conditions: dict[str, Condition]
    tests: dict[str, list[Pair]]
    area_differences: dict[tuple[str, str], Estimate]
    kappas: tuple[Kappa, ...]
    changes: Changes | None
    boxes: Boxes | None
    times: Times


@dataclass(frozen=True, eq=False)
class StudyResults:
    """The results of a study.

    Attributes:
        study: The study.
        state: Its state.
        table: All answers; see `table.answer_table`.
        single: The results of each reader who has done a case.
        pooled: Those of all of them together; None with fewer than two, or without a case that all have done.
        head: The hash of the last line of the log: whoever notes it can later check that no earlier line was changed.
    """

    study: Study
    state: StudyState
    table: pd.DataFrame
    single: tuple[Measured, ...]
    pooled: Measured | None
    head: str

    def curves(self, reader: str) -> dict[str, pd.DataFrame]:
        """Return the ROC curves of a reader's conditions; empty without a positive class."""
        if self.study.positive is None:
            return {}
        return roc_curves(self.table[self.table["reader"] == reader], self.study.positive)

    def values(self) -> dict[str, Any]:
        """Return the results as values that JSON can hold."""
        return {
            "study": self.study.id,
            "name": self.study.name,
            "classes": list(self.study.classes),
            "positive": self.study.positive,
            "notes": list(self.study.notes),
            "ended_early": self.state.ended,
            "log_hash": self.head,
            "readers": [_values(each) for each in self.single],
            "pooled": _values(self.pooled) if self.pooled else None,
            "disclaimer": DISCLAIMER,
        }


def study_results(study: Study) -> StudyResults:
    """Compute the results of a study that is over.

    Raises:
        ReadingError: A reader has not finished, nobody has begun, or the study's files cannot be used.
    """
    state = study_state(study)
    require_over(state)
    table = answer_table(study, state)
    names = tuple(reader.name for reader in state.readers.values() if (table["reader"] == reader.name).any())
    single = tuple(_measured(study, table[table["reader"] == name], (name,)) for name in names)
    shared = _shared(table, names)
    pooled = _measured(study, shared, names) if len(names) > 1 and len(shared) else None
    return StudyResults(study, state, table, single, pooled, study_log(study).check().head)


def _shared(table: pd.DataFrame, readers: tuple[str, ...]) -> pd.DataFrame:
    """Return the answers to cases that all readers have done."""
    return table[table.groupby("case")["reader"].transform("nunique") == len(readers)].reset_index(drop=True)


def _measured(study: Study, block: pd.DataFrame, readers: tuple[str, ...]) -> Measured:
    positive = study.positive
    cases = block.drop_duplicates("case")
    conditions = measure_conditions(block, positive)
    differences = area_differences(block, positive) if positive and len(readers) == 1 else {}
    if positive and len(readers) > 1:
        conditions, differences = _with_mean_areas(block, positive, readers, conditions)
    return Measured(
        readers=readers,
        cases=len(cases),
        positives=int((cases["truth"] == positive).sum()),
        conditions=conditions,
        tests=paired_tests(block, positive),
        area_differences=differences,
        kappas=_kappas(block, readers),
        changes=count_changes(block),
        boxes=judge_boxes(block, lambda digest: read_mask(study.id, digest)),
        times=measure_times(block),
    )


def _with_mean_areas(
    block: pd.DataFrame, positive: str, readers: tuple[str, ...], conditions: dict[str, Condition]
) -> tuple[dict[str, Condition], dict[tuple[str, str], Estimate]]:
    """Return the conditions with the mean area over the readers, and the differences of these means."""
    parts = [block[block["reader"] == reader].sort_values("case") for reader in readers]
    ill, groups = (parts[0]["truth"] == positive).to_numpy(), parts[0]["group"].to_numpy()
    scores = {name: [part[f"score {name}"].to_numpy(dtype=np.float64) for part in parts] for name in conditions}
    means = {
        name: Estimate(float(areas(ill, each).mean()), mean_area_interval(ill, each, groups))
        for name, each in scores.items()
        if name != MODEL
    }
    found = {name: _with_area(condition, means.get(name)) for name, condition in conditions.items()}
    differences = {}
    for first, second in PAIRS if MODEL in scores else ():
        value = float(areas(ill, scores[first]).mean() - areas(ill, scores[second]).mean())
        interval = mean_area_interval(ill, scores[first], groups, scores[second])
        differences[first, second] = Estimate(value, interval)
    return found, differences


def _with_area(condition: Condition, area: Estimate | None) -> Condition:
    if area is None:
        return condition
    return Condition(condition.agreement, condition.sensitivity, condition.specificity, area)


def _kappas(block: pd.DataFrame, readers: tuple[str, ...]) -> tuple[Kappa, ...]:
    parts = {reader: block[block["reader"] == reader].sort_values("case") for reader in readers}
    if len(readers) == 1:
        (own,) = parts.values()
        if not own["model_finding"].notna().any():
            return ()
        return (kappa(readers[0], MODEL, [own["finding"], own["model_finding"]], own["group"]),)
    return tuple(
        kappa(one, other, [parts[one]["finding"], parts[other]["finding"]], parts[one]["group"])
        for one, other in combinations(readers, 2)
    )


def _values(measured: Measured) -> dict[str, Any]:
    found = asdict(measured)
    found["area_differences"] = [
        {"first": first, "second": second, **asdict(estimate)}
        for (first, second), estimate in measured.area_differences.items()
    ]
    return _plain(found)  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


__all__ = ["BOTH", "MODEL", "READER", "Measured", "StudyResults", "study_results"]
