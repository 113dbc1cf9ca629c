"""Masks of volumes: each slice as the model marks it alone, at its place, and measured as a whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brainseg.diagnosis.segmenter import Segmenter
from brainseg.diagnosis.study import volumes_for
from brainseg.diagnosis.volume_mask import mark_volume
from brainseg.errors import ScanError
from brainseg.scans.volumes.slices import PLANES, cut, slice_scans
from brainseg.scans.volumes.volume import Volume
from tests.diagnosis.test_segmenter import FACTS, marking
from tests.models.conftest import one_sentence, store

AFFINE = np.diag([1.5, 2.0, 4.0, 1.0])


def head(seed: int = 0, **more) -> Volume:
    values = np.random.default_rng(seed).normal(100, 30, (20, 24, 6)).clip(0).astype(np.float32)
    values[..., 0] = 0  # nothing above the head
    return replace(Volume(values, AFFINE, "head", "NIfTI", values.shape, "RAS"), **more)


@pytest.fixture(scope="module")
def open_segmenter(tmp_path_factory):
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
