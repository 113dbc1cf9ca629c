from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps

from brainseg.errors import ScanError
from brainseg.files import sha256_bytes
from brainseg.scans import MAX_BYTES, SUFFIXES, Scan, display_name, read_scan
from brainseg.scans.burnt_text import SENTENCE
from brainseg.scans.reading import read_with
from tests.conftest import PROJECT_ROOT

# Pillow's warnings about damaged tags and large sizes go to the log, not to the user.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")

GREY = np.add.outer(np.arange(20) * 7, np.arange(30) * 3).astype(np.uint8)
COLOUR = np.dstack([GREY, 255 - GREY, GREY // 2])


# ---------------------------------------------------------------------------------------------------- building files


def encode(image: Image.Image, source_format: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, source_format, **options)
    return stream.getvalue()


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, bits: int = 8, colour: int = 0, before: bytes = b"", rows: bytes = b"") -> bytes:
    """A PNG built by hand, black unless `rows` (with their filter bytes) is given."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    if not rows:
        rows = bytes((1 + (width * bits * samples + 7) // 8) * height)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header), before, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(tags: dict[int, tuple[int, int, bytes]], picture: bytes) -> bytes:
    """A little-endian TIFF built by hand: {tag: (type, count, bytes)}, with its pixels in one strip or tile."""
    place = 324 if 322 in tags else 273
    tags = dict(sorted({**tags, place: tags.get(place, (4, 1, b""))}.items()))
    start = 8 + 2 + 12 * len(tags) + 4
    directory, rest = struct.pack("<H", len(tags)), picture
    for tag, (kind, count, content) in tags.items():
        if tag == place and not content:
            content = struct.pack("<I", start)
        if len(content) > 4:
            content, rest = struct.pack("<I", start + len(rest)), rest + content
        directory += struct.pack("<HHI", tag, kind, count) + content.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", 0) + rest


def grey_tiff_tags(side: int, compression: int = 1) -> dict[int, tuple[int, int, bytes]]:
    numbers = {256: side, 257: side, 258: 8, 259: compression, 262: 1, 277: 1}
    return {tag: (4, 1, struct.pack("<I", value)) for tag, value in numbers.items()}


def pages(source_format: str, **options) -> bytes:
    first, second = Image.fromarray(GREY), Image.fromarray(255 - GREY)
    return encode(first, source_format, save_all=True, append_images=[second], **options)


# ------------------------------------------------------------------------------------------- what is read, and to what


@pytest.mark.parametrize("source_format", ["PNG", "BMP", "TIFF", "GIF"])
def test_8_bit_grey_passes_unchanged_as_three_equal_channels(source_format):
    scan = read_scan(encode(Image.fromarray(GREY), source_format))
    assert scan.source_format == source_format
    assert scan.mode == ("P" if source_format == "GIF" else "L")
    assert scan.size == (30, 20)
    for channel in range(3):
        np.testing.assert_array_equal(scan.pixels[..., channel], GREY)


@pytest.mark.parametrize("sample", ["PNG", "BMP", "TIFF", "TIFF tiff_lzw", "TIFF tiff_adobe_deflate", "TIFF packbits"])
def test_8_bit_colour_passes_unchanged(sample):
    source_format, *compression = sample.split()
    options = {"compression": compression[0]} if compression else {}
    scan = read_scan(encode(Image.fromarray(COLOUR), source_format, **options))
    assert scan.mode == "RGB"
    np.testing.assert_array_equal(scan.pixels, COLOUR)


def test_jpeg_equals_what_pillow_decodes():
    data = encode(Image.fromarray(COLOUR), "JPEG", quality=90)
    np.testing.assert_array_equal(read_scan(data).pixels, np.asarray(Image.open(io.BytesIO(data))))


def test_scan_says_where_it_comes_from_and_cannot_be_changed():
    data = encode(Image.fromarray(COLOUR), "PNG", dpi=(300, 300))
    scan = read_scan(data, "patients/jane.png")
    assert (scan.name, scan.sha256, scan.spacing, scan.modality, scan.warnings) == (
        "jane.png",
        sha256_bytes(data),
        None,  # dots per inch are not a distance in the head
        None,
        (),
    )
    assert scan.pixels.dtype == np.uint8
    assert scan.pixels.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        scan.pixels[0, 0] = 1
    with pytest.raises(AttributeError):
        scan.name = "other"


def test_path_and_bytes_give_the_same(tmp_path):
    data = encode(Image.fromarray(COLOUR), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    from_path, from_bytes = read_scan(path), read_scan(data)
    np.testing.assert_array_equal(from_path.pixels, from_bytes.pixels)
    assert (from_path.name, from_bytes.name) == ("a.png", "upload")
    assert read_scan(path, "b.png").name == "b.png"


def test_extension_is_not_believed(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(encode(Image.fromarray(COLOUR), "JPEG"))
    scan = read_scan(path)
    assert scan.source_format == "JPEG"
    assert scan.warnings == ()


@pytest.mark.parametrize("source_format", ["PNG", "TIFF", "BMP"])
def test_1_bit_becomes_black_and_white(source_format):
    scan = read_scan(encode(Image.fromarray(GREY > 60), source_format))
    assert scan.mode == "1"
    np.testing.assert_array_equal(scan.pixels[..., 0], np.where(GREY > 60, 255, 0))


def test_2_and_4_bit_png_spread_over_8_bits():
    for bits in (2, 4):
        rows = b"\0" + bytes([0b00011011]) if bits == 2 else b"\0\x0f"
        scan = read_scan(png(8 // bits, 1, bits, rows=rows))
        assert scan.pixels[0, -1, 0] == 255
        assert scan.pixels[0, 0, 0] == 0


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparency_is_blended_over_black(mode):
    alpha = np.tile(np.linspace(0, 255, 30).astype(np.uint8), (20, 1))
    colour = np.dstack([GREY] * 3) if mode == "LA" else COLOUR
    image = Image.fromarray(np.dstack([GREY, alpha] if mode == "LA" else [COLOUR, alpha]), mode)
    scan = read_scan(encode(image, "PNG"))
    assert scan.mode == mode
    np.testing.assert_allclose(scan.pixels, colour * (alpha[..., None] / 255.0), atol=0.501)
    np.testing.assert_array_equal(scan.pixels[:, -1], colour[:, -1])  # opaque: unchanged
    assert not scan.pixels[:, 0].any()


def test_palette_with_and_without_transparency():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putdata([0, 1])
    for source_format in ("PNG", "GIF", "TIFF", "BMP"):
        scan = read_scan(encode(image, source_format))
        assert scan.mode == "P"
        assert scan.pixels.tolist() == [[[10, 20, 30], [200, 100, 50]]]
    for source_format in ("PNG", "GIF"):
        scan = read_scan(encode(image, source_format, transparency=1))
        assert scan.pixels.tolist() == [[[10, 20, 30], [0, 0, 0]]]
    half = read_scan(encode(image, "PNG", transparency=bytes([255, 128])))
    assert half.pixels.tolist() == [[[10, 20, 30], [100, 50, 25]]]


def test_grey_png_with_a_transparent_value():
    scan = read_scan(png(2, 1, before=chunk(b"tRNS", struct.pack(">H", 200)), rows=bytes([0, 100, 200])))
    assert scan.pixels[0, :, 0].tolist() == [100, 0]


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_other_colours_are_converted(mode):
    image = Image.new("LAB", (4, 4), (100, 30, 60)) if mode == "LAB" else Image.fromarray(COLOUR).convert(mode)
    scan = read_scan(encode(image, "TIFF"))
    np.testing.assert_allclose(scan.pixels.astype(int), np.asarray(image.convert("RGB")).astype(int), atol=2)
    assert scan.warnings == ()


def test_cmyk_jpeg():
    assert read_scan(encode(Image.fromarray(COLOUR).convert("CMYK"), "JPEG")).mode == "CMYK"


def stretched(values: np.ndarray) -> np.ndarray:
    wide = values.astype(np.float64)
    return np.rint((wide - wide.min()) / (wide.max() - wide.min()) * 255).astype(np.uint8)


WIDE = GREY.astype(np.int64) * 13 + 500


@pytest.mark.parametrize(
    ("values", "source_format", "modes"),
    [
        (WIDE.astype("<u2"), "PNG", {"I;16"}),
        (WIDE.astype("<u2"), "TIFF", {"I;16"}),
        (WIDE.astype(">u2"), "TIFF", {"I;16B"}),
        ((WIDE - 2000).astype(np.int32), "TIFF", {"I"}),
        ((WIDE / 7 - 100).astype(np.float32), "TIFF", {"F"}),
    ],
)
def test_wide_grey_has_a_window_and_is_stretched_from_its_extremes_for_old_models(values, source_format, modes):
    scan = read_scan(encode(Image.fromarray(values), source_format))
    assert scan.mode in modes
    assert scan.pixels.min() == 0
    assert scan.pixels.max() == 255
    np.testing.assert_array_equal(scan.pixels_of(1), np.repeat(stretched(values)[..., None], 3, axis=2))
    assert scan.pixels_of(2) is scan.pixels
    black, white = scan.window
    assert values.min() <= black < white <= values.max()
    expected = np.clip((values.astype(np.float64) - black) / (white - black), 0, 1) * 255
    np.testing.assert_array_equal(scan.pixels[..., 1], np.rint(expected).astype(np.uint8))
    assert any("are shown as black to white" in warning for warning in scan.warnings)


def test_extremes_of_int32_do_not_overflow():
    values = np.array([[-(2**31), 0, 2**31 - 1]], np.int32)
    assert read_scan(encode(Image.fromarray(values), "TIFF")).pixels[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("values", [np.full((4, 4), 700, np.uint16), np.full((4, 4), -3.5, np.float32)])
def test_constant_wide_grey_becomes_black(values):
    scan = read_scan(encode(Image.fromarray(values), "TIFF"))
    assert not scan.pixels.any()


def test_gaps_in_a_float_image_are_filled_and_reported():
    values = np.array([[np.nan, -np.inf, np.inf, 1, 2, 3]], np.float32)
    scan = read_scan(encode(Image.fromarray(values), "TIFF"))
    assert scan.pixels[0, :, 0].tolist() == [0, 0, 255, 0, 128, 255]
    assert scan.warnings[0] == "Its values 1 to 3 are shown as black to white."
    assert scan.warnings[1].startswith("3 of its values are infinite or not numbers")
    assert len(scan.warnings) == 2
    with pytest.raises(ScanError, match="contains only invalid values"):
        read_scan(encode(Image.fromarray(np.full((2, 2), np.nan, np.float32)), "TIFF"), "a.tif")


def test_bands_do_not_show(monkeypatch):
    monkeypatch.setattr("brainseg.scans.pixels._BAND", 64)  # two rows per band, the last one shorter
    odd = WIDE[:19].astype(np.uint16)
    whole = read_scan(encode(Image.fromarray(odd), "PNG")).full_range
    np.testing.assert_array_equal(whole, stretched(odd))
    np.testing.assert_array_equal(read_scan(encode(Image.fromarray(COLOUR[:19]), "PNG")).pixels, COLOUR[:19])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("source_format", ["PNG", "JPEG", "TIFF"])
def test_orientation_is_applied_and_the_stored_size_kept(source_format, orientation):
    image = Image.fromarray(COLOUR)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if source_format == "JPEG" else {}
    data = encode(image, source_format, exif=exif, **options)
    scan = read_scan(data)
    if source_format == "TIFF":  # Pillow turns a TIFF while it decodes it
        plain = Image.fromarray(COLOUR)
        plain.getexif()[0x0112] = orientation
        expected = ImageOps.exif_transpose(plain)
    else:
        expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(scan.pixels, np.asarray(expected))
    assert scan.size == (30, 20)
    assert scan.pixels.shape == ((30, 20, 3) if orientation > 4 else (20, 30, 3))
    assert scan.pixels.flags.c_contiguous


def test_damaged_orientation_note_costs_a_warning_only():
    scan = read_scan(png(4, 4, before=chunk(b"eXIf", b"no exif at all")))
    assert scan.warnings == ("Its EXIF orientation is damaged; it is shown as stored.",)


@pytest.mark.parametrize("source_format", ["PNG", "GIF", "TIFF"])
def test_first_picture_of_several_with_a_warning(source_format):
    scan = read_scan(pages(source_format))
    np.testing.assert_array_equal(scan.pixels[..., 0], GREY)
    assert scan.warnings == ("It contains several images; only the first is used.",)


@pytest.mark.parametrize("source_format", ["TIFF", "GIF", "PNG"])
def test_pages_are_counted(source_format):
    pages = [Image.fromarray(np.full((6, 9), 20 * number, np.uint8)) for number in range(7)]
    stream = io.BytesIO()
    pages[0].save(stream, source_format, save_all=True, append_images=pages[1:])
    assert read_scan(stream.getvalue()).pages == 7
    alone = io.BytesIO()
    pages[1].save(alone, source_format)
    assert read_scan(alone.getvalue()).pages == 1


@pytest.mark.parametrize("source_format", ["TIFF", "JPEG", "PNG"])
def test_orientation_that_was_applied_is_known(source_format):
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((6, 9), np.uint8)).save(stream, source_format, exif=exif)
    scan = read_scan(stream.getvalue())
    assert (scan.orientation, scan.size, scan.pixels.shape) == (6, (9, 6), (9, 6, 3))
    assert read_scan(encode(Image.fromarray(GREY), source_format)).warnings == ()


def test_suffixes_cover_what_is_read():
    assert {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif"} <= SUFFIXES
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in SUFFIXES)


# --------------------------------------------------------------------------------------------------------- file names


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("x.png", "x.png"),
        ("../../etc/x.png", "x.png"),
        ("C:\\Users\\jane\\x.png", "x.png"),
        ("Hirntumor Übersicht.png", "Hirntumor Übersicht.png"),
        ("脳.png", "脳.png"),
        ("a\nTraceback.png", "a_Traceback.png"),
        ("a\0b.png", "a_b.png"),
        ("\x1b[31mred.png", "_[31mred.png"),
        ("evil\u202egnp.exe", "evil_gnp.exe"),
        ("bad\udcff.png", "bad_.png"),
        ("a\u2028b.png", "a_b.png"),
        ("", "unnamed"),
        ("..", "unnamed"),
        ("/", "unnamed"),
    ],
)
def test_names_are_cleaned(name, shown):
    assert display_name(name) == shown


@pytest.mark.parametrize("length", [81, 300, 400, 5000])
def test_long_names_lose_their_middle(length):
    shown = display_name("a" * length + ".png")
    assert len(shown) <= 80
    assert "…" in shown
    assert shown.endswith(".png")


@pytest.mark.parametrize("name", ["../../etc/x.png", "a" * 300 + ".png", "a\0b.png", "a\nb.png"])
def test_names_of_uploads_and_paths_in_messages(name):
    for call in (lambda: read_scan(b"text", name), lambda: read_scan(Path(name))):
        with pytest.raises(ScanError) as caught:
            call()
        message = str(caught.value)
        assert message.startswith(display_name(name))
        assert "etc" not in message
        assert message.isprintable()
        assert len(message) < 200


# ------------------------------------------------------------------------------------------------ what is not an image


@pytest.mark.parametrize("data", [b"hello", b"\0" * 1000])
def test_what_is_no_image_is_told_what_would_be(data):
    with pytest.raises(ScanError) as caught:
        read_scan(data, "x.png")
    assert str(caught.value) == "x.png is not an image that brainseg reads: use PNG, JPEG, BMP, TIFF or GIF."


def test_empty_file(tmp_path):
    path = tmp_path / "x.png"
    path.touch()
    for source in (path, b""):
        with pytest.raises(ScanError, match=r"is empty \(0 bytes\)\.$"):
            read_scan(source)


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"BM",
        b"II*\0",
        b"GIF89a",
        png(0, 8, rows=b"\0"),
        png(8, 8, before=b"\0\0\0\4\xff\xff\xff\xff1234"),
    ],
)
def test_damage_is_one_sentence(data):
    with pytest.raises(ScanError, match=r"^x\.png is damaged or incomplete \(\w+\): copy or export it again\.$"):
        read_scan(data, "x.png")


@pytest.mark.parametrize(
    "source_format", ["WEBP", "ICO", "PPM", "TGA", "PCX", "DDS", "SGI", "JPEG2000", "EPS", "PDF", "ICNS"]
)
def test_other_formats_of_pillow_are_not_tried(source_format):
    with pytest.raises(ScanError, match=r"not an image that brainseg reads|which brainseg does not read"):
        read_scan(encode(Image.new("RGB", (32, 32)), source_format))


def test_folders_pipes_devices_and_missing_files(tmp_path):
    folder = tmp_path / "scans.png"
    folder.mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    for path, message in [
        (folder, "scans.png is a folder: choose an image file in it."),
        (tmp_path / "pipe.png", "pipe.png is not an ordinary file."),
        (Path("/dev/zero"), "zero is not an ordinary file."),
        (tmp_path / "gone.png", "gone.png does not exist."),
        (tmp_path / "a\0b.png", "a_b.png cannot be opened (invalid file name)."),
    ]:
        with pytest.raises(ScanError) as caught:
            read_scan(path)
        assert str(caught.value) == message
    with pytest.raises(ScanError, match=r"^loop\.png cannot be opened"):
        read_scan(tmp_path / "loop.png")


def test_unreadable_file(tmp_path, monkeypatch):
    path = tmp_path / "secret.png"
    path.write_bytes(png(4, 4))

    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may read everything, so file mode 0 would have no effect
    with pytest.raises(ScanError, match=r"^You may not read secret\.png: ask"):
        read_scan(path)


def test_file_size_is_checked_before_reading(tmp_path, monkeypatch):
    path = tmp_path / "huge.png"
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("opened"))
    with pytest.raises(ScanError, match=r"^huge\.png is larger than 200 MB"):
        read_scan(path)


def test_too_many_bytes_are_refused(monkeypatch):
    monkeypatch.setattr("brainseg.scans.reading.MAX_BYTES", 10)
    with pytest.raises(ScanError, match="is larger than"):
        read_scan(png(4, 4))


@pytest.mark.parametrize("error", [struct.error, SyntaxError, OverflowError, zlib.error, KeyError, RecursionError])
def test_whatever_a_decoder_throws_becomes_one_sentence(error, monkeypatch):
    def fail(_self):
        raise error("inner matters")

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(
        ScanError, match=r"^x\.png is damaged or incomplete \(PNG\): copy or export it again\.$"
    ) as caught:
        read_scan(png(4, 4), "x.png")
    assert isinstance(caught.value.__cause__, error)


@pytest.mark.parametrize("place", ["reading.to_rgb", "reading.turn_upright", "decoding.structure_fault"])
def test_a_fault_of_brainseg_is_logged_and_not_blamed_on_the_file(place, monkeypatch, caplog):
    def fail(*_arguments):
        raise ZeroDivisionError("inner matters")

    monkeypatch.setattr(f"brainseg.scans.{place}", fail)
    with pytest.raises(ZeroDivisionError, match="inner matters"):
        read_scan(png(4, 4), "x.png")
    (record,) = caplog.records
    assert "x.png" in record.getMessage()
    assert record.exc_info
    assert record.exc_info[0] is ZeroDivisionError


def test_a_look_at_the_decoded_image_decodes_nothing_again(monkeypatch):
    opened: list[object] = []
    open_image = Image.open
    monkeypatch.setattr(Image, "open", lambda *args, **options: opened.append(args) or open_image(*args, **options))
    stored = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    scan, (values, orientation) = read_with(
        encode(stored, "PNG"), lambda image, orientation: (np.asarray(image), orientation)
    )
    np.testing.assert_array_equal(values, scan.pixels[..., 0])
    assert (orientation, len(opened)) == (1, 1)


def test_lack_of_memory_has_its_own_sentence(monkeypatch):
    def fail(_self):
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(ScanError, match="more memory"):
        read_scan(png(4, 4))


def test_ctrl_c_is_not_swallowed(monkeypatch):
    def interrupt(_self):
        raise KeyboardInterrupt

    monkeypatch.setattr(ImageFile.ImageFile, "load", interrupt)
    with pytest.raises(KeyboardInterrupt):
        read_scan(png(4, 4))


# ---------------------------------------------------------------------------------------------------- damaged at random

SAMPLES = {
    "png": lambda: encode(Image.fromarray(COLOUR), "PNG"),
    "png16": lambda: encode(Image.fromarray(WIDE.astype(np.uint16)), "PNG"),
    "apng": lambda: pages("PNG"),
    "jpeg": lambda: encode(Image.fromarray(COLOUR), "JPEG"),
    "jpeg-progressive": lambda: encode(Image.fromarray(COLOUR), "JPEG", progressive=True, exif=_exif()),
    "bmp": lambda: encode(Image.fromarray(GREY), "BMP"),
    "gif": lambda: pages("GIF"),
    "tiff": lambda: encode(Image.fromarray(COLOUR), "TIFF", exif=_exif()),
    "tiff-float": lambda: encode(Image.fromarray(WIDE.astype(np.float32)), "TIFF"),
    "tiff-lzw": lambda: encode(Image.fromarray(COLOUR), "TIFF", compression="tiff_lzw"),
    "tiff-deflate-big": lambda: encode(Image.fromarray(GREY), "TIFF", compression="tiff_adobe_deflate", big_tiff=True),
    "tiff-jpeg-pages": lambda: pages("TIFF", compression="jpeg"),
}


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x829A] = 0.5
    return exif


def outcome(data: bytes) -> str:
    """Read a file and return the outcome; anything but a Scan or a ScanError propagates and fails the test."""
    message = ""
    try:
        scan = read_scan(data, "x")
    except ScanError as error:
        message = str(error)
    if message:
        assert message.startswith("x ")
        assert message.isprintable()
        return "error"
    assert scan.pixels.ndim == 3
    assert scan.pixels.dtype == np.uint8
    return "scan"


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_truncation_is_a_scan_or_a_scan_error(sample):
    data = SAMPLES[sample]()
    assert outcome(data) == "scan"
    cuts = random.Random(1).sample(range(len(data)), min(150, len(data)))
    outcomes = Counter(outcome(data[:cut]) for cut in cuts)
    assert outcomes["error"] > 0.4 * len(cuts)  # a file with two images may lose the second


@pytest.mark.parametrize("source_format", ["PNG", "JPEG", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_picture_cut_in_the_middle_is_refused(source_format, share):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encode(Image.fromarray(noise), source_format)
    with pytest.raises(ScanError, match="damaged or incomplete"):
        read_scan(data[: int(share * len(data))])


@pytest.mark.parametrize("sample", SAMPLES)
def test_random_damage_is_a_scan_or_a_scan_error(sample):
    data, chance = SAMPLES[sample](), random.Random(2)
    for _ in range(200):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 8)):
            # Half of the changes are in the first 200 bytes, which contain sizes, counts and offsets.
            place = chance.randrange(min(200, len(data)) if chance.random() < 0.5 else len(data))
            damaged[place] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
        outcome(bytes(damaged))


def test_noise_behind_a_true_signature():
    chance = random.Random(3)
    for signature in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"GIF89a"):
        for _ in range(100):
            outcome(signature + chance.randbytes(chance.randrange(300)))


# ---------------------------------------------------------------------------------------- files built to exhaust us


def png_of_a_huge_size() -> bytes:
    return png(20_000, 20_000, bits=1)


def png_just_above_pillows_error() -> bytes:
    return png(178_956_971, 1, rows=b"\0")


def png_one_long_row() -> bytes:
    return png(24_000_000, 1, bits=1)


def png_with_compressed_text() -> bytes:
    return png(8, 8, before=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(64 << 20))))


def png_with_plain_text() -> bytes:
    return png(8, 8, before=chunk(b"tEXt", b"a\0" + b"x" * (64 << 20)))


def png_of_many_chunks() -> bytes:
    return png(8, 8, before=chunk(b"prVt") * 2_000_000)


def jpeg_of_many_passes() -> bytes:
    data = encode(Image.new("L", (4000, 4000)), "JPEG", progressive=True)
    last_pass = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last_pass * 2000 + data[-2:]


def jpeg_of_many_segments() -> bytes:
    data = encode(Image.new("L", (8, 8)), "JPEG")
    return data[:2] + b"\xff\xe5\0\2" * 6_000_000 + data[2:]


def jpeg_with_much_exif() -> bytes:
    count = 1_000_000
    resolution = {282: (5, count, b"\1\0\0\0\1\0\0\0" * count), 296: (3, 1, b"\2\0")}
    exif = tiff(resolution, b"")
    segments = b""
    for start in range(0, len(exif), 60_000):
        content = b"Exif\0\0" + exif[start : start + 60_000]
        segments += b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content
    data = encode(Image.new("L", (8, 8)), "JPEG")
    return data[:2] + segments + data[20:]  # without JFIF, whose resolution would be used instead


def tiff_of_many_strips() -> bytes:
    count = 6_000_000
    tags = grey_tiff_tags(8) | {278: (4, 1, b"\1\0\0\0"), 273: (4, count, b"\x60\0\0\0" * count)}
    return tiff(tags, bytes(64))


def tiff_with_a_huge_tile() -> bytes:
    side, packer = 20_000, zlib.compressobj(9)
    picture = b"".join(packer.compress(bytes(side)) for _ in range(side)) + packer.flush()
    tags = {tag: (4, 1, struct.pack("<I", n)) for tag, n in {322: side, 323: side, 325: len(picture)}.items()}
    return tiff(grey_tiff_tags(16, compression=8) | tags, picture)


def tiff_with_long_tags() -> bytes:
    count = 3_000_000
    tags = {282: (5, count, b"\1\0\0\0\1\0\0\0" * count), 279: (4, 1, b"\x40\0\0\0")}
    return tiff(grey_tiff_tags(8) | tags, bytes(64))


def tiff_of_directories_in_each_other() -> bytes:
    # 60,000 entries, each pointing to a directory that starts one byte later and is just as long.
    entries = b"".join(struct.pack("<HHII", 330, 4, 1, 8 + k) for k in range(60_000))
    return b"II*\0" + struct.pack("<IH", 8, 60_000) + entries


def tiff_of_tags_that_share_their_content() -> bytes:
    content = bytes(1_000_000)
    entries = b"".join(struct.pack("<HHII", 1000 + k, 7, len(content), 8) for k in range(50_000))
    return b"II*\0" + struct.pack("<IH", 8, 50_000) + entries + b"\0\0\0\0" + content


def gif_with_a_frame_beyond_its_screen() -> bytes:
    frame = b"," + struct.pack("<HHHH", 0, 0, 60_000, 60_000) + b"\0\2\1\0\0;"
    return b"GIF89a" + struct.pack("<HH", 8, 8) + b"\0\0\0" + frame


def gif_of_tiny_blocks() -> bytes:
    frame = b"," + struct.pack("<HHHH", 0, 0, 8, 8) + b"\0\2"
    return b"GIF89a" + struct.pack("<HH", 8, 8) + b"\0\0\0" + frame + b"\1\0" * (25 << 20)


def bmp_of_a_huge_size() -> bytes:
    return (
        b"BM"
        + struct.pack("<IHHI", 0, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, 2**30, 2**30, 1, 24, 0, 0, 0, 0, 0, 0)
    )


def bmp_of_tiny_runs() -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, 5000, 5000, 1, 8, 1, 0, 0, 0, 2, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 62) + head + bytes(8) + b"\1\0" * (8 << 20)


BOMBS: dict[Callable[[], bytes], str] = {
    png_of_a_huge_size: "is too large",
    png_just_above_pillows_error: "is too large",
    png_one_long_row: "is too large",
    png_with_compressed_text: "unpack to a huge text",
    png_with_plain_text: "more than 16 MB besides its pixels",
    png_of_many_chunks: "too many parts",
    jpeg_of_many_passes: "more than 100 passes",
    jpeg_of_many_segments: "too many parts",
    jpeg_with_much_exif: "more than 1 MB of EXIF",
    tiff_of_many_strips: "too many parts",
    tiff_with_a_huge_tile: "tiles of more than 25 megapixels",
    tiff_with_long_tags: "too many parts",
    tiff_of_directories_in_each_other: "too many parts",
    tiff_of_tags_that_share_their_content: "too many parts",
    gif_with_a_frame_beyond_its_screen: "is too large",
    gif_of_tiny_blocks: "GIF of more than 48 MB",
    bmp_of_a_huge_size: "is too large",
    bmp_of_tiny_runs: "run-length encoded BMP of more than 8 MB",
}

# Runs in a separate process, so its peak memory is that of one reading.
MEASURE = """
import pathlib, sys, time
from brainseg.errors import ScanError
from brainseg.scans import read_scan

def peak():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024

for name in sys.argv[1:]:
    data = pathlib.Path(name).read_bytes()
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before, start = peak(), time.perf_counter()
    try:
        text = str(read_scan(data, "x.png").warnings)
    except ScanError as error:
        text = str(error)
    print(peak() - before, time.perf_counter() - start, text, sep="\\t")
    del data
"""


def measure(paths: list[Path]) -> list[tuple[int, float, str]]:
    """Return (growth of memory in MB, seconds, message or warnings) for each file."""
    command = [sys.executable, "-c", MEASURE, *map(str, paths)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=PROJECT_ROOT)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    for path in paths:
        path.unlink()  # pytest keeps temporary folders, and these are large
    return [(int(a), float(b), c) for a, b, c in (line.split("\t") for line in run.stdout.splitlines())]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is read from Linux's /proc")
def test_bombs_are_refused_quickly_and_in_little_memory(tmp_path):
    paths = []
    for build in BOMBS:
        paths.append(tmp_path / build.__name__)
        paths[-1].write_bytes(build())
    for path, (megabytes, seconds, text), expected in zip(paths, measure(paths), BOMBS.values(), strict=True):
        assert text.startswith("x.png "), path.name
        assert expected in text, path.name
        assert megabytes < 50, (path.name, megabytes)
        assert seconds < 2, (path.name, seconds)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is read from Linux's /proc")
def test_largest_picture_allowed_stays_within_memory(tmp_path):
    paths = [tmp_path / "rgba", tmp_path / "grey16", tmp_path / "turned"]
    paths[0].write_bytes(png(5000, 5000, colour=6))
    paths[1].write_bytes(png(5000, 5000, bits=16))
    exif = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    paths[2].write_bytes(png(5000, 5000, colour=2, before=chunk(b"eXIf", exif)))
    for megabytes, _, text in measure(paths):
        assert text == "()"
        assert megabytes < 250  # 4 bytes per pixel in Pillow, 3 in the result, and a band


def test_refusal_names_the_size_and_the_limit():
    with pytest.raises(ScanError) as caught:
        read_scan(png(8000, 4000, bits=1), "x.png")
    assert str(caught.value) == (
        "x.png is too large (8,000 x 4,000 pixels): brainseg reads at most 25 megapixels and 20,000 pixels per side."
    )


@pytest.mark.parametrize("setting", [None, 10, 10**9])
def test_pillows_own_limit_is_neither_needed_nor_changed(setting, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", setting)
    with pytest.raises(ScanError, match="is too large"):
        read_scan(png_of_a_huge_size())
    assert setting == Image.MAX_IMAGE_PIXELS


# --------------------------------------------------------------------------------------------------------- concurrency


def test_eight_threads_read_what_one_reads():
    good = [SAMPLES[sample]() for sample in SAMPLES] * 8
    bad = [data[: len(data) // 3] for data in good]
    mixed = [item for pair in zip(good, bad, strict=True) for item in pair]

    def fingerprint(data: bytes) -> str:
        try:
            return sha256_bytes(read_scan(data).pixels.tobytes())
        except ScanError as error:
            return str(error)

    serial = [fingerprint(data) for data in mixed]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fingerprint, mixed)) == serial


def test_first_reads_of_a_process_may_be_concurrent(tmp_path):
    for sample, build in SAMPLES.items():
        (tmp_path / sample).write_bytes(build())
    code = (
        "import sys; from pathlib import Path; from concurrent.futures import ThreadPoolExecutor\n"
        "from brainseg.scans import read_scan\n"
        "with ThreadPoolExecutor(8) as pool: print(len(list(pool.map(read_scan, map(Path, sys.argv[1:])))))"
    )
    command = [sys.executable, "-c", code, *map(str, sorted(tmp_path.iterdir()))]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=PROJECT_ROOT)
    assert run.stdout.strip() == str(len(SAMPLES)), run.stderr


# ----------------------------------------------------------------------------------------------------------- real data


@pytest.fixture(scope="module")
def kaggle253(shared) -> dict[Path, Scan]:
    folder = shared / "data" / "kaggle253"
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist")
    return {path: read_scan(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_kaggle253_decodes_with_the_known_modes(kaggle253):
    assert len(kaggle253) == 253
    assert all(path.suffix.lower() in SUFFIXES for path in kaggle253)
    assert Counter(scan.mode for scan in kaggle253.values()) == {"RGB": 217, "L": 30, "RGBA": 5, "P": 1}
    assert {scan.warnings for scan in kaggle253.values()} == {(), (SENTENCE,)}  # some have text of a viewer in them
    assert len({scan.size for scan in kaggle253.values()}) == 184


def test_kaggle253_holds_six_pngs_named_as_jpegs(kaggle253):
    lies = [p for p, scan in kaggle253.items() if scan.source_format == "PNG" and p.suffix.lower() in (".jpg", ".jpeg")]
    assert len(lies) == 6


def test_kaggle253_pixels_are_pillows(kaggle253):
    for path, scan in kaggle253.items():
        if scan.mode in ("L", "RGB"):
            np.testing.assert_array_equal(scan.pixels, np.asarray(Image.open(path).convert("RGB")), err_msg=path.name)


def test_lgg_tiffs_decode(shared):
    folder = shared / "data" / "lgg3m"
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist")
    scans = [read_scan(path) for path in sorted(folder.rglob("*.tif"))]
    assert Counter(scan.mode for scan in scans) == {"RGB": 145, "L": 145}
    assert {scan.pixels.shape for scan in scans} == {(256, 256, 3)}
    assert all(set(np.unique(scan.pixels)) <= {0, 255} for scan in scans if scan.mode == "L")


def deep_slice(hot: int | None = None, *, scale: float = 8.0, shift: float = 0.0, kind: type = np.uint16) -> bytes:
    """A TIFF of a noisy head on zeros, with more than 8 bits per pixel; one pixel has the value `hot`."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:96, :96]
    head = ((columns - 48) / 38) ** 2 + ((rows - 48) / 44) ** 2 < 1
    values = np.clip(np.where(head, 90, 0) + random.normal(0, 6, (96, 96)), 0, 255) * scale + shift
    if hot is not None:
        values[0, 0] = hot
    return encode(Image.fromarray(values.astype(kind)), "TIFF")


@pytest.mark.parametrize(
    ("hot", "settings"),
    [
        (65535, {}),
        (1e30, {"kind": np.float32, "scale": 1 / 255}),
        (32767, {"kind": np.int32, "scale": 4, "shift": -300}),
        (-(10**6), {"kind": np.int32}),
    ],
)
def test_one_outlier_pixel_changes_nothing_else_and_is_pointed_out(hot, settings):
    plain, spoilt = read_scan(deep_slice(**settings)), read_scan(deep_slice(hot, **settings))
    assert abs(plain.pixels.mean() - spoilt.pixels.mean()) < 0.5
    assert 60 < plain.pixels.mean() < 140
    assert (plain.outliers, spoilt.outliers) == (0, 1)
    assert any(warning.startswith("1 outlier pixel") for warning in spoilt.warnings)
    assert abs(plain.pixels_of(1).mean() - spoilt.pixels_of(1).mean()) > 40  # what an old model still receives


@pytest.mark.parametrize("kind", [np.uint16, np.float32, np.int32])
def test_padding_far_below_is_black_and_no_outlier(kind):
    values = np.tile(np.linspace(1000, 2000, 64), (64, 1)).astype(kind)
    values[:, :16] = -30000 if kind is not np.uint16 else 0
    scan = read_scan(encode(Image.fromarray(values), "TIFF"))
    assert scan.outliers == 0
    assert not scan.pixels[:, :16].any()
    if kind is not np.uint16:  # zeros may be the background of a head, -30,000 may not
        assert scan.window[0] > 0
        assert 90 < scan.pixels[:, 16:].mean() < 160


@pytest.mark.parametrize("values", [(0, 9), (-5, 70000), (0.25, 0.5)])
def test_each_of_two_values_is_to_be_seen(values):
    picture = np.full((40, 40), values[0], np.float32)
    picture[3, 4] = values[1]
    scan = read_scan(encode(Image.fromarray(picture), "TIFF"))
    assert (scan.pixels.max(), int((scan.pixels[..., 0] == 255).sum())) == (255, 1)


def test_eight_bits_have_no_window_and_are_the_same_for_old_models():
    scan = read_scan(encode(Image.fromarray(GREY.astype(np.uint8)), "PNG"))
    assert (scan.window, scan.full_range, scan.warnings) == (None, None, ())
    assert scan.pixels_of(1) is scan.pixels


def test_what_old_models_see_is_upright_too():
    exif = Image.Exif()
    exif[0x0112] = 6
    scan = read_scan(encode(Image.fromarray(WIDE.astype(np.uint16)), "PNG", exif=exif))
    assert scan.pixels_of(1).shape == scan.pixels.shape
    np.testing.assert_array_equal(scan.full_range, np.rot90(stretched(WIDE), -1))
