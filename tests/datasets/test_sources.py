from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest

from brainseg.datasets.manifest import SPLIT_NAMES
from brainseg.datasets.sources import open_dataset
from brainseg.datasets.table import COLUMNS, Dataset
from brainseg.errors import DataError
from brainseg.files import sha256_file
from tests.datasets.conftest import opened_pngs, write_images

TWO = ("no/a.png", "yes/a.png")


def rows(dataset: Dataset, *columns: str) -> list[tuple[str, ...]]:
    return list(dataset.table[list(columns)].itertuples(index=False, name=None))


def refusal(path: Path) -> str:
    """The error message for a dataset."""
    with pytest.raises(DataError) as caught:
        open_dataset(path)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert text.encode("utf-8")
    return text


def kinds(dataset: Dataset) -> dict[str, str]:
    """The messages of the dataset's findings, by kind."""
    return {finding.kind: finding.message for finding in dataset.findings}


# ------------------------------------------------------------------------------------------------------- class folders


def test_class_folders_become_a_sorted_table(tmp_path):
    write_images(tmp_path, ["yes/b.png", "yes/a.PNG", "no/c.png"])
    dataset = open_dataset(tmp_path)
    assert dataset.root == tmp_path
    assert dataset.classes == ("no", "yes")
    assert list(dataset.table.columns) == COLUMNS
    assert rows(dataset, "path", "label", "group", "split") == [
        ("no/c.png", "no", "", ""),
        ("yes/a.PNG", "yes", "", ""),
        ("yes/b.png", "yes", "", ""),
    ]
    assert rows(dataset, "mode", "source_format", "width", "height", "warnings") == [("L", "PNG", 9, 8, "")] * 3
    assert [dataset.table["sha256"][row] for row in range(3)] == [
        sha256_file(dataset.file(path)) for path in dataset.table["path"]
    ]
    assert (dataset.bad, dataset.ignored) == ((), ())


def test_folders_in_a_class_folder_belong_to_the_class(tmp_path):
    write_images(tmp_path, [*TWO, "yes/patient 1/t1/a.png", "yes/patient 1/a.png"])
    assert rows(open_dataset(tmp_path), "path", "label") == [
        ("no/a.png", "no"),
        ("yes/a.png", "yes"),
        ("yes/patient 1/a.png", "yes"),
        ("yes/patient 1/t1/a.png", "yes"),
    ]


@pytest.mark.parametrize(
    "name", ["nan", "None", "1", " spaced out ", "a,b", "-x", "ümläut", "'q\"", "a.png", "日本", "$(x)"]
)
def test_classes_may_have_odd_names(tmp_path, name):
    write_images(tmp_path, [f"{name}/1.png", "other/1.png"])
    dataset = open_dataset(tmp_path)
    assert set(dataset.classes) == {name, "other"}
    assert dict(rows(dataset, "path", "label")) == {f"{name}/1.png": name, "other/1.png": "other"}
    assert dataset.usable(skip_bad=False) is dataset


def test_progress_counts_every_file_in_order(tmp_path):
    write_images(tmp_path, [f"{label}/{number}.png" for label in ("no", "yes") for number in range(5)])
    calls = []
    open_dataset(tmp_path, lambda done, total: calls.append((done, total)))
    assert calls == [(number, 10) for number in range(1, 11)]


def test_who_stops_in_the_middle_does_not_wait_for_the_rest(tmp_path):
    write_images(tmp_path, ["no/a.png", *(f"yes/{number}.png" for number in range(400))])

    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with opened_pngs() as opened, pytest.raises(InterruptedError):
        open_dataset(tmp_path, stop)
    assert 1 <= len(opened) < 200


# -------------------------------------------------------------------------------------------------------- given splits


@pytest.mark.parametrize(
    ("folder", "split"), [*SPLIT_NAMES.items(), ("Training", "train"), ("TEST", "test"), ("Val", "valid")]
)
def test_split_folder_gives_its_split(tmp_path, folder, split):
    write_images(tmp_path / folder, TWO)
    dataset = open_dataset(tmp_path)
    assert dataset.classes == ("no", "yes")
    assert rows(dataset, "path", "label", "split") == [
        (f"{folder}/no/a.png", "no", split),
        (f"{folder}/yes/a.png", "yes", split),
    ]


def test_three_split_folders_in_mixed_case(tmp_path):
    for folder in ("TRAIN", "Valid", "testing"):
        write_images(tmp_path / folder, TWO)
    write_images(tmp_path / "testing", ["maybe/sub/a.png"])
    dataset = open_dataset(tmp_path)
    assert dataset.classes == ("maybe", "no", "yes")
    counts = dataset.table["split"].value_counts().to_dict()
    assert counts == {"train": 2, "valid": 2, "test": 3}


def test_a_class_may_be_called_test(tmp_path):
    write_images(tmp_path, ["test/a.png", "control/a.png"])
    dataset = open_dataset(tmp_path)
    assert rows(dataset, "label", "split") == [("control", ""), ("test", "")]


def test_class_folders_beside_split_folders_are_refused(tmp_path):
    write_images(tmp_path / "Training", TWO)
    write_images(tmp_path, ["docs/a.png"])
    text = refusal(tmp_path)
    assert "'Training'" in text
    assert "'docs'" in text


def test_split_folders_without_class_folders_are_refused(tmp_path):
    write_images(tmp_path, ["train/a.png", "test/b.png"])
    assert "test has no class folders" in refusal(tmp_path)


# ------------------------------------------------------------------------------------------------ what is no image file


def test_hidden_things_take_no_part(tmp_path):
    write_images(
        tmp_path,
        [
            *(*TWO, ".git/a.png", "yes/.a.png", "yes/.ipynb_checkpoints/a-checkpoint.png"),
            *("__MACOSX/yes/._a.png", "yes/__MACOSX/._a.png"),
        ],
    )
    (tmp_path / ".DS_Store").write_bytes(b"x")
    dataset = open_dataset(tmp_path)
    assert dataset.classes == ("no", "yes")
    assert rows(dataset, "path") == [("no/a.png",), ("yes/a.png",)]
    assert (dataset.bad, dataset.ignored) == ((), ())


def test_other_files_are_listed_as_ignored_wherever_they_lie(tmp_path):
    write_images(tmp_path / "train", TWO)
    for name in ("README.md", "train/notes.txt", "train/yes/Thumbs.db", "train/yes/noextension"):
        (tmp_path / name).write_text("x")
    write_images(tmp_path, ["cover.png", "train/stray.png"])
    dataset = open_dataset(tmp_path)
    assert set(dataset.ignored) == {
        *("README.md", "cover.png", "train/notes.txt", "train/stray.png"),
        *("train/yes/Thumbs.db", "train/yes/noextension"),
    }
    assert len(dataset.table) == 2


def test_links_that_lead_nowhere_in_circles_or_out_are_listed_and_not_followed(tmp_path):
    elsewhere = write_images(tmp_path / "elsewhere", ["x.png"])
    root = write_images(tmp_path / "set", TWO)
    (root / "yes" / "gone.png").symlink_to(tmp_path / "gone.png")
    (root / "yes" / "up").symlink_to(root)
    (root / "yes" / "more").symlink_to(elsewhere)
    (root / "yes" / "folder.png").symlink_to(elsewhere)
    (root / "self").symlink_to(root / "self")
    (root / "circle").symlink_to(root)
    dataset = open_dataset(root)
    assert dataset.classes == ("no", "yes")
    assert len(dataset.table) == 2
    assert [bad.path for bad in dataset.bad] == ["yes/gone.png"]
    assert set(dataset.ignored) == {"self", "circle", "yes/up", "yes/more", "yes/folder.png"}


def test_class_folder_and_image_may_be_links(tmp_path):
    store = write_images(tmp_path / "store", ["x/a.png", "b.png"])
    root = write_images(tmp_path / "set", ["no/a.png"])
    (root / "yes").symlink_to(store / "x")
    (root / "no" / "b.png").symlink_to(store / "b.png")
    assert rows(open_dataset(root), "path", "label") == [("no/a.png", "no"), ("no/b.png", "no"), ("yes/a.png", "yes")]


def test_pipes_and_folders_with_an_images_name_do_not_hang(tmp_path):
    write_images(tmp_path, [*TWO, "yes/folder.png/b.png"])
    os.mkfifo(tmp_path / "yes" / "pipe.png")
    dataset = open_dataset(tmp_path)
    assert [bad.reason for bad in dataset.bad] == ["yes/pipe.png is not an ordinary file."]
    assert rows(dataset, "path")[-1] == ("yes/folder.png/b.png",)


# ----------------------------------------------------------------------------------------------------------- bad files


def test_bad_files_are_listed_by_name_with_their_reason(tmp_path):
    write_images(tmp_path, [*TWO, "yes/cut.png", "yes/deep/empty.png"])
    (tmp_path / "yes" / "cut.png").write_bytes((tmp_path / "yes" / "cut.png").read_bytes()[:40])
    (tmp_path / "yes" / "deep" / "empty.png").write_bytes(b"")
    (tmp_path / "no" / "text.jpg").write_text("not an image")
    dataset = open_dataset(tmp_path)
    assert len(dataset.table) == 2
    reasons = {bad.path: bad.reason for bad in dataset.bad}
    assert set(reasons) == {"no/text.jpg", "yes/cut.png", "yes/deep/empty.png"}
    for path, reason in reasons.items():
        assert reason.startswith(f"{path} ")
        assert reason.endswith(".")
        assert "\n" not in reason


def test_names_that_are_not_utf8_are_bad_files_and_can_still_be_printed(tmp_path):
    write_images(tmp_path, [*TWO, os.fsdecode(b"yes/\xdcbung.png"), os.fsdecode(b"yes/sub\xff/b.png")])
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/yes/\xdcbung.txt")).write_text("x")
    dataset = open_dataset(tmp_path)
    assert len(dataset.table) == 2
    assert dataset.fingerprint
    for text in [*(bad.path for bad in dataset.bad), *(bad.reason for bad in dataset.bad), *dataset.ignored]:
        assert "bung" in text or "sub" in text
        text.encode("utf-8")
    assert all("not in UTF-8: rename it" in bad.reason for bad in dataset.bad)


def test_class_or_dataset_folder_that_is_not_utf8_is_refused(tmp_path):
    write_images(tmp_path / "one", [*TWO, os.fsdecode(b"\xdcbung/a.png")])
    assert "class folder" in refusal(tmp_path / "one")
    two = write_images(tmp_path / os.fsdecode(b"\xff"), TWO)
    assert "UTF-8" in refusal(two)


# ----------------------------------------------------------------------------------------------- what is no dataset


def test_path_that_is_no_dataset_is_one_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "hollow" / "yes").mkdir(parents=True)
    (tmp_path / "text").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    write_images(tmp_path, ["flat/a.png"])
    assert "does not exist" in refusal(tmp_path / "missing")
    assert "does not exist" in refusal(tmp_path / "loop")
    assert "does not exist" in refusal(Path("a\0b"))
    assert "has no class folders" in refusal(tmp_path / "empty")
    assert "has no class folders" in refusal(tmp_path / "flat")
    assert "contain no images" in refusal(tmp_path / "hollow")
    assert "neither a folder nor a file" in refusal(tmp_path / "pipe")
    assert "a.png is a single image" in refusal(tmp_path / "flat" / "a.png")
    assert "too long" in refusal(Path("x" * 5000))
    assert "no such user" in refusal(Path("~nobody-by-this-name/set"))


def test_path_may_start_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(write_images(tmp_path / "set", TWO).parent))
    assert open_dataset(Path("~/set")).root == tmp_path / "set"


@pytest.mark.skipif(os.geteuid() == 0, reason="the system administrator may read everything")
@pytest.mark.parametrize("locked", ["", "yes", "yes/sub"])
def test_folder_that_may_not_be_read_is_refused_and_not_taken_for_empty(tmp_path, locked):
    write_images(tmp_path, [*TWO, "yes/sub/a.png"])
    (tmp_path / locked).chmod(0)
    try:
        assert "Permission denied" in refusal(tmp_path)
    finally:
        (tmp_path / locked).chmod(0o755)


# ------------------------------------------------------------------------------------------------------------ manifest


@pytest.fixture
def manifest(tmp_path):
    """Write `manifest.csv` beside the images no/a.png, yes/a.png and "odd/x, y.png"; return its path."""
    write_images(tmp_path, [*TWO, "odd/x, y.png"])

    def write(content: str | bytes) -> Path:
        file = tmp_path / "manifest.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return file

    return write


def test_manifest_gives_label_group_and_split(manifest):
    file = manifest("path,label,group,split\nyes/a.png,tumour,p2,Testing\nno/a.png,none,,TRAIN\n")
    for path in (file, file.parent):
        dataset = open_dataset(path)
        assert dataset.root == file.parent
        assert dataset.classes == ("none", "tumour")
        assert rows(dataset, "path", "label", "group", "split") == [
            ("no/a.png", "none", "", "train"),
            ("yes/a.png", "tumour", "p2", "test"),
        ]


PLAIN = [("no/a.png", "n"), ("yes/a.png", "y")]


@pytest.mark.parametrize(
    "content",
    [
        "path,label\nno/a.png,n\nyes/a.png,y",
        "\ufeffpath,label\r\nno/a.png,n\r\nyes/a.png,y\r\n",
        "path,label\rno/a.png,n\ryes/a.png,y\r",
        'label,note,path\nn,,no/a.png\ny,"two\nlines, one comma",yes/a.png\n',
        "Path, LABEL \n no/a.png , n\n\nyes/a.png,y\n\n",
        '"path","label"\n"no/a.png","n"\n"yes/a.png","y"\n',
        "path,label\n.\\no\\a.png,n\n./yes//a.png,y\n",
        "path,label\nno/a.png,n,\nyes/a.png,y,,,\n",
        "path,label,group,split\nno/a.png,n\nyes/a.png,y,,\n",
        "path,label,mask,mask\nno/a.png,n,1,2\nyes/a.png,y,3,4\n",
    ],
    ids=["plain", "bom", "mac", "lines in quotes", "spaces", "quotes", "windows", "commas at end", "short", "others"],
)
def test_manifest_as_programs_write_it(manifest, content):
    dataset = open_dataset(manifest(content))
    assert rows(dataset, "path", "label") == PLAIN
    assert rows(dataset, "group", "split") == [("", "")] * 2


@pytest.mark.parametrize(
    "content",
    [
        "path;label\nno/a.png;n\nyes/a.png;y\n".encode("utf-8-sig"),
        b"sep=;\r\npath;label\r\nno/a.png;n\r\nyes/a.png;y\r\n",
        b'"sep=\t"\npath\tlabel\nno/a.png\tn\nyes/a.png\ty\n',
        b"path\tlabel\nno/a.png\tn\nyes/a.png\ty\n",
        b"path|label\nno/a.png|n\nyes/a.png|y\n",
        "path\tlabel\r\nno\\a.png\tn\r\nyes\\a.png\ty\r\n".encode("utf-16"),
        "path,label\nno/a.png,n\nyes/a.png,y\n".encode("utf-16-be"),
        "path,label\nno/a.png,n\nyes/a.png,y\n".encode("utf-16-le"),
        b"Image Path,Diagnosis\nno/a.png,n\nyes/a.png,y\n",
        b"filename;class\nno/a.png;n\nyes/a.png;y\n",
        b"path,label\nNO\\A.PNG,n\nyes/a,y\n",
        b"path,label\nD:\\data\\no\\a.png,n\nD:\\data\\yes\\a.png,y\n",
        b"path,label\n/home/me/set/no/a.png,n\n\\\\server\\set\\yes\\a.png,y\n",
    ],
)
def test_manifest_as_spreadsheets_and_other_machines_write_it(manifest, content):
    assert rows(open_dataset(manifest(content)), "path", "label") == PLAIN


def test_absolute_paths_below_the_folder_are_read(manifest):
    root = manifest("").parent
    dataset = open_dataset(manifest(f"path,label\n{root}/no/a.png,n\n{root}/yes/a.png,y\n"))
    assert rows(dataset, "path", "label") == PLAIN
    assert "absolute-paths" not in kinds(dataset)


def test_a_table_in_windows_text_is_read_and_said(manifest):
    dataset = open_dataset(manifest("path,label\nno/a.png,gliome é\nyes/a.png,y\n".encode("cp1252")))
    assert dataset.classes == ("gliome é", "y")
    assert "cp1252" in kinds(dataset)["encoding"]


def test_a_manifest_in_the_wrong_folder_is_one_sentence(tmp_path):
    names = [f"c{number % 2}/{number}.png" for number in range(40)]
    lines = "\n".join(["path,label", *(f"{name},{name[:2]}" for name in names)])
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "manifest.csv").write_text(lines)
    text = refusal(tmp_path / "elsewhere")
    assert text.startswith("None of the 40 paths in manifest.csv exists below ")
    assert text.endswith("the first missing one is 'c0/0.png': move the manifest to the folder of the images.")
    write_images(tmp_path / "elsewhere", names[:3])
    assert refusal(tmp_path / "elsewhere").startswith("Only 3 of the 40 paths")


def test_bare_names_are_found_in_the_folders_beside_the_table(tmp_path):
    write_images(tmp_path, ["images/x1.png", "images/x2.png", "images/sub/x3.jpg"])
    (tmp_path / "labels.csv").write_text("filename,class\nx1.png,a\nx2,b\nX3.jpg,b\n")
    dataset = open_dataset(tmp_path)
    assert rows(dataset, "path", "label") == [
        ("images/sub/x3.jpg", "b"),
        ("images/x1.png", "a"),
        ("images/x2.png", "b"),
    ]
    assert "labels.csv has the columns of a manifest" in kinds(dataset)["manifest-name"]
    assert kinds(dataset)["manifest-paths"].startswith("3 paths in labels.csv do not exist as written")


def test_a_table_beside_class_folders_changes_nothing(tmp_path):
    write_images(tmp_path, TWO)
    (tmp_path / "meta.csv").write_text("path,label\nno/a.png,x\n")
    assert open_dataset(tmp_path).classes == ("no", "yes")


def test_odd_columns_are_pointed_out(manifest):
    dataset = open_dataset(manifest("path,label,age,image_id,group\nno/a.png,n,50,7,p\nyes/a.png,y,60,7,q\n"))
    assert kinds(dataset)["ignored-columns"] == "Columns of manifest.csv that are not used: age."
    assert "such as '7'" in kinds(dataset)["duplicate-ids"]


def test_quoted_comma_in_a_path(manifest):
    dataset = open_dataset(manifest('path,label\n"odd/x, y.png","with, comma"\nno/a.png,nan\n'))
    assert rows(dataset, "path", "label") == [("no/a.png", "nan"), ("odd/x, y.png", "with, comma")]
    assert dataset.bad == ()


def test_files_that_a_manifest_names_but_are_not_there_are_bad_files(manifest):
    dataset = open_dataset(manifest("path,label\nno/a.png,n\nyes/gone.png,y\nyes,y\n~/a.png,y\nnul\0.png,y\n"))
    assert rows(dataset, "path") == [("no/a.png",)]
    assert [bad.path for bad in dataset.bad] == ["yes/gone.png", "yes", "~/a.png", "nul\0.png"]
    assert [bad.reason.split(" ", 1)[0] for bad in dataset.bad] == ["yes/gone.png", "yes", "~/a.png", "nul_.png"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["no rows"]),
        ("\n\n", ["no rows"]),
        ("path,label\n", ["no rows"]),
        ("path,mask\nno/a.png,x\n", ["no column 'label'", "path and label"]),
        ("where,label\nno/a.png,x\n", ["no column 'path'", "it has where, label"]),
        ("where;label\nno/a.png;x\n", ["no column 'path'"]),
        ("no/a.png,n\nyes/a.png,y\n", ["no column 'path'"]),
        ("path,label,Label\nno/a.png,n,m\n", ["two columns 'label'"]),
        ("path,label\nno/a.png,n\n,y\n", ["line 3", "fill in both"]),
        ("path,label\n\n\nno/a.png,\n", ["line 4", "fill in both"]),
        ("path,label\nno/a.png\n", ["line 2", "fill in both"]),
        ("path,label\n,\n", ["line 2", "fill in both"]),
        ("path,label\nodd/x, y.png,n\n", ["line 2", "more cells", "quotes"]),
        ("path,label\nno/a.png,n\n./no//a.png,y\n", ["'no/a.png' more than once"]),
        ("path,label\nno/a.png,n\nno\\a.png,n\n", ["'no/a.png' more than once"]),
        ("path,label\n../a.png,n\n", ["line 2", "'../a.png' leaves"]),
        ("path,label\nno/../../a.png,n\n", ["leaves"]),
        ("path,label\nno\\..\\..\\a.png,n\n", ["leaves"]),
        ("path,label\n/etc/passwd,n\n", ["leaves"]),
        ("path,label\nC:\\set\\a.png,n\n", ["leaves"]),
        ("path,label\nc:/set/a.png,n\n", ["leaves"]),
        ("path,label\n\\\\server\\set\\a.png,n\n", ["leaves"]),
        ("path,label,split\nno/a.png,n,holdout\n", ["line 2", "'holdout' is unknown", "train, valid, test"]),
        ('path,label\n"no/a.png,n\nyes/a.png,y\n', ["fill in both"]),
        ("path,class,diagnosis\nno/a.png,n,n\n", ["no column 'label'", "'class' and 'diagnosis' could be that column"]),
        ("path,label\nno/\x81.png,n\n".encode("latin-1"), ["CSV in UTF-8"]),
        (b"\x89PNG\r\n\x1a\n", ["CSV in UTF-8"]),
        ("path,label\n" + "x" * 200_000 + ",n\n", ["CSV in UTF-8"]),
    ],
    ids=range(28),
)
def test_damaged_manifest_is_one_sentence(manifest, content, words):
    text = refusal(manifest(content))
    assert text.startswith("manifest.csv")
    assert all(word in text for word in words), text


def test_labels_and_groups_come_back_from_any_text(manifest):
    texts = ['say "no"', "a,b", "ünï 🧠", "007", "NaN", "None", "-", "=1+1"]
    root = manifest("").parent
    write_images(root, [f"{number}.png" for number in range(len(texts))])
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerows([("path", "label", "group"), *((f"{n}.png", text, text) for n, text in enumerate(texts))])
    dataset = open_dataset(manifest(stream.getvalue()))
    assert rows(dataset, "label", "group") == [(text, text) for text in texts]
    assert dataset.classes == tuple(sorted(texts))


# ----------------------------------------------------------------------------------------------------------- real data


def test_kaggle253_has_253_images_in_two_classes(kaggle):
    assert kaggle.classes == ("no", "yes")
    assert kaggle.table["label"].value_counts().to_dict() == {"yes": 155, "no": 98}
    assert (kaggle.bad, kaggle.ignored) == ((), ())
    assert kaggle.usable(skip_bad=False) is kaggle


def test_lgg_pairs_have_no_labels_but_patients_where_labels_are_added(shared, tmp_path):
    pairs = shared / "data" / "lgg_pairs"
    if not pairs.is_dir():
        pytest.skip(f"{pairs} does not exist")
    assert refusal(pairs) == (
        "manifest.csv has no column 'label': a manifest needs path and label; it has path, mask, group, slice, "
        "tumour_pixels."
    )
    assert "'label'" in refusal(pairs / "manifest.csv")

    with (pairs / "manifest.csv").open(newline="") as stream:
        slices = list(csv.DictReader(stream))[::40]
    (tmp_path / "images").symlink_to(pairs / "images")
    with (tmp_path / "labelled.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*slices[0], "label"])
        writer.writeheader()
        writer.writerows({**row, "label": "tumour" if int(row["tumour_pixels"]) else "none"} for row in slices)
    dataset = open_dataset(tmp_path / "labelled.csv")
    assert len(dataset.table) == len(slices) == 30
    assert set(dataset.table["group"]) == {row["group"] for row in slices}
    assert dataset.classes == ("none", "tumour")


def test_one_image_is_no_dataset(tmp_path):
    assert refusal(write_images(tmp_path, ["yes/a.png"]) / "yes" / "a.png").endswith(
        "yes/a.png is a single image: choose the folder around its class folder, or a CSV manifest."
    )
