"""Pooling and intervals of cross-validations, checked against independent references."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from brainseg.errors import DataError
from brainseg.evaluation.bootstrap import drawn
from brainseg.evaluation.class_bootstrap import drawn_metrics
from brainseg.evaluation.crossval.classes import pooled_classes
from brainseg.evaluation.crossval.folds import summarise
from brainseg.evaluation.crossval.masks import METRICS, pooled_masks
from brainseg.evaluation.crossval.pooled import WILSON
from brainseg.evaluation.crossval.pooling import FoldResult, pool
from brainseg.evaluation.segmentation import evaluate_masks, slice_table

CLASSES = ("no", "yes")


def images(count: int = 12, patients: int = 6) -> pd.DataFrame:
    numbers = np.arange(count)
    return pd.DataFrame(
        {
            "path": [f"{number:03d}.png" for number in numbers],
            "label": [CLASSES[number % 2] for number in numbers],
            "group": [f"p{number % patients}" if patients else "" for number in numbers],
            "sha256": [f"{number:064x}" for number in numbers],
            "twin": "",
            "split": "train",
        }
    )


def folds(repeats: int = 1, count: int = 12, patients: int = 6) -> list[FoldResult]:
    """Two folds: even and odd halves of the patients; every prediction says "yes" with a rising probability."""
    found = []
    for repeat in range(repeats):
        for fold in range(2):
            table = images(count, patients)
            held = (np.arange(count) // 2 + repeat) % 2 == fold
            table.loc[held, "split"] = "valid"
            own = table[held]
            score = np.linspace(0.2, 0.9, len(own))
            predictions = pd.DataFrame(
                {
                    "path": own["path"],
                    "group": own["group"],
                    "label": own["label"],
                    "prediction": np.where(score > 0.5, "yes", "no"),
                    "loss": 0.5,
                    "p_no": 1 - score,
                    "p_yes": score,
                }
            ).reset_index(drop=True)
            found.append(FoldResult(repeat, fold, f"run{repeat}{fold}", table, predictions))
    return found


def refusal(results: list[FoldResult]) -> str:
    with pytest.raises(DataError) as caught:
        pool(results)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def test_every_image_is_pooled_once_per_repeat() -> None:
    table = pool(folds(repeats=2))
    assert table.groupby("repeat")["path"].apply(lambda paths: sorted(paths) == sorted(images()["path"])).all()
    assert list(table.columns[:6]) == ["repeat", "fold", "run_id", "sha256", "unit", "path"]
    assert table["unit"].nunique() == 6  # patients
    assert (table.groupby("group")["unit"].nunique() == 1).all()


def test_copies_of_two_patients_make_one_unit() -> None:
    results = folds()
    for result in results:
        result.images.loc[[0, 1], "twin"] = "pair"
    table = pool(results)
    assert table["unit"].nunique() == 5


def test_folds_that_do_not_belong_together_are_refused() -> None:
    first, second = folds()
    assert "is in no fold of repeat 0" in refusal([first])
    again = FoldResult(0, 1, "x", first.images, first.predictions)
    assert "is in more than one fold of repeat 0" in refusal([first, again])
    other = second.images.assign(label=second.images["label"].where(second.images["path"] != "004.png", "other"))
    sentence = refusal([first, FoldResult(0, 1, "x", other, second.predictions)])
    assert "The dataset changed between fold 0 of repeat 0 and fold 1 of repeat 0" in sentence
    assert "004.png" in sentence
    fewer = second.images.drop(index=11)
    assert "1 images differ, such as 011.png" in refusal([first, FoldResult(0, 1, "x", fewer, second.predictions)])
    short = FoldResult(0, 1, "x", second.images, second.predictions.iloc[1:])
    assert "not of its own validation set" in refusal([first, short])
    double = pd.concat([second.predictions, second.predictions.iloc[:1]])
    assert "evaluated twice in fold 1" in refusal([first, FoldResult(0, 1, "x", second.images, double)])
    assert "lacks 'twin'" in refusal([first, FoldResult(0, 1, "x", second.images.drop(columns="twin"), double)])


def test_the_interval_of_the_mean_is_the_corrected_resampled_t() -> None:
    values = [0.80, 0.90, 0.85, 0.95, 0.90, 0.70, 0.88, 0.91, 0.83, 0.99]
    found = summarise(values, folds=5)
    deviation = np.std(values, ddof=1)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.sd == pytest.approx(deviation)
    scale = deviation * np.sqrt(1 / 10 + 0.2 / 0.8)  # test and training fractions of five folds
    low, high = stats.t.interval(0.95, 9, loc=np.mean(values), scale=scale)
    assert found.interval == pytest.approx((low, min(1, high)))
    plain = stats.t.interval(0.95, 9, loc=np.mean(values), scale=stats.sem(values))
    assert found.interval[0] < plain[0]  # the plain interval is too narrow


def test_undefined_and_equal_folds_have_no_interval() -> None:
    assert summarise([0.5, None], 2).mean is None
    assert summarise([0.5, float("nan")], 2).mean is None
    assert summarise([1.0, 1.0, 1.0], 3).interval is None


def test_independent_images_have_wilson_intervals() -> None:
    table = pool(folds(patients=0))
    found = pooled_classes(table, CLASSES, "yes")
    right = int((table["label"] == table["prediction"]).sum())
    reference = stats.binomtest(right, 12).proportion_ci(method="wilson")
    assert found["intervals"]["accuracy"] == {
        "low": pytest.approx(reference.low),
        "high": pytest.approx(reference.high),
        "method": WILSON,
    }
    assert found["metrics"]["accuracy"] == pytest.approx(right / 12)
    assert found["units"] == found["count"] == 12
    assert found["intervals"]["roc_auc"]["method"].startswith("bootstrap over images")


def scored(repeats: int = 1, patients: int = 20) -> pd.DataFrame:
    random = np.random.default_rng(3)
    rows = []
    for repeat in range(repeats):
        for number in range(3 * patients):
            score = round(float(random.beta(2, 2)), 1)  # with ties
            label = CLASSES[(number // 3 + number) % 2]
            rows.append(
                {
                    "repeat": repeat,
                    "fold": number % 2,
                    "path": f"{number:03d}",
                    "group": f"p{number // 3}",
                    "unit": number // 3,
                    "label": label,
                    "prediction": CLASSES[int(score + 0.25 * (label == "yes") > 0.5)],
                    "loss": 0.1,
                    "p_no": 1 - score,
                    "p_yes": score,
                }
            )
    return pd.DataFrame(rows)


def test_draws_equal_metrics_with_weights() -> None:
    table, times = scored(), drawn(20, seed=0)
    values = drawn_metrics(table, CLASSES, "yes", table["unit"].to_numpy(), times)
    actual = table["label"] == "yes"
    for draw in range(20):
        weights = times[draw][table["unit"]]
        assert values["roc_auc"][draw] == pytest.approx(roc_auc_score(actual, table["p_yes"], sample_weight=weights))
        predicted = table["prediction"] == "yes"
        assert values["f1"][draw] == pytest.approx(f1_score(actual, predicted, sample_weight=weights))
        assert values["accuracy"][draw] == pytest.approx(accuracy_score(actual, predicted, sample_weight=weights))


def test_repeats_add_no_images() -> None:
    once = scored()
    twice = pd.concat([once, once.assign(repeat=1)], ignore_index=True)
    found, doubled = pooled_classes(once, CLASSES, "yes"), pooled_classes(twice, CLASSES, "yes")
    assert doubled["metrics"] == pytest.approx(found["metrics"])
    assert doubled["intervals"]["f1"]["low"] == pytest.approx(found["intervals"]["f1"]["low"])
    assert doubled["count"] == found["count"] == 60
    assert doubled["evaluation"]["count"] == 60


def test_patients_make_the_interval_wider_than_images() -> None:
    table = scored()
    table["prediction"] = np.where(table["unit"] % 3 == 0, "no", table["label"])  # all images of a patient alike
    by_patient = pooled_classes(table, CLASSES, "yes")["intervals"]["sensitivity"]
    by_image = pooled_classes(table.assign(unit=np.arange(60), group=""), CLASSES, "yes")["intervals"]["sensitivity"]
    assert "patients" in by_patient["method"]
    assert by_patient["high"] - by_patient["low"] > by_image["high"] - by_image["low"]


def test_a_perfect_result_of_few_patients_is_not_certain() -> None:
    table = scored(patients=6)
    table["prediction"] = table["label"]
    found = pooled_classes(table, CLASSES, "yes")["intervals"]
    reference = stats.binomtest(6, 6).proportion_ci(method="wilson")
    assert found["accuracy"]["low"] == pytest.approx(reference.low)
    assert "over patients" in found["accuracy"]["method"]
    assert found["f1"] is None


def mask_table(patients: int = 8) -> pd.DataFrame:
    random = np.random.default_rng(1)
    truths = [(random.random((8, 8)) > 0.6).astype(np.uint8) for _ in range(2 * patients)]
    predicted = [np.where(random.random((8, 8)) > 0.2, truth, 1 - truth).astype(np.uint8) for truth in truths]
    names = [f"{number:03d}" for number in range(2 * patients)]
    rows = pd.DataFrame({"path": names, "group": [f"p{int(name) // 2}" for name in names], "spacing": ""})
    table = slice_table(rows, truths, predicted, ("background", "tumour"))
    return table.assign(repeat=0, fold=0, unit=np.arange(2 * patients) // 2)


def test_pooled_masks_are_those_of_one_evaluation() -> None:
    table, classes = mask_table(), ("background", "tumour")
    found, report = pooled_masks(table, classes, "skip"), evaluate_masks(table, classes)
    assert found["metrics"]["dice"] == pytest.approx(report.dice)
    for name in ("dice", "patient_dice", "slice_dice"):
        each = found["intervals"][name]
        assert (each["low"], each["high"]) == pytest.approx(report.intervals[name])
    twice = pd.concat([table, table.assign(repeat=1)], ignore_index=True)
    doubled = pooled_masks(twice, ("background", "tumour"), "skip")
    assert doubled["intervals"]["dice"]["high"] == pytest.approx(found["intervals"]["dice"]["high"])
    assert set(found["metrics"]) == set(METRICS)


def test_copies_of_patients_are_drawn_together() -> None:
    table = mask_table()
    joined = table.assign(unit=table["unit"] // 4)  # two units of four patients
    wide, narrow = (pooled_masks(each, ("background", "tumour"), "skip") for each in (joined, table))
    assert (wide["units"], narrow["units"]) == (2, 8)
    assert wide["metrics"] == pytest.approx(narrow["metrics"])
    assert wide["intervals"]["dice"] != narrow["intervals"]["dice"]
