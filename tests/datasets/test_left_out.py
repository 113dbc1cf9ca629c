"""Files left out of a dataset are reported, in folders and in zip files; a table is recognised by its contents."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from brainseg.datasets.inspection import open_any
from brainseg.datasets.library import add_zip, inspect_known_dataset
from brainseg.datasets.registry import datasets_folder
from brainseg.errors import DataError
from tests.datasets.zips import images, make_zip, png

DICOM = b"\0" * 128 + b"DICM\2\0\0\0UL\4\0"
NIFTI = b"\x5c\1\0\0" + b"\0" * 340 + b"n+1\0"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 123\n"
ROWS = "path,label\n" + "".join(f"{number}.png,{'no' if number % 2 else 'yes'}\n" for number in range(6))


def loose_images(folder: Path) -> Path:
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.png").write_bytes(png(20 * number))
    return folder


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as refused:
        open_any(path)
    return str(refused.value)


def test_a_zip_file_tells_what_stays_in_it(home: Path) -> None:
    rest = {
        "set/yes/a.dcm": DICOM,
        "set/yes/b": DICOM,
        "v.nii": NIFTI,
        "set/Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    }
    known = add_zip(make_zip(images("set/") | rest | {"set/read.me": b"hello"}), "mixed")
    for _ in range(2):  # first read, then from the cache
        found = [
            (each.message, each.files) for each in inspect_known_dataset(known).findings if each.kind == "not images"
        ]
        assert found == [
            (
                "2 files are left out; each is a DICOM file, which brainseg does not read: export the slice as PNG.",
                ("yes/a.dcm", "yes/b"),
            ),
            ("A NIfTI file is left out because brainseg does not read it: export its slices as PNG.", ("v.nii",)),
        ]
    assert not list(Path(known.path).rglob("*.dcm"))


def test_a_wrong_zip_file_is_refused_by_what_it_holds_and_not_by_our_folders(home: Path) -> None:
    manifest = {"set/manifest.csv": b"path,label\nnot-there.png,yes\n", "set/0.png": png()}
    series = {"set/IM1": DICOM, "set/IM2": DICOM}
    wrong = {"a DICOM file": series, "not-there.png": manifest, "The zip file has no class folders": {"0.png": png()}}
    for message, entries in wrong.items():
        with pytest.raises(DataError, match=message) as refused:
            add_zip(make_zip(entries), "wrong")
        assert str(home) not in str(refused.value)
        assert "wrong-" not in str(refused.value)
    assert not [item for item in datasets_folder().iterdir() if item.is_dir()]


@pytest.mark.parametrize("name", ["labels.xlsx", "labels.xls", "labels.txt"])
def test_a_text_table_is_read_whatever_its_name_says(tmp_path: Path, home: Path, name: str) -> None:
    folder = loose_images(tmp_path / "set")
    (folder / name).write_text(ROWS)
    messages = " ".join(finding.message for finding in open_any(folder).findings)
    assert open_any(folder).classes == ("no", "yes")
    assert f"{name} has the columns of a manifest" in messages
    assert ("is a text file, not a spreadsheet" in messages) == (name != "labels.txt")
    packed = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert add_zip(make_zip(packed), "packed").counts == {"no": 3, "yes": 3}


def test_a_pointer_of_git_lfs_is_called_one(tmp_path: Path) -> None:
    folder = loose_images(tmp_path / "set")
    (folder / "labels.csv").write_bytes(LFS)
    message = (
        "labels.csv is a Git LFS pointer in place of the file itself, which brainseg does not read: fetch the file"
    )
    assert message in refusal(folder)
    (folder / "labels.csv").rename(folder / "manifest.csv")
    assert refusal(folder).count("manifest.csv is a Git LFS pointer") == 1
    assert "manifest.csv is a Git LFS pointer" in refusal(folder / "manifest.csv")
    (folder / "manifest.csv").write_text(ROWS)
    (folder / "0.png").write_bytes(LFS)
    assert [bad.reason.partition(",")[0] for bad in open_any(folder).bad] == [
        "0.png is a Git LFS pointer in place of the file itself"
    ]


def test_a_spreadsheet_is_called_one_whatever_its_name_says(tmp_path: Path) -> None:
    folder = loose_images(tmp_path / "set")
    with zipfile.ZipFile(folder / "labels.xlsx", "w") as book:
        book.writestr("[Content_Types].xml", "<x/>")
        book.writestr("xl/workbook.xml", "<x/>")
    message = "is a spreadsheet, which brainseg does not read: save its table as CSV"
    assert f"labels.xlsx {message}" in refusal(folder)
    (folder / "labels.xlsx").rename(folder / "manifest.csv")
    assert f"manifest.csv {message}" in refusal(folder)
