"""Masks as DICOM segmentation objects: where they lie for other programs, what they name, and what they keep quiet."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from scipy.spatial.transform import Rotation

from brainseg import DISCLAIMER, __version__, extras
from brainseg.errors import MissingLibraryError, ScanError
from brainseg.phantom.dicom_series import write_series as write_phantom_series
from brainseg.scans.volumes.grid import on_grid
from brainseg.scans.volumes.reading import read_volumes
from brainseg.scans.volumes.segmentation_object import Algorithm, refusal, segmentation_object
from brainseg.scans.volumes.volume import Volume
from tests.conftest import PROJECT_ROOT
from tests.scans.volumes.dicom_maker import (
    AXIAL,
    CORONAL,
    ENHANCED_MR,
    MR,
    NAME,
    OBLIQUE,
    SAGITTAL,
    write_enhanced,
    write_series,
)
from tests.scans.volumes.seg_reader import (
    by_highdicom,
    by_pydicom,
    by_simpleitk,
    frames,
    furthest,
    opened,
    voxels_lps,
)

MARKS = Algorithm("marks v2", "ab" * 32)
WHEN = datetime(2021, 12, 13, 14, 15, 16)
SHAPE = (4, 6, 5)


def affine(degrees: list[float]) -> np.ndarray:
    """Return the affine of voxels of 1.5 x 1.7 x 2.5 mm, turned about all three axes."""
    made = np.eye(4)
    made[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() * [1.5, 1.7, 2.5]
    made[:3, 3] = -7, 3, 11
    return made


def only(place: Path) -> Volume:
    (volume,) = read_volumes(place, b"")
    assert isinstance(volume, Volume)
    return volume


def lesion(shape: tuple[int, ...]) -> np.ndarray:
    """A mask without any symmetry: an arm along each axis, of different lengths, beside the middle."""
    mask = np.zeros(shape, np.uint8)
    mask[1:5, 2, 1], mask[1, 2:4, 1], mask[1, 2, 1:4] = 1, 1, 1
    return mask


def seg(mask: np.ndarray, volume: Volume, names: tuple[str, ...] = ("tumour",)) -> bytes:
    return segmentation_object(mask, names, volume, MARKS, WHEN)


def ramp(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


# -------------------------------------------------------------------------------------------------------------- place


@pytest.mark.parametrize("degrees", [[0, 0, 0], [17, -9, 23]], ids=["straight", "oblique"])
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_lesion_of_the_phantom_lies_at_its_place_for_three_programs(tmp_path, plane, degrees):
    where = affine(degrees)
    write_phantom_series(tmp_path / "s", np.zeros((8, 6, 5), np.int16), where, "T1", plane, "synthetic_s00001")
    mask = lesion((8, 6, 5))

    written = seg(mask, only(tmp_path / "s"))

    true = voxels_lps(mask, where)
    for place, size in (by_pydicom(written), by_simpleitk(written, tmp_path / "mask.dcm"), by_highdicom(written)):
        assert furthest(place, true) < 1e-3
        assert size == pytest.approx(mask.sum() * 1.5 * 1.7 * 2.5, rel=1e-6)


@pytest.mark.parametrize("cosines", [AXIAL, SAGITTAL, CORONAL, OBLIQUE, (-1, 0, 0, 0, -1, 0), (0, 0, 1, 1, 0, 0)])
def test_each_frame_has_the_pixels_of_the_image_that_it_names(tmp_path, cosines):
    files = write_series(tmp_path / "s", ramp(*SHAPE), cosines, FrameOfReferenceUID="1.2.3.9")
    volume = only(tmp_path / "s")

    data = opened(seg((volume.array > 57).astype(np.uint8), volume))

    images = {each.SOPInstanceUID: each for each in map(pydicom.dcmread, files)}
    assert len(frames(data)) == len(images)
    for frame in frames(data):
        image = images.pop(frame.source.ReferencedSOPInstanceUID)
        assert np.array_equal(frame.bits, image.pixel_array > 57)
        assert frame.position == pytest.approx(np.array(image.ImagePositionPatient, float), abs=1e-6)
        assert frame.source.ReferencedSOPClassUID == MR
        assert frame.source.SpatialLocationsPreserved == "YES"
        assert "ReferencedFrameNumber" not in frame.source
    assert not images
    assert (data.StudyInstanceUID, data.FrameOfReferenceUID) == ("1.2.3.4", "1.2.3.9")


def test_each_volume_of_an_enhanced_file_names_its_own_frames(tmp_path):
    kinds = [{"z": 3.0 * (3 - place // 2), "type": "MP"[place % 2]} for place in range(8)]
    file = write_enhanced(tmp_path / "e.dcm", ramp(8, 6, 5), kinds)
    image = pydicom.dcmread(file)
    found = list(read_volumes(file, b""))

    named = []
    for volume in found:
        data = opened(seg((volume.array > 100).astype(np.uint8), volume))
        own = [int(frame.source.ReferencedFrameNumber) for frame in frames(data)]
        for frame, number in zip(frames(data), own, strict=True):
            group = image.PerFrameFunctionalGroupsSequence[number - 1]
            assert frame.position.tolist() == group.PlanePositionSequence[0].ImagePositionPatient
            assert np.array_equal(frame.bits, image.pixel_array[number - 1] > 100)
            assert frame.source.ReferencedSOPInstanceUID == image.SOPInstanceUID
            assert frame.source.ReferencedSOPClassUID == ENHANCED_MR
        (whole,) = data.SourceImageSequence
        assert sorted(own) == [int(number) for number in whole.ReferencedFrameNumber]
        named += own
    assert sorted(named) == list(range(1, 9))


def test_directions_that_differ_by_rounding_and_long_decimals_are_no_obstacle(tmp_path):
    def jitter(place, data):
        data.ImageOrientationPatient = [1, 6.5e-8 * place, 0, 0, 1, 3e-8 * place]

    thirds = {"spacing": (2 / 3, 2 / 3), "gap": 10 / 3, "origin": (-1 / 3, 20 / 3, 1e-7)}
    write_series(tmp_path / "s", ramp(*SHAPE), each=jitter, **thirds)
    volume = only(tmp_path / "s")
    mask = lesion(volume.array.shape)

    written = seg(mask, volume)

    assert furthest(by_pydicom(written)[0], voxels_lps(mask, volume.affine)) < 1e-3
    assert by_pydicom(written)[1] == pytest.approx(mask.sum() * (2 / 3) ** 2 * 10 / 3)
    numbers = [element for element in opened(written).iterall() if element.VR == "DS" and element.value is not None]
    assert max(len(str(each)) for element in numbers for each in np.atleast_1d(element.value)) <= 16


def test_a_single_slice_has_its_thickness(tmp_path):
    write_series(tmp_path / "s", ramp(1, 6, 5), gap=4.5)
    volume = only(tmp_path / "s")
    mask = np.zeros((5, 6, 1), np.uint8)
    mask[1, 2:5] = 1

    written = seg(mask, volume)

    place, size = by_pydicom(written)
    assert furthest(place, voxels_lps(mask, volume.affine)) < 1e-3
    assert size == pytest.approx(3 * 1.5 * 2 * 4.5)


# ------------------------------------------------------------------------------------------------------------ content


def test_classes_have_their_own_segments_labels_and_codes(tmp_path):
    write_series(tmp_path / "s", ramp(*SHAPE))
    volume = only(tmp_path / "s")
    names = ("tumour", "Ödem\\oedema", "enhancing tumour", "空洞")
    mask = np.random.default_rng(0).integers(0, 5, volume.array.shape).astype(np.uint8)

    written = seg(mask, volume, names)

    for number in range(1, 5):
        true = voxels_lps(mask == number, volume.affine)
        for place, size in (by_pydicom(written, number), by_highdicom(written, number)):
            assert furthest(place, true) < 1e-3
            assert size == pytest.approx((mask == number).sum() * 9)
    segments = opened(written).SegmentSequence
    assert [each.SegmentLabel for each in segments] == ["tumour", "Ödem/oedema", "enhancing tumour", "空洞"]
    types = [each.SegmentedPropertyTypeCodeSequence[0] for each in segments]
    assert [(each.CodeValue, each.CodingSchemeDesignator) for each in types] == [
        ("108369006", "SCT"), ("79654002", "SCT"), ("C113842", "NCIt"), ("85756007", "SCT"),
    ]  # fmt: skip
    assert segments[0].SegmentedPropertyCategoryCodeSequence[0].CodeMeaning == "Morphologically Abnormal Structure"


def test_it_says_what_drew_it_and_that_it_is_for_research(tmp_path):
    write_series(tmp_path / "s", ramp(*SHAPE))
    volume = only(tmp_path / "s")

    data = opened(seg(lesion(volume.array.shape), volume))

    (segment,) = data.SegmentSequence
    (made_by,) = segment.SegmentationAlgorithmIdentificationSequence
    assert (segment.SegmentAlgorithmType, segment.SegmentAlgorithmName) == ("AUTOMATIC", "marks v2")
    assert (made_by.AlgorithmName, made_by.AlgorithmVersion) == ("marks v2", "ab" * 32)
    assert made_by.AlgorithmSource == f"brainseg {__version__}"
    assert data.SegmentationType == "BINARY"
    assert data.ContentDescription == DISCLAIMER
    assert DISCLAIMER in segment.SegmentDescription
    assert "research use only" in data.SeriesDescription


def test_a_mask_without_a_marked_pixel_is_a_valid_file_with_all_slices(tmp_path):
    write_series(tmp_path / "s", ramp(*SHAPE))
    volume = only(tmp_path / "s")

    written = seg(np.zeros(volume.array.shape, np.uint8), volume)

    assert len(frames(opened(written))) == 4
    assert by_pydicom(written)[1] == by_highdicom(written)[1] == by_simpleitk(written, tmp_path / "mask.dcm")[1] == 0
    assert opened(written).SegmentSequence[0].SegmentLabel == "tumour"


def test_equal_content_gives_equal_bytes_and_other_content_other_uids(tmp_path):
    write_series(tmp_path / "s", ramp(*SHAPE))
    volume = only(tmp_path / "s")
    mask = lesion(volume.array.shape)

    first = seg(mask, volume)

    assert seg(mask, volume) == first
    others = [
        seg(1 - mask, volume),
        seg(mask, volume, ("lesion",)),
        segmentation_object(mask, ("tumour",), volume, replace(MARKS, digest="cd" * 32), WHEN),
    ]
    for name in ("SOPInstanceUID", "SeriesInstanceUID"):
        uids = [opened(each)[name].value for each in [first, *others]]
        assert len({*uids, only(tmp_path / "s").source.series}) == 5
        assert max(map(len, uids)) <= 64
    today = opened(segmentation_object(mask, ("tumour",), volume, MARKS))
    assert today.SOPInstanceUID == opened(first).SOPInstanceUID
    assert today.ContentDate == datetime.now().strftime("%Y%m%d")


# ------------------------------------------------------------------------------------------------------------ privacy

PLANTED = {
    "PatientName": NAME, "PatientID": "PLANTED-ID", "PatientBirthDate": "19010203", "PatientAge": "077Y",
    "PatientSex": "F", "PatientComments": "Planted comment", "OtherPatientIDs": "PLANTED-OTHER",
    "EthnicGroup": "Planted group", "Occupation": "Planted work", "PregnancyStatus": 2, "PatientAddress": "Planted way",
    "StudyDate": "19020304", "StudyTime": "010203", "SeriesDate": "19020304", "AcquisitionDate": "19020304",
    "ContentDate": "19020304", "AcquisitionDateTime": "19020304010203", "StudyID": "PLANTED-STUDY",
    "AccessionNumber": "PLANTED-ACC", "StudyDescription": "Planted study", "SeriesDescription": "Planted series",
    "ProtocolName": "Planted protocol", "InstitutionName": "Planted Hospital", "InstitutionAddress": "Planted street",
    "ReferringPhysicianName": "Planted^Doctor", "PerformingPhysicianName": "Planted^Other",
    "OperatorsName": "Planted^Operator", "StationName": "PLANTED-ROOM", "DeviceSerialNumber": "PLANTED-SERIAL",
    "Manufacturer": "Planted maker", "ClinicalTrialSubjectID": "PLANTED-TRIAL", "ClinicalTrialSponsorName": "Planted",
}  # fmt: skip


@pytest.mark.filterwarnings("error")
def test_nothing_of_the_patient_is_in_the_file_or_on_the_screen(tmp_path, caplog, capfd):
    caplog.set_level("DEBUG")
    write_series(tmp_path / "s", ramp(*SHAPE), **PLANTED)
    volume = only(tmp_path / "s")

    written = seg(lesion(volume.array.shape), volume)

    said = written + caplog.text.encode() + "".join(capfd.readouterr()).encode()
    values = {str(value) for value in PLANTED.values() if len(str(value)) > 1}
    assert [value for value in values | {"Planted", "PLANTED", "19020304"} if value.encode() in said] == []
    data = opened(written)
    for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"):
        assert not data[name].value
    assert data.PatientIdentityRemoved == "YES"


def test_a_uid_that_is_text_is_not_passed_on(tmp_path):
    write_series(tmp_path / "s", ramp(*SHAPE), FrameOfReferenceUID="Planted^Person")
    write_series(tmp_path / "t", ramp(*SHAPE), StudyInstanceUID="Planted^Person")

    data = opened(seg(lesion((5, 6, 4)), only(tmp_path / "s")))

    assert data.FrameOfReferenceUID.startswith("2.25.")
    assert only(tmp_path / "t").source is None


def test_uids_that_bend_the_rules_are_named_as_they_are(tmp_path):
    own = {"StudyInstanceUID": "1.2.03.4", "SeriesInstanceUID": "1.2.3.", "FrameOfReferenceUID": "." + "9" * 63}
    write_series(tmp_path / "s", ramp(*SHAPE), **own)

    data = opened(seg(lesion((5, 6, 4)), only(tmp_path / "s")))

    assert (data.StudyInstanceUID, data.FrameOfReferenceUID) == (own["StudyInstanceUID"], own["FrameOfReferenceUID"])
    assert data.ReferencedSeriesSequence[0].SeriesInstanceUID == own["SeriesInstanceUID"]


# ----------------------------------------------------------------------------------------------------------- refusals


def test_other_formats_have_no_source_and_say_so():
    volume = Volume(np.zeros((4, 5, 6), np.float32), np.eye(4), "scan.nii.gz", "NIfTI", (4, 5, 6), "RAS")

    assert refusal(volume) == "scan.nii.gz is NIfTI and not DICOM, so its mask is not written as DICOM."
    with pytest.raises(ScanError, match="is NIfTI and not DICOM"):
        seg(np.zeros((4, 5, 6), np.uint8), volume)


@pytest.mark.parametrize("name", ["SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID"])
def test_files_without_uids_are_read_but_have_no_segmentation_object(tmp_path, name):
    def leave_out(_place: int, data: Dataset) -> None:
        data.file_meta.MediaStorageSOPInstanceUID, data.file_meta.MediaStorageSOPClassUID = "1.2.3", MR
        data[name].value = ""

    write_series(tmp_path / "s", ramp(*SHAPE), each=leave_out)

    found = list(read_volumes(tmp_path / "s", b""))
    assert len(found) == (4 if name == "SeriesInstanceUID" else 1)
    assert all("lacks UIDs" in refusal(volume) for volume in found)


def test_a_resampled_volume_has_no_source_of_its_own_any_more(tmp_path):
    write_series(tmp_path / "s", ramp(*SHAPE))
    write_series(tmp_path / "t", ramp(*SHAPE), origin=(-11.5, 20.0, 5.0))
    first, second = only(tmp_path / "s"), only(tmp_path / "t")

    assert on_grid(first, first).source is first.source is not None
    assert on_grid(second, first).source is None
    assert refusal(first) == ""


def test_a_mask_of_another_size_is_a_fault_of_the_caller(tmp_path):
    write_series(tmp_path / "s", ramp(*SHAPE))

    with pytest.raises(ValueError, match="is not on the grid"):
        seg(np.zeros((5, 6, 3), np.uint8), only(tmp_path / "s"))


def test_highdicom_is_loaded_only_to_write():
    code = (
        "import sys, brainseg.scans.volumes.reading, brainseg.scans.volumes.segmentation_object\n"
        "print('highdicom' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_ROOT)

    assert done.stdout == "False\n", done.stderr


def test_without_highdicom_it_names_the_extra(tmp_path, monkeypatch):
    write_series(tmp_path / "s", ramp(*SHAPE))
    monkeypatch.setattr(extras, "find_spec", lambda name: None)

    with pytest.raises(MissingLibraryError, match=r"needs highdicom.*brainseg\[dicom\]"):
        seg(lesion((5, 6, 4)), only(tmp_path / "s"))
