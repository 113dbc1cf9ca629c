"""One person's brain: the templates, deformed by an affine map, smooth noise, wider ventricles and a growing mass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from brainseg.phantom.fields import Noise, inside, smoothstep
from brainseg.phantom.head import Layer
from brainseg.phantom.templates import Templates

Push = Callable[[np.ndarray], np.ndarray]
"""Displacement (mm) by a mass of the tissue that is now at each point: (..., 3) -> (..., 3)."""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The deformation from scanner to template space: how one brain differs from the average.

    Attributes:
        atrophy: 0 (young, tight sulci) to 1 (wide sulci and ventricles).
        matrix: Linear part of the affine map, (3, 3): size, proportions and head tilt.
        shift: Its translation in mm.
        ventricles: Widening of the (left, right) lateral ventricle in mm; often unequal.
    """

    atrophy: float
    matrix: np.ndarray
    shift: np.ndarray
    ventricles: tuple[float, float]
    broad: tuple[Noise, Noise, Noise]
    folds: tuple[Noise, Noise, Noise]
    fold_mm: float
    sulci: Noise
    grey_texture: Noise

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Anatomy:
        """Draw a person."""
        atrophy = float(rng.beta(1.4, 2.2))
        widen = 3.4 * atrophy + rng.normal(-0.4, 0.5)
        uneven = rng.normal(0, 0.9)
        angles = rng.normal(0, np.deg2rad((3.0, 1.5, 2.5)))
        scale = rng.normal(1.0, 0.025) * rng.normal(1.0, (0.03, 0.025, 0.025))
        return cls(
            atrophy=atrophy,
            matrix=(_rotation(angles) @ np.diag(1 / scale)).astype(np.float32),
            shift=rng.normal(0, (2.0, 3.0, 2.0)).astype(np.float32),
            ventricles=(float(widen + uneven), float(widen - uneven)),
            broad=Noise.draw_three(rng),
            folds=Noise.draw_three(rng),
            fold_mm=float(rng.uniform(1.3, 2.2)),
            sulci=Noise.draw(rng),
            grey_texture=Noise.draw(rng),
        )

    def to_template(self, points: np.ndarray, templates: Templates, push: Push | None = None) -> np.ndarray:
        """Map scanner positions to template positions.

        Args:
            points: Scanner positions in mm, float32 (..., 3).
            templates: The average head.
            push: Displacement by a mass; it moves the brain but not the skull.

        Returns:
            float32 (..., 6): the template position for the head (3), then the one for the brain (3).
        """
        head = points @ self.matrix.T + self.shift
        head = head + 2.2 * np.stack([noise.at(points, 42.0) for noise in self.broad], -1)
        free = smoothstep(-templates.hull.at(head), 0.0, 9.0)[..., None]
        move = self.fold_mm * np.stack([noise.at(points, 9.0) for noise in self.folds], -1)
        if push is not None:
            move = move - push(points)
        brain = head + free * move
        brain = brain - free * self._widen(brain, templates)
        return np.concatenate([head, brain], -1).astype(np.float32)

    def _widen(self, brain: np.ndarray, templates: Templates) -> np.ndarray:
        """Return the outward displacement of the ventricles' walls (mm), which fades with distance."""
        distance = templates.ventricle.at(brain)
        right = smoothstep(brain[..., 0], -7.0, 7.0)
        amount = self.ventricles[0] * (1 - right) + self.ventricles[1] * right
        fade = np.exp(-np.maximum(distance, 0) / 9.0)
        normal = np.stack([field.at(brain) for field in templates.ventricle_normal], -1)
        moved: np.ndarray = (amount * fade)[..., None] * normal
        return moved

    def locate(self, targets: np.ndarray, templates: Templates) -> np.ndarray:
        """Return the scanner positions (n, 3) of template positions `targets` (n, 3), by fixed-point iteration."""
        points = targets.astype(np.float32)
        for _ in range(6):
            points = points + (targets - self.to_template(points, templates)[..., 3:])
        return points.astype(np.float32)

    def is_brain(self, head: np.ndarray, templates: Templates) -> np.ndarray:
        """Return which of the template positions `head` (n, 3) are brain, not skull or skull base, bool (n,)."""
        return (templates.hull.at(head) < 0) & (templates.brain_distance.at(head) < 2.5)

    def tissue(self, brain: np.ndarray, templates: Templates) -> tuple[np.ndarray, np.ndarray]:
        """Return the fractions of white matter and of fluid, each (n,), at template positions `brain` (n, 3)."""
        limit = 0.84 - 0.34 * self.atrophy + 0.10 * self.sulci.at(brain, 9.0)
        fluid = smoothstep(templates.fluid.at(brain) - limit, -0.16, 0.20)
        white = smoothstep(templates.white.at(brain), 0.30, 0.78)
        return white, fluid

    def layers(
        self, points: np.ndarray, brain: np.ndarray, hull: np.ndarray, templates: Templates
    ) -> tuple[list[Layer], np.ndarray, np.ndarray]:
        """Return the brain's layers, and the fractions of white matter and of fluid, at n points inside the head."""
        white, fluid = self.tissue(brain, templates)
        within = inside(hull)
        void = smoothstep(templates.brain_distance.at(brain), 2.5, 5.0)
        base = void * smoothstep(-brain[:, 2], 8, 20) * within  # the skull base, which fills hollows in the hull
        texture = self.grey_texture.at(points, 2.2)
        falx = inside(np.abs(brain[:, 0]) - 0.5, 1.2) * fluid * smoothstep(brain[:, 2], 8, 20) * within
        layers = [
            ("grey", within * (1 - fluid)),
            ("white", within * white * (1 - fluid) * np.clip(0.97 + 0.04 * texture, 0, 1)),
            ("bone", base * 0.8),
            ("marrow", base * smoothstep(texture, -0.2, 0.5) * 0.7),
            ("dura", falx * 0.7),
        ]
        return layers, white, fluid


def _rotation(angles: np.ndarray) -> np.ndarray:
    """Return the rotation matrix for small angles (radians) about x, y and z."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    rotation: np.ndarray = about_x @ about_y @ about_z
    return rotation
