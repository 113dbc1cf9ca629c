"""The training images of a run that its network sees as most similar to another image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainseg.models.neighbours import NEIGHBOURS, load_neighbours
from brainseg.results import stored_results
from brainseg.results.run_files import reading, run_file
from brainseg.runs import Run, RunStore

SHOWN = 5
"""Number of similar images that are shown."""


@dataclass(frozen=True)
class SimilarCase:
    """One similar training image.

    Attributes:
        path: As in the run's split.
        label: Its class.
        sha256: Hash of its bytes when the run read it.
        similarity: The cosine between its features and those of the image, -1..1.
    """

    path: str
    label: str
    sha256: str
    similarity: float


@dataclass(frozen=True)
class SimilarCases:
    """The most similar training images.

    Attributes:
        cases: The images, most similar first.
        searched: Number of training images that were searched.
        learnt: Number of all training images.
    """

    cases: tuple[SimilarCase, ...]
    searched: int
    learnt: int

    @property
    def labels(self) -> dict[str, int]:
        """Class -> how many of the cases are of it."""
        names = [case.label for case in self.cases]
        return {name: names.count(name) for name in dict.fromkeys(names)}


def similar_cases(store: RunStore, run: Run, features: np.ndarray, count: int = SHOWN) -> SimilarCases | None:
    """Return the training images that are most similar to an image.

    Args:
        store: The store of the run.
        run: A finished run.
        features: (F,) float, the image's pooled features by the run's network.
        count: Most images to return.

    Returns:
        The images; None if the run did not store the features of its training images.

    Raises:
        RunError: A stored file is damaged.
    """
    file, split = run_file(store, run, NEIGHBOURS), stored_results.split(store, run)
    if file is None or split is None:
        return None
    with reading(NEIGHBOURS, run):
        neighbours = load_neighbours(file)
        if len(neighbours.rows) and neighbours.rows.max() >= len(split):
            raise ValueError("rows beyond the split")
        found = neighbours.nearest(features, count)
    rows = [(split.iloc[row], similarity) for row, similarity in found]
    cases = [SimilarCase(row["path"], row["label"], row["sha256"], similarity) for row, similarity in rows]
    return SimilarCases(tuple(cases), len(neighbours.rows), int((split["split"] == "train").sum()))
