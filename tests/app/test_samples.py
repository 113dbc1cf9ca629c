from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from PIL import Image

from brainseg.app.diagnose.samples import MOST, THUMBNAIL, known, samples, thumbnail
from brainseg.errors import ScanError
from brainseg.files import sha256_file
from brainseg.runs import Run, RunStore
from tests.conftest import tiny_config, write_set


@pytest.fixture(autouse=True)
def no_caches() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def evaluated(home: Path, tmp_path: Path):
    """Store a run with a split: the numbers of each class's held-out images, the others were learnt from."""

    def make(classes: tuple[str, ...], held_out: set[int], side: str = "valid") -> Run:
        data = write_set(tmp_path / "set", classes, 6)
        files = sorted(data.glob("*/*.png"))
        rows = [
            {
                "path": file.relative_to(data).as_posix(),
                "label": file.parent.name,
                "group": "",
                "sha256": sha256_file(file),
                "split": side if int(file.stem) in held_out else "train",
            }
            for file in files
        ]
        store = RunStore()
        run = store.create(tiny_config(data), "evaluated", "RUNNING")
        (tmp_path / "results").mkdir()
        pd.DataFrame(rows).to_csv(tmp_path / "results" / "split.csv", index=False)
        store.log_folder(run.id, tmp_path / "results")
        store.set_status(run.id, "FINISHED")
        return store.get(run.id)

    return make


@pytest.mark.parametrize("side", ["valid", "test"])
def test_samples_are_held_out_and_of_every_class(side, evaluated) -> None:
    run = evaluated(("no", "yes"), {1, 2, 3, 4}, side)
    found = samples(run)
    assert len(found) == MOST
    assert [sample.label for sample in found].count("yes") == 3
    assert all(sample.held_out for sample in found)
    assert {int(Path(sample.path).stem) for sample in found} <= {1, 2, 3, 4}


def test_the_same_run_gives_the_same_samples_in_an_order_that_tells_nothing(evaluated) -> None:
    run = evaluated(("no", "yes"), {0, 1, 2, 3, 4, 5})
    first = samples(run)
    st.cache_data.clear()
    assert samples(run) == first
    assert [sample.sha256 for sample in first] == sorted(sample.sha256 for sample in first)


def test_more_classes_than_places_still_have_one_each(evaluated) -> None:
    names = tuple(f"class {number}" for number in range(8))
    assert {sample.label for sample in samples(evaluated(names, {2, 3}))} == set(names)


def test_a_file_that_is_gone_is_replaced_by_another(evaluated) -> None:
    run = evaluated(("no", "yes"), {0, 1, 2, 3})
    gone = samples(run)[0]
    (Path(run.config.data.path) / gone.path).unlink()
    found = samples(run)
    assert gone not in found
    assert len(found) == MOST


def test_without_the_dataset_there_are_none(evaluated) -> None:
    run = evaluated(("no", "yes"), {0, 1})
    Path(run.config.data.path).rename(Path(run.config.data.path).with_name("elsewhere"))
    assert samples(run) == []


def test_a_thumbnail_is_small_and_square_and_of_the_very_image(evaluated) -> None:
    run = evaluated(("no", "yes"), {0, 1})
    sample = samples(run)[0]
    with Image.open(io.BytesIO(thumbnail(run, sample.path, sample.sha256))) as picture:
        assert picture.size == (THUMBNAIL, THUMBNAIL)
    st.cache_data.clear()
    (Path(run.config.data.path) / sample.path).write_bytes(b"another one")
    with pytest.raises(ScanError):
        thumbnail(run, sample.path, sample.sha256)


def test_what_was_learnt_from_is_known_by_its_bytes(evaluated) -> None:
    run = evaluated(("no", "yes"), {0})
    root = Path(run.config.data.path)
    learnt, held_out = (known(run, sha256_file(root / "yes" / f"00{number}.png")) for number in (1, 0))
    assert (learnt.label, learnt.held_out) == ("yes", False)
    assert (held_out.label, held_out.held_out) == ("yes", True)
    assert known(run, "0" * 64) is None
