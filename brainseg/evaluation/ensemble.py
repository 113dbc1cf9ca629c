"""The images on which an ensemble can be evaluated, and its predictions of them: the mean of its members'.

An image counts if every member held it out, and no member learned from it or from a copy of it. The members' stored
predictions of these images are what their models answer, so no model has to run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from brainseg.datasets.split_table import copies_of, evaluated_set
from brainseg.errors import DataError
from brainseg.evaluation.checks import class_codes, probabilities
from brainseg.evaluation.comparison import with_digests
from brainseg.models.ensemble import mean_probabilities

LEAST_IMAGES = 10
"""Fewest images for an evaluation."""
LEFT_OUT = "left out"
"""Set of an image that neither a member learned from nor the ensemble is evaluated on, in its `split.csv`."""
_IDENTITY = ["path", "label", "group", "sha256", "twin"]
_TINY = 1e-300
"""Smallest probability that counts; a probability of 0 has no logarithm."""


@dataclass(frozen=True, eq=False)
class MemberResult:
    """What a member of an ensemble left behind.

    Attributes:
        name: Its name.
        split: The set of each of its images; see `datasets.split_table.read_split`.
        predictions: Its stored predictions of held-out images, each once.
        learnt_before: SHA-256 of the images that the weights of a warm start had learned from.
    """

    name: str
    split: pd.DataFrame
    predictions: pd.DataFrame
    learnt_before: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class CommonImages:
    """The images that count for an ensemble.

    Attributes:
        rows: (N) `path`, `label`, `group`, `sha256` and `twin` as in the first member's split, and `split`: "test" for
            images of the test sets of all members, otherwise "valid".
        members: (M, N, C) float64, the probabilities of each member.
        classes: The names of the C classes.
    """

    rows: pd.DataFrame
    members: np.ndarray
    classes: Sequence[str]

    @property
    def evaluated_on(self) -> Literal["valid", "test"]:
        """The set that the ensemble is evaluated on: as of a run, the test set if there is one."""
        return "test" if evaluated_set(self.rows["split"]) == "test" else "valid"

    def table(self, side: str) -> pd.DataFrame:
        """Return the predictions of the ensemble for a set; see `evaluation.classification` for the columns."""
        kept = (self.rows["split"] == side).to_numpy()
        return prediction_table(self.rows[kept], mean_probabilities(self.members[:, kept]), self.classes)

    def member_table(self, place: int, side: str) -> pd.DataFrame:
        """Return the predictions of a member for the same images."""
        kept = (self.rows["split"] == side).to_numpy()
        return prediction_table(self.rows[kept], self.members[place, kept], self.classes)


def prediction_table(rows: pd.DataFrame, values: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Return a table of predictions; see `evaluation.classification` for the columns.

    Args:
        rows: The images' `path`, `group` and `label`.
        values: (N, C) float, their probabilities.
        classes: The names of the C classes.
    """
    codes = class_codes(rows, "label", classes)
    own = np.maximum(values[np.arange(len(codes)), codes], _TINY)
    return pd.DataFrame(
        {
            "path": rows["path"].to_numpy(),
            "group": rows["group"].to_numpy(),
            "label": rows["label"].to_numpy(),
            "prediction": np.array(classes, dtype=object)[values.argmax(axis=1)],
            "loss": -np.log(own) + 0.0,
            **{f"p_{name}": values[:, place] for place, name in enumerate(classes)},
        }
    )


def common_images(members: Sequence[MemberResult], classes: Sequence[str]) -> CommonImages:
    """Return the images that count, by their bytes: names and folders may differ among the members.

    Args:
        members: At least two.
        classes: The classes of all members.

    Raises:
        DataError: There are too few such images, or members know an image under different labels.
        ValueError: Predictions and split of a member do not belong together.
    """
    learnt = _learnt(members)
    tables = [_held_out(member, learnt) for member in members]
    first, *others = tables
    for table in others:
        first = first[first["sha256"].isin(table["sha256"])]
    indexed = [table.drop_duplicates("sha256").set_index("sha256").loc[first["sha256"]] for table in tables]
    for member, table in zip(members[1:], indexed[1:], strict=True):
        _refuse_other_labels(members[0].name, first, member.name, table)
    sides = np.array([table["side"].to_numpy() for table in indexed])
    tested = all(evaluated_set(member.split["split"]) == "test" for member in members)
    rows = first[_IDENTITY].assign(split=np.where((sides == "test").all(axis=0) & tested, "test", "valid"))
    rows = rows.reset_index(drop=True)
    found = CommonImages(rows, np.array([probabilities(table, classes) for table in indexed]), list(classes))
    if (count := int((rows["split"] == found.evaluated_on).sum())) < LEAST_IMAGES:
        names = ", ".join(member.name for member in members)
        noun = "test image" if found.evaluated_on == "test" else "image"
        these = f"1 {noun} was" if count == 1 else f"{count} {noun}s were"
        raise DataError(
            f"{these} held out by all of {names} and learned by none of them, and an ensemble needs {LEAST_IMAGES}: "
            "train its members on the same dataset with the same split and data.seed."
        )
    return found


def joint_split(members: Sequence[MemberResult], common: CommonImages) -> pd.DataFrame:
    """Return the set of each image of any member, as an ensemble's `split.csv` holds it.

    Images that a member learned from are "train", those that count "valid" or "test", and all others `LEFT_OUT`.

    Args:
        members: The members.
        common: Their common images.
    """
    learnt = _learnt(members)
    parts = [members[0].split[_IDENTITY]]
    for number, member in enumerate(members[1:], start=2):
        known: set[str] = set().union(*(part["sha256"] for part in parts))
        more = member.split[~member.split["sha256"].isin(known)][_IDENTITY]
        # Names of near copies and of files are of one dataset each.
        twins = more["twin"].where(more["twin"] == "", f"member {number}: " + more["twin"])
        used: set[str] = set().union(*(part["path"] for part in parts))
        taken = more["path"].isin(used)
        paths = more["path"].where(~taken, f"member {number}: " + more["path"])
        parts.append(more.assign(twin=twins, path=paths))
    rows = pd.concat(parts, ignore_index=True)
    sides = rows["path"].map(dict(zip(common.rows["path"], common.rows["split"], strict=True))).fillna(LEFT_OUT)
    rows["split"] = np.where(rows["sha256"].isin(learnt), "train", sides)
    return rows


def _learnt(members: Sequence[MemberResult]) -> set[str]:
    """Return the hashes of all images that any member learned from."""
    found: set[str] = set()
    for member in members:
        found |= {*member.split.loc[member.split["split"] == "train", "sha256"], *member.learnt_before}
    return found - {""}


def _held_out(member: MemberResult, learnt: set[str]) -> pd.DataFrame:
    """Return the predicted images of a member that are no copies of what any member learned, with their set."""
    table = with_digests(member.predictions, member.split)
    rows = member.split.set_index("path", drop=False).loc[table["path"]].reset_index(drop=True)
    # A near copy of another member's training image is known by its name in this member's dataset.
    taught = (member.split["split"] == "train") | member.split["sha256"].isin(learnt)
    identical, near = copies_of(member.split[taught], rows)
    kept = ~(identical | near) & rows["split"].isin(["valid", "test"]).to_numpy() & (rows["sha256"] != "").to_numpy()
    facts = {"group": rows["group"].to_numpy(), "twin": rows["twin"].to_numpy(), "side": rows["split"].to_numpy()}
    held_out: pd.DataFrame = table.assign(**facts)[kept]
    return held_out


def _refuse_other_labels(first: str, mine: pd.DataFrame, second: str, its: pd.DataFrame) -> None:
    labels, others = mine["label"].to_numpy(), its["label"].to_numpy()
    if len(differing := np.flatnonzero(labels != others)):
        place = int(differing[0])
        raise DataError(
            f"{mine['path'].iloc[place]} has the label {labels[place]} in {first} and {others[place]} in {second}: "
            "train both on the same labels."
        )
