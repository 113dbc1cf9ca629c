"""Measurements as a DICOM structured report, read by two programs that know nothing of brainseg."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from brainseg import DISCLAIMER, extras
from brainseg.diagnosis.mask_object import mask_object
from brainseg.diagnosis.measurement_object import measurement_object
from brainseg.diagnosis.segmenter import Segmenter
from brainseg.diagnosis.volume_mask import VolumeMask, mark_volume, with_mask
from brainseg.errors import MissingLibraryError
from brainseg.scans.volumes.reading import read_volumes
from brainseg.scans.volumes.volume import Volume
from tests.diagnosis.test_segmenter import FACTS, marking
from tests.models.conftest import store
from tests.scans.volumes.dicom_maker import NAME, OBLIQUE, write_series
from tests.scans.volumes.seg_reader import by_pydicom

CLASSES = ("background", "oedema", "tumour")
WHEN = datetime(2021, 12, 13, 14, 15, 16)


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> VolumeMask:
    """A corrected mask on an oblique series: two lesions, the larger of two classes."""
    folder = tmp_path_factory.mktemp("sr")
    segmenter = Segmenter.open(store(folder / "bundle", marking(len(CLASSES)), CLASSES, **FACTS))
    write_series(folder / "series", np.full((6, 20, 24), 90, np.uint16), OBLIQUE)
    (volume,) = read_volumes(folder / "series", b"")
    assert isinstance(volume, Volume)
    mask = np.zeros(volume.array.shape, np.uint8)
    mask[2:8, 3:9, 1:4], mask[5:8, 3:9, 1:4], mask[14:16, 15:18, 2:4] = 1, 2, 2
    return with_mask(mark_volume(segmenter, [volume]), mask)


def objects(answer: VolumeMask) -> tuple[bytes, bytes]:
    made, note = mask_object(answer)
    assert made, note
    return made, measurement_object(answer, made, WHEN)


def numbers(group: Dataset) -> dict[str, tuple[float, str]]:
    """Return the values of a measurement group with their units, by the letter of the standard."""
    found = {}
    for item in group.ContentSequence:
        if item.ValueType == "NUM":
            value = item.MeasuredValueSequence[0]
            unit = value.MeasurementUnitsCodeSequence[0].CodeValue
            found[item.ConceptNameCodeSequence[0].CodeMeaning] = (float(value.NumericValue), unit)
    return found


def groups(data: Dataset) -> list[Dataset]:
    (part,) = (
        item for item in data.ContentSequence if item.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements"
    )
    return list(part.ContentSequence)


def test_classes_and_lesions_have_their_measures_and_places(answer):
    mask, written = objects(answer)

    data = pydicom.dcmread(BytesIO(written))

    *classes, large, small = groups(data)
    volumes = [numbers(group)["Volume"] for group in classes]
    assert volumes == [(pytest.approx(by_pydicom(mask, segment)[1]), "mm3") for segment in (1, 2)]
    for group, lesion in zip((large, small), answer.lesions, strict=True):
        assert numbers(group) == {
            "Volume": (pytest.approx(1000 * lesion.ml), "mm3"),
            "Diameter": (pytest.approx(lesion.diameter), "mm"),
        }
        (point,) = (
            item for each in group.ContentSequence for item in each.get("ContentSequence", ()) if "GraphicData" in item
        )
        right, anterior, superior = lesion.centre
        assert point.GraphicData == pytest.approx([-right, -anterior, superior], abs=1e-4)
    both = np.concatenate([by_pydicom(mask, segment)[0] for segment in (1, 2)])
    spread = [lesion.voxels for lesion in answer.lesions]
    assert np.average([lesion.centre for lesion in answer.lesions], axis=0, weights=spread) * [-1, -1, 1] == (
        pytest.approx(both.mean(axis=0), abs=1e-3)
    )


def test_highdicom_finds_the_segments_of_the_mask(answer):
    mask, written = objects(answer)

    report = highdicom.sr.srread(BytesIO(written))

    found = report.content.get_volumetric_roi_measurement_groups()
    uid = pydicom.dcmread(BytesIO(mask)).SOPInstanceUID
    assert [group.tracking_identifier for group in found] == [
        f"{name}, corrected by a person, research use only" for name in CLASSES[1:]
    ]
    for number, group in enumerate(found, start=1):
        segment = group.referenced_segment
        assert (segment.referenced_sop_instance_uid, segment.referenced_segment_numbers) == (uid, [number])
    assert [group.finding_type.meaning for group in found] == ["Edema", "Neoplasm"]


def test_it_is_preliminary_names_nobody_and_is_the_same_each_time(answer):
    _, written = objects(answer)

    data = pydicom.dcmread(BytesIO(written))

    assert (data.PreliminaryFlag, data.VerificationFlag, data.CompletionFlag) == (
        "PRELIMINARY",
        "UNVERIFIED",
        "PARTIAL",
    )
    assert "research use only" in data.SeriesDescription
    assert DISCLAIMER.encode() in written
    assert NAME.encode() not in written
    assert not any((data.PatientName, data.PatientID, data.PatientBirthDate, data.StudyDate))
    assert (data.ContentDate, data.ContentTime) == ("20211213", "141516")
    assert objects(answer)[1] == written


def test_without_highdicom_one_sentence_says_so(answer, monkeypatch):
    mask, _ = objects(answer)
    monkeypatch.setattr(extras, "find_spec", lambda name: None)

    with pytest.raises(MissingLibraryError, match="Measurements in DICOM"):
        measurement_object(answer, mask)
