"""What the report of a volume says: found or not, doubtful, corrected; and that it names nobody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brainseg.diagnosis.lesions import lesions
from brainseg.diagnosis.mask_images import CAPTION
from brainseg.diagnosis.volume_mask import CORRECTED, with_mask
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.results.report.content import Curve, Legend, Pictures, Table, texts
from brainseg.results.report.model_content import AskedModel
from brainseg.results.report.volume_content import LISTED, MIDDLE, TICKS, volume_report
from brainseg.results.segmentation.card import NOT_CALIBRATED
from tests.results.report.conftest import CREATED, PERSON, SHAPE, answer_of, ball, described


def blocks(report, kind):
    return [block for section in report.sections for block in section.blocks if isinstance(block, kind)]


def said(report) -> str:
    return "\n".join(texts(report))


def test_two_lesions_are_measured_and_shown(two, model):
    answer = answer_of(two)
    report = volume_report(answer, model, CREATED)

    assert report.lead == answer.finding
    classes, listed = blocks(report, Table)
    assert classes.rows == (("tumour", f"{int(two.sum()):,}", f"{answer.total_ml:,.2f}"),)
    assert [row[0] for row in listed.rows] == ["1", "2"]
    for row, lesion in zip(listed.rows, answer.lesions, strict=True):
        values = [lesion.ml, lesion.diameter, *lesion.centre]
        assert [float(cell) for cell in row[1:]] == pytest.approx(values, abs=0.051)
    shown = blocks(report, Pictures)
    assert [len(each.pictures) for each in shown] == [3, 3]
    assert shown[0].title.startswith("Lesion 1 of 2: ")
    assert [picture.caption for picture in shown[0].pictures] == [
        "Axial slice 19 of 30",
        "Coronal slice 41 of 60",
        "Sagittal slice 45 of 64",
    ]
    assert len({picture.alt for each in shown for picture in each.pictures}) == 6
    assert "Voxels that touch at a corner belong to one lesion." in said(report)
    assert TICKS in said(report)


def test_the_report_says_what_the_model_is_worth_and_what_it_was_given(two, model):
    words = said(volume_report(answer_of(two), model, CREATED))

    for part in (
        evaluation_sentence(model.description.validation),
        NOT_CALIBRATED,
        CAPTION,
        "Trained on tiny (28 images).",
        "64 × 60 × 30 voxels of 1.50 × 2.00 × 4.00 mm, SHA-256 fedcba987654",
        "axial",
        "T1",
        "0123456789abcdef" * 4,
        "2026-11-28 21:00 UTC, brainseg 0.1.0",
        "2026-11-27 12:00 UTC, brainseg 0.1.0",
        "torch 2.14.0",
        "numpy " + np.__version__,
        "It gives no diagnosis: an empty mask does not mean that there is no tumour.",
    ):
        assert part in words
    assert "fedcba9876543210" not in words, "of the input, only the start of the hash"


def test_nothing_marked_shows_the_middle_without_an_outline(model):
    report = volume_report(answer_of(np.zeros(SHAPE)), model, CREATED)

    assert report.lead == "Nothing is marked."
    assert MIDDLE in said(report)
    assert TICKS not in said(report)
    (shown,) = blocks(report, Pictures)
    assert [picture.caption for picture in shown.pictures] == [
        "Axial slice 16 of 30",
        "Coronal slice 31 of 60",
        "Sagittal slice 33 of 64",
    ]
    for picture in shown.pictures:
        assert (picture.pixels == picture.pixels[..., :1]).all(), "no colour of an outline"
    assert blocks(report, Curve) == blocks(report, Legend) == []
    (classes,) = blocks(report, Table)
    assert classes.rows == (("tumour", "0", "0.00"),)


def test_doubts_come_first(two, model):
    warnings = (
        "20 of 30 slices are not like the model's training images; masks there mean little.",
        "Its modality is CT.",
    )
    doubtful = answer_of(two, warnings=warnings, in_domain=False, unlike=tuple(range(20)))
    report = volume_report(doubtful, model, CREATED)

    assert report.warnings == warnings
    lines = list(texts(report))
    assert max(lines.index(warning) for warning in warnings) < lines.index(report.lead)
    assert lines[lines.index("Like the training images") + 1] == "no"
    assert lines[lines.index("Slices that are not like them") + 1] == "20"
    unknown = list(texts(volume_report(answer_of(two, in_domain=None, unlike=()), model, CREATED)))
    assert unknown[unknown.index("Like the training images") + 1] == "unknown"


def test_a_corrected_mask_says_so_and_not_that_nobody_checked_it(two, model):
    answer = answer_of(two)
    report = volume_report(with_mask(answer, answer.mask), model, CREATED)

    assert CORRECTED in said(report)
    assert CAPTION not in said(report)


def test_the_curve_has_the_area_of_each_slice(two, model):
    (curve,) = blocks(volume_report(answer_of(two), model, CREATED), Curve)

    areas = two.sum(axis=(0, 1)) * 1.5 * 2.0
    assert curve.values == pytest.approx(areas.tolist())
    assert sum(curve.values) * 4 / 1000 == pytest.approx(answer_of(two).total_ml)
    assert curve.up == "Marked area, mm²"
    (coronal,) = blocks(volume_report(answer_of(two, plane="coronal"), model, CREATED), Curve)
    assert coronal.values == pytest.approx((two.sum(axis=(0, 2)) * 1.5 * 4).tolist())
    large = (ball((32, 30, 15), 24)).astype(np.uint8)
    (wide,) = blocks(volume_report(answer_of(large), model, CREATED), Curve)
    assert wide.up == "Marked area, cm²"
    assert wide.values == pytest.approx((large.sum(axis=(0, 1)) * 1.5 * 2 / 100).tolist())


def test_many_lesions_are_summed_up(model):
    mask = np.zeros(SHAPE, np.uint8)
    mask[1:-1:4, 1:-1:8, 9:20:5] = 1
    answer = answer_of(mask)
    report = volume_report(answer, model, CREATED)

    _, listed = blocks(report, Table)
    assert len(listed.rows) == LISTED
    assert {row[1] for row in listed.rows} == {"0.01"}
    rest = len(answer.lesions) - LISTED
    amount = sum(lesion.ml for lesion in answer.lesions[LISTED:])
    assert f"Not listed: {rest} smaller lesions of {amount:,.2f} ml in total." in said(report)
    assert len(blocks(report, Pictures)) == 4


def test_no_lesion_is_said_to_have_no_volume(model):
    small = np.zeros(SHAPE, np.uint8)
    small[30, 30, 15] = 1
    volume = replace(answer_of(small).volume, affine=np.diag([1.0, 1.0, 1.0, 1.0]))
    answer = answer_of(small, volume=volume, lesions=lesions(small > 0, volume.affine), ml={"tumour": 0.001})

    assert blocks(volume_report(answer, model, CREATED), Table)[1].rows[0][1] == "under 0.01"


def test_several_classes_have_their_volumes_and_colours(two):
    mask = np.where(ball((44, 40, 18), 6), 2, two).astype(np.uint8)
    several = AskedModel("marks (0)", described(classes=("background", "oedema", "core")))
    report = volume_report(answer_of(mask, ("oedema", "core")), several, CREATED)

    classes = blocks(report, Table)[0]
    assert [row[0] for row in classes.rows] == ["oedema", "core", "all classes"]
    assert float(classes.rows[2][2]) == pytest.approx(sum(float(row[2]) for row in classes.rows[:2]), abs=0.011)
    (legend,) = blocks(report, Legend)
    assert [name for _, name in legend.entries] == ["oedema", "core"]


def test_sequences_are_those_that_the_model_used(two):
    several = AskedModel("marks (0)", described(modalities=("FLAIR", "T1"), channels=("FLAIR", "T1")))
    lines = list(texts(volume_report(answer_of(two), several, CREATED)))

    assert lines[lines.index("Sequences") + 1] == "FLAIR, T1"


def test_no_name_of_the_input_is_in_it(two, model):
    assert PERSON in answer_of(two).volume.name
    words = said(volume_report(answer_of(two), model, CREATED))
    assert "Planted" not in words
