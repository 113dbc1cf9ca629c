"""Pictures that `benchmarks.guard_fit` makes itself: patterns, shapes, pages, and outlines of heads filled with them.

`benchmarks.guard` draws its pictures with other code, so that none of them is measured with pictures that it fitted.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

SIDE = 192
LETTERS = list("abcdefghijklmnoprstuvwxyz    ,.AES123")


def pattern(rng: np.random.Generator) -> np.ndarray:
    """Return a drawn picture, (H, W, 3) uint8 in grey."""
    return _rgb([leaves, cloud, stripes, shapes, page][int(rng.integers(5))](rng))


def counterfeit(
    rng: np.random.Generator, slices: Sequence[np.ndarray], photographs: Sequence[np.ndarray]
) -> np.ndarray:
    """Return the outline of a head, or an ellipse, filled with something else, (H, W, 3) uint8 in grey.

    Args:
        rng: What chooses.
        slices: (H, W, 3) uint8 slices that give outlines and, in another order, parts.
        photographs: (H, W, 3) uint8 pictures that give what fills them.
    """
    inside = _silhouette(rng, slices)
    kind = rng.random()
    if kind < 0.55:
        fill = _part(rng, photographs[int(rng.integers(len(photographs)))])
    elif kind < 0.8:
        fill = [leaves, cloud, stripes][int(rng.integers(3))](rng)
    elif kind < 0.92:
        fill = _mixed(rng, slices[int(rng.integers(len(slices)))])
    else:
        fill = np.full((SIDE, SIDE), rng.uniform(0.3, 1))
    if rng.random() < 0.5:
        fill = fill * rng.uniform(0.5, 0.9) + rng.uniform(0.05, 0.3)
    deep = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    if rng.random() < 0.5:
        part = deep / max(float(deep.max()), 1)
        shade = rng.uniform(0.2, 1) + part if rng.random() < 0.7 else 1.2 - rng.uniform(0.2, 0.8) * part
        fill = fill * shade
    if rng.random() < 0.3:
        fill = np.where(deep < rng.uniform(3, 10), rng.uniform(0.5, 1), fill)
    noise = rng.normal(0, 0.02, inside.shape) if rng.random() < 0.3 else 0.0
    return _rgb(fill * cv2.GaussianBlur(inside.astype(np.float32), (0, 0), rng.uniform(0.3, 1.5)) + noise)


def leaves(rng: np.random.Generator) -> np.ndarray:
    """Return discs, polygons and ellipses that cover one another, (`SIDE`, `SIDE`) in 0..1.

    Such "dead leaves" have the statistics of photographs (Lee, Mumford and Huang 2001, "Occlusion models for natural
    images").
    """
    values = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(int(rng.integers(40, 400))):
        radius, level = min(SIDE / 2, 2.5 * float(rng.pareto(1.5)) + 2), float(rng.random())
        across, down = (int(place) for place in rng.uniform(0, SIDE, 2))
        kind = rng.integers(3)
        if kind == 0:
            cv2.circle(values, (across, down), int(radius), level, -1)
        elif kind == 1:
            corners = np.array([across, down]) + rng.uniform(-radius, radius, (int(rng.integers(3, 6)), 2))
            cv2.fillPoly(values, [corners.astype(np.int32)], level)
        else:
            axes, turn = (int(radius), int(radius * rng.uniform(0.2, 1))), float(rng.uniform(0, 180))
            cv2.ellipse(values, (across, down), axes, turn, 0, 360, level, -1)
    return cv2.GaussianBlur(values, (0, 0), rng.uniform(0.3, 2))


def cloud(rng: np.random.Generator) -> np.ndarray:
    """Return noise whose spectrum falls with a power of the frequency, (`SIDE`, `SIDE`) in 0..1."""
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[None])
    frequency[0, 0] = 1
    values = np.fft.ifft2(np.fft.fft2(rng.normal(size=(SIDE, SIDE))) / frequency ** rng.uniform(0.4, 2.2)).real
    low, high = np.percentile(values, (1, 99))
    clouds: np.ndarray = ((values - low) / (high - low)).clip(0, 1).astype(np.float32)
    return clouds


def stripes(rng: np.random.Generator) -> np.ndarray:
    """Return a sum of waves, or its black and white version, (`SIDE`, `SIDE`) in 0..1."""
    down, across = np.mgrid[:SIDE, :SIDE] / SIDE
    values = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(int(rng.integers(1, 5))):
        turn = rng.uniform(0, np.pi)
        along = across * np.cos(turn) + down * np.sin(turn)
        values += np.sin(np.pi * rng.uniform(2, 40) * along + rng.uniform(0, 6)).astype(np.float32)
    values = (values - values.min()) / np.ptp(values)
    return (values > 0.5).astype(np.float32) if rng.random() < 0.4 else values


def shapes(rng: np.random.Generator) -> np.ndarray:
    """Return one or two wavy shapes with others inside on black, as sections of other things, (`SIDE`, `SIDE`)."""
    values = np.full((SIDE, SIDE), rng.uniform(0, 0.08), np.float32)
    for _ in range(int(rng.integers(1, 3))):
        centre, radii = rng.uniform(0.35, 0.65, 2) * SIDE, rng.uniform(0.2, 0.48, 2) * SIDE
        cv2.fillPoly(values, [_wavy(rng, centre, radii)], rng.uniform(0.2, 0.8))
        for _ in range(int(rng.integers(0, 14))):
            part = _wavy(rng, centre + rng.uniform(-0.7, 0.7, 2) * radii, radii * rng.uniform(0.05, 0.5, 2))
            if rng.random() < 0.75:
                cv2.fillPoly(values, [part], rng.random())
            else:
                cv2.polylines(values, [part], True, rng.random(), 2)
    values = cv2.GaussianBlur(values, (0, 0), rng.uniform(0.4, 2.5))
    texture = (cloud(rng) - 0.5) * rng.uniform(0, 0.25) * (values > 0.1)
    noisy: np.ndarray = values + texture + rng.normal(0, rng.uniform(0, 0.03), values.shape)
    return noisy


def page(rng: np.random.Generator) -> np.ndarray:
    """Return letters and rectangles, black on white or white on black, (`SIDE`, `SIDE`) in 0..1."""
    values = np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(int(rng.integers(2, 14))):
        place = int(rng.integers(0, 20)), int(rng.integers(8, SIDE))
        size, thick = float(rng.uniform(0.3, 1)), int(rng.integers(1, 3))
        cv2.putText(values, "".join(rng.choice(LETTERS, 30)), place, int(rng.integers(0, 7)), size, 255, thick)
    for _ in range(int(rng.integers(0, 5))):
        one, other = (tuple(int(place) for place in rng.integers(0, SIDE, 2)) for _ in range(2))
        cv2.rectangle(values, one, other, int(rng.integers(256)), int(rng.choice([-1, 1, 2])))
    levels = values / np.float32(255)
    return 1 - levels if rng.random() < 0.5 else levels


def _rgb(values: np.ndarray) -> np.ndarray:
    return np.repeat((np.clip(values, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)


def _wavy(rng: np.random.Generator, centre: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Return the outline of a closed wavy curve, (N, 2) int32."""
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    waves = [0.3 * rng.normal(0, 0.5 / k**1.5) * np.cos(k * angle + rng.uniform(0, 6)) for k in range(2, 7)]
    radius = 1 + np.sum(waves, axis=0)
    outline: np.ndarray = (centre + radii * np.stack([np.cos(angle), np.sin(angle)], 1) * radius[:, None]).astype(
        np.int32
    )
    return outline


def _silhouette(rng: np.random.Generator, slices: Sequence[np.ndarray]) -> np.ndarray:
    """Return the filled outline of a slice or, of one in four, an ellipse, (`SIDE`, `SIDE`) uint8 in 0..1."""
    inside = np.zeros((SIDE, SIDE), np.uint8)
    if rng.random() < 0.75:
        grey = cv2.cvtColor(cv2.resize(slices[int(rng.integers(len(slices)))], (SIDE, SIDE)), cv2.COLOR_RGB2GRAY)
        level = cv2.GaussianBlur(grey / np.float32(max(np.percentile(grey, 99), 1)), (5, 5), 0)
        opened = cv2.morphologyEx((level > 0.15).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
        outlines, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        if outlines:
            cv2.drawContours(inside, [max(outlines, key=cv2.contourArea)], -1, 1, -1)
    if not 0.15 < inside.mean() < 0.85:
        inside[:] = 0
        centre, axes = (SIDE // 2 + rng.normal(0, 5, 2)).astype(int), rng.uniform(45, 90, 2).astype(int)
        turn = float(rng.choice([0, 90, rng.uniform(0, 180)]))
        cv2.ellipse(inside, tuple(map(int, centre)), tuple(map(int, axes)), turn, 0, 360, 1, -1)
    return inside


def _part(rng: np.random.Generator, photograph: np.ndarray) -> np.ndarray:
    """Return a square of a photograph in grey, (`SIDE`, `SIDE`) in 0..1; leaves if it shows nothing."""
    height, width = photograph.shape[:2]
    side = int(rng.uniform(0.3, 1) * min(height, width))
    top, left = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
    grey = cv2.cvtColor(photograph[top : top + side, left : left + side], cv2.COLOR_RGB2GRAY)
    values = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA) / np.float32(255)
    return values if values.std() > 0.04 else leaves(rng)


def _mixed(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """Return the tiles of a slice in another order, (`SIDE`, `SIDE`) in 0..1."""
    grey = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (SIDE, SIDE)) / np.float32(255)
    side = int(rng.choice([16, 24, 32, 48]))
    count = SIDE // side
    tiles = grey.reshape(count, side, count, side).swapaxes(1, 2).reshape(-1, side, side)
    tiles = rng.permutation(tiles).reshape(count, count, side, side)
    return tiles.swapaxes(1, 2).reshape(SIDE, SIDE)
