"""Tumours, and the hard negatives that look like them: hyperintensities, old infarcts, cysts, vessels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from brainseg.phantom.anatomy import Anatomy
from brainseg.phantom.fields import Noise, inside, length, smoothstep
from brainseg.phantom.head import Layer
from brainseg.phantom.templates import Templates

MIN_DIAMETER_MM = 5.0
MAX_DIAMETER_MM = 40.0
"""Every visible cross-section's diameter (that of the circle of equal area) lies between these."""


@dataclass(frozen=True)
class Kind:
    """A family of tumours; ranges are uniform unless said otherwise, lengths in mm, shares of 1."""

    share: float
    diameter: tuple[float, float]
    strength: tuple[float, float]
    enhancement: tuple[float, float]
    ring: float
    oedema: tuple[float, float]
    edge: tuple[float, float]
    roughness: tuple[float, float]
    depth: tuple[float, float]
    from_white: bool = True
    """Whether it begins in white matter, or anywhere in the brain's tissue."""


# The families are caricatures, not epidemiology: all figures are chosen for looks, and so that a few hundred slices
# can teach them in all four contrasts.
KINDS = {
    "ring": Kind(0.66, (28, 39), (0.95, 1.0), (0.9, 1.0), 0.85, (4, 10), (1.0, 2.0), (0.14, 0.26), (6, 60)),
    "diffuse": Kind(0.04, (26, 39), (0.95, 1.0), (0.4, 0.7), 0.0, (0, 4), (1.5, 2.5), (0.14, 0.30), (8, 60)),
    "metastasis": Kind(0.14, (6.5, 34), (0.95, 1.0), (0.9, 1.0), 0.5, (3, 8), (0.9, 1.6), (0.05, 0.14), (6, 60)),
    "dural": Kind(0.16, (22, 38), (0.95, 1.0), (0.9, 1.0), 0.1, (0, 5), (0.8, 1.5), (0.07, 0.16), (2, 9), False),
}

CLEAR_KINDS = {
    "ring": Kind(1.0, (28, 39), (1.0, 1.0), (1.0, 1.0), 0.8, (8, 18), (1.0, 2.2), (0.14, 0.26), (5, 60)),
}
"""Large and bright, for a set that a small training can learn."""

_LIMITS = ((-60.0, -84.0, -22.0), (60.0, 52.0, 58.0))  # template positions in mm, where a centre may lie


@dataclass(frozen=True, eq=False)
class Tumour:
    """An irregular mass, as a level set in scanner space (mm).

    Attributes:
        kind: A key of `KINDS`.
        centre: Scanner position in mm, (3,).
        radius: Scale in mm; `diameter_mm` is the diameter of the largest cross-section across the slice's normal.
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
        """Draw a tumour whose largest cross-section across axis `normal` is at least `smallest` mm wide."""
        names = list(kinds)
        name = names[rng.choice(len(names), p=[kinds[key].share for key in names])]
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
        """Return the shape scaled so that its largest cross-section has the diameter asked for."""
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
        """Return how far the mass has pushed what is now at `points` (..., 3): outwards, fading over centimetres."""
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
            distance: What `distance` says of them.
            within: Share of each point that lies inside the brain's surface.
            white: Share of white matter, along which oedema spreads.
            fluid: Share of fluid, where it cannot spread.
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
    """Draw a centre (scanner mm) in the tissue and at the depth below the surface that the kind begins in."""
    targets = rng.choice(templates.white_points if kind.from_white else templates.brain_points, 400)
    depth = -templates.hull.at(targets)
    fits = (depth > kind.depth[0]) & (depth < kind.depth[1])
    fits &= ((targets > _LIMITS[0]) & (targets < _LIMITS[1])).all(-1)
    centre: np.ndarray = anatomy.locate(targets[np.argmax(fits)][None], templates)[0]
    return centre


@dataclass(frozen=True, eq=False)
class Blobs:
    """Small irregular spots: centres (n, 3) and radii (n,) in mm."""

    centres: np.ndarray
    radii: np.ndarray

    def distance(self, points: np.ndarray, rough: Noise) -> np.ndarray:
        """Return the signed distance in mm to the nearest spot at `points` (n, 3), unevenly outlined by `rough`."""
        best = np.full(len(points), 99.0, np.float32)
        if len(points) == 0 or len(self.radii) == 0:
            return best
        columns = np.ascontiguousarray(points.T)
        low, high = columns.min(1), columns.max(1)
        for centre, radius in zip(self.centres, self.radii, strict=True):
            reach = np.float32(1.5 * radius + 4)
            if (centre < low - reach).any() or (centre > high + reach).any():
                continue  # the slice passes it by
            close = [np.abs(column - at) < reach for column, at in zip(columns, centre, strict=True)]
            near = np.flatnonzero(close[0] & close[1] & close[2])
            gap = length(points[near] - centre) - radius * (1 + 0.4 * rough.at(points[near], 1.8))
            best[near] = np.minimum(best[near], gap)
        return best


@dataclass(frozen=True, eq=False)
class HardNegatives:
    """What people without a tumour have too; drawn alike for both classes."""

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
        """Draw them; half of the spots lie near the plane through `focus`, so that the slices drawn meet some."""
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
        """Return those of a healthy young brain: vessels and plexus, nothing that could pass for a tumour."""
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
        """Return the layers of each family at n points, from positions in scanner and template, hull, and tissue."""
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
        """Return vessels in the sulci: where two random surfaces cross there is a winding tube."""
        scale = 6.5
        # The noise changes by about 1/scale a mm, so that this is the distance in mm from the tube's axis.
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
