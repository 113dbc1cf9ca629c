"""Samples: one image per patient, the same number per class as far as possible, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainseg.reading.sampling import draw_cases

CLASSES = ("no", "yes")


def table(groups: list[str], labels: list[str], twins: list[str] | None = None) -> pd.DataFrame:
    count = len(groups)
    return pd.DataFrame(
        {
            "path": [f"{number}.png" for number in range(count)],
            "label": labels,
            "group": groups,
            "sha256": [f"{number:064x}" for number in range(count)],
            "twin": twins or [""] * count,
        }
    )


def slices(patients: int, each: int) -> pd.DataFrame:
    """Slices of patients, each of whom has slices of both classes."""
    names = [f"p{patient}" for patient in range(patients) for _ in range(each)]
    return table(names, ["yes" if number % each >= each // 2 else "no" for number in range(patients * each)])


@pytest.mark.parametrize("seed", range(5))
def test_one_image_per_patient_and_half_of_each_class(seed: int) -> None:
    images = slices(patients=20, each=6)
    drawn = images.iloc[draw_cases(images, CLASSES, 12, seed)]
    assert len(drawn) == drawn["group"].nunique() == 12
    assert drawn["label"].value_counts().to_dict() == {"no": 6, "yes": 6}


def test_the_seed_decides() -> None:
    images = slices(patients=20, each=6)
    first = draw_cases(images, CLASSES, 10, 1)
    assert first.tolist() == draw_cases(images, CLASSES, 10, 1).tolist()
    assert first.tolist() != draw_cases(images, CLASSES, 10, 2).tolist()
    assert (np.diff(first) > 0).all(), "the order of the rows reveals nothing of the draw"


def test_every_image_can_be_drawn() -> None:
    images = slices(patients=6, each=4)
    seen = {int(row) for seed in range(80) for row in draw_cases(images, CLASSES, 6, seed)}
    assert seen == set(range(24))


def test_too_few_patients_give_fewer_cases_never_a_patient_twice() -> None:
    images = slices(patients=5, each=6)
    drawn = images.iloc[draw_cases(images, CLASSES, 12, 0)]
    assert len(drawn) == drawn["group"].nunique() == 5


def test_a_rare_class_gets_its_patients_though_they_also_have_other_slices() -> None:
    """Only three patients have class yes, and all patients have class no: a greedy draw would use them up."""
    names = [f"p{number}" for number in range(10)] + ["p0", "p1", "p2"]
    images = table(names, ["no"] * 10 + ["yes"] * 3)
    for seed in range(10):
        drawn = images.iloc[draw_cases(images, CLASSES, 6, seed)]
        assert drawn["label"].value_counts().to_dict() == {"no": 3, "yes": 3}
        assert drawn["group"].nunique() == 6


def test_other_classes_fill_what_a_class_lacks() -> None:
    images = table([f"p{number}" for number in range(12)], ["yes"] * 2 + ["no"] * 10)
    assert images["label"].iloc[draw_cases(images, CLASSES, 8, 0)].value_counts().to_dict() == {"no": 6, "yes": 2}
    same = table(["p0", "p0", *(f"p{number}" for number in range(1, 9))], ["yes"] * 2 + ["no"] * 8)
    assert same["label"].iloc[draw_cases(same, CLASSES, 8, 0)].value_counts().to_dict() == {"no": 7, "yes": 1}


def test_copies_near_copies_and_doubtful_labels_are_kept_out() -> None:
    images = table([""] * 8, ["no"] * 4 + ["yes"] * 4, twins=["a", "a", "", "", "b", "b", "", ""])
    images.loc[3, "sha256"] = images.loc[7, "sha256"]  # the same bytes with two labels
    images.loc[2, "sha256"] = images.loc[0, "sha256"]  # a copy
    for seed in range(6):
        drawn = set(draw_cases(images, CLASSES, 8, seed).tolist())
        assert not {3, 7} & drawn
        assert len(drawn) == 3
        assert len({0, 1, 2} & drawn) == len({4, 5} & drawn) == 1


def test_only_allowed_images_are_drawn_and_an_odd_place_goes_to_a_class_at_random() -> None:
    images = slices(patients=20, each=2)
    allowed = np.arange(40) % 4 < 2
    counts = set()
    for seed in range(12):
        rows = draw_cases(images, CLASSES, 5, seed, allowed)
        assert allowed[rows].all()
        counts.add(int((images["label"].iloc[rows] == "yes").sum()))
    assert counts == {2, 3}
