"""The archive that `benchmarks.archive` measures, and how its rows are shown."""

from __future__ import annotations

from pathlib import Path

import cv2
import pyarrow as pa
import pyarrow.parquet
import pytest

from benchmarks import archive
from brainseg.files import sha256_file


def test_all_images_differ(tmp_path: Path) -> None:
    archive.write_images(tmp_path, 205, 64)
    files = sorted(tmp_path.rglob("*.png"))
    assert len(files) == len({sha256_file(file) for file in files}) == 205
    assert [folder.name for folder in sorted(tmp_path.iterdir())] == ["study00000", "study00001", "study00002"]
    assert cv2.imread(str(files[0])).shape == (64, 64, 3)


@pytest.mark.parametrize("fault", ["", "twice", "missing", "failed", "same"])
def test_a_row_is_stored_only_for_each_image_once(fault: str, tmp_path: Path) -> None:
    names = ["a.png", "b.png", "c.png"]
    for name in names:
        (tmp_path / name).touch()
    table = {"file": names, "image_sha256": ["1", "2", "3"], "error": [None, None, None]}
    if fault == "twice":
        table = {column: [*cells, cells[-1]] for column, cells in table.items()}
    elif fault == "missing":
        table = {column: cells[:2] for column, cells in table.items()}
    elif fault == "failed":
        table["error"][1] = "damaged"
    elif fault == "same":
        table["image_sha256"][1] = "1"
    out = tmp_path / "answers.parquet"
    pyarrow.parquet.write_table(pa.table({**table, "error": pa.array(table["error"], pa.string())}), out)
    if not fault:
        archive.check(out, tmp_path, 3)
        return
    with pytest.raises(SystemExit):
        archive.check(out, tmp_path, 3)


def test_the_table_shows_the_newest_row_of_each_size() -> None:
    row = {"images": 1000, "arch": "resnet18", "size": 96, "seconds": 20.4, "per_second": 61.2,
           "backend": "OpenVINO (bf16)", "memory_mb": {"10": 500, "50": 510, "100": 1510}}  # fmt: skip
    lines = archive.report([{**row, "seconds": 9}, row, {**row, "images": 100}]).splitlines()
    assert lines[0] == "| images | model | seconds | images a second | memory at 10 %, 50 %, 100 % | answered with |"
    assert lines[2].startswith("| 100 |")
    assert lines[3] == "| 1,000 | resnet18, 96 px | 20 | 61 | 500, 510, 1,510 MB | OpenVINO (bf16) |"
    assert len(lines) == 4
