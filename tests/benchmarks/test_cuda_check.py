"""The check for machines with a GPU, tried on the processor with tiny settings."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from benchmarks import cuda_check

pytestmark = pytest.mark.slow
TINY = [
    "--device",
    "cpu",
    "--arches",
    "resnet18",
    "--slices",
    "8",
    "--images",
    "3",
    "--side",
    "32",
    "--mask-side",
    "32",
]
SMALL_NETWORK = ["--set", "model.stages=[1]", "training.batch_size=4", "compute.threads=1"]


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> dict:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cuda")
        patch.setenv("BRAINSEG_HOME", str(folder))
        return cuda_check.check(cuda_check.parsed([*TINY, *SMALL_NETWORK]), folder)


def test_it_trains_diagnoses_and_marks(row: dict) -> None:
    assert set(row["epochs"]) == {"resnet18", "u-net"}
    assert all(each["finite"] and each["images_per_second"] > 0 for each in row["epochs"].values())
    assert row["answers"]["images"] == row["answers"]["same_decisions"] == 3
    assert row["answers"]["largest_difference"] == row["masks"]["different_pixels"] == 0
    assert cuda_check.faults(row) == []


def test_it_says_what_differs(row: dict) -> None:
    wrong = copy.deepcopy(row)
    wrong["answers"].update(same_decisions=2, largest_difference=0.2)
    wrong["masks"]["different_pixels"] = 0.1
    wrong["epochs"]["resnet18"]["finite"] = False
    assert len(cuda_check.faults(wrong)) == 4


def test_its_rows_become_a_table(row: dict) -> None:
    assert "| 3 of 3 | 0 |" in cuda_check.report([{**row, "card": "a card"}])


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_it_says_so_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cuda_check.main([]) == 1
    assert capsys.readouterr().err == f"{cuda_check.NO_GPU}\n"


def test_nothing_is_stored_without_a_gpu() -> None:
    assert not [each for each in cuda_check.ROWS.stored() if each["card"] == "none"]
    assert cuda_check.ROWS.file.parent == Path(cuda_check.__file__).parent / "results"
