"""DICOM series: where each voxel lies, what its value means, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from brainseg.errors import ScanError
from brainseg.scans.volumes import dicom_pixels
from brainseg.scans.volumes.inspection import facts
from brainseg.scans.volumes.reading import Refused, read_volumes
from brainseg.scans.volumes.volume import Volume
from tests.scans.volumes.dicom_maker import (
    AXIAL,
    CORONAL,
    NAME,
    OBLIQUE,
    SAGITTAL,
    change,
    compress,
    write_enhanced,
    write_series,
)

SECRET = b"of the tests"
SHAPE = (4, 6, 5)


def volumes(path: Path) -> list[Volume]:
    found = list(read_volumes(path, SECRET))
    assert not [each for each in found if isinstance(each, Refused)]
    return [each for each in found if isinstance(each, Volume)]


def error(path: Path) -> str:
    found = list(read_volumes(path, SECRET))
    assert len(found) == 1
    assert isinstance(found[0], Refused)
    return found[0].error


def ramp(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


@pytest.mark.parametrize("cosines", [AXIAL, SAGITTAL, CORONAL, OBLIQUE, (-1, 0, 0, 0, -1, 0), (0, 0, 1, 1, 0, 0)])
def test_every_voxel_lies_where_its_header_says(tmp_path, cosines):
    values = ramp(*SHAPE)
    write_series(tmp_path / "s", values, cosines)

    (volume,) = volumes(tmp_path / "s")

    assert volume.orientation == "RAS"
    assert sorted(volume.array.shape) == sorted(SHAPE)
    rows, columns = np.array(cosines[:3]), np.array(cosines[3:])
    back = np.linalg.inv(volume.affine)
    for slice_, row, column in np.ndindex(SHAPE):  # DICOM's formula C.7.6.2.1-1, in LPS
        lps = np.array([-10.0, 20.0, 5.0]) + rows * 1.5 * column + columns * 2.0 * row
        lps = lps + np.cross(rows, columns) * 3.0 * slice_
        index = back @ [-lps[0], -lps[1], lps[2], 1]
        assert np.abs(index - index.round()).max() < 1e-6
        assert volume.array[tuple(index[:3].round().astype(int))] == values[slice_, row, column]
    assert sorted(volume.spacing) == pytest.approx([1.5, 2.0, 3.0])


def test_directions_that_differ_by_rounding_are_one_volume(tmp_path):
    def jitter(place, data):
        data.ImageOrientationPatient = [1, 6.5e-8 * place, 0, 0, 1, 3e-8 * place]

    write_series(tmp_path / "s", ramp(*SHAPE), each=jitter)

    (volume,) = volumes(tmp_path / "s")

    assert volume.array.shape == (5, 6, 4)


def test_decimal_text_that_is_too_long_keeps_the_geometry(tmp_path):
    def lengthen(_place, data):
        for name in ("PixelSpacing", "ImagePositionPatient"):
            element = data[name]
            exact = [f"{float(value):.17f}"[:20] for value in element.value]
            assert max(map(len, exact)) > 16
            data[name] = pydicom.DataElement(element.tag, "DS", "\\".join(exact), validation_mode=pydicom.config.IGNORE)

    write_series(tmp_path / "s", ramp(*SHAPE), each=lengthen)

    (volume,) = volumes(tmp_path / "s")

    assert volume.spacing == pytest.approx((1.5, 2.0, 3.0))


def test_the_gap_is_measured_between_positions(tmp_path):
    write_series(tmp_path / "s", ramp(*SHAPE), gap=5.0, each=lambda _, data: setattr(data, "SliceThickness", 3))

    (volume,) = volumes(tmp_path / "s")

    assert volume.spacing[2] == pytest.approx(5.0)
    assert volume.warnings == ("Its slices are 5.00 mm apart by their positions, but 3.00 mm by the header.",)


# ------------------------------------------------------------------------------------------------------------ values


def test_inverted_values_are_inverted_once(tmp_path):
    values = np.full(SHAPE, 100, np.uint16)
    values[0, 0, 0] = 3000
    write_series(tmp_path / "s", values, PhotometricInterpretation="MONOCHROME1", BitsStored=12, HighBit=11)

    (volume,) = volumes(tmp_path / "s")

    assert {volume.array.min(), volume.array.max()} == {4095 - 3000, 4095 - 100}


def test_inverted_signed_values_are_inverted_once(tmp_path):
    values = np.full(SHAPE, -5, np.int16)
    write_series(tmp_path / "s", values, PhotometricInterpretation="MONOCHROME1")

    (volume,) = volumes(tmp_path / "s")

    assert volume.array.max() == 4


def test_bits_above_those_stored_are_ignored(tmp_path):
    values = np.full(SHAPE, 0xF000 | 7, np.uint16)
    write_series(tmp_path / "s", values, BitsStored=12, HighBit=11)

    (volume,) = volumes(tmp_path / "s")

    assert volume.array.max() == 7


def test_each_slice_has_its_own_scale(tmp_path):
    def scale(place, data):
        data.RescaleSlope, data.RescaleIntercept = place + 1, -place

    write_series(tmp_path / "s", np.full(SHAPE, 10, np.uint16), each=scale)

    (volume,) = volumes(tmp_path / "s")

    assert volume.array[0, 0].tolist() == [10, 19, 28, 37]


def test_each_frame_of_an_enhanced_file_has_its_own_scale_and_place(tmp_path):
    values = np.full((4, 6, 5), 10, np.uint16)
    frames = [
        {"z": 3.0, "slope": 2, "intercept": 1, "type": "M"},
        {"z": 0.0, "slope": 3, "type": "M"},
        {"z": 3.0, "slope": 0.5, "type": "FIELD_MAP"},
        {"z": 0.0, "intercept": -9, "type": "FIELD_MAP"},
    ]

    field, magnitude = volumes(write_enhanced(tmp_path / "e.dcm", values, frames))

    assert field.name == "e.dcm, image type FIELD_MAP"
    assert magnitude.name == "e.dcm, image type M"
    assert field.array[0, 0].tolist() == [1, 5]
    assert magnitude.array[0, 0].tolist() == [30, 21]
    assert magnitude.spacing == pytest.approx((1.5, 2.0, 3.0))


def test_floating_point_values_are_not_cut(tmp_path):
    (file,) = write_series(tmp_path / "s", ramp(1, 6, 5))
    data = pydicom.dcmread(file)
    del data.PixelData
    data.FloatPixelData = np.full((6, 5), 0.25, "<f4").tobytes()
    data.BitsAllocated = 32
    data.save_as(file)

    (volume,) = volumes(file)

    assert set(volume.array.ravel()) == {0.25}


@pytest.mark.parametrize("kind", [np.uint16, np.int16])
def test_lossless_jpeg_has_the_same_values_as_the_file_without_it(tmp_path, kind):
    values = np.random.default_rng(0).integers(0, 4000, (3, 16, 12)).astype(kind)
    values -= kind(1000 if kind is np.int16 else 0)
    files = write_series(tmp_path / "s", values, RescaleSlope=2.5, RescaleIntercept=-7)
    (plain,) = volumes(tmp_path / "s")
    for file in files:
        compress(file)
        assert "JPEG Lossless" in pydicom.dcmread(file).file_meta.TransferSyntaxUID.name

    (packed,) = volumes(tmp_path / "s")

    assert np.array_equal(packed.array, plain.array)


@pytest.mark.parametrize("tags", [{"PhotometricInterpretation": "MONOCHROME1"}, {"NumberOfFrames": 2}])
def test_simpleitk_decodes_nothing_that_it_would_change(tmp_path, tags):
    (file,) = write_series(tmp_path / "s", ramp(1, 16, 12))
    compress(file)
    change(file, **tags)

    with pytest.raises(ScanError, match=r"compressed in a way that brainseg does not read \(JPEG Lossless"):
        dicom_pixels._decoded_by_itk(file, pydicom.dcmread(file), file.name)


# ----------------------------------------------------------------------------------------------------------- volumes


def test_two_echoes_of_a_series_are_two_volumes(tmp_path):
    series = "1.2.3"
    write_series(tmp_path / "s", ramp(*SHAPE), EchoTime=30, SeriesInstanceUID=series)
    write_series(tmp_path / "s", ramp(*SHAPE) + 500, EchoTime=90, SeriesInstanceUID=series, first=11)

    found = volumes(tmp_path / "s")

    assert [volume.name for volume in found] == ["s, echo time 30", "s, echo time 90"]
    assert [volume.array.max() for volume in found] == [119, 619]


def test_volumes_without_a_mark_are_divided_by_number_with_a_warning(tmp_path):
    for first in (1, 5):
        write_series(tmp_path / "s", ramp(*SHAPE) + first, SeriesInstanceUID="1.2.3", first=first)

    found = volumes(tmp_path / "s")

    assert [volume.array.min() for volume in found] == [1, 5]
    assert "divided by the numbers of the images" in found[0].warnings[0]


def test_copies_of_files_are_left_out(tmp_path):
    for file in write_series(tmp_path / "s", ramp(*SHAPE))[1:]:
        (tmp_path / "s" / f"copy of {file.name}").write_bytes(file.read_bytes())

    (volume,) = volumes(tmp_path / "s")

    assert volume.array.shape == (5, 6, 4)
    assert volume.warnings == ("3 of its files are copies of another and left out.",)


def test_positions_that_repeat_unevenly_are_refused(tmp_path):
    write_series(tmp_path / "s", ramp(*SHAPE), SeriesInstanceUID="1.2.3")
    write_series(tmp_path / "s", ramp(2, 6, 5), SeriesInstanceUID="1.2.3", first=11)

    assert "has positions that repeat unevenly (1 to 2 slices at each of 4 positions)" in error(tmp_path / "s")


def test_another_plane_in_a_series_is_another_volume(tmp_path):
    write_series(tmp_path / "s", ramp(*SHAPE), SeriesInstanceUID="1.2.3")
    write_series(tmp_path / "s", ramp(*SHAPE), SAGITTAL, SeriesInstanceUID="1.2.3", first=11)

    assert [volume.stored_orientation for volume in volumes(tmp_path / "s")] == ["LPS", "PIR"]


def test_two_series_of_a_folder_are_two_volumes_of_one_patient(tmp_path):
    write_series(tmp_path / "s" / "a", ramp(*SHAPE))
    write_series(tmp_path / "s" / "b", ramp(*SHAPE))

    first, second = volumes(tmp_path / "s")

    assert (first.name, second.name) == ("s, series 1", "s, series 2")
    assert first.keys.patient == second.keys.patient
    assert first.keys.study == second.keys.study
    assert first.keys.series != second.keys.series


# ---------------------------------------------------------------------------------------------------------- refusals


def test_a_missing_slice_is_named(tmp_path):
    files = write_series(tmp_path / "s", ramp(7, 6, 5))
    files[2].unlink()

    assert error(tmp_path / "s") == "s has a gap: 1 slice is missing between its 6 slices, so copy the whole series."


def test_uneven_gaps_are_refused(tmp_path):
    def shift(place, data):
        data.ImagePositionPatient = [-10, 20, 5 + 3 * place + 0.4 * (place == 2)]

    write_series(tmp_path / "s", ramp(*SHAPE), each=shift)

    assert "slices at uneven distances (2.60 to 3.40 mm, mostly 3.00 mm)" in error(tmp_path / "s")


def test_a_tilted_gantry_is_refused(tmp_path):
    def tilt(place, data):
        data.ImagePositionPatient = [-10, 20 + 0.5 * place, 5 + 3 * place]

    write_series(tmp_path / "s", ramp(*SHAPE), each=tilt)

    assert "shifted sideways by 0.50 mm each (gantry tilt)" in error(tmp_path / "s")


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"SamplesPerPixel": 3}, "is a colour image"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "not two perpendicular directions"),
        ({"PixelSpacing": [0, 1]}, "pixel spacing that is not positive"),
        ({"NumberOfFrames": 10**6}, "claims to hold 1,000,000 frames"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}, "is a mosaic of slices without Siemens's own header"),
        ({"Rows": 60000, "Columns": 60000}, "is too large"),
        ({"Rows": 100}, "is damaged or incomplete"),
    ],
)
def test_impossible_headers_end_in_one_sentence(tmp_path, tags, words):
    (file,) = write_series(tmp_path / "s", ramp(1, 6, 5))
    change(file, **tags)

    text = error(file)

    assert words in text
    assert text.startswith(file.name)
    assert text.endswith(".")
    assert text.count(file.name) == 1


def test_a_series_without_positions_is_refused(tmp_path):
    write_series(tmp_path / "s", ramp(*SHAPE), each=lambda _, data: data.__delattr__("ImagePositionPatient"))

    assert "does not say where its slices are" in error(tmp_path / "s")


def test_a_cut_file_is_named_and_the_rest_refused_for_its_gap(tmp_path):
    files = write_series(tmp_path / "s", ramp(*SHAPE))
    files[1].write_bytes(files[1].read_bytes()[:-40])

    assert "s is damaged or incomplete (DICOM)" in error(tmp_path / "s")


def test_a_ct_is_read_with_a_warning(tmp_path):
    write_series(tmp_path / "s", ramp(*SHAPE), Modality="CT")

    assert volumes(tmp_path / "s")[0].warnings[0].startswith("Its modality is CT, not MR")


@pytest.mark.parametrize("modality", ["SEG", "RTDOSE", "SR"])
def test_other_dicom_objects_are_passed_over(tmp_path, modality):
    write_series(tmp_path / "s", ramp(*SHAPE))
    write_series(tmp_path / "s", ramp(*SHAPE), Modality=modality, first=20)

    assert len(volumes(tmp_path / "s")) == 1


# ----------------------------------------------------------------------------------------------------------- privacy


def test_nothing_of_the_patient_is_in_the_facts(tmp_path, caplog, capfd):
    write_series(tmp_path / "s", ramp(*SHAPE), PatientComments="Planted comment", StudyDescription="Planted study")

    (volume,) = volumes(tmp_path / "s")
    said = json.dumps(facts(volume).to_dict()) + repr(replace(volume, array=np.zeros(1))) + caplog.text
    said += "".join(capfd.readouterr())

    for planted in (NAME, "Planted", "PLANTED-ID", "19010203", "1.2.3.4"):
        assert planted not in said


def test_keys_depend_on_the_secret_of_the_home(tmp_path):
    write_series(tmp_path / "s", ramp(*SHAPE))

    keys = {next(iter(read_volumes(tmp_path / "s", secret))).keys.patient for secret in (b"a", b"b", b"a")}

    assert len(keys) == 2
    assert all(len(key) == 16 for key in keys)
