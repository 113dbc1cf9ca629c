"""The rules for drift: they follow their tests, count each image once, and rarely sound without a reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import comb

from brainseg.monitoring import Reference, signs_of_drift
from brainseg.monitoring.drift import EXPECTED, FEWEST, WINDOW, Kind


def answers(count: int, refused: int = 0, far: int = 0, confidence: np.ndarray | None = None) -> pd.DataFrame:
    places = np.arange(count)
    return pd.DataFrame(
        {
            "image_sha256": [f"image {place}" for place in places],
            "in_domain": pd.array(places >= refused, dtype="boolean"),
            "distance": np.where(places < far, 1.5, 0.5),
            "confidence": np.full(count, 0.8) if confidence is None else confidence,
        }
    )


@pytest.mark.parametrize(("kind", "table"), [(Kind.REFUSED, {"refused": 7}), (Kind.FEATURES, {"far": 7})])
def test_a_fraction_above_the_expected_one_is_tested_by_the_binomial_law(kind: Kind, table: dict[str, int]) -> None:
    found = {sign.kind: sign for sign in signs_of_drift(answers(50, **table))}
    expected = sum(comb(50, hits) * EXPECTED**hits * (1 - EXPECTED) ** (50 - hits) for hits in range(7, 51))
    assert found[kind].p_value == pytest.approx(expected)
    assert (found[kind].value, found[kind].count, found[kind].alarming) == (0.14, 50, True)
    other = Kind.FEATURES if kind is Kind.REFUSED else Kind.REFUSED
    assert not found[other].alarming
    assert Kind.CONFIDENCE not in found


def test_another_confidence_is_noticed_and_the_same_one_is_not() -> None:
    random = np.random.default_rng(0)
    reference = Reference(random.beta(8, 2, 120))
    same = signs_of_drift(answers(80, confidence=random.beta(8, 2, 80)), reference)
    other = signs_of_drift(answers(80, confidence=random.beta(3, 2, 80)), reference)
    assert [sign.alarming for sign in same if sign.kind is Kind.CONFIDENCE] == [False]
    (found,) = [sign for sign in other if sign.kind is Kind.CONFIDENCE]
    assert found.alarming
    assert found.value < found.expected


def test_alarms_without_a_reason_are_as_rare_as_promised() -> None:
    random = np.random.default_rng(1)
    alarms = 0
    for _ in range(300):
        hits = int(random.binomial(WINDOW, EXPECTED))
        table = answers(WINDOW, hits, confidence=random.beta(8, 2, WINDOW))
        signs = signs_of_drift(table, Reference(random.beta(8, 2, 120)))
        alarms += any(sign.alarming for sign in signs)
    assert alarms <= 2


def test_an_image_counts_once_and_old_ones_do_not_count() -> None:
    again = pd.concat([answers(FEWEST - 1)] * 4, ignore_index=True)
    assert signs_of_drift(again) == []
    old = answers(500, refused=400)
    (refused,) = [sign for sign in signs_of_drift(old) if sign.kind is Kind.REFUSED]
    assert (refused.count, refused.value) == (WINDOW, 0.0)


def test_a_model_without_a_guard_has_no_rule_for_it() -> None:
    table = answers(60).assign(in_domain=pd.array([None] * 60, dtype="boolean"), distance=np.nan)
    assert signs_of_drift(table) == []
    assert signs_of_drift(table.iloc[:0]) == []
