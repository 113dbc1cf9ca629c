"""What the report of an image says: the outcome, calibration, heatmap with its caveats, mask and models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brainseg.diagnosis.agreement import agreement, agreement_sentence
from brainseg.diagnosis.answer import Diagnosis
from brainseg.diagnosis.calibrated import calibration_sentence
from brainseg.diagnosis.doubts import UNLIKE, contradiction, unlike_sentence
from brainseg.diagnosis.ensemble import Consensus
from brainseg.diagnosis.heatmap_checks.stored import stored_heatmaps
from brainseg.diagnosis.images import CAPTION, heatmap_caption
from brainseg.diagnosis.mask_images import CAPTION as MASK_CAPTION
from brainseg.diagnosis.outcome_words import (
    IF_DECIDED,
    IF_LIKE,
    NO_SPACING,
    NOT_CERTAIN,
    NOT_EVALUATED,
    members_sentence,
    short_words,
)
from brainseg.diagnosis.pointing import NOT_MEASURED, pointing_sentence, summarise
from brainseg.diagnosis.regions import regions
from brainseg.diagnosis.segmenter import Segmentation
from brainseg.models.calibration import Calibration
from brainseg.models.trained_on import TrainedOn
from brainseg.results.report.content import Pictures, Report, Table, texts
from brainseg.results.report.image_content import ImageAnswers, image_report
from brainseg.results.report.model_content import AskedModel
from brainseg.scans import Scan
from tests.results.report.conftest import CREATED, PERSON, classifies, described

CALIBRATION = Calibration(temperature=1.5, count=128, wrong=12)
HASH, DIGEST = "fedcba9876543210" * 4, "0123456789abcdef" * 4


def scan(**changes: object) -> Scan:
    grey = np.random.default_rng(0).integers(0, 256, (80, 60, 1), dtype=np.uint8)
    facts = {"name": f"{PERSON}.png", "source_format": "PNG", "mode": "L", "size": (60, 80), "sha256": HASH}
    return Scan(np.repeat(grey, 3, axis=2), **{**facts, **changes})


def diagnosis(**changes: object) -> Diagnosis:
    y, x = np.mgrid[:80, :60]
    heatmap = np.exp(-((y - 40) ** 2 + (x - 30) ** 2) / 200).astype(np.float32)
    facts = {"digest": DIGEST, "image_sha256": HASH, "calibration": CALIBRATION, "positive": "yes", "in_domain": True}
    facts |= {"trained_on": TrainedOn("tiny", 28, False), "model": "tells (0123456789ab)", "seconds": 0.1}
    made = {"no": 0.125, "yes": 0.875}
    return Diagnosis(**{"label": "yes", "probabilities": made, "explained": "yes", "cam": heatmap, "heatmap": heatmap,
                        **facts, **changes})  # fmt: skip


def segmentation(**changes: object) -> Segmentation:
    mask = np.zeros((80, 60), np.uint8)
    mask[30:50, 20:40] = 1
    mask[5:8, 5:8] = 1
    found = regions(mask > 0)
    facts = {"mask": mask, "probabilities": np.zeros((2, 80, 60), np.float32), "classes": ("background", "tumour")}
    facts |= {"areas": {"tumour": float((mask > 0).sum())}, "regions": found, "spacing": None, "seconds": 0.1}
    facts |= {"model": "marks (abcdef012345)", "digest": "9" * 64, "image_sha256": HASH, "in_domain": True}
    return Segmentation(**{**facts, **changes})


TELLS = AskedModel("tells (0123456789ab)", classifies(calibration=CALIBRATION))
MARKS = AskedModel("marks (abcdef012345)", described())


def report_of(**changes: object) -> Report:
    return image_report(ImageAnswers(**{"scan": scan(), "models": [TELLS], "answer": diagnosis(), **changes}), CREATED)


def said(report: Report) -> str:
    return "\n".join(texts(report))


def blocks(report: Report, kind: type) -> list:
    return [block for section in report.sections for block in section.blocks if isinstance(block, kind)]


def test_a_class_is_told_with_its_calibration_and_its_heatmap():
    answer = diagnosis()
    report = report_of()

    assert report.lead == short_words(answer, None) == "yes · 87.5 %"
    assert blocks(report, Table)[0].head == ("Class", "Probability, calibrated on 128 images")
    assert blocks(report, Table)[0].rows == (("yes", "87.5 %"), ("no", "12.5 %"))
    for part in (answer.sentence, calibration_sentence(CALIBRATION), heatmap_caption(answer), CAPTION, NOT_MEASURED):
        assert part in said(report)
    assert "Outcome: yes" in said(report)
    (shown,) = blocks(report, Pictures)
    assert [picture.caption for picture in shown.pictures] == ["Image", "Heatmap", "Overlay"]
    assert "Correct on 90 of 100 held-out images: 90 % (95 % CI 80 to 95 %)." in said(report)
    assert "Not for finding where a tumour is." in said(report)


def test_a_score_is_called_not_calibrated():
    report = report_of(answer=diagnosis(calibration=None), models=[AskedModel("tells (0)", classifies())])

    assert blocks(report, Table)[0].head == ("Class", "Score, not calibrated")
    assert calibration_sentence(None) in said(report)


@pytest.mark.parametrize(
    ("changes", "lead", "before"),
    [
        ({"in_domain": False, "reasons": ("it is red",)}, UNLIKE, IF_LIKE),
        ({"probabilities": {"no": 0.48, "yes": 0.52}}, NOT_CERTAIN, IF_DECIDED),
    ],
)
def test_a_doubtful_answer_leads_with_the_doubt(changes, lead, before):
    answer = diagnosis(**changes)
    report = report_of(answer=answer)

    assert report.lead == lead
    assert f"Outcome: {answer.outcome}" in said(report)
    assert f"{before} {short_words(answer, None)}" in said(report)
    assert report.warnings == answer.warnings
    if answer.in_domain is False:
        assert report.warnings[0] == unlike_sentence(answer.reasons)


def test_a_mask_alone_is_measured():
    marked = segmentation()
    report = report_of(models=[MARKS], answer=None, marked=marked)

    assert report.lead == "409 pixels marked"
    areas, listed = blocks(report, Table)
    assert areas.rows == (("tumour", "409"),)
    assert [row[:2] for row in listed.rows] == [("1", "400"), ("2", "9")]
    assert [float(cell) for cell in listed.rows[0][2:]] == pytest.approx([28.3, 39.5, 29.5])
    for part in (marked.sentence, MASK_CAPTION, NO_SPACING):
        assert part in said(report)
    millimetres = segmentation(
        spacing=(0.5, 0.5), areas={"tumour": 102.25}, regions=regions(marked.mask > 0, (0.5, 0.5))
    )
    report = report_of(models=[MARKS], answer=None, marked=millimetres, scan=scan(spacing=(0.5, 0.5)))
    assert report.lead == "102 mm² marked"
    assert NO_SPACING not in said(report)
    assert "0.50 × 0.50 mm" in said(report)


def test_an_empty_mask_says_so():
    empty = segmentation(mask=np.zeros((80, 60), np.uint8), regions=(), areas={"tumour": 0.0})
    report = report_of(models=[MARKS], answer=None, marked=empty)

    assert report.lead == "Nothing marked"
    assert blocks(report, Table)[0].rows == (("tumour", "0"),)
    assert len(blocks(report, Table)) == 1


def test_heatmap_and_mask_are_compared_and_may_contradict_each_other():
    answer, marked = diagnosis(label="no", probabilities={"no": 0.9, "yes": 0.1}), segmentation()
    report = report_of(models=[TELLS, MARKS], answer=answer, marked=marked, positive="yes")

    assert report.warnings[0] == contradiction("no", "yes", True)
    assert agreement_sentence(agreement(answer.heatmap, marked.mask), True) in said(report)
    (shown,) = blocks(report, Pictures)
    assert [picture.caption for picture in shown.pictures] == ["Image", "Heatmap", "Overlay", "Mask"]
    assert {DIGEST, "9" * 64} <= set(texts(report))


def test_models_that_answer_together_are_named_with_what_each_is_worth():
    members = (
        diagnosis(),
        diagnosis(model="other (b)", digest="b" * 64, probabilities={"no": 0.6, "yes": 0.4}, label="no"),
    )
    both = Consensus("yes", {"no": 0.3625, "yes": 0.6375}, "yes", members[0].heatmap, 0.2, members)
    asked = [TELLS, AskedModel("other (b)", classifies(validation={"accuracy": 0.5, "count": 10}))]
    report = report_of(models=asked, answer=both)

    for part in (
        both.sentence,
        members_sentence(both),
        NOT_EVALUATED.replace("`", ""),
        "other (b): Correct on 5 of 10",
        "b" * 64,
    ):
        assert part in said(report)
    assert blocks(report, Table)[1].rows == (
        ("tells (0123456789ab)", "yes", "87.5 %"),
        ("other (b)", "no", "40.0 %"),
    )
    assert any(warning.startswith("The models disagree") for warning in report.warnings)
    assert [line for line in texts(report) if line.startswith("Limits and uncertainty")] == [
        "Limits and uncertainty: tells (0123456789ab)",
        "Limits and uncertainty: other (b)",
    ]


def test_what_was_measured_on_heatmaps_is_reported():
    mask = np.zeros((80, 60), np.uint8)
    mask[35:45, 25:35] = 1
    found = summarise([(diagnosis().heatmap, mask)] * 3, "grad-cam", 4).to_dict()
    report = report_of(models=[replace(TELLS, heatmaps=stored_heatmaps(found))])

    assert pointing_sentence(found) in said(report)
    assert NOT_MEASURED not in said(report)


def test_what_is_known_of_the_image_is_in_it():
    report = report_of(
        scan=scan(warnings=("Only its first image is read.",)),
        doubts=["tells was trained on this image: its answer proves nothing."],
        notes=["Ground truth: yes. The prediction is correct."],
        label="Image 2 of 3",
    )

    assert report.subject == "Image 2 of 3: PNG, 60 × 80 pixels, SHA-256 fedcba987654"
    assert report.warnings[0] == "tells was trained on this image: its answer proves nothing."
    assert "Only its first image is read." in said(report)
    assert "Ground truth: yes. The prediction is correct." in said(report)
    assert "Planted" not in said(report)
    assert HASH not in said(report)
