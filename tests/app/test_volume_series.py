"""Uploaded files become series; on the disk they are only while they are read."""

from __future__ import annotations

import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from brainseg.app.diagnose.volume.listing import facts_words, squared_slice
from brainseg.app.diagnose.volume.series import (
    LOOSE,
    Refused,
    Series,
    Upload,
    distinct,
    grouped,
    read_group,
    voxel_bytes,
)
from tests.app.volume_pages import dicom_zip, head_values, head_volume, nifti
from tests.models.conftest import one_sentence
from tests.scans.volumes.dicom_maker import write_series


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> Path:
    """Everything temporary goes to a folder that the test can look at."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def upload(file: Path, name: str | None = None) -> Upload:
    return Upload(f"id of {name or file.name}", name or file.name, memoryview(file.read_bytes()))


def read(uploads: list[Upload]) -> list[Series | Refused]:
    return [each for name, files in grouped(uploads).items() for each in read_group(name, files)]


def test_zip_files_folders_and_loose_files_are_read_apart(tmp_path):
    packed, loose = dicom_zip(tmp_path), nifti(tmp_path / "brain_flair.nii.gz")
    files = write_series(tmp_path / "s", np.ones((3, 4, 5), np.int16))
    uploads = [upload(packed), upload(packed, "other.zip"), upload(loose)]
    uploads += [upload(file, f"Study/s/{file.name}") for file in files]

    groups = grouped(uploads)

    assert [len(group) for group in groups.values()] == [1, 1, 1, 3]
    names = [each.volume.name for each in read(uploads)]
    assert names == ["study.zip", "other.zip", "brain_flair.nii.gz", "Study"]


def test_the_series_of_a_zip_file_has_its_values_place_and_sequence(tmp_path):
    (found,) = read([upload(dicom_zip(tmp_path))])

    assert np.array_equal(found.volume.array, head_values())
    assert found.volume.spacing == (1.0, 1.0, 2.0)
    assert found.volume.sequence == "T1"
    assert [window.common for window in found.volume.windows] == [(0.0, 239.0)]
    assert facts_words(found.volume) == "64 x 56 x 24 voxels, stored LPS · 1 x 1 x 2 mm (right, front, up) · DICOM"


def test_nothing_stays_on_the_disk_and_nothing_is_mapped_from_it(tmp_path, own_temporary_folder):
    values = head_values().astype(np.float32)
    image = nib.Nifti1Image(values, np.diag([1.0, 1.0, 2.0, 1.0]))
    nib.save(image, tmp_path / "plain.nii")  # which nibabel maps instead of reading it

    (found,) = read([upload(tmp_path / "plain.nii")])

    assert list(own_temporary_folder.iterdir()) == []
    assert type(found.volume.array) is np.ndarray
    assert np.array_equal(found.volume.array, values)
    base = found.volume.array
    while base is not None:
        assert not isinstance(base, np.memmap)
        base = getattr(base, "base", None)


def test_files_of_one_name_and_names_that_leave_the_folder_do_no_harm(tmp_path, own_temporary_folder):
    one, other = (nifti(tmp_path / f"{seed}.nii.gz", head_values(seed)) for seed in (1, 2))
    found = read([upload(one, "same.nii.gz"), upload(other, "same.nii.gz"), upload(one, "../../../evil.nii.gz")])

    assert len([each for each in found if isinstance(each, Series)]) == 3
    assert list(own_temporary_folder.iterdir()) == []
    assert not list(tmp_path.glob("**/evil*"))


def test_what_cannot_be_read_is_named_with_its_sentence(tmp_path):
    (tmp_path / "cut.nii.gz").write_bytes(nifti(tmp_path / "whole.nii.gz").read_bytes()[:3000])
    (tmp_path / "notes.txt").write_text("no scan")
    (tmp_path / "bad.zip").write_bytes(dicom_zip(tmp_path).read_bytes()[:500])

    for name, words in (("cut.nii.gz", "damaged"), ("notes.txt", "no scan that brainseg reads"), ("bad.zip", "zip")):
        (refused,) = read([upload(tmp_path / name)])
        assert isinstance(refused, Refused)
        assert words in one_sentence(ValueError(refused.reason.replace(name, "it")))
    (found, *rest) = read([upload(tmp_path / "whole.nii.gz"), upload(tmp_path / "notes.txt")])
    assert isinstance(found, Series)
    assert rest == []  # other files beside a scan are passed over


def test_a_session_has_a_limit_and_copies_are_kept_once(tmp_path):
    files = [upload(nifti(tmp_path / f"{seed}.nii.gz", head_values(seed))) for seed in range(3)]
    each = head_volume().array.nbytes

    one, refused, other = read_group(LOOSE, files, 2 * each - 1)[:2] + read_group(LOOSE, files[:1], each)

    assert isinstance(one, Series)
    assert isinstance(refused, Refused)
    assert "1.nii.gz does not fit into the memory" in refused.reason
    assert voxel_bytes([one, refused]) == each
    assert one.id == other.id
    assert distinct([one, refused, other]) == [one, refused]


def test_a_slice_keeps_its_proportions_in_mm():
    grey = np.full((10, 20), 200, np.uint8)

    square = squared_slice(grey, (4.0, 1.0), 80)  # 40 mm high and 20 mm wide

    rows, columns = np.nonzero(square)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (80, 40)
    assert square[40, 40] == 200
