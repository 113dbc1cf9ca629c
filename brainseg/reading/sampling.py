"""The sample of a reader study: as many cases of each class as possible, and at most one image per patient."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy

from brainseg.datasets.leak_groups import leak_groups
from brainseg.files import sha256_bytes


def draw_cases(
    table: pd.DataFrame, classes: tuple[str, ...], number: int, seed: int, allowed: np.ndarray | None = None
) -> np.ndarray:
    """Draw the images of a study.

    No two of them are of one patient, and none is a copy or near copy of another. Images whose bytes have several
    labels are left out, since their truth is not known. Each class gets the same number of cases, as far as it has
    enough; the other classes fill the places that it leaves.

    Args:
        table: A dataset's table: `path`, `label`, `group`, `sha256` and `twin`.
        classes: The classes, in order.
        number: Number of cases that are wanted.
        seed: The same seed gives the same cases.
        allowed: (N,) bool, images that may be drawn; None allows all.

    Returns:
        Row numbers, ascending; fewer than `number` if there are too few patients or images.
    """
    groups = leak_groups(table)
    usable = np.ones(len(table), dtype=bool) if allowed is None else allowed.copy()
    usable &= table.groupby("sha256")["label"].transform("nunique").to_numpy() == 1
    random = np.random.default_rng(seed)
    # One image of each group and class stands for the group, chosen at random among those images.
    rows = random.permutation(np.flatnonzero(usable))
    codes = pd.Categorical(table["label"], categories=list(classes)).codes[rows]
    first = pd.DataFrame({"row": rows, "group": groups[rows], "code": codes}).query("code >= 0")
    first = first.drop_duplicates(["group", "code"])
    return np.sort(_match(first, len(classes), number, random))


def _match(candidates: pd.DataFrame, classes: int, number: int, random: np.random.Generator) -> np.ndarray:
    """Give every place of a class its own group, and return the rows of the images that stand for them."""
    most = np.bincount(candidates["code"], minlength=classes)
    order = random.permutation(classes)
    chosen = np.zeros(0, dtype=np.int64)
    for _ in range(classes + 1):  # what one class lacks goes to the others, once per class at most
        chosen = _matched(candidates, _quotas(most, number, order), classes)
        counts = np.bincount(candidates["code"][candidates["row"].isin(chosen)], minlength=classes)
        lacking = counts < _quotas(most, number, order)
        if not lacking.any():
            break
        most = np.where(lacking, counts, most)
    return chosen


def _quotas(most: np.ndarray, number: int, order: np.ndarray) -> np.ndarray:
    """Share `number` places among classes as evenly as their images allow; `order` decides who gets odd places."""
    quotas = np.zeros_like(most)
    while quotas.sum() < min(number, int(most.sum())):
        open_classes = [code for code in order if quotas[code] < most[code]]
        fewest = min(open_classes, key=lambda code: quotas[code])
        quotas[fewest] += 1
    return quotas


def _matched(candidates: pd.DataFrame, quotas: np.ndarray, classes: int) -> np.ndarray:
    """Return the rows of a largest matching of the classes' places with groups."""
    places = np.repeat(np.arange(classes), quotas)
    if not len(places):
        return np.zeros(0, dtype=np.int64)
    # Numbered in the random order of the candidates, so that the matching prefers no group.
    group = pd.factorize(candidates["group"])[0]
    row_of = np.full((classes, group.max() + 1), -1)
    row_of[candidates["code"], group] = candidates["row"]
    partners = scipy.sparse.csgraph.maximum_bipartite_matching(
        scipy.sparse.csr_matrix(row_of[places] >= 0), perm_type="column"
    )
    found: np.ndarray = row_of[places[partners >= 0], partners[partners >= 0]]
    return found


def order_for(cases: tuple[str, ...], seed: int, reader: str) -> tuple[str, ...]:
    """Return the order in which a reader sees the cases: random, and always the same for a study and a reader.

    Args:
        cases: The cases by their hashes.
        seed: The seed of the study.
        reader: The pseudonym; upper and lower case do not matter.
    """
    own = int(sha256_bytes(f"{seed} {reader.casefold()}".encode())[:16], 16)
    places = np.random.default_rng(own).permutation(len(cases))
    return tuple(cases[place] for place in places)
