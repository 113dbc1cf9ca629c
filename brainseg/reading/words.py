"""The results of a reader study as sentences, the same on the page and on the command line."""

from __future__ import annotations

import math

from brainseg.evaluation.paired import Pair
from brainseg.evaluation.power import smallest_difference
from brainseg.models.proportion import Proportion
from brainseg.reading.changes import RULE, Boxes, Changes, Times
from brainseg.reading.measures import Estimate, Kappa
from brainseg.reading.results import Measured, StudyResults
from brainseg.reading.study import Study
from brainseg.reading.table import BOTH, READER

EXPECTED = 0.2
"""Proportion of cases on which two conditions are assumed to differ before a study has begun."""
POOLED = (
    "Together, the readers count as fixed: the intervals of agreement, sensitivity and specificity say how other cases "
    "might turn out with these same readers, and nothing about other readers."
)
MEAN_AREA = (
    "The AUC is the mean over the readers; its interval is a bootstrap over both readers and cases. With fewer than "
    "about five readers, it says little about other readers."
)
HOW = (
    "Intervals are 95 %: Wilson's for proportions of independent cases, a bootstrap over whole patients where cases "
    "belong together, and a bootstrap over patients for AUC and kappa. Differences are paired: the same cases under "
    "both conditions. p is of McNemar's exact test, or of a test that flips whole patients, and is adjusted for the "
    "pairs of one measure (Holm). With few cases, bootstrap intervals are too narrow: where an interval and a test "
    "seem to disagree, trust the test."
)


def proportion_words(found: Proportion) -> str:
    """Return a proportion with its interval.

    Examples:
        >>> proportion_words(Proportion(hits=17, count=20, interval=(0.6396, 0.9476)))
        '17 of 20 (85 %; 64 to 95 %)'
    """
    if not found.count:
        return "no such case"
    bounds = f"; {100 * found.interval[0]:.0f} to {100 * found.interval[1]:.0f} %" if found.interval else ""
    return f"{found.hits} of {found.count} ({100 * found.hits / found.count:.0f} %{bounds})"


def estimate_words(found: Estimate | None) -> str:
    """Return a value with its interval.

    Examples:
        >>> estimate_words(Estimate(0.8, (0.6, 0.9))), estimate_words(Estimate(math.nan, None))
        ('0.800 (0.600 to 0.900)', 'not defined')
    """
    if found is None or math.isnan(found.value):
        return "not defined"
    bounds = f" ({found.interval[0]:.3f} to {found.interval[1]:.3f})" if found.interval else " (no interval)"
    return f"{found.value:.3f}{bounds}".replace("-", "−")


def planning_sentence(cases: int) -> str:
    """Return what a study of this size can show, before it begins.

    Args:
        cases: Number of cases, each of another patient.
    """
    least = smallest_difference(cases, EXPECTED)
    assumed = f"If only one of two answers (alone, and with the model) is right on {100 * EXPECTED:.0f} % of the cases"
    if least is None:
        return f"{assumed}, {cases} cases of one reader cannot show any difference: choose more, or only teach with it."
    return (
        f"{assumed}, {cases} cases of one reader are likely to show only differences of {100 * least:.0f} percentage "
        "points or more."
    )


def basis_sentences(results: StudyResults) -> list[str]:
    """Return what readers of the results must know before any number, the most serious first."""
    found = list(results.study.notes)
    readers = results.state.readers.values()
    if results.state.ended:
        early = [reader.name for reader in readers if not reader.finished]
        who = f" before {', '.join(early)} had finished" if early else ""
        found.insert(0, f"The study was ended early{who}: cases that were not done do not count.")
    if late := [reader.name for reader in readers if reader.after_results]:
        found.insert(0, f"Began after results of others had been shown, so perhaps not blinded: {', '.join(late)}.")
    return found


def who(measured: Measured) -> str:
    """Return whose results these are, in words."""
    return measured.readers[0] if len(measured.readers) == 1 else f"{len(measured.readers)} readers together"


def count_sentence(measured: Measured, study: Study) -> str:
    """Return on how many cases results stand."""
    ill = f", {measured.positives} of them {study.positive}" if study.positive else ""
    return f"{who(measured)}: {measured.cases} cases{ill}."


def model_sentences(measured: Measured) -> list[str]:
    """Return what the paired tests show of readers with the model against the same readers alone."""
    return [
        _tested(measure, pair, _unit(measured))
        for measure, pairs in measured.tests.items()
        for pair in pairs
        if (pair.first, pair.second) == (BOTH, READER)
    ]


def difference_rows(measured: Measured) -> list[dict[str, str]]:
    """Return every difference of two conditions as a row of a table."""
    rows = [
        {
            "Measure": _capital(measure),
            "Difference": f"{pair.first} minus {pair.second}",
            "Percentage points, or AUC": _points(pair),
            "p": _p(pair).removeprefix("p = ").removeprefix("p "),
            "Verdict": _verdict(pair, _unit(measured)),
        }
        for measure, pairs in measured.tests.items()
        for pair in pairs
    ]
    for (first, second), each in measured.area_differences.items():
        row = {"Measure": "AUC", "Difference": f"{first} minus {second}"}
        rows.append({**row, "Percentage points, or AUC": estimate_words(each), "p": "", "Verdict": "not tested"})
    return rows


def difference_sentences(measured: Measured) -> list[str]:
    """Return every difference of two conditions as a sentence, the agreement with the truth first."""
    tests = [_tested(name, pair, _unit(measured)) for name, pairs in measured.tests.items() for pair in pairs]
    areas = [
        f"AUC, {first} minus {second}: {estimate_words(each)}."
        for (first, second), each in measured.area_differences.items()
    ]
    return [*tests, *areas]


def _tested(measure: str, pair: Pair, unit: str) -> str:
    points = f"{_points(pair)} percentage points; {_p(pair)}"
    return f"{_capital(measure)}, {pair.first} minus {pair.second}: {points}. {_capital(_verdict(pair, unit))}."


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _unit(measured: Measured) -> str:
    return "cases" if len(measured.readers) == 1 else "answers"


def _points(pair: Pair) -> str:
    low, high = (signed(100 * bound) for bound in pair.interval)
    return f"{signed(100 * pair.difference)} ({low} to {high})"


def _p(pair: Pair) -> str:
    return "p < 0.001" if pair.adjusted < 0.001 else f"p = {pair.adjusted:.3f}"


def signed(value: float) -> str:
    """Return a whole number with its sign.

    >>> signed(3.4), signed(-3.4), signed(-0.2)
    ('+3', '−3', '0')
    """
    return "0" if round(value) == 0 else f"{value:+.0f}".replace("-", "−")


def _verdict(pair: Pair, unit: str) -> str:
    """Return what the test of a pair shows, and what it cannot show, without a full stop."""
    if pair.better:
        return f"{pair.better} is better on these {pair.count} {unit}"
    if not pair.only_first + pair.only_second:
        same = f"both were right and wrong on the same {pair.count} {unit}"
        return f"not shown to differ: {same}, which does not show that they are equal"
    if pair.smallest is None:
        return f"not shown to differ: with {pair.count} {unit}, no difference is likely to be shown"
    return (
        f"not shown to differ: with {pair.count} {unit}, only a difference of {100 * pair.smallest:.0f} percentage "
        "points or more is likely to be shown"
    )


def change_sentences(changes: Changes) -> list[str]:
    """Return how answers changed after the model's."""
    kept = changes.count - changes.changed
    other = f", {changes.wrong_to_wrong} from wrong to another wrong class" if changes.wrong_to_wrong else ""
    found = [
        f"After seeing the model's answer, {changes.changed} of {changes.count} answers changed: "
        f"{changes.wrong_to_right} from wrong to right, {changes.right_to_wrong} from right to wrong{other}. "
        f"{kept} stayed."
    ]
    if changes.misled.count:
        found.append(
            "Of the answers that were right while the model was wrong, "
            f"{proportion_words(changes.misled)} became wrong after the model (automation bias)."
        )
    else:
        found.append("The model was never wrong where a reader was right, so this study cannot show automation bias.")
    if changes.rescued.count:
        found.append(
            "Of the answers that were wrong while the model was right, "
            f"{proportion_words(changes.rescued)} became right after the model."
        )
    return found


def kappa_sentence(found: Kappa) -> str:
    """Return how much two sets of answers agree beyond chance."""
    value = estimate_words(found.estimate)
    return f"{found.first} and {found.second}: Cohen's kappa {value} on {found.count} cases."


def box_sentences(boxes: Boxes) -> list[str]:
    """Return how well boxes fit the true masks."""
    if not boxes.masks:
        return [f"Boxes drawn: {boxes.elsewhere}. No case has a true mask, so they cannot be judged."]
    found = [f"Boxes drawn in the {boxes.masks} answers to cases with a true mask: {boxes.drawn}."]
    if boxes.drawn:
        iou = "" if boxes.iou is None else f", median IoU {boxes.iou:.2f}"
        found.append(f"Of these, {proportion_words(boxes.hits)} hit{iou}.")
    if boxes.elsewhere:
        found.append(f"Boxes drawn on cases without a true mask: {boxes.elsewhere}.")
    return [*found, RULE]


def time_sentence(times: Times) -> str:
    """Return how long the readers took."""
    alone = "not known" if times.alone is None else f"{times.alone:.0f} s"
    revising = "" if times.revising is None else f"; {times.revising:.0f} s from the model's answer to the next"
    paused = f" {times.interrupted} interrupted cases do not count." if times.interrupted else ""
    return f"Median time per case: {alone} alone{revising}.{paused}"
