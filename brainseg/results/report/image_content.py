"""What a report says about the answers for one image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from brainseg.diagnosis.agreement import agreement, agreement_sentence
from brainseg.diagnosis.answer import Diagnosis
from brainseg.diagnosis.doubts import UNCERTAIN, UNLIKE, contradiction, joint_verdict
from brainseg.diagnosis.ensemble import Consensus
from brainseg.diagnosis.images import OPACITY
from brainseg.diagnosis.mask_images import FILL
from brainseg.diagnosis.outcome_words import (
    IF_DECIDED,
    IF_LIKE,
    NOT_CERTAIN,
    NOT_EVALUATED,
    joint_warnings,
    short_words,
)
from brainseg.diagnosis.segmenter import Segmentation
from brainseg.models.export.names import computed_with
from brainseg.results.report.class_content import answer_section, heatmap_section
from brainseg.results.report.content import Block, Bullets, Report, Section, Text
from brainseg.results.report.mask_content import mask_section
from brainseg.results.report.model_content import (
    AskedModel,
    card_section,
    evaluation_lines,
    evaluation_section,
    short_hash,
    version_section,
)
from brainseg.results.report.slice_images import slice_pictures
from brainseg.scans import Scan

TITLE = "Report on a brain MRI slice"


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageAnswers:
    """The answers for one image, of which there is at least one, and what is known beside them.

    Attributes:
        scan: The image; its name stays out of the report.
        models: The models that answered: classifiers first, in the order of an ensemble's members.
        answer: The answer of the classifiers; None without one.
        marked: The answer of the segmentation model; None without one.
        positive: The classifiers' class that stands for a tumour; None if there is none.
        label: What the image is called, such as "Image 2 of 3".
        doubts: Sentences on what makes the answers worthless, before all other warnings.
        notes: Further sentences on the image.
        stability: Sentences on how stable the classifiers' answer is.
        opacities: Opacity of the heatmap and of the mask's inside, in 0..1.
    """

    scan: Scan
    models: Sequence[AskedModel]
    answer: Diagnosis | Consensus | None = None
    marked: Segmentation | None = None
    positive: str | None = None
    label: str = "Image"
    doubts: Sequence[str] = ()
    notes: Sequence[str] = ()
    stability: Sequence[str] = ()
    opacities: tuple[float, float] = field(default=(OPACITY, FILL))

    @property
    def answers(self) -> list[Diagnosis | Consensus | Segmentation]:
        """The answers that are not None."""
        return [each for each in (self.answer, self.marked) if each is not None]

    @property
    def in_domain(self) -> bool | None:
        """False if the image is unlike some model's training images; None if some bundle cannot tell."""
        return joint_verdict(each.in_domain for each in self.answers)

    @property
    def image_sha256(self) -> str:
        """The SHA-256 of the image file; those of several sequences joined by a plus."""
        return self.marked.image_sha256 if self.marked else self.scan.sha256


def image_report(found: ImageAnswers, created: datetime) -> Report:
    """Return the report of the answers for one image.

    Args:
        found: The answers.
        created: When the report is made, in UTC.
    """
    answer, marked, scan = found.answer, found.marked, found.scan
    apart = ""
    if answer and marked:
        apart = contradiction(answer.label, found.positive, bool(marked.regions))
    height, width = scan.pixels.shape[:2]
    spacing = f"{scan.spacing[0]:.2f} × {scan.spacing[1]:.2f} mm" if scan.spacing else "unknown"
    facts = [
        ("Format", scan.source_format),
        ("Size", f"{width} × {height} pixels"),
        ("Pixel size", spacing),
        ("SHA-256 of the image", short_hash(found.image_sha256)),
        *(("Computed with", computed_with(each.backend, each.precision)) for each in found.answers),
    ]
    lead, if_it_were = _outcome(found)
    notes = Bullets(tuple(dict.fromkeys([*found.notes, *scan.warnings])))
    sections = [
        *([answer_section(answer, found.stability)] if answer else []),
        Section("Images", tuple(slice_pictures(found.scan.pixels, answer, marked, found.opacities))),
        *([heatmap_section(answer, found.models)] if answer else []),
        *([mask_section(marked, _agreement(answer, marked))] if marked else []),
        *([Section("About the image", (notes,))] if notes.items else []),
        card_section(found.models),
        evaluation_section(found.models, found.in_domain, _together(answer)),
        version_section(
            facts, list(zip(found.models, _digests(found), strict=True)), created, _ensemble_digest(answer)
        ),
    ]
    return Report(
        title=TITLE,
        subject=f"{found.label}: {scan.source_format}, {width} × {height} pixels, SHA-256 "
        f"{short_hash(found.image_sha256)}",
        warnings=tuple(dict.fromkeys([*found.doubts, *joint_warnings(found.answers, apart)])),
        lead=lead,
        words=tuple(_words(found, if_it_were)),
        sections=tuple(sections),
    )


def _outcome(found: ImageAnswers) -> tuple[str, str]:
    """Return the outcome in a few words, and the answer that would be given if it were not doubtful; "" otherwise."""
    words = short_words(found.answer, found.marked)
    if found.in_domain is False:
        return UNLIKE, f"{IF_LIKE} {words}"
    if found.answer and found.answer.outcome == UNCERTAIN:
        return NOT_CERTAIN, f"{IF_DECIDED} {words}"
    return words, ""


def _words(found: ImageAnswers, if_it_were: str) -> Iterator[Text]:
    for origin in dict.fromkeys(each.origin for each in found.answers):
        yield Text(origin, "strong")
    if if_it_were:
        yield Text(if_it_were)
    for each in found.answers:
        yield Text(each.sentence)


def _agreement(answer: Diagnosis | Consensus | None, marked: Segmentation) -> str:
    if answer is None:
        return ""
    return agreement_sentence(agreement(answer.heatmap, marked.mask), bool(marked.regions))


def _together(answer: Diagnosis | Consensus | None) -> list[Block]:
    """Return how well several models did together, or that nobody tested this."""
    if not isinstance(answer, Consensus):
        return []
    if answer.ensemble is None:
        return [Text(NOT_EVALUATED.replace("`", ""))]  # marks of code on pages
    first, *others = evaluation_lines(answer.ensemble.description)
    return [Bullets((f"{answer.ensemble.name}: {first}", *others))]


def _digests(found: ImageAnswers) -> list[str]:
    digests = [found.marked.digest] if found.marked else []
    if isinstance(found.answer, Consensus):
        return [*(member.digest for member in found.answer.members), *digests]
    return [found.answer.digest, *digests] if found.answer else digests


def _ensemble_digest(answer: Diagnosis | Consensus | None) -> str:
    return answer.digest if isinstance(answer, Consensus) and answer.ensemble else ""
