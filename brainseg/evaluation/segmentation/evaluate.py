"""Turns a table of slices into a report; every score and its interval come from the same sums over patients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from brainseg.evaluation.bootstrap import patient_intervals
from brainseg.evaluation.checks import check_classes, require_columns
from brainseg.evaluation.segmentation import scores
from brainseg.evaluation.segmentation.cases import LESIONS, count_cases
from brainseg.evaluation.segmentation.counts import Counts, class_counts
from brainseg.evaluation.segmentation.patients import patient_codes, summed
from brainseg.evaluation.segmentation.report import EMPTY_RULES, SegmentationReport
from brainseg.evaluation.segmentation.slices import matrices
from brainseg.evaluation.undefined import ratio

_COUNTED = ("tp", "fp", "fn", "tn")


def evaluate_masks(
    table: pd.DataFrame, classes: Sequence[str], rule: str = "skip", seed: int = 0
) -> SegmentationReport:
    """Compute every segmentation score of one table of slices.

    Args:
        table: A table from `slice_table`; if it is empty, every score is NaN.
        classes: Names of the pixel classes, background first.
        rule: How slices and patients count if both masks are empty: "skip" (not at all) or "one" (a score of 1).
        seed: Seed of the bootstrap; the same seed gives the same intervals.

    Returns:
        The report, with 95 % intervals by bootstrap over patients.

    Raises:
        ValueError: The rule is unknown or a column is missing.

    Examples:
        A model that predicts nothing has a Dice of 0 on each slice with a tumour. With "skip", its mean is 0, too,
        however many slices have no tumour.

        >>> from brainseg.evaluation.segmentation.slices import slice_table
        >>> tumour, empty = np.eye(4, dtype=np.uint8), np.zeros((4, 4), np.uint8)
        >>> rows = pd.DataFrame({"path": ["a", "b", "c"], "group": ["p1", "p1", "p2"], "spacing": ""})
        >>> table = slice_table(rows, [tumour, empty, empty], [empty, empty, empty], ("background", "tumour"))
        >>> report = evaluate_masks(table, ("background", "tumour"))
        >>> report.slice_dice, report.slices_counted, report.both_empty
        (0.0, 1, 2)
    """
    if rule not in EMPTY_RULES:
        raise ValueError(f"rule {rule!r} is unknown, allowed: {', '.join(EMPTY_RULES)}.")
    names = check_classes(classes)
    needed = (*_COUNTED, "dice", "iou", "hd95", "spacing", "has_tumour", "detected", *LESIONS)
    require_columns(table, needed, "The table of slices")
    codes, slices = patient_codes(table), matrices(table, len(names))
    patients = summed(slices, codes)
    sums = _sums(table, codes, rule)
    of = sums.sum()
    total = {name: float(values[0]) for name, values in _derive(of.to_numpy()[None], sums.columns).items()}
    intervals = patient_intervals(sums.to_numpy(), lambda drawn: _derive(drawn, sums.columns), seed)
    return SegmentationReport(
        slices=len(table),
        patients=len(patients),
        unit="patient" if (table["group"] != "").any() else "slice",
        rule=rule,
        cases=count_cases(table),
        both_empty=int((~table["has_tumour"].astype(bool) & ~table["detected"].astype(bool)).sum()),
        **{name: value for name, value in total.items() if not name.startswith("detection")},
        slices_counted=int(of["slice_n"]),
        patients_counted=int(of["patient_n"]),
        hd95_mm_slices=int(of["mm_n"]),
        hd95_pixels_slices=int(of["pixels_n"]),
        hd95_undefined=int((table["has_tumour"].astype(bool) != table["detected"].astype(bool)).sum()),
        detection={
            **{name: int(of[f"detected_{name}"]) for name in _COUNTED},
            "sensitivity": total["detection_sensitivity"],
            "specificity": total["detection_specificity"],
        },
        per_class=_per_class(patients, names, rule),
        matrix=slices.sum(axis=0),
        intervals=intervals,
        classes=names,
    )


def repeated_intervals(
    tables: Sequence[pd.DataFrame], units: Sequence[np.ndarray], rule: str, seed: int = 0
) -> dict[str, tuple[float, float] | None]:
    """Return 95 % intervals of the mean over several evaluations of the same slices, as of a repeated cross-validation.

    Units are drawn with replacement, each with its slices in all tables: repeats add no new patients.

    Args:
        tables: Tables from `slice_table` with the same slices.
        units: For each table, the (slices,) int64 unit of each slice, counted from 0; a patient is in one unit.
        rule: The empty-mask rule.
        seed: Seed of the bootstrap.
    """
    parts: list[np.ndarray] = []
    columns: pd.Index = pd.Index([])
    for table, unit in zip(tables, units, strict=True):
        codes = patient_codes(table)
        sums = _sums(table, codes, rule)
        columns = sums.columns
        parts.append(summed(sums.to_numpy(), unit[np.unique(codes, return_index=True)[1]]))
    width = len(columns)

    def derive(totals: np.ndarray) -> dict[str, np.ndarray]:
        found = [_derive(totals[:, start : start + width], columns) for start in range(0, totals.shape[1], width)]
        return {name: np.mean([each[name] for each in found], axis=0) for name in found[0]}

    return patient_intervals(np.concatenate(parts, axis=1), derive, seed)


def _sums(table: pd.DataFrame, codes: np.ndarray, rule: str) -> pd.DataFrame:
    """Return for each patient the sums from which the scores are derived; float64."""
    actual, called = table["has_tumour"].to_numpy(dtype=bool), table["detected"].to_numpy(dtype=bool)
    known = (table["spacing"] != "").to_numpy()
    columns = {name: table[name].to_numpy(dtype=np.float64) for name in _COUNTED}
    columns |= _parts("slice", _by_rule(table["dice"], rule), _by_rule(table["iou"], rule))
    columns["mm_sum"], columns["mm_n"] = _part(table["hd95"].where(known))
    columns["pixels_sum"], columns["pixels_n"] = _part(table["hd95"].where(~known))
    for name, hit in zip(
        _COUNTED, (actual & called, ~actual & called, actual & ~called, ~actual & ~called), strict=True
    ):
        columns[f"detected_{name}"] = hit.astype(np.float64)
    sums = pd.DataFrame(summed(np.column_stack(list(columns.values())), codes), columns=list(columns))
    volume = Counts(*(sums[name].to_numpy() for name in _COUNTED))
    return sums.assign(**_parts("patient", _by_rule(scores.dice(volume), rule), _by_rule(scores.iou(volume), rule)))


def _parts(name: str, dice: np.ndarray, iou: np.ndarray) -> dict[str, np.ndarray]:
    (total, count), (second, _) = _part(dice), _part(iou)
    return {f"{name}_sum": total, f"{name}_iou_sum": second, f"{name}_n": count}


def _part(values: np.ndarray | pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return each value's contribution to the sum and to the count of a mean: 0 if it is NaN."""
    numbers = np.asarray(values, dtype=np.float64)
    return np.nan_to_num(numbers), (~np.isnan(numbers)).astype(np.float64)


def _by_rule(values: np.ndarray | pd.Series, rule: str) -> np.ndarray:
    numbers = np.asarray(values, dtype=np.float64)
    return np.nan_to_num(numbers, nan=1.0) if rule == "one" else numbers


def _derive(totals: np.ndarray, columns: pd.Index) -> dict[str, np.ndarray]:
    """Return every score from totals (draws, quantities); each (draws,)."""
    of = dict(zip(columns, totals.T, strict=True))
    pooled = Counts(*(of[name] for name in _COUNTED))
    detected = Counts(*(of[f"detected_{name}"] for name in _COUNTED))
    return {
        "dice": scores.dice(pooled),
        "iou": scores.iou(pooled),
        "precision": scores.precision(pooled),
        "sensitivity": scores.sensitivity(pooled),
        "specificity": scores.specificity(pooled),
        "slice_dice": ratio(of["slice_sum"], of["slice_n"]),
        "slice_iou": ratio(of["slice_iou_sum"], of["slice_n"]),
        "patient_dice": ratio(of["patient_sum"], of["patient_n"]),
        "patient_iou": ratio(of["patient_iou_sum"], of["patient_n"]),
        "hd95_mm": ratio(of["mm_sum"], of["mm_n"]),
        "hd95_pixels": ratio(of["pixels_sum"], of["pixels_n"]),
        "detection_sensitivity": scores.sensitivity(detected),
        "detection_specificity": scores.specificity(detected),
    }


def _per_class(patients: np.ndarray, names: tuple[str, ...], rule: str) -> dict[str, dict[str, float]]:
    volumes, pooled = class_counts(patients), class_counts(patients.sum(axis=0))
    sums, counted = _part(_by_rule(scores.dice(volumes), rule))
    means = ratio(sums.sum(axis=0), counted.sum(axis=0))
    derived = {
        "dice": scores.dice(pooled),
        "iou": scores.iou(pooled),
        "precision": scores.precision(pooled),
        "sensitivity": scores.sensitivity(pooled),
        "specificity": scores.specificity(pooled),
        "patient_dice": means,
    }
    return {
        name: {
            **{part: int(count[number]) for part, count in pooled._asdict().items()},
            **{score: float(values[number]) for score, values in derived.items()},
        }
        for number, name in enumerate(names)
        if number  # without the background, whose scores are near 1 for any model
    }
