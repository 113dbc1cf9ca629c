from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, cohen_kappa_score

from brainseg.evaluation.paired import cohen_kappa, compare_pairs, holm, mcnemar, paired_interval

CLASSES = np.array(["glioma", "no tumour", "pituitary"], dtype=object)


def aligned(rows: int, models: int, seed: int = 0, skill: float = 0.8) -> tuple[pd.DataFrame, list[str]]:
    """Models that each predict the correct class with probability `skill`, and otherwise any class."""
    random = np.random.default_rng(seed)
    label = random.choice(CLASSES, rows)
    names = [f"model {number}" for number in range(models)]
    answers = {
        f"prediction {name}": np.where(random.random(rows) < skill, label, random.choice(CLASSES, rows))
        for name in names
    }
    return pd.DataFrame({"path": [f"{row}.png" for row in range(rows)], "label": label, **answers}), names


@pytest.mark.parametrize(
    ("first", "second"), [(a, b) for a in range(13) for b in range(13) if a + b] + [(400, 317), (3, 999), (2600, 2511)]
)
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int) -> None:
    reference = binomtest(first, first + second, 0.5).pvalue
    assert mcnemar(first, second) == pytest.approx(reference, rel=1e-9)
    assert mcnemar(first, second) == mcnemar(second, first)


def test_models_that_never_differ_are_not_separated() -> None:
    assert mcnemar(0, 0) == 1.0


@pytest.mark.parametrize("seed", range(20))
def test_kappa_is_that_of_scikit_learn(seed: int) -> None:
    table, names = aligned(int(np.random.default_rng(seed).integers(2, 80)), 2, seed, skill=0.6)
    answers = [table[f"prediction {name}"].to_numpy() for name in names]
    assert cohen_kappa(*answers) == pytest.approx(cohen_kappa_score(*answers), nan_ok=True)


def test_kappa_of_one_class_throughout_is_not_defined() -> None:
    same = np.array(["no"] * 9, dtype=object)
    assert math.isnan(cohen_kappa(same, same))
    assert math.isnan(cohen_kappa(same[:0], same[:0]))
    assert cohen_kappa(same, np.array(["no"] * 8 + ["yes"], dtype=object)) == 0


def test_a_pair_says_what_its_two_columns_say() -> None:
    table, names = aligned(200, 3, seed=4)
    pairs = compare_pairs(table, names)
    assert [(pair.first, pair.second) for pair in pairs] == [
        ("model 0", "model 1"),
        ("model 0", "model 2"),
        ("model 1", "model 2"),
    ]
    for pair in pairs:
        first, second = (table[f"prediction {name}"] for name in (pair.first, pair.second))
        label = table["label"]
        assert pair.count == 200
        assert pair.difference == pytest.approx(accuracy_score(label, first) - accuracy_score(label, second))
        assert pair.only_first == ((first == label) & (second != label)).sum()
        assert pair.agreement == (first == second).mean()
        assert pair.interval[0] < pair.difference < pair.interval[1]
        assert pair.p == mcnemar(pair.only_first, pair.only_second)


def test_holm_follows_its_definition() -> None:
    # By hand: in rising order 4 x 0.005, 3 x 0.01, 2 x 0.03, 1 x 0.04, and never less than the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.slow
def test_six_equal_models_are_seldom_told_apart() -> None:
    """The fraction of draws with any false finding stays below 5 %, within the uncertainty of 200 draws."""
    found = 0
    for seed in range(200):
        table, names = aligned(60, 6, seed)
        found += any(pair.better for pair in compare_pairs(table, names))
    assert found <= 16  # 10 expected at most; P(more than 16) is under 2 %


def test_a_clearly_better_model_is_named_and_a_slightly_better_one_is_not() -> None:
    label = np.array(["no"] * 50 + ["yes"] * 50, dtype=object)
    wrong = np.where(label == "no", "yes", "no").astype(object)

    def model(errors: int) -> np.ndarray:
        return np.where(np.arange(100) < errors, wrong, label)

    table = pd.DataFrame(
        {"label": label, "prediction good": model(5), "prediction close": model(8), "prediction bad": model(40)}
    )
    better = {(pair.first, pair.second): pair.better for pair in compare_pairs(table, ["bad", "good", "close"])}
    assert better == {("bad", "good"): "good", ("bad", "close"): "close", ("good", "close"): None}


def test_the_interval_of_the_difference_covers_the_truth() -> None:
    """Coverage of 95 % intervals over many draws of 50 images: near or above nominal."""
    random = np.random.default_rng(1)
    draws = random.multinomial(50, [0.08, 0.14, 0.78], size=4000)
    covered = [low <= -0.06 <= high for low, high in (paired_interval(b, c, 50) for b, c, _ in draws.tolist())]
    assert 0.94 < np.mean(covered) < 0.985


def test_the_interval_stays_within_bounds() -> None:
    assert all(-1 <= bound <= 1 for bound in paired_interval(3, 0, 3))
    assert all(math.isnan(bound) for bound in paired_interval(0, 0, 0))
