"""Results against values computed by hand and by scikit-learn, and the sentences that go with them."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from brainseg import DISCLAIMER
from brainseg.errors import ReadingError
from brainseg.evaluation.intervals import wilson
from brainseg.reading.answers import ReaderAnswer, positive_score
from brainseg.reading.changes import box_fit, count_changes, judge_boxes, measure_times
from brainseg.reading.ending import end_study
from brainseg.reading.exports import answers_csv, export_name, export_table, log_bytes
from brainseg.reading.library import study_log
from brainseg.reading.measures import (
    AGREEMENT,
    SENSITIVITY,
    SPECIFICITY,
    area_differences,
    measure_conditions,
    paired_tests,
)
from brainseg.reading.results import StudyResults, study_results
from brainseg.reading.session import ReaderSession
from brainseg.reading.study import Study
from brainseg.reading.table import BOTH, COLUMNS, MODEL, READER
from brainseg.reading.words import (
    basis_sentences,
    box_sentences,
    change_sentences,
    difference_rows,
    model_sentences,
    planning_sentence,
    time_sentence,
)
from tests.reading.conftest import answering, read_all

# Twenty cases: truth, answer alone with its confidence, the model's probability, answer with the model.
TRUTH = ["yes"] * 10 + ["no"] * 10
FIRST = [("yes", 90)] * 6 + [("no", 40)] * 4 + [("no", 70)] * 7 + [("yes", 20)] * 3
PROBABILITY = [0.9] * 5 + [0.3] + [0.8] * 3 + [0.4] + [0.2] * 6 + [0.7] + [0.1] * 2 + [0.6]
SECOND = (
    [("yes", 95)] * 5 + [("no", 10)] + [("yes", 60)] * 3 + [("no", 50)]
    + [("no", 80)] * 6 + [("yes", 30)] + [("no", 15)] * 2 + [("yes", 25)]
)  # fmt: skip


def block(
    truth: Sequence[str] = TRUTH,
    first: Sequence[tuple[str, int]] = FIRST,
    probability: Sequence[float] = PROBABILITY,
    second: Sequence[tuple[str, int]] = SECOND,
    reader: str = "owl",
) -> pd.DataFrame:
    """Return a table of answers without a log."""
    count = len(truth)
    table = pd.DataFrame(
        {
            "reader": reader,
            "order": range(1, count + 1),
            "case": [f"{number:064x}" for number in range(count)],
            "group": range(count),
            "truth": truth,
            "mask": "",
            "finding": [finding for finding, _ in first],
            "confidence": [confidence for _, confidence in first],
            "box": None,
            "seconds": 5.0,
            "times_shown": 1,
            "model_finding": ["yes" if value >= 0.5 else "no" for value in probability],
            "model_probability": probability,
            "model_outcome": "",
            "second_finding": [finding for finding, _ in second],
            "second_confidence": [confidence for _, confidence in second],
            "second_seconds": 2.0,
            f"score {READER}": [positive_score(*answer, "yes") for answer in first],
            f"score {MODEL}": probability,
            f"score {BOTH}": [positive_score(*answer, "yes") for answer in second],
        }
    )
    assert list(table) == list(COLUMNS)
    return table


def test_conditions_against_counts_by_hand_and_scikit_learn() -> None:
    found = measure_conditions(block(), "yes")
    counted = {
        name: tuple((part.hits, part.count) for part in (each.agreement, each.sensitivity, each.specificity))
        for name, each in found.items()
    }
    assert counted == {
        READER: ((13, 20), (6, 10), (7, 10)),
        MODEL: ((16, 20), (8, 10), (8, 10)),
        BOTH: ((16, 20), (8, 10), (8, 10)),
    }
    assert found[READER].agreement.interval == pytest.approx(wilson(13, 20))
    assert found[READER].sensitivity.interval == pytest.approx(wilson(6, 10))
    ill = np.array(TRUTH) == "yes"
    signed = [(confidence if finding == "yes" else -confidence) for finding, confidence in FIRST]
    assert found[READER].area.value == pytest.approx(roc_auc_score(ill, signed))
    assert found[MODEL].area.value == pytest.approx(roc_auc_score(ill, PROBABILITY))
    low, high = found[READER].area.interval
    assert low < found[READER].area.value < high


def test_paired_tests_are_mcnemars_on_the_changed_cases() -> None:
    tests = paired_tests(block(), "yes")
    agreement = {(pair.first, pair.second): pair for pair in tests[AGREEMENT]}
    pair = agreement[BOTH, READER]
    # By hand: 3 tumours found only with the model and 2 healthy ones; 1 tumour and 1 healthy case lost.
    before = [truth == answer for truth, (answer, _) in zip(TRUTH, FIRST, strict=True)]
    after = [truth == answer for truth, (answer, _) in zip(TRUTH, SECOND, strict=True)]
    gained = sum(now and not then for now, then in zip(after, before, strict=True))
    lost = sum(then and not now for now, then in zip(after, before, strict=True))
    assert (pair.only_first, pair.only_second) == (gained, lost) == (5, 2)
    assert pair.p == pytest.approx(binomtest(2, 7).pvalue)
    assert pair.adjusted >= pair.p
    assert pair.difference == pytest.approx(3 / 20)
    sensitivity = next(pair for pair in tests[SENSITIVITY] if (pair.first, pair.second) == (BOTH, READER))
    assert (sensitivity.count, sensitivity.only_first, sensitivity.only_second) == (10, 3, 1)
    specificity = next(pair for pair in tests[SPECIFICITY] if (pair.first, pair.second) == (BOTH, READER))
    assert (specificity.count, specificity.only_first, specificity.only_second) == (10, 2, 1)
    differences = area_differences(block(), "yes")
    ill = np.array(TRUTH) == "yes"
    expected = roc_auc_score(ill, block()[f"score {BOTH}"]) - roc_auc_score(ill, block()[f"score {READER}"])
    assert differences[BOTH, READER].value == pytest.approx(expected)


def test_changes_and_automation_bias_by_hand() -> None:
    changes = count_changes(block())
    assert (changes.count, changes.changed) == (20, 7)
    assert (changes.wrong_to_right, changes.right_to_wrong, changes.wrong_to_wrong) == (5, 2, 0)
    # The model was wrong where the reader was right in two cases, and the reader followed it in both.
    assert (changes.misled.hits, changes.misled.count) == (2, 2)
    assert (changes.rescued.hits, changes.rescued.count) == (5, 5)
    first, misled, rescued = change_sentences(changes)
    assert "7 of 20 answers changed: 5 from wrong to right, 2 from right to wrong. 13 stayed." in first
    assert "2 of 2 (100 %; 34 to 100 %) became wrong after the model (automation bias)" in misled
    assert "5 of 5" in rescued
    kept = block(probability=[0.9 if truth == "yes" else 0.1 for truth in TRUTH], second=FIRST)
    changes = count_changes(kept)
    assert (changes.changed, changes.misled.count) == (0, 0)
    assert "cannot show automation bias" in change_sentences(changes)[1]


def test_boxes_hit_by_their_centre_and_overlap_by_iou() -> None:
    mask = np.zeros((20, 30), dtype=bool)
    mask[5:10, 10:20] = True  # left 10, top 5, right 20, bottom 10: 50 pixels
    assert box_fit((10, 5, 20, 10), mask) == (True, 1.0)
    assert box_fit((15, 5, 25, 10), mask) == (False, pytest.approx(25 / 75)), "the centre is just outside"
    assert box_fit((14, 5, 24, 10), mask) == (True, pytest.approx(30 / 70))
    assert box_fit((0, 0, 30, 20), mask) == (False, pytest.approx(50 / 600)), "its centre is at 15, 10: below"
    table = block().assign(mask=["m"] * 10 + [""] * 10)
    boxes: list[object] = [None] * 20
    boxes[0], boxes[1], boxes[12] = (10, 5, 20, 10), (0, 0, 4, 4), (1, 1, 2, 2)
    found = judge_boxes(table.assign(box=boxes), lambda _: mask)
    assert (found.masks, found.drawn, found.elsewhere) == (10, 2, 1)
    assert (found.hits.hits, found.hits.count, found.iou) == (1, 2, pytest.approx(0.5))
    assert "1 of 2" in box_sentences(found)[1]
    assert judge_boxes(block(), lambda _: mask) is None


def test_times_leave_interrupted_cases_out() -> None:
    table = block().assign(seconds=[float(number) for number in range(20)], times_shown=[1] * 19 + [2])
    times = measure_times(table)
    assert (times.alone, times.counted, times.interrupted, times.revising) == (9.0, 19, 1, 2.0)
    assert time_sentence(times) == (
        "Median time per case: 9 s alone; 2 s from the model's answer to the next. 1 interrupted cases do not count."
    )


def test_planning_says_what_a_study_cannot_show() -> None:
    assert "cannot show any difference" in planning_sentence(20)
    assert "10 percentage points or more" in planning_sentence(155)


@pytest.fixture
def study(make_study: Callable[..., Study]) -> Study:
    return make_study(cases=8)


def right(study: Study, wrong: set[int] = frozenset()) -> Callable[[str], tuple[str, int]]:
    """Return answers that are right, except for the cases at some places of the study."""
    truths = {case.sha256: case.truth for case in study.cases}
    places = {case.sha256: place for place, case in enumerate(study.cases)}
    other = {"yes": "no", "no": "yes"}
    return lambda case: (other[truths[case]] if places[case] in wrong else truths[case], 10 + 9 * places[case])


def model_of(study: Study, wrong: set[int]) -> Callable[[str], float]:
    answers = right(study, wrong)
    return lambda case: 0.8 if answers(case)[0] == "yes" else 0.2


def two_readers(study: Study) -> StudyResults:
    read_all(study, "owl", right(study, {0, 1}), model_of(study, {2}), right(study, {2}))
    read_all(study, "fox", right(study, {1, 3, 4}), model_of(study, {2}), right(study, {3}))
    return study_results(study)


def test_the_results_of_two_readers_through_the_log(study: Study) -> None:
    results = two_readers(study)
    owl, fox = results.single
    assert [each.conditions[READER].agreement.hits for each in (owl, fox)] == [6, 5]
    assert [each.conditions[BOTH].agreement.hits for each in (owl, fox)] == [7, 7]
    assert [each.conditions[MODEL].agreement.hits for each in (owl, fox)] == [7, 7]
    assert (owl.changes.wrong_to_right, owl.changes.right_to_wrong) == (2, 1)
    assert (owl.changes.misled.hits, owl.changes.misled.count) == (1, 1)
    assert (fox.changes.misled.hits, fox.changes.misled.count) == (0, 1)
    pooled = results.pooled
    assert (pooled.cases, pooled.positives) == (8, 4)
    agreement = pooled.conditions[READER].agreement
    assert (agreement.hits, agreement.count) == (11, 16)
    assert pooled.conditions[MODEL].agreement.count == 8, "the model answers each case once"
    low, high = agreement.interval
    assert low < 11 / 16 < high
    tables = {name: results.table[results.table["reader"] == name].sort_values("case") for name in ("owl", "fox")}
    ill = (tables["owl"]["truth"] == "yes").to_numpy()
    mean = np.mean([roc_auc_score(ill, table[f"score {READER}"]) for table in tables.values()])
    assert pooled.conditions[READER].area.value == pytest.approx(mean)
    assert pooled.conditions[MODEL].area.value == pytest.approx(roc_auc_score(ill, tables["owl"][f"score {MODEL}"]))
    (kappa,) = pooled.kappas
    assert kappa.estimate.value == pytest.approx(cohen_kappa_score(tables["owl"]["finding"], tables["fox"]["finding"]))
    assert "with 16 answers" in model_sentences(pooled)[0]
    assert len(difference_rows(pooled)) == 12
    assert {pair.groups for pairs in pooled.tests.values() for pair in pairs} <= {8, 4}
    values = json.dumps(results.values(), allow_nan=True)
    assert DISCLAIMER in values
    assert not any(case.path in values for case in study.cases)
    assert results.head == study_log(study).check().head


def test_equal_answers_are_not_called_equal_readers(study: Study) -> None:
    read_all(study, "owl", right(study, {0}), model_of(study, {2}))
    (owl,) = study_results(study).single
    assert "does not show that they are equal" in model_sentences(owl)[0]
    assert study_results(study).pooled is None


def test_a_study_that_was_ended_early_counts_what_is_done(study: Study) -> None:
    read_all(study, "owl", right(study), model_of(study, set()))
    read_all(study, "fox", right(study), model_of(study, set()), most=3)
    with pytest.raises(ReadingError, match="Still reading: fox"):
        study_results(study)
    end_study(study, "command")
    results = study_results(study)
    assert [each.cases for each in results.single] == [8, 3]
    assert results.pooled.cases == 3
    assert basis_sentences(results)[0].startswith("The study was ended early before fox had finished")


def test_without_a_model_or_a_positive_class_only_what_is_defined_is_shown(make_study: Callable[..., Study]) -> None:
    study = make_study(model=False)
    read_all(study, "owl", right(study, {0}))
    (owl,) = study_results(study).single
    assert set(owl.conditions) == {READER}
    assert (owl.tests, owl.area_differences, owl.kappas, owl.changes, difference_rows(owl)) == ({}, {}, (), None, [])
    found = measure_conditions(block(), None)
    assert found[READER].sensitivity is found[READER].area is None
    assert set(paired_tests(block(), None)) == {AGREEMENT}
    assert math.isnan(measure_conditions(block(truth=["yes"] * 20), "yes")[READER].area.value)


def test_cases_of_one_patient_are_drawn_together() -> None:
    grouped = block().assign(group=[number // 4 for number in range(20)])
    found, alone = measure_conditions(grouped, "yes"), measure_conditions(block(), "yes")
    assert found[READER].agreement.interval != alone[READER].agreement.interval
    assert all(pair.groups == 5 for pair in paired_tests(grouped, "yes")[AGREEMENT])


def test_exports_hold_hashes_and_the_disclaimer_and_no_file_names(study: Study) -> None:
    session = ReaderSession(study, "owl", "x")
    session.begin()
    with pytest.raises(ReadingError, match="Still reading: owl"):
        answers_csv(study, "page")
    with pytest.raises(ReadingError, match="Still reading: owl"):
        log_bytes(study, "page")
    session.show()
    case = session.state().current(study)
    session.lock(case, ReaderAnswer(*right(study)(case), (1.0, 2.0, 3.0, 4.0)))
    session.show_model(case, answering(0.9))
    session.revise(case, "no", 5)
    read_all(study, "owl", right(study), model_of(study, {0}))
    content = answers_csv(study, "command").decode()
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [int(row["order"]) for row in rows] == list(range(1, 9))
    assert {row["disclaimer"] for row in rows} == {DISCLAIMER}
    first = rows[0]
    assert (first["case"], first["truth"]) == (case, study.case(case).truth)
    assert [first[f"box_{edge}"] for edge in ("left", "top", "right", "bottom")] == ["1.0", "2.0", "3.0", "4.0"]
    assert (first["second_answer"], first["second_confidence"], first["model_answer"]) == ("no", "5", "yes")
    log = log_bytes(study, "page").decode()
    assert json.loads(log.splitlines()[-1])["what"] == "log"
    assert DISCLAIMER in log.splitlines()[0]
    for text in (content, log):
        assert not any(each.path.split("/")[-1] in text for each in study.cases)
        assert study.dataset.name not in text
    assert export_name(study, "answers") == f"reader-study-{study.id[:8]}-answers.csv"


def test_classes_that_look_like_formulas_are_no_formulas_in_the_export(study: Study) -> None:
    table = export_table(replace(study, positive="=x"), block(truth=["=x"] * 20))
    assert set(table["truth"]) == {"'=x"}
