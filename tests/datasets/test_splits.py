from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from brainseg.config import DataConfig
from brainseg.datasets.splits import fold_members, leak_groups, split_dataset
from brainseg.datasets.table import Dataset
from brainseg.errors import DataError
from tests.datasets.conftest import make_dataset


def random_dataset(seed: int) -> Dataset:
    """40 to 300 images of two or three classes, with some copies, and for most seeds patients with some images each."""
    random = np.random.default_rng(seed)
    count = int(random.integers(40, 300))
    classes = ["no", "yes", "maybe"][: 2 + seed % 2]
    labels = [classes[number % len(classes)] if number < 12 else str(random.choice(classes)) for number in range(count)]
    patients = max(10, count // int(random.integers(1, 6)))
    groups = [f"p{random.integers(patients)}" if seed % 3 and random.random() < 0.8 else "" for _ in range(count)]
    hashes = [f"{random.integers(count * 10):064x}" for _ in range(count)]
    return make_dataset(labels, groups, hashes)


def settings(**values: object) -> DataConfig:
    return DataConfig(**values)  # type: ignore[arg-type]


def refusal(dataset: Dataset, config: DataConfig) -> str:
    with pytest.raises(DataError) as caught:
        split_dataset(dataset, config)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def straddling(dataset: Dataset, sides: pd.Series) -> list[str]:
    """Contents and patients that are on more than one side."""
    found: list[str] = []
    for column in ("sha256", "twin", "group"):
        pairs = {(key, side) for key, side in zip(dataset.table[column], sides, strict=True) if key}
        found += [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    return found


def classes_on(dataset: Dataset, sides: pd.Series, side: str) -> set[str]:
    return set(dataset.table["label"][sides == side])


# -------------------------------------------------------------------------------------------------------- leak groups


def chains(table: pd.DataFrame) -> np.ndarray:
    """Which images are connected by chains: (N, N) bool."""
    joined = np.zeros((len(table), len(table)), dtype=bool)
    for column in ("sha256", "twin", "group"):
        key = table[column].to_numpy()
        joined |= (key[:, None] == key) & (key != "")
    for _ in range(len(table).bit_length()):
        joined = (joined.astype(np.float32) @ joined.astype(np.float32)) > 0
    return joined


@pytest.mark.parametrize("seed", range(30))
def test_leak_groups_follow_chains_of_copies_and_patients(seed):
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 60))
    table = pd.DataFrame(
        {
            "sha256": [f"h{random.integers(count)}" for _ in range(count)],
            "twin": [random.choice(["", f"t{random.integers(count)}"]) for _ in range(count)],
            "group": [random.choice(["", "h1", f"g{random.integers(count)}"]) for _ in range(count)],
        }
    )
    numbers = leak_groups(table)
    np.testing.assert_array_equal(numbers[:, None] == numbers, chains(table))
    assert list(dict.fromkeys(numbers)) == list(range(numbers.max() + 1))  # counted in order of appearance


def test_a_patient_named_like_a_hash_is_no_copy():
    assert leak_groups(pd.DataFrame({"sha256": ["a", "b"], "twin": ["", "a"], "group": ["", "a"]})).tolist() == [0, 1]


# ------------------------------------------------------------------------------------------------------------- grouped


@pytest.mark.parametrize("seed", range(40))
def test_grouped_split_never_leaks_and_comes_close_to_the_share(seed):
    dataset = random_dataset(seed)
    count, largest = len(dataset.table), np.bincount(leak_groups(dataset.table)).max()
    for fraction in (0.1, 0.2, 0.5):
        sides = split_dataset(dataset, settings(split="grouped", valid_fraction=fraction, seed=seed))
        assert set(sides) == {"train", "valid"}
        assert straddling(dataset, sides) == []
        for side in ("train", "valid"):
            assert classes_on(dataset, sides, side) == set(dataset.classes)
        assert abs((sides == "valid").sum() - count * fraction) <= max(1, largest / 2)


def test_grouped_split_joins_chains():
    """Copies join a with b and b with c: all three patients share a side."""
    chain = [("a", "1"), ("a", "2"), ("b", "2"), ("b", "3"), ("c", "3")]
    others = [(f"p{number}", f"{number + 10}") for number in range(15)]
    groups, hashes = map(list, zip(*chain, *others, strict=True))
    dataset = make_dataset(["no", "yes"] * 10, groups, hashes)
    for seed in range(30):
        sides = split_dataset(dataset, settings(seed=seed, valid_fraction=0.3))
        assert sides[:5].nunique() == 1
        assert (sides == "valid").sum() == 6


@pytest.mark.parametrize(
    ("sizes", "fraction", "held"),
    [
        ([10] * 5, 0.2, {10}),
        ([10] * 5, 0.39, {20}),  # 19 are wanted: two patients are closer to that than one
        ([10] * 5, 0.05, {10}),  # fewer than any patient has
        ([30, 30, 30], 0.2, {30}),
        ([4] * 24 + [4], 0.5, {48, 52}),
        ([90, 5, 5], 0.1, {10}),
        ([1] * 100, 0.29, {29}),
    ],
)
def test_whole_patients_come_as_close_as_they_can(sizes, fraction, held):
    groups = [f"p{number}" for number, size in enumerate(sizes) for _ in range(size)]
    dataset = make_dataset([("no", "yes")[number % 2] for number in range(len(groups))], groups)
    for seed in range(10):
        sides = split_dataset(dataset, settings(seed=seed, valid_fraction=fraction))
        assert (sides == "valid").sum() in held
        assert straddling(dataset, sides) == []


def test_the_smallest_patient_is_not_held_out_where_it_lacks_a_class():
    labels = ["no"] * 10 + ["no", "yes"] * 6 + ["no", "yes"] * 6
    dataset = make_dataset(labels, ["small"] * 10 + ["b"] * 12 + ["c"] * 12)
    sides = split_dataset(dataset, settings(valid_fraction=0.2))
    assert classes_on(dataset, sides, "valid") == classes_on(dataset, sides, "train") == {"no", "yes"}


def test_rare_class_is_on_both_sides():
    dataset = make_dataset(["no"] * 97 + ["yes"] * 3)
    for seed in range(20):
        sides = split_dataset(dataset, settings(seed=seed))
        assert classes_on(dataset, sides, "valid") == classes_on(dataset, sides, "train") == {"no", "yes"}


@pytest.mark.parametrize("grouped", [False, True])
def test_many_small_classes_are_on_both_sides_for_any_seed(grouped):
    """With four images per class, a fifth is too few for 12 classes, so the validation set gets some more."""
    labels = [str(number // 4) for number in range(48)]
    dataset = make_dataset(labels, [f"p{number // 2}" for number in range(48)] if grouped else None)
    for seed in range(25):
        sides = split_dataset(dataset, settings(seed=seed))
        assert classes_on(dataset, sides, "valid") == classes_on(dataset, sides, "train") == set(labels)
        assert (sides == "valid").sum() == (24 if grouped else 12)


@pytest.mark.parametrize("seed", range(10))
def test_grouped_split_gives_each_class_its_part_as_far_as_groups_allow(seed):
    random = np.random.default_rng(seed)
    patients = [(label, f"{label}{n}", int(random.integers(1, 6))) for label in "abc" for n in range(40)]
    labels, groups = map(list, zip(*((la, who) for la, who, size in patients for _ in range(size)), strict=True))
    dataset = make_dataset(labels, groups)
    held = Counter(dataset.table["label"][split_dataset(dataset, settings(seed=seed)) == "valid"])
    for name, count in Counter(labels).items():
        assert abs(held[name] - count * 0.2) <= 2


def test_a_rare_class_of_many_patients_is_split_like_the_others():
    dataset = make_dataset(["no"] * 180 + ["yes"] * 20)
    for seed in range(10):
        assert (dataset.table["label"][split_dataset(dataset, settings(seed=seed)) == "valid"] == "yes").sum() == 4


# -------------------------------------------------------------------------------------------------------------- random


@pytest.mark.parametrize("count", [60, 99, 253, 1000])
@pytest.mark.parametrize("fraction", [0.2, 0.29, 0.5])
def test_random_split_holds_out_the_share_rounded_down(count, fraction):
    dataset = make_dataset([("no", "yes")[number % 2] for number in range(count)])
    for seed in range(10):
        sides = split_dataset(dataset, settings(split="random", valid_fraction=fraction, seed=seed))
        assert (sides == "valid").sum() == round(count * fraction * 100) // 100


@pytest.mark.parametrize("seed", range(20))
def test_stratified_split_keeps_the_proportions(seed):
    random = np.random.default_rng(seed)
    labels = random.choice(["a", "b", "c"], size=int(random.integers(60, 300)), p=[0.6, 0.3, 0.1]).tolist()
    dataset = make_dataset([*labels, "a", "a", "b", "b", "c", "c"])
    config = settings(split="random", stratify=True, seed=seed, valid_fraction=float(random.uniform(0.1, 0.5)))
    held = Counter(dataset.table["label"][split_dataset(dataset, config) == "valid"])
    for name, count in Counter(dataset.table["label"]).items():
        assert abs(held[name] - count * config.valid_fraction) <= 1.5


def test_random_split_does_let_copies_straddle():
    """The split of the paper leaks, which is why `grouped` is the default."""
    dataset = make_dataset(["no", "yes"] * 50, hashes=[f"{number // 4}" for number in range(100)])
    assert straddling(dataset, split_dataset(dataset, settings(split="random")))


# --------------------------------------------------------------------------------------------------------------- seeds


@pytest.mark.parametrize("split", ["random", "grouped", "k-fold"])
@pytest.mark.parametrize("stratify", [False, True])
def test_same_seed_same_split_and_other_seed_other_split(split, stratify):
    dataset = random_dataset(7)
    drawn = set()
    for seed in range(8):
        config = settings(split=split, stratify=stratify, seed=seed)
        sides = split_dataset(dataset, config)
        pd.testing.assert_series_equal(sides, split_dataset(dataset, config))
        drawn.add(tuple(sides))
    assert len(drawn) == 8


def test_splitting_changes_nothing_in_the_table():
    dataset = random_dataset(3)
    before = dataset.table.copy(deep=True)
    for split in ("random", "grouped", "k-fold"):
        sides = split_dataset(dataset, settings(split=split))
        assert (sides.name, list(sides.index)) == ("split", list(before.index))
    pd.testing.assert_frame_equal(dataset.table, before)


# -------------------------------------------------------------------------------------------------------------- k-fold


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("folds", [2, 5])
def test_folds_hold_out_every_image_once_and_never_leak(seed, folds):
    dataset = random_dataset(seed)
    held = pd.Series(0, index=dataset.table.index)
    for fold in range(folds):
        sides = split_dataset(dataset, settings(split="k-fold", folds=folds, fold=fold, seed=seed))
        assert straddling(dataset, sides) == []
        assert set(sides) == {"train", "valid"}
        held += sides == "valid"
    assert set(held) == {1}


def test_folds_are_balanced_by_class():
    dataset = make_dataset(["no"] * 30 + ["yes"] * 70)
    for rows in fold_members(dataset, folds=5, seed=1):
        assert Counter(dataset.table["label"].iloc[rows]) == {"no": 6, "yes": 14}


def test_folds_without_groups_take_every_image_for_itself():
    dataset = make_dataset(["no", "yes"] * 10, groups=["p"] * 20)
    assert "fewer independent images" in refusal(dataset, settings(split="k-fold", folds=2))
    members = fold_members(dataset, folds=2, seed=0, grouped=False)
    assert sorted(np.concatenate(members)) == list(range(20))


# --------------------------------------------------------------------------------------------------------------- given


@pytest.mark.parametrize("split", ["grouped", "k-fold", "random"])
@pytest.mark.parametrize("seed", range(6))
def test_a_test_set_shares_no_patient_and_no_copy_and_depends_on_nothing_else(seed, split):
    dataset = random_dataset(seed)
    drawn = {"test_fraction": 0.2, "seed": seed, "folds": 2}
    sides = split_dataset(dataset, settings(split=split, **drawn))
    test = (sides == "test").to_numpy()
    groups = leak_groups(dataset.table)
    assert not set(groups[test]) & set(groups[~test])
    assert classes_on(dataset, sides, "test") == set(dataset.classes)
    left_out = split_dataset(dataset, settings(split=split, test_use="leave-out", **drawn))
    assert left_out.equals(sides.replace("test", "outer"))
    other = split_dataset(dataset, settings(split="grouped", valid_fraction=0.35, **drawn))
    assert np.array_equal(other == "test", test)


def test_a_test_set_that_cannot_be_drawn_is_refused_in_one_sentence():
    dataset = make_dataset(["no"] * 8 + ["yes"] * 8, ["a"] * 4 + ["b"] * 4 + [""] * 8, [f"{n:064x}" for n in range(16)])
    assert "class 'no' has 2 independent images or patients" in refusal(dataset, settings(test_fraction=0.2))
    for taken in ({"split": "given"}, {"split": "k-fold", "outer_folds": 2}):
        with pytest.raises(ValueError, match=r"test_fraction 0\.2 is not allowed"):
            settings(test_fraction=0.2, **taken)


def test_a_given_test_set_is_left_out_on_request():
    dataset = make_dataset(["no", "yes"] * 3, [""] * 6, [f"{n:064x}" for n in range(6)])
    dataset = replace(dataset, table=dataset.table.assign(split=["train", "train", "valid", "valid", "test", "test"]))
    sides = split_dataset(dataset, settings(split="given", test_use="leave-out"))
    assert sides.tolist() == ["train", "train", "valid", "valid", "outer", "outer"]


def test_given_split_is_taken_as_it_is():
    given = ["train", "train", "valid", "valid", "test", "test"]
    dataset = make_dataset(["no", "yes"] * 3, splits=given)
    assert split_dataset(dataset, settings(split="given")).tolist() == given


def test_test_images_are_held_out_where_there_are_no_others():
    dataset = make_dataset(["no", "yes"] * 2, splits=["train", "train", "test", "test"])
    assert split_dataset(dataset, settings(split="given")).tolist() == ["train", "train", "valid", "valid"]


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        (["", "", "", ""], "has no given split"),
        (["train", "train", "valid", ""], "1 images have no split"),
        (["train"] * 4, "'no' is on the validation side"),
        (["test"] * 4, "'no' is on the training side"),
        (["valid", "valid", "test", "test"], "on the training side"),
        (["train", "train", "train", "test"], "'no' is on the validation side"),
    ],
)
def test_given_split_that_does_not_do_is_one_sentence(splits, words):
    assert words in refusal(make_dataset(["no", "yes"] * 2, splits=splits), settings(split="given"))


# ----------------------------------------------------------------------------------------------------------- too small


@pytest.mark.parametrize(
    ("dataset", "config", "words"),
    [
        (make_dataset(["no", "yes"]), settings(split="random"), "2 images are too few"),
        (make_dataset(["no", "yes"]), settings(split="grouped"), "2 images are too few"),
        (make_dataset(["no", "yes"]), settings(split="k-fold"), "fewer independent images or patients than 5 folds"),
        (make_dataset(["no", "yes"] * 9), settings(valid_fraction=0.05), "18 images are too few"),
        (make_dataset(["no"] * 30 + ["yes"]), settings(split="random"), "No image of class 'yes'"),
        (make_dataset(["no"] * 30 + ["yes"]), settings(split="grouped"), "No image of class 'yes'"),
        (make_dataset(["no"] * 30 + ["yes"]), settings(split="random", stratify=True), "two images of every class"),
        (make_dataset(["no"] * 30 + ["yes"] * 4), settings(split="k-fold"), "Class 'yes' has fewer"),
        (make_dataset(list("aabbccddee")), settings(split="random", stratify=True), "too few for a stratified split"),
        (make_dataset(["no", "yes"] * 9, ["p"] * 18), settings(), "form one group"),
        (make_dataset(["no", "yes"] * 9, hashes=["h"] * 18), settings(), "form one group"),
        (make_dataset(["no", "yes"] * 9, ["a", "b"] * 9), settings(), "No image of class"),
    ],
)
def test_set_that_is_too_small_is_one_sentence(dataset, config, words):
    assert words in refusal(dataset, config)


ONE_IMAGE = make_dataset(["no"] * 40 + ["yes"])
THREE_CLASSES = make_dataset(["no"] * 40 + ["yes"] * 40 + ["odd"])
ONE_PATIENT = make_dataset(["no"] * 20 + ["yes"] * 20, [f"p{n // 4}" for n in range(20)] + ["x"] * 20)
COPIES = make_dataset(["no"] * 20 + ["yes"] * 20, hashes=[f"{n}" for n in range(20)] + ["h"] * 20)
TWO_PATIENTS = make_dataset(["no", "yes"] * 9, ["a", "b"] * 9)
MANY_CLASSES = make_dataset([str(n // 4) for n in range(48)])
RARE = make_dataset(["no"] * 60 + ["yes"] * 2)
FEW, FEW_SEED = make_dataset(["no"] * 60 + ["yes"] * 6), 1


def without_groups(dataset: Dataset) -> Dataset:
    return replace(dataset, table=dataset.table.assign(group=""))


@pytest.mark.parametrize(
    ("dataset", "config", "cause", "remedy", "mended"),
    [
        (ONE_IMAGE, {}, "has only 1 image", "add images of it", (make_dataset(["no"] * 40 + ["yes"] * 2), {})),
        (
            ONE_IMAGE,
            {"split": "random"},
            "has only 1 image",
            "add images",
            (make_dataset(["no"] * 40 + ["yes"] * 2), {}),
        ),
        (THREE_CLASSES, {}, "has only 1 image", "remove the class", (make_dataset(["no"] * 40 + ["yes"] * 40), {})),
        (
            ONE_PATIENT,
            {},
            "all 20 images of the class are of patient 'x'",
            "groups=none",
            (without_groups(ONE_PATIENT), {}),
        ),
        (ONE_PATIENT, {"split": "k-fold"}, "are of patient 'x'", "data.groups=none", (without_groups(ONE_PATIENT), {})),
        (
            COPIES,
            {},
            "all 20 images of the class are copies",
            "add other images",
            (make_dataset(["no", "yes"] * 20), {}),
        ),
        (TWO_PATIENTS, {}, "images of the class are of patient", "groups=none", (without_groups(TWO_PATIENTS), {})),
        (
            MANY_CLASSES,
            {"split": "random"},
            "valid has 9 images for 12 classes",
            "data.valid_fraction=0.25 and data.stratify=true",
            (MANY_CLASSES, {"split": "random", "valid_fraction": 0.25, "stratify": True}),
        ),
        (MANY_CLASSES, {"split": "random"}, "for 12 classes", "data.split=grouped", (MANY_CLASSES, {})),
        (
            MANY_CLASSES,
            {"split": "random", "stratify": True},
            "too few for a stratified split of 12 classes",
            "data.valid_fraction=0.25",
            (MANY_CLASSES, {"split": "random", "valid_fraction": 0.25, "stratify": True}),
        ),
        (RARE, {"split": "random", "seed": 0}, "so a random draw", "data.split=grouped", (RARE, {"seed": 0})),
        (
            FEW,
            {"split": "random", "seed": FEW_SEED},
            "a random split ignores classes",
            "data.stratify=true or data.split=grouped",
            (FEW, {"split": "random", "stratify": True, "seed": FEW_SEED}),
        ),
        (
            make_dataset(["no", "yes"] * 4, splits=["train"] * 8),
            {"split": "given"},
            "the given split has none there",
            "data.split=grouped",
            (make_dataset(["no", "yes"] * 4), {}),
        ),
    ],
)
def test_a_missing_class_is_told_apart_into_its_causes_and_the_remedy_works(dataset, config, cause, remedy, mended):
    text = refusal(dataset, settings(**config))
    assert cause in text
    assert remedy in text
    other, changed = mended
    sides = split_dataset(other, settings(**changed))
    assert classes_on(other, sides, "valid") == classes_on(other, sides, "train") == set(other.classes)


# ----------------------------------------------------------------------------------------------------------- real data


def test_papers_split_of_kaggle253_is_203_to_50(kaggle):
    for seed in range(10):
        sides = split_dataset(kaggle, settings(split="random", seed=seed))
        assert sides.value_counts().to_dict() == {"train": 203, "valid": 50}


def test_grouped_split_of_kaggle253_keeps_its_copies_together(kaggle):
    leaks = 0
    for seed in range(10):
        sides = split_dataset(kaggle, settings(seed=seed))
        assert sides.value_counts().to_dict() == {"train": 203, "valid": 50}
        assert straddling(kaggle, sides) == []
        leaks += bool(straddling(kaggle, split_dataset(kaggle, settings(split="random", seed=seed))))
    assert leaks == 10
