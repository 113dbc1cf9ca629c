"""Structures that look like tumours but are not: hyperintensities, old infarcts, cysts, vessels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from brainseg.phantom.anatomy import Anatomy
from brainseg.phantom.fields import Noise, inside, length, smoothstep
from brainseg.phantom.head import Layer
from brainseg.phantom.templates import Templates


@dataclass(frozen=True, eq=False)
class Blobs:
    """Small irregular spots: centres (n, 3) and radii (n,) in mm."""

    centres: np.ndarray
    radii: np.ndarray

    def distance(self, points: np.ndarray, rough: Noise) -> np.ndarray:
        """Return the signed distance in mm to the nearest spot at `points` (n, 3); `rough` makes outlines uneven."""
        best = np.full(len(points), 99.0, np.float32)
        if len(points) == 0 or len(self.radii) == 0:
            return best
        columns = np.ascontiguousarray(points.T)
        low, high = columns.min(1), columns.max(1)
        for centre, radius in zip(self.centres, self.radii, strict=True):
            reach = np.float32(1.5 * radius + 4)
            if (centre < low - reach).any() or (centre > high + reach).any():
                continue  # the slice does not meet it
            close = [np.abs(column - at) < reach for column, at in zip(columns, centre, strict=True)]
            near = np.flatnonzero(close[0] & close[1] & close[2])
            gap = length(points[near] - centre) - radius * (1 + 0.4 * rough.at(points[near], 1.8))
            best[near] = np.minimum(best[near], gap)
        return best


@dataclass(frozen=True, eq=False)
class HardNegatives:
    """Structures that people without a tumour also have; drawn in the same way for both classes."""

    spots: Blobs
    infarcts: Blobs
    cysts: Blobs
    spaces: Blobs
    caps_mm: float
    strength: float
    vessel_mm: float
    noises: tuple[Noise, Noise, Noise]

    @classmethod
    def draw(
        cls, rng: np.random.Generator, anatomy: Anatomy, templates: Templates, focus: np.ndarray, normal: int
    ) -> HardNegatives:
        """Draw them; half of the spots are near the plane through `focus`, so the drawn slices show some."""
        load = rng.gamma(1.2, 1.0) * (0.5 + anatomy.atrophy)
        targets = anatomy.locate(rng.choice(templates.white_points, 400), templates)
        near = np.abs(targets[:, normal] - focus[normal]) < 9
        ranked = np.concatenate([targets[near], targets[~near]])
        count = min(int(3 + 11 * load), 40)
        half = count // 2
        spots = np.concatenate([ranked[:half], targets[-(count - half) :]])
        infarcts = int(rng.uniform() < 0.07)
        surface = rng.choice(templates.brain_points, 300)
        depth = -templates.hull.at(surface)
        surface = anatomy.locate(surface[(depth > 1) & (depth < 4) & (surface[:, 2] > -20)][:40], templates)
        surface = surface[np.argsort(np.abs(surface[:, normal] - focus[normal]), kind="stable")]
        surface = surface[: int(rng.uniform() < 0.04)]
        spaces = int(rng.integers(0, 14))
        return cls(
            spots=Blobs(spots, np.clip(np.exp(rng.normal(0.55, 0.5, count)), 0.9, 6.0)),
            infarcts=Blobs(ranked[half : half + infarcts], rng.uniform(2.5, 8.0, infarcts)),
            cysts=Blobs(surface, rng.uniform(5.0, 14.0, len(surface))),
            spaces=Blobs(ranked[half + 1 : half + 1 + spaces], rng.uniform(0.6, 1.3, spaces)),
            caps_mm=float(rng.uniform(0.3, 2.0) + 2.6 * min(load, 2.5) * rng.uniform()),
            strength=float(rng.uniform(0.40, 0.75)),
            vessel_mm=float(rng.uniform(0.5, 1.2)),
            noises=Noise.draw_three(rng),
        )

    def mild(self) -> HardNegatives:
        """Return those of a healthy young brain: vessels and plexus, nothing that looks like a tumour."""
        none = Blobs(np.zeros((0, 3), np.float32), np.zeros(0, np.float32))
        return replace(self, spots=none, infarcts=none, cysts=none, spaces=none, caps_mm=0.3)

    def layers(
        self,
        points: np.ndarray,
        brain: np.ndarray,
        hull: np.ndarray,
        white: np.ndarray,
        fluid: np.ndarray,
        templates: Templates,
    ) -> dict[str, list[Layer]]:
        """Return the layers of each family at n points, from scanner and template positions, hull and tissue."""
        rough = self.noises[2]
        deep = inside(hull + 1.0)
        ventricle = templates.ventricle.at(brain)
        caps = inside(ventricle - self.caps_mm * (1 + 0.6 * rough.where(ventricle < 16, points, 4.0)), 2.5) * white
        spots = inside(self.spots.distance(points, rough), 1.6) * np.sqrt(white)
        cavity = self.infarcts.distance(points, rough)
        cyst = inside(self.cysts.distance(points, rough), 1.2) * inside(hull - 1.0)
        spaces = inside(self.spaces.distance(points, rough), 1.0) * white
        plexus = inside(ventricle + 1.5) * smoothstep(self.noises[0].where(ventricle < -0.5, points, 1.9), 0.6, 1.3)
        plexus = plexus * smoothstep(-brain[:, 1], 5, 25)
        return {
            "hyperintensities": [("hyperintensity", np.maximum(caps, spots) * (1 - fluid) * deep * self.strength)],
            "spaces": [("fluid", spaces * 0.8)],
            "infarcts": [
                ("gliosis", inside(cavity - 2.2, 1.8) * deep * (1 - fluid) * 0.85),
                ("fluid", inside(cavity, 1.4) * deep * 0.95),
            ],
            "cysts": [("fluid", cyst)],
            "plexus": [("plexus", plexus * fluid * 0.8)],
            "vessels": [("vessel", np.maximum(self._vessels(points, hull, fluid), self._sinus(brain, hull)))],
        }

    def _vessels(self, points: np.ndarray, hull: np.ndarray, fluid: np.ndarray) -> np.ndarray:
        """Return vessels in the sulci: winding tubes where two random surfaces cross."""
        scale = 6.5
        # The noise changes by about 1/scale per mm, so this is the distance in mm from the tube's axis.
        room = inside(hull) * smoothstep(fluid, 0.15, 0.6)
        first, second = (noise.where(room > 0, points, scale) for noise in self.noises[:2])
        axis = scale * np.sqrt(first**2 + second**2)
        vessels: np.ndarray = inside(axis - self.vessel_mm, 1.0) * room
        return vessels

    def _sinus(self, brain: np.ndarray, hull: np.ndarray) -> np.ndarray:
        """Return the superior sagittal sinus, at the midline under the skull."""
        across = np.abs(brain[:, 0]) * 0.9 + np.abs(hull + 0.5) * 0.8
        place = np.maximum(smoothstep(brain[:, 2], 28, 45), smoothstep(-brain[:, 1], 62, 80) * (brain[:, 2] > -12))
        sinus: np.ndarray = inside(across - 3.2, 1.2) * place * inside(hull - 1.6)
        return sinus
