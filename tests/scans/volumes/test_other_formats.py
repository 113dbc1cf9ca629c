"""NRRD, MetaImage and TIFF stacks; folders and zip files with anything in them."""

from __future__ import annotations

import zipfile

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from brainseg.errors import DataError, ScanError
from brainseg.scans.volumes import reading
from brainseg.scans.volumes.reading import Refused, read_volumes
from tests.scans.volumes.dicom_maker import write_series

VALUES = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
NRRD = "NRRD0004\ntype: int16\ndimension: 3\n{space}sizes: 4 5 6\nencoding: raw\nendian: little\n{more}\n"
DIRECTIONS = "space directions: (2,0,0) (0,2,0) (0,0,3)\nspace origin: (7,8,9)\n"


def one(path):
    (found,) = read_volumes(path, b"")
    return found


def nrrd(folder, space, more=""):
    file = folder / "scan.nrrd"
    head = NRRD.format(space=f"space: {space}\n{DIRECTIONS}" if space else "", more=more)
    file.write_bytes(head.encode() + VALUES.tobytes(order="F"))
    return file


def test_nrrd_in_lps_and_in_ras_lie_where_they_say(tmp_path):
    lps, ras = (one(nrrd(tmp_path, space)) for space in ("left-posterior-superior", "right-anterior-superior"))

    assert lps.affine[:3, 3].tolist() == [-7 - 2 * 3, -8 - 2 * 4, 9]
    assert lps.array.tolist() == VALUES[::-1, ::-1].tolist()
    assert ras.affine.tolist() == [[2, 0, 0, 7], [0, 2, 0, 8], [0, 0, 3, 9], [0, 0, 0, 1]]
    assert ras.array.tolist() == VALUES.tolist()


def test_nrrd_without_directions_measures_nothing(tmp_path):
    volume = one(nrrd(tmp_path, ""))

    assert volume.spacing is None
    assert "nothing can be measured" in volume.warnings[0]


def test_metaimage_agrees_with_nifti_of_the_same_image(tmp_path):
    image = sitk.GetImageFromArray(VALUES)
    image.SetSpacing((1.5, 2.0, 3.0))
    image.SetDirection((0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1))
    image.SetOrigin((5, 6, 7))
    for name in ("scan.mha", "scan.nii.gz"):
        sitk.WriteImage(image, tmp_path / name)

    meta, nifti = one(tmp_path / "scan.mha"), one(tmp_path / "scan.nii.gz")

    assert meta.source_format == "MetaImage"
    assert np.array_equal(meta.array, nifti.array)
    assert meta.affine == pytest.approx(nifti.affine, abs=1e-5)


@pytest.mark.parametrize("name", ["../values.raw", "other/values.raw", "missing.raw", "LIST"])
def test_a_header_may_not_name_a_file_elsewhere(tmp_path, name):
    (tmp_path / "values.raw").write_bytes(VALUES.tobytes())
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "scan.nhdr").write_text(NRRD.format(space="", more=f"data file: {name}\n"))

    assert "keeps its values in a file that is not beside it" in one(folder).error


def test_a_cut_nrrd_is_damaged(tmp_path):
    file = nrrd(tmp_path, "left-posterior-superior")
    file.write_bytes(file.read_bytes()[:-30])

    assert "is damaged or incomplete (NRRD)" in one(file).error


def test_a_tiff_of_several_pages_is_a_volume_without_sizes(tmp_path):
    pages = [Image.fromarray(page.astype(np.uint16)) for page in VALUES]
    pages[0].save(tmp_path / "t2_stack.tif", save_all=True, append_images=pages[1:])

    volume = one(tmp_path / "t2_stack.tif")

    assert volume.array.transpose(2, 1, 0).tolist() == VALUES.tolist()
    assert (volume.spacing, volume.sequence) == (None, "T2")


def test_a_tiff_in_colour_or_of_changing_size_is_refused(tmp_path):
    grey = Image.new("L", (5, 4))
    grey.save(tmp_path / "a.tif", save_all=True, append_images=[Image.new("L", (6, 4))])
    Image.new("RGB", (5, 4)).save(tmp_path / "b.tif", save_all=True, append_images=[Image.new("RGB", (5, 4))])

    assert [each.error for each in read_volumes(tmp_path, b"")] == [
        "a.tif has pages of different sizes: export the volume alone.",
        "b.tif has pages in colour: export the scan's own values.",
    ]


def test_a_folder_may_hold_anything(tmp_path):
    write_series(tmp_path / "study" / "series", VALUES.astype(np.uint16))
    nib.save(nib.Nifti1Image(VALUES, np.eye(4)), tmp_path / "study" / "flair.nii.gz")
    (tmp_path / "study" / "notes.txt").write_text("hello")
    (tmp_path / "study" / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "study" / "cut.nii").write_bytes(nib.Nifti1Image(VALUES, np.eye(4)).to_bytes()[:400])
    (tmp_path / "study" / ".hidden.nii").write_bytes(b"no")

    found = list(read_volumes(tmp_path / "study", b""))

    assert [each.name for each in found] == ["study", "cut.nii", "flair.nii.gz"]
    assert isinstance(found[1], Refused)
    assert found[2].sequence == "FLAIR"


def test_a_zip_is_read_and_nothing_of_it_stays(tmp_path, monkeypatch):
    write_series(tmp_path / "s", VALUES.astype(np.uint16))
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        for file in (tmp_path / "s").iterdir():
            archive.write(file, f"DICOM/{file.stem}")  # hospitals leave out the extension
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(reading.tempfile, "tempdir", str(tmp_path / "temporary"))

    volume = one(tmp_path / "study.zip")

    assert volume.name == "study.zip"
    assert volume.array.shape == (6, 5, 4)
    assert not list((tmp_path / "temporary").iterdir())


def test_an_unsafe_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        archive.writestr("../evil.dcm", b"x")

    with pytest.raises(DataError, match="leaves the folder"):
        list(read_volumes(tmp_path / "study.zip", b""))


def test_nothing_to_read_is_said(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")

    with pytest.raises(ScanError, match="holds no scan that brainseg reads: choose DICOM, NIfTI"):
        list(read_volumes(tmp_path, b""))
    with pytest.raises(ScanError, match="does not exist"):
        list(read_volumes(tmp_path / "gone", b""))


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_FILES", 3)
    for number in range(5):
        (tmp_path / f"{number}.txt").touch()

    with pytest.raises(ScanError, match="holds more than 3 files"):
        list(read_volumes(tmp_path, b""))
