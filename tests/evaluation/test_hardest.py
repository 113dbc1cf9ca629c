import pandas as pd
import pytest

from brainseg.evaluation.hardest import hardest_cases


@pytest.fixture
def table():
    return pd.DataFrame(
        {"path": ["e", "d", "c", "b", "a"], "loss": [0.1, 2.0, 0.5, 2.0, 3.0], "label": list("xyxyx")},
        index=[9, 9, 3, 2, 1],
    )


def test_highest_losses_first_and_ties_by_path(table):
    hardest = hardest_cases(table, 4)
    assert hardest["path"].tolist() == ["a", "b", "d", "c"]
    assert hardest["label"].tolist() == ["x", "y", "y", "x"]
    assert hardest.index.tolist() == [0, 1, 2, 3]


def test_the_order_of_the_rows_does_not_matter_and_the_table_is_left_alone(table):
    before = table.copy()
    for seed in range(20):
        shuffled = table.sample(frac=1, random_state=seed)
        pd.testing.assert_frame_equal(hardest_cases(shuffled, 3), hardest_cases(table, 3))
    pd.testing.assert_frame_equal(table, before)


def test_six_by_default_and_a_short_table_whole(table):
    assert len(hardest_cases(pd.concat([table, table]))) == 6
    assert len(hardest_cases(table)) == 5
    assert len(hardest_cases(table.iloc[:0])) == 0


@pytest.mark.parametrize("k", [0, -3, 2.5, "2", None])
def test_refuses_k_below_one(table, k):
    with pytest.raises(ValueError, match=str(k)):
        hardest_cases(table, k)


def test_refuses_a_table_it_cannot_order(table):
    with pytest.raises(ValueError, match="'loss'"):
        hardest_cases(table.drop(columns="loss"))
    with pytest.raises(ValueError, match="'path'"):
        hardest_cases(table.drop(columns="path"))
    with pytest.raises(ValueError, match=r"'loss'.*nan"):
        hardest_cases(table.assign(loss=[0.1, float("nan"), 1, 1, 1]))
