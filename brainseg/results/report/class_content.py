"""What a report says about the answer of classifiers for one image: probabilities, members, and their heatmap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brainseg.diagnosis.answer import Diagnosis
from brainseg.diagnosis.calibrated import set_sentence
from brainseg.diagnosis.ensemble import Consensus
from brainseg.diagnosis.heatmap_checks.words import check_rows, sample_sentence
from brainseg.diagnosis.images import heatmap_caption
from brainseg.diagnosis.outcome_words import members_sentence
from brainseg.diagnosis.pointing import pointing_sentence
from brainseg.results.report.content import Block, Section, Table, Text
from brainseg.results.report.model_content import AskedModel
from brainseg.tasks import facts_of

HEATMAP = "How far to trust the heatmap"


def answer_section(answer: Diagnosis | Consensus, stability: Sequence[str] = ()) -> Section:
    """Return the outcome, the probability of each class and, for several models, how far they agree.

    Args:
        answer: The answer.
        stability: Sentences on how stable it is, as far as this was measured.
    """
    return Section("Answer", (*_answer(answer), *map(Text, stability)))


def _answer(answer: Diagnosis | Consensus) -> Iterator[Block]:
    certainty = answer.certainty
    yield Text(f"Outcome: {answer.outcome}", "strong")
    ranked = sorted(answer.probabilities.items(), key=lambda item: -item[1])
    rows = tuple((name, certainty.write(value)) for name, value in ranked)
    yield Table(("Class", f"{certainty.noun.capitalize()}, {certainty.short}"), rows, (3, 2), frozenset({1}))
    yield Text(" ".join(certainty.sentences))
    if named := set_sentence(answer.prediction_set, answer.calibration):
        yield Text(named)
    if isinstance(answer, Consensus):
        yield from _members(answer)


def _members(answer: Consensus) -> Iterator[Block]:
    head = ("Model", "Prediction", f"Score of {answer.label}")
    rows = tuple(
        (member.model, member.label, member.certainty.write(member.probabilities[answer.label]))
        for member in answer.members
    )
    yield Table(head, rows, (3, 1, 1), frozenset({2}))
    yield Text(f"Agreement of the members. {members_sentence(answer)}")


def heatmap_section(answer: Diagnosis | Consensus, models: Sequence[AskedModel]) -> Section:
    """Return what the heatmap shows and what it does not, and what was measured on such heatmaps."""
    classifiers = [model for model in models if not facts_of(model.description.task).has_masks]
    blocks: list[Block] = [Text(heatmap_caption(answer), "strong")]
    for model in classifiers:
        named = f"{model.name}: " if len(classifiers) > 1 else ""
        blocks.append(Text(f"{named}{pointing_sentence(model.heatmaps['pointing'] if model.heatmaps else None)}"))
        if model.heatmaps and (checks := model.heatmaps["checks"]):
            blocks.append(Text(f"{named}{sample_sentence(checks)}"))
            rows = tuple(
                (row.measure, row.value, row.interval, str(row.n), row.meaning) for row in check_rows(model.heatmaps)
            )
            head = ("Measure", "Value", "95 % interval", "n", "What it says")
            blocks.append(Table(head, rows, (2.2, 1, 1.6, 0.7, 4), frozenset({1, 2, 3})))
    return Section(HEATMAP, tuple(blocks))
