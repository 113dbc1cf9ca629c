import gzip
import io
import re
import struct
import tarfile
import zipfile

import numpy as np
import pytest
import scipy.io
from PIL import Image

from brainseg.datasets.inspection import open_any
from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.datasets.sources import open_dataset
from brainseg.errors import DataError, ScanError
from brainseg.scans import read_scan
from brainseg.scans.foreign import foreign_kind
from tests.datasets.conftest import write_images


def nifti() -> bytes:
    return struct.pack("<i", 348).ljust(344, b"\0") + b"n+1\0" + bytes(500)


def zipped(**entries: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name.replace("__", "/"), data)
    return stream.getvalue()


def saved(write) -> bytes:
    stream = io.BytesIO()
    write(stream)
    return stream.getvalue()


def tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.png"), io.BytesIO())
    return stream.getvalue()


def box(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0" + brand + b"mif1" + bytes(100)


GREY = Image.linear_gradient("L").resize((20, 20))
KINDS = {
    "DICOM": bytes(128) + b"DICM" + b"\x02\0\0\0UL\x04\0" + bytes(200),
    "DICOM file": b"\x08\0\x05\0\x0a\0\0\0ISO_IR 100" + bytes(200),  # as in old archives, without a preamble
    "a DICOM": b"\x08\0\x05\0CS\x0a\0ISO_IR 100" + bytes(200),
    "NIfTI": nifti(),
    "a NIfTI": gzip.compress(nifti()),
    "NIfTI file": struct.pack("<i", 540) + b"n+2\0\r\n\x1a\n" + bytes(600),
    "MATLAB": saved(lambda stream: scipy.io.savemat(stream, {"a": np.eye(3)})),
    "a MATLAB": b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512, b" ") + b"\x89HDF\r\n\x1a\n" + bytes(50),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "NRRD": b"NRRD0005\n# Complete NRRD file format\ntype: short\n",
    "MetaImage": b"ObjectType = Image\nNDims = 3\n",
    "MINC": b"CDF\x01" + bytes(60),
    "FreeSurfer": gzip.compress(b"\0\0\0\x01" + bytes(280)),
    "gzip": gzip.compress(b"hello"),
    "a gzip": gzip.compress(b"hello")[:12],
    "zip": zipped(a__b="x"),
    "tar": tar(),
    "tar archive": gzip.compress(tar()),
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "WebP": saved(lambda stream: GREY.save(stream, "WEBP")),
    "HEIC": box(b"heic"),
    "AVIF": box(b"avif"),
    "video": box(b"mp42"),
    "a video": b"RIFF\x10\0\0\0AVI LIST" + bytes(30),
    "video, which": b"\x1aE\xdf\xa3" + bytes(30),
    "NumPy": saved(lambda stream: np.save(stream, np.eye(3))),
    "a NumPy": saved(lambda stream: np.savez(stream, a=np.eye(3))),
    "SVG": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"></svg>',
    "a spreadsheet": zipped(xl__workbook="x", **{"[Content_Types].xml": b"y"}),
    "Office": zipped(word__document="x", **{"[Content_Types].xml": b"y"}),
    "an Office": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "JPEG 2000": saved(lambda stream: GREY.save(stream, "JPEG2000")),
    "web page": b"\n<!DOCTYPE html><html></html>",
}


@pytest.mark.parametrize("ending", [".png", ".dat", ""])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_file_is_and_what_to_do_is_said_whatever_its_extension(kind, ending, tmp_path):
    file = tmp_path / f"case{ending}"
    file.write_bytes(KINDS[kind])
    for source, name in ((file, None), (KINDS[kind], file.name)):
        with pytest.raises(ScanError) as caught:
            read_scan(source, name)
        sentence = str(caught.value)
        assert sentence.startswith(f"{file.name} is a")
        assert kind in sentence
        assert re.search("which brainseg does not read( as an image)?: ", sentence)
        assert ("as an image: diagnose it as a volume" in sentence) == foreign_kind(KINDS[kind]).volume
        assert sentence.count(".") - file.name.count(".") == 1


@pytest.mark.parametrize("source_format", ["PNG", "JPEG", "BMP", "TIFF", "GIF"])
def test_images_that_are_read_are_none_of_these(source_format):
    assert foreign_kind(saved(lambda stream: GREY.save(stream, source_format))) is None


@pytest.mark.parametrize(
    "data", [b"", b"\0", bytes(5000), b"\x1f\x8b", b"PK\x03\x04", b"RIFF", b"\x08\0", b"\xff" * 40]
)
def test_short_and_strange_heads_do_no_harm(data):
    kind = foreign_kind(data)
    assert kind is None or kind.sentence.endswith(".")


def test_real_dicom_files(shared):
    folder = shared / "data" / "dicom_t1"
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist")
    with pytest.raises(ScanError, match="is a DICOM file"):
        read_scan(sorted(folder.glob("*.dcm"))[0])


def test_left_out_files_are_counted_by_kind(tmp_path):
    write_images(tmp_path, ["no/a.png", "yes/b.png"])
    for number in range(3):
        (tmp_path / "yes" / f"IM{number}").write_bytes(KINDS["DICOM"])
    (tmp_path / "no" / "scan.nii.gz").write_bytes(KINDS["a NIfTI"])
    (tmp_path / "notes.txt").write_text("how these were made")
    (tmp_path / "more").mkdir()
    findings = [finding for finding in open_any(tmp_path).findings if finding.kind == "not images"]
    assert {finding.message: finding.files for finding in findings} == {
        "3 files are left out; each is a DICOM file, which brainseg does not read: export the slice as PNG.": (
            "yes/IM0",
            "yes/IM1",
            "yes/IM2",
        ),
        "A NIfTI file is left out because brainseg does not read it: export its slices as PNG.": ("no/scan.nii.gz",),
    }


@pytest.mark.parametrize("opened", [open_dataset, open_any, open_masked_dataset])
def test_a_folder_of_nothing_else_says_so(opened, tmp_path):
    for name in ("no", "yes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.dcm").write_bytes(KINDS["DICOM"])
    with pytest.raises(
        DataError, match=r"contains no image that brainseg reads\. 2 files are left out; each is a DICOM file"
    ):
        opened(tmp_path)
    with pytest.raises(DataError, match="is a DICOM file, which brainseg does not read as an image: "):
        opened(tmp_path / "no" / "a.dcm")


def test_files_with_the_extension_of_an_image_are_named_as_unreadable(tmp_path):
    write_images(tmp_path, ["no/a.png", "yes/b.png"])
    (tmp_path / "yes" / "c.png").write_bytes(KINDS["HEIC"])
    (bad,) = open_any(tmp_path).bad
    assert bad.reason == "yes/c.png is a HEIC image, which brainseg does not read: save it as PNG."
