"""The images on which an ensemble can be evaluated, and the mean of its members' predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainseg.errors import DataError
from brainseg.evaluation.ensemble import LEAST_IMAGES, LEFT_OUT, MemberResult, common_images, joint_split
from tests.models.conftest import one_sentence

CLASSES = ["no", "yes"]


def member(name: str, sides: str, seed: int = 0, digests: list[str] | None = None, **columns: object) -> MemberResult:
    """A member whose images have the sides t (train), v (valid), e (test) and - (held out, but not predicted)."""
    words = {"t": "train", "v": "valid", "e": "test", "-": "outer"}
    paths = [f"{number:02d}.png" for number in range(len(sides))]
    split = pd.DataFrame(
        {
            "path": paths,
            "label": [CLASSES[number % 2] for number in range(len(sides))],
            "group": "",
            "sha256": digests or [f"sha {path}" for path in paths],
            "twin": "",
            "split": [words[side] for side in sides],
        }
    ).assign(**columns)
    values = np.random.default_rng(seed).uniform(0.01, 0.99, len(sides))
    table = split[["path", "group", "label"]].assign(p_no=1 - values, p_yes=values)
    return MemberResult(name, split, table[[side in "ve" for side in sides]].reset_index(drop=True))


def test_only_images_count_that_all_held_out_and_none_learned() -> None:
    first = member("first", "v" * 14 + "tt", 1)
    second = member("second", "vvvvvvvvvvvv" + "tt" + "vv", 2)
    found = common_images([first, second], CLASSES)
    assert found.rows["path"].tolist() == [f"{number:02d}.png" for number in range(12)]
    assert (found.evaluated_on, set(found.rows["split"])) == ("valid", {"valid"})
    table = found.table("valid")
    mean = (first.predictions["p_yes"][:12].to_numpy() + second.predictions["p_yes"][:12].to_numpy()) / 2
    np.testing.assert_allclose(table["p_yes"], mean, rtol=0, atol=1e-15)
    assert table["prediction"].tolist() == ["yes" if value > 0.5 else "no" for value in mean]
    own = np.where(table["label"] == "yes", mean, 1 - mean)
    np.testing.assert_allclose(table["loss"], -np.log(own))
    split = joint_split([first, second], found).set_index("path")["split"]
    assert split.value_counts().to_dict() == {"valid": 12, "train": 4}


def test_copies_of_what_any_member_learned_do_not_count() -> None:
    digests = [f"sha {number}" for number in range(16)]
    same_bytes = [*digests[:15], digests[0]]
    twins = ["", "near 1", *[""] * 13, "near 1"]
    plain, sides = member("plain", "v" * 16, 1, digests), "v" * 15 + "t"
    exact = common_images([plain, member("exact", sides, 2, same_bytes)], CLASSES)
    assert "00.png" not in exact.rows["path"].tolist()
    near = common_images([plain, member("near", sides, 2, digests, twin=twins)], CLASSES)
    assert {"01.png", "15.png"}.isdisjoint(near.rows["path"])
    # The near copy is known in the dataset of one member, and learned by the other.
    known = member("known", "v" * 16, 1, digests, twin=twins)
    across = common_images([known, member("learned", sides, 2, digests)], CLASSES)
    assert {"01.png", "15.png"}.isdisjoint(across.rows["path"])
    before = MemberResult("warm", plain.split, plain.predictions, frozenset({digests[3]}))
    warm = common_images([plain, before], CLASSES)
    assert "03.png" not in warm.rows["path"].tolist()
    assert joint_split([plain, before], warm).set_index("path")["split"]["03.png"] == "train"


def test_images_are_the_same_by_their_bytes_whatever_their_names() -> None:
    first = member("first", "v" * 12, 1)
    other = member("second", "v" * 12 + "t", 2)
    renamed = other.split.assign(path=[f"x/{path}" for path in other.split["path"]])
    renamed.loc[12, ["path", "twin"]] = ["00.png", "near 1"]  # another image under a name that the first member uses
    second = MemberResult("second", renamed, other.predictions.assign(path=renamed["path"][:12]))
    found = common_images([first, second], CLASSES)
    assert found.rows["path"].tolist() == first.split["path"].tolist()
    np.testing.assert_allclose(found.members[1, :, 1], other.predictions["p_yes"])
    split = joint_split([first, second], found)
    assert split["path"].is_unique
    assert split.iloc[-1].to_dict() == {
        "path": "member 2: 00.png", "label": "no", "group": "", "sha256": "sha 12.png",
        "twin": "member 2: near 1", "split": "train",
    }  # fmt: skip


def test_test_sets_are_evaluated_if_all_members_have_one() -> None:
    first, second = member("first", "ttvvv" + "e" * 11, 1), member("second", "ttvvve" + "e" * 10, 2)
    found = common_images([first, second], CLASSES)
    assert (found.evaluated_on, len(found.table("test")), len(found.table("valid"))) == ("test", 11, 3)
    mixed = common_images([member("first", "tt" + "e" * 14), member("second", "tt" + "v" * 14)], CLASSES)
    assert (mixed.evaluated_on, len(mixed.table("valid"))) == ("valid", 14)
    partly = joint_split([member("a", "v" * 13 + "-"), member("b", "v" * 14)], common_images(
        [member("a", "v" * 13 + "-"), member("b", "v" * 14)], CLASSES))  # fmt: skip
    assert partly["split"].tolist() == ["valid"] * 13 + [LEFT_OUT]


def test_too_few_images_and_other_labels_are_refused_in_one_sentence() -> None:
    with pytest.raises(DataError, match="9 images were held out by all of a, b and learned by none") as few:
        common_images([member("a", "v" * 9 + "t" * 9), member("b", "v" * 9 + "t" * 9)], CLASSES)
    assert f"an ensemble needs {LEAST_IMAGES}" in one_sentence(few.value)
    changed = member("b", "v" * 12)
    labels = changed.split["label"].mask(changed.split["path"] == "03.png", "no")
    relabelled = MemberResult("b", changed.split.assign(label=labels), changed.predictions.assign(label=labels))
    with pytest.raises(DataError, match=r"03\.png has the label yes in a and no in b") as other:
        common_images([member("a", "v" * 12), relabelled], CLASSES)
    one_sentence(other.value)
