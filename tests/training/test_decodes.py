from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from PIL.ImageFile import ImageFile

from brainseg.files import sha256_bytes, sha256_file
from brainseg.tasks import task_of
from brainseg.training.trainer import train


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often the content of each image file is decoded, by its SHA-256."""
    counted: Counter[str] = Counter()
    load = ImageFile.load

    def counting(image: ImageFile) -> object:
        if image.tile:  # it is not decoded yet
            counted[sha256_bytes(image.fp.getvalue())] += 1
        return load(image)

    monkeypatch.setattr(ImageFile, "load", counting)
    return counted


def test_an_evaluated_slice_is_decoded_twice_and_its_mask_once(
    home: Path, tmp_path: Path, recorder, mask_config, masked_set: Path, decodes: Counter[str]
) -> None:
    train(task_of(mask_config({"training.epochs": 1})), recorder(), tmp_path / "run", "decodes")
    slices = pd.read_parquet(tmp_path / "run" / "slices.parquet")
    evaluated = [masked_set / path for path in slices["path"]]
    assert {decodes[sha256_file(file)] for file in evaluated} == {2}
    # All masks without a tumour have the same content.
    masks = [masked_set / "masks" / file.name for file, has in zip(evaluated, slices["has_tumour"], strict=True) if has]
    assert {decodes[sha256_file(file)] for file in masks} == {1}
