"""What `read` prints: studies, results, and the check of a log."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from brainseg import DISCLAIMER
from brainseg.cli.output import ANSWERS
from brainseg.errors import ReadingError

if TYPE_CHECKING:
    from brainseg.reading.ending import LogCheck
    from brainseg.reading.results import Measured, StudyResults
    from brainseg.reading.study import Study


def summary(study: Study) -> dict[str, Any]:
    """Return what a study is and how far its readers are, as values that JSON can hold."""
    from brainseg.reading.ending import study_state

    facts: dict[str, Any] = {
        "study": study.id,
        "name": study.name,
        "created": study.created,
        "dataset": study.dataset.name,
        "model": asdict(study.model) if study.model else None,
        "classes": study.counts,
        "positive": study.positive,
        "teaching": study.teaching,
        "seed": study.seed,
        "cases": len(study.cases),
        "notes": list(study.notes),
    }
    try:
        state = study_state(study)
    except ReadingError as error:  # one damaged log must not hide the other studies
        return {**facts, "readers": None, "over": None, "damaged": str(error)}
    readers = [
        {"reader": each.name, "done": len(each.done(study)), "finished": each.finished}
        for each in state.readers.values()
    ]
    return {**facts, "readers": readers, "ended": state.ended, "over": state.over, "damaged": None}


def print_study(study: Study) -> None:
    """Print what a study is and how far its readers are, on one line."""
    found = summary(study)
    model = f"model {study.model.name}" if study.model else "no model"
    classes = ", ".join(f"{name} {count}" for name, count in study.counts.items())
    teaching = ", teaching" if study.teaching else ""
    cases = f"{len(study.cases)} cases of {study.dataset.name} ({classes})"
    line = f"{study.name} ({study.id[:8]}): {cases}, {model}{teaching}"
    readers = [
        f"{each['reader']} {'finished' if each['finished'] else each['done']}" for each in found["readers"] or []
    ]
    state = found["damaged"] or (", ".join(readers) or "nobody has begun") + (", ended" if found["ended"] else "")
    ANSWERS.print(f"{line}. {state}", markup=False, soft_wrap=True)


def print_results(found: StudyResults) -> None:
    """Print what the results must be read with, then those of each reader and of all together."""
    from brainseg.reading.words import HOW, MEAN_AREA, POOLED, basis_sentences

    lines = [*basis_sentences(found)]
    for each in (*found.single, *((found.pooled,) if found.pooled else ())):
        lines += ["", *_measured_lines(each, found.study)]
    if found.pooled:
        lines += [POOLED, MEAN_AREA]
    for line in [*lines, "", HOW, f"Hash of the log: {found.head}", DISCLAIMER]:
        ANSWERS.print(line, markup=False, soft_wrap=True)


def _measured_lines(found: Measured, study: Study) -> list[str]:
    from brainseg.reading import words

    lines = [words.count_sentence(found, study)]
    for name, each in found.conditions.items():
        parts = [f"agreement {words.proportion_words(each.agreement)}"]
        parts += [f"sensitivity {words.proportion_words(each.sensitivity)}"] if each.sensitivity else []
        parts += [f"specificity {words.proportion_words(each.specificity)}"] if each.specificity else []
        parts += [f"AUC {words.estimate_words(each.area)}"] if each.area else []
        lines.append(f"  {name}: {'; '.join(parts)}")
    lines += words.change_sentences(found.changes) if found.changes else []
    lines += words.difference_sentences(found)
    lines += [words.kappa_sentence(each) for each in found.kappas]
    lines += words.box_sentences(found.boxes) if found.boxes else []
    return [*lines, words.time_sentence(found.times)]


def check_lines(check: LogCheck) -> list[str]:
    """Return what a check of a log found, one sentence per line."""
    from brainseg.reading.log import broken_sentence

    lines = [broken_sentence(*check.broken)] if check.broken else []
    lines += [check.changed] if check.changed else []
    if check.contains is False:
        lines.append("The hash is not in this log: its end was cut off, or the whole log was replaced.")
    if check.incomplete:
        lines.append(f"The last line is incomplete ({check.incomplete} bytes): the next entry sets it aside.")
    if check.intact:
        lines.append(f"The log is whole: {check.lines} lines. Hash of the last one: {check.head}")
    return lines
