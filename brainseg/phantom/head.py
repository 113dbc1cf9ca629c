"""Everything around the brain: fluid, skull, marrow, muscle, fat and skin, and a rough face and neck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainseg.phantom.fields import Noise, inside, length, smoothstep

Layer = tuple[str, np.ndarray]
"""A tissue name and the fraction of each point that it covers; it is painted over the layers before it."""

SCALP_REACH_MM = 42.0
"""Points further than this from the brain's surface do not belong to the skull or the scalp."""


@dataclass(frozen=True, eq=False)
class HeadShape:
    """Thicknesses in mm of one person's skull and scalp, and how they vary over the head."""

    fluid: float
    inner: float
    marrow: float
    outer: float
    fat: float
    skin: float
    muscle: float
    sinus: float
    bone_noise: Noise
    scalp_noise: Noise
    texture: Noise

    @classmethod
    def draw(cls, rng: np.random.Generator, atrophy: float) -> HeadShape:
        """Draw a head; `atrophy` (0 to 1) widens the fluid around the brain."""
        return cls(
            fluid=float(rng.uniform(0.5, 1.2) + 1.5 * atrophy),
            inner=float(rng.uniform(1.1, 1.9)),
            marrow=float(rng.uniform(1.2, 4.2)),
            outer=float(rng.uniform(1.7, 2.7)),
            fat=float(rng.uniform(2.2, 5.8)),
            skin=float(rng.uniform(1.2, 2.2)),
            muscle=float(rng.uniform(5.0, 10.0)),
            sinus=float(rng.uniform(0.0, 10.0)),
            bone_noise=Noise.draw(rng),
            scalp_noise=Noise.draw(rng),
            texture=Noise.draw(rng),
        )

    def profile(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """Return the maps that vary slowly over the head, at template positions `points` (..., 3) in mm."""
        x, y, z = points[..., 0], points[..., 1], points[..., 2]
        bone, scalp = self.bone_noise.at(points, 22.0), self.scalp_noise.at(points, 26.0)
        behind = smoothstep(-y, 40, 110)
        temple = np.exp(-(((y - 8) / 26) ** 2) - ((z + 12) / 24) ** 2) * smoothstep(np.abs(x), 30, 50)
        forehead = np.exp(-(((x - 4) / 20) ** 2) - ((z + 4) / 15) ** 2) * smoothstep(y, 52, 62)
        neck = smoothstep(-z, 25, 60) * smoothstep(-y, 50, 80)
        return {
            "fluid": np.maximum(self.fluid * (1 + 0.5 * bone), 0.2),
            "inner": np.maximum(self.inner * (1 + 0.2 * scalp), 0.7),
            "marrow": np.maximum(self.marrow * (1 + 0.5 * bone) * (1 - 0.8 * temple) + 1.5 * behind, 0.0),
            "sinus": np.maximum(self.sinus * forehead - 1.5, 0.0),
            "outer": np.maximum(self.outer * (1 - 0.25 * bone), 0.8),
            "muscle": self.muscle * np.maximum(temple, 0.9 * neck),
            "fat": np.maximum(self.fat * (1 + 0.3 * scalp) * (1 + 0.25 * behind), 0.8),
        }

    def layers(self, points: np.ndarray, hull: np.ndarray, profile: dict[str, np.ndarray]) -> list[Layer]:
        """Return the layers from the skin inwards down to the fluid around the brain.

        Args:
            points: Template positions in mm, float32 (n, 3).
            hull: Signed distance in mm to the brain's outer surface, float32 (n,).
            profile: The maps from `profile` at the same points, each (n,).
        """
        fluid = profile["fluid"]  # each variable is the outer edge of that layer, in mm outside the brain
        dura = fluid + 0.7
        inner = dura + profile["inner"]
        marrow = inner + profile["marrow"] + profile["sinus"]
        skull = marrow + profile["outer"]
        muscle = skull + profile["muscle"]
        fat = muscle + profile["fat"]
        skin = fat + self.skin
        fine = self.texture.where(hull > -4, points, 1.6)  # deeper points are covered by the brain
        below = _below(points)
        layers = [
            ("skin", inside(np.minimum(hull - skin, below))),
            ("fat", inside(np.minimum(hull - fat, below + self.skin)) * (1 - 0.25 * smoothstep(fine, 0.7, 1.6))),
        ]
        layers += self._face(points, fine, below)
        layers += [
            ("muscle", inside(hull - muscle) * smoothstep(profile["muscle"], 0.6, 2.0) * (1 - 0.3 * (fine > 1.2))),
            ("bone", inside(hull - skull)),
            ("marrow", inside(hull - marrow) * inside(inner - hull) * np.clip(0.85 + 0.15 * fine, 0, 1)),
            ("air", inside(hull - marrow) * inside(inner - hull) * smoothstep(profile["sinus"], 0.3, 1.2)),
            ("dura", inside(hull - dura)),
            ("fluid", inside(hull - fluid)),
        ]
        return layers

    def _face(self, points: np.ndarray, fine: np.ndarray, below: np.ndarray) -> list[Layer]:
        """Return soft tissue, airways and eyes below the skull; axial slices hardly show them."""
        y, z = points[..., 1], points[..., 2]
        if not (z < -18).any():
            return []
        coarse = self.bone_noise.at(points, 5.0)
        deep = smoothstep(-below, 3.0, 8.0) * smoothstep(-z, 18, 26)
        airways = np.minimum(
            _ellipsoid(points, (0, 66, -46), (13, 20, 24)) + 2.5 * coarse, _ellipsoid(points, (0, 26, -88), (9, 7, 34))
        )
        cells = _ellipsoid(np.abs(points) * (1, 0, 0) + points * (0, 1, 1), (46, -32, -36), (13, 14, 16))
        eye = np.minimum(*(_ellipsoid(points, (s * 32, 58, -36), (12.5, 12.5, 12)) for s in (-1, 1)))
        orbit = np.minimum(*(_ellipsoid(points, (s * 29, 46, -36), (18, 26, 17)) for s in (-1, 1)))
        septa = smoothstep(0.34 - np.abs(coarse + 0.3 * fine), 0.0, 0.25)  # fat between muscles: thin winding sheets
        jaw = smoothstep(0.5 * coarse - 0.02 * y + 0.012 * z, 0.5, 0.9)
        return [
            ("muscle", deep * np.clip(0.9 + 0.07 * fine, 0, 1)),
            ("fat", deep * septa * 0.6),
            ("bone", deep * jaw * 0.7),
            ("fat", inside(orbit) * 0.9),
            ("air", inside(airways) * smoothstep(-z, 18, 26)),
            ("air", inside(cells) * smoothstep(fine, -0.3, 0.3) * 0.9),
            ("muscle", inside(eye - 1.2)),
            ("vitreous", inside(eye)),
            *_spine(points),
        ]


def _spine(points: np.ndarray) -> list[Layer]:
    """Return the spinal canal with its cord, and vertebrae with discs between them, below the skull."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    canal = np.sqrt(x**2 + (y + 46) ** 2)
    body = np.maximum(np.abs(x) - 13, np.abs(y + 24) - 10)
    low = smoothstep(-z, 74, 80)
    disc = smoothstep(np.abs(np.mod(z, 18.0) - 9.0), 6.2, 7.4)
    return [
        ("marrow", inside(body, 2.0) * low),
        ("bone", inside(body, 2.0) * low * (0.4 + 0.6 * disc)),
        ("bone", inside(canal - 12, 2.0) * low),
        ("fluid", inside(canal - 10, 2.0) * low),
        ("white", inside(canal - 5.5, 2.0) * low),
    ]


def _ellipsoid(points: np.ndarray, centre: tuple[float, ...], radii: tuple[float, ...]) -> np.ndarray:
    """Return the rough signed distance in mm to an ellipsoid."""
    scaled = (points - np.array(centre, np.float32)) / np.array(radii, np.float32)
    return ((length(scaled) - 1) * min(radii)).astype(np.float32)


def _below(points: np.ndarray) -> np.ndarray:
    """Return the rough signed distance in mm to the face and the neck."""
    if not (points[..., 2] < 12).any():
        return np.full(len(points), 99.0, np.float32)
    face = _ellipsoid(points, (0, 26, -66), (64, 66, 74))
    nose = _ellipsoid(points, (0, 84, -58), (15, 22, 24))
    neck = (np.sqrt((points[..., 0] / 54) ** 2 + ((points[..., 1] + 32) / 58) ** 2) - 1) * 54
    neck = np.maximum(neck, points[..., 2] + 45)
    below: np.ndarray = np.minimum(np.minimum(face, nose), neck)
    return below
