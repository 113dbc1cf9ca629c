"""Masks of volumes: each slice as the model marks it alone, at its place, and measured as a whole."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from brainseg import DISCLAIMER, extras
from brainseg.diagnosis.lesions import lesions
from brainseg.diagnosis.mask_object import mask_object
from brainseg.diagnosis.segmenter import Segmenter
from brainseg.diagnosis.study import volumes_for
from brainseg.diagnosis.study_table import measurements
from brainseg.diagnosis.volume_mask import CORRECTED, MODEL, PERSON, mark_volume, with_mask
from brainseg.errors import ScanError
from brainseg.scans.volumes.reading import read_volumes
from brainseg.scans.volumes.slices import PLANES, cut, slice_scans
from brainseg.scans.volumes.volume import Volume
from tests.diagnosis.test_segmenter import FACTS, marking
from tests.models.conftest import one_sentence, store
from tests.scans.volumes.dicom_maker import write_series
from tests.scans.volumes.seg_reader import by_pydicom, furthest, opened, voxels_lps

AFFINE = np.diag([1.5, 2.0, 4.0, 1.0])


def head(seed: int = 0, **more) -> Volume:
    values = np.random.default_rng(seed).normal(100, 30, (20, 24, 6)).clip(0).astype(np.float32)
    values[..., 0] = 0  # nothing above the head
    return replace(Volume(values, AFFINE, "head", "NIfTI", values.shape, "RAS"), **more)


@pytest.fixture(scope="module")
def open_segmenter(tmp_path_factory):
    @cache
    def opened(**facts: object) -> Segmenter:
        return Segmenter.open(
            store(tmp_path_factory.mktemp("b"), marking(), ("background", "tumour"), **FACTS, **facts)
        )

    return opened


@pytest.mark.parametrize("plane", PLANES)
def test_each_slice_is_marked_as_it_is_alone_and_put_at_its_place(open_segmenter, plane):
    segmenter, volume = open_segmenter(), head()

    answer = mark_volume(segmenter, [volume], plane)

    for index, scan in enumerate(slice_scans(volume, plane)):
        alone = segmenter.segment(scan).mask if scan.pixels.any() else np.zeros(scan.pixels.shape[:2])
        assert np.array_equal(cut(answer.mask, plane, index), alone)
        assert (index in answer.marked) == bool(alone.any())
    assert answer.mask.any()
    assert answer.total_ml == pytest.approx((answer.mask > 0).sum() * 1.5 * 2 * 4 / 1000)
    assert sum(lesion.voxels for lesion in answer.lesions) == (answer.mask > 0).sum()
    assert f"{len(answer.lesions)} lesion" in answer.finding


def test_progress_is_told_and_may_cancel(open_segmenter):
    told = []
    mark_volume(open_segmenter(), [head()], progress=lambda *step: told.append(step))

    assert told == [(number, 6) for number in range(1, 7)]

    def cancel(done, _all):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mark_volume(open_segmenter(), [head()], progress=cancel)


def test_an_empty_volume_has_nothing_marked(open_segmenter):
    answer = mark_volume(open_segmenter(), [head(array=np.zeros((20, 24, 6), np.float32))])

    assert (answer.finding, answer.total_ml, answer.in_domain) == ("Nothing is marked.", 0, None)


def test_a_volume_without_a_place_is_refused(open_segmenter):
    with pytest.raises(ScanError, match="does not say how large its voxels are"):
        mark_volume(open_segmenter(), [head(affine=None)])


def test_sequences_are_found_in_the_models_order_on_one_grid(open_segmenter):
    segmenter = open_segmenter(modalities=("FLAIR", "T1"), channels=("FLAIR", "T1"))
    t1, t2 = head(1, sequence="T1", name="t1"), head(2, sequence="T2", name="t2")
    shifted = AFFINE.copy()
    shifted[0, 3] = 1.5
    flair = head(3, sequence="FLAIR", name="flair", affine=shifted)

    chosen = volumes_for(segmenter.description, [t1, t2, flair])

    assert [volume.name for volume in chosen] == ["flair", "t1"]
    assert np.array_equal(chosen[1].affine, shifted)
    assert np.array_equal(chosen[1].array[:-1], t1.array[1:])  # one voxel further to the right
    answer = mark_volume(segmenter, chosen)
    assert "The T1 volume was resampled to the grid of the FLAIR volume." in answer.warnings
    assert answer.image_sha256.count("+") == 1


def test_what_is_missing_or_ambiguous_is_named(open_segmenter):
    one, other = head(sequence="T1", name="a"), head(sequence="FLAIR", name="b")
    several = open_segmenter(modalities=("FLAIR", "T1"), channels=("FLAIR", "T1")).description
    single = open_segmenter().description

    with pytest.raises(ScanError, match="needs one FLAIR volume, and the study holds none") as missing:
        volumes_for(several, [one])
    one_sentence(missing.value)
    with pytest.raises(
        ScanError, match=r"a \(T1\), b \(FLAIR\); name the file, the folder or the sequence"
    ) as ambiguous:
        volumes_for(single, [one, other])
    one_sentence(ambiguous.value)
    assert volumes_for(single, [one, other], "FLAIR") == (other,)


def test_the_mask_of_a_dicom_series_is_a_segmentation_object(open_segmenter, tmp_path, monkeypatch):
    segmenter = open_segmenter()
    write_series(tmp_path / "s", np.random.default_rng(0).normal(100, 30, (3, 24, 20)).clip(0).astype(np.uint16))
    answer = mark_volume(segmenter, list(read_volumes(tmp_path / "s", b"")))

    made, note = mask_object(answer)

    assert note == ""
    place, size = by_pydicom(made)
    assert furthest(place, voxels_lps(answer.mask, answer.volume.affine)) < 1e-3
    assert size == pytest.approx(answer.total_ml * 1000)
    (segment,) = opened(made).SegmentSequence
    (made_by,) = segment.SegmentationAlgorithmIdentificationSequence
    assert (made_by.AlgorithmName, made_by.AlgorithmVersion) == (segmenter.name, segmenter.bundle.digest)

    assert segment.SegmentAlgorithmType == "AUTOMATIC"
    corrected = np.zeros_like(answer.mask)
    corrected[3:5, 3:5, 1] = 1
    made, _ = mask_object(with_mask(answer, corrected))
    (segment,) = opened(made).SegmentSequence
    assert segment.SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert "corrected by a person" in segment.SegmentDescription
    assert by_pydicom(made)[1] == pytest.approx(4 * answer.total_ml * 1000 / (answer.mask > 0).sum())

    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    made, note = mask_object(answer)
    assert made is None
    one_sentence(note)
    assert "highdicom" in note


def test_a_volume_of_another_format_has_no_segmentation_object(open_segmenter):
    made, note = mask_object(mark_volume(open_segmenter(), [head()]))

    assert (made, note) == (None, "head is NIfTI and not DICOM, so its mask is not written as DICOM.")


# ------------------------------------------------------------------------------------------------- a person's mask


def test_a_corrected_mask_is_measured_again_and_says_so(open_segmenter):
    answer = mark_volume(open_segmenter(), [head()])
    mask = np.zeros(answer.mask.shape, np.uint8)
    mask[2:6, 3:5, 1:3] = 1
    mask[12, 12, 4] = 1

    corrected = with_mask(answer, mask)

    assert corrected.mask_by == PERSON
    assert answer.mask_by == MODEL
    assert answer.mask.sum() != mask.sum()  # the model's answer stays as it was
    assert corrected.ml == {"tumour": pytest.approx(17 * 12 / 1000)}
    assert [lesion.voxels for lesion in corrected.lesions] == [16, 1]
    assert corrected.lesions == lesions(mask > 0, AFFINE)
    assert corrected.marked == (1, 2, 4)
    assert corrected.warnings[0] == CORRECTED
    for kept in ("unlike", "in_domain", "model", "digest", "image_sha256", "trained_on", "plane", "volume"):
        assert getattr(corrected, kept) == getattr(answer, kept)
    again = with_mask(corrected, np.zeros_like(mask))
    assert again.warnings.count(CORRECTED) == 1
    assert (again.finding, again.marked, again.found) == ("Nothing is marked.", (), False)


@pytest.mark.parametrize(
    "mask",
    [np.zeros((3, 3, 3), np.uint8), np.zeros((20, 24, 6), np.int64), np.full((20, 24, 6), 2, np.uint8)],
)
def test_a_mask_that_cannot_be_of_the_answer_is_refused(open_segmenter, mask):
    answer = mark_volume(open_segmenter(), [head()])

    with pytest.raises(ValueError, match=r"mask must be \(20, 24, 6\) uint8 with values up to 1"):
        with_mask(answer, mask)


def test_the_table_says_whose_mask_was_measured(open_segmenter):
    answer = mark_volume(open_segmenter(), [head()])
    mask = np.zeros(answer.mask.shape, np.uint8)
    mask[2:6, 3:5, 1:3] = 1
    for each, by in ((answer, "model"), (with_mask(answer, mask), "person")):
        rows = list(csv.DictReader(io.StringIO(measurements(each))))
        assert {row["mask_by"] for row in rows} == {by}
        assert [row["what"] for row in rows] == ["all", *(f"lesion {n + 1}" for n in range(len(each.lesions)))]
        assert float(rows[0]["ml"]) == each.total_ml
        assert float(rows[1]["diameter_mm"]) == each.lesions[0].diameter
        assert rows[0]["disclaimer"] == DISCLAIMER
