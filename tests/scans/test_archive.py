from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from brainseg.datasets.uploads import KEPT, top_folder
from brainseg.errors import DataError
from brainseg.scans import archive
from brainseg.scans.archive import unpack_zip
from tests.datasets.zips import DEVICE, LINK, PIPE, flagged, images, make_zip, of_kind, png, renamed


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "around" / "into"
    folder.mkdir(parents=True)
    return folder


def files(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if not file.is_dir())


def refusal(stream: io.BytesIO, into: Path) -> str:
    with pytest.raises(DataError) as caught:
        unpack_zip(stream, into, KEPT)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


def test_images_come_out_in_their_folders(into):
    steps = []
    unpack_zip(make_zip(images("set/")), into, KEPT, lambda *step: steps.append(step))
    assert files(into) == sorted(images("set/"))
    assert (into / "set/yes/0.png").read_bytes() == images("set/")["set/yes/0.png"]
    assert steps == [(done, 6) for done in range(1, 7)]


def test_a_manifest_comes_along_and_what_is_no_image_stays_behind(into):
    beside = {
        "manifest.csv": b"path,label\n",
        "run.py": b"print()",
        "inner.zip": make_zip(images()).getvalue(),
        "__MACOSX/yes/._0.png": b"resource",
        ".DS_Store": b"x",
        "yes/.hidden.png": png(),
        "Thumbs.db": b"x",
    }
    unpack_zip(make_zip(images() | beside), into, KEPT)
    assert files(into) == sorted([*images(), "manifest.csv"])


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../escaped.png", "leaves the folder"),
        ("yes/../../escaped.png", "leaves the folder"),
        ("../.hidden", "leaves the folder"),
        ("__MACOSX/../../escaped.png", "leaves the folder"),
        ("/tmp/escaped.png", "absolute path"),
        ("//server/share/escaped.png", "absolute path"),
        ("C:/escaped.png", "absolute path"),
        ("c:escaped.png", "absolute path"),
        ("a" * 300 + ".png", "too long"),
        ("yes/" * 300 + "a.png", "too long"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(into, name, fault):
    assert fault in refusal(make_zip(images() | {name: png()}), into)
    assert files(into.parent) == []


@pytest.mark.parametrize("name", [b"..\\..\\escaped.png", b"\\\\server\\escape.png", b"C:\\users\\esc.png\\\\"])
def test_backslashes_are_refused(into, name):
    plain = b"x" * (len(name) - 4) + b".png"
    assert "backslash" in refusal(renamed(make_zip(images() | {plain.decode(): png()}), plain, name), into)


def test_a_name_with_a_nul_is_refused(into):
    stream = renamed(make_zip(images() | {"yes/plain.png.exe": png()}), b"yes/plain.png.exe", b"yes/plain.png\0exe")
    assert "a name with invalid characters" in refusal(stream, into)


@pytest.mark.parametrize(("kind", "what"), [(LINK, "a link"), (PIPE, "not a plain file"), (DEVICE, "not a plain file")])
def test_links_and_devices_are_refused(into, kind, what):
    assert what in refusal(of_kind("yes/link.png", kind), into)
    assert files(into) == []


def test_an_encrypted_file_is_refused(into):
    assert "without a password" in refusal(flagged(make_zip(images()), 0x1), into)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(into, method):
    assert "deflate" in refusal(make_zip(images(), method), into)


@pytest.mark.parametrize(
    ("one", "other"),
    [("yes/A.png", "YES/a.png"), ("yes/ä.png", "yes/a\u0308.png"), ("yes/a.png", "yes//a.png")],
)
def test_names_that_some_disks_take_for_one_are_refused(into, one, other):
    assert "twice" in refusal(make_zip({one: png(), other: png(5)}), into)


def test_a_file_that_is_a_folder_too_is_refused(into):
    assert "both as a file and as a folder" in refusal(make_zip({"yes.png": png(), "yes.png/a.png": png()}), into)


def test_a_bomb_is_refused_while_it_unpacks(into, monkeypatch):
    monkeypatch.setattr(archive, "RATIO_FREE", 1024**2)
    stream = make_zip({"yes/bomb.png": bytes(30 * 1024**2)})
    assert "more than 100 times its size" in refusal(stream, into)
    assert sum(file.stat().st_size for file in into.rglob("*.png")) < 10 * 1024**2


def test_a_size_that_the_header_hides_is_counted(into, monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    stream = make_zip({"yes/a.bmp": bytes(5000)}, zipfile.ZIP_STORED)
    honest = (5000).to_bytes(4, "little")
    data = stream.getvalue()
    # The header claims 900 unpacked bytes, but there are 5000.
    lied = data.replace(honest + honest, honest + (900).to_bytes(4, "little"))
    assert data != lied
    assert refusal(io.BytesIO(lied), into)
    assert sum(file.stat().st_size for file in into.rglob("*.bmp")) <= 1000


def test_too_much_in_all_is_refused_before_anything_is_written(into, monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    assert "add a folder of the server instead" in refusal(
        make_zip({"yes/a.bmp": bytes(900), "no/b.bmp": bytes(900)}), into
    )
    assert files(into) == []


def test_too_many_entries_are_refused(into, monkeypatch):
    monkeypatch.setattr(archive, "MAX_ENTRIES", 5)
    assert "more than 5 entries" in refusal(make_zip(images()), into)


def test_a_huge_table_of_contents_is_refused_before_it_is_read(into, monkeypatch):
    monkeypatch.setattr(archive, "MAX_READ", 100_000)  # more than the end record of a zip file
    stream = make_zip({f"{'folder/' * 20}{number}.png": b"" for number in range(1000)})
    assert "entries: split it" in refusal(stream, into)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06", make_zip(images()).getvalue()[:-30]])
def test_what_is_no_zip_file_is_refused(into, content):
    assert "not a zip file, or it is damaged" in refusal(io.BytesIO(content), into)


def test_a_changed_byte_is_found(into):
    stream = make_zip({"yes/a.bmp": b"abcdefgh" * 9}, zipfile.ZIP_STORED)
    assert "damaged" in refusal(renamed(stream, b"cdefgh", b"cdefgH"), into)


def test_overlapping_entries_are_refused(into):
    """Two entries of the table with the same bytes: this is how a small file unpacks to a huge one."""
    stream = make_zip({"yes/a.png": png(), "yes/b.png": png(7)}, zipfile.ZIP_STORED)
    data = bytearray(stream.getvalue())
    second = data.rfind(b"PK\x01\x02")
    data[second + 42 : second + 46] = (0).to_bytes(4, "little")
    assert "damaged" in refusal(io.BytesIO(bytes(data)), into)


@pytest.mark.parametrize(
    ("entries", "top"),
    [
        (["set/yes/a.png", "set/no/b.png"], "set"),
        (["a/b/yes/a.png", "a/b/no/b.png"], "a/b"),
        (["yes/a.png", "no/b.png"], "."),
        (["yes/a.png"], "."),
        (["set/manifest.csv", "set/a.png"], "set"),
    ],
)
def test_folders_around_the_classes_are_taken_off(into, entries, top):
    unpack_zip(make_zip({name: png() for name in entries}), into, KEPT)
    assert top_folder(into) == into / top
