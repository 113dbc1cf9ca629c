import json
import math
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from brainseg.evaluation import classification
from brainseg.evaluation.classification import confusion_matrix, evaluate, pr_curve, roc_curve
from brainseg.evaluation.intervals import wilson
from tests.evaluation.tables import KINDS, as_table, random_table

HEADLINE = ("precision", "sensitivity", "specificity", "f1", "roc_auc", "pr_auc")
CASES = [(size, kind) for size in (2, 3, 5) for kind in KINDS]


@cache
def evaluated(size, kind):
    """Four tables with their classes and reports."""
    rng = np.random.default_rng([size, KINDS.index(kind)])
    drawn = [random_table(rng, size, int(rows), kind) for rows in (1, 3, *rng.integers(4, 200, 2))]
    return [(table, classes, evaluate(table, classes, None)) for table, classes in drawn]


def same(value, reference):
    return value == pytest.approx(reference, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize(("size", "kind"), CASES)
def test_agrees_with_scikit_learn(size, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for table, classes, report in evaluated(size, kind):
            actual, predicted = table["label"].to_numpy(object), table["prediction"].to_numpy(object)
            assert (report.matrix == sk.confusion_matrix(actual, predicted, labels=classes)).all()
            assert report.matrix.dtype == np.int64
            assert same(report.accuracy, sk.accuracy_score(actual, predicted))
            assert same(report.matthews, sk.matthews_corrcoef(actual, predicted))
            assert same(report.mean_loss, table["loss"].mean())
            if set(actual) == set(classes):
                assert same(report.balanced_accuracy, sk.balanced_accuracy_score(actual, predicted))
                assert same(report.f1, sk.f1_score(actual, predicted, labels=classes, average="macro"))
            else:
                assert math.isnan(report.balanced_accuracy)
            reference = sk.precision_recall_fscore_support(
                actual, predicted, labels=classes, zero_division=np.nan, average=None
            )
            counts = sk.multilabel_confusion_matrix(actual, predicted, labels=classes)
            for code, name in enumerate(classes):
                one = report.per_class[name]
                assert same(one.precision, reference[0][code])
                assert same(one.sensitivity, reference[1][code])
                assert same(one.f1, reference[2][code])
                assert one.support == reference[3][code]
                (tn, fp), (fn, tp) = counts[code]
                assert (one.tn, one.fp, one.fn, one.tp) == (tn, fp, fn, tp)
                assert same(one.specificity, tn / (tn + fp) if tn + fp else math.nan)
                check_areas(one, actual == name, table[f"p_{name}"].to_numpy())


def check_areas(one, truth, scores):
    if truth.all() or not truth.any():
        assert math.isnan(one.roc_auc)
        assert math.isnan(one.pr_auc)
        return
    assert same(one.roc_auc, sk.roc_auc_score(truth, scores))
    assert same(one.pr_auc, sk.average_precision_score(truth, scores))


@pytest.mark.slow
@pytest.mark.parametrize("size", [3, 4, 5])
def test_headline_areas_are_macro_one_against_rest(size):
    rng = np.random.default_rng(size)
    for _ in range(20):
        table, classes = random_table(rng, size, 120)
        scores = table[[f"p_{name}" for name in classes]].to_numpy()
        report = evaluate(table, classes, None)
        codes = [classes.index(name) for name in table["label"]]
        reference = sk.roc_auc_score(codes, scores, multi_class="ovr", labels=range(size))
        assert same(report.roc_auc, reference)
        truth = (table["label"].to_numpy()[:, None] == np.array(classes)[None]).astype(int)
        assert same(report.pr_auc, sk.average_precision_score(truth, scores, average="macro"))


@pytest.mark.parametrize("kind", KINDS)
def test_curves_agree_with_scikit_learn(kind):
    for size in (2, 3):
        for table, classes, _ in evaluated(size, kind):
            truth = (table["label"] == classes[0]).to_numpy()
            if truth.all() or not truth.any():
                continue
            scores = table[f"p_{classes[0]}"].to_numpy()
            fpr, tpr, thresholds = sk.roc_curve(truth, scores)
            roc = roc_curve(table, classes, classes[0])
            np.testing.assert_allclose(roc[["fpr", "tpr", "threshold"]], np.stack([fpr, tpr, thresholds], 1))
            precision, recall, thresholds = sk.precision_recall_curve(truth, scores)
            pr = pr_curve(table, classes, classes[0])
            reference = np.stack([recall, precision, np.append(thresholds, np.inf)], 1)[::-1]
            np.testing.assert_allclose(pr[["recall", "precision", "threshold"]], reference)
            assert same(pr["precision"].iloc[-1], truth.mean())


@pytest.mark.parametrize("kind", KINDS)
def test_two_classes_report_the_positive_one(kind):
    for table, classes, _ in evaluated(2, kind):
        for positive, negative in (classes, classes[::-1]):
            report = evaluate(table, classes, positive)
            one, other = report.per_class[positive], report.per_class[negative]
            for name in HEADLINE:
                assert same(getattr(report, name), getattr(one, name))
            assert same(one.sensitivity, other.specificity)
            assert same(report.balanced_accuracy, (one.sensitivity + one.specificity) / 2)
            assert set(report.intervals) == {"accuracy", "sensitivity", "specificity", "precision"}
            assert report.intervals["sensitivity"] == pytest.approx(wilson(one.tp, one.tp + one.fn), nan_ok=True)
            assert report.intervals["specificity"] == pytest.approx(wilson(one.tn, one.tn + one.fp), nan_ok=True)
            assert report.intervals["precision"] == pytest.approx(wilson(one.tp, one.tp + one.fp), nan_ok=True)
            assert report.intervals["accuracy"] == wilson(int(np.trace(report.matrix)), len(table))


@pytest.mark.parametrize(("size", "kind"), CASES)
def test_properties(size, kind):
    for table, _, report in evaluated(size, kind):
        assert report.count == report.matrix.sum() == len(table)
        assert set(report.intervals) == {"accuracy"}
        for one in report.per_class.values():
            assert one.tp + one.fp + one.fn + one.tn == report.count
            for name in HEADLINE:
                value = getattr(one, name)
                assert math.isnan(value) or 0 <= value <= 1
            for name, (low, high) in one.intervals.items():
                value = getattr(one, name)
                assert (math.isnan(value) and math.isnan(low)) or low <= value <= high
        assert -1 - 1e-12 <= report.matthews <= 1 + 1e-12


@pytest.mark.parametrize(("size", "kind"), CASES)
def test_neither_class_order_nor_row_order_matters(size, kind):
    rng = np.random.default_rng(7)
    for table, classes, report in evaluated(size, kind):
        order = rng.permutation(size)
        names = [classes[code] for code in order]
        other = evaluate(table.sample(frac=1, random_state=3), names, None)
        assert (other.matrix == report.matrix[np.ix_(order, order)]).all()
        assert list(other.per_class) == names
        for name in (*HEADLINE, "accuracy", "balanced_accuracy", "matthews", "mean_loss"):
            assert same(getattr(other, name), getattr(report, name))
        for name in classes:
            mine, theirs = report.to_dict()["per_class"][name], other.to_dict()["per_class"][name]
            assert mine == theirs


def test_a_perfect_and_an_all_wrong_model():
    rng = np.random.default_rng(1)
    table, classes = random_table(rng, 3, 90, "perfect")
    report = evaluate(table, classes, None)
    assert {getattr(report, name) for name in HEADLINE} == {1.0}
    assert report.accuracy == report.balanced_accuracy == 1.0
    assert report.matthews == pytest.approx(1.0)
    table, classes = random_table(rng, 2, 90, "all wrong")
    report = evaluate(table, classes, classes[0])
    assert report.accuracy == report.sensitivity == report.specificity == report.f1 == 0.0
    assert report.matthews == pytest.approx(-1.0)


def test_undefined_is_nan_and_never_zero():
    scores = np.array([[0.6, 0.4], [0.7, 0.3]])
    only_negative = as_table([0, 0], [0, 0], scores, ["healthy", "tumour"])
    report = evaluate(only_negative, ["healthy", "tumour"], "tumour")
    assert report.accuracy == report.specificity == 1.0
    for name in ("sensitivity", "precision", "f1", "roc_auc", "pr_auc", "balanced_accuracy"):
        assert math.isnan(getattr(report, name)), name
    assert report.matthews == 0.0  # scikit-learn's convention for a zero denominator
    assert roc_curve(only_negative, ["healthy", "tumour"], "tumour")["tpr"].isna().all()
    assert pr_curve(only_negative, ["healthy", "tumour"], "tumour")["recall"].isna().all()
    assert roc_curve(only_negative, ["healthy", "tumour"], "healthy")["fpr"].isna().all()


def test_a_class_never_predicted_makes_the_mean_precision_undefined():
    table, classes = random_table(np.random.default_rng(0), 3, 60, "never predicted")
    report = evaluate(table, classes, None)
    assert math.isnan(report.precision)
    assert not math.isnan(report.sensitivity)


def test_an_empty_table_is_undefined_throughout():
    table, classes = random_table(np.random.default_rng(0), 2, 5)
    for empty in (table.iloc[:0], pd.DataFrame(columns=table.columns)):
        report = evaluate(empty, classes, classes[1])
        assert report.count == 0
        assert report.matrix.tolist() == [[0, 0], [0, 0]]
        for name in (*HEADLINE, "accuracy", "balanced_accuracy", "matthews", "mean_loss"):
            assert math.isnan(getattr(report, name)), name
        assert len(roc_curve(empty, classes, classes[0])) == len(pr_curve(empty, classes, classes[0])) == 1


def test_counts_beyond_int64_products():
    matrix = np.array([[3_000_000, 1_000_000], [500_000, 4_000_000]])
    value = classification._matthews(matrix)
    (tn, fp), (fn, tp) = matrix.astype(float)
    expected = (tp * tn - fp * fn) / math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    assert value == pytest.approx(expected)


@pytest.mark.parametrize("positive", [None, "glioma"])
def test_the_dictionary_is_strict_json(positive):
    table, classes = random_table(np.random.default_rng(2), 2, 1)
    stored = evaluate(table, classes, positive).to_dict()
    again = json.loads(json.dumps(stored, allow_nan=False))
    assert again == stored
    assert stored["roc_auc"] is None
    assert stored["classes"] == classes
    assert stored["positive"] == positive
    assert np.array(stored["matrix"]).shape == (2, 2)
    assert set(stored["per_class"]["glioma"]) >= {*HEADLINE, "support", "tp", "fp", "fn", "tn", "intervals"}
    assert len(stored["intervals"]["accuracy"]) == 2


def test_survives_parquet_float32_and_categories(tmp_path):
    table, classes = random_table(np.random.default_rng(3), 3, 50)
    table[[f"p_{name}" for name in classes]] = table[[f"p_{name}" for name in classes]].astype("float32")
    table["label"] = table["label"].astype("category")
    table.to_parquet(tmp_path / "predictions.parquet")
    back = pd.read_parquet(tmp_path / "predictions.parquet")
    assert evaluate(back, classes, None).to_dict() == evaluate(table, classes, None).to_dict()


@pytest.mark.parametrize("column", ["label", "prediction", "loss", "p_meningioma"])
def test_refuses_a_missing_column_by_name(column):
    table, classes = random_table(np.random.default_rng(0), 2, 5)
    with pytest.raises(ValueError, match=f"'{column}'"):
        evaluate(table.drop(columns=column), classes, None)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("label", "astrocytoma"),
        ("prediction", "astrocytoma"),
        ("label", None),
        ("p_glioma", float("nan")),
        ("p_glioma", float("inf")),
        ("p_glioma", -0.25),
        ("p_meningioma", 1.5),
        ("p_meningioma", "high"),
        ("loss", float("nan")),
        ("loss", float("inf")),
    ],
)
def test_refuses_a_bad_value_and_names_column_value_and_row(column, value):
    table, classes = random_table(np.random.default_rng(0), 2, 5)
    if isinstance(value, str) and column.startswith("p_"):
        table[column] = value
        expected = f"'{column}'.*{value}"
    else:
        table.loc[3, column] = value
        expected = f"'{column}'.*{'nan' if value is None else value}.*row 3"
    with pytest.raises(ValueError, match=expected):
        evaluate(table, classes, None)


@pytest.mark.parametrize(
    ("classes", "positive", "named"),
    [
        (["glioma"], None, "glioma"),
        (["glioma", "glioma"], None, "glioma"),
        ("glioma", None, "glioma"),
        (["glioma", "meningioma"], "tumour", "tumour"),
        (["glioma", "meningioma", "pituitary"], "glioma", "None with more than two"),
    ],
)
def test_refuses_classes_that_do_not_fit(classes, positive, named):
    table, _ = random_table(np.random.default_rng(0), 2, 5)
    with pytest.raises(ValueError, match=named):
        evaluate(table, classes, positive)


def test_curves_and_matrix_need_only_their_own_columns():
    table, classes = random_table(np.random.default_rng(0), 2, 30)
    assert confusion_matrix(table[["label", "prediction"]], classes).sum() == 30
    assert len(roc_curve(table[["label", "p_glioma", "p_meningioma"]], classes, "glioma")) > 2
    with pytest.raises(ValueError, match="astrocytoma"):
        roc_curve(table, classes, "astrocytoma")
    with pytest.raises(ValueError, match="astrocytoma"):
        pr_curve(table, classes, "astrocytoma")
