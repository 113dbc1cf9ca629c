"""The eight ways to place a square image on another: as it is, mirrored, or turned by quarter turns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Turn:
    """A way to place an image on another: first transposed or not, then mirrored up-down and left-right (-1) or not.

    >>> Turn(True, 1, -1).of(np.array([[1, 2], [3, 4]])).tolist()  # a quarter turn
    [[3, 1], [4, 2]]
    >>> Turn(True, 1, -1).inverse.of(np.array([[3, 1], [4, 2]])).tolist()
    [[1, 2], [3, 4]]
    """

    transposed: bool
    down: int
    across: int

    def of(self, images: np.ndarray) -> np.ndarray:
        """Return square images, (..., H, W), turned this way."""
        turned = images.swapaxes(-1, -2) if self.transposed else images
        return np.ascontiguousarray(turned[..., :: self.down, :: self.across])

    @property
    def inverse(self) -> Turn:
        """The turn that undoes this one."""
        return Turn(self.transposed, self.across, self.down) if self.transposed else self

    @property
    def matrix(self) -> np.ndarray:
        """What the turn does to a point (x, y), measured from the middle of the image: (2, 2) float64."""
        axes = np.eye(2)[::-1] if self.transposed else np.eye(2)
        moved: np.ndarray = np.diag([float(self.across), float(self.down)]) @ axes
        return moved


TURNS = [Turn(transposed, down, across) for transposed in (False, True) for down in (1, -1) for across in (1, -1)]
"""All turns; the first one leaves the image as it is."""


def _numbered() -> np.ndarray:
    numbers = np.zeros((2, 4), dtype=np.int64)
    for mirrored in (0, 1):
        for quarter in range(4):
            cosine, sine = [(1, 0), (0, 1), (-1, 0), (0, -1)][quarter]
            wanted = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([-1 if mirrored else 1, 1])
            numbers[mirrored, quarter] = next(
                number for number, turn in enumerate(TURNS) if np.array_equal(turn.matrix, wanted)
            )
    return numbers


BY_ANGLE = _numbered()
"""(2, 4): whether an image is mirrored left-right, and by how many quarter turns it is then turned -> place in
`TURNS`."""
