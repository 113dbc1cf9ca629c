"""Recognise other kinds of files by their first bytes; messages can then name the kind and a remedy."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

HEAD: Final = 4096
"""Number of bytes at the start of a file that are checked."""

_SLICE = "export its slices as PNG"
_SAVE = "save it as PNG"
_UNPACK = "unpack it and use the images in it"
_AS_VOLUME = "diagnose it as a volume with `predict --out`"


@dataclass(frozen=True)
class Kind:
    """A kind of file that brainseg does not read as an image.

    Attributes:
        name: With its article.
        remedy: An instruction.
        volume: Whether brainseg reads it as a volume.
    """

    name: str
    remedy: str
    volume: bool = False

    @property
    def sentence(self) -> str:
        """The message that follows the file's name."""
        if self.volume:
            return f"is {self.name}, which brainseg does not read as an image: {_AS_VOLUME}, or {self.remedy}."
        return f"is {self.name}, which brainseg does not read: {self.remedy}."


DICOM = Kind("a DICOM file", "export the slice as PNG", volume=True)
NIFTI = Kind("a NIfTI file", _SLICE, volume=True)
ANALYZE = Kind("a NIfTI or Analyze header", _SLICE)
NRRD = Kind("an NRRD file", _SLICE, volume=True)
META_IMAGE = Kind("a MetaImage file", _SLICE, volume=True)
MATLAB = Kind("a MATLAB file", _SLICE)
HDF5 = Kind("an HDF5 file", _SLICE)
NUMPY = Kind("a NumPy file", "save the slice as PNG")
GZIP = Kind("a gzip archive", _UNPACK)
ZIP = Kind("a zip archive", f"{_UNPACK}, add it as a dataset, or {_AS_VOLUME} if it holds a scan")
SPREADSHEET = Kind("a spreadsheet", "save its table as CSV")
OFFICE = Kind("an Office document", "save the images in it as PNG")
VIDEO = Kind("a video", "save single slices as PNG")
HEIC = Kind("a HEIC image", _SAVE)
AVIF = Kind("an AVIF image", _SAVE)
JPEG_2000 = Kind("a JPEG 2000 image", _SAVE)
JPEG_XL = Kind("a JPEG XL image", _SAVE)
SVG = Kind("an SVG drawing", _SAVE)
WEB_PAGE = Kind("a web page", "download the image itself")
LFS_POINTER = Kind("a Git LFS pointer in place of the file itself", "fetch the file with git lfs pull")
ANNEX_POINTER = Kind("a git-annex pointer in place of the file itself", "fetch the file with git annex get")
TEXT = Kind("a text file", "choose an image")

_STARTS: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89HDF\r\n\x1a\n", HDF5),
    (b"MATLAB ", MATLAB),
    (b"NRRD", NRRD),
    (b"ObjectType", META_IMAGE),
    (b"CDF\x01", Kind("a MINC or NetCDF file", _SLICE)),
    (b"CDF\x02", Kind("a MINC or NetCDF file", _SLICE)),
    (b"\x93NUMPY", NUMPY),
    (b"SIMPLE  =", Kind("a FITS file", _SLICE)),
    (b"8BPS", Kind("a Photoshop file", _SAVE)),
    (b"\0\0\x01\0", Kind("an icon", _SAVE)),
    (b"v/1\x01", Kind("an OpenEXR image", _SAVE)),
    (b"\xff\x4f\xff\x51", JPEG_2000),
    (b"\0\0\0\x0cjP  \r\n\x87\n", JPEG_2000),
    (b"\xff\x0a", JPEG_XL),
    (b"\0\0\0\x0cJXL \r\n\x87\n", JPEG_XL),
    (b"\x1aE\xdf\xa3", VIDEO),
    (b"\0\0\x01\xba", VIDEO),
    (b"\0\0\x01\xb3", VIDEO),
    (b"FLV\x01", VIDEO),
    (b"0&\xb2u\x8ef\xcf\x11", VIDEO),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OFFICE),
    (b"{\\rtf", OFFICE),
    (b"Rar!\x1a\x07", Kind("a RAR archive", _UNPACK)),
    (b"7z\xbc\xaf'\x1c", Kind("a 7-Zip archive", _UNPACK)),
    (b"BZh", Kind("a bzip2 archive", _UNPACK)),
    (b"\xfd7zXZ\0", Kind("an xz archive", _UNPACK)),
    (b"(\xb5/\xfd", Kind("a Zstandard archive", _UNPACK)),
    (b"PK\x05\x06", Kind("an empty zip archive", "choose an image")),
    (b"\x80\x02", Kind("a Python pickle", "save the slice as PNG")),
    (b"\x80\x03", Kind("a Python pickle", "save the slice as PNG")),
    (b"\x80\x04", Kind("a Python pickle", "save the slice as PNG")),
    (b"\x80\x05", Kind("a Python pickle", "save the slice as PNG")),
)
_OFFICE_PARTS = (b"[Content_Types].xml", b"word/", b"xl/", b"ppt/", b"_rels/", b"mimetypeapplication/vnd.oasis")
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), HEIC),
    **dict.fromkeys((b"avif", b"avis"), AVIF),
}


def foreign_kind(head: bytes) -> Kind | None:
    """Return the kind of a file from its first bytes; None if it is unknown.

    Args:
        head: The first `HEAD` bytes (or all bytes) of a file that is not a readable image.

    Examples:
        >>> foreign_kind(b"%PDF-1.7").name
        'a PDF document'
    """
    head = head[:HEAD]
    for look in (_medical, _by_start, _container, _document):
        if kind := look(head):
            return kind
    return None


def _medical(head: bytes) -> Kind | None:
    if head[128:132] == b"DICM" or _bare_dicom(head):
        return DICOM
    if head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0"):
        return NIFTI
    return ANALYZE if head[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c") and len(head) >= 348 else None


def _bare_dicom(head: bytes) -> bool:
    """Return whether a file starts with an element of group 2 or 8, like DICOM without its preamble."""
    if len(head) < 16 or head[:2] not in (b"\x02\0", b"\x08\0") or head[3] != 0:
        return False
    if head[4:6].isalpha() and head[4:6].isupper():  # explicit value representation
        return True
    return head[2] in (0x00, 0x01, 0x05, 0x08, 0x12, 0x14, 0x16, 0x18) and int.from_bytes(head[4:8], "little") < 256


def _by_start(head: bytes) -> Kind | None:
    return next((kind for start, kind in _STARTS if head.startswith(start)), None)


def _container(head: bytes) -> Kind | None:
    looks: dict[bytes, Callable[[bytes], Kind | None]] = {b"\x1f\x8b": _gzip, b"PK\x03\x04": _zip, b"RIFF": _riff}
    for start, look in looks.items():
        if head.startswith(start):
            return look(head)
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], VIDEO)
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        return VIDEO
    return Kind("a tar archive", _UNPACK) if head[257:262] == b"ustar" else None


def _gzip(head: bytes) -> Kind:
    try:
        inner = zlib.decompressobj(wbits=31).decompress(head, HEAD)
    except zlib.error:
        return GZIP
    if inner[:4] == b"\0\0\0\x01":
        return Kind("a FreeSurfer volume", _SLICE)
    kind = _medical(inner) or _by_start(inner)
    return kind or (Kind("a tar archive", _UNPACK) if inner[257:262] == b"ustar" else GZIP)


def _zip(head: bytes) -> Kind:
    if any(part in head for part in _OFFICE_PARTS):
        return SPREADSHEET if b"xl/" in head or b"opendocument.spreadsheet" in head else OFFICE
    length = int.from_bytes(head[26:28], "little")
    return NUMPY if head[30 : 30 + length].endswith(b".npy") else ZIP


def _riff(head: bytes) -> Kind | None:
    kinds = {b"WEBP": Kind("a WebP image", _SAVE), b"AVI ": VIDEO, b"WAVE": Kind("a sound file", "choose an image")}
    return kinds.get(head[8:12])


def _document(head: bytes) -> Kind | None:
    if b"%PDF-" in head[:1024]:
        return Kind("a PDF document", "save the images in it as PNG")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml", b"<!--")) and b"<svg" in text:
        return SVG
    if text.startswith((b"<!doctype html", b"<html")):
        return WEB_PAGE
    if text.startswith(b"version https://git-lfs") and b"oid sha256:" in text:
        return LFS_POINTER
    if text.startswith(b"/annex/objects/"):
        return ANNEX_POINTER
    return TEXT if _is_text(head) else None


def _is_text(head: bytes) -> bool:
    if not head or b"\0" in head:
        return False
    try:
        head[: max(1, len(head) - 3)].decode("utf-8")  # the last character may be incomplete
    except UnicodeDecodeError:
        return False
    return all(byte >= 32 or byte in b"\t\r\n\f" for byte in head)
