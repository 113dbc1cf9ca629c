"""Tumours: their kinds, outlines and layers of tissue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from brainseg.phantom.anatomy import Anatomy
from brainseg.phantom.fields import Noise, inside, length
from brainseg.phantom.head import Layer
from brainseg.phantom.templates import Templates

MIN_DIAMETER_MM = 5.0
MAX_DIAMETER_MM = 40.0
"""Smallest and largest diameter of a visible cross-section, as the diameter of a circle of equal area."""


@dataclass(frozen=True)
class Kind:
    """A family of tumours; ranges are uniform unless stated otherwise, lengths in mm, fractions from 0 to 1."""

    proportion: float
    diameter: tuple[float, float]
    strength: tuple[float, float]
    enhancement: tuple[float, float]
    ring: float
    oedema: tuple[float, float]
    edge: tuple[float, float]
    roughness: tuple[float, float]
    depth: tuple[float, float]
    from_white: bool = True
    """Whether it starts in white matter, or anywhere in brain tissue."""


# The families are simplified and not epidemiology: all numbers are chosen to look realistic, and to be learnable from a
# few hundred slices in all four sequences.
KINDS = {
    "ring": Kind(0.66, (28, 39), (0.95, 1.0), (0.9, 1.0), 0.85, (4, 10), (1.0, 2.0), (0.14, 0.26), (6, 60)),
    "diffuse": Kind(0.04, (26, 39), (0.95, 1.0), (0.4, 0.7), 0.0, (0, 4), (1.5, 2.5), (0.14, 0.30), (8, 60)),
    "metastasis": Kind(0.14, (6.5, 34), (0.95, 1.0), (0.9, 1.0), 0.5, (3, 8), (0.9, 1.6), (0.05, 0.14), (6, 60)),
    "dural": Kind(0.16, (22, 38), (0.95, 1.0), (0.9, 1.0), 0.1, (0, 5), (0.8, 1.5), (0.07, 0.16), (2, 9), False),
}

CLEAR_KINDS = {
    "ring": Kind(1.0, (28, 39), (1.0, 1.0), (1.0, 1.0), 0.8, (8, 18), (1.0, 2.2), (0.14, 0.26), (5, 60)),
}
"""Large, bright tumours, for a dataset that a short training can learn."""

_LIMITS = ((-60.0, -84.0, -22.0), (60.0, 52.0, 58.0))  # range of centres, as template positions in mm


@dataclass(frozen=True, eq=False)
class Tumour:
    """An irregular mass, as a level set in scanner space (mm).

    Attributes:
        kind: A key of `KINDS`.
        centre: Scanner position in mm, (3,).
        radius: Scale in mm; `diameter_mm` is the diameter of the largest cross-section parallel to the slice.
    """

    kind: str
    centre: np.ndarray
    radius: float
    diameter_mm: float
    axes: np.ndarray
    lobes: np.ndarray
    roughness: float
    edge: float
    strength: float
    enhancement: float
    rim: float
    oedema: float
    mass_mm: float
    noises: tuple[Noise, Noise, Noise]

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator,
        anatomy: Anatomy,
        templates: Templates,
        normal: int,
        smallest: float,
        kinds: Mapping[str, Kind] = KINDS,
    ) -> Tumour:
        """Draw a tumour whose largest cross-section perpendicular to axis `normal` is at least `smallest` mm wide."""
        names = list(kinds)
        name = names[rng.choice(len(names), p=[kinds[key].proportion for key in names])]
        kind = kinds[name]
        low = max(kind.diameter[0], smallest)
        high = max(kind.diameter[1], low)
        diameter = float(low + (high - low) * rng.beta(1.6, 1.2))
        turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
        stretch = np.exp(rng.normal(0, 0.16, 3))
        lobes = np.concatenate([rng.normal(0, 0.42, (2, 3)), rng.uniform(0.45, 0.8, (2, 1))], axis=1)
        shape = cls(
            kind=name,
            centre=_centre(rng, anatomy, templates, kind),
            radius=1.0,
            diameter_mm=diameter,
            axes=(turn @ np.diag(stretch) @ turn.T).astype(np.float32),
            lobes=lobes.astype(np.float32),
            roughness=float(rng.uniform(*kind.roughness)),
            edge=float(rng.uniform(*kind.edge)) * min(1.0, diameter / 18),
            strength=float(rng.uniform(*kind.strength)),
            enhancement=float(rng.uniform(*kind.enhancement)),
            rim=float(rng.uniform(0.16, 0.36)) if rng.uniform() < kind.ring else 0.0,
            oedema=float(rng.uniform(*kind.oedema)),
            mass_mm=float(rng.uniform(0.10, 0.28)) * diameter,
            noises=Noise.draw_three(rng),
        )
        return shape._scaled(normal)

    def _scaled(self, normal: int) -> Tumour:
        """Return the shape, scaled to the wanted diameter of its largest cross-section."""
        axis = np.linspace(-2.2, 2.2, 34, dtype=np.float32)
        cube = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1)
        across = tuple(i for i in range(3) if i != normal)
        area = (self._level(cube) < 0).sum(axis=across).max() * (axis[1] - axis[0]) ** 2
        return replace(self, radius=float(self.diameter_mm / (2 * np.sqrt(max(area, 0.05) / np.pi))))

    def _level(self, unit: np.ndarray) -> np.ndarray:
        """Return the level set (negative inside) at positions relative to the centre, in units of the radius."""
        ball = length(unit @ self.axes) - 1
        for x, y, z, size in self.lobes:
            lobe = length(unit - np.array((x, y, z), np.float32)) - size
            gap = np.clip(0.5 + (lobe - ball) / 0.5, 0, 1)
            ball = lobe + (ball - lobe) * gap - 0.25 * gap * (1 - gap)  # a smooth union of the two
        rough = self.roughness * (self.noises[0].at(unit, 0.42) + 0.45 * self.noises[1].at(unit, 0.17))
        return (ball + rough).astype(np.float32)

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Return the approximate signed distance in mm to the tumour's outline at `points` (..., 3)."""
        return self._level((points - self.centre) / np.float32(self.radius)) * np.float32(self.radius)

    def push(self, points: np.ndarray) -> np.ndarray:
        """Return the displacement of tissue now at `points` (..., 3): outwards, and fading over centimetres."""
        offset = points - self.centre
        reach = length(offset)[..., None] + 1e-3
        half = self.diameter_mm / 2
        amount = self.mass_mm * np.where(reach < half, reach / half, np.exp(-(reach - half) / (12 + half)))
        moved: np.ndarray = amount * offset / reach
        return moved.astype(np.float32)

    def near(self, points: np.ndarray) -> np.ndarray:
        """Return which of `points` (n, 3) the tumour or its oedema may reach, bool (n,)."""
        reach = 0.9 * self.diameter_mm + 2 * self.oedema + 3
        return length(points - self.centre) < reach

    def layers(
        self, points: np.ndarray, distance: np.ndarray, within: np.ndarray, white: np.ndarray, fluid: np.ndarray
    ) -> list[Layer]:
        """Return oedema, solid part, rim and necrosis at `points` (n, 3).

        Args:
            points: Scanner positions in mm.
            distance: The result of `distance` for them.
            within: Fraction of each point that is inside the brain's surface.
            white: Fraction of white matter, along which oedema spreads.
            fluid: Fraction of fluid, where it cannot spread.
        """
        patch = self.noises[2].at(points, 0.22 * self.radius + 0.8)
        fine = self.noises[1].at(points, 1.5)
        fingers = self.oedema * np.clip(1 + 0.45 * self.noises[2].at(points, 5.0), 0, 2) - 0.4
        swollen = inside(distance - np.maximum(fingers, 0), 4.0) * (0.12 + 0.88 * white) * (1 - fluid)
        solid = inside(distance, self.edge) * within
        core = 0.0
        layers = [
            ("oedema", swollen * within * self.strength * min(1.0, self.oedema / 2.5)),
            ("tumour", solid * self.strength * np.clip(0.92 + 0.10 * patch + 0.05 * fine, 0, 1)),
        ]
        if self.rim > 0:
            thickness = self.rim * self.radius * np.clip(1 + 0.5 * patch, 0.25, 2)
            core = inside(distance + thickness, 1.5) * within
            layers.append(("necrosis", core * self.strength))
        bright = self.enhancement * np.clip(0.85 + 0.22 * patch + 0.08 * fine, 0.1, 1)
        layers.append(("enhancing", solid * (1 - core) * bright))
        return layers


def _centre(rng: np.random.Generator, anatomy: Anatomy, templates: Templates, kind: Kind) -> np.ndarray:
    """Draw a centre (scanner mm) in the tissue and at the depth below the surface where this kind starts."""
    targets = rng.choice(templates.white_points if kind.from_white else templates.brain_points, 400)
    depth = -templates.hull.at(targets)
    fits = (depth > kind.depth[0]) & (depth < kind.depth[1])
    fits &= ((targets > _LIMITS[0]) & (targets < _LIMITS[1])).all(-1)
    centre: np.ndarray = anatomy.locate(targets[np.argmax(fits)][None], templates)[0]
    return centre
