from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from brainseg.evaluation.segmentation import patient_table
from brainseg.evaluation.segmentation.paired import compare_mask_pairs, sign_flip


def slices(skill: float, seed: int, patients: int = 12, tumours: int = 12) -> pd.DataFrame:
    """Four slices per patient; about a fraction `skill` of the 100 tumour pixels is found. The last ones have none."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(4 * patients):
        true = 100 if number // 4 < tumours else 0
        tp = round(true * min(1.0, skill + random.uniform(-0.1, 0.1)))
        rows.append(
            {"path": f"{number}.png", "group": f"p{number // 4}", "tp": tp, "fp": 5, "fn": true - tp, "tn": 900}
        )
    return pd.DataFrame(rows).assign(has_tumour=lambda table: table["tp"] + table["fn"] > 0)


def every_flip(differences: np.ndarray) -> float:
    """The exact p-value, by trying every way to flip the signs."""
    means = [np.dot(signs, differences) for signs in itertools.product((-1, 1), repeat=len(differences))]
    reached = np.abs(means) >= abs(differences.sum()) - 1e-12
    return float(reached.mean())


@pytest.mark.parametrize("seed", range(5))
def test_the_test_is_exact_for_few_patients(seed: int) -> None:
    differences = np.random.default_rng(seed).normal(0.05, 0.1, 9)
    assert sign_flip(differences) == pytest.approx(every_flip(differences))


def test_for_many_patients_it_is_close_to_its_limit() -> None:
    differences = np.random.default_rng(3).normal(0.02, 0.1, 60)
    assert sign_flip(differences) == pytest.approx(_normal(differences), abs=0.03)


def _normal(differences: np.ndarray) -> float:
    """The large-sample limit of the test."""
    z = abs(differences.sum()) / math.sqrt((differences**2).sum())
    return math.erfc(z / math.sqrt(2))


@pytest.mark.parametrize("differences", [[], [0.3], [0.0, 0.0]])
def test_without_evidence_p_is_one(differences: list[float]) -> None:
    assert sign_flip(np.array(differences)) == 1.0


def test_a_clearly_better_model_is_named_and_an_equal_one_is_not() -> None:
    tables = {"good": slices(0.85, 1), "bad": slices(0.5, 2), "even": slices(0.85, 3)}
    found = {(pair.first, pair.second): pair for pair in compare_mask_pairs(tables)}
    assert found["good", "bad"].better == "good"
    assert found["bad", "even"].better == "even"
    assert found["good", "even"].better is None
    dice = {name: patient_table(table).set_index("group")["dice"] for name, table in tables.items()}
    for (first, second), pair in found.items():
        differences = dice[first] - dice[second]
        assert pair.difference == pytest.approx(differences.mean())
        assert pair.interval[0] <= pair.difference <= pair.interval[1]
        assert (pair.first_ahead, pair.second_ahead) == ((differences > 0).sum(), (differences < 0).sum())
        assert pair.adjusted >= pair.p


def test_patients_without_a_tumour_take_no_part() -> None:
    one, two = slices(0.8, 1, tumours=7), slices(0.7, 2, tumours=7)
    (pair,) = compare_mask_pairs({"one": one, "two": two})
    assert pair.patients == 7
    (alone,) = compare_mask_pairs({"one": slices(0.8, 1, tumours=0), "two": slices(0.7, 2, tumours=0)})
    assert (alone.patients, alone.interval, alone.p, alone.better) == (0, None, 1.0, None)
    assert math.isnan(alone.difference)


def test_a_slice_without_a_patient_counts_by_itself() -> None:
    one, two = (slices(skill, 4).assign(group="") for skill in (0.8, 0.7))
    (pair,) = compare_mask_pairs({"one": one, "two": two})
    assert pair.patients == 48


def test_one_seed_gives_one_answer() -> None:
    tables = {"one": slices(0.8, 1, 40, 40), "two": slices(0.78, 2, 40, 40)}
    assert compare_mask_pairs(tables, 5) == compare_mask_pairs(tables, 5)
