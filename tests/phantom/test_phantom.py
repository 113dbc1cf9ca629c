"""The phantom: the same bytes for the same seed, a correct manifest, and no incomplete folders."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pydicom
import pytest
import SimpleITK as sitk
from PIL import Image

from brainseg.errors import DataError
from brainseg.phantom import (
    MAX_DIAMETER_MM,
    MIN_DIAMETER_MM,
    MODALITIES,
    make_subject,
    render_slice,
    write_phantom,
)
from brainseg.phantom.dicom_series import write_series
from brainseg.scans.volumes.reading import read_volumes

COUNT = 13
SMALL = {"size": 96, "slices_per_subject": 3}
COLUMNS = ["path", "label", "group", "mask", "subject", "slice", "modality", "plane", "spacing_mm", "tumour_area_mm2"]


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "phantom"
    summary = write_phantom(out, COUNT, seed=3, **SMALL)
    assert (summary.folder, summary.slices, summary.tumour_slices, summary.seed) == (out, COUNT, COUNT // 2, 3)
    assert summary.subjects == 2 + 3
    return out


@pytest.fixture(scope="module")
def manifest(phantom: Path) -> pd.DataFrame:
    return pd.read_csv(phantom / "manifest.csv")


@pytest.mark.slow
def test_one_seed_gives_the_same_bytes_with_any_number_of_workers(phantom, tmp_path):
    write_phantom(tmp_path / "one", COUNT, seed=3, workers=1, **SMALL)
    write_phantom(tmp_path / "five", COUNT, seed=3, workers=5, **SMALL)
    assert contents(tmp_path / "one") == contents(phantom)
    assert contents(tmp_path / "five") == contents(phantom)


def test_another_seed_gives_other_pixels(phantom, tmp_path):
    write_phantom(tmp_path / "other", COUNT, seed=4, **SMALL)
    ours = {data for name, data in contents(phantom).items() if "tumour/" in name}
    theirs = {data for name, data in contents(tmp_path / "other").items() if "tumour/" in name}
    assert not ours & theirs


def test_the_manifest_matches_the_files(phantom, manifest):
    assert list(manifest.columns) == COLUMNS
    files = contents(phantom)
    assert {name for name in files if name.endswith(".png")} == {*manifest.path, *manifest["mask"]}
    assert manifest.label.value_counts().to_dict() == {"no_tumour": 7, "tumour": 6}
    assert (manifest.path == manifest.label + "/" + manifest.path.map(lambda p: Path(p).name)).all()
    assert (manifest["mask"] == "masks/" + manifest.path.map(lambda p: Path(p).name)).all()
    assert manifest.path.map(lambda p: Path(p).name.startswith("synthetic_")).all()
    assert (manifest.group == manifest.subject).all()
    assert set(manifest.modality) <= set(MODALITIES)
    assert set(manifest.plane) == {"axial"}


def test_masks_have_the_area_that_the_manifest_says(phantom, manifest):
    for row in manifest.itertuples():
        image, mask = pixels(phantom / row.path), pixels(phantom / row.mask)
        assert image.dtype == mask.dtype == np.uint8
        assert image.shape == mask.shape == (96, 96)
        assert set(np.unique(mask)) <= {0, 255}
        assert row.tumour_area_mm2 == pytest.approx((mask > 0).sum() * row.spacing_mm**2, abs=0.01)
        assert (row.tumour_area_mm2 > 0) == (row.label == "tumour")


def test_a_subject_is_in_one_class_and_keeps_to_its_number_of_slices(manifest):
    by_group = manifest.groupby("group")
    assert (by_group.label.nunique() == 1).all()
    assert by_group.size().max() == 3
    assert (by_group.spacing_mm.nunique() == 1).all()


@pytest.mark.slow
@pytest.mark.parametrize("size", [64, 160])
def test_tumours_are_5_to_40_mm_wide_and_more_than_a_few_pixels(size):
    for seed in np.random.SeedSequence(5).spawn(6):
        subject = make_subject(seed, has_tumour=True, plane="mixed", slices=2, size=size)
        for index in range(2):
            drawn = render_slice(subject, index)
            diameter = 2 * np.sqrt(drawn.tumour_area_mm2 / np.pi)
            assert MIN_DIAMETER_MM <= diameter <= MAX_DIAMETER_MM
            assert drawn.mask.sum() >= 6


@pytest.mark.slow
def test_hard_negatives_are_in_both_classes_alike():
    areas = {True: [], False: []}
    for seed in np.random.SeedSequence(6).spawn(8):
        for has_tumour in areas:
            drawn = render_slice(make_subject(seed, has_tumour=has_tumour, slices=1, size=96), 0)
            areas[has_tumour].append(drawn.areas_mm2)
            assert drawn.mask.any() == has_tumour
    # If a person has few spots, a slice above the ventricles may show none.
    for name, least in (("hyperintensities", 0.75), ("vessels", 1)):
        healthy = np.array([area[name] for area in areas[False]])
        assert (healthy > 0).mean() >= least
        # The mass displaces the brain, so the areas differ slightly.
        assert healthy.sum() == pytest.approx(sum(area[name] for area in areas[True]), rel=0.35)


def test_only_the_tumour_tells_the_classes_apart():
    """One seed with and without tumour: same scanner, positions and sequences, and same image far from the mass."""
    seed = np.random.SeedSequence(11)
    sick, well = (make_subject(seed, has_tumour=has_tumour, size=96) for has_tumour in (True, False))
    assert sick.spacing_mm == well.spacing_mm
    assert [(p.position_mm, p.modality) for p in sick.slices] == [(p.position_mm, p.modality) for p in well.slices]
    first, second = render_slice(sick, 0), render_slice(well, 0)
    assert first.mask.any()
    assert not second.mask.any()
    same = first.image == second.image
    assert same.mean() > 0.5
    assert not same[first.mask].all()


def test_every_slice_of_a_subject_takes_another_modality():
    subject = make_subject(np.random.SeedSequence(1), has_tumour=False, slices=4, size=64)
    assert sorted(plan.modality for plan in subject.slices) == sorted(MODALITIES)
    subject = make_subject(np.random.SeedSequence(1), has_tumour=False, slices=2, size=64, modalities=("T2",))
    assert [plan.modality for plan in subject.slices] == ["T2", "T2"]


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_slice_looks_like_a_head_on_noisy_dark_ground(plane):
    drawn = render_slice(make_subject(np.random.SeedSequence(2), has_tumour=False, plane=plane, size=96), 0)
    corner = drawn.image[:10, :10]
    assert corner.mean() < 25
    assert corner.std() > 0  # Rician noise is also in the air
    assert drawn.image[30:60, 36:60].mean() > 2 * corner.mean()


def test_every_file_says_that_it_is_synthetic(phantom, manifest):
    for name in [*manifest.path, *manifest["mask"]]:
        with Image.open(phantom / name) as image:
            assert image.text["Source"] == "synthetic"
            assert "Synthetic" in image.text["Comment"]
    assert "SYNTHETIC" in (phantom / "README.txt").read_text()
    assert json.loads((phantom / "phantom.json").read_text())["synthetic"] is True


@pytest.mark.slow
def test_volumes_share_one_grid_hold_the_tumour_and_are_the_dicom_series(tmp_path):
    write_phantom(tmp_path / "v", 4, seed=1, size=64, slices_per_subject=2, plane="coronal", dicom="sagittal")
    files = {
        p.name.removesuffix(".nii.gz").rsplit("_", 1)[1]: nibabel.load(p) for p in (tmp_path / "v/volumes").iterdir()
    }
    assert set(files) == {*MODALITIES, "mask"}
    mask = files["mask"]
    for image in files.values():
        assert image.shape == mask.shape
        assert np.array_equal(image.affine, mask.affine)
        assert b"synthetic" in image.header["descrip"].item()
        assert nibabel.aff2axcodes(image.affine) == ("R", "A", "S")
    tumour = np.asarray(mask.dataobj)
    assert set(np.unique(tumour)) == {0, 1}
    volume_mm3 = tumour.sum() * np.prod(mask.header.get_zooms())
    assert (6 * volume_mm3 / np.pi) ** (1 / 3) < MAX_DIAMETER_MM
    manifest = pd.read_csv(tmp_path / "v/manifest.csv")
    assert next((tmp_path / "v/volumes").iterdir()).name.rsplit("_", 1)[0] in set(
        manifest[manifest.label == "tumour"].subject
    )
    series = {volume.sequence: volume for volume in read_volumes(tmp_path / "v" / "dicom", b"")}
    assert set(series) == set(MODALITIES)
    for sequence, volume in series.items():
        assert np.array_equal(volume.array, files[sequence].dataobj)
    assert json.loads((tmp_path / "v" / "phantom.json").read_text())["settings"]["dicom"] == "sagittal"


@pytest.mark.slow
def test_studies_are_named_as_in_brats_and_part_of_what_a_phantom_is(tmp_path):
    made = {"count": 4, "seed": 1, "size": 64, "slices_per_subject": 1, "studies": 2}
    write_phantom(tmp_path / "v", **made)
    manifest = pd.read_csv(tmp_path / "v/manifest.csv")
    people = set(manifest[manifest.label == "tumour"].subject)
    assert {place.name for place in (tmp_path / "v/studies").iterdir()} == people
    for person in people:
        files = {path.name for path in (tmp_path / "v/studies" / person).iterdir()}
        assert files == {f"{person}_{kind}.nii.gz" for kind in ("t1", "t1ce", "t2", "flair", "seg")}
        mask = nibabel.load(tmp_path / "v/studies" / person / f"{person}_seg.nii.gz")
        assert set(np.unique(mask.dataobj)) == {0, 1}

    lost = tmp_path / "v/studies" / person / f"{person}_t1.nii.gz"
    lost.unlink()
    with pytest.raises(DataError, match="or part of one"):
        write_phantom(tmp_path / "v", **made)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"count": 3}, "at least 4 slices, not 3"),
        ({"seed": -1}, "seed must be 0 or more, not -1"),
        ({"size": 20}, "size must be 64 to 512 pixels, not 20"),
        ({"plane": "oblique"}, "plane must be one of axial, coronal, sagittal, mixed, not 'oblique'"),
        ({"modalities": ("T1", "CT")}, "sequences must be among T1, T1ce, T2, FLAIR, not 'CT'"),
        ({"modalities": ()}, "Give at least one sequence"),
        ({"modalities": ("T1", "T1")}, "each once"),
        ({"slices_per_subject": 0}, "per subject must be 1 to 16, not 0"),
        ({"studies": 3}, "0 to 2 studies, one for each person with a tumour, not 3"),
    ],
)
def test_settings_that_are_not_allowed_are_refused(tmp_path, change, sentence):
    with pytest.raises(DataError, match=sentence):
        write_phantom(tmp_path / "out", **{"count": 8, **change})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_else_is_refused_and_left_alone(tmp_path, phantom):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(DataError, match="contains other files"):
        write_phantom(tmp_path, 8)
    with pytest.raises(DataError, match="is a file"):
        write_phantom(tmp_path / "note.txt", 8)
    with pytest.raises(DataError, match="phantom with other settings"):
        write_phantom(phantom, COUNT, seed=99, **SMALL)
    assert [p.name for p in tmp_path.iterdir()] == ["note.txt"]


def test_the_same_settings_are_reused_and_not_written_again(phantom):
    before = {p: p.stat().st_mtime_ns for p in phantom.rglob("*")}
    seen = []
    summary = write_phantom(phantom, COUNT, seed=3, progress=lambda done, total: seen.append((done, total)), **SMALL)
    assert {p: p.stat().st_mtime_ns for p in phantom.rglob("*")} == before
    assert (summary.slices, summary.subjects) == (COUNT, 5)
    assert seen == [(COUNT, COUNT)]


def test_a_phantom_with_a_lost_file_is_not_reused(tmp_path):
    out = tmp_path / "p"
    write_phantom(out, 4, size=64)
    next((out / "masks").iterdir()).unlink()
    with pytest.raises(DataError, match="or part of one"):
        write_phantom(out, 4, size=64)


def test_an_interrupted_run_leaves_nothing(tmp_path):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_phantom(tmp_path / "out", 8, size=64, slices_per_subject=1, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_filled_and_progress_reaches_the_end(tmp_path):
    seen = []
    write_phantom(tmp_path, 5, size=64, slices_per_subject=2, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (5, 5)
    assert seen == sorted(seen)
    assert (tmp_path / "manifest.csv").is_file()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(DataError, match="Cannot write the phantom"):
        write_phantom(tmp_path / "out", 4, size=64)


def test_a_parent_that_is_a_file_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="Cannot write the phantom"):
        write_phantom(tmp_path / "file" / "out", 4, size=64)


@pytest.mark.slow
def test_a_clear_phantom_has_large_tumours_and_nothing_that_looks_like_one():
    seeds = np.random.SeedSequence(5).spawn(6)
    for number, seed in enumerate(seeds):
        subject = make_subject(seed, has_tumour=number % 2 == 0, slices=2, size=96, clear=True)
        drawn = [render_slice(subject, index) for index in range(2)]
        areas = [part.areas_mm2 for part in drawn]
        assert all(part[name] == 0 for part in areas for name in ("infarcts", "cysts", "spaces"))
        largest = max(part.tumour_area_mm2 for part in drawn)
        assert (largest > 150) == subject.has_tumour


def test_difficulty_is_part_of_what_a_phantom_is(phantom):
    with pytest.raises(DataError, match="a phantom with other settings"):
        write_phantom(phantom, COUNT, seed=3, difficulty="clear", **SMALL)
    with pytest.raises(DataError, match="must be one of realistic, clear, not 'easy'"):
        write_phantom(phantom.parent / "none", COUNT, difficulty="easy")


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("sequence", MODALITIES)
def test_a_dicom_series_is_the_volume_for_brainseg_and_for_simpleitk(tmp_path, plane, sequence):
    values = np.random.default_rng(0).integers(0, 900, (7, 6, 5)).astype(np.int16)
    cos, sin = np.cos(0.3), np.sin(0.3)
    affine = np.array([[1.5, 0, 0, -7], [0, 1.7 * cos, -2.5 * sin, 3], [0, 1.7 * sin, 2.5 * cos, 11], [0, 0, 0, 1]])

    for name in "st":
        write_series(tmp_path / name, values, affine, sequence, plane, "synthetic_s00001")

    assert contents(tmp_path / "s") == contents(tmp_path / "t")
    (volume,) = read_volumes(tmp_path / "s", b"")
    assert np.array_equal(volume.array, values)
    assert np.allclose(volume.affine, affine, atol=1e-5)
    assert (volume.sequence, volume.modality, volume.warnings) == (sequence, "MR", ())
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path / "s"))
    other = sitk.DICOMOrient(sitk.ReadImage(names), "LPS")
    assert np.array_equal(sitk.GetArrayFromImage(other).T[::-1, ::-1], values)
    data = pydicom.dcmread(tmp_path / "s" / "0001.dcm")
    names = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
    assert max(len(str(value.original_string)) for name in names for value in data[name]) <= 16
    assert max(len(str(element.value)) for element in data if element.VR == "UI") <= 64


def test_an_unknown_plane_for_dicom_is_refused(tmp_path):
    with pytest.raises(DataError, match="axial, coronal, sagittal, not 'up'"):
        write_phantom(tmp_path / "v", 4, dicom="up")
